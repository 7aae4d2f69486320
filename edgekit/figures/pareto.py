"""Accuracy over latency as a PNG: lines of series, intervals, and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from edgekit.errors import DataError
from edgekit.look.canvas import (
    COLOURS,
    MARKERS,
    new_figure,
    outside_legend,
    plot_with_bars,
    save_figure,
    zoomed_shares,
)
from edgekit.look.palette import distinct_colours
from edgekit.metrics.pareto import ParetoPoint, pareto_front

_FRONT, _BUDGET = "#F0C400", "#B00020"
# Latencies further apart than this would crowd the fast ones into a corner.
_LOG_FROM_RATIO = 12.0
_GAP_PX = 3.0
_POINT_PX = 9.0
# Where a label may stand, in points from its point. Up and to the left no point can be: it would be better than one of
# the front.
_OFFSETS = ((-6, 6), (6, 6), (6, -6))


def plot_pareto(path: Path, points: Sequence[ParetoPoint], *, title: str, budget_ms: float | None = None) -> None:
    """Draw accuracy over latency: one line per series, intervals as error bars, the Pareto front behind them.

    Points of the front are labelled, where there is room beside them; labels have the colour of their series, so its
    name is left out of them ("5 crops, 2 threads" becomes "5 crops"). The latency axis is logarithmic when the slowest
    point takes over twelve times as long as the fastest.

    Args:
        path: The PNG to write.
        points: The points, at least one.
        title: Title of the figure, one line.
        budget_ms: Latency budget in milliseconds, drawn as a vertical line; None draws none.

    Raises:
        DataError: no points, or a budget that is not positive.
        EdgekitError: the file can't be written.
    """
    if not points:
        raise DataError(f"a Pareto figure needs at least one point, got none for {title!r}")
    if budget_ms is not None and not 0 < budget_ms < math.inf:
        raise DataError(f"a latency budget must be positive and finite, got {budget_ms} ms")
    figure, (axes,) = new_figure(title, 1)
    front = pareto_front(points)
    _scale_latency(axes, [p.latency_ms for p in points] + ([budget_ms] if budget_ms is not None else []))
    colours = _draw_series(axes, points)
    _draw_front(axes, [points[at] for at in front])
    if budget_ms is not None:
        axes.axvline(budget_ms, color=_BUDGET, linestyle="--", linewidth=1.3, label=f"budget {budget_ms:g} ms")
    axes.set(xlabel="latency of one photo (ms)", ylabel="accuracy")
    zoomed_shares(axes)
    outside_legend(figure, axes)
    # Boxes are known only once the layout is.
    figure.draw_without_rendering()
    _label_front(axes, points, front, colours)
    save_figure(figure, path)


def _scale_latency(axes: Axes, latencies: list[float]) -> None:
    low, high = min(latencies), max(latencies)
    if low > 0 and high / low > _LOG_FROM_RATIO:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.35, high * 1.35)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(0, max(high, 1e-3) * 1.12)


def _draw_front(axes: Axes, front: list[ParetoPoint]) -> None:
    latencies, accuracies = [p.latency_ms for p in front], [p.accuracy for p in front]
    # Steps: between two points of the front, only the cheaper one can be had.
    axes.step(latencies, accuracies, where="post", color=_FRONT, linewidth=2, alpha=0.7, zorder=1)
    axes.scatter(latencies, accuracies, s=190, color=_FRONT, alpha=0.8, linewidths=0, zorder=2.5, label="Pareto front")


def _draw_series(axes: Axes, points: Sequence[ParetoPoint]) -> dict[str, str]:
    """Draw each series; returns their colours."""
    names = list(dict.fromkeys(p.series for p in points))
    colours = dict(zip(names, distinct_colours(len(names), COLOURS), strict=True))
    for name, marker in zip(names, cycle(MARKERS)):
        own = sorted((point for point in points if point.series == name), key=lambda point: point.latency_ms)
        bars = [(point.latency_ms, point.accuracy, point.low, point.high) for point in own]
        plot_with_bars(axes, bars, label=name, style=(colours[name], marker))
    return colours


def _label_front(axes: Axes, points: Sequence[ParetoPoint], front: Sequence[int], colours: dict[str, str]) -> None:
    """Write what they are beside the points of the front, where that covers neither a point nor another label."""
    corners = axes.transData.transform([(point.latency_ms, point.accuracy) for point in points])
    taken = [Bbox([corner, corner]).padded(_POINT_PX) for corner in corners]
    for point in (points[at] for at in front):
        text = point.label.removesuffix(point.series).rstrip(" ,") or point.label
        for dx, dy in _OFFSETS:
            label = axes.annotate(
                text,
                (point.latency_ms, point.accuracy),
                xytext=(dx, dy),
                textcoords="offset points",
                ha="left" if dx > 0 else "right",
                va="bottom" if dy > 0 else "top",
                fontsize=8.5,
                color=colours[point.series],
                parse_math=False,
                zorder=5,
            )
            box = label.get_window_extent()
            is_inside = axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
            if is_inside and not any(box.padded(_GAP_PX).overlaps(other) for other in taken):
                taken.append(box)
                # A label that took part in the layout would move the axes under the others.
                label.set_in_layout(False)
                break
            label.remove()
