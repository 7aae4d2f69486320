"""Photos of colours that a model of three does not know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import Unknown
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import EvaluateRecord, evaluate_model, score_samples
from edgekit.evaluate.options import EvaluateConfig, TtaConfig
from edgekit.evaluate.photos import Chosen
from edgekit.evaluate.strangers import part_strangers, strangers_of
from edgekit.evaluate.tta import OWN, compare_crops
from edgekit.evaluate.tta_tables import flip_rows
from edgekit.metrics.breakdown import with_unknown_column
from edgekit.modelfile.write import update_contract
from edgekit.records import from_plain, plain
from edgekit.runtime import read_bundle

# Red, green and blue are the model's; a grey photo is a third of each to it.
COLOURS = {"r": (255, 0, 0), "g": (0, 255, 0), "b": (0, 0, 255), "grey": (90, 90, 90), "ruby": (200, 20, 20)}


@pytest.fixture
def labels(three_colours_file):
    return read_bundle(three_colours_file).contract.labels


@pytest.fixture
def photos(tmp_path, labels):
    """``photos(only=…)``: two photos of each colour, those of the model under its own names; with a split three."""

    def make(name="photos", *, only=tuple(COLOURS), split=""):
        samples = []
        for place, (colour, value) in enumerate(COLOURS.items()):
            if colour not in only:
                continue
            label = labels[place] if place < 3 else colour
            for number in range(3 if split else 2):
                path = f"{label}/{number}.png"
                (tmp_path / name / label).mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (24, 20), tuple(max(0, one - 8 * number) for one in value)).save(
                    tmp_path / name / path
                )
                part = ("train", "train", "test")[number] if split else ""
                samples.append(Sample(path=path, label=label, split=part))
        write_manifest(tmp_path / name / "manifest.csv", samples)
        return load_dataset(tmp_path / name, known=labels)

    return make


@pytest.fixture
def model(tmp_path, three_colours_file):
    """The model of three colours with a rule for unknown."""
    contract = read_bundle(three_colours_file).contract
    decision = replace(contract.decision, early_stop=None)
    ruled = contract.with_decision(decision).with_unknown(Unknown(rule="probability", threshold=0.5, false_reject=0.0))
    update_contract(three_colours_file, ruled, out=tmp_path / "model.tflite")
    return tmp_path / "model.tflite"


def test_each_class_that_the_model_does_not_know_is_told(model, photos, labels):
    found = evaluate_model(model, photos())
    told = found.open_set
    assert [(one.label, one.accepted.errors, one.accepted.n) for one in told.classes] == [
        ("grey", 0, 2),
        ("ruby", 2, 2),
    ]
    assert told.classes[1].called == labels[0]
    assert (told.known, told.unknown, told.rejected.errors, told.accepted.errors) == (6, 4, 0, 2)
    assert (told.closed_accuracy, told.open_accuracy, told.cost.value) == (1.0, 1.0, 0.0)
    assert told.auroc.value > 0.5
    # They count nowhere else.
    assert (found.evaluation.report.n, found.labels) == (6, labels)
    assert from_plain(EvaluateRecord, plain(found), where="here") == found


@pytest.fixture
def strict(model, photos, tmp_path):
    """The model with a threshold that takes the darker one of each two photos of a colour."""
    bundle, dataset = read_bundle(model), photos("known", only=("r", "g", "b"))
    scores = score_samples(bundle, dataset, dataset.samples, crops=3).voted_all(bundle.contract).unknown
    bright, dark = (scores[[one.path.endswith(f"{number}.png") for one in dataset.samples]] for number in (0, 1))
    assert bright.max() < dark.min()
    between = float(bright.max() + dark.min()) / 2
    ruled = bundle.contract.with_unknown(replace(bundle.contract.unknown, threshold=between, false_accept=0.817))
    update_contract(model, ruled, out=tmp_path / "strict.tflite")
    return tmp_path / "strict.tflite", dataset


def test_a_known_photo_that_is_called_unknown_is_wrong_everywhere(strict):
    found = evaluate_model(*strict)
    assert (found.detail.unknown, found.evaluation.report.abstained, found.open_set.rejected.errors) == (3, 3, 3)
    assert found.detail.confusion == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert with_unknown_column(found.detail.confusion, found.detail.table.classes)[0] == (1, 0, 0, 1)
    assert [one.recall for one in found.detail.table.classes] == [0.5, 0.5, 0.5]
    assert found.evaluation.balanced_accuracy.value == found.open_set.open_accuracy == 0.5
    assert found.open_set.closed_accuracy == 1.0
    # Scores and certainty are of the labels, which are all right.
    assert found.detail.risk.aurc.value == 0
    assert {one.predicted for one in found.detail.mistakes} == {"unknown"}
    assert all(one.score >= found.open_set.threshold for one in found.detail.mistakes)
    assert from_plain(EvaluateRecord, plain(found), where="here") == found


def test_a_study_of_crops_counts_what_the_rule_takes(strict):
    file, dataset = strict
    found = compare_crops([file], dataset, TtaConfig(crops=(1, 3), plans=((OWN, None),)))
    assert [one.unknown for one in found.points] == [3, 3, 3]
    assert [one.balanced_accuracy.value for one in found.points] == [0.5, 0.5, 0.5]
    columns, rows = flip_rows(found, "strict")
    assert [row[columns.index("called unknown")] for row in rows] == ["3", "3", "3"]


def test_where_most_unknown_photos_pass_a_caution_says_so(strict, model, photos):
    file, dataset = strict
    (said,) = [evaluate_model(file, dataset).caution]
    assert "81.7 % of those of classes that training held out in turn" in said
    assert "more classes, other photos of each" in said
    assert "a larger --unknown-cost" in said
    ruby = evaluate_model(model, photos(only=("r", "g", "b", "ruby"))).caution
    assert "100.0 % of the photos of classes that the model does not know" in ruby
    assert "unknown" not in evaluate_model(model, photos("half")).caution


def test_without_such_photos_the_cost_alone_is_told(model, photos):
    told = evaluate_model(model, photos(only=("r", "g", "b"))).open_set
    assert (told.unknown, told.auroc, told.classes, told.rejected.n) == (0, None, (), 6)


def test_fewer_crops(model, photos):
    assert evaluate_model(model, photos(), EvaluateConfig(crops=1)).open_set.accepted.n == 4


def test_a_model_without_a_rule_refuses_them(three_colours_file, photos):
    with pytest.raises(DataError, match="does not know: grey, ruby; it knows"):
        evaluate_model(three_colours_file, photos())
    assert evaluate_model(three_colours_file, photos("known", only=("r", "g", "b"))).open_set is None


def test_they_alone_are_no_photos_to_judge_by(model, photos):
    with pytest.raises(DataError, match=r"must have photos of a class that the model knows, .*, got grey, ruby; put"):
        evaluate_model(model, photos(only=("grey", "ruby")))


def test_they_are_of_the_part_that_is_measured(model, photos):
    dataset = photos(split="both")
    found = evaluate_model(model, dataset, EvaluateConfig(part="test"))
    assert (found.open_set.known, found.open_set.unknown) == (3, 2)
    known, strangers = part_strangers(dataset, read_bundle(model).contract)
    assert {one.label for one in strangers} == {"grey", "ruby"}
    assert not {one.label for one in known.samples} & {"grey", "ruby"}
    assert known.sha256 == dataset.sha256
    every = strangers_of(strangers, Chosen(samples=known.samples, part="all", caution=""))
    assert len(every) == 6


def test_scores_are_those_of_the_runtime(model, photos):
    from edgekit.runtime import Classifier

    dataset = photos()
    with Classifier.load(model) as classifier:
        grey = [classifier.classify(dataset.path_of(one)) for one in dataset.samples if one.label == "grey"]
    assert [one.label for one in grey] == ["unknown", "unknown"]
    assert np.allclose([one.unknown for one in grey], 2 / 3, atol=0.01)
