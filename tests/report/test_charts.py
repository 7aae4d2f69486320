"""Charts of accuracy over latency, and of curves."""

from __future__ import annotations

import itertools

import pytest

from edgekit.metrics.pareto import ParetoPoint
from edgekit.report.charts import ChartAxes, Curve, Spot, curve_chart, pareto_charts
from edgekit.report.drawing import place_labels


def spot(latency, accuracy, *, series="a", where="x", low=0.0, high=1.0, chosen=False):
    point = ParetoPoint(
        label=f"{latency:g} crops", series=series, latency_ms=latency, accuracy=accuracy, low=low, high=high
    )
    return Spot(point=point, place=where, tip="tip", chosen=chosen)


def test_a_front_joins_points_of_one_device_alone():
    spots = [spot(1, 0.8), spot(2, 0.9), spot(3, 0.85), spot(0.5, 0.7, where="y"), spot(9, 0.95, where="y")]
    chart = pareto_charts("k", "title", spots, [])["wide"]
    fronts = [line.points.split() for line in chart.lines if line.style == "front"]
    # Two points and a corner between them, on each device.
    assert [len(front) for front in fronts] == [3, 3]


def test_a_far_budget_is_said_at_the_edge():
    near = pareto_charts("k", "t", [spot(1, 0.8), spot(2, 0.9)], [3.0])["wide"]
    far = pareto_charts("k", "t", [spot(1, 0.8), spot(2, 0.9)], [300.0])["wide"]
    assert [line.style for line in near.lines].count("budget") == 1
    assert [line.style for line in far.lines].count("budget") == 0
    assert "budget 300 ms →" in [label.text for label in far.labels]


def test_unknown_intervals_have_no_bar():
    nan = float("nan")
    (mark,) = pareto_charts("k", "t", [spot(1, 0.8, low=nan, high=nan)], [])["wide"].marks
    assert (mark.low, mark.high) == (None, None)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_labels_cover_neither_points_nor_each_other(count):
    spots = [spot(1 + at / 3, 0.5 + at / 100, series=f"s{at % 3}") for at in range(count)]
    chart = pareto_charts("k", "t", spots, [])["narrow"]
    labels = place_labels(chart.frame, chart.marks, [(mark, "10 crops") for mark in chart.marks])
    boxes = []
    for label in labels:
        left = label.x - (53 if label.anchor == "end" else 0)
        boxes.append((left, label.y - 11, left + 52, label.y + 2))
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for box in boxes:
        assert not [m for m in chart.marks if box[0] < m.x < box[2] and box[1] < m.y < box[3]]
    assert labels


def test_a_chart_without_points_is_none():
    assert curve_chart("k", "t", [Curve(name="a", points=())], ChartAxes(x_name="x", y_name="y")) is None


def test_a_count_has_no_ticks_between_whole_numbers():
    curve = Curve(name="loss", points=((1.0, 0.5), (2.0, 0.4), (3.0, 0.3)))
    chart = curve_chart("k", "t", [curve], ChartAxes(x_name="epoch", y_name="loss", x="count", y="number"))
    assert [tick.text for tick in chart.x_ticks] == ["1", "2", "3"]
