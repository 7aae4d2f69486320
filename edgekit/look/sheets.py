"""Contact sheets: many photos small on one picture, with a caption under each."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from edgekit.arrays import RGBArray
from edgekit.errors import DataError
from edgekit.records import write_atomic
from edgekit.runtime.photo import read_photo
from edgekit.terminal import printable

THUMB_PX = 160
MAX_SHEET_PHOTOS = 400
_GAP_PX = 8
# Half of these is still read: on a phone's screen a sheet is shown at about half its size.
_TEXT_PX, _CAPTION_PX, _LEADING_PX = 20, 15, 4
_GRID_TEXT_PX = 11
_COLUMNS, _LEAST_COLUMNS = 4, 2
_STEP_PX = THUMB_PX + _GAP_PX
_MOST_LETTERS = 300
_PAPER, _INK, _FAINT = (250, 250, 250), (20, 20, 20), (110, 110, 110)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPhoto:
    """One photo of a sheet and what stands under it."""

    path: Path
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A line of photos under a heading."""

    heading: str
    photos: tuple[SheetPhoto, ...]


def thumbnail(photo: Path, side_px: int = THUMB_PX) -> Image.Image:
    """A photo small enough for a square of this side, as a whole and in its own aspect.

    Raises:
        PhotoError: it can't be read.
    """
    picture = read_photo(photo, side_px * 2).picture
    assert isinstance(picture, Image.Image)
    picture.thumbnail((side_px, side_px), Image.Resampling.BOX)
    return picture


def jpeg(picture: Image.Image | RGBArray, quality: int = 80, *, subsampling: str | int = -1) -> bytes:
    """A picture as JPEG without metadata but what Pillow would carry over from a file that the picture was opened from.

    Args:
        picture: A Pillow image, or uint8 (height, width, 3) RGB.
        quality: Quality from 0 to 100, as libjpeg counts it.
        subsampling: Resolution of the colours ("4:4:4"); -1 is libjpeg's own choice.
    """
    content = io.BytesIO()
    shown = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    shown.save(content, "JPEG", quality=quality, subsampling=subsampling)
    return content.getvalue()


def contact_sheet(path: Path, title: str, rows: Sequence[SheetRow]) -> None:
    """Draw rows of photos as one PNG.

    Args:
        path: The PNG to write.
        title: Title at the top of the sheet.
        rows: At most MAX_SHEET_PHOTOS photos in all.

    Raises:
        DataError: no photo, or too many.
        PhotoError: one can't be read.
        EdgekitError: the file can't be written.
    """
    photos = sum(len(row.photos) for row in rows)
    if not 0 < photos <= MAX_SHEET_PHOTOS:
        raise DataError(
            f"a contact sheet must have 1 to {MAX_SHEET_PHOTOS} photos, got {photos}; ask for fewer of each group"
        )
    across = min(_COLUMNS, max(len(row.photos) for row in rows))
    width = _GAP_PX + _STEP_PX * max(across, _LEAST_COLUMNS)
    pieces = [text_strip(title, width), *(piece for row in rows for piece in _row_pieces(row, width))]
    sheet = Image.new("RGB", (width, sum(piece.height for piece in pieces) + _GAP_PX), _PAPER)
    top = 0
    for piece in pieces:
        sheet.paste(piece, (0, top))
        top += piece.height
    save_png(path, sheet)


def _row_pieces(row: SheetRow, width: int) -> Iterator[Image.Image]:
    """A row as strips of the sheet: its heading, then lines of photos with their captions."""
    yield text_strip(row.heading, width)
    small = ImageFont.load_default(_CAPTION_PX)
    for first in range(0, len(row.photos), _COLUMNS):
        photos = row.photos[first : first + _COLUMNS]
        captions = [_lines_of(photo.caption, small, THUMB_PX) for photo in photos]
        below = max(map(len, captions)) * (_CAPTION_PX + _LEADING_PX) + _GAP_PX
        strip = Image.new("RGB", (width, THUMB_PX + below), _PAPER)
        draw = ImageDraw.Draw(strip)
        for column, (photo, lines) in enumerate(zip(photos, captions, strict=True)):
            left = _GAP_PX + column * _STEP_PX
            strip.paste(ImageOps.pad(thumbnail(photo.path), (THUMB_PX, THUMB_PX), color=(225, 225, 225)), (left, 0))
            for number, line in enumerate(lines):
                place = (left, THUMB_PX + 2 + number * (_CAPTION_PX + _LEADING_PX))
                draw.text(place, line, _FAINT, font=small)
        yield strip


