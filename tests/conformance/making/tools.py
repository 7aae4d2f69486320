"""Noise, waves, odd files and the writer, for all areas."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

HERE = Path(__file__).resolve().parents[1]
Vector = dict[str, Any]
EXACT = {"pixels": 0, "levels": 0}


def noise(name: str, *shape: int) -> np.ndarray:
    """uint8 of any shape, the same everywhere."""
    return np.frombuffer(hashlib.shake_256(name.encode()).digest(math.prod(shape)), np.uint8).reshape(shape)


def waves(width: int, height: int, period: int = 97) -> np.ndarray:
    """uint8 (height, width, 3), another slope in each channel: turns, mirrors and swaps all show, and it compresses."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    slopes = [3 * x + y, x + 4 * y, 2 * (x + height - y)]
    folded = [np.abs((slope + 31 * band) % (2 * period) - period) for band, slope in enumerate(slopes)]
    return np.stack([one * 255 // period for one in folded], axis=2).astype(np.uint8)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png(size_wh: tuple[int, int], *, depth: int, colour: int, rows: bytes, transparent: bytes = b"") -> bytes:
    """A PNG by its bytes, for what Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size_wh, depth, colour, 0, 0, 0))
    key = chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + header + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Writer:
    """Writes raw files and manifests into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir(parents=True, exist_ok=True)

    def file(self, name: str, content: bytes | np.ndarray) -> str:
        (self.folder / "data" / name).write_bytes(content if isinstance(content, bytes) else content.tobytes())
        return name

    def manifest(self, area: str, about: str, vectors: list[Vector]) -> None:
        names = [vector["name"] for vector in vectors]
        assert len(set(names)) == len(names), f"{area}: names must differ"
        # A vector a line: a change shows which one it is.
        lines = ",\n".join("  " + json.dumps(vector) for vector in vectors)
        head = json.dumps({"about": about, "made_with": f"Pillow {PIL.__version__}"})[:-1]
        (self.folder / f"{area}.json").write_text(f'{head}, "vectors": [\n{lines}\n]}}\n', encoding="utf-8")


def check_script() -> Any:
    """check.py beside this file."""
    spec = importlib.util.spec_from_file_location("conformance_check", HERE / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def number(value: float) -> float | str:
    """What JSON has no number for, as a text that float() reads."""
    return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
