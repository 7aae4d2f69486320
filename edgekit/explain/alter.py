"""What probes do to a photo. Pure functions of pixels, the same for the same photo."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageEnhance

from edgekit.explain.background import background_of
from edgekit.explain.cover import covered, whole_cover
from edgekit.explain.options import Cover
from edgekit.look.colours import blurred
from edgekit.look.sheets import jpeg
from edgekit.runtime.crops import Box

# Of the shorter side: of another photo's background so much is blurred that no thing is left in it.
_BACKDROP_BLUR = 1 / 12
# Of the thing's outline, in pixels of the photo: a hard edge would be a thing of its own.
_SOFT_PX = 1.5


def greyed(photo: Image.Image) -> Image.Image:
    """Without colour: three times the luma of ITU-R 601."""
    return photo.convert("L").convert("RGB")


def contrasted(photo: Image.Image, factor: float) -> Image.Image:
    """Each level's distance from the photo's mean grey times a factor; what leaves the range is clipped."""
    return ImageEnhance.Contrast(photo).enhance(factor)


def softened(photo: Image.Image, share: float) -> Image.Image:
    """Under a Gaussian blur whose radius is a share of the shorter side."""
    return blurred(photo, share * min(photo.size))


def downscaled(photo: Image.Image, factor: int) -> Image.Image:
    """Reduced by means of blocks and enlarged again to its size, bilinearly: detail is gone, the frame is not."""
    return photo.reduce(min(factor, *photo.size)).resize(photo.size, Image.Resampling.BILINEAR)


def compressed(photo: Image.Image, quality: int) -> Image.Image:
    """Written as JPEG, as libjpeg counts quality, and read again."""
    with Image.open(io.BytesIO(jpeg(photo, quality)), formats=["JPEG"]) as opened:
        found: Image.Image = opened.convert("RGB")
    return found


def parts_covered(photo: Image.Image, parts: Sequence[Box], cover: Cover) -> Image.Image:
    """With rectangles covered, as occlusion covers its parts."""
    found = photo
    for part in parts:
        found = covered(found, whole_cover(photo, max(part.width, part.height), cover), part)
    return found


def rest_covered(photo: Image.Image, parts: Sequence[Box], cover: Cover) -> Image.Image | None:
    """With all but some rectangles covered, as one part of the photo's size; None where one of them is all of it."""
    if any((part.width, part.height) == photo.size for part in parts):
        return None
    found = whole_cover(photo, max(photo.size), cover)
    for part in parts:
        found.paste(photo.crop(part), (part.left, part.top))
    return found


def overlaid(photo: Image.Image, other: Image.Image, share: float) -> Image.Image:
    """A mixture with another photo, which is stretched to this one's size and has that share of each level."""
    return Image.blend(photo, other.resize(photo.size, Image.Resampling.BILINEAR), share)


def rebacked(photo: Image.Image, other: Image.Image) -> Image.Image | None:
    """The thing of a photo before another photo's light and colours; None where no thing can be told.

    Where the thing is, is GrabCut's guess (see ``background_of``). The other photo is stretched, and blurred until no
    thing is left in it: it would be a second one.
    """
    background = background_of(np.asarray(photo))
    if background is None:
        return None
    backdrop = softened(other.resize(photo.size, Image.Resampling.BILINEAR), _BACKDROP_BLUR)
    outline = blurred(Image.fromarray(background.astype(np.uint8) * 255), _SOFT_PX)
    return Image.composite(backdrop, photo, outline)
