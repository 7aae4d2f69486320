"""Figures of levels and spectra."""

from __future__ import annotations

import numpy as np

from edgekit.look.figures import draw_histograms


def test_the_highest_peak_of_all_panels_fits(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("edgekit.look.figures.save_figure", lambda figure, path: drawn.append(figure))
    flat, peaked = np.full((4, 256), 1 / 256), np.zeros((4, 256))
    peaked[:, 100:104] = 1 / 4
    draw_histograms(tmp_path / "a.png", "title", {"flat": flat, "peaked": peaked})
    assert [axes.get_ylim()[1] > 1 / 4 for axes in drawn[0].axes] == [True] * 4
