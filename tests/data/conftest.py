"""Photos and data folders to order."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

WritePhoto = Callable[..., Path]


@pytest.fixture
def write_photo() -> WritePhoto:
    """Write a photo of noise; the format follows the name, another seed gives other pixels."""

    def write(path: Path, *, size_wh: tuple[int, int] = (16, 12), seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def photo_folder(tmp_path: Path, write_photo: WritePhoto) -> Callable[[Sequence[str]], Path]:
    """Write one photo, unlike the others, at each path of a new data folder."""

    def write(paths: Sequence[str]) -> Path:
        root = tmp_path / "photos"
        root.mkdir()
        for seed, path in enumerate(paths):
            write_photo(root / path, seed=seed)
        return root

    return write


@pytest.fixture
def write_rows() -> Callable[..., Path]:
    """Write rows as CSV, whether they make a valid manifest or not."""

    def write(path: Path, *rows: Sequence[str]) -> Path:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        return path

    return write


class Recorder:
    """Progress that remembers: (what, total, done) of each task, and the lines said."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, int, int]] = []
        self.lines: list[str] = []

    def begin(self, what: str, total: int) -> None:
        self.tasks.append((what, total, 0))

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        what, total, done = self.tasks[-1]
        self.tasks[-1] = (what, total, done + steps)

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def progress() -> Recorder:
    """Progress whose calls a test can look at."""
    return Recorder()


@pytest.fixture(scope="session")
def drawn_face() -> np.ndarray:
    """A face as OpenCV's cascade knows them, drawn: uint8 (320, 320, 3)."""
    image = Image.new("RGB", (320, 320), (90, 110, 140))
    pen = ImageDraw.Draw(image)

    def oval(x: int, y: int, rx: int, ry: int, colour: tuple[int, int, int]) -> None:
        pen.ellipse((160 + x - rx, 160 + y - ry, 160 + x + rx, 160 + y + ry), fill=colour)

    oval(0, -30, 85, 105, (50, 35, 25))
    oval(0, 0, 70, 92, (205, 165, 140))
    for side in (-1, 1):
        oval(side * 30, -18, 22, 13, (140, 100, 85))
        oval(side * 30, -18, 16, 8, (235, 230, 225))
        oval(side * 30, -18, 8, 8, (30, 20, 20))
        pen.rectangle((140 + side * 30, 118, 180 + side * 30, 125), fill=(60, 40, 30))
        oval(side * 42, 22, 18, 16, (220, 175, 150))
        oval(side * 7, 26, 5, 4, (120, 80, 65))
    oval(0, 5, 9, 25, (225, 185, 160))
    oval(0, 52, 28, 9, (150, 70, 70))
    pen.line((134, 212, 186, 212), fill=(80, 30, 30), width=3)
    return np.asarray(image)
