"""A box of a photo to the model's input, by integer arithmetic that other ports can repeat to the bit."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.runtime.crops import Box, reduction
from edgekit.runtime.frames import YuvFrame
from edgekit.runtime.photo import RGBArray

Picture = Image.Image | RGBArray | YuvFrame


def size_wh(photo: Picture) -> tuple[int, int]:
    """Width and height of an upright photo in pixels."""
    if isinstance(photo, Image.Image):
        return photo.size
    return photo.size_wh if isinstance(photo, YuvFrame) else (photo.shape[1], photo.shape[0])


def to_tensor(photo: Picture, box: Box, side_px: int) -> RGBArray:
    """Cut a box and bring it to the model's size.

    First Pillow's ``reduce`` by whole factors (the box is a multiple of them), then its antialiased triangle filter in
    8-bit fixed point, the width before the height. A box of exactly ``side_px`` is copied untouched, so moiré survives.

    Args:
        photo: RGB image, uint8 (height, width, 3) RGB, or a camera frame.
        box: Inside the photo, as ``crop_boxes`` gives it.
        side_px: Side of the result.

    Returns:
        uint8 (side_px, side_px, 3), RGB.
    """
    if isinstance(photo, Image.Image):
        cut = photo
    else:
        # Converting the whole photo would copy it; a crop is small.
        if isinstance(photo, YuvFrame):
            cut = photo.cut(box)
        else:
            cut = Image.fromarray(np.ascontiguousarray(photo[box.top : box.bottom, box.left : box.right]))
        box = Box(0, 0, box.width, box.height)
    factors = reduction(box.width, side_px), reduction(box.height, side_px)
    cut = cut.crop(box) if factors == (1, 1) else cut.reduce(factors, box=box)
    # Width first, each pass rounded to 8 bits: in one call, Pillow 13 chooses the order by the shape, others don't.
    for size in ((side_px, cut.height), (side_px, side_px)):
        if cut.size != size:
            cut = cut.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(cut)
