"""Figures of levels and spectra."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from edgekit.look.figures import draw_histograms, draw_spectra

LONG = "a label of many words such as shops have them, gluten-free and in the large family box"


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, to ask them what stands where."""
    figures = []
    monkeypatch.setattr("edgekit.look.figures.save_figure", lambda figure, path: figures.append(figure))
    return figures


@pytest.mark.parametrize("number", [2, 3, 12])
def test_figures_of_classes_fit_a_page_and_no_colour_comes_twice(tmp_path, drawn, number):
    names = [LONG, *(f"class {at}" for at in range(1, number))]
    noise = np.random.default_rng(0).random((64, 64))
    draw_histograms(tmp_path / "a.png", "t", dict.fromkeys(names, np.full((4, 256), 1 / 256)))
    draw_spectra(tmp_path / "b.png", "t", dict.fromkeys(names, noise), {})
    for figure in drawn:
        width = figure.get_size_inches()[0] * figure.dpi
        # Half as wide on a phone, its letters can still be read.
        assert width <= 750
        figure.draw_without_rendering()
        for one in figure.findobj(Text):
            box = one.get_window_extent()
            # Ticks beyond an axis have a number, too, and are not drawn.
            if one.get_text().strip("−-.0123456789"):
                assert box.x0 >= -1, one.get_text()
                assert box.x1 <= width + 1, one.get_text()
                assert one.get_fontsize() >= 8
        written = "".join("".join(one.get_text().split()) for one in figure.findobj(Text))
        assert all("".join(name.split()) in written for name in names)
    lines = next(axes for axes in drawn[1].findobj(type(drawn[1].axes[0])) if axes.get_xlabel() == "cycles per pixel")
    colours = [to_hex(line.get_color()) for line in lines.lines]
    assert len(set(colours)) == number


def test_the_highest_peak_of_all_panels_fits(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("edgekit.look.figures.save_figure", lambda figure, path: drawn.append(figure))
    flat, peaked = np.full((4, 256), 1 / 256), np.zeros((4, 256))
    peaked[:, 100:104] = 1 / 4
    draw_histograms(tmp_path / "a.png", "title", {"flat": flat, "peaked": peaked})
    assert [axes.get_ylim()[1] > 1 / 4 for axes in drawn[0].axes] == [True] * 4
