"""A box of a photo to the model's input, by integer arithmetic that other ports can repeat to the bit."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.runtime.crops import Box, reduction
from edgekit.runtime.photo import Photo, cut_box


def to_tensor(photo: Photo, box: Box, side_px: int) -> RGBArray:
    """Cut a box and bring it to the model's size.

    First Pillow's ``reduce`` by whole factors (the box is a multiple of them), then its antialiased triangle filter in
    8-bit fixed point, the width before the height. A box of exactly ``side_px`` working pixels is copied untouched, so
    moiré survives.

    Args:
        photo: As ``as_photo`` gives it, for the working size of the plan.
        box: Inside the photo, as ``crop_boxes`` gives it.
        side_px: Side of the result.

    Returns:
        uint8 (side_px, side_px, 3), RGB.
    """
    return to_rectangle(photo, box, (side_px, side_px))


def to_rectangle(photo: Photo, box: Box, size_wh: tuple[int, int]) -> RGBArray:
    """Cut a box and bring it to any size, as ``to_tensor`` does.

    Args:
        photo: As ``as_photo`` gives it.
        box: Inside the photo; its sides are multiples of their box reductions.
        size_wh: Width and height of the result, in pixels.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    working = Box(*(edge // photo.shrink for edge in box))
    if isinstance(photo.picture, np.ndarray) and (working.width, working.height) == size_wh:
        # By way of Pillow it would be copied three times (``benchmarks/results/ideas.json``).
        crop: RGBArray = photo.picture[working.top : working.bottom, working.left : working.right].copy()
        return crop
    factors = reduction(working.width, size_wh[0]), reduction(working.height, size_wh[1])
    if isinstance(photo.picture, Image.Image) and factors != (1, 1):
        cut = photo.picture.reduce(factors, box=working)
    else:
        # Converting a whole array or frame would copy it; a crop is small.
        cut = cut_box(photo.picture, working)
        cut = cut if factors == (1, 1) else cut.reduce(factors)
    # Width first, each pass rounded to 8 bits: in one call, Pillow 13 chooses the order by the shape, others don't.
    for size in ((size_wh[0], cut.height), size_wh):
        if cut.size != size:
            cut = cut.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(cut)
