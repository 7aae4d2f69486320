"""Figures for reports. Each is a PNG drawn on its own canvas: no window, no pyplot, no state shared with the caller."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from edgekit.errors import DataError
from edgekit.figures.canvas import COLOURS, MARKERS, in_percent, new_figure, save_figure
from edgekit.metrics.pareto import ParetoPoint, pareto_front

_FRONT, _BUDGET = "#F0C400", "#B00020"
# Latencies further apart than this would crowd the fast ones into a corner.
_LOG_FROM_RATIO = 12.0
_GAP_PX = 3.0
_POINT_PX = 9.0
_LINE_COST = 10.0
# Where a label may stand, in points from its point, nearest and most readable first. Far ones get a leader line.
_NEAR = ((6, 6), (-6, 6), (6, -6), (-6, -6), (9, 0), (-9, 0), (0, 9), (0, -9))
_FAR = tuple((dx, dy) for reach in (22, 34, 48, 64) for dx in (12, -12, reach, -reach) for dy in (reach, -reach))


def plot_pareto(path: Path, points: Sequence[ParetoPoint], *, title: str, budget_ms: float | None = None) -> None:
    """Draw accuracy over latency: one line per series, intervals as error bars, the Pareto front behind them.

    Labels never cover each other or a point; they have the colour of their series, so its name is left out of them
    ("k=5, 2 threads" becomes "k=5"). Where there is no room for all, those of the front come first and others are left
    out. The latency axis is logarithmic when the slowest point takes over twelve times as long as the fastest.

    Args:
        path: The PNG to write.
        points: At least one.
        title: One line.
        budget_ms: Drawn as a vertical line.

    Raises:
        DataError: no points, or a budget that is not positive.
        EdgekitError: the file can't be written.
    """
    if not points:
        raise DataError(f"a Pareto figure needs at least one point, got none for {title!r}")
    if budget_ms is not None and not 0 < budget_ms < math.inf:
        raise DataError(f"a latency budget must be positive and finite, got {budget_ms} ms")
    figure, axes = new_figure(title, 1)
    front = pareto_front(points)
    _scale_latency(axes[0], [p.latency_ms for p in points] + ([budget_ms] if budget_ms is not None else []))
    colours = _draw_series(axes[0], points)
    _draw_front(axes[0], [points[at] for at in front])
    if budget_ms is not None:
        axes[0].axvline(budget_ms, color=_BUDGET, linestyle="--", linewidth=1.3, label=f"budget {budget_ms:g} ms")
    axes[0].set_xlabel("latency of one photo (ms)")
    axes[0].set_ylabel("accuracy")
    _finish_shares(axes[0])
    _legend(figure, axes[0])
    # Boxes are known only once the layout is.
    figure.draw_without_rendering()
    others = [at for at in range(len(points)) if at not in front]
    labels = [_Label(axes[0], points[at], colours[points[at].series]) for at in (*front, *others)]
    _place(labels, _Obstacles(axes[0], points, budget_ms), must=len(front))
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
    colours = dict(zip(names, cycle(COLOURS)))
    for name, marker in zip(names, cycle(MARKERS)):
        own, colour = _by_latency(points, name), colours[name]
        x, y = [p.latency_ms for p in own], [p.accuracy for p in own]
        # An interval need not hold its value, and an error bar has no negative length; NaN draws no bar.
        below, above = [max(p.accuracy - p.low, 0.0) for p in own], [max(p.high - p.accuracy, 0.0) for p in own]
        axes.errorbar(x, y, yerr=[below, above], fmt="none", ecolor=colour, elinewidth=1, capsize=2.5, alpha=0.4)
        axes.plot(x, y, color=colour, marker=marker, markersize=6.5, linewidth=1.4, label=name, zorder=3)
    return colours


def _by_latency(points: Sequence[ParetoPoint], series: str) -> list[ParetoPoint]:
    return sorted((p for p in points if p.series == series), key=lambda p: p.latency_ms)


def _finish_shares(axes: Axes) -> None:
    low, high = axes.get_ylim()
    # A lone point without an interval would get an axis of a hair's width.
    room = max(0.02 - (high - low), 0.0) / 2
    axes.set_ylim(max(low - room - 0.06 * (high - low), 0.0), min(high + room + 0.06 * (high - low), 1.005))
    in_percent(axes.yaxis)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    columns = min(len(names), 5)
    legend = figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)


class _Obstacles:
    """What a label may not cover (points, other labels, the frame) and what it had better not (lines, error bars)."""

    def __init__(self, axes: Axes, points: Sequence[ParetoPoint], budget_ms: float | None) -> None:
        self._axes = axes
        self._solid = [self._around(p) for p in points]
        lines = [[(p.latency_ms, p.accuracy) for p in _by_latency(points, name)] for name in {p.series for p in points}]
        if budget_ms is not None:
            lines.append([(budget_ms, y) for y in axes.get_ylim()])
        self._lines = [Outline(axes.transData.transform(line)) for line in lines]
        bars = [[(p.latency_ms, p.low), (p.latency_ms, p.high)] for p in points if p.low < p.high]
        self._bars = [Outline(axes.transData.transform(bar)) for bar in bars]

    def _around(self, point: ParetoPoint) -> Bbox:
        x, y = self._axes.transData.transform((point.latency_ms, point.accuracy))
        return Bbox.from_extents(x - _POINT_PX, y - _POINT_PX, x + _POINT_PX, y + _POINT_PX)

    def add(self, box: Bbox) -> None:
        """From now on no label may cover this."""
        self._solid.append(box)

    def cost(self, box: Bbox) -> float:
        """0 where the box covers nothing, infinite where it may not stand; a line costs more than an error bar."""
        if not _inside(box, self._axes.bbox) or any(box.overlaps(other) for other in self._solid):
            return math.inf
        lines = sum(line.intersects_bbox(box, filled=False) for line in self._lines)
        return _LINE_COST * lines + sum(bar.intersects_bbox(box, filled=False) for bar in self._bars)


class _Label:
    """The label of one point, which can stand in several places around it."""

    def __init__(self, axes: Axes, point: ParetoPoint, colour: str) -> None:
        self._axes, self._at = axes, (point.latency_ms, point.accuracy)
        self._text = point.label.removesuffix(point.series).rstrip(" ,") or point.label
        self._style: dict[str, Any] = {"fontsize": 8.5, "color": colour, "parse_math": False, "zorder": 5}
        # Measured once, since Matplotlib lays a text out anew wherever it stands.
        measured = axes.text(0, 0, self._text, **self._style)
        box = measured.get_window_extent()
        measured.remove()
        self._size_px = (box.width, box.height)

    def box(self, offset: tuple[int, int]) -> Bbox:
        """What the label covers at an offset, in points, from its point: a box in pixels, with a gap around."""
        size_px, shift_px = np.asarray(self._size_px), np.asarray(offset) * self._axes.figure.dpi / 72
        # Left of and below its point a label ends there, right of and above it begins there.
        corner_px = self._axes.transData.transform(self._at) + shift_px - size_px * (1 - np.sign(offset)) / 2
        return Bbox([corner_px, corner_px + size_px]).padded(_GAP_PX)

    def draw(self, offset: tuple[int, int]) -> None:
        """Write it there, with a leader line if that is far."""
        leader = {"arrowstyle": "-", "color": self._style["color"], "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}
        dx, dy = offset
        label = self._axes.annotate(
            self._text,
            self._at,
            xytext=offset,
            textcoords="offset points",
            ha="center" if dx == 0 else "left" if dx > 0 else "right",
            va="center" if dy == 0 else "bottom" if dy > 0 else "top",
            arrowprops=leader if offset in _FAR else None,
            **self._style,
        )
        # Labels come after the layout; one that took part would move the axes under the others.
        label.set_in_layout(False)


def _place(labels: list[_Label], obstacles: _Obstacles, *, must: int) -> None:
    """Put each label where it covers least; the first ``must`` may go far from their points and over lines."""
    for rank, label in enumerate(labels):
        offsets = (*_NEAR, *_FAR) if rank < must else _NEAR
        # A step down the list of places costs less than an error bar in all, so it only decides between equals.
        costs = [obstacles.cost(label.box(offset)) + step / 100 for step, offset in enumerate(offsets)]
        best = min(range(len(offsets)), key=costs.__getitem__)
        if costs[best] < (math.inf if rank < must else _LINE_COST):
            obstacles.add(label.box(offsets[best]))
            label.draw(offsets[best])


def _inside(box: Bbox, frame: Bbox) -> bool:
    return bool(box.x0 >= frame.x0 and box.y0 >= frame.y0 and box.x1 <= frame.x1 and box.y1 <= frame.y1)
