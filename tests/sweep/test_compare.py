"""What is on record of runs, side by side."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from folded import wrong_at

from edgekit.errors import EdgekitError, RunError
from edgekit.records import from_plain, plain, read_json, write_json
from edgekit.sweep.compare import compare_runs, costed_points, described
from edgekit.sweep.record import CompareRecord
from edgekit.train.options import NetworkConfig, TrainConfig

# As tests are collected: what it loads warns of itself.
pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

GOOD, POOR = wrong_at(0, 9), wrong_at(0, 1, 2, 9, 10, 20)


def test_the_shipped_variant_stands_beside_its_float_model(crossval):
    answers = {("float", 5): GOOD, ("int8 PTQ", 5): wrong_at(0, 9, 11), ("int8 QAT", 5): wrong_at(0, 11)}
    (row,) = compare_runs([crossval("lite", answers, latency={5: 20.0})]).rows
    assert (row.run, row.variant, row.crops, row.is_pretrained) == ("lite", "int8 QAT", 5, False)
    assert row.accuracy.value == pytest.approx(46 / 48)
    assert row.float_accuracy.value == pytest.approx(46 / 48)
    # One photo of each class: genuine 0 is wrong in both, 9 is won, 11 is lost.
    assert row.drop.value == pytest.approx(0)
    assert row.drop.low < 0 < row.drop.high
    assert (row.photos.part, row.photos.number, row.model_bytes, row.macs) == ("unseen", 48, 400_000, 37_000_000)
    assert (row.latency_ms, row.device, row.training_seconds) == (20.0, "a chip, litert 2", 30.0)
    assert row.worst_group in {"author0", "author1"}
    assert (row.gain, row.is_pareto) == (None, True)


def test_gains_are_paired_whatever_the_order_of_the_photos(crossval):
    first = crossval("first", {("float", 5): POOR})
    same_order = crossval("second", {("float", 5): GOOD})
    other_order = crossval("third", {("float", 5): GOOD}, order=[*range(47, -1, -1)])
    record = compare_runs([first, same_order, other_order])
    assert record.against == "first"
    _, straight, turned = record.rows
    assert straight.gain.value == pytest.approx(straight.accuracy.value - record.rows[0].accuracy.value)
    assert plain(straight.gain) == pytest.approx(plain(turned.gain))


def test_runs_of_one_name_are_told_by_the_folders_above(crossval, tmp_path):
    crossval("before/lite", {("float", 5): POOR})
    crossval("after/lite", {("float", 5): GOOD})
    record = compare_runs([tmp_path / "before", tmp_path / "after", tmp_path / "after" / "lite"])
    assert [row.run for row in record.rows] == ["before/lite", "after/lite"]
    assert record.rows[1].gain.value > 0


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        pytest.param("crossval.json", lambda raw: raw | {"variants": []}, "must have variants", id="no-variants"),
        pytest.param(
            "crossval.json",
            lambda raw: raw | {"variants": [raw["variants"][0] | {"variant": "int4"}]},
            "must be one of",
            id="unknown-variant",
        ),
        pytest.param(
            "crossval.json",
            lambda raw: raw | {"config": raw["config"] | {"folds": 0}},
            "folds must be at least 3",
            id="no-folds",
        ),
        pytest.param(
            "crossval.answers.json",
            lambda raw: raw | {"truth": [10**15] * len(raw["truth"])},
            "positions in at most 10000 labels",
            id="no-label",
        ),
    ],
)
def test_a_record_that_says_what_cannot_be(crossval, file, change, message):
    place = crossval("forged", {("float", 5): GOOD}) / file
    write_json(place, change(read_json(place)))
    with pytest.raises(EdgekitError, match=message):
        compare_runs([place.parent])


def test_a_name_that_no_system_takes(tmp_path):
    with pytest.raises(RunError, match="got nothing of that name"):
        compare_runs([tmp_path / ("x" * 5000)])


def test_other_photos_are_not_paired_and_said_to_be_others(crossval):
    record = compare_runs([crossval("a", {("float", 5): POOR}), crossval("b", {("float", 5): GOOD}, data="e" * 64)])
    assert [row.gain for row in record.rows] == [None, None]
    assert any("of different photos" in text for text in record.cautions)


def test_rows_that_no_other_beats_are_marked(crossval):
    fast = crossval("fast", {("float", 1): POOR, ("float", 5): POOR}, latency={1: 4.0, 5: 18.0})
    good = crossval("good", {("float", 1): GOOD, ("float", 5): GOOD}, latency={1: 8.0, 5: 30.0})
    untimed = crossval("untimed", {("float", 1): GOOD})
    record = compare_runs([fast, good, untimed])
    assert [(row.run, row.crops, row.is_pareto) for row in record.rows] == [
        ("fast", 1, True),
        ("fast", 5, False),
        ("good", 1, True),
        ("good", 5, False),
        ("untimed", 1, None),
    ]
    assert [(point.series, point.latency_ms) for point in costed_points(record)] == [
        ("fast", 4.0),
        ("fast", 18.0),
        ("good", 8.0),
        ("good", 30.0),
    ]
    # A picture leaves the name of the line out of what stands beside its points.
    assert [point.label for point in costed_points(record)][:2] == ["1 crop, fast", "5 crops, fast"]
    assert any("untimed: latency" in text for text in record.missing)


def test_latencies_of_two_devices_do_not_beat_each_other(crossval):
    slow = crossval("slow", {("float", 1): POOR}, latency={1: 90.0}, device="a Pi")
    fast = crossval("fast", {("float", 1): GOOD}, latency={1: 4.0})
    record = compare_runs([slow, fast])
    assert [row.is_pareto for row in record.rows] == [True, True]
    assert any("different devices" in text for text in record.cautions)


def test_what_is_not_on_record_is_said_with_what_tells(crossval):
    old = crossval("old", {("int8 PTQ", 5): GOOD}, told=False)
    record = compare_runs([old])
    (row,) = record.rows
    assert (row.drop, row.float_accuracy, row.latency_ms, row.is_pareto) == (None, None, None, None)
    told = "\n".join(record.missing)
    assert "old: differences photo by photo" in told
    assert f"--out {old}` again, which takes what is there" in told
    assert "with float among --variants" in told


def test_the_folder_of_a_sweep_is_its_points(crossval, tmp_path):
    for name in ("a", "b"):
        shutil.move(crossval(name, {("float", 5): GOOD}), tmp_path / "sweep" / name)
    assert [row.run for row in compare_runs([tmp_path / "sweep"]).rows] == ["a", "b"]


def test_runs_of_one_name_are_told_apart(crossval, tmp_path):
    first, second = crossval("x", {("float", 5): GOOD}), tmp_path / "other" / "x"
    shutil.copytree(first, second)
    assert [row.run for row in compare_runs([first, second]).rows] == [f"{tmp_path.name}/x", "other/x"]


def test_notes_go_with_their_runs(crossval):
    (row,) = compare_runs([crossval("a", {("float", 5): GOOD})], notes={"a": "weights of ours"}).rows
    assert row.note == "weights of ours"


def test_a_comparison_survives_its_record(crossval, tmp_path):
    record = compare_runs([crossval("a", {("float", 5): GOOD, ("int8 PTQ", 5): POOR}, latency={5: 3.0})])
    write_json(tmp_path / "compare.json", record)
    assert from_plain(CompareRecord, read_json(tmp_path / "compare.json"), where="compare.json") == record


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda root: None, "must be a run's folder or a model, got nothing of that name", id="absent"),
        pytest.param(lambda root: root.mkdir(), "holds no record of edgekit", id="empty"),
        pytest.param(lambda root: root.write_text("no run"), "must be JSON", id="a-file"),
        pytest.param(
            lambda root: (root.mkdir(), (root / "crossval.config.json").write_text("{}")),
            "must be a finished cross-validation, got one that was stopped",
            id="stopped",
        ),
        pytest.param(
            lambda root: (root.mkdir(), (root / "crossval.json").write_text("{}")), "must have the keys", id="damaged"
        ),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, make, message):
    make(tmp_path / "run")
    with pytest.raises(RunError, match=message):
        compare_runs([tmp_path / "run"])


def test_answers_of_other_photos_are_refused(crossval):
    root = crossval("a", {("float", 5): GOOD})
    file = root / "crossval.answers.json"
    write_json(file, read_json(file) | {"data_sha256": "0" * 64})
    with pytest.raises(RunError, match="must be of the 48 photos of its record, got others"):
        compare_runs([root])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param(TrainConfig(), "efficientnet_lite1, 240 px, auto", id="usual"),
        pytest.param(
            TrainConfig(network=NetworkConfig(backbone="efficientnet_lite0", features="texture"), heads="scales"),
            "efficientnet_lite0, 224 px, texture, a head for each scale",
            id="scales",
        ),
        pytest.param(
            replace(TrainConfig(network=NetworkConfig(backbone="cnn3", side_px=160, weights="none")), tune="all"),
            "cnn3, 160 px, all trained, from scratch",
            id="scratch",
        ),
    ],
)
def test_a_network_in_words(config, words):
    assert described(config) == words


@pytest.mark.host
@pytest.mark.slow
def test_a_run_with_a_model_tells_what_its_records_do(small_run, small_model, tmp_path):
    root = shutil.copytree(small_run.root, tmp_path / "run")
    for file in small_model.parent.glob("small-int8.*"):
        shutil.copy(file, root)
    record = compare_runs([root])
    (row,) = record.rows
    assert (row.run, row.variant, row.network) == ("small-int8", "int8", "small_cnn, 32 px, all trained, from scratch")
    assert row.macs > 1000
    assert row.training_seconds > 0
    assert row.model_bytes > 0
    assert row.drop is not None
    assert (row.accuracy, row.latency_ms, row.is_pareto) == (None, None, None)
    told = "\n".join(record.missing)
    assert "small-int8: accuracy: `edgekit evaluate" in told
    assert "small-int8: latency: `edgekit bench" in told


def test_runs_of_several_labels_are_refused_with_and_without_their_file(several_run):
    with pytest.raises(RunError, match=r"is of one label a photo, .* tells several; `edgekit evaluate` and"):
        compare_runs([several_run.root])
