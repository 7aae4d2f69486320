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
from edgekit.evaluate.accuracy import EvaluateRecord, evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import Chosen
from edgekit.evaluate.strangers import part_strangers, strangers_of
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
