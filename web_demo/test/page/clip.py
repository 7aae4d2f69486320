"""Writes a clip for Chromium's fake camera: photos, each for some seconds, as Y4M (4:2:0, BT.601, limited range).

``python clip.py OUT SECONDS PHOTO...``
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

FPS = 10


def planes(photo: Path) -> bytes:
    """One frame; chroma is the mean of each block of four pixels."""
    rgb = np.asarray(Image.open(photo).convert("RGB"), np.float64)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    cb = 128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255
    cr = 128 + (112 * red - 93.786 * green - 18.214 * blue) / 255
    small = [one.reshape(one.shape[0] // 2, 2, one.shape[1] // 2, 2).mean(axis=(1, 3)) for one in (cb, cr)]
    return b"".join(np.rint(one).clip(0, 255).astype(np.uint8).tobytes() for one in (luma, *small))


def main(out: str, seconds: str, *photos: str) -> None:
    """Write the clip; all photos must have one size."""
    with Image.open(photos[0]) as first:
        width, height = first.size
    with Path(out).open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420\n".encode())
        for photo in photos:
            file.write((b"FRAME\n" + planes(Path(photo))) * round(float(seconds) * FPS))


if __name__ == "__main__":
    main(*sys.argv[1:])
