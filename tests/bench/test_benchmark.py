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
from fixtures.lines import FAST, SHORT, Tampered, rows_changed, unplugged_after
from PIL import Image

from edgekit.bench.benchmark import benchmark, settings
from edgekit.bench.options import BenchConfig
from edgekit.bench.record import BenchRecord, pareto_points
from edgekit.bench.session import lines_path
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import DataReading
from edgekit.data.regions import WithoutRegion
from edgekit.devices.local import LocalDevice
from edgekit.devices.process import run_lines
from edgekit.errors import DataError, DeviceError, DeviceTimeout, EdgekitError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.locks import keeping
from edgekit.modelfile.write import make_bundle, write_bundle
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.bundle import read_bundle


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

    def test_a_file_that_is_replaced_meanwhile_is_measured_again(self, model, dataset, tmp_path):
        file = Path(shutil.copy(model, tmp_path / "model.tflite"))

        def replaced_at_the_end(lines):
            yield from lines
            file.write_bytes(b"another")

        with pytest.raises(EdgekitError, match="was replaced while it was measured; run the same command again"):
            benchmark(file, dataset, SHORT, devices=[Tampered(replaced_at_the_end)], out=tmp_path / "out")
        assert list((tmp_path / "out").glob("*.json")) == []

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


@pytest.mark.parametrize("model", ["colours_or_unknown", "colours_at_once"])
def test_regions_stand_beside_what_else_a_model_tells(marks, marked_photo, repository, tmp_path, model):
    """A rule for unknown, and several labels a photo."""
    told = read_bundle(repository / "tests" / "models" / f"{model}.tflite")
    contract = told.contract.with_regions(marks.contract.regions)
    write_bundle(make_bundle(told.flatbuffer, contract, marks.detector), tmp_path / "model.tflite")
    samples = []
    for at, label in enumerate(contract.labels * 2):
        colour = tuple(255 * (label == one) for one in ("red", "green", "blue"))
        samples.append(Sample(path=f"{at}.png", label=label))
        Image.fromarray(marked_photo((at, 3, colour))).save(tmp_path / samples[-1].path)
    Image.fromarray(marked_photo()).save(tmp_path / "none.png")
    write_manifest(tmp_path / "manifest.csv", [*samples, Sample(path="none.png", label="red")])
    dataset = load_dataset(tmp_path, reading=DataReading(multi_label=contract.multi_label is not None))
    record = benchmark(tmp_path / "model.tflite", dataset, replace(SHORT, crops=(2,), repeats=1))
    (point,) = record.devices[0].points
    assert point.cold.cold_start_ms > point.cold.first_ms > 0
    assert point.evaluation.headline.value == 1
    assert (record.photos, record.left_out) == (6, WithoutRegion(none=("none.png",)))


class TestHeic:
    def test_photos_that_only_hosts_read_are_scored_but_not_timed(self, model, dataset, tmp_path):
        pillow_heif = pytest.importorskip("pillow_heif", reason="needs the host extra")
        shutil.copytree(dataset.root, tmp_path / "photos")
        noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
        heif = pillow_heif.from_bytes("RGB", (64, 48), noise.tobytes())
        heif.save(tmp_path / "photos" / "genuine" / "phone.heic", quality=90)
        (tmp_path / "photos" / "genuine" / "phone.heic").rename(tmp_path / "photos" / "genuine" / "phone.jpg")
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
        with pytest.raises(DataError, match="got HEIC or AVIF alone; add a JPEG"):
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
                with (
                    ThreadPoolExecutor(1) as pool,
                    pytest.raises(EdgekitError, match="another edgekit process writes there"),
                ):
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
        with keeping(place), pytest.raises(EdgekitError, match="another edgekit process writes there"):
            benchmark(model, dataset, FAST, out=tmp_path)
        assert not place.exists()


def test_a_device_without_a_kernel(model, dataset, tmp_path):
    def nameless(row):
        return [{**row, "machine": {**row["machine"], "kernel": ""}} if row["type"] == "hello" else row]

    record = benchmark(model, dataset, FAST, devices=[Tampered(rows_changed(nameless))], out=tmp_path)
    assert record.devices[0].conditions.machine.kernel == ""


def test_a_device_that_hangs_is_given_up(model, dataset):
    class Hanging(LocalDevice):
        def run(self, arguments, *, idle_timeout_s=120):
            return run_lines([sys.executable, "-c", "import time; time.sleep(60)"], idle_timeout_s, name="hanging")

    with pytest.raises(DeviceTimeout, match=r"^hanging: no answer for 1 s; .* a larger --timeout"):
        benchmark(model, dataset, replace(SHORT, timeout_s=1), devices=[Hanging()])


def test_settings_are_the_product(red_blue):
    swept = BenchConfig(crops=(1, 3), threads=(1, 2), interpreters=("litert", "tflite-runtime"), delegates=("none",))
    found = settings(red_blue.contract, swept)
    assert len(found) == 8
    assert len(set(found)) == 8
