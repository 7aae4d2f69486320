"""Untrusted files to upright 8-bit RGB, by one rule.

- What a file is decides, never its name: ``kinds`` tells, ``readers`` opens, ``coded`` bounds the work.
- EXIF orientation is applied, and that of HEIC and AVIF, which have it of their own; all other metadata is ignored.
- Grey, palette, CMYK, YCbCr and LAB are converted by Pillow; 16-bit grey keeps its upper eight bits.
- Transparency is laid over white.
- Of an animation the first frame counts.
- At most MAX_PIXELS pixels of what is decoded, MAX_DECODED_BYTES bytes to decode it and MAX_FILE_BYTES bytes of its
  file; of a JPEG MAX_SCANS scans, and MAX_SCANNED_PIXELS pixels in all of them.
- Where a crop plan has a working size, larger photos are reduced by a power of two: a JPEG by its decoder, down to an
  eighth; what is left, and all else, by means of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.errors import PhotoError
from edgekit.records import read_bounded
from edgekit.runtime.coded import held_bytes, png_is_whole
from edgekit.runtime.crops import Box, shrink
from edgekit.runtime.frames import YuvFrame
from edgekit.runtime.kinds import HEAD_BYTES, picture_format
from edgekit.runtime.limits import MAX_FILE_BYTES, check_bytes, check_size
from edgekit.runtime.readers import DECODER_ERRORS, explain, open_picture

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Those that swap width and height.
_SIDEWAYS = [_TURNS[orientation] for orientation in (5, 6, 7, 8)]
# Rows of a picture that are converted or reduced at once: all of a large one would be copied, some several times.
_STRIP_ROWS = 64
# Bytes that Pillow holds for a pixel of these modes; all others take four.
_MODE_BYTES = {"1": 1, "L": 1, "P": 1} | dict.fromkeys(("I;16", "I;16L", "I;16B", "I;16N"), 2)
_RGB_BYTES = 4
_JPEG_SCALES = (8, 4, 2)
# What decoding HEIC and AVIF of more than eight bits takes more, for each pixel (tests/runtime/test_decoding.py).
_DEEP_BYTES = 4


# ``map``, or that of a pool.
Map = Callable[[Callable[[int], Image.Image], Iterable[int]], Iterable[Image.Image]]
Picture = Image.Image | RGBArray | YuvFrame
Source = str | Path | bytes | bytearray | memoryview | Picture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photo:
    """An upright photo at its working size, as crops are cut from it.

    Attributes:
        picture: RGB image, uint8 (height, width, 3) RGB array, or camera frame.
        size_wh: Width and height of the whole photo in pixels.
        shrink: The picture has 1/shrink of that width and height, rounded down (see ``CropPlan``).
    """

    picture: Picture
    size_wh: tuple[int, int]
    shrink: int = 1


def decode(source: str | Path | bytes) -> Image.Image:
    """Decode a photo to an upright RGB image of its full size; raises as ``read_photo`` does."""
    picture = read_photo(source).picture
    assert isinstance(picture, Image.Image)
    return picture


def read_photo(source: str | Path | bytes, working_px: int | None = None) -> Photo:
    """Decode a photo and bring it to its working size.

    A JPEG is decoded at a reduced scale: down to an eighth by libjpeg, which transforms fewer coefficients. What is
    left to do, and all other formats, are Pillow's ``reduce``: means of blocks.

    Args:
        source: A file's path, or its content.
        working_px: Working size of the contract's crop plan, in pixels; None keeps the size that the photo has.

    Returns:
        A photo whose picture is an image of mode RGB.

    Raises:
        PhotoError: unreadable, not a picture, damaged, or beyond the limits.
    """
    name = str(source) if isinstance(source, (str, Path)) else f"{len(source)} bytes"
    if isinstance(source, (str, Path)):
        content = read_bounded(Path(source), MAX_FILE_BYTES, "a photo", PhotoError)
    else:
        content = source
    if not content:
        raise PhotoError(f"{name}: a photo must have content, got 0 bytes")
    if len(content) > MAX_FILE_BYTES:
        raise PhotoError(f"{name}: a photo must have at most {MAX_FILE_BYTES} bytes, got {len(content)}")
    kind = picture_format(content[:HEAD_BYTES])
    with open_picture(content, name) as opened:
        try:
            return _decode(opened, kind, content, name, working_px)
        except DECODER_ERRORS as failure:
            raise PhotoError(explain(kind, content, failure, name)) from failure


def _decode(opened: Image.Image, kind: str, content: bytes, name: str, working_px: int | None) -> Photo:
    """Decode, reduce and turn a photo whose headers are read."""
    stored = opened.size
    drafted = 1
    if kind == "JPEG":
        # Of no other format: pillow-heif would take a thumbnail that lies in the file.
        factor = shrink(stored, working_px)
        opened.draft(None, (stored[0] // factor, stored[1] // factor))
        scales = [one for one in _JPEG_SCALES if one <= factor]
        drafted = next((one for one in scales if opened.size == (-(-stored[0] // one), -(-stored[1] // one))), 1)
    _check_limits(opened, kind, content, name, stored)
    opened.load()
    if kind == "PNG" and _ends_blank(opened) and not png_is_whole(content):
        raise PhotoError(f"{name}: not a whole PNG picture: its data end before its last row; copy it again")
    if drafted == 1:
        # Pillow turns a TIFF while it loads, and HEIC may be cut then.
        stored = opened.size
        check_size(name, stored)
    factor = shrink(stored, working_px)
    turn = None if kind in ("TIFF", "HEIC") else _turn(opened)
    # What is left of a block at the right or bottom would shift a photo that is turned.
    picture = _in_rgb(opened, (stored[0] // factor, stored[1] // factor), factor // drafted)
    if picture is not opened:
        # So that no more than two pictures of full size are held at a time.
        opened.close()
    if turn is not None:
        picture = picture.transpose(turn)
    return Photo(picture=picture, size_wh=stored[::-1] if turn in _SIDEWAYS else stored, shrink=factor)


def _ends_blank(image: Image.Image) -> bool:
    """Whether a row at the end is as it was before anything was decoded: all zeros.

    Two rows are looked at: the last one of an odd number is no part of an interlaced picture's last pass.
    """
    last = np.asarray(image.crop((0, max(0, image.size[1] - 2), *image.size)))
    return not all(row.any() for row in last)


def _check_limits(opened: Image.Image, kind: str, content: bytes, name: str, stored: tuple[int, int]) -> None:
    """Hold the limits on what is about to be decoded; ``stored`` is the size of the whole photo."""
    remedy = "; save it smaller"
    if kind != "JPEG":
        remedy += ", or as JPEG, which is decoded at a reduced scale where a model's working size allows it"
    check_size(name, opened.size, remedy=remedy)
    pixels = opened.size[0] * opened.size[1]
    held = held_bytes(kind, content, stored, name)
    if opened.info.get("bit_depth", 8) > 8:
        held += _DEEP_BYTES * pixels
    picture = _MODE_BYTES.get(opened.mode, _RGB_BYTES) * pixels
    check_bytes(name, stored, held + picture)


def _in_rgb(image: Image.Image, size_wh: tuple[int, int], rest: int) -> Image.Image:
    """An image of any mode in RGB, reduced by means of blocks of ``rest`` pixels to ``size_wh``."""
    if rest == 1 and image.size == size_wh and _is_rgb(image):
        return to_rgb(image)
    finished = Image.new("RGB", size_wh)
    rows = max(1, _STRIP_ROWS // rest)
    for top in range(0, size_wh[1], rows):
        bottom = min(top + rows, size_wh[1])
        strip = to_rgb(image.crop((0, top * rest, size_wh[0] * rest, bottom * rest)))
        finished.paste(strip.reduce(rest) if rest > 1 else strip, (0, top))
    return finished


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What EXIF's orientation asks for."""
    # Not getexif(), which takes XMP's word where EXIF has none. A TIFF was turned by Pillow on loading, HEIC by its
    # reader; Pillow's reader of AVIF puts the file's own orientation in the place of EXIF's.
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        turn: Any = exif.get(_ORIENTATION)
    except DECODER_ERRORS:
        # A damaged EXIF block says nothing about orientation; the pixels are whole, so they count as they are.
        return None
    return _TURNS.get(turn) if isinstance(turn, int) else None


