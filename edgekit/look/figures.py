"""The figures of ``data show``: histograms and spectra as PNGs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from edgekit.arrays import Float64Array
from edgekit.look.canvas import blank_figure, save_figure
from edgekit.look.colours import CHANNELS
from edgekit.look.spectrum import log_magnitude, radial_profile, whitened
from edgekit.terminal import printable

_LINE_OF = {"red": "#D55E00", "green": "#009E73", "blue": "#0072B2", "luminance": "#222222"}
_SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SHOWN_PX = 640
_RINGS = 64


def draw_histograms(path: Path, title: str, panels: Mapping[str, Float64Array]) -> None:
    """Colour histograms above, luminance below, one column a panel, all on the same axes.

    Args:
        path: The PNG to write.
        title: Title of the figure, one line.
        panels: Names of the columns, and for each the (4, 256) shares of ``colours.histograms``.
    """
    figure = _figure(title, 4.2 * len(panels), 6.2)
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    for column, (name, shares) in enumerate(panels.items()):
        _draw_levels(grid[:, column], shares, panels)
        grid[0][column].set_title(_text(name), fontsize=10)
        grid[1][column].set_xlabel("level, 0 to 255")
    for axes in grid[:, 0]:
        axes.set_ylabel("share of pixels")
    save_figure(figure, path)


def draw_blur(path: Path, title: str, pictures: Mapping[str, Image.Image], panels: Mapping[str, Float64Array]) -> None:
    """A photo before and after blur, above their histograms."""
    figure = _figure(title, 4.2 * len(panels), 8.4)
    grid = figure.subplots(3, len(panels), squeeze=False, height_ratios=(1.3, 1, 1))
    for column, (name, shares) in enumerate(panels.items()):
        _show_small(grid[0][column], pictures[name])
        grid[0][column].set_axis_off()
        grid[0][column].set_title(_text(name), fontsize=10)
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
    figure = _figure(title, 4.4 * len(spectra), 4.2 * rows + 3.2)
    parts = figure.subfigures(2, 1, height_ratios=(4.2 * rows, 3.2))
    assert isinstance(parts, np.ndarray)
    above, below = parts
    grid = above.subplots(rows, len(spectra), squeeze=False)
    lines = below.subplots(1, 1)
    levels = [log_magnitude(power) for power in spectra.values()]
    low, high = min(float(np.quantile(one, 0.02)) for one in levels), max(float(one.max()) for one in levels)
    for column, ((name, power), level) in enumerate(zip(spectra.items(), levels, strict=True)):
        if name in pictures:
            _show_small(grid[0][column], pictures[name])
        grid[0][column].set_title(_text(name), fontsize=10)
        extent = (-0.5, 0.5, 0.5, -0.5)
        grid[rows - 2][column].imshow(level, cmap="magma", vmin=low, vmax=high, extent=extent)
        risen = whitened(power)
        grid[rows - 1][column].imshow(risen, cmap="magma", vmin=0, vmax=max(6.0, _typical_peak(risen)), extent=extent)
        for axes in grid[:, column]:
            axes.set(xticks=[], yticks=[])
        frequency = (np.arange(_RINGS) + 0.5) / _RINGS / 2
        lines.plot(frequency, radial_profile(power, _RINGS), label=_text(name), color=_SERIES[column % len(_SERIES)])
    grid[rows - 2][0].set_ylabel("log magnitude")
    grid[rows - 1][0].set_ylabel("above the mean of the ring")
    lines.set(xlabel="cycles per pixel", ylabel="dB")
    lines.legend(frameon=False, fontsize=9)
    save_figure(figure, path)


def _show_small(axes: Axes, picture: Image.Image) -> None:
    small = picture.copy()
    small.thumbnail((_SHOWN_PX, _SHOWN_PX))
    axes.imshow(np.asarray(small))


def _text(words: str) -> str:
    """Names of files and classes hold what they like; matplotlib would take dollar signs for mathematics."""
    return printable(words)[:120].replace("$", r"\$")


def _typical_peak(risen: Float64Array) -> float:
    """So that one spike does not leave all others in the dark."""
    return float(np.quantile(risen, 0.9995))


def _smooth(shares: Float64Array) -> Float64Array:
    """Means of four levels: a stretched photo has a comb where levels are never used."""
    means: Float64Array = shares.reshape(len(shares), -1, 4).mean(axis=2)
    return means


def _figure(title: str, width_in: float, height_in: float) -> Figure:
    figure = blank_figure(max(width_in, 5.0), height_in, dpi=100)
    figure.suptitle(_text(title), fontsize=12)
    return figure
