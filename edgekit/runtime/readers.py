"""Which of Pillow's readers opens a file, by what the file is; the optional one for HEIC where it is installed.

Pillow's own way, ``Image.open``, would also try formats that no photo has, and would judge sizes by its own limit.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import PIL
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from edgekit.errors import MissingReader, PhotoError, pip_line
from edgekit.runtime.coded import check_blocks, check_samples, outline_jpeg
from edgekit.runtime.kinds import HEAD_BYTES, picture_format, what_instead
from edgekit.runtime.limits import MAX_PIXELS

Factory = Callable[[IO[bytes], str], Image.Image]

READ_EVERYWHERE = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
"""Formats that Pillow reads on every device; HEIC and AVIF are read where their readers are installed."""
_FACTORIES: dict[str, Factory] = {
    # A phone's multi-picture JPEG (MPO) is opened so, too, and its first picture counts.
    "JPEG": JpegImagePlugin.jpeg_factory,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
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
    RuntimeError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
# What decoders say of pictures that are whole, and of a kind that they don't read.
_NOT_READ = re.compile(r"unknown|unsupported|not supported|cannot handle|can't handle|not available", re.IGNORECASE)


def open_picture(source: bytes | IO[bytes], name: str) -> Image.Image:
    """Open a picture without decoding its pixels; close it afterwards.

    Args:
        source: The content of a file, or an open file, of which no more than the headers is read where that can be.
        name: Name of the photo, for messages.

    Raises:
        MissingReader: its format needs a reader that is not installed here.
        PhotoError: no picture, which says what it is instead; or damaged headers.
    """
    if not isinstance(source, bytes):
        kind = picture_format(source.read(HEAD_BYTES))
        source.seek(0)
        content = b"" if kind else source.read()
        file = source
    else:
        kind, content, file = picture_format(source[:HEAD_BYTES]), source, io.BytesIO(source)
        check_blocks(kind, content, name)
        check_samples(kind, content, name)
    if not kind:
        what, remedy = what_instead(content)
        formats = "/".join((*READ_EVERYWHERE, "HEIC", "AVIF"))
        raise PhotoError(f"{name}: not a whole {formats} picture: it is {what}; {remedy}")
    factory = _factory(kind, name)
    try:
        return factory(file, "")
    except DECODER_ERRORS as failure:
        raise PhotoError(explain(kind, content, failure, name)) from failure


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a photo as they are stored, in pixels, without decoding it; raises as ``open_picture``."""
    try:
        with path.open("rb") as file, open_picture(file, str(path)) as opened:
            width, height = opened.size
            return width, height
    except OSError as failure:
        raise PhotoError(f"{path}: can't be read: {failure.strerror}") from failure


def explain(kind: str, content: bytes, failure: BaseException, name: str) -> str:
    """The message for a picture that its decoder refuses, with what the file itself says of the cause."""
    if isinstance(failure, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"{name}: a photo must have 1 to {MAX_PIXELS} pixels, got more; save it smaller"
    fault = outline_jpeg(content, name).fault if kind == "JPEG" else ""
    return f"{name}: not a whole {kind} picture: {fault or _in_words(failure)}"


def _in_words(failure: BaseException) -> str:
    """What a decoder's own message means and what to do about it, in one line; its details end at a bracket."""
    reason = " ".join(str(failure).partition(" (")[0].split())
    if not reason or "BytesIO" in reason:
        reason = type(failure).__name__
    if "MAX_TEXT" in reason:
        return "its texts or its colour profile unpack to more than any photo has; save it anew without metadata"
    if _NOT_READ.search(reason):
        return f"it is of a kind that its decoder doesn't read ({reason}); save it anew as JPEG"
    return f"it is cut short or damaged ({reason}); copy it again, or save it anew"


def _factory(kind: str, name: str) -> Factory:
    if kind == "HEIC":
        return _heic_factory(name)
    if kind == "AVIF":
        return _avif_factory(name)
    return _FACTORIES[kind]


def _heic_factory(name: str) -> Factory:
    try:
        import pillow_heif
    except ModuleNotFoundError as absent:
        # A broken pillow-heif misses another module: that is no missing extra and keeps its traceback.
        if absent.name != "pillow_heif":
            raise
        # A runtime in one file (.pyz) was not installed by pip, which has nothing to add to.
        line = pip_line("heic") if Path(__file__).is_file() else "pip install 'pillow-heif>=1.0,<2'"
        raise MissingReader(
            f"{name}: HEIC is read by pillow-heif, which is not installed here: {line}; or save the photo as JPEG"
        ) from absent
    factory: Factory = pillow_heif.HeifImageFile
    return factory


def _avif_factory(name: str) -> Factory:
    try:
        from PIL import AvifImagePlugin
    except ImportError as absent:
        raise MissingReader(
            f"{name}: AVIF is read by Pillow 11.3 and newer, this is {PIL.__version__}:"
            " pip install --upgrade 'pillow>=11.3'; or save it as JPEG"
        ) from absent
    if not AvifImagePlugin.SUPPORTED:
        raise MissingReader(
            f"{name}: AVIF is read by a Pillow with libavif, and the one here was built without:"
            " pip install --force-reinstall pillow; or save it as JPEG"
        )
    return AvifImagePlugin.AvifImageFile


def heic_reader() -> str:
    """Name and version of what reads HEIC here; empty where nothing does."""
    from importlib import metadata

    try:
        return f"pillow-heif-{metadata.version('pillow-heif')}"
    except metadata.PackageNotFoundError:
        return ""
