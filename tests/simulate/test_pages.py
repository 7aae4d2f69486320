from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the host extra")

from edgekit.simulate.options import LAYOUTS
from edgekit.simulate.pages import lay_out

GREEN = (10, 200, 30)
SIZE_WH = (320, 240)


@pytest.fixture
def photo():
    return Image.new("RGB", (160, 120), GREEN)


def shown(photo, layout, *, seed=0, fill=0.7, paper=False):
    page = lay_out(np.random.default_rng(seed), photo, SIZE_WH, layout=layout, fill=fill, paper=paper)
    assert (page.mode, page.size) == ("RGB", SIZE_WH)
    pixels = np.asarray(page)
    return pixels, (pixels == GREEN).all(axis=2)


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - {"text"}))
def test_the_photo_is_shown_and_the_seed_decides(photo, layout):
    pixels, of_photo = shown(photo, layout)
    assert of_photo.mean() > 0.08
    np.testing.assert_array_equal(pixels, shown(photo, layout)[0])
    if layout != "whole":
        assert any((shown(photo, layout, seed=seed)[0] != pixels).any() for seed in (1, 2, 3))


def test_alone_it_takes_all(photo):
    assert shown(photo, "whole")[1].all()


@pytest.mark.parametrize("fill", [0.5, 0.8, 1.0])
def test_on_a_page_it_takes_its_share(photo, fill):
    assert shown(photo, "page", fill=fill)[1].mean() == pytest.approx(fill**2, abs=0.01)


def test_paper_is_white_with_nothing_on_it(photo):
    for seed in range(6):
        pixels, of_photo = shown(photo, "page", seed=seed, paper=True)
        assert (pixels[~of_photo] == 255).all()


def test_between_bars_it_is_cut_and_not_stretched():
    stripes = np.zeros((120, 160, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = 255
    page = np.asarray(
        lay_out(np.random.default_rng(3), Image.fromarray(stripes), SIZE_WH, layout="letterbox", fill=0.5, paper=False)
    )
    row = page[SIZE_WH[1] // 2, :, 0].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(row[80:240] - row[80:240].mean()))
    # Eight pixels of the photo are sixteen of the page, along the width as they would be along the height.
    assert int(spectrum.argmax()) == 160 // 16


def test_an_app_and_a_page_have_words_or_signs(photo):
    for layout in ("app", "page"):
        found = [len(np.unique(shown(photo, layout, seed=seed)[0].reshape(-1, 3), axis=0)) for seed in range(8)]
        assert max(found) > 2


@pytest.mark.parametrize("paper", [True, False])
def test_a_sheet_of_text_is_white_with_ink_on_it(photo, paper):
    pixels, of_photo = shown(photo, "text", paper=paper)
    assert not of_photo.any()
    assert (pixels == 255).mean() > 0.5
    assert 0.01 < (pixels < 100).mean() < 0.4


def test_words_stand_over_the_photo_of_a_cover(photo):
    for seed in range(4):
        _, of_photo = shown(photo, "cover", seed=seed, paper=True)
        assert 0.2 < of_photo.mean() < 1


def test_a_grid_has_many_cuts(photo):
    _, of_photo = shown(photo, "grid")
    across = of_photo[SIZE_WH[1] // 2] if of_photo[SIZE_WH[1] // 2].any() else of_photo[SIZE_WH[1] // 3]
    assert (np.diff(across.astype(int)) == 1).sum() >= 1
