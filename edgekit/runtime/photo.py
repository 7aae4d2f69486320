"""Untrusted files to upright 8-bit RGB, by one rule.

- EXIF orientation is applied; all other metadata is ignored.
- Grey, palette, CMYK, YCbCr and LAB are converted by Pillow; 16-bit grey keeps its upper eight bits.
- Transparency is laid over white.
- Of an animation the first frame counts.
- At most MAX_PIXELS pixels and MAX_FILE_BYTES bytes, and of a JPEG MAX_SCANS scans.
- Where a crop plan has a working size, larger photos are reduced by a power of two: a JPEG by its decoder, down to an
  eighth; what is left, and all else, by means of blocks.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from edgekit.arrays import RGBArray
from edgekit.errors import PhotoError, pip_line
from edgekit.records import read_bounded
from edgekit.runtime.crops import Box, shrink
from edgekit.runtime.frames import YuvFrame
from edgekit.runtime.limits import MAX_FILE_BYTES, MAX_SCANS, MAX_SEGMENTS, check_size

# Importing a plugin registers it. Named one by one, so that nothing else Pillow knows (PostScript, …) reads a photo.
_PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    BmpImagePlugin.BmpImageFile,
    TiffImagePlugin.TiffImageFile,
    GifImagePlugin.GifImageFile,
)
_FORMATS = tuple(plugin.format for plugin in _PLUGINS)  # phones' multi-picture JPEGs (MPO) are opened as JPEG
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
# A JPEG's next marker, as libjpeg finds it: not stuffed, no filling, none that stands alone (TEM, restarts, SOI).
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
# Rows of a picture that are converted at once.
_STRIP_ROWS = 64
# What Pillow's decoders raise on damaged files. OSError covers truncated and unidentified ones.
DECODER_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    AttributeError,
    EOFError,
    MemoryError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


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
    _check_scans(name, content)
    try:
        with Image.open(io.BytesIO(content), formats=formats()) as opened:
            check_size(name, opened.size)
            factor = shrink(opened.size, working_px)
            upright, size, rest = _upright(opened, factor)
            picture = to_rgb(upright, name=name)
    except DECODER_ERRORS as failure:
        # The box that begins HEIC, AVIF and video files alike.
        reason = _heic_advice() if content[4:8] == b"ftyp" and formats() == _FORMATS else _reason(failure)
        raise PhotoError(f"{name}: not a whole {'/'.join(formats())} picture: {reason}") from failure
    return Photo(picture=picture.reduce(rest) if rest > 1 else picture, size_wh=size, shrink=factor)


def formats() -> tuple[str, ...]:
    """Pillow's names for what may be opened: HEIF only where it was enabled."""
    return (*_FORMATS, "HEIF") if "HEIF" in Image.OPEN else _FORMATS


def _check_scans(name: str, content: bytes) -> None:
    """Bound a JPEG decoder's work: each scan, however short, makes it go through all of the picture again."""
    scans, segments, at = 0, 0, 0
    if not content.startswith(_JPEG_START):
        return
    # From segment to segment: what looks like a scan inside one (a preview, a profile), or after the end, is none.
    while (found := _JPEG_MARKER.search(content, at)) is not None and found[0] != _JPEG_END:
        scans, segments = scans + (found[0] == _JPEG_SCAN), segments + 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            raise PhotoError(
                f"{name}: a JPEG must have at most {MAX_SCANS} scans and {MAX_SEGMENTS} segments, got {scans} scans in"
                f" the first {segments} segments; save it anew"
            )
        # After the marker stands the length of its segment, itself included; coded data follow that of a scan.
        at = found.end() + max(2, int.from_bytes(content[found.end() : found.end() + 2], "big"))


def _upright(opened: Image.Image, factor: int) -> tuple[Image.Image, tuple[int, int], int]:
    """Decode and turn a photo.

    Returns:
        The picture, the width and height of the whole photo, and by how much the picture is still to be reduced.
    """
    size = opened.size
    # Formats other than JPEG ignore a draft.
    opened.draft(None, (size[0] // factor, size[1] // factor))
    scales = [one for one in (8, 4, 2) if one <= factor]
    drafted = next((one for one in scales if opened.size == (-(-size[0] // one), -(-size[1] // one))), 1)
    opened.load()
    if drafted == 1:
        # Pillow turns a TIFF while it loads.
        size = opened.size
    rest = factor // drafted
    # What is left of a block at the right or bottom would shift a photo that is turned.
    blocks = size[0] // factor * rest, size[1] // factor * rest
    picture = opened if opened.size == blocks else opened.crop((0, 0, *blocks))
    turn = _turn(opened)
    if turn is not None:
        picture = picture.transpose(turn)
    return picture, size[::-1] if turn in _SIDEWAYS else size, rest


def _heic_advice() -> str:
    return f"HEIC is read on the host alone, by {pip_line('host')}; save it as JPEG elsewhere"


def _reason(failure: BaseException) -> str:
    text = str(failure)
    return type(failure).__name__ if not text or "BytesIO" in text else text


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What EXIF's orientation asks for."""
    # Not getexif(), which takes XMP's word where EXIF has none. A TIFF was turned by Pillow on loading.
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
    key = image.info.get("transparency")
    if image.mode == "RGB" and key is None:
        return image
    if image.mode == "F":
        raise PhotoError(f"{name}: a photo must have integer pixels, got floating point; convert it to 8 bits first")
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
    # In strips: all of a large picture at once would be copied, which takes more memory, and more time than reducing.
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
            return to_rgb(source), source.size
        except DECODER_ERRORS as failure:
            raise PhotoError(f"a photo must be a whole picture, got one that fails: {_reason(failure)}") from failure
    if not isinstance(source, np.ndarray):
        raise PhotoError(
            f"a photo must be a path, bytes, a Pillow image, a uint8 RGB array or a frame, got {type(source).__name__}"
        )
    if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3:
        raise PhotoError(f"a photo array must be uint8 (height, width, 3) RGB, got {source.dtype} {source.shape}")
    size = source.shape[1], source.shape[0]
    check_size("array", size)
    return source, size
