"""Sharpness, and boxes around faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgekit.errors import VideoError
from edgekit.runtime.crops import Box

cv2 = pytest.importorskip("cv2", reason="needs the video extra")

from edgekit.video.vision import FaceFinder, sharpness, with_margin  # noqa: E402


def blocks(side):
    """Squares of random grey, at any size the same picture."""
    levels = np.random.default_rng(0).integers(0, 256, (12, 16), dtype=np.uint8)
    return Image.fromarray(levels).resize((side * 4 // 3, side), Image.Resampling.NEAREST).convert("RGB")


def test_a_flat_picture_has_none():
    assert sharpness(np.full((48, 64, 3), 100, np.uint8)) == 0


def test_blur_lowers_it_step_by_step():
    values = [sharpness(np.asarray(blocks(480).filter(ImageFilter.GaussianBlur(radius)))) for radius in (0, 1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] / 50


def test_larger_cameras_get_about_the_same_number():
    small, large = (sharpness(np.asarray(blocks(side))) for side in (480, 1920))
    assert large == pytest.approx(small, rel=0.35)


@pytest.mark.parametrize(
    ("face", "margin", "box"),
    [
        pytest.param(Box(40, 40, 60, 60), 0.0, Box(40, 40, 60, 60), id="none"),
        pytest.param(Box(40, 40, 60, 60), 0.5, Box(30, 30, 70, 70), id="half"),
        pytest.param(Box(0, 0, 20, 20), 0.5, Box(0, 0, 30, 30), id="at-the-edge"),
        pytest.param(Box(40, 40, 60, 50), 0.0, Box(40, 35, 60, 55), id="becomes-square"),
        pytest.param(Box(10, 10, 90, 90), 2.0, Box(0, 0, 100, 100), id="larger-than-the-frame"),
    ],
)
def test_margins(face, margin, box):
    assert with_margin(face, margin, (100, 100)) == box


def test_an_opencv_without_cascades(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))
    with pytest.raises(VideoError, match=r"--face needs haarcascade_frontalface_default\.xml"):
        FaceFinder()
