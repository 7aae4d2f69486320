"""From what was found to a square of the photo, and the square as a photo of its own. Integers from the square on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edgekit.arrays import Float64Array, Int64Array, RGBArray
from edgekit.contract import RegionPlan
from edgekit.runtime.crops import Box, shrink
from edgekit.runtime.limits import MIN_SIDE_PX, check_size
from edgekit.runtime.photo import Photo, cut_box

# Cosine and sine are whole parts of it.
ONE = 1 << 16
# Rows of a turned square that are computed at once: addresses and weights take many bytes a pixel.
_STRIP_ROWS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One thing that a detector found in a photo, and the square that is classified.

    Attributes:
        box: What was found, cut at the photo's edges, in the photo's own pixels.
        score: How sure the detector is, 0 to 1.
        middle_xy: Twice the square's middle, in the photo's own pixels.
        side_px: The square's side, in the photo's own pixels. It may leave the photo, whose edges are then repeated.
        cos: Cosine of the angle by which the square is turned clockwise, times ONE.
        sin: Its sine, times ONE.
    """

    box: Box
    score: float
    middle_xy: tuple[int, int]
    side_px: int
    cos: int = ONE
    sin: int = 0


def region_of(
    box: Float64Array, points: Float64Array, score: float, size_wh: tuple[int, int], plan: RegionPlan
) -> Region | None:
    """The square around what was found.

    Args:
        box: float64 (4,): left, top, right, bottom in the photo's own pixels.
        points: float64 (6, 2), as ``Detections`` has them, in the photo's own pixels; the first two are the eyes.
        score: The detector's.
        size_wh: Width and height of the photo.
        plan: Margin, alignment and the least side.

    Returns:
        None for what is smaller than the plan allows, or whose square is smaller than a photo may be, or that has its
        middle outside the photo.
    """
    left, top, right, bottom = box.tolist()
    longer = max(right - left, bottom - top)
    middle = ((left + right) / 2, (top + bottom) / 2)
    side_px = _nearest(longer * (1 + 2 * plan.margin))
    is_small = longer < plan.least_px or side_px < MIN_SIDE_PX
    if is_small or not all(0 <= at < edge for at, edge in zip(middle, size_wh, strict=True)):
        return None
    cos, sin = ONE, 0
    if plan.align == "eyes":
        across, down = (points[1] - points[0]).tolist()
        apart = math.hypot(across, down)
        if apart > 0:
            cos, sin = _nearest(ONE * across / apart), _nearest(ONE * down / apart)
    return Region(
        box=Box(
            max(0, math.floor(left)),
            max(0, math.floor(top)),
            min(size_wh[0], math.ceil(right)),
            min(size_wh[1], math.ceil(bottom)),
        ),
        score=score,
        middle_xy=(_nearest(2 * middle[0]), _nearest(2 * middle[1])),
        side_px=side_px,
        cos=cos,
        sin=sin,
    )


def _nearest(value: float) -> int:
    # Not round(), which takes halves to even numbers, as other languages don't.
    return math.floor(value + 0.5)