def text_strip(text: str, width: int, *, text_px: int = _TEXT_PX) -> Image.Image:
    """A strip of a sheet with a title or a heading, on as many lines as it needs.

    Args:
        text: What stands there.
        width: Width of the strip in pixels.
        text_px: Height of the letters in pixels.
    """
    font = ImageFont.load_default(text_px)
    lines = _lines_of(text, font, width - 2 * _GAP_PX)
    strip = Image.new("RGB", (width, len(lines) * (text_px + _LEADING_PX) + _GAP_PX), _PAPER)
    draw = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        draw.text((_GAP_PX, _GAP_PX // 2 + number * (text_px + _LEADING_PX)), line, _INK, font=font)
    return strip


def save_png(path: Path, picture: Image.Image) -> None:
    """Write a PNG whole or not at all."""
    content = io.BytesIO()
    picture.save(content, "PNG")
    write_atomic(path, content.getvalue())


def _lines_of(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width_px: int) -> list[str]:
    """A text on lines that fit a width: broken after what parts words and folders, else anywhere."""
    lines, line = [], ""
    for piece in re.findall(r"[^\s/_-]*[\s/_-]?", printable(text)[:_MOST_LETTERS]):
        if font.getlength((line + piece).rstrip()) <= width_px:
            line += piece
            continue
        lines += [line.rstrip()] if line else []
        line = ""
        for letter in piece:
            if line and font.getlength(line + letter) > width_px:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line.rstrip()]


_TILE_PX = 256
_LINE_LETTERS = 46
_LINE_PX = 12


def draw_tiles(tiles: Iterable[tuple[str, RGBArray]]) -> Image.Image:
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


def _small(pixels: RGBArray) -> Image.Image:
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


def grid_sheet(title: str, tiles: Iterable[tuple[str, RGBArray]], *, across: int, tile_px: int) -> Image.Image:
    """Lay small pictures out in a grid under a title, each with a line below it.

    Args:
        title: Words above the grid, on as many lines as they need.
        tiles: A line, cut where it is wider than its tile, and uint8 (height, width, 3) RGB. What is smaller than a
            tile is enlarged so that each pixel is a square.
        across: Tiles in a row.
        tile_px: Side of a tile.
    """
    shown = list(tiles)
    step_wh = tile_px + _GAP_PX, tile_px + _GAP_PX + _GRID_TEXT_PX + 2
    columns = min(across, len(shown))
    width = max(_GAP_PX + columns * step_wh[0], _GAP_PX + _LEAST_COLUMNS * _STEP_PX)
    head = text_strip(title, width)
    sheet = Image.new("RGB", (width, head.height + -(-len(shown) // columns) * step_wh[1] + _GAP_PX), _PAPER)
    sheet.paste(head, (0, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_GRID_TEXT_PX)
    for number, (words, pixels) in enumerate(shown):
        left, top = _GAP_PX + number % columns * step_wh[0], head.height + number // columns * step_wh[1]
        picture = Image.fromarray(pixels)
        way = Image.Resampling.NEAREST if max(picture.size) < tile_px else Image.Resampling.LANCZOS
        ratio = tile_px / max(picture.size)
        sheet.paste(picture.resize([max(1, round(length * ratio)) for length in picture.size], way), (left, top))
        line = next(iter(_lines_of(words, font, tile_px)), "")
        draw.text((left, top + tile_px + 1), line, _FAINT, font=font)
    return sheet
