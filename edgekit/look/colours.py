"""Histograms of colour and luminance: of a class, and of a photo before and after blur."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageFilter

from edgekit.arrays import Float64Array

CHANNELS = ("red", "green", "blue", "luminance")


def histograms(picture: Image.Image) -> Float64Array:
    """Share of pixels at each of 256 levels of red, green, blue and luma; (4, 256) float64, rows sum to 1."""
    rgb = picture.convert("RGB")
    counts = np.array(rgb.histogram() + rgb.convert("L").histogram(), np.float64).reshape(4, 256)
    shares: Float64Array = counts / counts.sum(axis=1, keepdims=True)
    return shares


def mean_histograms(pictures: Iterable[Image.Image]) -> Float64Array:
    """The mean of the photos' histograms: each photo counts alike, whatever its size; at least one photo."""
    total = np.zeros((4, 256))
    number = 0
    for picture in pictures:
        total += histograms(picture)
        number += 1
    return total / number


def blurred(picture: Image.Image, radius_px: float) -> Image.Image:
    """A photo under a Gaussian blur, as printing, showing and taking again blur it."""
    return picture.filter(ImageFilter.GaussianBlur(radius_px))
