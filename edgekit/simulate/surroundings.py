"""What a picture has besides a screen: its rim, a hand that holds it, the room behind it, a lamp in its glass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.simulate.cameras import Light
from edgekit.simulate.perspective import Placement, Rays, View, trace_rays
from edgekit.simulate.strips import ByRows, in_strips
from edgekit.simulate.textures import Field, axes, fractal_rows, smooth_rows

# Linear light of skin under a light in which white paper has 1, from dark to fair.
_SKINS = ((0.10, 0.045, 0.03), (0.27, 0.13, 0.08), (0.42, 0.23, 0.15), (0.58, 0.37, 0.27))
# Light of a screen's rim, over that of white paper beside it.
_RIMS = (0.01, 0.03, 0.06, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A hand at a screen, in some rows of the picture; light is linear.

    Attributes:
        light: (rows, width, 3) of the skin, wherever it is.
        behind: (rows, width) share of arm, palm and the roots of the fingers, which the device hides.
        front: (rows, width) share of the fingers over the device's edge.
    """

    light: Light
    behind: Field
    front: Field


def within_room(
    rng: np.random.Generator, light: Light, *, placement: Placement, view: View, paper: ByRows | None, soft_px: float
) -> Light:
    """Put a screen or a print that ends inside the picture into its surroundings.

    Args:
        rng: Chance: how bright the room is, rim, wall, hand.
        light: (height, width, 3) of the screen, wherever it is; changed in place.
        placement: Where the screen lies.
        view: From where; its corner, hand and room.
        paper: Light of a print's margin, by rows; None for a screen, whose rim is dark.
        soft_px: Width of a blurred edge.

    Returns:
        The light, of all.
    """
    height, width = light.shape[:2]
    # The rim of a screen with round corners follows its own size, whatever else is in the picture.
    per_pixel = placement.area**-0.5
    across_px = min(placement.raster_wh) * per_pixel if view.corner else width
    rim_px = np.float32(rng.uniform(0.01, 0.06) * across_px)
    level = _room_light(rng, paper=paper is not None, wall=view.room is None)
    tint = np.exp(rng.normal(0, 0.15, 3)).astype(np.float32)
    behind = _wall(rng, (width, height)) if view.room is None else view.room
    hold = draw_hand(rng, placement, level=level, soft_px=soft_px) if view.hand else None
    dark = np.full(3, level * rng.choice(_RIMS), dtype=np.float32)
    for rows in in_strips((width, height)):
        rays = trace_rays(placement, rows)
        inside_px = placement.inside_px(rays, corner=view.corner)
        around = behind(rows) * np.float32(level) * tint
        hand = hold(rays, rows) if hold is not None else None
        if hand is not None:
            around = over(around, hand.light, hand.behind)
        rim = dark if paper is None else paper(rows)
        around = over(around, rim, soft_share(inside_px + rim_px, soft_px))
        seen = over(around, light[rows], soft_share(inside_px, soft_px))
        light[rows] = seen if hand is None else over(seen, hand.light, hand.front)
    return light


def _wall(rng: np.random.Generator, size_wh: tuple[int, int]) -> ByRows:
    """Its light, (rows, width, 1)."""
    grey = smooth_rows(rng, size_wh, cells=4)
    return lambda rows: grey(rows)[..., None]


def _room_light(rng: np.random.Generator, *, paper: bool, wall: bool) -> float:
    """How much light the room has, in units of what white is on the screen or print."""
    if paper:
        # Paper and room have one light; a wall is greyer than paper.
        return float(rng.uniform(0.15, 0.9) if wall else rng.uniform(0.7, 1.4))
    # A wall's light is 1 at most; a photo's mean is a fifth of that.
    return float(rng.choice([0.01, 0.06, 0.3] if wall else [0.05, 0.3, 1.2]) * rng.uniform(0.5, 1.5))


def over(below: Light, above: Light, share: Field) -> Light:
    """Lay light over other light, by its share of each pixel.

    Args:
        below: (rows, width, 3) or (3,).
        above: Light over it, (rows, width, 3) or (3,).
        share: (rows, width), 0 to 1.

    Returns:
        (rows, width, 3).
    """
    part = share[..., None]
    return np.asarray(above * part + below * (1 - part), dtype=np.float32)


