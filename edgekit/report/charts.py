"""The page's charts: accuracy over latency, and curves of shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.metrics.pareto import ParetoPoint, pareto_front
from edgekit.metrics.wording import Measure, count, short_percent
from edgekit.report.drawing import (
    SHAPES,
    Chart,
    Frame,
    Label,
    Legend,
    Mark,
    PixelScale,
    Polyline,
    across,
    path,
    place_labels,
    upward,
)

# Latencies further apart than this would crowd the fast ones into a corner.
_LOG_FROM_RATIO = 8.0
_FAR = 1.8
WIDTHS = {"wide": Frame(width=920, height=430), "narrow": Frame(width=380, height=340, left=66, right=20)}
_CURVE_FRAME = Frame(width=400, height=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One way to run a model, as a chart shows it.

    Attributes:
        point: Latency and accuracy; its series is one line.
        place: The device: a Pareto front joins points of one place alone.
        tip: Lines of the text that is shown when the spot is pointed at.
        chosen: Whether the benchmark recommends it.
        aside: Whether it stands beside its series' line: it has no fixed number of crops.
        measure: What its accuracy is.
    """

    point: ParetoPoint
    place: str
    tip: str
    chosen: bool
    aside: bool = False
    measure: Measure = "balanced accuracy"


def pareto_charts(key: str, title: str, spots: Sequence[Spot], budgets_ms: Sequence[float]) -> dict[str, Chart]:
    """The same chart for wide and narrow windows."""
    return {size: _pareto(f"{key}-{size}", title, spots, budgets_ms, size) for size in WIDTHS}


def _pareto(key: str, title: str, spots: Sequence[Spot], budgets_ms: Sequence[float], size: str) -> Chart:
    frame = WIDTHS[size]
    slowest = max(spot.point.latency_ms for spot in spots)
    # A budget far beyond all points would crowd them into a corner; it is said at the edge.
    near = [budget for budget in budgets_ms if budget <= _FAR * slowest]
    x = _latency_axis(frame, [spot.point.latency_ms for spot in spots] + near)
    y = upward(frame, *_zoomed([value for spot in spots for value in _reach(spot.point)]))
    names = list(dict.fromkeys(spot.point.series for spot in spots))
    fronts = _fronts(spots)
    marks = [mark for spot in spots for mark in _curve_marks(names.index(spot.point.series), _alone(spot), x, y)]
    series = [_series(spots, name) for name in names]
    lines = [*(_front_line([spots[at].point for at in front], x, y) for front in fronts), *_curve_lines(series, x, y)]
    floor, ceiling = frame.height - frame.bottom, frame.top
    lines += [Polyline(points=f"{x(one):g},{floor} {x(one):g},{ceiling}", style="budget") for one in near]
    # What is recommended first, then the fronts; a label says the number of crops, the tip the rest.
    order = [at for at, spot in enumerate(spots) if spot.chosen] + [at for front in fronts for at in front]
    wanted = [(marks[at], spots[at].point.label) for at in dict.fromkeys(order)]
    return Chart(
        key=key,
        title=title,
        description=f"{count(len(spots), 'point')} of {len(names)} series; the arrow keys go from one to the next",
        frame=frame,
        x_name="latency of one photo, p95 (ms)",
        y_name=spots[0].measure,
        x_ticks=x.ticks(_plain, 6 if size == "wide" else 4),
        y_ticks=y.ticks(short_percent),
        lines=tuple(lines),
        marks=tuple(marks),
        labels=(*place_labels(frame, marks, wanted), *(_budget_label(one, x, frame) for one in budgets_ms)),
        legend=_legend(series),
    )


def _series(spots: Sequence[Spot], name: str) -> Curve:
    """The line of a series, through the points that have a fixed number of crops."""
    points = [(one.point.latency_ms, one.point.accuracy) for one in spots if one.point.series == name and not one.aside]
    return Curve(name=name, points=tuple(sorted(points, key=lambda point: point[0])))


