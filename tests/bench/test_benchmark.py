from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from judging import judged
from PIL import Image

from edgekit.bench.benchmark import benchmark, settings
from edgekit.bench.options import BenchConfig, quick_bench
from edgekit.bench.record import BenchPoint, BenchRecord, pareto_points, recommend
from edgekit.bench.session import lines_path
from edgekit.data.dataset import load_dataset
from edgekit.devices.local import LocalDevice
from edgekit.devices.process import run_lines
from edgekit.errors import DataError, DeviceError, DeviceTimeout, EdgekitError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.locks import keeping
from edgekit.metrics.classification import evaluation_of
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.timing import Latency

COLD = ColdStart(cold_start_ms=1.0, first_ms=1.0, peak_memory_mb=None)
FAST = BenchConfig(
    crops=(1, 3, 4), threads=(1, 2), runs=10, min_seconds=0, warmup=1, warmup_seconds=0, repeats=2, timeout_s=60
)
SHORT = replace(FAST, crops=(4,), threads=(1,))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Photos whose first crops mislead: half of each is in the other class's colour."""
    root = tmp_path_factory.mktemp("photos")
    for name, colour, other in (("genuine", (230, 0, 20), (20, 0, 230)), ("recapture", (20, 0, 230), (230, 0, 20))):
        (root / name).mkdir()
        for number in range(6):
            pixels = np.full((48, 64, 3), colour, np.uint8)
            pixels[:, 20 : 20 + 6 * number] = other
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return load_dataset(root)


@pytest.fixture(scope="module")
def model(tmp_path_factory, red_blue_file):
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    shutil.copy(red_blue_file, path)
    return path


@pytest.fixture(scope="module")
def record(model, dataset):
    return benchmark(model, dataset, FAST)


class Tampered(LocalDevice):
    """This machine, whose lines another hand changes, drops or ends."""

    def __init__(self, change, name="tampered"):
        super().__init__(name)
        self._change = change
        self.asked = []

    def run(self, arguments, *, idle_timeout_s=120):
        self.asked.append(read_json(Path(arguments[1])))
        return self._change(super().run(arguments, idle_timeout_s=idle_timeout_s))


class Replayed(LocalDevice):
    """What this machine once told, changed by another hand."""

    def __init__(self, lines, change):
        super().__init__("tampered")
        self._lines, self._change = lines, change

    def run(self, arguments, *, idle_timeout_s=120):
        return iter(self._change(iter(self._lines)))


def unplugged_after(number):
    """A cable that is pulled once so many lines have come."""

    def change(lines):
        for at, line in enumerate(lines):
            if at == number:
                raise DeviceError("tampered: the connection broke")
            yield line

    return change


def kinds(lines):
    return [json.loads(line)["type"] for line in lines.read_text(encoding="utf-8").splitlines()]


