"""The page's charts: accuracy over latency, and curves of shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.pareto import ParetoPoint, pareto_front
from edgekit.report.drawing import (
    COLOURS,
    SHAPES,
    Axis,
    Chart,
    Frame,
    Label,
    Legend,
    Line,
    Mark,
    across,
    path,
    place,
    upward,
)

# Latencies further apart than this would crowd the fast ones into a corner.
_LOG_FROM_RATIO = 8.0
_PARETO_FRAMES = {"wide": Frame(width=920, height=430), "narrow": Frame(width=380, height=340, left=52, right=12)}
_CURVE_FRAME = Frame(width=400, height=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One way to run a model, as a chart shows it.

    Attributes:
        point: Latency and accuracy; its series is one line.
        place: The device: a Pareto front joins points of one place alone.
        tip: What is said of it, line by line.
        chosen: Whether the benchmark recommends it.
    """

    point: ParetoPoint
    place: str
    tip: str
    chosen: bool


def pareto_charts(key: str, title: str, spots: Sequence[Spot], budgets_ms: Sequence[float]) -> dict[str, Chart]:
    """The same chart for wide and narrow windows."""
    return {size: _pareto(f"{key}-{size}", title, spots, budgets_ms, size) for size in _PARETO_FRAMES}


def _pareto(key: str, title: str, spots: Sequence[Spot], budgets_ms: Sequence[float], size: str) -> Chart:
    frame = _PARETO_FRAMES[size]
    x = _latency_axis(frame, [spot.point.latency_ms for spot in spots] + list(budgets_ms))
    y = _share_axis(frame, [value for spot in spots for value in _reach(spot.point)])
    names = list(dict.fromkeys(spot.point.series for spot in spots))
    fronts = _fronts(spots)
    marks = [_mark(spot, names.index(spot.point.series), x, y) for spot in spots]
    lines = [_front_line([spots[at].point for at in front], x, y) for front in fronts]
    for number, name in enumerate(names):
        own = sorted((spot.point for spot in spots if spot.point.series == name), key=lambda one: one.latency_ms)
        joined = path(x, y, [(one.latency_ms, one.accuracy) for one in own])
        lines.append(Line(points=joined, style=f"series c{number % COLOURS}", series=f"s{number}"))
    floor, ceiling = frame.height - frame.bottom, frame.top
    lines += [Line(points=f"{x(one):g},{floor} {x(one):g},{ceiling}", style="budget") for one in budgets_ms]
    # What is recommended first, then the fronts; a label says the number of crops, the tip the rest.
    order = [at for at, spot in enumerate(spots) if spot.chosen] + [at for front in fronts for at in front]
    wanted = [(marks[at], spots[at].point.label) for at in dict.fromkeys(order)]
    return Chart(
        key=key,
        title=title,
        description=f"{len(spots)} points of {len(names)} series; the arrow keys go from one to the next",
        frame=frame,
        x_name="latency of one photo, p95 (ms)",
        y_name="balanced accuracy",
        x_ticks=x.ticks(_plain, 6 if size == "wide" else 4),
        y_ticks=y.ticks(_percent),
        lines=tuple(lines),
        marks=tuple(marks),
        labels=(*place(frame, marks, wanted), *(_budget_label(one, x, frame) for one in budgets_ms)),
        legend=tuple(
            Legend(name=name, series=f"s{number}", colour=number % COLOURS, shape=SHAPES[number % len(SHAPES)])
            for number, name in enumerate(names)
        ),
    )


def _mark(spot: Spot, number: int, x: Axis, y: Axis) -> Mark:
    point = spot.point
    known = point.low <= point.high
    return Mark(
        x=x(point.latency_ms),
        y=y(point.accuracy),
        low=y(point.low) if known else None,
        high=y(point.high) if known else None,
        colour=number % COLOURS,
        shape=SHAPES[number % len(SHAPES)],
        tip=spot.tip,
        series=f"s{number}",
        strong=spot.chosen,
    )


def _fronts(spots: Sequence[Spot]) -> list[list[int]]:
    """Positions of the points that none of the same device beats, device by device."""
    fronts = []
    for where in dict.fromkeys(spot.place for spot in spots):
        own = [at for at, spot in enumerate(spots) if spot.place == where]
        fronts.append([own[at] for at in pareto_front([spots[at].point for at in own])])
    return fronts


