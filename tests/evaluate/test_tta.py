from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import Decision
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.errors import ContractError, DataError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig, TtaConfig
from edgekit.evaluate.tta import TtaRecord, compare_crops
from edgekit.evaluate.tta_tables import class_rows, flip_rows, markdown
from edgekit.modelfile.write import update_contract
from edgekit.records import from_plain, to_json
from edgekit.runtime import Classifier, read_bundle


@pytest.fixture
def dataset(tmp_path):
    """Photos that are red on the left and blue on the right: what a crop says depends on its place."""
    rng = np.random.default_rng(0)
    samples = []
    for number in range(24):
        label = ("genuine", "recapture")[number % 2]
        (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((60, 80, 3), np.uint8)
        edge = int(rng.integers(25, 60))
        pixels[:, :edge, 0], pixels[:, edge:, 2] = 250, 250
        path = f"{label}/{number}.png"
        Image.fromarray(pixels if label == "genuine" else pixels[:, :, ::-1]).save(tmp_path / "photos" / path)
        samples.append(
            Sample(path=path, label=label, group=f"author{number // 4}", kind="" if number % 2 == 0 else "tv")
        )
    write_manifest(tmp_path / "photos" / "manifest.csv", samples)
    return load_dataset(tmp_path / "photos")


@pytest.fixture
def model(tmp_path, red_blue_file):
    path = tmp_path / "model.tflite"
    shutil.copy(red_blue_file, path)
    return path


@pytest.fixture
def early(tmp_path, red_blue_file):
    """The same with bounds that end every verdict after its second crop."""
    path = tmp_path / "early.tflite"
    shutil.copy(red_blue_file, path)
    contract = read_bundle(path).contract
    bounds = (1e6, *[0.0] * (contract.plan.crops - 2))
    update_contract(path, contract.with_decision(replace(contract.decision, early_stop=bounds)))
    return path


CONFIG = TtaConfig(
    crops=(1, 3, 12),
    plans=(("centre", None), ("full", None), ("1/4", None), ("native", 3), ("own", None), ("early", None)),
    table=(3, 12),
)


def test_verdicts_stop_early_as_on_a_device(dataset, early):
    """Its band asks for another photo: a vote near one of its ends is as little final as one near the threshold."""
    contract = read_bundle(early).contract
    decision = replace(contract.decision, abstain=(0.01, 0.99), early_stop=(2.0,) * (contract.plan.crops - 1))
    update_contract(early, contract.with_decision(decision))
    classifier = Classifier.load(early)
    used = [len(classifier.classify(dataset.path_of(sample)).crops) for sample in dataset.samples]
    points = compare_crops([early], dataset, CONFIG).points
    assert [point.mean_crops for point in points if point.stops_early] == [np.mean(used)]


def test_every_way_is_there_once(dataset, model, early):
    found = compare_crops([model, early], dataset, CONFIG)
    ways = ["centre", "full", "1/4 ×1", "1/4 ×3", "1/4 ×12", "native ×1", "native ×3", "own ×1", "own ×3", "own ×12"]
    crops = read_bundle(early).contract.plan.crops
    assert [point.way for point in found.points if point.model == "model"] == ways
    assert [point.way for point in found.points if point.model == "early"] == [*ways, f"own ×{crops}, early"]
    assert (found.photos, found.groups, found.baseline, found.part) == (24, 6, "centre", "all")
    stopped = found.points[-1]
    assert (stopped.stops_early, stopped.mean_crops) == (True, 2)


def test_numbers_are_those_of_an_evaluation(dataset, model):
    """The contract's own plan with its own number of crops is what ``evaluate`` measures."""
    crops = read_bundle(model).contract.plan.crops
    found = compare_crops([model], dataset, replace(CONFIG, crops=(crops,), plans=(("own", None),)))
    point, expected = found.points[-1], evaluate_model(model, dataset).evaluation
    assert (point.balanced_accuracy, point.bpcer, point.auc) == (
        expected.balanced_accuracy,
        expected.bpcer,
        expected.auc,
    )
    assert point.apcer_kind == "tv"


def test_flips_add_up(dataset, model):
    found = compare_crops([model], dataset, CONFIG)
    base = found.points[0]
    assert base.flips is None
    for point in found.points[1:]:
        change = point.flips.right_to_wrong - point.flips.wrong_to_right
        assert point.errors.errors - base.errors.errors == change
    # Crops lie elsewhere than the centre, so something has to change.
    assert any(point.flips.right_to_wrong or point.flips.wrong_to_right for point in found.points[1:])


def test_the_table_has_no_augmentation_and_classic_crops_for_every_model(dataset, model, early):
    found = compare_crops([model, early], dataset, CONFIG)
    assert [(one.model, one.way) for one in found.tables] == [
        (name, way) for name in ("model", "early") for way in ("centre", "1/4 ×3", "1/4 ×12")
    ]
    columns, rows = class_rows(found)
    assert {len(row) for row in rows} == {len(columns)}
    assert [row[1] for row in rows[:15:5]] == ["without (centre)", "3 random crops", "12 random crops"]
    assert [row[2] for row in rows[:5]] == ["genuine", "recapture", "accuracy", "macro avg", "weighted avg"]


def test_a_record_survives_json_and_becomes_a_page(dataset, model):
    found = compare_crops([model], dataset, CONFIG)
    assert from_plain(TtaRecord, json.loads(to_json(found)), where="record") == found
    page = markdown(found)
    assert "## model (" in page
    columns, rows = flip_rows(found, "model")
    assert all(len(row) == len(columns) for row in rows)
    assert page.count("\n| ") == len(rows) + len(class_rows(found)[1]) + 4
    assert "photos of one group are not" in page


def test_an_interval_that_the_data_can_not_give_is_no_number(dataset, model):
    found = compare_crops([model], dataset, CONFIG)
    first = found.points[0]
    unknown = replace(first, balanced_accuracy=replace(first.balanced_accuracy, low=math.nan, high=math.nan))
    rows = flip_rows(replace(found, points=(unknown, *found.points[1:])), "model")[1]
    assert rows[0][2] == f"{100 * first.balanced_accuracy.value:.1f}"


def test_scores_are_kept(tmp_path, dataset, model):
    first = compare_crops([model], dataset, CONFIG, scores=tmp_path / "scores")
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "scores").iterdir()}
    assert compare_crops([model], dataset, CONFIG, scores=tmp_path / "scores") == first
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "scores").iterdir()} == times


