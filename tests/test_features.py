from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.errors import InterpreterError
from edgekit.features import FeatureCache, photo_features
from edgekit.feed import CropSource, cut_photo
from edgekit.progress import SILENT
from edgekit.runtime.interpreter import ModelInterpreter


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number in range(4):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(paths[-1])
    return CropSource(
        paths=tuple(paths), targets=np.array([0, 0, 1, 1]), plan=CropPlan(cycle=("native",), crops=3), side_px=8
    )


@pytest.fixture
def cache(tmp_path, int8_logits):
    """The two logits of a tiny model stand for features."""
    return FeatureCache(folder=tmp_path / "cache", key="tiny", model=int8_logits)


def compute(cache, source, *, draws=2, seed=0):
    return photo_features(cache, source, draws=draws, seed=seed, what="training", progress=SILENT)


def test_features_are_the_models_answers_to_the_crops(cache, source, int8_logits):
    found = compute(cache, source)
    assert (found.fixed.shape, found.drawn.shape) == ((4, 3, 2), (4, 2, 2))
    assert found.fixed.dtype == np.float32
    model = ModelInterpreter(int8_logits)
    expected = [[model(crop) for crop in cut_photo(path, source, count=3)] for path in source.paths]
    np.testing.assert_array_equal(found.fixed, expected)


def test_what_was_computed_is_kept(cache, source):
    first = compute(cache, source)
    # A model that can't be loaded is not asked.
    again = compute(replace(cache, model=b"no model"), source)
    np.testing.assert_array_equal(first.fixed, again.fixed)
    np.testing.assert_array_equal(first.drawn, again.drawn)


def test_only_what_is_missing_is_computed(cache, source):
    first = compute(cache, source)
    kept = sorted(cache.folder.rglob("*.npy"))
    assert len(kept) == 4
    kept[0].unlink()
    before = [path.stat().st_mtime_ns for path in kept[1:]]
    np.testing.assert_array_equal(compute(cache, source).drawn, first.drawn)
    assert [path.stat().st_mtime_ns for path in kept[1:]] == before


def test_a_photo_is_known_by_its_bytes(cache, source, tmp_path):
    first = compute(cache, source)
    moved = tmp_path / "moved.png"
    moved.write_bytes(source.paths[2].read_bytes())
    renamed = replace(source, paths=(moved,), targets=source.targets[2:3])
    np.testing.assert_array_equal(compute(replace(cache, model=b"no model"), renamed).drawn[0], first.drawn[2])


@pytest.mark.parametrize(
    ("edits", "options"),
    [
        pytest.param({"key": "other"}, {}, id="another-model"),
        pytest.param({}, {"seed": 1}, id="another-seed"),
        pytest.param({}, {"draws": 3}, id="more-draws"),
    ],
)
def test_what_was_computed_otherwise_is_not_taken(cache, source, edits, options):
    compute(cache, source)
    with pytest.raises(InterpreterError, match="can't load the model"):
        compute(replace(cache, model=b"no model", **edits), source, **options)


def test_another_plan_is_computed_anew(cache, source):
    compute(cache, source)
    longer = replace(source, plan=CropPlan(cycle=("native",), crops=4))
    assert compute(cache, longer).fixed.shape == (4, 4, 2)


def test_nothing_need_be_drawn(cache, source):
    assert compute(cache, source, draws=0).drawn.shape == (4, 0, 2)
