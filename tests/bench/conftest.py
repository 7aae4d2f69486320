"""Photos, a model and a benchmark of it that several files look at."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from fixtures.lines import FAST
from PIL import Image

from edgekit.bench.benchmark import benchmark
from edgekit.data.dataset import load_dataset


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Photos whose first crops mislead: half of each is in the other class's colour."""
    root = tmp_path_factory.mktemp("photos")
    for name, colour, other in (("genuine", (230, 0, 20), (20, 0, 230)), ("recapture", (20, 0, 230), (230, 0, 20))):
        (root / name).mkdir()
        for number in range(6):
            pixels = np.full((48, 64, 3), colour, np.uint8)
            pixels[:, 20 : 20 + 6 * number] = other
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return load_dataset(root)


@pytest.fixture(scope="session")
def model(tmp_path_factory, red_blue_file):
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    shutil.copy(red_blue_file, path)
    return path


@pytest.fixture(scope="session")
def record(model, dataset):
    return benchmark(model, dataset, FAST)
