"""Parts of a photo are hidden, so that nothing of them is left but what lies around."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.explain.options import Cover
from edgekit.look.colours import blurred
from edgekit.runtime.crops import Box

# Of the part's side: a Gaussian of this radius leaves 1/140 of a pattern that repeats once in the side, and less of
# finer ones.
_BLUR_OF_SIDE = 0.5
# Pillow's blur takes a time that doesn't depend on the radius, but a photo that is to be blurred so much has no detail
# to lose.
_LARGEST_BLUR_PX = 8


def whole_cover(photo: Image.Image, side_px: float, cover: Cover) -> Image.Image:
    """What a photo's parts are covered by: a picture of the photo's size, from which any part may be taken.

    Args:
        photo: RGB.
        side_px: Side of the parts that are to be hidden.
        cover: ``blur`` or ``mean``; see ``OcclusionConfig``.
    """
    if cover == "mean":
        levels = np.asarray(photo).reshape(-1, 3).mean(axis=0)
        return Image.new("RGB", photo.size, tuple(round(float(level)) for level in levels))
    radius = _BLUR_OF_SIDE * side_px
    factor = max(1, min(int(radius / _LARGEST_BLUR_PX), *photo.size))
    small = blurred(photo.reduce(factor), radius / factor)
    return small.resize(photo.size, Image.Resampling.BILINEAR) if factor > 1 else small


def covered(photo: Image.Image, cover: Image.Image, part: Box) -> Image.Image:
    """A copy of a photo with one part taken from its cover.

    Args:
        photo: RGB.
        cover: Of the photo's size, by :func:`whole_cover`.
        part: In the photo's own pixels, inside it.
    """
    result = photo.copy()
    result.paste(cover.crop(part), (part.left, part.top))
    return result