def draw_hand(
    rng: np.random.Generator, placement: Placement, *, level: float, soft_px: float
) -> Callable[[Rays, slice], Hand]:
    """A palm behind a device, fingertips over one of its sides and a thumb over the other.

    Args:
        rng: Chance.
        placement: Where the device lies.
        level: Light in the room: that of white paper.
        soft_px: Width of a blurred edge.

    Returns:
        What it is in some rows, by what these see.
    """
    width, height = placement.raster_wh
    # From the middle of the screen, in units of its shorter side; x grows towards the fingers.
    unit = float(min(width, height))
    mirrored = -1.0 if rng.random() < 0.5 else 1.0
    side, bottom = width / 2 / unit, height / 2 / unit
    grip = float(rng.uniform(-0.1, 0.8)) * bottom
    root, arm = (0.0, grip + 0.2), float(rng.uniform(0.35, 0.55))
    reach, thick = float(rng.uniform(0.02, 0.16)), float(rng.uniform(0.07, 0.11))
    ends = [
        (side, side - reach * float(rng.uniform(0.3, 1.0)) + thick, grip - 0.3 + finger * 2.1 * thick, thick)
        for finger in range(int(rng.integers(2, 5)))
    ]
    over_thumb, up = float(rng.uniform(-0.02, 0.15)), float(rng.uniform(0.1, 0.5))
    ends.append((-side, -side + over_thumb, grip - up, 1.2 * thick))
    skin = skin_light(rng, placement.picture_wh, level=level)

    def seen(rays: Rays, rows: slice) -> Hand:
        x = (rays.u + np.float32(placement.window[0] - width / 2)) * np.float32(mirrored / unit)
        y = (rays.v + np.float32(placement.window[1] - height / 2)) * np.float32(1 / unit)
        per_unit = rays.scale * np.float32(unit)
        # The arm leaves the picture, however small the device is in it.
        behind = capsule(x, y, root, (-0.3, bottom + 8.0), arm)
        front = np.full(x.shape, -np.inf, dtype=np.float32)
        for edge, tip, at, radius in ends:
            # From the palm behind the device to its edge, and around it.
            bend = (edge + float(np.sign(edge)) * 0.7 * radius, at + 0.1)
            behind = np.maximum(behind, capsule(x, y, root, bend, radius))
            front = np.maximum(front, capsule(x, y, bend, (tip, at), radius))
        return Hand(
            light=skin(np.maximum(front, behind) / np.float32(thick), rows),
            behind=soft_share(behind * per_unit, soft_px),
            front=soft_share(front * per_unit, soft_px),
        )

    return seen


def lamp(rng: np.random.Generator, size_wh: tuple[int, int]) -> ByRows:
    """The mirror image of a tube, a window or a bulb in glass: (rows, width), 0 to 1."""
    across_wh = np.array(size_wh) / max(size_wh)
    x, y = (axis * np.float32(across) for axis, across in zip(axes(size_wh, reach=0.5), across_wh, strict=True))
    turn = rng.uniform(0, np.pi)
    long, wide = rng.uniform(0.02, 0.6), rng.uniform(0.01, 0.06)
    at_x, at_y = rng.uniform(-0.4, 0.4, 2) * across_wh
    soft = float(rng.uniform(0.002, 0.03))
    middle = 1 + np.exp(-wide / soft)
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    right, below = x - np.float32(at_x), y - np.float32(at_y)

    def at(rows: slice) -> Field:
        along = cosine * right + sine * below[rows]
        across = cosine * below[rows] - sine * right
        beyond = np.hypot(np.maximum(np.abs(along) - np.float32(long), 0), across)
        fading = np.exp(np.clip((beyond - np.float32(wide)) / np.float32(soft), -30, 30))
        return np.asarray(np.float32(middle) / (1 + fading), dtype=np.float32)

    return at


def skin_light(rng: np.random.Generator, size_wh: tuple[int, int], *, level: float) -> Callable[[Field, slice], Light]:
    """Skin: rounded, lit from one side, mottled and with creases.

    Args:
        rng: Chance: how dark it is, and its spots.
        size_wh: Width and height of the picture.
        level: Light in the room: that of white paper.

    Returns:
        (rows, width, 3) linear light of some rows, by (rows, width) how far inside the hand each pixel lies, in units
        of a finger's radius.
    """
    tone = rng.uniform(0, len(_SKINS) - 1)
    low = int(tone)
    pair = np.array(_SKINS[low : low + 2])
    skin = (pair[0] + (pair[-1] - pair[0]) * (tone - low)) * level * np.exp(rng.normal(0, 0.1, 3))
    soft = smooth_rows(rng, size_wh, cells=3)
    rough = fractal_rows(rng, size_wh, octaves=6, persistence=0.75)
    ruddy = fractal_rows(rng, size_wh, octaves=4, persistence=0.6)

    def at(depth: Field, rows: slice) -> Light:
        inside = np.clip(depth, 0, 1)
        # The height of a round thing above its edge: steep there, flat on top.
        shade = np.float32(0.35) + np.float32(0.65) * np.sqrt(1 - (1 - inside) ** 2)
        lit = np.float32(0.7) + np.float32(0.6) * soft(rows)
        creases, red = rough(rows) - np.float32(0.5), ruddy(rows) - np.float32(0.5)
        light = (shade * lit * (1 + np.float32(0.35) * creases))[..., None] * skin.astype(np.float32)
        # Blood shows as more red and less of the others.
        light *= 1 + red[..., None] * np.array([0.15, -0.25, -0.2], dtype=np.float32)
        return np.asarray(np.maximum(light, 0), dtype=np.float32)

    return at


def capsule(x: Field, y: Field, tip: tuple[float, float], end: tuple[float, float], radius: float) -> Field:
    """How far inside a thick line each point lies; negative outside."""
    along = np.array(end) - tip
    share = ((x - tip[0]) * along[0] + (y - tip[1]) * along[1]) / float(along @ along)
    share = np.clip(share, 0, 1)
    nearest: Float64Array = np.hypot(x - (tip[0] + share * along[0]), y - (tip[1] + share * along[1]))
    return np.asarray(radius - nearest, dtype=np.float32)


def soft_share(inside_px: Field, soft_px: float) -> Field:
    """Share of a thing in each pixel, by how many pixels that lies inside its edge, blurred over ``soft_px``."""
    return np.asarray(np.clip(inside_px / np.float32(soft_px) + 0.5, 0, 1), dtype=np.float32)
