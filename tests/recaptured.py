"""Draws of a phone that is seen from the front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.simulate.options import RephotoConfig
from edgekit.simulate.rephoto import draw


def rng(seed=0):
    return np.random.default_rng(seed)


def plain(**changes):
    """A phone seen from the front, with nothing but the photo on it."""
    drawn = draw(rng(), screen="oled-pentile", config=RephotoConfig(oversample=(1, 1), glare=(0, 0)))
    return replace(
        drawn, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, layout="whole", aspect=0.5, coverage=1.2, hand=False, lamp=0.0,
        room=False, **changes,
    )  # fmt: skip
