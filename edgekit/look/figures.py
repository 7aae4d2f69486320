"""The figures of ``data show``: histograms and spectra as PNGs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from PIL import Image

from edgekit.arrays import Float64Array
from edgekit.look.canvas import COLOURS, blank_figure, save_figure, wrapped
from edgekit.look.colours import CHANNELS
from edgekit.look.palette import distinct_colours
from edgekit.look.spectrum import log_magnitude, radial_profile, whitened
from edgekit.terminal import printable

_LINE_OF = {"red": "#D55E00", "green": "#009E73", "blue": "#0072B2", "luminance": "#222222"}
# Panels beside each other: what is as wide as this can be read on a phone, too.
_BESIDE = 2
_PANEL_IN = 3.7
_HEADING_LETTERS = 38
_SHOWN_PX = 640
_RINGS = 64


def draw_histograms(path: Path, title: str, panels: Mapping[str, Float64Array]) -> None:
    """Colour histograms, and below each that of luminance; two panels beside each other, all on the same axes.

    Args:
        path: The PNG to write.
        title: Title of the figure, one line.
        panels: Names of the panels, and for each the (4, 256) shares of ``colours.histograms``.
    """
    lines = -(-len(panels) // _BESIDE)
    figure = _figure(title, _PANEL_IN * min(len(panels), _BESIDE), 5.2 * lines)
    columns = _columns(figure, panels, rows=2)
    for at, (column, (name, shares)) in enumerate(zip(columns, panels.items(), strict=True)):
        _draw_levels(column, shares, panels)
        column[0].set_title(_heading(name), fontsize=11)
        column[1].set_xlabel("level, 0 to 255")
        if at % _BESIDE == 0:
            for axes in column:
                axes.set_ylabel("share of pixels")
    save_figure(figure, path)


def _columns(figure: Figure | SubFigure, panels: Mapping[str, Any], *, rows: int) -> list[Sequence[Axes]]:
    """Each panel's axes, from top to bottom; _BESIDE panels stand beside each other."""
    beside = min(len(panels), _BESIDE)
    lines = -(-len(panels) // beside)
    grid = figure.subplots(rows * lines, beside, squeeze=False)
    columns = [
        grid[rows * (at // beside) : rows * (at // beside + 1), at % beside].tolist() for at in range(lines * beside)
    ]
    for unused in columns[len(panels) :]:
        for axes in unused:
            axes.set_axis_off()
    return columns[: len(panels)]


def draw_blur(path: Path, title: str, pictures: Mapping[str, Image.Image], panels: Mapping[str, Float64Array]) -> None:
    """A photo before and after blur, above their histograms."""
    figure = _figure(title, _PANEL_IN * len(panels), 8.4)
    grid = figure.subplots(3, len(panels), squeeze=False, height_ratios=(1.3, 1, 1))
    for column, (name, shares) in enumerate(panels.items()):
        _show_small(grid[0][column], pictures[name])
        grid[0][column].set_axis_off()
        grid[0][column].set_title(_heading(name), fontsize=11)
        _draw_levels(grid[1:, column], shares, panels)
    for axes in grid[1:, 0]:
        axes.set_ylabel("share of pixels")
    save_figure(figure, path)


def _draw_levels(column: Iterable[Axes], shares: Float64Array, panels: Mapping[str, Float64Array]) -> None:
    """Colours above, luminance below, both as high as the highest peak of all panels."""
    levels = np.arange(256).reshape(-1, 4).mean(axis=1)
    for axes, rows in zip(column, (range(3), range(3, 4)), strict=True):
        for row in rows:
            line, name = _smooth(shares[[row]])[0], CHANNELS[row]
            axes.plot(levels, line, color=_LINE_OF[name], linewidth=1.2, label=name)
            axes.fill_between(levels, line, color=_LINE_OF[name], alpha=0.15, linewidth=0)
        axes.set(xlim=(0, 255), ylim=(0, 1.05 * max(float(_smooth(one[rows]).max()) for one in panels.values())))
        axes.legend(frameon=False, fontsize=8)


def draw_spectra(
    path: Path, title: str, spectra: Mapping[str, Float64Array], pictures: Mapping[str, Image.Image]
) -> None:
    """Frequency spectra: as they are, with the usual fall-off taken out, and as one line over frequency.

    Args:
        path: The PNG to write.
        title: Title of the figure, one line.
        spectra: Power of each column, as ``spectrum.power_spectrum`` gives it.
        pictures: Photos that columns show above their spectra; a mean of many has none.
    """
    rows = 3 if pictures else 2
    lines = -(-len(spectra) // _BESIDE)
    above_in, below_in = 3.4 * rows * lines, 3.6 + 0.18 * len(spectra)
    figure = _figure(title, _PANEL_IN * min(len(spectra), _BESIDE), above_in + below_in)
    parts = figure.subfigures(2, 1, height_ratios=(above_in, below_in))
    assert isinstance(parts, np.ndarray)
    above, below = parts
    profiles = below.subplots(1, 1)
    levels = [log_magnitude(power) for power in spectra.values()]
    limits = min(float(np.quantile(one, 0.02)) for one in levels), max(float(one.max()) for one in levels)
    # A ring narrower than a step of the spectrum may hold none.
    rings = min(_RINGS, *(len(power) // 2 for power in spectra.values()))
    frequency = (np.arange(rings) + 0.5) / rings / 2
    colours = distinct_colours(len(spectra), COLOURS)
    columns = _columns(above, spectra, rows=rows)
    for at, (column, (name, power)) in enumerate(zip(columns, spectra.items(), strict=True)):
        if name in pictures:
            _show_small(column[0], pictures[name])
        _draw_spectrum(column[-2:], power, limits, named=at % _BESIDE == 0)
        column[0].set_title(_heading(name), fontsize=11)
        for axes in column:
            axes.set(xticks=[], yticks=[])
        profiles.plot(frequency, radial_profile(power, rings), label=_heading(name), color=colours[at])
    profiles.set(xlabel="cycles per pixel", ylabel="dB")
    below.legend(loc="outside lower center", ncols=min(len(spectra), _BESIDE), frameon=False, fontsize=9)
    save_figure(figure, path)


def _draw_spectrum(pair: Sequence[Axes], power: Float64Array, limits: tuple[float, float], *, named: bool) -> None:
    """A spectrum as it is, and below it with the usual fall-off taken out."""
    extent = (-0.5, 0.5, 0.5, -0.5)
    pair[0].imshow(log_magnitude(power), cmap="magma", vmin=limits[0], vmax=limits[1], extent=extent)
    risen = whitened(power)
    pair[1].imshow(risen, cmap="magma", vmin=0, vmax=max(6.0, _typical_peak(risen)), extent=extent)
    if named:
        pair[0].set_ylabel("log magnitude")
        pair[1].set_ylabel("above the mean of the ring")


def _show_small(axes: Axes, picture: Image.Image) -> None:
    small = picture.copy()
    small.thumbnail((_SHOWN_PX, _SHOWN_PX))
    axes.imshow(np.asarray(small))


def _text(words: str) -> str:
    """Names of files and classes hold what they like; matplotlib would take dollar signs for mathematics."""
    return printable(words)[:120].replace("$", r"\$")


def _heading(words: str) -> str:
    """The same on several lines, none wider than a panel."""
    return wrapped(_text(words), _HEADING_LETTERS)


def _typical_peak(risen: Float64Array) -> float:
    """So that one spike does not leave all others in the dark."""
    return float(np.quantile(risen, 0.9995))


def _smooth(shares: Float64Array) -> Float64Array:
    """Means of four levels: a stretched photo has a comb where levels are never used."""
    means: Float64Array = shares.reshape(len(shares), -1, 4).mean(axis=2)
    return means


def _figure(title: str, width_in: float, height_in: float) -> Figure:
    figure = blank_figure(max(width_in, 5.0), height_in, dpi=100)
    figure.suptitle(wrapped(_text(title), round(9 * max(width_in, 5.0))), fontsize=12)
    return figure
