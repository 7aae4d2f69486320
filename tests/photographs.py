"""Photos that are told apart by their looks, with an owner in their metadata, and what a folder holds."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.data.manifest import Sample, write_manifest
from edgekit.records import file_sha256


def soft(seed):
    """A picture that a perceptual hash tells from others."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((96, 72), Image.Resampling.BICUBIC)


def save(path, seed=0, *, camera="", quality=90, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x8298] = "Anna Owner"
    if camera:
        exif[0x010F], exif[0x0110] = camera.split(maxsplit=1)
    soft(seed).save(path, exif=exif, quality=quality, **options)
    return path


def state(root):
    """Every file and its content."""
    return {path.relative_to(root).as_posix(): file_sha256(path) for path in root.rglob("*") if path.is_file()}


def write_unsure_colours(root, labels):
    """Sixty photos of red, green or blue, of five days and paler or darker, every fifteenth under a wrong label."""
    samples = []
    for number in range(60):
        place, colour = number % 3, np.random.default_rng(number).integers(0, 60, 3)
        colour[(place + (number % 15 == 0)) % 3] += 120 + number
        path = f"{labels[place]}/{number}.png"
        (root / labels[place]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 20), tuple(map(int, colour))).save(root / path)
        samples.append(Sample(path=path, label=labels[place], group=f"day {number % 5}"))
    write_manifest(root / "manifest.csv", samples)
