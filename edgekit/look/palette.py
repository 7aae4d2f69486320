"""Colours that can be told apart: however many are asked for, none comes twice. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.look.colours import to_linear, to_srgb

# OKLab to the cube roots of the cones' answers, and these to linear sRGB (Ottosson 2020).
_TO_CONES = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_HUES, _CHROMAS = np.linspace(0, 2 * np.pi, 60, endpoint=False), (0.06, 0.1, 0.14, 0.18, 0.22)


def distinct_colours(
    number: int, first: Sequence[str] = (), *, lightness: tuple[float, float] = (0.3, 0.8)
) -> tuple[str, ...]:
    """So many colours, each as far as can be from those before it, by distances in OKLab.

    Args:
        number: How many, up to some hundreds.
        first: Colours to begin with, as ``#rrggbb``; they are taken as they are.
        lightness: The least and the greatest lightness of those that are added, 0 to 1: what can be read on white ends
            at about 0.56, what can be read on black begins at about 0.6.

    Returns:
        ``#rrggbb``, the same for the same arguments; each once.
    """
    if number <= len(first):
        return tuple(first[:number])
    return (*first, *_added(number - len(first), tuple(first), lightness))


@lru_cache(maxsize=32)
def _added(number: int, first: tuple[str, ...], lightness: tuple[float, float]) -> tuple[str, ...]:
    lab, rgb = _candidates(lightness)
    chosen: list[int] = []
    nearest = np.full(len(lab), np.inf)
    for one in map(to_oklab, first):
        nearest = np.minimum(nearest, np.linalg.norm(lab - one, axis=1))
    for _ in range(number):
        # Of equally far ones the first; a colour that was taken is at no distance from itself.
        farthest = int(np.argmax(nearest))
        chosen.append(farthest)
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[farthest], axis=1))
    return tuple("#" + "".join(f"{level:02x}" for level in rgb[at]) for at in chosen)


def _candidates(lightness: tuple[float, float]) -> tuple[Float64Array, list[list[int]]]:
    """(n, 3) OKLab of colours that a screen can show, and their sRGB levels 0 to 255."""
    grid = [
        (level, chroma * np.cos(hue), chroma * np.sin(hue))
        for level in np.linspace(*lightness, 9)
        for chroma in _CHROMAS
        for hue in _HUES
    ]
    lab = np.array(grid)
    linear = (lab @ _TO_CONES.T) ** 3 @ _TO_LINEAR.T
    shown = ((linear >= 0) & (linear <= 1)).all(axis=1)
    levels: list[list[int]] = np.round(255 * to_srgb(linear[shown])).astype(int).tolist()
    return lab[shown], levels


def to_oklab(colour: str) -> Float64Array:
    """(3,) OKLab of ``#rrggbb``: lightness 0 to 1, and two coordinates of hue and chroma."""
    encoded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    cones = np.linalg.solve(_TO_LINEAR, to_linear(encoded))
    lab: Float64Array = np.linalg.solve(_TO_CONES, np.cbrt(cones))
    return lab
