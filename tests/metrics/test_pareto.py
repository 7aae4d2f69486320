from __future__ import annotations

import math

import pytest

from edgekit.errors import DataError
from edgekit.metrics.pareto import ParetoPoint, pareto_front


def point(latency_ms, accuracy, label="k=1"):
    return ParetoPoint(
        label=label, series="1 thread", latency_ms=latency_ms, accuracy=accuracy, low=math.nan, high=math.nan
    )


@pytest.mark.parametrize(
    ("points", "front"),
    [
        pytest.param([], (), id="none"),
        pytest.param([(5, 0.8)], (0,), id="one"),
        pytest.param([(5, 0.8), (4, 0.7), (6, 0.75)], (1, 0), id="slower-and-worse-is-beaten"),
        pytest.param([(5, 0.8), (5, 0.9)], (1,), id="as-fast-and-better-wins"),
        pytest.param([(5, 0.8), (4, 0.8)], (1,), id="as-good-and-faster-wins"),
        pytest.param([(5, 0.8), (4, 0.7), (5, 0.8)], (1, 0, 2), id="equal-points-are-kept"),
    ],
)
def test_pareto_front(points, front):
    assert pareto_front([point(*one) for one in points]) == front


@pytest.mark.parametrize(
    ("latency_ms", "accuracy"),
    [(-1, 0.5), (math.nan, 0.5), (math.inf, 0.5), (1, 1.1), (1, math.nan)],
)
def test_points_that_cannot_be_measured_are_refused(latency_ms, accuracy):
    with pytest.raises(DataError, match="'k=7'"):
        point(latency_ms, accuracy, label="k=7")
