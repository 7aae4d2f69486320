"""Affine warps and tables of levels by OpenCV. Pillow has no way to repeat a photo's edge."""

from __future__ import annotations

import cv2
import numpy as np

from edgekit.arrays import ByteArray, Float64Array, RGBArray
from edgekit.augment.options import Fill
from edgekit.errors import DataError

# What gives the pixels, and its version.
RESAMPLER = f"OpenCV {cv2.__version__}"

# OpenCV counts source pixels in 16 bits.
MAX_SIDE_PX = 2**15 - 2
_BORDERS: dict[str, int] = {
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "black": cv2.BORDER_CONSTANT,
}


def warp_affine(photo: RGBArray, to_source: Float64Array, *, fill: Fill = "nearest", name: str = "photo") -> RGBArray:
    """Resample a photo bilinearly; the result has its size.

    Args:
        photo: uint8 (height, width, channels).
        to_source: 2x3: from (x, y, 1) of a pixel of the result, counted from pixel centres, to the photo's.
        fill: What lies beyond the photo's edge.
        name: Name of the photo, for messages.

    Raises:
        DataError: a side has more than MAX_SIDE_PX pixels.
    """
    if max(photo.shape[:2]) > MAX_SIDE_PX:
        raise DataError(
            f"{name}: a photo must have sides of at most {MAX_SIDE_PX} px to be varied, got "
            f"{photo.shape[1]}x{photo.shape[0]}; save it smaller, or leave it out"
        )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size_wh = (photo.shape[1], photo.shape[0])
    warped = cv2.warpAffine(photo, to_source, size_wh, flags=flags, borderMode=_BORDERS[fill])
    return np.asarray(warped, dtype=np.uint8)


def look_up(photo: RGBArray, curves: ByteArray) -> RGBArray:
    """Replace every level by that of its channel's table.

    Args:
        photo: uint8 (height, width, 3).
        curves: (256, 3).
    """
    alike = bool((curves == curves[:, :1]).all())
    # One table for all channels takes less time than three.
    table = np.ascontiguousarray(curves[:, 0]) if alike else curves[:, np.newaxis, :]
    return np.asarray(cv2.LUT(photo, table), dtype=np.uint8)


def mirror(photo: RGBArray, *, sideways: bool, upside_down: bool) -> RGBArray:
    """Left and right change places, or top and bottom, or both; a copy, made faster than that of a NumPy view.

    Args:
        photo: uint8 (height, width, 3).
        sideways: Left and right change places.
        upside_down: Top and bottom do; one of the two at least.
    """
    axes = -1 if sideways and upside_down else 1 if sideways else 0
    return np.asarray(cv2.flip(photo, axes), dtype=np.uint8)
