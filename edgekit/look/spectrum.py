"""Frequency spectra of photos at their native pixels, where the lattice of a screen or a print stands as peaks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from PIL import Image

from edgekit.arrays import Float64Array
from edgekit.errors import DataError

TILE_PX = 512
_MAX_TILES = 9
_FLOOR = 1e-3


def power_spectrum(picture: Image.Image, *, side_px: int = TILE_PX) -> Float64Array:
    """The mean power of windowed tiles of a picture, whose pixels are not resampled.

    A tile's mean is taken off, and a Hann window keeps its edges from drawing a cross over everything. Averaging the
    power of up to nine tiles leaves what repeats all over the photo, as a lattice does, and blurs what is drawn once.

    Args:
        picture: RGB, at least 16 px wide and high.
        side_px: Side of the square tiles and of the spectrum in pixels; at most the shorter side of the picture.

    Returns:
        (side, side) float64, zero frequency in the middle; side is even.

    Raises:
        DataError: the picture is too small.
    """
    side = min(side_px, *picture.size) // 2 * 2
    if side < 16:
        raise DataError(f"a spectrum needs a photo of at least 16x16 px, got {picture.width}x{picture.height}")
    window2d = _window(side)
    total = np.zeros((side, side))
    boxes = list(_tiles(picture.size, side))
    for left, top in boxes:
        grey = np.asarray(picture.crop((left, top, left + side, top + side)).convert("L"), np.float64)
        total += np.abs(np.fft.fft2((grey - grey.mean()) * window2d)) ** 2
    shifted: Float64Array = np.fft.fftshift(total / (len(boxes) * (window2d**2).sum()))
    return shifted


@lru_cache(maxsize=4)
def _window(side: int) -> Float64Array:
    hann = np.hanning(side + 1)[:-1]
    return np.outer(hann, hann)


@lru_cache(maxsize=4)
def _radius(side: int) -> Float64Array:
    """(side, side) distance of each frequency from 0, in steps of the spectrum."""
    axis = np.arange(side) - side // 2
    radius: Float64Array = np.hypot(*np.meshgrid(axis, axis, indexing="ij"))
    return radius


def _tiles(size_wh: tuple[int, int], side: int) -> Iterable[tuple[int, int]]:
    """Up to three by three places that span the picture."""
    lefts, tops = (
        sorted({round(place) for place in np.linspace(0, length - side, min(3, -(-length // side)))})
        if length > side
        else [0]
        for length in size_wh
    )
    return [(left, top) for top in tops for left in lefts][:_MAX_TILES]


def log_magnitude(power: Float64Array) -> Float64Array:
    """Decibels of a power spectrum, with a floor under what is no more than rounding."""
    decibels: Float64Array = 10.0 * np.log10(power + _FLOOR)
    return decibels


def radial_profile(power: Float64Array, bins: int) -> Float64Array:
    """Mean decibels in rings of equal width, from the lowest frequencies to half a cycle a pixel; (bins,)."""
    side = power.shape[0]
    ring = np.minimum((_radius(side) / (side / 2) * bins).astype(np.int64), bins)
    level = log_magnitude(power)
    inside = ring < bins
    sums = np.bincount(ring[inside], weights=level[inside], minlength=bins)
    profile: Float64Array = sums / np.maximum(1, np.bincount(ring[inside], minlength=bins))
    return profile


def whitened(power: Float64Array) -> Float64Array:
    """Decibels above the mean of a frequency's ring: natural pictures fall off evenly, a lattice stands out.

    Returns:
        (side, side) float64; peaks are positive.
    """
    radius = _radius(power.shape[0]).astype(np.int64)
    level = log_magnitude(power)
    mean = np.bincount(radius.ravel(), weights=level.ravel()) / np.maximum(1, np.bincount(radius.ravel()))
    risen: Float64Array = level - mean[radius]
    return risen
