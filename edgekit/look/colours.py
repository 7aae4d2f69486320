"""The sRGB curve, and histograms of colour and luminance: of a class, and of a photo before and after blur."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from PIL import Image, ImageFilter

from edgekit.arrays import Float32Array, Float64Array

Floats = TypeVar("Floats", Float32Array, Float64Array)

CHANNELS = ("red", "green", "blue", "luminance")


def to_linear(encoded: Floats) -> Floats:
    """Linear light of sRGB values by IEC 61966-2-1, both 0 to 1, of any shape."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Floats) -> Floats:
    """SRGB values of linear light by IEC 61966-2-1, both 0 to 1, of any shape."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def histograms(picture: Image.Image) -> Float64Array:
    """Share of pixels at each of 256 levels of red, green, blue and luma; (4, 256) float64, rows sum to 1."""
    rgb = picture.convert("RGB")
    counts = np.array(rgb.histogram() + rgb.convert("L").histogram(), np.float64).reshape(4, 256)
    shares: Float64Array = counts / counts.sum(axis=1, keepdims=True)
    return shares


def mean_histograms(pictures: Iterable[Image.Image]) -> Float64Array:
    """The mean of the photos' histograms: each photo counts alike, whatever its size; at least one photo."""
    mean: Float64Array = np.mean([histograms(picture) for picture in pictures], axis=0)
    return mean


def blurred(picture: Image.Image, radius_px: float) -> Image.Image:
    """A photo under a Gaussian blur, as printing, showing and taking again blur it."""
    return picture.filter(ImageFilter.GaussianBlur(radius_px))
