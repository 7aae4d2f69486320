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
    working = Box(*(edge // photo.shrink for edge in box))
    if isinstance(photo.picture, np.ndarray) and (working.width, working.height) == (side_px, side_px):
        # By way of Pillow it would be copied three times (``benchmarks/results/ideas.json``).
        crop: RGBArray = photo.picture[working.top : working.bottom, working.left : working.right].copy()
        return crop
    factors = reduction(working.width, side_px), reduction(working.height, side_px)
    if isinstance(photo.picture, Image.Image) and factors != (1, 1):
        cut = photo.picture.reduce(factors, box=working)
    else:
        # Converting a whole array or frame would copy it; a crop is small.
        cut = cut_box(photo.picture, working)
        cut = cut if factors == (1, 1) else cut.reduce(factors)
    # Width first, each pass rounded to 8 bits: in one call, Pillow 13 chooses the order by the shape, others don't.
    for size in ((side_px, cut.height), (side_px, side_px)):
        if cut.size != size:
            cut = cut.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(cut)
