"""A device behind a real adbd, in a network namespace of its own, and every way in which it fails."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from fixtures.devices import open_device

from edgekit.bench.network_alone import time_alone
from edgekit.bench.options import BenchConfig
from edgekit.bench.record import NativeBench
from edgekit.devices.adb import attached
from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.records import from_plain, to_json

# What the tool printed on a phone, as reported in a bug of its own project's.
PRINTED = """STARTING!
Graph: [/data/local/tmp/model.tflite]
Initialized session in 0.855ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=15 first=49060 curr=33682 min=32825 max=49060 avg=34825.1 std=3930

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=32891 curr=33978 min=32641 max=34005 avg=33209.4 std=450

Inference timings in us: Init: 855, First inference: 49060, Warmup (avg): 34825.1, Inference (avg): 33209.4
"""


def write_noise(folder, *sizes_mb):
    files = []
    for number, size in enumerate(sizes_mb):
        files.append(folder / f"noise{number}.bin")
        files[-1].write_bytes(os.urandom(int(size * 1e6)))
    return files


class TestWork:
    def test_photos_are_classified_there(self, adb_device, red_blue_file, red_photos):
        device = adb_device()
        model, *there = device.push([red_blue_file, *red_photos])
        rows = [json.loads(line) for line in device.run(["classify", model, *there])]
        assert [row["label"] for row in rows] == ["genuine"] * len(red_photos)

    def test_it_tells_what_it_is(self, adb_device):
        probe = adb_device().probe()
        assert probe.modules["numpy"].version
        assert probe.machine.cores >= 1

    def test_it_tells_what_it_is_without_a_python(self, adb_device):
        with_python, without = adb_device().probe().machine, adb_device(python="/nowhere/python3").machine()
        for what in ("soc", "architecture", "kernel", "cores", "clusters", "memory_mb", "int8_instructions", "virtual"):
            assert getattr(without, what) == getattr(with_python, what)
        assert without.python is None
        assert without.usable_cores is None

    def test_no_content_is_sent_twice(self, adb_device, adbd, red_photos, tmp_path):
        device = adb_device()
        there = device.push([*red_photos, red_photos[0], *write_noise(tmp_path, 20)])
        assert there[0] == there[len(red_photos)]
        kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "remote" / "blobs").iterdir()}
        assert device.push(red_photos) == there[: len(red_photos)]
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert Path(there[-1]).read_bytes() == (tmp_path / "noise0.bin").read_bytes()

    @pytest.mark.parametrize("damaged", [b"", b"another", "as long"], ids=["empty", "shorter", "as-long"])
    def test_what_is_not_what_its_name_says_is_sent_again(self, adb_device, red_photos, damaged):
        device = adb_device()
        first, second = device.push(red_photos[:2])
        whole = Path(first).read_bytes()
        Path(first).write_bytes(bytes(len(whole)) if damaged == "as long" else damaged)
        untouched = Path(second).stat().st_mtime_ns
        assert device.push(red_photos[:2]) == [first, second]
        assert Path(first).read_bytes() == whole
        assert Path(second).stat().st_mtime_ns == untouched

    def test_a_phone_that_can_not_tell_gets_everything_again(self, adb_device, adbd, red_photos, tmp_path):
        device = adb_device()
        (there,) = device.push(red_photos[:1])
        whole = Path(there).read_bytes()
        Path(there).write_bytes(bytes(len(whole)))
        tool = adbd.tools / "sha256sum"
        at = tool.readlink()
        tool.unlink()
        try:
            assert device.push(red_photos[:1]) == [there]
        finally:
            tool.symlink_to(at)
        assert Path(there).read_bytes() == whole

    def test_more_photos_than_a_command_line_takes(self, adb_device, red_blue_file, red_photos):
        device = adb_device()
        model, *there = device.push([red_blue_file, *red_photos])
        rows = [json.loads(line)["photo"] for line in device.run(["classify", model, *there * 200])]
        assert rows == there * 200

    def test_the_only_device_needs_no_serial(self, adb_device, adbd, red_photos):
        # The fixture leads adb to the test's own server.
        adb_device()
        assert open_device("adb://").check_attached() is None
        assert attached() == {adbd.serial: "device"}


class TestNative:
    def tool(self, folder, script):
        """Stands for benchmark_model, of which there is no program for PCs to be had by a package."""
        file = folder / "benchmark_model"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def test_timings_come_back(self, adb_device, red_blue_file, tmp_path):
        said = tmp_path / "said"
        said.write_text(PRINTED)
        tool = self.tool(tmp_path, f'echo "$@" > {tmp_path}/asked; cat {said} >&2')
        device = adb_device(python="/nowhere/python3", native=tool)
        (model,) = device.push([red_blue_file])
        told = device.time_network(model, 2, 50, 1.5)
        assert told.mean_ms == pytest.approx(33.2094)
        assert (told.n, told.init_ms, told.p50_ms) == (50, 0.855, None)
        assert f"--graph={model} --num_threads=2 --num_runs=50 --min_secs=1.5 " in (tmp_path / "asked").read_text()
        with pytest.raises(DeviceError, match="51 runs were asked for, benchmark_model made 50"):
            device.time_network(model, 2, 51, 1.5)

    def test_what_the_tool_can_not_do_is_refused(self, adb_device, red_blue_file, fails_with):
        device = adb_device(python="", native="/nowhere/tool")
        asked = {
            "--affinity": {"affinity": "big"},
            "--cool-down": {"cool_down": "5"},
            "--budget-ms": {"budget_ms": 9.0},
            "--min-seconds above 500": {"min_seconds": 501.0},
        }
        asked |= {"--delegate": {"delegates": ("none",)}, "--interpreter": {"interpreters": ("litert",)}}
        for name, change in asked.items():
            with fails_with(f"the native tool knows no {name}", "python = "):
                time_alone(device, device.network_timer, red_blue_file, BenchConfig(**change))
        emulated = adb_device(python="", native="/nowhere/tool", emulated="qemu 7.2")
        with fails_with("qemu 7.2 takes its own time"):
            time_alone(emulated, emulated.network_timer, red_blue_file, BenchConfig())

    def test_a_benchmark_times_the_network_alone(self, adb_device, red_blue_file, tmp_path):
        """With no Python named: means of each repeat, by threads, and nothing that the phone did not tell."""
        said = tmp_path / "said"
        said.write_text(PRINTED)
        device = adb_device(python="", native=self.tool(tmp_path, f"cat {said} >&2"))
        record = time_alone(device, device.network_timer, red_blue_file, BenchConfig(threads=(1, 2), repeats=2))
        assert [point.threads for point in record.points] == [1, 2]
        assert [len(point.repeats) for point in record.points] == [2, 2]
        assert record.points[0].mean_ms == pytest.approx(33.2094)
        assert record.machine.architecture
        assert from_plain(NativeBench, json.loads(to_json(record)), where="record") == record

    def test_no_tool_there(self, adb_device, fails_with):
        with fails_with("/nowhere/tool is not there", "chmod"):
            adb_device(native="/nowhere/tool").time_network("model", 1, 1, 0)
        with fails_with("native = "):
            adb_device().time_network("model", 1, 1, 0)

    def test_a_tool_that_fails(self, adb_device, tmp_path, fails_with):
        tool = self.tool(tmp_path, "echo ERROR: no such model; exit 1")
        with fails_with("ended with exit code 1: ERROR: no such model"):
            adb_device(native=tool).time_network("model", 1, 1, 0)


class TestFailures:
    def test_no_such_device(self, adb_device, fails_with):
        with fails_with("adb has no device R58M", "attached: 127.0.0.1", "USB debugging"):
            adb_device(url="adb://R58M").probe()

    def test_no_python(self, adb_device, fails_with):
        # The device's PATH has none, and there is no Termux.
        with fails_with("no Python there", "Termux", "native = "):
            adb_device(python="").probe()

    def test_a_python_without_packages(self, adb_device, bare_python, fails_with):
        with fails_with("lacks numpy and pillow and a TFLite interpreter", "-m pip install"):
            list(adb_device(python=bare_python).run(["machine"]))

    def test_a_failing_run(self, adb_device, red_blue_file, fails_with):
        device = adb_device()
        (model,) = device.push([red_blue_file])
        with fails_with("ended with exit code 2"):
            list(device.run(["classify", model, "/nowhere.png"]))

    def test_a_folder_that_can_not_be_made(self, adb_device, fails_with):
        with fails_with("can't write to /proc/edgekit"):
            adb_device(folder="/proc/edgekit").push([])

    def test_a_full_disk(self, adb_device, tiny_disk, tmp_path, fails_with):
        with fails_with("its disk is full", "MB free, 5.0 MB were to be sent"):
            adb_device(folder=tiny_disk / "files").push(write_noise(tmp_path, 5))

    def test_a_device_that_hangs(self, adb_device, red_blue_file, red_photos, gone, tmp_path):
        device = adb_device()
        model, photo = device.push([red_blue_file, red_photos[0]])
        with pytest.raises(DeviceTimeout, match=r"no answer for 1\.5 s"):
            list(device.run(["time", model, photo, "--runs", "100000"], idle_timeout_s=1.5))
        assert gone(tmp_path)


class TestCable:
    def test_a_run_that_is_cut_says_so_and_ends_there_too(
        self, adb_device, adbd, red_blue_file, red_photos, read_and_cut, gone
    ):
        """Adb itself ends with 0 then."""
        device, rows = adb_device(), []
        model, *there = device.push([red_blue_file, *red_photos])
        with pytest.raises(DeviceError, match="the connection broke"):
            read_and_cut(device.run(["classify", model, *there * 500]), adbd.cut, rows)
        assert rows[2]["photo"] == there[2]
        assert gone(Path(model).parents[1])

    def test_a_push_goes_on_where_it_was_cut(self, adb_device, adbd, tmp_path, fails_with):
        class Cut:
            def begin(self, what, total):
                self.total = total

            def advance(self, steps=1, *, note=""):
                adbd.cut()

            def say(self, line):
                pass

        files, device = write_noise(tmp_path, 15, 15), adb_device()
        with pytest.raises(DeviceError, match=r"connection broke|offline|no device"):
            device.push(files, progress=Cut())
        assert len(list((tmp_path / "remote" / "blobs").iterdir())) == 1
        with fails_with("offline|no device"):
            device.push(files)
        adbd.restart()
        again = Cut()
        again.advance = lambda steps=1, note="": None
        there = device.push(files, progress=again)
        assert again.total == 15_000
        assert [Path(path).read_bytes() for path in there] == [file.read_bytes() for file in files]


def test_without_adb(monkeypatch, fails_with):
    monkeypatch.setenv("PATH", "/nowhere")
    with fails_with("adb is not installed here"):
        open_device("adb://R58M")


def test_a_python_of_another_place_is_found(adb_device, tmp_path, monkeypatch):
    """By its path alone, which the device file gives."""
    (tmp_path / "a python").symlink_to(sys.executable)
    probe = adb_device(python=tmp_path / "a python").probe()
    assert probe.python == ".".join(map(str, sys.version_info[:3]))