def _alone(spot: Spot) -> Curve:
    """A curve of one point, which is drawn as a mark."""
    point = spot.point
    return Curve(
        name=point.series,
        points=((point.latency_ms, point.accuracy),),
        tips=(spot.tip,),
        bars=((point.low, point.high),),
        strong=spot.chosen,
        hollow=spot.aside,
    )


def _fronts(spots: Sequence[Spot]) -> list[list[int]]:
    """Positions of the points that none of the same device beats, device by device."""
    fronts = []
    for where in dict.fromkeys(spot.place for spot in spots):
        own = [at for at, spot in enumerate(spots) if spot.place == where]
        fronts.append([own[at] for at in pareto_front([spots[at].point for at in own])])
    return fronts


def _front_line(front: Sequence[ParetoPoint], x: PixelScale, y: PixelScale) -> Polyline:
    """Steps: between two points of the front, only the cheaper one can be had."""
    corners: list[tuple[float, float]] = []
    for point in front:
        if corners:
            corners.append((point.latency_ms, corners[-1][1]))
        corners.append((point.latency_ms, point.accuracy))
    return Polyline(points=path(x, y, corners), style="front")


def _budget_label(budget_ms: float, x: PixelScale, frame: Frame) -> Label:
    y = frame.height - frame.bottom - 8
    if budget_ms > x.high:
        return Label(x=x.end - 4, y=y, text=f"budget {budget_ms:g} ms →", anchor="end", style="budget")
    right = x(budget_ms) > frame.width * 0.6
    at, anchor = x(budget_ms) + (-6 if right else 6), "end" if right else "start"
    return Label(x=round(at, 1), y=y, text=f"budget {budget_ms:g} ms", anchor=anchor, style="budget")


def _reach(point: ParetoPoint) -> tuple[float, ...]:
    return (point.accuracy, *((point.low, point.high) if point.low <= point.high else ()))


def _latency_axis(frame: Frame, values: Sequence[float]) -> PixelScale:
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOG_FROM_RATIO:
        return across(frame, low / 1.3, high * 1.3, "log")
    return across(frame, 0, max(high, 1e-3) * 1.1)


def _zoomed(values: Sequence[float]) -> tuple[float, float]:
    """As far as the data reaches, and a little room."""
    low, high = min(values), max(values)
    # A lone point without an interval would get an axis of a hair's width.
    room = max(0.04 - (high - low), 0.0) / 2 + 0.08 * (high - low)
    return max(low - room, 0.0), min(high + room, 1.004)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line or points of a chart of curves.

    Attributes:
        name: Name of the curve in the legend.
        points: Pairs of x and y.
        tips: Text of each point when it is pointed at, which makes the points visible; empty for a bare line.
        bars: Lower and upper end of each point's interval; empty without.
        joined: Whether a line goes through the points.
        strong: Whether points are highlighted.
        hollow: Whether only the outlines of points are drawn.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    tips: tuple[str, ...] = ()
    bars: tuple[tuple[float, float], ...] = ()
    joined: bool = True
    strong: bool = False
    hollow: bool = False