class TestBench:
    def test_every_point_was_measured(self, record):
        (local,) = record.devices
        assert [(point.crops, point.threads) for point in local.points] == [
            (crops, threads) for threads in (1, 2) for crops in (1, 3, 4)
        ]
        for point in local.points:
            assert set(point.latency) == {"decode", "crop", "invoke", "vote", "total"}
            assert all(stage.n == 20 for stage in point.latency.values())
            total, bounds = point.latency["total"], point.intervals["total"]
            assert 0 < total.p50_ms <= total.p95_ms <= total.p99_ms
            assert all(0 < low <= high for low, high in bounds.values())
            assert bounds["p50_ms"][0] <= total.p50_ms <= bounds["p50_ms"][1]
            assert len(point.spread.p50_ms) == 2
            assert point.cold.cold_start_ms > point.cold.first_ms > 0
            assert point.cold.peak_memory_mb > 10
            assert point.first_ms > 0
            assert point.slowdown > 0

    def test_conditions_stand_beside_the_numbers(self, record, dataset):
        (local,) = record.devices
        where = local.conditions
        assert (local.device, local.kind, local.emulated, local.no_latency) == ("local", "local", "", "")
        assert where.device
        assert where.cores >= 1
        assert where.interpreter.split()[0] in ("litert", "tflite-runtime")
        assert (where.warmup, where.timed_photos, where.min_runs, where.repeats) == (1, 10, 10, 2)
        assert where.machine.python == where.python
        assert len(local.repeats) == 2
        assert (record.photos, record.part, record.data_sha256) == (12, "all", dataset.sha256)

    def test_accuracy_of_fewer_crops_is_that_of_the_first_crops(self, record, model, dataset):
        points = record.devices[0].points
        for point in points:
            assert point.evaluation == evaluate_model(model, dataset, EvaluateConfig(crops=point.crops)).evaluation
        assert len({point.evaluation.balanced_accuracy.value for point in points}) > 1

    def test_the_record_is_read_as_it_was_written(self, record, tmp_path):
        write_json(tmp_path / "bench.json", record)
        assert from_plain(BenchRecord, read_json(tmp_path / "bench.json"), where="bench") == record

    def test_a_recommendation_is_one_of_the_points(self, record):
        (local,) = record.devices
        best = local.recommended
        assert (best.crops, best.threads) in {(p.crops, p.threads) for p in local.points}

    def test_an_interpreter_that_is_not_there_is_named(self, model, dataset):
        with pytest.raises(DeviceError, match="an interpreter must be one of"):
            benchmark(model, dataset, replace(SHORT, interpreters=("abacus",)))

    def test_engines_are_swept(self, model, dataset):
        swept = replace(SHORT, delegates=("xnnpack", "none"), repeats=1)
        (local,) = benchmark(model, dataset, swept).devices
        assert [(point.asked_delegate, point.delegate) for point in local.points] == [
            ("xnnpack", "XNNPACK"),
            ("none", "none"),
        ]
        assert len({one.series for one in pareto_points([local])}) == 2

    def test_a_device_that_is_emulated_gets_no_latency(self, model, dataset):
        device = LocalDevice("pi")
        device.emulated = "qemu 7.2"
        told = benchmark(model, dataset, SHORT, devices=[device, LocalDevice()])
        pi, local = told.devices
        assert pi.no_latency == "qemu 7.2 takes its own time"
        assert all(point.latency is None and point.cold is None for point in pi.points)
        assert pi.recommended is None
        assert [one.evaluation for one in pi.points] == [one.evaluation for one in local.points]
        assert {one.series.split(",")[0] for one in pareto_points(told.devices)} == {"local"}

    def test_another_python_is_another_device(self, model, dataset, frozen_python):
        from edgekit.devices.remote import Options

        device = LocalDevice("old", Options(python=str(frozen_python)))
        (told,) = benchmark(model, dataset, SHORT, devices=[device]).devices
        device.close()
        assert {point.interpreter.split()[0] for point in told.points} == {"tflite-runtime"}


class TestHeic:
    def test_photos_that_only_hosts_read_are_scored_but_not_timed(self, model, dataset, tmp_path):
        pillow_heif = pytest.importorskip("pillow_heif", reason="needs the host extra")
        shutil.copytree(dataset.root, tmp_path / "photos")
        noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
        heif = pillow_heif.from_bytes("RGB", (64, 48), noise.tobytes())
        heif.save(tmp_path / "photos" / "genuine" / "phone.heic", quality=90)
        mixed = load_dataset(tmp_path / "photos")
        device = Tampered(lambda lines: lines)
        (told,) = benchmark(model, mixed, SHORT, devices=[device]).devices
        job = device.asked[0]
        assert len(job["photos"]) == 13
        (at,) = (
            number for number, photo in enumerate(job["photos"]) if photo.startswith(tempfile.gettempdir() + "/tmp")
        )
        assert at not in job["timed"]
        assert told.points[0].evaluation == evaluate_model(model, mixed, EvaluateConfig(crops=4)).evaluation

    def test_without_any_other_nothing_can_be_timed(self, model, tmp_path):
        pillow_heif = pytest.importorskip("pillow_heif", reason="needs the host extra")
        for name in ("genuine", "recapture"):
            (tmp_path / name).mkdir()
            heif = pillow_heif.from_bytes("RGB", (64, 48), bytes(64 * 48 * 3))
            heif.save(tmp_path / name / "phone.heic", quality=50 if name == "genuine" else 90)
        with pytest.raises(DataError, match="got HEIC alone; add a JPEG"):
            benchmark(model, load_dataset(tmp_path), SHORT)