def region_photo(photo: Photo, region: Region, working_px: int | None) -> Photo:
    """The square of a region as a photo, as crops are cut from it.

    As a photo is, the square is halved as often as its side stays at least ``working_px``, by means of blocks that
    begin at the photo's corner; its side is cut to a multiple of that. An upright square is copied pixel by pixel from
    there; a turned one is sampled between four pixels, in steps of 1/256, by integers. Beyond the photo's edges their
    pixels are repeated.

    Args:
        photo: The whole photo at its own size, as ``as_photo`` gives it without a working size.
        region: Of that photo.
        working_px: Working size of the contract's crop plan, in pixels.

    Raises:
        PhotoError: the square has more pixels than a photo may have.
    """
    factor = shrink((region.side_px, region.side_px), working_px)
    # Of a photo that is one narrow strip a block must be left.
    while min(photo.size_wh) < factor:
        factor //= 2
    side = max(1, region.side_px // factor)
    check_size("a region", (side, side), remedy="; use a crop plan with a working size")
    upright = (region.cos, region.sin) == (ONE, 0)
    pixels = _upright(photo, region, side, factor) if upright else _turned(photo, region, side, factor)
    return Photo(picture=Image.fromarray(pixels), size_wh=(side * factor, side * factor), shrink=factor)


def _upright(photo: Photo, region: Region, side: int, factor: int) -> RGBArray:
    """uint8 (side, side, 3), RGB."""
    left, top = ((middle - side * factor) // 2 // factor for middle in region.middle_xy)
    pixels, (first_x, first_y) = _blocks(photo, (left, top, left + side, top + side), factor)
    high, wide = pixels.shape[:2]
    columns = np.clip(np.arange(left, left + side) - first_x, 0, wide - 1)
    rows = np.clip(np.arange(top, top + side) - first_y, 0, high - 1)
    return pixels[np.ix_(rows, columns)]


def _turned(photo: Photo, region: Region, side: int, factor: int) -> RGBArray:
    """uint8 (side, side, 3), RGB."""
    middle_x, middle_y = ((middle * ONE) // (2 * factor) for middle in region.middle_xy)
    reach = side * (abs(region.cos) + abs(region.sin)) // (2 * ONE) + 2
    around = middle_x // ONE, middle_y // ONE
    wanted = (around[0] - reach, around[1] - reach, around[0] + reach, around[1] + reach)
    pixels, first = _blocks(photo, wanted, factor)
    found = np.empty((side, side, 3), np.uint8)
    across = 2 * np.arange(side, dtype=np.int64) + 1 - side
    for begin in range(0, side, _STRIP_ROWS):
        down = across[begin : begin + _STRIP_ROWS, np.newaxis]
        # Twice the distance from the middle, so halves come out whole; a pixel's own middle is at one half.
        x = middle_x + ((across * region.cos - down * region.sin) >> 1) - ONE // 2
        y = middle_y + ((across * region.sin + down * region.cos) >> 1) - ONE // 2
        found[begin : begin + _STRIP_ROWS] = _between(pixels, x - first[0] * ONE, y - first[1] * ONE)
    return found


def _between(pixels: RGBArray, x: Int64Array, y: Int64Array) -> RGBArray:
    """Pixels at places in 65536ths, by the four around them; beyond the edges these are repeated."""
    high, wide = pixels.shape[:2]
    columns = [np.clip((x >> 16) + one, 0, wide - 1) for one in (0, 1)]
    rows = [np.clip((y >> 16) + one, 0, high - 1) for one in (0, 1)]
    right, below = ((x >> 8) & 255)[..., np.newaxis], ((y >> 8) & 255)[..., np.newaxis]
    upper, lower = (
        pixels[row, columns[0]].astype(np.int64) * (256 - right) + pixels[row, columns[1]].astype(np.int64) * right
        for row in rows
    )
    mixed: RGBArray = ((upper * (256 - below) + lower * below + (1 << 15)) >> 16).astype(np.uint8)
    return mixed


def _blocks(photo: Photo, wanted: tuple[int, int, int, int], factor: int) -> tuple[RGBArray, tuple[int, int]]:
    """Means of a photo's blocks of ``factor`` pixels, as far as the wanted ones are inside; and the first one's place.

    Args:
        photo: At its own size.
        wanted: Left, top, right, bottom in blocks; at least one lies in the photo, or its edge is taken.
        factor: Pixels of a block's side.
    """
    wide, high = photo.size_wh[0] // factor, photo.size_wh[1] // factor
    left, top = min(max(wanted[0], 0), wide - 1), min(max(wanted[1], 0), high - 1)
    right, bottom = max(min(wanted[2], wide), left + 1), max(min(wanted[3], high), top + 1)
    cut = cut_box(photo.picture, Box(left * factor, top * factor, right * factor, bottom * factor))
    return np.asarray(cut if factor == 1 else cut.reduce(factor)), (left, top)