AxisKind = Literal["share", "zoomed share", "deviate", "count", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartAxes:
    """What a chart of curves is drawn over.

    Attributes:
        x_name: Title of the horizontal axis.
        y_name: Title of the vertical axis.
        x: Kind of numbers on the horizontal axis: a share (of 0..1, as far as data reaches, or as normal deviates), a
            count, or a number from 0.
        y: Kind of numbers on the vertical axis, by the same names.
        diagonal: Whether the line from the lower left to the upper right means something.
    """

    x_name: str
    y_name: str
    x: AxisKind = "share"
    y: AxisKind = "share"
    diagonal: bool = False


def curve_charts(key: str, title: str, curves: Sequence[Curve], axes: ChartAxes) -> dict[str, Chart]:
    """The same chart as wide as the page, for wide and narrow windows; none where there is nothing to draw."""
    found = {size: curve_chart(f"{key}-{size}", title, curves, axes, frame) for size, frame in WIDTHS.items()}
    return {size: chart for size, chart in found.items() if chart is not None}


def curve_chart(
    key: str, title: str, curves: Sequence[Curve], axes: ChartAxes, frame: Frame = _CURVE_FRAME
) -> Chart | None:
    """Curves over one another; None where there is nothing to draw."""
    kept = [one for one in curves if one.points and all(math.isfinite(n) for point in one.points for n in point)]
    if not kept:
        return None
    xs = [point[0] for one in kept for point in one.points]
    ys = [value for one in kept for value in (*(y for _, y in one.points), *(end for bar in one.bars for end in bar))]
    x = _axis(across, frame, axes.x, xs)
    y = _axis(upward, frame, axes.y, [value for value in ys if math.isfinite(value)])
    lines = [Polyline(points=path(x, y, ((0.0, 0.0), (1.0, 1.0))), style="diagonal")] if axes.diagonal else []
    lines += _curve_lines(kept, x, y)
    marks = [mark for at, one in enumerate(kept) for mark in _curve_marks(at, one, x, y)]
    return Chart(
        key=key,
        title=title,
        description=f"{axes.y_name} over {axes.x_name}: {', '.join(one.name for one in kept)}",
        frame=frame,
        x_name=axes.x_name,
        y_name=axes.y_name,
        x_ticks=x.ticks(_say(axes.x), _ticks(axes.x, xs)),
        y_ticks=y.ticks(_say(axes.y)),
        lines=tuple(lines),
        marks=tuple(marks),
        legend=_legend(kept) if len(kept) > 1 else (),
    )


def _curve_lines(curves: Sequence[Curve], x: PixelScale, y: PixelScale) -> list[Polyline]:
    return [
        Polyline(points=path(x, y, one.points), style=f"series c{at}", series=f"s{at}")
        for at, one in enumerate(curves)
        if one.joined
    ]


def _legend(curves: Sequence[Curve]) -> tuple[Legend, ...]:
    return tuple(
        Legend(name=one.name, series=f"s{at}", colour=at, shape=SHAPES[at % len(SHAPES)], hollow=one.hollow)
        for at, one in enumerate(curves)
    )


def _curve_marks(at: int, curve: Curve, x: PixelScale, y: PixelScale) -> Sequence[Mark]:
    if not curve.tips:
        return ()
    bars = curve.bars or ((math.nan, math.nan),) * len(curve.tips)
    return [
        Mark(
            x=x(px),
            y=y(py),
            low=y(low) if low <= high else None,
            high=y(high) if low <= high else None,
            colour=at,
            shape=SHAPES[at % len(SHAPES)],
            tip=tip,
            series=f"s{at}",
            strong=curve.strong,
            hollow=curve.hollow,
        )
        for (px, py), (low, high), tip in zip(curve.points, bars, curve.tips, strict=True)
    ]


def _axis(make: Callable[..., PixelScale], frame: Frame, kind: AxisKind, values: Sequence[float]) -> PixelScale:
    if kind == "share":
        return make(frame, 0.0, 1.0)
    if kind == "deviate":
        return make(frame, 0.005, 0.8, "deviate")
    if kind == "zoomed share":
        low, high = _zoomed(values)
        return make(frame, low, high)
    if kind == "count":
        return make(frame, min(values), max(*values, min(values) + 1))
    return make(frame, 0.0, max(*values, 1e-9, 0.0) * 1.08)


def _ticks(kind: AxisKind, values: Sequence[float]) -> int:
    """About how many ticks; a count has none between whole numbers."""
    return max(1, min(5, round(max(values) - min(values)))) if kind == "count" else 5


def _say(kind: AxisKind) -> Callable[[float], str]:
    return _plain if kind in ("count", "number") else short_percent


def _plain(value: float) -> str:
    return f"{value:g}"
