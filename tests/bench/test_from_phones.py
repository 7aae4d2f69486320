"""A phone's rows make the record that a device behind ssh would have made, and are checked as hard."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from exporting import DEVICE, SETTINGS, lines, pack, rehashed, sweep_members

from edgekit.bench.compare import compare_benchmarks
from edgekit.bench.from_phones import benchmark_of_exports
from edgekit.bench.record import BenchRecord, pareto_points
from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError, DeviceError, EdgekitError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.records import from_plain, read_json
from edgekit.report.benchmarks import measured


@pytest.fixture(scope="module")
def phone(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("phone")
    return folder, sweep_members(model, folder / "photos")


@pytest.fixture(scope="module")
def members(phone):
    return phone[1]


@pytest.fixture(scope="module")
def found(model, phone):
    return benchmark_of_exports(model, [pack(phone[0] / "bench.zip", phone[1])], budget_ms=1e6, out=phone[0])


def rows_with(kind, change):
    """The members with rows of a type changed."""

    def changed(members):
        rows = [json.loads(line) for line in members["rows.jsonl"].splitlines()]
        for row in rows:
            if row["type"] == kind:
                change(row)
        return {**members, "rows.jsonl": lines(rows)}

    return changed


def rows_without(keeps):
    return lambda members: {
        **members,
        "rows.jsonl": lines(row for row in map(json.loads, members["rows.jsonl"].splitlines()) if keeps(row)),
    }


def as_phone(row):
    """What an app can know of a phone, which is little."""
    state = dict.fromkeys(row["machine"]["state"])
    state["temperatures"] = [{"sensor": "battery", "celsius": 31}]
    machine = dict.fromkeys(row["machine"])
    machine |= {"architecture": "unknown", "system": "Android 14", "kernel": "Chrome 140", "emulated": False}
    row |= {"machine": {**machine, "state": state}, "cores": None}


def test_every_setting_was_measured(found):
    (one,) = found.devices
    assert (one.device, one.kind, one.emulated, one.no_latency) == (f"android://{DEVICE}", "android", "", "")
    assert one.no_cold == "an app measures inside its own process"
    assert [(point.crops, point.threads) for point in one.points] == [(1, 1), (3, 1), (1, 2), (3, 2)]
    for point in one.points:
        assert set(point.latency) == {"decode", "crop", "invoke", "vote", "total"}
        assert point.latency["total"].n == 20
        assert point.intervals["total"]["p95_ms"][1] > 0
        assert point.cold is None
    assert one.conditions.app == "edgekit.capture 0.1.0"
    assert one.recommended in [point.setting for point in one.points]
    assert (one.conditions.repeats, one.conditions.min_runs, one.conditions.timed_photos) == (2, 10, 3)


def test_accuracy_is_that_of_the_same_photos_here(found, model, phone):
    folder = phone[0] / "photos"
    (folder / "manifest.csv").write_bytes(phone[1]["manifest.csv"])
    dataset = load_dataset(folder)
    assert (found.data_sha256, found.part, found.photos) == (dataset.sha256, "all", 6)
    for point in found.devices[0].points:
        assert point.evaluation == evaluate_model(model, dataset, EvaluateConfig(crops=point.crops)).evaluation


def test_the_record_is_the_usual_one(found, phone):
    written = from_plain(BenchRecord, read_json(phone[0] / "model.bench.json"), where="bench")
    assert written == found
    assert len(pareto_points(found.devices)) == 4
    (shown,) = measured(found)
    assert ("measured inside", "edgekit.capture 0.1.0") in shown.conditions
    assert len(shown.points) == 4
    assert {change.verdict for change in compare_benchmarks(written, found)} == {"same"}


def test_a_browser_that_knows_little(model, members, tmp_path):
    changed = rows_with("hello", as_phone)(members)
    head = json.dumps({**json.loads(members["export.json"]), "platform": "web"}).encode()
    (one,) = benchmark_of_exports(model, [pack(tmp_path / "x.zip", {**changed, "export.json": head})]).devices
    assert (one.device, one.kind) == (f"web://{DEVICE}", "web")
    assert (one.conditions.cores, one.conditions.system, one.conditions.device) == (1, "Chrome unknown", "unknown")
    assert one.conditions.machine.state.hottest_c == 31


def test_an_emulated_phone_has_no_latency(model, members, tmp_path):
    changed = rows_with("hello", lambda row: row["machine"].update(emulated=True))(members)
    (one,) = benchmark_of_exports(model, [pack(tmp_path / "x.zip", changed)]).devices
    assert one.no_latency == "an emulator of another processor takes its own time"
    assert one.no_cold == ""
    assert all(point.latency is None for point in one.points)


@pytest.mark.parametrize("used", ["gpu", "XNNPACK"])
def test_a_gpu_delegate_must_be_what_ran_the_model(model, phone, members, tmp_path, used):
    settings = [{**one, "delegate": "gpu"} for one in SETTINGS]
    asked = json.dumps({**json.loads(members["job.json"]), "settings": settings}).encode()
    changed = rows_with("hello", lambda row: row["engines"][0].update(delegate=used))(
        rehashed({**members, "job.json": asked})
    )
    file = pack(tmp_path / "x.zip", changed)
    if used == "gpu":
        assert {point.delegate for point in benchmark_of_exports(model, [file]).devices[0].points} == {"gpu"}
        return
    with pytest.raises(DeviceError, match="the delegate gpu was asked for, the model ran with: XNNPACK"):
        benchmark_of_exports(model, [file])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(rows_without(lambda row: row["type"] != "end"), "stops before the sweep's end", id="no-end"),
        pytest.param(rows_without(lambda row: row["type"] != "finish"), "must go on now, got begin", id="no-finish"),
        pytest.param(
            rows_without(lambda row: row.get("photo") != 2),
            "line 5: the scores of photo 2 must come",
            id="unscored",
        ),
        pytest.param(rows_with("runs", lambda row: row["crops"].__setitem__(0, 9)), "must take 1 crops", id="crops"),
        pytest.param(
            rows_with("runs", lambda row: row.update(at_ns=0, ns=[[10**6] * 4] * 10)),
            "a block must begin after the last one's runs, which took until",
            id="no-time-passed",
        ),
        pytest.param(
            rows_with("runs", lambda row: row["ns"].__setitem__(0, [0, 0, 0, 0])), "stages must take", id="no-time"
        ),
        pytest.param(rows_with("hello", lambda row: row.update(format=1)), "answer in format 2", id="format"),
        pytest.param(
            lambda m: {**m, "rows.jsonl": m["rows.jsonl"] + m["rows.jsonl"].split(b"\n")[1] + b"\n"},
            "it must begin once",
            id="hello-twice",
        ),
        pytest.param(lambda m: {**m, "rows.jsonl": m["rows.jsonl"] + b"{}\n"}, "must be one of", id="no-row"),
    ],
)
def test_rows_are_held_against_the_job(model, members, tmp_path, change, message):
    file = pack(tmp_path / "bench.zip", change(members))
    with pytest.raises(DeviceError, match=f"^{file}: rows.jsonl .*{message}.*; measure it again$"):
        benchmark_of_exports(model, [file], out=tmp_path)
    assert not (tmp_path / "model.bench.json").exists()


class TestSeveralPhones:
    def other(self, members, **head):
        return {**members, "export.json": json.dumps({**json.loads(members["export.json"]), **head}).encode()}

    def test_of_the_same_photos_make_one_record(self, model, members, tmp_path):
        files = [
            pack(tmp_path / "a.zip", members),
            pack(tmp_path / "b.zip", self.other(members, device="Fairphone 5")),
        ]
        found = benchmark_of_exports(model, files)
        assert [one.device for one in found.devices] == [f"android://{DEVICE}", "android://Fairphone 5"]

    def test_must_be_different_phones(self, model, members, tmp_path):
        files = [pack(tmp_path / f"{name}.zip", members) for name in "ab"]
        with pytest.raises(DataError, match=r"b\.zip: an export must be of another phone, got android://"):
            benchmark_of_exports(model, files)

    def test_must_agree_in_photos_and_length(self, model, members, tmp_path):
        first = pack(tmp_path / "a.zip", members)
        quick = pack(tmp_path / "b.zip", self.other(members, device="Fairphone 5", quick=True))
        with pytest.raises(DataError, match=r"must agree in the short sweep \(quick\), got False in .* and True"):
            benchmark_of_exports(model, [first, quick])
        labels = members["manifest.csv"].replace(b",ggenuine", b",anna")
        others = self.other({**members, "manifest.csv": labels}, device="Fairphone 5")
        with pytest.raises(DataError, match="must agree in the photos"):
            benchmark_of_exports(model, [first, pack(tmp_path / "c.zip", others)])


def test_another_phone_is_another_condition(found):
    other = replace(found, devices=(replace(found.devices[0], device="android://Fairphone 5"),))
    with pytest.raises(EdgekitError, match="the list of devices was"):
        compare_benchmarks(other, found)


def test_another_version_of_the_app_is_not(found):
    (one,) = found.devices
    older = replace(one, conditions=replace(one.conditions, app="edgekit.capture 0.0.9"))
    assert {change.verdict for change in compare_benchmarks(replace(found, devices=(older,)), found)} == {"same"}
