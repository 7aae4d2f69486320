"""The grids of the three detectors, as MediaPipe's calculator lays them out."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.runtime.regions.anchors import GRIDS


@pytest.mark.parametrize(
    ("name", "side", "count", "rows"),
    [
        pytest.param(
            "blazeface-short",
            128,
            896,
            # 16 cells with two anchors each, then 8 cells with six.
            {0: (1 / 32, 1 / 32), 1: (1 / 32, 1 / 32), 2: (3 / 32, 1 / 32), 32: (1 / 32, 3 / 32),
             511: (31 / 32, 31 / 32),
             512: (1 / 16, 1 / 16), 517: (1 / 16, 1 / 16), 518: (3 / 16, 1 / 16), 895: (15 / 16, 15 / 16)},
            id="short",
        ),
        pytest.param("blazeface-back", 256, 896, {2: (3 / 32, 1 / 32), 512: (1 / 16, 1 / 16)}, id="back"),
        pytest.param(
            "blazeface-full", 192, 2304, {0: (1 / 96, 1 / 96), 1: (3 / 96, 1 / 96), 48: (1 / 96, 3 / 96)}, id="full"
        ),
    ],
)  # fmt: skip
def test_anchors_lie_in_the_middle_of_their_cells_row_by_row(name, side, count, rows):
    grid = GRIDS[name]
    centres = grid.centres()
    assert (grid.side_px, grid.count, centres.shape) == (side, count, (count, 2))
    for row, place in rows.items():
        np.testing.assert_allclose(centres[row], place)