class TestResuming:
    """A run that breaks off is gone on with, whatever broke it."""

    def test_what_was_told_before_the_cable_was_pulled_is_not_told_again(self, model, dataset, tmp_path):
        device = Tampered(unplugged_after(8))
        with pytest.raises(DeviceError, match="the connection broke"):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        lines = lines_path(tmp_path, model, device)
        assert kinds(lines) == ["header", "hello", *["scores"] * 7]
        device._change = lambda lines: lines
        told = benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        assert device.asked[1]["done"]["scored"] == 7
        assert kinds(lines).count("scores") == 12
        assert kinds(lines)[-1] == "reported"
        assert told.devices[0].conditions.sessions == 2
        assert [one.evaluation for one in told.devices[0].points] == [
            evaluate_model(model, dataset, EvaluateConfig(crops=4)).evaluation
        ]

    def test_a_repeat_that_broke_off_begins_again(self, model, dataset, tmp_path):
        device = Tampered(unplugged_after(1 + 12 + 2 + 1 + 1))
        with pytest.raises(DeviceError, match="the connection broke"):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        device._change = lambda lines: lines
        (told,) = benchmark(model, dataset, SHORT, devices=[device], out=tmp_path).devices
        assert device.asked[1]["done"] == {"scored": 12, "cold_starts": 2, "repeats": 0}
        assert all(point.latency["total"].n == 20 for point in told.points)

    def test_a_finished_benchmark_is_measured_anew(self, model, dataset, tmp_path):
        device = Tampered(lambda lines: lines)
        for _ in range(2):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        assert [job["done"]["scored"] for job in device.asked] == [0, 0]

    def test_a_record_that_can_not_be_written_costs_no_measurement(self, model, dataset, tmp_path):
        device = Tampered(lambda lines: lines)
        (tmp_path / "model.bench.json").mkdir()
        with pytest.raises(EdgekitError, match="can't write"):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        assert kinds(lines_path(tmp_path, model, device))[-1] == "end"
        (tmp_path / "model.bench.json").rmdir()
        told = benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        assert len(device.asked) == 1
        assert read_json(tmp_path / "model.bench.json")["file_sha256"] == told.file_sha256
        assert kinds(lines_path(tmp_path, model, device))[-1] == "reported"

    def test_two_at_once_do_not_share_a_file(self, model, dataset, tmp_path):
        class Meanwhile(Tampered):
            def run(self, arguments, *, idle_timeout_s=120):
                with ThreadPoolExecutor(1) as pool, pytest.raises(EdgekitError, match="another benchmark of this"):
                    pool.submit(
                        benchmark, model, dataset, SHORT, devices=[LocalDevice("tampered")], out=tmp_path
                    ).result()
                return super().run(arguments, idle_timeout_s=idle_timeout_s)

        device = Meanwhile(lambda lines: lines)
        (told,) = benchmark(model, dataset, SHORT, devices=[device], out=tmp_path).devices
        assert told.conditions.sessions == 1
        assert kinds(lines_path(tmp_path, model, device))[-1] == "reported"

    def test_another_job_begins_anew(self, model, dataset, tmp_path):
        device = Tampered(unplugged_after(8))
        for seed in (0, 1):
            with pytest.raises(DeviceError):
                benchmark(model, dataset, replace(SHORT, seed=seed), devices=[device], out=tmp_path)
        assert [job["done"]["scored"] for job in device.asked] == [0, 0]

    @pytest.mark.parametrize("damage", [b'{"type": "sco', b"\x00\xff\n", b'{"type": "end", "rows": 3}\n'])
    def test_lines_that_were_damaged_are_measured_again(self, model, dataset, tmp_path, damage):
        device = Tampered(unplugged_after(8))
        with pytest.raises(DeviceError):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        lines = lines_path(tmp_path, model, device)
        with lines.open("ab") as file:
            file.write(damage)
        device._change = lambda lines: lines
        benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        assert device.asked[1]["done"]["scored"] == 7
        assert kinds(lines).count("scores") == 12

    def test_the_other_devices_are_done(self, model, dataset, tmp_path):
        good, bad = Tampered(lambda lines: lines, "good"), Tampered(unplugged_after(8), "bad")
        with pytest.raises(DeviceError, match="the connection broke; run the same command again"):
            benchmark(model, dataset, SHORT, devices=[bad, good], out=tmp_path)
        bad._change = lambda lines: lines
        told = benchmark(model, dataset, SHORT, devices=[bad, good], out=tmp_path)
        assert [one.device for one in told.devices] == ["bad", "good"]
        assert (len(bad.asked), len(good.asked)) == (2, 1)

    def test_a_machine_that_changed_in_between_is_refused(self, model, dataset, tmp_path):
        device = Tampered(unplugged_after(8))
        with pytest.raises(DeviceError):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)
        device._change = lambda lines: (line.replace('"memory_mb": ', '"memory_mb": 1') for line in lines)
        with pytest.raises(DeviceError, match=r"not as it was when .* \(memory_mb: .*delete .* anew"):
            benchmark(model, dataset, SHORT, devices=[device], out=tmp_path)

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
    def test_after_both_processes_were_killed(self, model, dataset, tmp_path):
        """kill -9 of a real `edgekit bench` and of the runtime that it started, halfway."""
        command = [sys.executable, "-m", "edgekit", "bench", str(model), "--data", str(dataset.root)]
        command += ["--out", str(tmp_path), "--crops", "1,3", "--threads", "1", "--quick"]
        lines = tmp_path / "model.local.lines.jsonl"
        process = subprocess.Popen(
            command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (lines.exists() and lines.read_bytes().count(b"\n") > 5):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        before = lines.read_bytes()
        assert b"reported" not in before
        assert not (tmp_path / "model.bench.json").exists()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "going on from" in done.stderr
        assert lines.read_bytes().startswith(before[: before.rindex(b"\n")])
        told = from_plain(BenchRecord, read_json(tmp_path / "model.bench.json"), where="bench")
        assert told.devices[0].conditions.sessions == 2
        assert told.quick


def edited(kind, change):
    """Lines of which those of a type are changed, as objects."""

    def tampered(lines):
        for line in lines:
            row = json.loads(line)
            if row["type"] == kind:
                change(row)
            yield json.dumps(row)

    return tampered


def first(kind, key, value):
    """Another first value of a list."""
    return edited(kind, lambda row: row[key].__setitem__(0, value))


def without(kind):
    return lambda lines: (line for line in lines if json.loads(line)["type"] != kind)


def put(text, at=3):
    """A line of one's own after so many."""

    def tampered(lines):
        for number, line in enumerate(lines):
            if number == at:
                yield text
            yield line

    return tampered


@pytest.fixture(scope="module")
def told(model, dataset):
    """All lines of one benchmark."""
    kept = []

    def keep(lines):
        for line in lines:
            kept.append(line)
            yield line

    benchmark(model, dataset, SHORT, devices=[Tampered(keep)])
    return kept


class TestHostileLines:
    """A device's word is checked before it counts."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(put("Welcome to Raspbian!"), "must be JSON, got 'Welcome", id="no-json"),
            pytest.param(put("[" * 100_000), "must be JSON", id="deep"),
            pytest.param(put("1" * 2_000_000), "at most 1048576 characters, got 2000000", id="long"),
            pytest.param(put('{"type": "joke"}'), "must be one of", id="unknown-type"),
            pytest.param(put('{"type": []}'), "must be one of", id="type-of-type"),
            pytest.param(put("\x1b[2J"), r"got '\\\\x1b\[2J'", id="terminal-codes"),
            pytest.param(without("hello"), "first a device's word", id="no-hello"),
            pytest.param(without("end"), "stopped before the end", id="no-end"),
            pytest.param(without("warm"), "must come after its warm-up", id="no-warm-up"),
            pytest.param(without("finish"), "repeat 0 must go on now, got begin 1", id="no-finish"),
            pytest.param(without("cold"), "some are missing", id="no-cold-starts"),
            pytest.param(without("pause"), None, id="nothing-missing"),
            pytest.param(lambda lines: list(lines)[:7], "stopped before the end", id="truncated"),
            pytest.param(edited("end", lambda row: row.update(rows=3)), "lines of 3: some are missing", id="count"),
            pytest.param(edited("scores", lambda row: row.update(photo=7)), "must come now, got", id="other-photo"),
            pytest.param(edited("scores", lambda row: row["scores"].pop()), "must have 4 crops of 2", id="fewer-crops"),
            pytest.param(
                edited("scores", lambda row: row["scores"][0].append(0.0)), "must have 4 crops of 2", id="more-classes"
            ),
            pytest.param(first("scores", "scores", [0.9, 0.9]), "must add up to 1", id="sum"),
            pytest.param(first("scores", "scores", [2.0, -1.0]), "must be probab", id="negative"),
            pytest.param(
                first("scores", "scores", [float("nan"), 1.0]),
                "must be JSON",
                id="nan",
            ),
            pytest.param(first("scores", "scores", [True, 0.0]), "must be float", id="bool"),
            pytest.param(edited("scores", lambda row: row.update(sudo=1)), "unknown", id="unknown-key"),
            pytest.param(edited("cold", lambda row: row.update(first_ms=1e300)), "within bounds", id="cold-time"),
            pytest.param(edited("cold", lambda row: row.update(peak_memory_mb=-1.0)), "within bounds", id="memory"),
            pytest.param(edited("cold", lambda row: row.update(setting=99)), "must come now", id="cold-of-no-setting"),
            pytest.param(edited("runs", lambda row: row["ns"].pop()), "must have 10 runs", id="fewer-runs"),
            pytest.param(edited("runs", lambda row: row.update(setting=-1)), "must belong to a setting", id="setting"),
            pytest.param(edited("runs", lambda row: row.update(block=5)), "block 0 of setting", id="block"),
            pytest.param(edited("runs", lambda row: row.update(at_ns=-1)), "after the last block", id="clock-back"),
            pytest.param(
                first("runs", "ns", [-1, 1, 1, 1]),
                "stages must take",
                id="negative-ns",
            ),
            pytest.param(
                first("runs", "ns", [10**18, 1, 1, 1]),
                "stages must take",
                id="huge-ns",
            ),
            pytest.param(first("runs", "ns", [0, 0, 0, 0]), "stages must take", id="no-time"),
            pytest.param(first("runs", "crops", 2), "must take", id="other-crops"),
            pytest.param(
                edited("hello", lambda row: row["engines"][0].update(delegate=7)), "must be str", id="engine-type"
            ),
            pytest.param(edited("hello", lambda row: row["engines"].pop()), "for 1 engines", id="no-engine"),
            pytest.param(edited("hello", lambda row: row.update(format=2)), "answer in format 1", id="format"),
            pytest.param(put('{"type": "failed", "engine": 0, "photo": 2, "error": "gone"}'), "can't read", id="photo"),
        ],
    )
    def test_are_refused(self, model, dataset, told, change, message):
        device = Replayed(told, change)
        if message is None:
            assert benchmark(model, dataset, SHORT, devices=[device]).devices
            return
        with pytest.raises(DeviceError, match=f"(?s)^tampered: .*{message}"):
            benchmark(model, dataset, SHORT, devices=[device])

    def test_a_delegate_that_was_not_asked_for_is_refused(self, model, dataset):
        lying = Tampered(edited("hello", lambda row: row["engines"][0].update(delegate="none")))
        with pytest.raises(DeviceError, match="the delegate xnnpack was asked for, the model ran with: none"):
            benchmark(model, dataset, replace(SHORT, delegates=("xnnpack",)), devices=[lying])

    def test_an_interpreter_that_was_not_asked_for_is_refused(self, model, dataset, record):
        name = record.devices[0].conditions.interpreter.split()[0]
        lying = Tampered(edited("hello", lambda row: row["engines"][0].update(interpreter="another 1.0")))
        with pytest.raises(DeviceError, match=f"the interpreter {name} was asked for, the model ran with: another 1.0"):
            benchmark(model, dataset, replace(SHORT, interpreters=(name,)), devices=[lying])

    def test_a_kernel_without_a_name(self, model, dataset, told):
        nameless = Replayed(told, edited("hello", lambda row: row["machine"].update(kernel="")))
        (found,) = benchmark(model, dataset, SHORT, devices=[nameless]).devices
        assert found.conditions.system.strip() == found.conditions.machine.architecture

    def test_a_device_that_hangs_is_given_up(self, model, dataset):
        class Hanging(LocalDevice):
            def run(self, arguments, *, idle_timeout_s=120):
                return run_lines([sys.executable, "-c", "import time; time.sleep(60)"], idle_timeout_s, name="hanging")

        with pytest.raises(DeviceTimeout, match=r"^hanging: no answer for 1 s; .* a larger --timeout"):
            benchmark(model, dataset, replace(SHORT, timeout_s=1), devices=[Hanging()])

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
    def test_what_a_launcher_started_is_ended_with_it(self, tmp_path):
        """A shell that does not become the program: killed alone, it would leave one that holds the pipe."""
        began = time.monotonic()
        script = f"sleep 60 & echo $! > {tmp_path}/number; wait; true"
        with pytest.raises(DeviceTimeout, match="no answer for 1 s"):
            list(run_lines(["/bin/sh", "-c", script], 1.0, name="hanging"))
        assert time.monotonic() - began < 30
        number = int((tmp_path / "number").read_text())
        for _ in range(100):
            if not Path(f"/proc/{number}/cmdline").exists() or not Path(f"/proc/{number}/cmdline").read_bytes():
                break
            time.sleep(0.1)
        else:
            pytest.fail("what the launcher started still runs")


class TestConfig:
    def test_settings_are_the_product(self, red_blue):
        swept = BenchConfig(
            crops=(1, 3), threads=(1, 2), interpreters=("litert", "tflite-runtime"), delegates=("none",)
        )
        found = settings(red_blue.contract, swept)
        assert len(found) == 8
        assert len(set(found)) == 8

    def test_a_quick_one_says_so(self):
        assert quick_bench().quick
        assert quick_bench().runs < BenchConfig().runs

    @pytest.mark.parametrize(
        ("text", "pause"), [("", (0, None)), ("30", (30, None)), ("45C", (600, 45.0)), ("1.5", (1.5, None))]
    )
    def test_cool_down(self, text, pause):
        assert BenchConfig(cool_down=text).pause() == pause

    @pytest.mark.parametrize("text", ["warm", "-1", "200C", "nanC", "1e9", "inf"])
    def test_a_cool_down_that_is_none_is_refused(self, text):
        with pytest.raises(EdgekitError, match="--cool-down must be seconds"):
            BenchConfig(cool_down=text)

    @pytest.mark.parametrize(
        ("change", "message"),
        [({"repeats": 0}, "--repeats"), ({"min_seconds": -1}, "--min-seconds"), ({"timeout_s": 0}, "--timeout")],
    )
    def test_values_out_of_range_are_refused(self, change, message):
        with pytest.raises(EdgekitError, match=message):
            BenchConfig(**change)


def point(crops, p95_ms, right, *, threads=1):
    """A point with a p95 and this many right answers of 20."""
    latency = Latency(n=2, mean_ms=p95_ms, p50_ms=p95_ms, p90_ms=p95_ms, p95_ms=p95_ms, p99_ms=p95_ms)
    truth = np.repeat([0, 1], 10)
    predicted = np.where(np.arange(20) < right, truth, 1 - truth)
    evaluation = evaluation_of(judged(truth, predicted, ("a", "b")), resamples=10)
    return BenchPoint(crops=crops, threads=threads, latency={"total": latency}, cold=COLD, evaluation=evaluation)


POINTS = [point(1, 5, 14), point(3, 10, 16), point(5, 20, 18), point(10, 40, 18)]


@pytest.mark.parametrize(
    ("points", "budget_ms", "crops"),
    [
        pytest.param(POINTS, None, 5, id="the-faster-of-equals"),
        pytest.param(POINTS, 20, 5, id="exactly-the-budget"),
        pytest.param(POINTS, 19.9, 3, id="just-under"),
        pytest.param(POINTS, 4.9, None, id="nothing-fits"),
        pytest.param([*POINTS, point(7, 30, 17)], None, 5, id="more-crops-may-be-worse"),
        pytest.param([], None, None, id="no-points"),
        pytest.param([replace(POINTS[0], latency=None)], None, None, id="without-a-latency"),
    ],
)
def test_recommend(points, budget_ms, crops):
    best = recommend(points, budget_ms)
    assert (best.crops if best else None) == crops


def test_threads_are_a_series_of_their_own(record):
    local = replace(record.devices[0], points=(POINTS[0], replace(POINTS[0], threads=2)))
    assert [(one.label, one.series) for one in pareto_points([local])] == [
        ("k=1", "1 thread, "),
        ("k=1", "2 threads, "),
    ]


@pytest.mark.skipif(os.name != "posix", reason="pipes and locks are POSIX's")
class TestLinesFile:
    def test_a_link_is_not_followed(self, model, dataset, tmp_path):
        precious = tmp_path / "precious"
        precious.write_text("precious")
        lines_path(tmp_path, model, LocalDevice()).symlink_to(precious)
        with pytest.raises(EdgekitError, match="must be a file, got a link"):
            benchmark(model, dataset, FAST, out=tmp_path)
        assert precious.read_text() == "precious"

    def test_a_pipe(self, model, dataset, tmp_path):
        os.mkfifo(lines_path(tmp_path, model, LocalDevice()))
        with pytest.raises(EdgekitError, match="got a link, a pipe or a device"):
            benchmark(model, dataset, FAST, out=tmp_path)

    def test_one_benchmark_at_a_time(self, model, dataset, tmp_path):
        place = lines_path(tmp_path, model, LocalDevice())
        with keeping(place), pytest.raises(EdgekitError, match="another benchmark of this model on this device runs"):
            benchmark(model, dataset, FAST, out=tmp_path)
        assert not place.exists()


def rows_changed(change):
    """Rows of a type, changed or repeated."""

    def changed(lines):
        for line in lines:
            for row in change(json.loads(line)):
                yield json.dumps(row)

    return changed


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(lambda row: [row] * 3 if row["type"] == "hello" else [row], "began anew", id="hello"),
        pytest.param(
            lambda row: [{"type": "pause", "left_s": 1.0, "hottest_c": None}] * 20 if row["type"] == "begin" else [row],
            "a pause must end",
            id="pause",
        ),
        pytest.param(
            lambda row: (
                [row, *({**row, "block": row["block"] + n} for n in range(1, 9))] if row["type"] == "runs" else [row]
            ),
            "more already",
            id="runs",
        ),
        pytest.param(
            lambda row: [{**row, "cores": [10**15]} if row["type"] == "hello" else row], "1 to 8192 cores", id="cores"
        ),
        pytest.param(
            lambda row: (
                [{**row, "machine": {**row["machine"], "name": "x" * 200_000}}] if row["type"] == "hello" else [row]
            ),
            "at most 100000 characters",
            id="long-name",
        ),
    ],
)
def test_a_device_that_goes_on_without_end_is_stopped(model, dataset, tmp_path, change, complaint):
    with pytest.raises(DeviceError, match=complaint):
        benchmark(model, dataset, FAST, devices=[Tampered(rows_changed(change))], out=tmp_path)


def test_a_device_without_a_kernel(model, dataset, tmp_path):
    def nameless(row):
        return [{**row, "machine": {**row["machine"], "kernel": ""}} if row["type"] == "hello" else row]

    record = benchmark(model, dataset, FAST, devices=[Tampered(rows_changed(nameless))], out=tmp_path)
    assert record.devices[0].conditions.machine.kernel == ""