def _front_line(front: Sequence[ParetoPoint], x: Axis, y: Axis) -> Line:
    """Steps: between two points of the front, only the cheaper one can be had."""
    corners: list[tuple[float, float]] = []
    for point in front:
        if corners:
            corners.append((point.latency_ms, corners[-1][1]))
        corners.append((point.latency_ms, point.accuracy))
    return Line(points=path(x, y, corners), style="front")


def _budget_label(budget_ms: float, x: Axis, frame: Frame) -> Label:
    right = x(budget_ms) > frame.width * 0.6
    at = x(budget_ms) + (-6 if right else 6)
    anchor = "end" if right else "start"
    y = frame.height - frame.bottom - 8
    return Label(x=round(at, 1), y=y, text=f"budget {budget_ms:g} ms", anchor=anchor, style="budget")


def _reach(point: ParetoPoint) -> tuple[float, ...]:
    return (point.accuracy, *((point.low, point.high) if point.low <= point.high else ()))


def _latency_axis(frame: Frame, values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOG_FROM_RATIO:
        return across(frame, low / 1.3, high * 1.3, log=True)
    return across(frame, 0, max(high, 1e-3) * 1.1)


def _share_axis(frame: Frame, values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    # A lone point without an interval would get an axis of a hair's width.
    room = max(0.04 - (high - low), 0.0) / 2 + 0.08 * (high - low)
    return upward(frame, max(low - room, 0.0), min(high + room, 1.004))


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line of a chart of curves; ``dotted`` marks its points, ``tips`` says something of each."""

    name: str
    points: tuple[tuple[float, float], ...]
    tips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """What a chart of curves is drawn over.

    Attributes:
        x_name: Of the horizontal axis.
        y_name: Of the vertical axis.
        x_share: Whether it is a share of 0..1, shown in percent; other axes reach as far as the data.
        y_share: The same of the vertical axis.
        diagonal: Whether the line from corner to corner means something; ``falling`` from the upper left.
    """

    x_name: str
    y_name: str
    x_share: bool = True
    y_share: bool = True
    diagonal: str = ""


def curve_chart(key: str, title: str, curves: Sequence[Curve], plane: Plane) -> Chart | None:
    """Curves over one another; None where there is nothing to draw."""
    finite = [
        Curve(name=one.name, points=tuple(p for p in one.points if all(map(math.isfinite, p))), tips=one.tips)
        for one in curves
    ]
    kept = [one for one in finite if one.points]
    if not kept:
        return None
    frame = _CURVE_FRAME
    xs, ys = ([point[axis] for one in kept for point in one.points] for axis in (0, 1))
    x = across(frame, 0.0, 1.0) if plane.x_share else across(frame, min(xs), max(*xs, min(xs) + 1))
    y = upward(frame, 0.0, 1.0) if plane.y_share else upward(frame, 0.0, max(*ys, 1e-9) * 1.08)
    lines = []
    if plane.diagonal:
        ends = ((0.0, 1.0), (1.0, 0.0)) if plane.diagonal == "falling" else ((0.0, 0.0), (1.0, 1.0))
        lines.append(Line(points=path(x, y, ends), style="diagonal"))
    lines += [
        Line(points=path(x, y, one.points), style=f"series c{at % COLOURS}", series=f"s{at}")
        for at, one in enumerate(kept)
    ]
    marks = [
        Mark(x=x(px), y=y(py), low=None, high=None, colour=at % COLOURS, shape="circle", tip=tip, series=f"s{at}")
        for at, one in enumerate(kept)
        if len(one.tips) == len(one.points)
        for (px, py), tip in zip(one.points, one.tips, strict=True)
    ]
    return Chart(
        key=key,
        title=title,
        description=f"{plane.y_name} over {plane.x_name}: {', '.join(one.name for one in kept)}",
        frame=frame,
        x_name=plane.x_name,
        y_name=plane.y_name,
        x_ticks=x.ticks(_percent if plane.x_share else _plain),
        y_ticks=y.ticks(_percent if plane.y_share else _plain),
        lines=tuple(lines),
        marks=tuple(marks),
        legend=tuple(
            Legend(name=one.name, series=f"s{at}", colour=at % COLOURS, shape="circle") for at, one in enumerate(kept)
        )
        if len(kept) > 1
        else (),
    )


def _plain(value: float) -> str:
    return f"{value:g}"


def _percent(value: float) -> str:
    return f"{round(100 * value, 6):g} %"
