"""An explanation as one picture: the photo with its crops, and beside it what each part adds to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgekit.arrays import Float64Array, RGBArray
from edgekit.look.palette import distinct_colours
from edgekit.look.sheets import text_strip
from edgekit.runtime.crops import Box

PANEL_PX = 480
_GAP_PX = 8
_CAPTION_PX = 14
_PAPER = (250, 250, 250)
# The ends of ColorBrewer's RdBu, which readers who take red for green tell apart.
_FOR, _AGAINST = np.array([178.0, 24.0, 43.0]), np.array([33.0, 102.0, 172.0])
_STRONGEST = 0.75
# What a photo keeps of its colours below a map: all of them would be taken for the map's.
_COLOUR_KEPT = 0.25


class ScoredBox(NamedTuple):
    """A crop as it is drawn: its box in pixels of the whole photo, and what stands at its corner."""

    box: Box
    words: str


class Panel(NamedTuple):
    """A picture and what stands below it."""

    picture: Image.Image
    caption: str


def draw_crops(photo: Image.Image, size_wh: tuple[int, int], crops: Sequence[ScoredBox]) -> Image.Image:
    """A photo with its crops, each in a colour of its own.

    Args:
        photo: RGB, of any size up to a panel's.
        size_wh: Size of the whole photo, in whose pixels the boxes are.
        crops: The crops; the first is drawn first.
    """
    picture = photo.copy()
    pen = ImageDraw.Draw(picture)
    text_px = max(10, picture.width // 34)
    font = ImageFont.load_default(text_px)
    scale_x, scale_y = picture.width / size_wh[0], picture.height / size_wh[1]
    taken: list[tuple[float, float, float, float]] = []
    for crop, colour in zip(crops, distinct_colours(len(crops), lightness=(0.7, 0.9)), strict=True):
        box = crop.box
        left, top = box.left * scale_x, box.top * scale_y
        # A crop may be smaller than a pixel of the panel.
        edges = (left, top, max(left, box.right * scale_x - 1), max(top, box.bottom * scale_y - 1))
        pen.rectangle(edges, outline=colour, width=max(2, picture.width // 200))
        place = _free_place(pen.textbbox((edges[0] + 3, edges[1] + 3), crop.words, font=font), taken, picture.height)
        taken.append(place)
        pen.rectangle((place[0] - 2, place[1] - 1, place[2] + 2, place[3] + 2), fill=colour)
        # The box of a text begins below the place that it was written at.
        pen.text(place[:2], crop.words, fill="black", font=font, anchor="lt")
    return picture


def _free_place(
    wanted: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]], height: int
) -> tuple[float, float, float, float]:
    """Where words can stand: where they belong, or below the words that stand there already, while there is room."""
    left, top, right, bottom = wanted
    step = bottom - top + 5
    lowered = top
    while lowered + step < height and any(
        left < other[2] + 4 and other[0] < right + 4 and lowered < other[3] + 4 and other[1] < lowered + step - 1
        for other in taken
    ):
        lowered += step
    return left, lowered, right, lowered + bottom - top


def draw_heat(photo: Image.Image, cells: Float64Array) -> Image.Image:
    """A photo, nearly grey, with a map over it: red above zero, blue below, the stronger the farther from it.

    Args:
        photo: RGB.
        cells: (rows, columns), spread over the photo; the largest number, of either sign, has the full colour.
    """
    pixels = np.asarray(photo, dtype=np.float64)
    grey = pixels.mean(axis=2, keepdims=True)
    base = grey + _COLOUR_KEPT * (pixels - grey)
    largest = float(np.abs(cells).max())
    share = cells / largest if largest > 0 else cells
    spread = Image.fromarray(share.astype(np.float32)).resize(photo.size, Image.Resampling.BILINEAR)
    strength = np.asarray(spread, dtype=np.float64)[..., np.newaxis]
    alpha = _STRONGEST * np.clip(np.abs(strength), 0, 1)
    mixed = base * (1 - alpha) + np.where(strength > 0, _FOR, _AGAINST) * alpha
    drawn: RGBArray = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    return Image.fromarray(drawn)


def compose(title: str, panels: Sequence[Panel]) -> Image.Image:
    """Panels beside each other, each with its caption below, under a title."""
    blocks = [_block(panel) for panel in panels]
    width = sum(block.width for block in blocks) + _GAP_PX * (len(blocks) + 1)
    head = text_strip(title, width)
    sheet = Image.new("RGB", (width, head.height + max(block.height for block in blocks) + _GAP_PX), _PAPER)
    sheet.paste(head, (0, 0))
    left = _GAP_PX
    for block in blocks:
        sheet.paste(block, (left, head.height))
        left += block.width + _GAP_PX
    return sheet


def _block(panel: Panel) -> Image.Image:
    # A narrow photo's caption would stand in a column of single words.
    width = max(panel.picture.width, PANEL_PX // 2)
    words = text_strip(panel.caption, width, text_px=_CAPTION_PX)
    block = Image.new("RGB", (width, panel.picture.height + words.height), _PAPER)
    block.paste(panel.picture, (0, 0))
    block.paste(words, (0, panel.picture.height))
    return block


def panel_sized(photo: Image.Image) -> Image.Image:
    """A copy of a photo whose longer side is a panel's: small ones are enlarged, so that words can be read on them."""
    scale = PANEL_PX / max(photo.size)
    return photo.resize(
        (max(1, round(photo.width * scale)), max(1, round(photo.height * scale))), Image.Resampling.BICUBIC
    )
