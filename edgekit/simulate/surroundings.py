"""What a picture has besides a screen: its rim, a hand that holds it, the room behind it, a lamp in its glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.simulate.cameras import Light
from edgekit.simulate.perspective import Rays, View
from edgekit.simulate.textures import Field, axes, fractal, smooth_field

# Linear light of skin under a light in which white paper has 1, from dark to fair.
_SKINS = ((0.10, 0.045, 0.03), (0.27, 0.13, 0.08), (0.42, 0.23, 0.15), (0.58, 0.37, 0.27))
# Light of a screen's rim, over that of white paper beside it.
_RIMS = (0.01, 0.03, 0.06, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A hand at a screen; light is linear and of the picture's size.

    Attributes:
        light: (height, width, 3) of the skin, wherever it is.
        behind: (height, width) share of arm, palm and the roots of the fingers, which the device hides.
        front: (height, width) share of the fingers over the device's edge.
    """

    light: Light
    behind: Field
    front: Field


def within_room(
    rng: np.random.Generator, light: Light, *, rays: Rays, view: View, paper: Light | None, soft_px: float
) -> Light:
    """Put a screen or a print that ends inside the picture into its surroundings.

    Args:
        rng: Chance: how bright the room is, rim, wall, hand.
        light: (height, width, 3) of the screen, wherever it is.
        rays: What every camera pixel sees.
        view: From where; its corner, hand and room.
        paper: Light of a print's margin, (3,) or (height, width, 3); None for a screen, whose rim is dark.
        soft_px: Width of a blurred edge.

    Returns:
        (height, width, 3) of all.
    """
    height, width = light.shape[:2]
    inside_px = rays.placement.inside_px(rays, corner=view.corner)
    # The rim of a screen with round corners follows its own size, whatever else is in the picture.
    per_pixel = rays.placement.area**-0.5
    across_px = min(rays.placement.raster_wh) * per_pixel if view.corner else width
    rim_px = np.float32(rng.uniform(0.01, 0.06) * across_px)
    level = _room_light(rng, paper=paper is not None, wall=view.room is None)
    tint = np.exp(rng.normal(0, 0.15, 3)).astype(np.float32)
    wall = smooth_field(rng, (width, height), cells=4)[..., None] if view.room is None else view.room
    around = wall * np.float32(level) * tint
    hand = draw_hand(rng, rays, level=level, soft_px=soft_px) if view.hand else None
    if hand is not None:
        around = over(around, hand.light, hand.behind)
    dark = np.full(3, level * rng.choice(_RIMS), dtype=np.float32)
    rim = dark if paper is None else paper
    around = over(around, rim, soft_share(inside_px + rim_px, soft_px))
    seen = over(around, light, soft_share(inside_px, soft_px))
    return seen if hand is None else over(seen, hand.light, hand.front)


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
        below: (height, width, 3) or (3,).
        above: Light over it, (height, width, 3) or (3,).
        share: (height, width), 0 to 1.

    Returns:
        (height, width, 3).
    """
    part = share[..., None]
    return np.asarray(above * part + below * (1 - part), dtype=np.float32)


def draw_hand(rng: np.random.Generator, rays: Rays, *, level: float, soft_px: float) -> Hand:
    """A palm behind a device, fingertips over one of its sides and a thumb over the other.

    Args:
        rng: Chance.
        rays: What every camera pixel sees.
        level: Light in the room: that of white paper.
        soft_px: Width of a blurred edge.
    """
    placement = rays.placement
    width, height = placement.raster_wh
    # From the middle of the screen, in units of its shorter side; x grows towards the fingers.
    unit = float(min(width, height))
    mirrored = -1.0 if rng.random() < 0.5 else 1.0
    x = (rays.u + np.float32(placement.window[0] - width / 2)) * np.float32(mirrored / unit)
    y = (rays.v + np.float32(placement.window[1] - height / 2)) * np.float32(1 / unit)
    side, bottom = width / 2 / unit, height / 2 / unit
    grip = float(rng.uniform(-0.1, 0.8)) * bottom
    per_unit = rays.scale * np.float32(unit)
    root = (0.0, grip + 0.2)
    # The arm leaves the picture, however small the device is in it.
    behind = capsule(x, y, root, (-0.3, bottom + 8.0), float(rng.uniform(0.35, 0.55)))
    front = np.full(x.shape, -np.inf, dtype=np.float32)
    reach, thick = float(rng.uniform(0.02, 0.16)), float(rng.uniform(0.07, 0.11))
    ends = [
        (side, side - reach * float(rng.uniform(0.3, 1.0)) + thick, grip - 0.3 + finger * 2.1 * thick, thick)
        for finger in range(int(rng.integers(2, 5)))
    ]
    over_thumb, up = float(rng.uniform(-0.02, 0.15)), float(rng.uniform(0.1, 0.5))
    ends.append((-side, -side + over_thumb, grip - up, 1.2 * thick))
    for edge, tip, at, radius in ends:
        # From the palm behind the device to its edge, and around it.
        bend = (edge + float(np.sign(edge)) * 0.7 * radius, at + 0.1)
        behind = np.maximum(behind, capsule(x, y, root, bend, radius))
        front = np.maximum(front, capsule(x, y, bend, (tip, at), radius))
    return Hand(
        light=skin_light(rng, np.maximum(front, behind) / np.float32(thick), level=level),
        behind=soft_share(behind * per_unit, soft_px),
        front=soft_share(front * per_unit, soft_px),
    )


def lamp(rng: np.random.Generator, size_wh: tuple[int, int]) -> Field:
    """The mirror image of a tube, a window or a bulb in glass: (height, width), 0 to 1."""
    across_wh = np.array(size_wh) / max(size_wh)
    x, y = (axis * np.float32(across) for axis, across in zip(axes(size_wh, reach=0.5), across_wh, strict=True))
    turn = rng.uniform(0, np.pi)
    long, wide = rng.uniform(0.02, 0.6), rng.uniform(0.01, 0.06)
    at_x, at_y = rng.uniform(-0.4, 0.4, 2) * across_wh
    along = np.float32(np.cos(turn)) * (x - np.float32(at_x)) + np.float32(np.sin(turn)) * (y - np.float32(at_y))
    across = np.float32(np.cos(turn)) * (y - np.float32(at_y)) - np.float32(np.sin(turn)) * (x - np.float32(at_x))
    beyond = np.hypot(np.maximum(np.abs(along) - np.float32(long), 0), across)
    soft = float(rng.uniform(0.002, 0.03))
    middle = 1 + np.exp(-wide / soft)
    fading = np.exp(np.clip((beyond - np.float32(wide)) / np.float32(soft), -30, 30))
    return np.asarray(np.float32(middle) / (1 + fading), dtype=np.float32)


def skin_light(rng: np.random.Generator, depth: Field, *, level: float) -> Light:
    """Skin: rounded, lit from one side, mottled and with creases.

    Args:
        rng: Chance: how dark it is, and its spots.
        depth: (height, width) how far inside the hand a pixel lies, in units of a finger's radius.
        level: Light in the room: that of white paper.

    Returns:
        (height, width, 3) linear light.
    """
    height, width = depth.shape
    tone = rng.uniform(0, len(_SKINS) - 1)
    low = int(tone)
    pair = np.array(_SKINS[low : low + 2])
    skin = (pair[0] + (pair[-1] - pair[0]) * (tone - low)) * level * np.exp(rng.normal(0, 0.1, 3))
    inside = np.clip(depth, 0, 1)
    # The height of a round thing above its edge: steep there, flat on top.
    shade = np.float32(0.35) + np.float32(0.65) * np.sqrt(1 - (1 - inside) ** 2)
    lit = np.float32(0.7) + np.float32(0.6) * smooth_field(rng, (width, height), cells=3)
    creases = fractal(rng, (width, height), octaves=6, persistence=0.75) - np.float32(0.5)
    red = fractal(rng, (width, height), octaves=4, persistence=0.6) - np.float32(0.5)
    light = (shade * lit * (1 + np.float32(0.35) * creases))[..., None] * skin.astype(np.float32)
    # Blood shows as more red and less of the others.
    light *= 1 + red[..., None] * np.array([0.15, -0.25, -0.2], dtype=np.float32)
    return np.asarray(np.maximum(light, 0), dtype=np.float32)


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
