"""Simulated genuine photos of several sessions, whose classes a test deals out as it likes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.simulate.cameras import CAMERAS, encode_jpeg, take_photo, to_light
from edgekit.simulate.scenes import draw_scene

GROUPS, PER_GROUP = 8, 16
Change = Callable[[Sample, bytes], tuple[str, bytes]]


@pytest.fixture(scope="session")
def sessions(tmp_path_factory) -> dict[str, bytes]:
    """Path → JPEG of photos of eight sessions, each with two cameras."""
    photos = {}
    cameras = sorted(CAMERAS)
    for group in range(GROUPS):
        for number in range(PER_GROUP):
            rng = np.random.default_rng((group, number))
            camera = CAMERAS[cameras[(group + number % 2) % len(cameras)]]
            light = to_light(draw_scene(rng, size_wh=(256, 192)))
            photos[f"s{group}/{number:04d}.jpg"] = encode_jpeg(take_photo(rng, light, camera=camera), camera=camera)
    return photos


@pytest.fixture
def deal(sessions, tmp_path) -> Callable[..., Dataset]:
    """``deal(seed, change)``: the photos with classes dealt at random inside groups, each file changed if so wished."""

    def write(seed: int = 0, change: Change | None = None, name: str = "data") -> Dataset:
        rng = np.random.default_rng(seed)
        root: Path = tmp_path / name
        samples = []
        for group in range(GROUPS):
            labels = rng.permutation(["a", "b"] * (PER_GROUP // 2))
            for number, label in enumerate(labels.tolist()):
                path = f"s{group}/{number:04d}.jpg"
                sample = Sample(path=path, label=label, group=f"s{group}")
                content = sessions[path]
                if change is not None:
                    path, content = change(sample, content)
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
                samples.append(Sample(path=path, label=label, group=f"s{group}"))
        write_manifest(root / "manifest.csv", samples)
        return load_dataset(root)

    return write