class TestHeads:
    """Plans with scales that have no head can't be scored: they are left out, which is told."""

    def test_what_has_heads_is_compared(self, dataset, heads_file, model):
        plans = (*CONFIG.plans, ("full:native,1/2", None))
        found = compare_crops([heads_file, model], dataset, replace(CONFIG, plans=plans))
        ways = ["full", "1/4 ×1", "1/4 ×3", "1/4 ×12", "native ×1", "native ×3", "own ×1", "own ×3", "own ×12"]
        assert [point.way for point in found.points if point.model == "heads"] == [*ways, "own ×5, early"]
        assert [point.way for point in found.points if point.model == "model"] == ways
        assert found.baseline == "full"
        assert (
            "without heads for their scales, these plans are left out: centre, full:native,1/2; "
            "flips are counted against full, as centre has no head"
        ) in found.caution
        own = next(one for one in found.points if (one.model, one.way) == ("heads", "own ×3"))
        evaluated = evaluate_model(heads_file, dataset, config=EvaluateConfig(crops=3)).evaluation
        assert own.balanced_accuracy == evaluated.balanced_accuracy

    def test_no_plan_at_all_is_refused(self, dataset, heads_file):
        with pytest.raises(ContractError, match="got 1/3, 1/5; the models have heads for full, 1/4, native"):
            compare_crops([heads_file], dataset, replace(CONFIG, plans=(("1/3", None), ("1/5", None))))


def test_models_of_other_labels_are_refused(dataset, model, three_colours_file):
    with pytest.raises(DataError):
        compare_crops([model, three_colours_file], dataset, CONFIG)


def test_models_of_one_name_are_refused(dataset, model):
    with pytest.raises(DataError, match="different file names"):
        compare_crops([model, model], dataset, CONFIG)


def test_an_unsure_contract_answers_in_a_study(dataset, model):
    contract = read_bundle(model).contract
    update_contract(model, contract.with_decision(Decision(threshold=0.5, abstain=(0.0, 1.0))))
    found = compare_crops([model], dataset, CONFIG)
    assert found.points[0].errors.errors < 24
