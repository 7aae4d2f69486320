"""Trivial measures of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgekit.audit.pixels import laplacian, measure_pixels


def test_an_even_picture_has_one_colour_and_no_spread():
    facts = measure_pixels(Image.new("RGB", (64, 48), (200, 100, 50)))
    assert facts.colour.tolist() == [200, 100, 50]
    assert facts.brightness.tolist() == [pytest.approx(124), pytest.approx(0, abs=1e-3)]
    assert facts.histogram.reshape(4, 16).argmax(axis=1).tolist() == [12, 6, 3, 7]
    assert facts.corners.reshape(4, 2, 3)[:, 0].tolist() == [[200, 100, 50]] * 4


def test_blur_is_less_than_detail():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert measure_pixels(noise.filter(ImageFilter.GaussianBlur(2))).blur[0] < measure_pixels(noise).blur[0] - 2


def test_the_laplacian_of_a_ramp_is_nothing_and_of_a_point_four_times_the_point():
    assert not laplacian(np.tile(np.arange(9, dtype=np.uint8), (9, 1))).any()
    point = np.zeros((5, 5), np.uint8)
    point[2, 2] = 9
    assert laplacian(point)[1].tolist() == [9, -36, 9]
