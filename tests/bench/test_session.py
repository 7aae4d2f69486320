"""A benchmark on devices behind real servers: the same numbers as here, and a cable that is pulled halfway."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.bench.benchmark import benchmark
from edgekit.bench.options import BenchConfig
from edgekit.bench.session import lines_path
from edgekit.data.dataset import load_dataset
from edgekit.devices.local import LocalDevice
from edgekit.errors import DeviceError

FAST = BenchConfig(
    crops=(1, 3), threads=(1,), runs=10, min_seconds=0, warmup=1, warmup_seconds=0, repeats=1, timeout_s=60
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, colour in (("genuine", (200, 20, 40)), ("recapture", (40, 20, 200))):
        (root / name).mkdir()
        for number in range(8):
            noise = rng.integers(-20, 20, (48, 64, 3))
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(
                root / name / f"{number}.png"
            )
    return load_dataset(root)


class Cut:
    """Progress that pulls the cable after so many steps."""

    def __init__(self, cut, after):
        self.cut, self.left, self.measuring = cut, after, False

    def begin(self, what, total):
        self.measuring = what.startswith("measuring")

    def advance(self, steps=1, *, note=""):
        self.left -= steps if self.measuring else 0
        if self.left <= 0 and self.cut is not None:
            cut, self.cut = self.cut, None
            cut()

    def say(self, line):
        pass


def check_resumed(device, cut, model, dataset, out):
    """Pull the cable after five photos, then run again; returns what was measured."""
    with pytest.raises(DeviceError, match="run again to go on"):
        benchmark(model, dataset, FAST, devices=[device], out=out, progress=Cut(cut, 5))
    lines = lines_path(out, model, device)
    before = lines.read_text(encoding="utf-8")
    assert 5 <= before.count('"type": "scores"') <= 16
    return before, lines


def test_it_finds_what_this_machine_finds(ssh_device, red_blue_file, dataset):
    there, here = benchmark(red_blue_file, dataset, FAST, devices=[ssh_device(), LocalDevice()]).devices
    assert there.kind == "ssh"
    assert [one.evaluation for one in there.points] == [one.evaluation for one in here.points]
    assert all(point.cold.peak_memory_mb > 10 and point.latency["total"].p50_ms > 0 for point in there.points)
    assert replace(there.conditions.machine, state=here.conditions.machine.state) == here.conditions.machine


def test_a_cable_of_ssh_pulled_halfway(ssh_device, sshd, red_blue_file, dataset, tmp_path):
    before, lines = check_resumed(ssh_device(), sshd.cut, red_blue_file, dataset, tmp_path / "out")
    (told,) = benchmark(red_blue_file, dataset, FAST, devices=[ssh_device()], out=tmp_path / "out").devices
    check_whole(told, before, lines)


def test_a_cable_of_adb_pulled_halfway(adb_device, adbd, red_blue_file, dataset, tmp_path):
    before, lines = check_resumed(adb_device(), adbd.cut, red_blue_file, dataset, tmp_path / "out")
    adbd.restart()
    (told,) = benchmark(red_blue_file, dataset, FAST, devices=[adb_device()], out=tmp_path / "out").devices
    assert told.kind == "adb"
    check_whole(told, before, lines)


def check_whole(told, before, lines):
    after = lines.read_text(encoding="utf-8")
    assert after.startswith(before)
    assert told.conditions.sessions == 2
    photos = [row["photo"] for row in map(json.loads, after.splitlines()) if row["type"] == "scores"]
    assert photos == list(range(16))
    assert all(point.evaluation.balanced_accuracy.value == 1 for point in told.points)
