from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.errors import PhotoError
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.photo import read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring.source import CropSource, cut_photo, fixed_crops, normalise

SIDE_PX = 16


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    paths = []
    for number in range(12):
        paths.append(folder / f"{number}.png")
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(paths[-1])
    plan = CropPlan(lead=("full",), cycle=("native", "1/2"), crops=4)
    return CropSource(paths=tuple(paths), targets=np.zeros(12, np.int64), plan=plan, side_px=SIDE_PX)


def test_fixed_crops_are_those_of_the_runtime(source):
    crops = list(fixed_crops(source, count=3))
    photo = read_photo(source.paths[5])
    expected = [to_tensor(photo, box, SIDE_PX) for box in crop_boxes(source.plan, photo.size_wh, SIDE_PX, count=3)]
    assert len(crops) == 12
    assert crops[5].dtype == np.uint8
    np.testing.assert_array_equal(crops[5], expected)


def test_fewer_crops_are_a_prefix_of_more(source):
    np.testing.assert_array_equal(
        cut_photo(source.paths[0], source, count=2), cut_photo(source.paths[0], source, count=6)[:2]
    )


@pytest.mark.parametrize(
    ("level", "expected"),
    [pytest.param(0, -1.0, id="black"), pytest.param(128, 0.0, id="grey"), pytest.param(255, 127 / 128, id="white")],
)
def test_normalise(level, expected):
    normalised = normalise(np.full((1, 2, 2, 3), level, np.uint8))
    assert normalised.dtype == np.float32
    assert (normalised == np.float32(expected)).all()


def test_a_photo_that_is_gone_is_named(source):
    lost = CropSource(paths=(Path("lost.png"),), targets=source.targets[:1], plan=source.plan, side_px=SIDE_PX)
    with pytest.raises(PhotoError, match="no such file"):
        list(fixed_crops(lost, count=1))
