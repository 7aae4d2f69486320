"""A photo to show."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def photo():
    """A smooth scene with edges, 160x120: nothing in it that looks like a grid."""
    y, x = np.mgrid[0:120, 0:160]
    planes = [120 + 60 * np.sin(x / 31 + k) + 40 * np.cos(y / 23) for k in range(3)]
    pixels = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    pixels[40:80, 50:100] = (200, 60, 40)
    return pixels
