"""What all figures share: a canvas of their own, colours, axes in percent. No window, no pyplot, no shared state."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

from edgekit.metrics.wording import short_percent
from edgekit.records import write_atomic

# Okabe and Ito's palette, told apart by colour-blind readers too; the markers carry it in black and white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
# How many letters of a title and of a legend an inch has room for, and a line's sample takes.
_TITLE_LETTERS_PER_IN, _LEGEND_LETTERS_PER_IN, _LEGEND_KEY_LETTERS = 9.5, 13.5, 7
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def blank_figure(
    width_in: float, height_in: float, *, dpi: int, w_pad_in: float | None = None, h_pad_in: float | None = None
) -> Figure:
    """A figure without panels; pads go around them, None for Matplotlib's own."""
    layout = ConstrainedLayoutEngine(w_pad=w_pad_in, h_pad=h_pad_in)
    figure = Figure(figsize=(width_in, height_in), dpi=dpi, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def new_figure(title: str, panels: int, *, beside: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with panels below or beside each other."""
    width_in = 4.6 * max(panels, 2) if beside else 8.4
    figure = blank_figure(width_in, 5.4, dpi=150, w_pad_in=0.12, h_pad_in=0.1)
    rows, columns = (1, panels) if beside else (panels, 1)
    grid = figure.subplots(rows, columns, sharex=not beside, squeeze=False)
    axes = [axis for row in grid for axis in row]
    # A dollar in a name is no formula.
    shown = wrapped(title, round(_TITLE_LETTERS_PER_IN * width_in / (columns if beside else 1)))
    axes[0].set_title(shown, fontsize=12, fontweight="bold", loc="left", parse_math=False)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#DDDDDD", linewidth=0.7)
        axis.set_axisbelow(True)
    return figure, axes


def wrapped(text: str, letters: int) -> str:
    """Words on several lines, each of so many letters at most; a longer word is broken, nothing is left out."""
    return "\n".join(textwrap.wrap(text, letters) or [""])


def outside_legend(figure: Figure, axes: Axes) -> None:
    """The names of lines below the panels, in as many columns as there is room for."""
    handles, names = axes.get_legend_handles_labels()
    width_in = figure.get_size_inches()[0]
    letters = max(12, round(_LEGEND_LETTERS_PER_IN * width_in) - _LEGEND_KEY_LETTERS)
    shown = [wrapped(name, letters) for name in names]
    longest = max(len(line) for name in shown for line in name.split("\n")) + _LEGEND_KEY_LETTERS
    columns = max(1, min(len(names), 5, int(_LEGEND_LETTERS_PER_IN * width_in) // longest))
    legend = figure.legend(handles, shown, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)


def in_percent(*axes: Axis) -> None:
    """Write the ticks of axes, which count shares, in percent."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda share, _: short_percent(share)))


def zoomed_shares(axes: Axes) -> None:
    """The y axis in percent, around what is drawn, and no further than 100 %."""
    low, high = axes.get_ylim()
    # A lone point without an interval would get an axis of a hair's width.
    room = max(0.02 - (high - low), 0.0) / 2
    axes.set_ylim(max(low - room - 0.06 * (high - low), 0.0), min(high + room + 0.06 * (high - low), 1.005))
    in_percent(axes.yaxis)


def percent_axes(axes: Axes) -> None:
    """Both axes in percent, from 0 to 100."""
    in_percent(axes.xaxis, axes.yaxis)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)


def plot_with_bars(
    axes: Axes, points: Sequence[tuple[float, float, float, float]], *, label: str, style: tuple[str, str]
) -> None:
    """A line through points with error bars.

    Args:
        axes: The axes to draw on.
        points: x, y, and the lower and the upper end of y's interval; NaN draws no bar.
        label: Name of the line in the legend.
        style: Colour and marker, as matplotlib names them.
    """
    colour, marker = style
    x, y, lows, highs = zip(*points, strict=True)
    # An interval need not hold its value, and an error bar has no negative length.
    below = [max(value - low, 0.0) for value, low in zip(y, lows, strict=True)]
    above = [max(high - value, 0.0) for value, high in zip(y, highs, strict=True)]
    axes.errorbar(x, y, yerr=[below, above], fmt="none", ecolor=colour, elinewidth=1, capsize=2.5, alpha=0.4)
    axes.plot(x, y, color=colour, marker=marker, markersize=5, linewidth=1.4, label=label, zorder=3)


def save_figure(figure: Figure, path: Path) -> None:
    """Write the PNG whole or not at all.

    Raises:
        EdgekitError: the file can't be written.
    """
    content = io.BytesIO()
    # Without the version, equal numbers give equal files.
    figure.savefig(content, format="png", metadata={"Software": None})
    write_atomic(path, content.getvalue())
