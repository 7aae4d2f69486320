"""Prints: ink dots on paper. Offset presses vary the dots' size on four rotated screens, inkjets vary their number.

Both compare each ink's coverage with a threshold per device dot. Offset: clustered dots on rational-tangent screens
at the usual angles (about 15°, 75°, 0° and 45° for C, M, Y and K). Inkjet: a blue-noise mask. Overprints are the
Neugebauer primaries (Neugebauer 1937), taken as products of the inks' transmittances.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from edgekit.arrays import ByteArray, Float64Array, RGBArray
from edgekit.simulate.strips import in_strips

Thresholds = ByteArray

# Linear transmittance of full coverage: cyan, magenta, yellow, black.
_INKS = np.array([[0.09, 0.35, 0.62], [0.55, 0.06, 0.2], [0.85, 0.68, 0.07], [0.03, 0.03, 0.03]])
# Of 255: grey up to here is printed with the three colours alone.
_GREY_IN_COLOUR = 60
_COVERAGE = (255 * (1 - (np.arange(256) / 255) ** 2.2)).astype(np.float32)
# Rational tangents of the four screens, as parts of a cell's side.
_ANGLES = ((0.97, 0.26), (0.26, 0.97), (1.0, 0.0), (0.71, 0.71))


@lru_cache(maxsize=8)
def clustered_thresholds(cell_dots: int) -> tuple[Thresholds, ...]:
    """One periodic threshold tile (1..255) per ink, for dots that grow from their cell's centre.

    Args:
        cell_dots: Device dots along a halftone cell.
    """
    tiles = []
    for along, across in _ANGLES:
        a, b = round(along * cell_dots), round(across * cell_dots)
        period = (a * a + b * b) // int(np.gcd(a, b))
        y, x = np.mgrid[0:period, 0:period]
        turn = 2 * np.pi / (a * a + b * b)
        spot = np.cos(turn * (a * x + b * y)) + np.cos(turn * (a * y - b * x))
        tiles.append(_ranked(spot))
    return tuple(tiles)


@lru_cache(maxsize=1)
def dispersed_thresholds() -> Thresholds:
    """A 128x128 blue-noise tile (1..255): white noise, repeatedly high-passed and re-ranked. The same on every call."""
    side = 128
    noise = np.random.default_rng(1937).random((side, side))
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    high_pass = 1 - np.exp(-(fx**2 + fy**2) / (2 * 0.22**2))
    for _ in range(6):
        noise = np.fft.irfft2(np.fft.rfft2(noise) * high_pass, s=(side, side))
        noise = np.argsort(np.argsort(noise, axis=None)).reshape(side, side) / side**2
    return _ranked(-noise)


def _ranked(spot: Float64Array) -> Thresholds:
    """Evenly spread thresholds in the order of the spot function, so that coverage equals the tone asked for."""
    order = np.argsort(np.argsort(-spot, axis=None, kind="stable"), kind="stable").reshape(spot.shape)
    return (1 + order * 255 // spot.size).astype(np.uint8)


def separate(photo: RGBArray) -> Image.Image:
    """RGB to ink coverages, with the grey part mostly in black.

    Coverage follows linear light (Murray-Davies), so a print reads about as bright as the photo.

    Args:
        photo: (height, width, 3) sRGB-encoded.

    Returns:
        A CMYK picture; 255 is full coverage.
    """
    height, width = photo.shape[:2]
    planes = np.empty((4, height, width), dtype=np.uint8)
    for rows in in_strips((width, height)):
        inks = _COVERAGE[photo[rows]]
        # min() over an axis of three is slow in numpy.
        grey = np.minimum(np.minimum(inks[..., 0], inks[..., 1]), inks[..., 2])
        black = np.maximum(grey - np.float32(_GREY_IN_COLOUR), 0) * np.float32(255 / (255 - _GREY_IN_COLOUR))
        # What black leaves bare, the colours share; where nothing is left, none is printed.
        inks -= black[..., None]
        inks *= (255 / np.maximum(255 - black, 1))[..., None]
        for plane, ink in zip(planes, (*np.moveaxis(inks, 2, 0), black), strict=True):
            plane[rows] = np.clip(ink, 0, 255)
    return Image.merge("CMYK", [Image.fromarray(plane) for plane in planes])


def lay_ink(dots: ByteArray, coverage: ByteArray, ink: int, *, thresholds: Thresholds) -> None:
    """Decide every device dot of an ink.

    Args:
        dots: (height, width) the inks of each dot; bit n is ink n, and this one is added.
        coverage: (height, width) of this ink; 255 is full.
        ink: Its number.
        thresholds: Its tile.
    """
    width = dots.shape[1]
    across = -(-width // thresholds.shape[1])
    for rows in in_strips((width, len(dots))):
        tile = np.take(thresholds, np.arange(rows.start, rows.stop), axis=0, mode="wrap")
        printed = coverage[rows] >= np.tile(tile, (1, across))[:, :width]
        dots[rows] |= printed.view(np.uint8) << np.uint8(ink)


def inked(dots: ByteArray) -> Image.Image:
    """The RGB picture of linear reflectance of (height, width) dots, by their inks; 255 is bare paper."""
    picture = Image.fromarray(dots)
    picture.putpalette(_overprints().astype(np.uint8).tobytes())
    return picture.convert("RGB")


def _overprints() -> Float64Array:
    """Reflectance 0..255 of the 16 ways to lay four inks over each other; bit n is ink n."""
    laid = (np.arange(16)[:, None] >> np.arange(4)) & 1
    transmitted = np.prod(np.where(laid[..., None] == 1, _INKS, 1.0), axis=1)
    return np.asarray(np.rint(255 * transmitted))
