"""Which point is recommended, and what a chart shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import judged

from edgekit.bench.record import BenchPoint, pareto_points, recommend
from edgekit.metrics.classification import evaluation_of
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.timing import Latency

COLD = ColdStart(cold_start_ms=1.0, first_ms=1.0, peak_memory_mb=None)


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


@pytest.mark.long
def test_threads_are_a_series_of_their_own(record):
    local = replace(record.devices[0], points=(POINTS[0], replace(POINTS[0], threads=2)))
    assert [(one.label, one.series) for one in pareto_points([local])] == [
        ("1 crop", "1 thread, "),
        ("1 crop", "2 threads, "),
    ]
