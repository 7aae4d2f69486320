"""Where the time went: sums and percentiles that can be worked out by hand."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from edgekit.runtime.timing import Latency, Milliseconds, Stopwatch, by_stage, peak_memory_mb


def test_the_total_is_the_sum_of_the_stages():
    assert Milliseconds(decode_ms=1.0, crop_ms=2.0, invoke_ms=4.0, vote_ms=8.0).total_ms == 15.0


@pytest.mark.parametrize(
    ("values_ms", "expected"),
    [
        pytest.param([7.0], (1, 7.0, 7.0, 7.0, 7.0, 7.0), id="one"),
        pytest.param([1.0, 3.0], (2, 2.0, 2.0, 2.8, 2.9, 2.98), id="between-two"),
        pytest.param(list(range(101)), (101, 50.0, 50.0, 90.0, 95.0, 99.0), id="hundred"),
        pytest.param(list(range(100, -1, -1)), (101, 50.0, 50.0, 90.0, 95.0, 99.0), id="in-any-order"),
    ],
)
def test_percentiles(values_ms, expected):
    latency = Latency.of(values_ms)
    found = (latency.n, latency.mean_ms, latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms)
    assert found == pytest.approx(expected)
    assert all(type(value) in (int, float) for value in found)


def test_each_stage_has_its_percentiles_and_so_has_the_total():
    times = [Milliseconds(decode_ms=n, crop_ms=10.0, invoke_ms=2 * n, vote_ms=0.0) for n in (1.0, 2.0, 3.0)]
    stages = by_stage(times)
    assert list(stages) == ["decode", "crop", "invoke", "vote", "total"]
    assert {name: latency.p50_ms for name, latency in stages.items()} == {
        "decode": 2.0, "crop": 10.0, "invoke": 4.0, "vote": 0.0, "total": 16.0,
    }  # fmt: skip
    # The percentile of a sum is not the sum of percentiles, so totals are taken first.
    crossed = [
        Milliseconds(decode_ms=n, crop_ms=5.0 - n, invoke_ms=0.0, vote_ms=0.0) for n in np.linspace(0, 5, 11).tolist()
    ]
    assert by_stage(crossed)["total"].p99_ms == pytest.approx(5.0)


def test_what_workers_did_side_by_side_is_shared_out(monkeypatch):
    """Two workers spent 12 ms in 8 ms, a quarter of it on cutting."""
    ticks = iter([0, 1_500_000, 9_500_000, 9_750_000])
    monkeypatch.setattr(time, "perf_counter_ns", lambda: next(ticks))
    watch = Stopwatch()
    watch.lap("decode")
    for _ in range(2):
        watch.worked(crop=1_500_000, invoke=4_500_000)
    watch.lap_of_workers()
    watch.lap("vote")
    spent = watch.read()
    assert spent == Milliseconds(decode_ms=1.5, crop_ms=2.0, invoke_ms=6.0, vote_ms=0.25)
    assert spent.total_ms == 9.75


def test_peak_memory_is_that_of_this_process():
    peak = peak_memory_mb()
    if peak is None:
        pytest.skip("this system does not tell the peak of a process")
    assert 10 < peak < 1_000_000
    ballast = np.ones(64 << 20, np.uint8)
    assert peak_memory_mb() >= max(peak, ballast.nbytes / (1 << 20))


def test_a_process_does_not_count_its_parents_memory():
    """Linux hands the peak of ``getrusage`` down to the processes that one starts."""
    script = "from edgekit.runtime.timing import peak_memory_mb; print(peak_memory_mb())"
    parent = (
        "import subprocess, sys\nheld = bytearray(400 << 20)\nheld[::4096] = b'1' * len(held[::4096])\n"
        f"print(subprocess.run([sys.executable, '-c', {script!r}], capture_output=True, text=True).stdout)"
    )
    told = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True).stdout
    assert 5 < float(told) < 300
    assert peak_memory_mb() > 20
