"""A photo as MediaPipe Tasks and most apps show it to a model: squashed to a square, without antialiasing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.arrays import Float32Array, Int64Array, RGBArray
from edgekit.runtime.photo import Source, as_photo, read_photo


def app_frame(source: Source, side_px: int) -> RGBArray:
    """Squash a photo by bilinear interpolation between the four pixels next to each place.

    Pixel i of n comes from place ``i * length / n``, as OpenCV's warp in MediaPipe's image_to_tensor_converter has it.
    No pixel between those places counts, so fine patterns turn into coarse ones; edgekit's own ``full`` crop averages
    them away.

    Args:
        source: A photo, at its full size.
        side_px: Side of the result.

    Returns:
        uint8 (side_px, side_px, 3), RGB.
    """
    photo = read_photo(source) if isinstance(source, (str, Path)) else as_photo(source)
    pixels = np.asarray(photo.picture)
    upper, lower, down = _places(pixels.shape[0], side_px)
    left, right, across = _places(pixels.shape[1], side_px)
    across = across[:, np.newaxis]
    rows = [pixels[row][:, left] * (1 - across) + pixels[row][:, right] * across for row in (upper, lower)]
    mixed = rows[0] * (1 - down[:, np.newaxis, np.newaxis]) + rows[1] * down[:, np.newaxis, np.newaxis]
    return np.rint(mixed).astype(np.uint8)


def _places(length: int, side_px: int) -> tuple[Int64Array, Int64Array, Float32Array]:
    """The pixels before and after each place, and the share of the one after."""
    places = np.arange(side_px) * (length / side_px)
    before = places.astype(np.int64)
    return before, np.minimum(before + 1, length - 1), (places - before).astype(np.float32)
