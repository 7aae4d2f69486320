"""What hides a part of a photo."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.explain.cover import covered, whole_cover
from edgekit.runtime.crops import Box


@pytest.fixture
def stripes():
    """Black and white columns of 4 px, 64x48 px, the right half reddish."""
    photo = np.zeros((48, 64, 3), np.uint8)
    photo[:, np.arange(64) % 8 < 4] = 255
    photo[:, 32:, 1:] //= 2
    return Image.fromarray(photo)


@pytest.mark.parametrize("side_px", [16, 40])
def test_a_blur_leaves_colours_and_no_pattern(stripes, side_px):
    pixels = np.asarray(whole_cover(stripes, side_px, "blur")).astype(float)
    assert pixels.shape == (48, 64, 3)
    assert np.abs(np.diff(pixels[:, :, 0], axis=1)).max() < 8
    assert pixels[:, -1, 1].mean() < pixels[:, 0, 1].mean() - 20


def test_a_mean_is_one_colour(stripes):
    pixels = np.asarray(whole_cover(stripes, 16, "mean"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) == 1
    assert pixels[0, 0] == pytest.approx(np.asarray(stripes).reshape(-1, 3).mean(axis=0), abs=0.5)


def test_a_part_is_covered_and_nothing_else(stripes):
    cover = whole_cover(stripes, 16, "mean")
    hidden = covered(stripes, cover, Box(8, 4, 24, 20))
    changed = (np.asarray(hidden) != np.asarray(stripes)).any(axis=2)
    assert changed[4:20, 8:24].all()
    changed[4:20, 8:24] = False
    assert not changed.any()
