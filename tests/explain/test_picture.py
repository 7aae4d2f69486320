"""Explanations as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.explain.picture import PANEL_PX, Panel, ScoredBox, compose, draw_crops, draw_heat, panel_sized
from edgekit.runtime.crops import Box


@pytest.fixture
def grey():
    return Image.new("RGB", (240, 160), (120, 120, 120))


def test_red_speaks_for_and_blue_against(grey):
    pixels = np.asarray(draw_heat(grey, np.array([[2.0, 0.0, -1.0]]))).astype(int)
    left, middle, right = pixels[80, 5], pixels[80, 120], pixels[80, 234]
    assert left[0] > left[2] + 50
    assert right[2] > right[0] + 20
    assert np.ptp(middle) < 5
    assert np.array_equal(np.asarray(draw_heat(grey, np.zeros((3, 3)))), np.asarray(grey))


def test_crops_are_drawn_where_they_lie_in_the_whole_photo(grey):
    crops = [ScoredBox(Box(0, 0, 960, 640), "1: 90 %"), ScoredBox(Box(480, 320, 960, 640), "2: 10 %")]
    pixels = np.asarray(draw_crops(grey, (960, 640), crops))
    assert (pixels[100, 120] != 120).any()
    assert (pixels[159, 60] != 120).any()
    assert (pixels[60, 60] == 120).all()
    assert (np.asarray(grey) == 120).all()


def test_a_crop_under_one_pixel_is_drawn_as_one(grey):
    pixels = np.asarray(draw_crops(grey, (24_000, 16_000), [ScoredBox(Box(12_000, 8_000, 12_050, 8_050), "1: 90 %")]))
    assert (pixels[80, 120] != 120).any()


def test_words_of_boxes_that_begin_at_one_place_stand_below_each_other():
    photo = Image.new("RGB", (480, 320))
    same = [ScoredBox(Box(0, 0, 100 + 40 * n, 100 + 40 * n), f"{n}: 100 %") for n in range(4)]
    once = np.asarray(draw_crops(photo, (480, 320), same[:1])).any(axis=2).sum(axis=0)[20]
    four = np.asarray(draw_crops(photo, (480, 320), same)).any(axis=2).sum(axis=0)[20]
    assert four > once + 3 * 10


def test_panels_stand_side_by_side_with_their_captions(grey):
    alone = compose("cat, 93 %", [Panel(grey, "short")])
    both = compose("cat, 93 %", [Panel(grey, "short"), Panel(grey, "a long caption " * 20)])
    assert both.width > 2 * grey.width
    assert both.height > alone.height
    assert compose("title", [Panel(Image.new("RGB", (30, 480)), "a narrow photo")]).width >= PANEL_PX // 2


@pytest.mark.parametrize("size", [(48, 20), (2000, 900), (300, 1200)])
def test_a_panel_has_its_size(size):
    assert max(panel_sized(Image.new("RGB", size)).size) == PANEL_PX
