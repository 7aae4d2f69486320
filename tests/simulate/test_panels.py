"""Cells of subpixels, and what a camera makes of them."""

import numpy as np
import pytest

from edgekit.simulate.panels import DETAIL, STRUCTURES, emission_cell, integrate_cell, panel_response


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_white_panel_is_white(structure):
    cell = emission_cell(structure)
    assert cell.mean(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-4)
    seen = integrate_cell(cell, scale=1.7, sigma_px=0.4)
    assert seen.mean(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-2)


def test_a_cell_is_integrated_as_many_small_samples_would_be():
    """The Fourier way against brute force: average the cell over the pixel's square, without a lens."""
    cell = emission_cell("split-va")
    scale = 1.5
    seen = integrate_cell(cell, scale=scale, sigma_px=1e-6)
    side = DETAIL / scale
    offsets = ((np.arange(160) + 0.5) / 160 - 0.5) * side
    for row, column in ((3, 5), (12, 12), (20, 1)):
        rows = np.rint(row + offsets).astype(int) % DETAIL
        columns = np.rint(column + offsets).astype(int) % DETAIL
        assert seen[row, column] == pytest.approx(cell[np.ix_(rows, columns)].mean(axis=(0, 1)), abs=0.08)


def test_moire_has_the_beat_of_the_two_rasters():
    """A panel of 1.25 camera pixels a period must alias to the 5-pixel period that sampling theory says."""
    u = np.broadcast_to((np.arange(200, dtype=np.float32) + 0.5) / 1.25, (8, 200))
    v = np.zeros_like(u)
    seen = panel_response("stripe", u=u, v=v, scale=np.full_like(u, 1.25), sigma_px=0.2)
    spectrum = np.abs(np.fft.rfft(seen[0, :, 0] - seen[0, :, 0].mean()))
    assert spectrum.argmax() == 200 // 5
    assert panel_response("stripe", u=u, v=v, scale=np.full_like(u, 1.25), sigma_px=1.5).std() < 0.01 * seen.std()
