"""Surfaces of simulated scenes: natural noise, wood, woven cloth, leaves, tiles. numpy and Pillow only."""

from __future__ import annotations

import colorsys
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from edgekit.arrays import Float32Array
from edgekit.simulate.strips import WHOLE, ByRows, blown_up

Field: TypeAlias = Float32Array
Rgb8: TypeAlias = tuple[int, int, int]

# Scenes are drawn larger than they are shown, so finer noise would only be averaged away.
_FINEST_PX = 2
_LEAVES = 350


def some_colour(
    rng: np.random.Generator, *, saturation: tuple[float, float] = (0.2, 0.9), value: tuple[float, float] = (0.3, 0.95)
) -> Rgb8:
    """A random sRGB colour of any hue, with HSV saturation and value drawn evenly from the ranges."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return round(255 * red), round(255 * green), round(255 * blue)


def shade(colour: Rgb8, factor: float) -> Rgb8:
    """The colour made darker (below 1) or lighter (above 1), clipped at 255."""
    red, green, blue = (max(0, min(255, round(level * factor))) for level in colour)
    return red, green, blue


def fractal(rng: np.random.Generator, size_wh: tuple[int, int], *, octaves: int = 6, persistence: float = 0.6) -> Field:
    """Multi-octave value noise.

    Args:
        rng: Chance.
        size_wh: Width and height in pixels.
        octaves: How many doublings of detail; the finest is two pixels.
        persistence: How much each octave keeps of the one before in strength; 1 is rough, 0.4 is cloudy.

    Returns:
        (height, width) in 0..1, centred at 0.5.
    """
    return fractal_rows(rng, size_wh, octaves=octaves, persistence=persistence)(WHOLE)


def fractal_rows(
    rng: np.random.Generator, size_wh: tuple[int, int], *, octaves: int = 6, persistence: float = 0.6
) -> ByRows:
    """As ``fractal``, by rows."""
    layer = np.zeros((1, 1), dtype=np.float32)
    for octave in range(octaves):
        step = _FINEST_PX * 2 ** (octaves - 1 - octave)
        cells_wh = (max(2, -(-size_wh[0] // step)), max(2, -(-size_wh[1] // step)))
        detail = rng.standard_normal((cells_wh[1], cells_wh[0]), dtype=np.float32)
        detail *= np.float32(persistence**octave)
        detail += blown_up(layer, cells_wh, Image.Resampling.BILINEAR)(WHOLE)
        layer = detail
    spread = np.float32(5 * max(float(layer.std()), 1e-6))
    layer -= layer.mean()
    layer /= spread
    layer += np.float32(0.5)
    np.clip(layer, 0, 1, out=layer)
    return blown_up(layer, size_wh, Image.Resampling.BILINEAR)


def axes(size_wh: tuple[int, int], *, reach: float = 1.0) -> tuple[Field, Field]:
    """Places in a picture from -reach to reach: x is (1, width) float32, y is (height, 1)."""
    x, y = (np.linspace(-reach, reach, side, dtype=np.float32) for side in size_wh)
    return x[None, :], y[:, None]


def some_tint(rng: np.random.Generator, most: float) -> Field:
    """A warm or cool light, drawn evenly: (3,) factors about 1 of red, green and blue."""
    warmth = rng.uniform(-most, most)
    return np.array([1 + warmth, 1, 1 - warmth], dtype=np.float32)


def smooth_field(rng: np.random.Generator, size_wh: tuple[int, int], *, cells: int = 3) -> Field:
    """Soft random light: a few random cells blown up. (height, width), about 0..1."""
    return smooth_rows(rng, size_wh, cells=cells)(WHOLE)


def smooth_rows(rng: np.random.Generator, size_wh: tuple[int, int], *, cells: int = 3) -> ByRows:
    """As ``smooth_field``, by rows."""
    coarse = rng.random((cells, cells + 1), dtype=np.float32)
    return blown_up(coarse, size_wh, Image.Resampling.BICUBIC)


def colourise(plane: Field, dark: Rgb8, light: Rgb8) -> Image.Image:
    """A plane of 0..1 as an RGB picture between two colours."""
    return ImageOps.colorize(Image.fromarray((plane * 255).astype(np.uint8)), dark, light)


def plaster(rng: np.random.Generator, size_wh: tuple[int, int], *, colour: Rgb8) -> Image.Image:
    """A painted wall or panel: almost one colour, with faint stains and grain."""
    rough = fractal(rng, size_wh, octaves=7, persistence=float(rng.uniform(0.5, 0.95)))
    depth = rng.uniform(0.03, 0.18)
    return colourise(rough, shade(colour, 1 - depth), shade(colour, 1 + depth))


def wood(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """Planks with grain along the width."""
    width, height = size_wh
    slow = fractal(rng, (max(2, width // 12), height), octaves=6, persistence=0.75)
    grain = np.asarray(Image.fromarray(slow).resize(size_wh, Image.Resampling.BILINEAR))
    rings = 0.5 + 0.5 * np.sin(grain * np.float32(rng.uniform(15, 60)))
    base = (int(rng.integers(110, 190)), int(rng.integers(75, 120)), int(rng.integers(40, 80)))
    picture = colourise((0.55 * grain + 0.45 * rings).astype(np.float32), shade(base, 0.6), shade(base, 1.3))
    draw = ImageDraw.Draw(picture)
    plank = int(rng.integers(height // 8 + 2, height // 2 + 4))
    for y in range(int(rng.integers(plank)), height, plank):
        draw.line((0, y, width, y), fill=shade(base, 0.35), width=max(1, height // 300))
    return picture


def cloth(rng: np.random.Generator, size_wh: tuple[int, int], *, period_px: float | None = None) -> Image.Image:
    """Woven cloth: two thread directions over soft folds; the weave is as fine and as regular as a screen.

    Args:
        rng: Chance.
        size_wh: Width and height in pixels.
        period_px: Thread spacing; drawn from 3 to 9 px when None.
    """
    width, height = size_wh
    period = float(rng.uniform(3, 9)) if period_px is None else period_px
    folds = smooth_field(rng, size_wh, cells=4) * np.float32(rng.uniform(0, 5) * period)
    angle = rng.uniform(-0.6, 0.6)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    turn = np.float32(2 * np.pi / period)
    warp = np.cos((x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) + folds) * turn)
    weft = np.cos((y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle)) + folds) * turn)
    threads = warp * weft if rng.random() < 0.5 else np.maximum(warp, weft)
    relief = 0.5 + 0.2 * threads + 0.4 * (fractal(rng, size_wh, octaves=5, persistence=0.9) - 0.5)
    colour = some_colour(rng, saturation=(0.0, 0.7))
    return colourise(np.clip(relief, 0, 1).astype(np.float32), shade(colour, 0.55), shade(colour, 1.25))


def foliage(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """Leaves over leaves, the upper ones lighter."""
    height = size_wh[1]
    picture = plaster(rng, size_wh, colour=(30, 50, 25))
    draw = ImageDraw.Draw(picture)
    centres = rng.random((_LEAVES, 2)) * size_wh
    lengths = height * rng.uniform(0.02, 0.08, _LEAVES)
    angles = rng.uniform(0, 2 * np.pi, _LEAVES)
    for n in range(_LEAVES):
        along = lengths[n] * np.array([np.cos(angles[n]), np.sin(angles[n])])
        across = 0.35 * along[::-1] * (1, -1)
        tip, left, tail, right = centres[n] + along, centres[n] + across, centres[n] - along, centres[n] - across
        level = 0.4 + 0.8 * n / _LEAVES
        green = shade((int(rng.integers(60, 140)), int(rng.integers(110, 170)), int(rng.integers(30, 80))), level)
        draw.polygon([tuple(tip), tuple(left), tuple(tail), tuple(right)], fill=green)
        draw.line([tuple(tip), tuple(tail)], fill=shade(green, 0.75))
    return picture


def tiles(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A tiled or brick wall: a regular grid with joints; every piece has its own tone."""
    width, height = size_wh
    tall = int(rng.integers(max(4, height // 40), height // 5))
    wide = round(tall * rng.choice([1, 1, 2, 2.5]))
    colour = some_colour(rng, saturation=(0.0, 0.6), value=(0.45, 0.95))
    joint = max(1, tall // int(rng.integers(10, 20)))
    picture = plaster(rng, size_wh, colour=shade(colour, rng.uniform(0.5, 0.9)))
    draw = ImageDraw.Draw(picture)
    brick = wide > tall
    for row, y in enumerate(range(-int(rng.integers(tall)), height, tall)):
        for x in range(-wide + (wide // 2 if brick and row % 2 else 0), width, wide):
            draw.rectangle(
                (x, y, x + wide - joint - 1, y + tall - joint - 1), fill=shade(colour, rng.uniform(0.88, 1.1))
            )
    grain = fractal(rng, size_wh, octaves=4, persistence=0.9)
    return Image.blend(picture, colourise(grain, shade(colour, 0.5), shade(colour, 1.2)), float(rng.uniform(0.08, 0.3)))
