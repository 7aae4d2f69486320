"""How display panels emit: one repeating cell of subpixels, integrated over the camera's pixel before it is sampled.

A camera pixel sees the panel through its own square aperture and the lens's blur. Both are convolutions, so the cell
is convolved with them once (exactly, by its Fourier series, since it repeats) and then looked up where each camera
pixel's centre falls. Whatever beats between the two rasters (moiré, colour fringes) follows from that sampling and
from the Bayer mosaic. Two simplifications: the square is turned with the screen, and the picture on the screen
changes slowly against the cell, so light and structure multiply.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import numpy as np
from PIL import Image, ImageDraw

from edgekit.arrays import Float32Array
from edgekit.simulate.textures import Field

Structure: TypeAlias = Literal[
    "stripe", "wide-stripe", "chevron", "split-va", "diamond-pentile", "rgb-oled", "shadow-mask"
]
STRUCTURES: tuple[str, ...] = get_args(Structure)

# Samples per screen pixel of a drawn cell: fine against the narrowest black line and the widest magnification.
DETAIL = 24
# Most panels repeat every pixel; these need more (columns, rows).
_PERIOD_WH: dict[str, tuple[int, int]] = {"diamond-pentile": (2, 2), "shadow-mask": (1, 2), "chevron": (1, 2)}
_SIZES = 5


@lru_cache(maxsize=32)
def emission_cell(structure: Structure) -> Float32Array:
    """The light of a white screen over one period.

    Returns:
        (rows * DETAIL, columns * DETAIL, 3) RGB, every channel with mean 1: panels are calibrated to white. Read-only.
    """
    columns, rows = _PERIOD_WH.get(structure, (1, 1))
    cell = np.zeros((rows * DETAIL, columns * DETAIL, 3), dtype=np.float32)
    for channel, shapes in enumerate(_shapes(structure)):
        plane = Image.new("L", (columns * DETAIL, rows * DETAIL), 0)
        draw = ImageDraw.Draw(plane)
        for level, outline in shapes:
            draw.polygon([(x * DETAIL - 0.5, y * DETAIL - 0.5) for x, y in outline], fill=level)
        emission = np.asarray(plane, dtype=np.float32)
        cell[..., channel] = emission / emission.mean()
    cell.setflags(write=False)
    return cell


Shape: TypeAlias = tuple[int, list[tuple[float, float]]]


def _bar(left: float, top: float, right: float, bottom: float, *, level: int = 255, slant: float = 0.0) -> Shape:
    return level, [(left, top), (right, top), (right + slant, bottom), (left + slant, bottom)]


def _dot(x: float, y: float, radius: float, *, corners: int = 4) -> Shape:
    turns = np.arange(corners) * 2 * np.pi / corners
    return 255, [(x + radius * float(np.cos(t)), y + radius * float(np.sin(t))) for t in turns]


def _shapes(structure: Structure) -> list[list[Shape]]:
    """Lit outlines per colour in units of screen pixels."""
    thirds = (0.0, 1 / 3, 2 / 3)
    if structure == "stripe":
        return [[_bar(x + 0.04, 0.06, x + 0.29, 0.94)] for x in thirds]
    if structure == "wide-stripe":
        return [[_bar(x + 0.015, 0.03, x + 0.318, 0.97)] for x in thirds]
    if structure == "chevron":
        # Two domains lean opposite ways in alternate rows, for the viewing angle.
        return [
            [_bar(x, 0.05, x + 0.25, 0.95, slant=0.08), _bar(x + 0.08, 1.05, x + 0.33, 1.95, slant=-0.08)]
            for x in thirds
        ]
    if structure == "split-va":
        # Each subpixel has a bright and a dim half, for the grey levels at an angle.
        return [[_bar(x + 0.04, 0.05, x + 0.29, 0.5), _bar(x + 0.04, 0.58, x + 0.29, 0.95, level=110)] for x in thirds]
    if structure == "rgb-oled":
        return [[_bar(0.08, 0.08, 0.5, 0.45)], [_bar(0.08, 0.55, 0.5, 0.92)], [_bar(0.6, 0.08, 0.92, 0.92)]]
    if structure == "shadow-mask":
        return [
            [_dot(x + 1 / 6, 0.5, 0.15, corners=12), _dot((x + 0.5) % 1 + 1 / 6, 1.5, 0.15, corners=12)] for x in thirds
        ]
    greens = [_dot(x + 0.25, y + 0.25, 0.17) for x in (0, 1) for y in (0, 1)]
    return [[_dot(0.75, 0.75, 0.25), _dot(1.75, 1.75, 0.25)], greens, [_dot(1.75, 0.75, 0.28), _dot(0.75, 1.75, 0.28)]]


def integrate_cell(cell: Float32Array, *, scale: float, sigma_px: float) -> Float32Array:
    """The cell as a camera pixel sees it: convolved with the pixel's square and the lens's Gaussian.

    Args:
        cell: From ``emission_cell``.
        scale: Camera pixels per screen pixel.
        sigma_px: Width of the lens's blur in camera pixels.

    Returns:
        Of the same shape; each channel's mean stays 1.
    """
    rows, columns = cell.shape[0], cell.shape[1]
    fy = np.fft.fftfreq(rows, d=1 / DETAIL)[:, None] / scale
    fx = np.fft.rfftfreq(columns, d=1 / DETAIL)[None, :] / scale
    transfer = np.sinc(fx) * np.sinc(fy) * np.exp(-2 * (np.pi * sigma_px) ** 2 * (fx**2 + fy**2))
    seen = np.fft.irfft2(np.fft.rfft2(cell, axes=(0, 1)) * transfer[..., None], s=(rows, columns), axes=(0, 1))
    return np.maximum(seen, 0).astype(np.float32)


def panel_response(
    structure: Structure,
    *,
    u: Field,
    v: Field,
    scale: Field,
    sigma_px: float,
    scales: tuple[float, float] | None = None,
) -> Float32Array:
    """What the panel's structure does to each camera pixel.

    Args:
        structure: The panel.
        u: (height, width) screen column that each camera pixel's centre sees.
        v: (height, width) screen row that each camera pixel's centre sees.
        scale: (height, width) camera pixels per screen pixel there, which perspective changes over the picture.
        sigma_px: Width of the lens's blur in camera pixels.
        scales: The smallest and the largest scale of the whole picture, where this is a part of one; None: it is whole.

    Returns:
        (height, width, 3) factors of the screen's mean light, mean about 1.
    """
    cell = emission_cell(structure)
    rows, columns = cell.shape[0], cell.shape[1]
    smallest, largest = scales or (float(scale.min()), float(scale.max()))
    sizes = np.geomspace(smallest, largest, _SIZES) if largest > 1.02 * smallest else np.array([smallest])
    stack = np.stack([integrate_cell(cell, scale=float(size), sigma_px=sigma_px) for size in sizes])
    index = (v * np.float32(DETAIL)).astype(np.int32) % rows
    index *= columns
    index += (u * np.float32(DETAIL)).astype(np.int32) % columns
    if len(sizes) > 1:
        step = np.log(largest / smallest) / (len(sizes) - 1)
        index += np.rint(np.log(scale / np.float32(smallest)) / np.float32(step)).astype(np.int32) * (rows * columns)
    return np.asarray(np.take(stack.reshape(-1, 3), index, axis=0))
