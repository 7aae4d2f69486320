"""Exports of benchmarks: job, photos and rows belong together, or the whole is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exporting import DEVICE, PACE, SETTINGS, changed_json, pack, picture, rehashed, sweep_members

from edgekit.errors import DataError
from edgekit.phones.sweep import check_sweep, read_sweep
from edgekit.runtime import read_bundle


@pytest.fixture(scope="module")
def members(red_blue_file, tmp_path_factory):
    return sweep_members(red_blue_file, tmp_path_factory.mktemp("phone"))


def job_with(**values):
    return lambda members: changed_json(members, "job.json", **values)


def settings_with(**values):
    return job_with(settings=[{**SETTINGS[0], **values}])


def head_with(**values):
    return lambda members: changed_json(members, "export.json", **values)


def test_a_sweep_is_read_whole(tmp_path, members):
    sweep = read_sweep(pack(tmp_path / "bench.zip", members), tmp_path / "out")
    assert sweep.device == f"android://{DEVICE}"
    assert sweep.rows[0].startswith('{"type": "hello"')
    assert sweep.rows[-1].startswith('{"type": "end"')
    assert sorted(path.name for path in (tmp_path / "out" / "photos").iterdir()) == [f"{n}.png" for n in range(6)]
    job = sweep.job.to_job(tmp_path)
    assert [(one.crops, one.threads) for one in job.settings] == [(1, 1), (3, 1), (1, 2), (3, 2)]
    assert (job.pace.cold_starts, job.whole.cold_starts, job.whole.repeats) == (0, 0, 2)


@pytest.mark.parametrize("delegate", ["gpu", "none", "xnnpack"])
def test_delegates_of_apps(tmp_path, members, delegate):
    sweep = read_sweep(pack(tmp_path / "x.zip", settings_with(delegate=delegate)(members)), tmp_path / "out")
    assert sweep.job.to_job(Path()).settings[0].delegate == delegate


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda m: {**m, "job.json": m["job.json"] + b" "}, "is of another job than job.json", id="hash"),
        pytest.param(
            lambda m: {**m, "rows.jsonl": m["rows.jsonl"].replace(b'"job": "', b'"job": "0', 1)},
            "must name this job",
            id="rows-of-another-job",
        ),
        pytest.param(lambda m: {**m, "rows.jsonl": b""}, "must name this job", id="no-rows"),
        pytest.param(
            lambda m: {**m, "rows.jsonl": m["rows.jsonl"].split(b"\n", 1)[1]}, "must name this job", id="no-header"
        ),
        pytest.param(job_with(format=3), "format must be 2, got 3", id="format"),
        pytest.param(job_with(seed=-1), "seed must be 0", id="seed"),
        pytest.param(job_with(timed=[6]), "a position in timed must be 0 to 5", id="timed"),
        pytest.param(job_with(timed=[]), "timed must be 1", id="no-timed"),
        pytest.param(job_with(crops=100_000), "crops must be 0 to", id="crops"),
        pytest.param(job_with(settings=[SETTINGS[0]] * 2), "settings must differ", id="settings-twice"),
        pytest.param(settings_with(delegate="ext:/x.so"), "delegate must be one of", id="delegate"),
        pytest.param(settings_with(threads=1000), "threads must be 1", id="threads"),
        pytest.param(settings_with(interpreter="litert"), "unknown .'interpreter'", id="interpreter"),
        pytest.param(job_with(pace={**PACE, "repeats": 0}), "must have repeats, got 0", id="no-repeats"),
        pytest.param(job_with(pace={**PACE, "min_runs": 1}), "min_runs must be 2", id="runs"),
        pytest.param(job_with(pace={**PACE, "cold_starts": 1}), "unknown .'cold_starts'", id="cold"),
        pytest.param(head_with(platform="toaster"), "platform must be one of", id="platform"),
        pytest.param(head_with(device="\x1b[2J"), "device must be printable", id="device"),
        pytest.param(head_with(quick=None), "quick must be bool", id="quick"),
        pytest.param(head_with(kind="captures"), "edgekit data import or edgekit evaluate", id="captures"),
        pytest.param(lambda m: {**m, "photos/9.png": b"x"}, "got also photos/9.png", id="photo-too-much"),
        pytest.param(lambda m: {**m, "photos/0.png": None}, "got no photos/0.png", id="photo-missing"),
        pytest.param(
            lambda m: {**m, "photos/0.png": picture((1, 2, 3), ending="png")}, "0.png is not the photo", id="photo"
        ),
        pytest.param(
            lambda m: {**m, "manifest.csv": m["manifest.csv"].replace(b"photos/0.png", b"photos/9.png")},
            "manifest.csv must list its photos",
            id="manifest",
        ),
        pytest.param(lambda m: {**m, "verdicts.jsonl": b""}, "members must be", id="stranger"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, members, change, message):
    file = pack(tmp_path / "bench.zip", {n: c for n, c in change(members).items() if c is not None})
    with pytest.raises(DataError, match=f"(?s)^{file}: .*{message}"):
        read_sweep(file, tmp_path / "out")


class TestModel:
    @pytest.fixture
    def check(self, tmp_path, members, red_blue_file):
        def checked(change, model=red_blue_file):
            bundle = read_bundle(model)
            sweep = read_sweep(pack(tmp_path / "bench.zip", change(members)), tmp_path / "out")
            check_sweep(sweep, bundle.contract, bundle.file_sha256, model)

        return checked

    def test_the_very_file_is_needed(self, check, three_colours_file):
        check(lambda members: members)
        with pytest.raises(DataError, match=r"was measured with red_blue\.tflite .*name the very file"):
            check(lambda members: members, three_colours_file)

    def test_fewer_crops_than_the_contract_has(self, check):
        with pytest.raises(DataError, match=r"job\.json must score \d+ crops or more, got 1"):
            check(job_with(crops=1))

    def test_more_scores_than_rows_could_hold(self, check, monkeypatch):
        monkeypatch.setattr("edgekit.phones.sweep.MAX_TEXT_BYTES", 20_000)
        with pytest.raises(DataError, match=r"no more scores than 20000 bytes of rows can hold, got 12000"):
            check(job_with(crops=1000))

    def test_an_early_end_without_bounds(self, check):
        with pytest.raises(DataError, match="a setting that stops early must have the"):
            check(settings_with(stops_early=True, crops=2))


def test_a_job_may_be_written_in_any_way(tmp_path, members):
    compact = json.dumps(json.loads(members["job.json"]), separators=(",", ":")).encode()
    assert read_sweep(pack(tmp_path / "x.zip", rehashed({**members, "job.json": compact})), tmp_path / "out").rows