def to_rgb(image: Image.Image, *, name: str = "image") -> Image.Image:
    """Any Pillow mode to RGB, by the rule at the top of this file.

    Args:
        image: A decoded image of any mode.
        name: Name of the photo, for messages.

    Raises:
        PhotoError: floating-point pixels, which have no agreed range.
    """
    if _is_rgb(image):
        return image
    _refuse_floats(image, name)
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16-bit grey at 255.
        grey = np.clip(np.asarray(image), 0, 65535)
        levels = np.where(grey == key, 255, grey >> 8)
        return Image.fromarray(levels.astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or key is not None:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _is_rgb(image: Image.Image) -> bool:
    return image.mode == "RGB" and image.info.get("transparency") is None


def _refuse_floats(image: Image.Image, name: str) -> None:
    if image.mode == "F":
        raise PhotoError(f"{name}: a photo must have integer pixels, got floating point; convert it to 8 bits first")


def as_photo(source: Source, working_px: int | None = None, *, over: Map = map) -> Photo:
    """What a caller has, as a photo that crops can be cut from.

    Pillow images are taken as they stand (EXIF was the caller's to apply); arrays and frames are not copied.

    Args:
        source: A path, a file's content, a Pillow image, a uint8 (height, width, 3) RGB array, or a camera frame.
        working_px: Working size of the contract's crop plan, in pixels; None keeps the size that the photo has.
        over: Like ``map``; a pool's own lets threads share the work on a large array.

    Raises:
        PhotoError: undecodable, or an array that is not uint8 (height, width, 3).
    """
    if isinstance(source, (str, Path)):
        return read_photo(source, working_px)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return read_photo(bytes(source), working_px)
    picture, size = _as_picture(source)
    factor = shrink(size, working_px)
    return Photo(picture=picture if factor == 1 else _reduced(picture, size, factor, over), size_wh=size, shrink=factor)


def cut_box(picture: Picture, box: Box) -> Image.Image:
    """The pixels of a box, RGB."""
    if isinstance(picture, Image.Image):
        return picture.crop(box)
    if isinstance(picture, YuvFrame):
        return picture.cut(box)
    return Image.fromarray(np.ascontiguousarray(picture[box.top : box.bottom, box.left : box.right]))


def _reduced(picture: Picture, size_wh: tuple[int, int], factor: int, over: Map) -> Image.Image:
    """Means of whole blocks of a picture."""
    width, height = size_wh[0] // factor, size_wh[1] // factor
    if isinstance(picture, Image.Image):
        return picture.reduce(factor, box=(0, 0, width * factor, height * factor))
    result = Image.new("RGB", (width, height))
    rows = max(1, _STRIP_ROWS // factor)
    tops = range(0, height, rows)

    def reduced_strip(top: int) -> Image.Image:
        bottom = min(top + rows, height)
        return cut_box(picture, Box(0, top * factor, width * factor, bottom * factor)).reduce(factor)

    for top, strip in zip(tops, over(reduced_strip, tops), strict=True):
        result.paste(strip, (0, top))
    return result


def _as_picture(source: Picture) -> tuple[Picture, tuple[int, int]]:
    """A picture that holds the rules, and its width and height."""
    if isinstance(source, YuvFrame):
        return source, source.size_wh
    if isinstance(source, Image.Image):
        check_size("image", source.size)
        try:
            # Image.open has read no more than the header.
            source.load()
            return _in_rgb(source, source.size, 1), source.size
        except DECODER_ERRORS as failure:
            raise PhotoError(f"a photo must be a whole picture, got one that fails: {failure}") from failure
    if not isinstance(source, np.ndarray):
        raise PhotoError(
            f"a photo must be a path, bytes, a Pillow image, a uint8 RGB array or a frame, got {type(source).__name__}"
        )
    if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3:
        raise PhotoError(f"a photo array must be uint8 (height, width, 3) RGB, got {source.dtype} {source.shape}")
    size = source.shape[1], source.shape[0]
    check_size("array", size)
    return source, size
