"""What lies on paper besides ink: bends, the uneven light that they and shadows make, fingers that hold it flat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.simulate.cameras import Light
from edgekit.simulate.strips import ByRows, in_strips
from edgekit.simulate.surroundings import capsule, over, skin_light, soft_share
from edgekit.simulate.textures import Field, axes, smooth_rows


def uneven_light(rng: np.random.Generator, size_wh: tuple[int, int], *, depth: float) -> ByRows:
    """The light on a sheet that is not flat, under a lamp that somebody stands before.

    Args:
        rng: Chance: where it bends, how often, where the shadow lies.
        size_wh: Width and height of the picture.
        depth: How much of the light may be missing in all: 0 to 1.

    Returns:
        Factors of some rows, (rows, width), at most 1.
    """
    x, y = axes(size_wh)
    turn = rng.uniform(0, 2 * np.pi)
    # A lamp on one side, waves of the sheet, and sometimes one fold or the gutter of a book.
    lamp_side = np.float32(0.5 * rng.random())
    waves, phase = np.float32(rng.uniform(1, 5)), np.float32(rng.uniform(0, 2 * np.pi))
    waving = np.float32(0.2 * rng.random())
    gutter = shadow = None
    if rng.random() < 0.4:
        gutter = np.float32(rng.uniform(-1, 1)), np.float32(rng.uniform(0.03, 0.3)), np.float32(0.5 * rng.random())
    if rng.random() < 0.6:
        # The shadow of a head, a phone or an arm: anything with a soft edge.
        outline = smooth_rows(rng, size_wh, cells=3)
        shadow = (
            np.float32(rng.uniform(0.35, 0.65)),
            np.float32(rng.uniform(0.01, 0.15)),
            np.float32(0.6 * rng.random()),
        )

    def at(rows: slice) -> Field:
        along = np.float32(np.cos(turn)) * x + np.float32(np.sin(turn)) * y[rows]
        missing = lamp_side * (1 - along / np.float32(np.sqrt(2))) / 2
        missing += waving * (1 + np.cos(along * waves + phase)) / 2
        if gutter is not None:
            middle, wide, dark = gutter
            missing += dark * np.exp(-(np.abs(along - middle) / wide))
        if shadow is not None:
            edge, soft, dark = shadow
            missing += dark * (1 / (1 + np.exp(-(outline(rows) - edge) / soft)))
        return np.asarray(1 - np.float32(depth) * np.clip(missing, 0, 0.95), dtype=np.float32)

    return at


def bend(rng: np.random.Generator, size_wh: tuple[int, int], *, depth: float) -> Callable[[slice], tuple[Field, Field]]:
    """Where the ink of a bent sheet is seen: lines of text become waves.

    Args:
        rng: Chance.
        size_wh: Width and height of the sheet in pixels.
        depth: How far at most, as a share of the height.

    Returns:
        Columns and rows to read the flat sheet at, (rows, width) each, for some rows.
    """
    width, height = size_wh
    x, y = axes(size_wh)
    across = np.cos(x * np.float32(rng.uniform(0.5, 3)) + np.float32(rng.uniform(0, 2 * np.pi)))
    down = np.cos(y * np.float32(rng.uniform(0.5, 2)) + np.float32(rng.uniform(0, 2 * np.pi)))
    high = np.float32(depth * height * rng.uniform(-0.5, 0.5))

    def at(rows: slice) -> tuple[Field, Field]:
        lift = (across * (1 + np.float32(0.5) * down[rows])) * high
        columns = np.broadcast_to(np.arange(width, dtype=np.float32)[None, :], lift.shape)
        read = np.arange(height, dtype=np.float32)[rows, None] + lift
        return np.ascontiguousarray(columns), np.clip(read, 0, height - 1)

    return at


def with_fingers(rng: np.random.Generator, light: Light, *, fingers: int, soft_px: float) -> Light:
    """Lay fingers over the light of a print, from one side of the picture, with their shadow beside them.

    Args:
        rng: Chance: which side, how far they reach, skin.
        light: (height, width, 3) in which white paper in full light is about 1; changed in place.
        fingers: How many.
        soft_px: Width of a blurred edge.

    Returns:
        The light.
    """
    height, width = light.shape[:2]
    shorter = min(width, height)
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    outward = np.array([(-1, 0), (1, 0), (0, 1)][int(rng.integers(3))], dtype=np.float64)
    beside = outward[::-1]
    radius = shorter * rng.uniform(0.03, 0.08)
    reach = rng.uniform(0.06, 0.3) * shorter
    middle = np.array([width, height]) / 2
    foot = middle + outward * middle + beside * middle * rng.uniform(-0.7, 0.7)
    lean = beside * rng.uniform(-0.5, 0.5)
    places = []
    for number in range(fingers):
        at = foot + beside * 2.3 * radius * number
        tip = at - (outward + lean) * reach * rng.uniform(0.75, 1.15)
        end = at + (outward + lean) * 3 * radius
        places.append((tip, end, rng.uniform(-0.8, 0.8, 2) * radius))
    deep = np.float32(rng.uniform(0.2, 0.6))
    skin = skin_light(rng, (width, height), level=float(rng.uniform(0.75, 1.1)))
    for rows in in_strips((width, height)):
        inside = np.full((rows.stop - rows.start, width), -np.inf, dtype=np.float32)
        shadow = inside
        for tip, end, moved in places:
            inside = np.maximum(inside, capsule(x, y[rows], tuple(tip), tuple(end), radius))
            shadow = np.maximum(shadow, capsule(x, y[rows], tuple(tip + moved), tuple(end + moved), radius))
        dark = np.clip(np.float32(0.7) * (shadow / np.float32(radius) + 1), 0, 1) * deep
        under = light[rows] * (1 - dark)[..., None]
        light[rows] = over(under, skin(inside / np.float32(radius), rows), soft_share(inside, soft_px))
    return light
