"""Draws a verdict onto its frame, or the answers for regions onto their photo or frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgekit.arrays import RGBArray
from edgekit.contract import RETAKE, UNKNOWN
from edgekit.runtime.crops import Box
from edgekit.runtime.frames import YuvFrame

BandColour = tuple[int, int, int]

GENUINE: BandColour = (0, 200, 83)
ATTACK: BandColour = (229, 57, 53)
UNSURE: BandColour = (255, 179, 0)
NEUTRAL: BandColour = (66, 165, 245)


def colour_of(label: str, bona_fide: str | None) -> BandColour:
    """Green for genuine, red for an attack, amber for "retake" and "unknown", blue where there are no attacks."""
    if label in (RETAKE, UNKNOWN):
        return UNSURE
    if bona_fide is None:
        return NEUTRAL
    return GENUINE if label == bona_fide else ATTACK


def draw_verdict(picture: RGBArray | YuvFrame, line: str, boxes: Sequence[Box], colour: BandColour) -> RGBArray:
    """A copy of a frame with boxes, and a line of text on a band at the top.

    Args:
        picture: Upright: uint8 (height, width, 3) RGB, or a camera's YUV.
        line: Verdict and score. The font that comes with Pillow has Latin letters.
        boxes: Crops, in pixels of the upright picture.
        colour: Colour of boxes and band.

    Returns:
        uint8 (height, width, 3) RGB.
    """
    image = _image_of(picture)
    pen = ImageDraw.Draw(image)
    text_px = max(10, image.height // 24)
    stroke_px = max(1, image.height // 360)
    for box in boxes:
        pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=colour, width=stroke_px)
    pen.rectangle((0, 0, image.width - 1, text_px * 3 // 2), fill=colour)
    pen.text((text_px // 2, text_px // 4), line, fill=(0, 0, 0), font=ImageFont.load_default(size=text_px))
    return np.asarray(image)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedBox:
    """A box in pixels of the upright picture, what is written at it, and its colour."""

    box: Box
    line: str
    colour: BandColour


def draw_names(picture: RGBArray | YuvFrame, found: Sequence[NamedBox]) -> RGBArray:
    """A copy of a picture with boxes, and a name on a band above each, or inside it at the picture's upper edge.

    Args:
        picture: Upright: uint8 (height, width, 3) RGB, or a camera's YUV.
        found: What is drawn. The font that comes with Pillow has Latin letters.

    Returns:
        uint8 (height, width, 3) RGB.
    """
    image = _image_of(picture)
    pen = ImageDraw.Draw(image)
    text_px = max(10, image.height // 36)
    stroke_px = max(2, image.height // 240)
    font = ImageFont.load_default(size=text_px)
    band_px = text_px * 3 // 2
    for one in found:
        box = one.box
        pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=one.colour, width=stroke_px)
        wide = round(pen.textlength(one.line, font=font)) + text_px
        left = max(0, min(box.left, image.width - wide))
        top = max(0, box.top - band_px)
        pen.rectangle((left, top, left + wide - 1, top + band_px - 1), fill=one.colour)
        pen.text((left + text_px // 2, top + text_px // 4), one.line, fill=(0, 0, 0), font=font)
    return np.asarray(image)


def _image_of(picture: RGBArray | YuvFrame) -> Image.Image:
    """A picture to draw on."""
    return picture.cut(Box(0, 0, *picture.size_wh)) if isinstance(picture, YuvFrame) else Image.fromarray(picture)
