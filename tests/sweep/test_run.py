"""A sweep of tiny networks: made, gone on with, and told of where a point fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.crossval.options import CrossvalConfig
from edgekit.crossval.record import record_file
from edgekit.errors import RunError
from edgekit.progress import Progress
from edgekit.records import from_plain, read_json
from edgekit.sweep.options import SweepPoint
from edgekit.sweep.record import SweepRecord
from edgekit.sweep.run import run_sweep

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def points(mobile_config, small_config):
    """Two heads on one network of random weights, and one whose weights are nowhere."""
    train = replace(mobile_config, network=small_config.network)
    config = CrossvalConfig(
        train=train,
        folds=3,
        crops=(3,),
        calibration_crops=50,
        timed_photos=2,
        variants=("float", "int8 PTQ"),
    )
    absent = replace(train, network=replace(train.network, weights="no-such-weights.h5"))
    return (
        SweepPoint(name="one", config=config, note="random weights"),
        SweepPoint(name="absent", config=replace(config, train=absent)),
        SweepPoint(name="scales", config=replace(config, train=replace(train, heads="scales"))),
    )


@pytest.fixture(scope="module")
def done(dataset, points, tmp_path_factory):
    """A finished sweep; no test may change it."""
    out = tmp_path_factory.mktemp("sweep")
    return out, run_sweep(dataset, points, out, title="tiny")


def test_a_point_that_fails_is_told_and_the_others_go_on(done):
    out, record = done
    assert [(row.run, row.variant, row.crops) for row in record.comparison.rows] == [
        ("one", "int8 PTQ", 3),
        ("scales", "int8 PTQ", 3),
    ]
    assert list(record.failed) == ["absent"]
    assert "no-such-weights.h5" in record.failed["absent"]
    assert (record.title, record.photos, record.groups, record.folds) == ("tiny", 72, 6, 3)
    assert not record_file(out / "absent").exists()


def test_each_row_has_accuracy_cost_and_what_int8_loses(done):
    _, record = done
    one, scales = record.comparison.rows
    for row in (one, scales):
        assert row.photos.part == "unseen"
        assert row.drop.low <= row.float_accuracy.value - row.accuracy.value <= row.drop.high
        assert row.drop.value == pytest.approx(row.float_accuracy.value - row.accuracy.value)
        assert row.macs > 0
        assert row.latency_ms > 0
        assert row.is_pareto is not None
    assert (one.note, scales.note) == ("random weights", "")
    assert one.gain is None
    assert scales.gain.value == pytest.approx(scales.accuracy.value - one.accuracy.value)
    assert scales.macs > one.macs


def test_the_record_is_read_as_it_was_written(done):
    out, record = done
    assert from_plain(SweepRecord, read_json(out / "sweep.json"), where="sweep.json") == record


def test_a_re_run_takes_what_is_there_and_new_points_are_added(done, dataset, points, progress):
    out, record = done
    before = {name: record_file(out / name).stat().st_mtime_ns for name in ("one", "scales")}
    again = run_sweep(dataset, points[::2], out, title="tiny", progress=progress)
    assert {name: record_file(out / name).stat().st_mtime_ns for name in before} == before
    assert [line for line in progress.lines if "was made before" in line] == [
        f"{name} was made before and is taken from {out / name}" for name in ("one", "scales")
    ]
    assert (again.comparison, again.failed) == (record.comparison, {})


def test_another_configuration_in_a_points_folder_fails_alone(done, dataset, points):
    out, _ = done
    other = replace(points[0], config=replace(points[0].config, timed_photos=1))
    record = run_sweep(dataset, [other, points[2]], out)
    assert "holds a cross-validation of other photos or settings" in record.failed["one"]
    assert [row.run for row in record.comparison.rows] == ["scales"]


def test_where_all_fail_there_is_nothing_to_compare(dataset, points, tmp_path):
    record = run_sweep(dataset, points[1:2], tmp_path)
    assert record.comparison is None
    assert list(record.failed) == ["absent"]


class CtrlC(Progress):
    """Ctrl-C as the second point begins."""

    def say(self, line):
        if line.startswith("point 2"):
            raise KeyboardInterrupt


def test_ctrl_c_ends_it(done, dataset, points):
    out, _ = done
    with pytest.raises(KeyboardInterrupt):
        run_sweep(dataset, points[::2], out, progress=CtrlC())


def test_points_that_are_the_same_are_refused_before_anything_is_made(dataset, points, tmp_path):
    with pytest.raises(RunError, match="ask for the same"):
        run_sweep(dataset, [points[0], replace(points[0], name="two")], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_place_among_the_photos_is_refused(dataset, points):
    with pytest.raises(RunError, match="a sweep must lie outside the photos' folder"):
        run_sweep(dataset, points, dataset.root / "sweep")
