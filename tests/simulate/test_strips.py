"""Pictures by rows: nothing shows where one strip ends, and little stands in memory."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from recaptured import rng

from edgekit.simulate import strips
from edgekit.simulate.options import SCREEN_NAMES, RephotoConfig
from edgekit.simulate.strips import WHOLE, blown_up, by_table, filtered, in_strips

cv2 = pytest.importorskip("cv2", reason="needs the host extra")
rephoto = pytest.importorskip("edgekit.simulate.rephoto", reason="needs the host extra")


@pytest.fixture
def narrow(monkeypatch):
    """Strips of few rows."""
    monkeypatch.setattr(strips, "_PIXELS", 1 << 14)


@pytest.mark.parametrize("size_wh", [(1, 1), (160, 421), (30_000, 7), (200, 90)])
def test_strips_are_all_rows_once(narrow, size_wh):
    rows = [one for part in in_strips(size_wh) for one in range(*part.indices(size_wh[1]))]
    assert rows == list(range(size_wh[1]))
    assert all((part.stop - part.start) % 2 == 0 for part in list(in_strips(size_wh))[:-1])


@pytest.mark.parametrize("resample", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
def test_a_picture_is_resized_by_rows_as_it_is_whole(resample):
    for plane, size_wh in (
        (rng().random((5, 6), dtype=np.float32), (120, 90)),
        (np.eye(40, 30, dtype=np.float32), (60, 79)),
    ):
        whole = np.asarray(Image.fromarray(plane).resize(size_wh, resample))
        large = blown_up(plane, size_wh, resample)
        np.testing.assert_array_equal(large(WHOLE), whole)
        parts = [large(slice(start, min(start + 30, size_wh[1]))) for start in range(0, size_wh[1], 30)]
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-6, atol=1e-7)


def test_a_filter_sees_the_picture_as_it_was_although_strips_are_written_back(narrow):
    light = rng().random((450, 90, 3), dtype=np.float32)
    expected = cv2.blur(light, (1, 41), borderType=cv2.BORDER_REPLICATE)
    for rows, found in filtered(light, 20, lambda block: cv2.blur(block, (1, 41), borderType=cv2.BORDER_REPLICATE)):
        light[rows] = found
    np.testing.assert_allclose(light, expected, atol=1e-5)


def test_a_table_s_values(narrow):
    table, levels = rng().random(256, dtype=np.float32), rng().integers(0, 256, (170, 90, 3), dtype=np.uint8)
    np.testing.assert_array_equal(by_table(table, levels), table[levels])


@pytest.mark.parametrize("screen", [*SCREEN_NAMES, ""])
def test_a_photo_is_the_same_whatever_the_strips(photo, monkeypatch, screen):
    config = RephotoConfig(hand=1.0, lamp=1.0, room=1.0, coverage=(1.1, 1.3), jpeg=(95, 95), shake_px=(2, 2))
    drawn = rephoto.draw(rng(3), screen=screen, config=config)
    taken = []
    for pixels in (1 << 20, 1 << 12):
        monkeypatch.setattr(strips, "_PIXELS", pixels)
        content = rephoto.rephotograph(rng(4), photo, drawn=drawn, room=photo[::-1].copy())
        taken.append(np.asarray(Image.open(io.BytesIO(content))).astype(int))
    difference = np.abs(taken[0] - taken[1])
    # Rounding moves a level here and there, and JPEG its neighbours.
    assert (difference > 0).mean() < 0.02
    assert difference.max() <= 4


@pytest.mark.parametrize("screen", ["print-plain", "oled-pentile", ""])
def test_little_more_than_the_light_itself_stands_in_memory(narrow, screen):
    """Of numpy's arrays: a print had five times its light."""
    photo = rng().integers(0, 256, (300, 400, 3), dtype=np.uint8)
    config = RephotoConfig(hand=1.0, room=1.0, lamp=1.0, coverage=(1.2, 1.2), oversample=(2.5, 2.5))
    drawn = replace(rephoto.draw(rng(1), screen=screen, config=config), yaw_deg=4.0)
    light_bytes = 300 * 400 * 2.5**2 * 3 * 4
    tracemalloc.start()
    try:
        rephoto.rephotograph(rng(2), photo, drawn=drawn, room=photo[::-1].copy())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.8 * light_bytes
