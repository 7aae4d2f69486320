"""Untrusted files to upright 8-bit RGB, by one rule.

- EXIF orientation is applied; all other metadata is ignored.
- Grey, palette, CMYK, YCbCr and LAB are converted by Pillow; 16-bit grey keeps its upper eight bits.
- Transparency is laid over white.
- Of an animation the first frame counts.
- At most MAX_PIXELS pixels and MAX_FILE_BYTES bytes.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from edgekit.errors import PhotoError
from edgekit.records import is_stream

# Pillow warns from 89.5 million on; phones that can shoot more also offer less.
MAX_PIXELS = 80_000_000
MAX_FILE_BYTES = 200_000_000
# Less shows nothing; a verdict on it would be a guess.
MIN_SIDE_PX = 8

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
# What Pillow's decoders raise on damaged files. OSError covers truncated and unidentified ones.
_DECODER_ERRORS = (
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

RGBArray = NDArray[np.uint8]


def decode(source: Path | bytes) -> Image.Image:
    """Decode a photo to an upright RGB image.

    Args:
        source: A file's path, or its content.

    Returns:
        A Pillow image of mode RGB.

    Raises:
        PhotoError: unreadable, not a picture, damaged, or beyond the limits.
    """
    name = str(source) if isinstance(source, Path) else f"{len(source)} bytes"
    content = _read(source) if isinstance(source, Path) else source
    if not content:
        raise PhotoError(f"{name}: a photo must have content, got 0 bytes")
    if len(content) > MAX_FILE_BYTES:
        raise PhotoError(f"{name}: a photo must have at most {MAX_FILE_BYTES} bytes, got {len(content)}")
    formats = (*_FORMATS, "HEIF") if "HEIF" in Image.OPEN else _FORMATS
    try:
        with Image.open(io.BytesIO(content), formats=formats) as opened:
            check_size(name, opened.size)
            opened.load()
            return to_rgb(_upright(opened), name=name)
    except _DECODER_ERRORS as failure:
        raise PhotoError(f"{name}: not a whole {'/'.join(formats)} picture: {_reason(failure)}") from failure


def _reason(failure: BaseException) -> str:
    text = str(failure)
    return type(failure).__name__ if not text or "BytesIO" in text else text


def _read(path: Path) -> bytes:
    try:
        if is_stream(path):
            raise PhotoError(f"{path}: a photo must be a file, got a pipe or a device")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise PhotoError(f"{path}: a photo must have at most {MAX_FILE_BYTES} bytes, got {size}")
        return path.read_bytes()
    except FileNotFoundError as absent:
        raise PhotoError(f"{path}: no such file") from absent
    except OSError as failure:
        raise PhotoError(f"{path}: can't be read: {failure.strerror}") from failure
    except ValueError as failure:
        raise PhotoError(f"{str(path)!a}: a path must be one the system knows: {failure}") from failure


def check_size(name: str, size_wh: tuple[int, int]) -> None:
    """Hold the limit on pixels.

    Raises:
        PhotoError: none, or more than MAX_PIXELS.
    """
    if min(size_wh) < 1 or size_wh[0] * size_wh[1] > MAX_PIXELS:
        raise PhotoError(f"{name}: a photo must have 1 to {MAX_PIXELS} pixels, got {size_wh[0]}x{size_wh[1]}")


def _upright(image: Image.Image) -> Image.Image:
    # Not getexif(), which takes XMP's word where EXIF has none. A TIFF was turned by Pillow on loading.
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        turn: Any = exif.get(_ORIENTATION)
    except _DECODER_ERRORS:
        # A damaged EXIF block says nothing about orientation; the pixels are whole, so they count as they are.
        return image
    return image.transpose(_TURNS[turn]) if isinstance(turn, int) and turn in _TURNS else image


def to_rgb(image: Image.Image, *, name: str = "image") -> Image.Image:
    """Any Pillow mode to RGB, by the rule at the top of this file.

    Args:
        image: Decoded.
        name: Of the photo, for messages.

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


def as_photo(source: Path | str | bytes | Image.Image | RGBArray) -> Image.Image | RGBArray:
    """What a caller has, as an upright RGB image or an RGB array.

    Pillow images are taken as they stand (EXIF was the caller's to apply); arrays are not copied.

    Raises:
        PhotoError: undecodable, or an array that is not uint8 (height, width, 3).
    """
    if isinstance(source, (str, Path)):
        return decode(Path(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode(bytes(source))
    if isinstance(source, Image.Image):
        check_size("image", source.size)
        try:
            # Image.open has read no more than the header.
            source.load()
            return to_rgb(source)
        except _DECODER_ERRORS as failure:
            raise PhotoError(f"a photo must be a whole picture, got one that fails: {_reason(failure)}") from failure
    if not isinstance(source, np.ndarray):
        raise PhotoError(
            f"a photo must be a path, bytes, a Pillow image or a uint8 RGB array, got {type(source).__name__}"
        )
    if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3:
        raise PhotoError(f"a photo array must be uint8 (height, width, 3) RGB, got {source.dtype} {source.shape}")
    check_size("array", (source.shape[1], source.shape[0]))
    return source
