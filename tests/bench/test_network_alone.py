"""A phone that can time the network alone stands beside a device that runs the whole: told apart by what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.bench.benchmark import benchmark
from edgekit.bench.options import BenchConfig
from edgekit.data.dataset import load_dataset
from edgekit.errors import DeviceError

SHORT = BenchConfig(crops=(1,), threads=(1, 2), runs=10, min_seconds=0, warmup=1, warmup_seconds=0, repeats=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    for name, colour in (("genuine", (230, 0, 20)), ("recapture", (20, 0, 230))):
        (root / name).mkdir()
        for number in range(3):
            pixels = np.full((48, 64, 3), colour, np.uint8)
            pixels[0, 0] = number
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def test_it_is_timed_by_its_own_program(phone, red_blue_file, photos):
    record = benchmark(red_blue_file, load_dataset(photos), SHORT, devices=[phone])
    (alone,) = record.native
    assert record.devices == ()
    assert (alone.device, alone.tool) == ("usb://phone", "/data/timer")
    # Every other repeat the other way round.
    assert [threads for threads, _, _ in phone.asked] == [1, 2, 2, 1]
    assert [(point.threads, point.mean_ms) for point in alone.points] == [(1, 8.0), (2, 4.0)]


def test_what_its_program_can_not_do_is_refused(phone, red_blue_file, photos):
    with pytest.raises(DeviceError, match="the native tool knows no --budget-ms"):
        benchmark(red_blue_file, load_dataset(photos), replace(SHORT, budget_ms=9.0), devices=[phone])
