"""The little of a picture that a lazy network would look at: its mean colour, light, sharpness, its corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.arrays import ByteArray, Float64Array
from edgekit.look.colours import histograms
from edgekit.look.spectrum import power_spectrum, radial_profile

# Photos are halved until their shorter side is this or a little more: enough for all of it, and quick to decode.
WORKING_PX = 480
_BINS = 16
_RINGS = 16
_CORNER = 8
_MIN_SPECTRUM_PX = 16
_LATTICE_PX = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelFacts:
    """Trivial measures of a picture.

    Attributes:
        colour: (3,) mean red, green and blue, 0..255.
        brightness: (2,) mean and standard deviation of the luma.
        blur: (1,) logarithm of the variance of its Laplacian; small is blurred.
        histogram: (64,) shares of red, green, blue and luma in 16 bins each.
        corners: (24,) mean and deviation of each channel in the four corners, an eighth of the sides wide and high.
        texture: (16,) decibels of its spectrum in rings. No probe: texture is what a detector of recaptures is for.
    """

    colour: Float64Array
    brightness: Float64Array
    blur: Float64Array
    histogram: Float64Array
    corners: Float64Array
    texture: Float64Array


def measure_pixels(picture: Image.Image) -> PixelFacts:
    """Measure an upright RGB picture."""
    grey = picture.convert("L")
    shares, levels = histograms(picture), np.arange(256.0)
    means = shares @ levels
    deviation = np.sqrt(max(0.0, float(shares[3] @ levels**2 - means[3] ** 2)))
    return PixelFacts(
        colour=means[:3],
        brightness=np.array([means[3], deviation]),
        blur=np.array([np.log(laplacian(np.asarray(grey)).var(dtype=np.float64) + 1e-3)]),
        histogram=shares.reshape(4, _BINS, -1).sum(axis=2).ravel(),
        corners=_corners(picture),
        texture=_texture(picture),
    )


def laplacian(luma: ByteArray) -> NDArray[np.int16]:
    """Four neighbours less four times the pixel, where all are inside."""
    wide = luma.astype(np.int16)
    inner: NDArray[np.int16] = (
        wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2] - 4 * wide[1:-1, 1:-1]
    )
    return inner


def _corners(picture: Image.Image) -> Float64Array:
    width, height = (max(1, side // _CORNER) for side in picture.size)
    lefts, tops = (0, picture.width - width), (0, picture.height - height)
    boxes = [(left, top, left + width, top + height) for top in tops for left in lefts]
    parts = [np.asarray(picture.crop(box), np.float64) for box in boxes]
    return np.concatenate([np.r_[part.mean(axis=(0, 1)), part.std(axis=(0, 1))] for part in parts])


def _texture(picture: Image.Image) -> Float64Array:
    if min(picture.size) < _MIN_SPECTRUM_PX:
        return np.zeros(_RINGS)
    return radial_profile(power_spectrum(picture, side_px=_LATTICE_PX), _RINGS)
