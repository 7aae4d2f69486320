"""The heat map of a capture plan: a table of cameras and targets for each light. A PNG on a canvas of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from edgekit.errors import DataError
from edgekit.gather.coverage import CellStatus, Coverage
from edgekit.look.canvas import blank_figure, save_figure
from edgekit.metrics.wording import count

# From empty to full, in order of lightness too, so that it reads in black and white.
_COLOURS = LinearSegmentedColormap.from_list("filled", ["#F1F6FA", "#9CC9E8", "#0072B2"])
_DARK_FROM = 0.75
# Longer names of targets would run into each other.
_WIDEST = 12
_UNPLANNED = "#DDDDDD"
# Larger tables would be pictures that no viewer opens.
_MAX_SIDE_IN = 60.0


def plot_coverage(path: Path, coverage: Coverage) -> None:
    """Draw what each cell has of what it wants; cells that want none are grey.

    Args:
        path: The PNG to write.
        coverage: Coverage of a plan that has at least one cell.

    Raises:
        DataError: there are no cells.
        EdgekitError: the file can't be written.
    """
    if not coverage.cells:
        raise DataError("a heat map needs at least one cell, got a plan that wants none; raise a number")
    lights, targets, cameras = (
        list(dict.fromkeys(getattr(cell, axis) for cell in coverage.cells)) for axis in ("light", "target", "camera")
    )
    width = min(_MAX_SIDE_IN, 3.0 + 1.15 * len(targets))
    height = min(_MAX_SIDE_IN, 1.0 + (1.5 + 0.5 * len(cameras)) * len(lights))
    figure = blank_figure(width, height, dpi=110, w_pad_in=0.1, h_pad_in=0.1)
    figure.suptitle(
        f"{coverage.title}: {coverage.has} of {count(coverage.wanted, 'photo')}, {coverage.lacks} lack",
        fontweight="bold",
        parse_math=False,
    )
    panels = [panel for (panel,) in figure.subplots(len(lights), 1, squeeze=False)]
    for panel, light in zip(panels, lights, strict=True):
        cells = {(cell.camera, cell.target): cell for cell in coverage.cells if cell.light == light}
        _draw(panel, cells, cameras, targets)
        panel.set_title(light, loc="left", fontsize=10, parse_math=False)
    save_figure(figure, path)


def _draw(panel: Axes, cells: dict[tuple[str, str], CellStatus], cameras: list[str], targets: list[str]) -> None:
    shares = np.full((len(cameras), len(targets)), np.nan)
    for (camera, target), cell in cells.items():
        if cell.wanted:
            shares[cameras.index(camera), targets.index(target)] = min(1.0, cell.has / cell.wanted)
    panel.set_facecolor(_UNPLANNED)
    panel.imshow(shares, cmap=_COLOURS, vmin=0, vmax=1, aspect="auto")
    for (camera, target), cell in cells.items():
        row, column = cameras.index(camera), targets.index(target)
        dark = cell.wanted and cell.has / cell.wanted >= _DARK_FROM
        panel.text(
            column, row, f"{cell.has}/{cell.wanted}", ha="center", va="center", fontsize=9, color="w" if dark else "k"
        )
    for set_ticks, names in ((panel.set_xticks, targets), (panel.set_yticks, cameras)):
        set_ticks(range(len(names)), labels=names, fontsize=9, parse_math=False)
    if max(map(len, targets)) > _WIDEST:
        for label in panel.get_xticklabels():
            label.set(rotation=25, ha="right")
    # Lines between cells, at the minor ticks.
    panel.set_xticks(np.arange(1, len(targets)) - 0.5, minor=True)
    panel.set_yticks(np.arange(1, len(cameras)) - 0.5, minor=True)
    panel.grid(which="minor", color="w", linewidth=2)
    panel.tick_params(which="both", length=0)
    panel.spines[:].set_visible(False)
