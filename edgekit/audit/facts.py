"""What a file says of a photo before anyone looks at it: sizes, JPEG settings, metadata, its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import JpegImagePlugin

from edgekit.data.exif import maker_and_model
from edgekit.records import sha256
from edgekit.runtime.readers import open_picture

# What Pillow notes of metadata blocks; other keys hold settings, which are counted elsewhere, or a decoder's own state.
_BLOCKS = ("exif", "icc_profile", "dpi", "jfif", "comment", "xmp", "adobe", "photoshop", "gamma", "srgb")
_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Properties of a file. None of them is the picture.

    Attributes:
        width: Width of the upright photo, in pixels.
        height: Height of the upright photo, in pixels.
        size_bytes: Length of the file, in bytes.
        format: Format of the content, whatever the file's name ends in.
        suffix: Ending of the file's name, lower case.
        mode: Pillow's name for its pixels ("RGB", "L", …).
        jpeg_tables: Names its quantisation tables; empty if it is no JPEG.
        jpeg_quality: The quality that libjpeg gives tables of this mean, 0 to 100; 0 if it is no JPEG.
        subsampling: "4:2:0", …; empty if it is no JPEG.
        progressive: Whether it is a progressive JPEG.
        metadata: Kinds of metadata blocks it has, sorted.
        camera: Maker and model by EXIF; empty if it does not say.
        stem: The file's name without folders and suffix: a class folder must not count as a pattern of names.
    """

    width: int
    height: int
    size_bytes: int
    format: str
    suffix: str
    mode: str
    jpeg_tables: str
    jpeg_quality: float
    subsampling: str
    progressive: bool
    metadata: tuple[str, ...]
    camera: str
    stem: str

    @property
    def size(self) -> str:
        """Width and height in pixels, such as ``1280x960``."""
        return f"{self.width}x{self.height}"

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    @property
    def bytes_per_px(self) -> float:
        """Bytes of the file, header included, per pixel."""
        return self.size_bytes / (self.width * self.height)


def read_facts(path: str, content: bytes, size_wh: tuple[int, int]) -> FileFacts:
    """Read a file's header; its pixels are not decoded.

    Args:
        path: Path of the photo, relative to the data folder.
        content: Content of the file of a photo that was decoded once.
        size_wh: Width and height of the upright photo, in pixels.

    Raises:
        PhotoError: it is no picture, or was damaged since.
    """
    name = PurePosixPath(path)
    with open_picture(content, path) as opened:
        tables: dict[int, Sequence[int]] = getattr(opened, "quantization", None) or {}
        named = [(key, list(table)) for key, table in tables.items()]
        is_jpeg = opened.format in ("JPEG", "MPO")
        return FileFacts(
            width=size_wh[0],
            height=size_wh[1],
            size_bytes=len(content),
            format=str(opened.format),
            suffix=name.suffix.lower(),
            mode=opened.mode,
            jpeg_tables=sha256(repr(sorted(named)).encode())[:8] if tables else "",
            jpeg_quality=_quality(tables),
            subsampling=_SUBSAMPLING.get(JpegImagePlugin.get_sampling(opened), "other") if is_jpeg else "",
            progressive=bool(opened.info.get("progressive")),
            metadata=tuple(sorted(block for block in _BLOCKS if opened.info.get(block))),
            camera=maker_and_model(opened.info.get("exif", b"")),
            stem=name.stem,
        )


def _quality(tables: dict[int, Sequence[int]]) -> float:
    """The setting whose scaled standard luminance table has this mean (57.6 at 50), which orders all tables."""
    if not tables:
        return 0.0
    luma = tables[min(tables)]
    scale = 100.0 * (sum(luma) / len(luma)) / 57.625
    return round(max(0.0, min(100.0, 5000.0 / scale if scale > 100 else (200.0 - scale) / 2)), 1)


def name_shape(stem: str) -> str:
    """The pattern of a name, in which photos of one source agree: ``IMG_1234-x`` gives ``A_9-A``."""
    return _LETTERS.sub("A", _DIGITS.sub("9", stem))[:40]


def name_numbers(stem: str) -> tuple[float, float, float]:
    """Length of a name, how many of it are digits, and its last number (0 if there is none)."""
    numbers = _DIGITS.findall(stem)
    # Ever longer numbers say nothing more, and floats end somewhere.
    last = float(numbers[-1][-15:]) if numbers else 0.0
    return float(len(stem)), float(sum(map(str.isdigit, stem))), last


def name_grams(stem: str) -> set[str]:
    """Runs of one to three characters, digits taken as one kind, with marks at both ends."""
    text = "^" + _DIGITS.sub("9", stem.casefold())[:60] + "$"
    return {text[at : at + n] for n in (1, 2, 3) for at in range(len(text) - n + 1)} - {"^", "$"}
