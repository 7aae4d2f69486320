"""Photos with a lattice, as screens and prints have one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset


@pytest.fixture
def lattice() -> Callable[..., Image.Image]:
    """``lattice(period_px, size_wh, angle)``: noise with a weak wave of a known period over it."""

    def draw(period_px, size_wh=(300, 200), angle=0.0):
        y, x = np.mgrid[: size_wh[1], : size_wh[0]]
        wave = 12 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period_px)
        noise = np.random.default_rng(0).normal(0, 12, wave.shape)
        return Image.fromarray(np.clip(128 + wave + noise, 0, 255).astype(np.uint8)).convert("RGB")

    return draw


@pytest.fixture
def dataset(tmp_path, lattice):
    root = tmp_path / "photos"
    for label, period in (("$genuine$", 40), ("recapture", 5)):
        for number in range(3):
            path = root / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            lattice(period, (160 + number, 120)).save(path)
    return load_dataset(root)
