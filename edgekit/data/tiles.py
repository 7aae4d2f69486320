"""One photo and what is made of it, side by side on one picture, each with what was drawn for it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_TILE_PX = 256
_COLUMNS = 4
_LINE_LETTERS = 46
_LINE_PX = 12


def draw_tiles(tiles: Iterable[tuple[str, NDArray[np.uint8]]]) -> Image.Image:
    """Lay pictures out in rows of four.

    Args:
        tiles: Words with commas between, and uint8 (height, width, 3), RGB, of any size: scaled down after what was
            done to them, since scaling before would hide what a warp or a screen does.
    """
    drawn = [(_wrapped(words), _small(pixels)) for words, pixels in tiles]
    rows = -(-len(drawn) // _COLUMNS)
    lines = max(words.count("\n") + 1 for words, _ in drawn)
    cell_wh = (_TILE_PX + 8, _TILE_PX + 12 + lines * _LINE_PX)
    sheet = Image.new("RGB", (_COLUMNS * cell_wh[0], rows * cell_wh[1]), "white")
    pen = ImageDraw.Draw(sheet)
    for index, (words, picture) in enumerate(drawn):
        left, top = index % _COLUMNS * cell_wh[0] + 4, index // _COLUMNS * cell_wh[1] + 4
        sheet.paste(picture, (left, top))
        pen.multiline_text((left, top + _TILE_PX + 2), words, fill="black", font_size=9, spacing=1)
    return sheet


def _small(pixels: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_TILE_PX, _TILE_PX), Image.Resampling.LANCZOS)
    return picture


def _wrapped(words: str) -> str:
    lines = [""]
    for word in words.split(", "):
        joined = f"{lines[-1]}, {word}" if lines[-1] else word
        if len(joined) > _LINE_LETTERS:
            lines.append(word)
        else:
            lines[-1] = joined
    return "\n".join(lines)
