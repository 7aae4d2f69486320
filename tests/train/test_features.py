import inspect
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.augment.options import preset
from edgekit.contract import CropPlan
from edgekit.errors import InterpreterError
from edgekit.progress import SILENT, Progress
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring.source import CropSource, cut_photo
from edgekit.train.features import FeatureCache, photo_features


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


def compute(cache, source, *, draws=2, seed=0, progress=SILENT):
    return photo_features(cache, source, draws=draws, seed=seed, progress=progress)


class Recorder(Progress):
    def __init__(self):
        self.lines, self.done = [], 0

    def advance(self, steps=1, *, note=""):
        self.done += steps

    def say(self, line):
        self.lines.append(line)


def saved(array):
    def write(path):
        with path.open("wb") as file:
            np.savez(file, crops=array)

    return write


def under_another_name(path):
    with path.open("wb") as file:
        np.savez(file, features=np.zeros((5, 2), np.float32))


def one_bit(path):
    """A disk that forgets: the archive's checksum tells."""
    content = bytearray(path.read_bytes())
    content[content.index(b"\n", content.index(b"{'descr")) + 5] ^= 1
    path.write_bytes(content)


def huge(path):
    """A header that promises more than any memory holds."""
    saved(np.zeros((5, 2), np.float32))(path)
    path.write_bytes(path.read_bytes().replace(b"(5, 2), }" + b" " * 14, b"(5, 99999999999999), }".ljust(23)))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-3]), id="cut-short"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:40]), id="cut-in-its-header"),
        pytest.param(lambda path: path.write_bytes(b"no features at all"), id="text"),
        pytest.param(lambda path: path.write_bytes(b"PK\x03\x04 no archive"), id="no-archive"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes().replace(b"{'descr", b"(('escr")), id="header"),
        pytest.param(under_another_name, id="another-name"),
        pytest.param(one_bit, id="one-bit"),
        pytest.param(huge, id="more-than-memory"),
        pytest.param(saved(np.zeros((4, 2), np.float32)), id="too-few-crops"),
        pytest.param(saved(np.zeros((5, 2))), id="another-type"),
        pytest.param(saved(np.full((5, 2), np.nan, np.float32)), id="no-numbers"),
        pytest.param(saved(np.zeros(5, np.float32)), id="one-dimension"),
        pytest.param(saved(np.zeros((5, 3), np.float32)), id="other-channels"),
    ],
)
def test_a_damaged_file_is_computed_again(cache, source, damage, request):
    first = compute(cache, source)
    (place, *_) = sorted(cache.folder.rglob("*.npz"))
    whole, kept = place.read_bytes(), np.load(place)["crops"]
    damage(place)
    assert place.read_bytes() != whole
    told = Recorder()
    again = compute(cache, source, progress=told)
    np.testing.assert_array_equal(again.fixed, first.fixed)
    np.testing.assert_array_equal(again.drawn, first.drawn)
    np.testing.assert_array_equal(np.load(place)["crops"], kept)
    assert told.lines == [
        f"1 file of features is damaged and computed again, such as {place}",
        f"features of training photos are kept in {place.parent} (1 kB in all)",
    ]
    assert told.done == 4


def test_features_are_the_models_answers_to_the_crops(cache, source, int8_logits):
    found = compute(cache, source)
    assert (found.fixed.shape, found.drawn.shape) == ((4, 3, 2), (4, 2, 2))
    assert found.fixed.dtype == np.float32
    model = ModelInterpreter(int8_logits, scores="numbers")
    expected = [[model(crop) for crop in cut_photo(path, source, count=3)] for path in source.paths]
    np.testing.assert_array_equal(found.fixed, expected)


def test_what_was_computed_is_kept(cache, source):
    first = compute(cache, source)
    # A model that can't be loaded is not asked.
    again = compute(replace(cache, model=b"no model"), source)
    np.testing.assert_array_equal(first.fixed, again.fixed)
    np.testing.assert_array_equal(first.drawn, again.drawn)


def test_nothing_need_be_kept(cache, source, tmp_path):
    before = set(tmp_path.rglob("*"))
    told = Recorder()
    found = compute(replace(cache, folder=None), source, progress=told)
    assert (set(tmp_path.rglob("*")), told.lines, told.done) == (before, [], 4)
    np.testing.assert_array_equal(found.crops, compute(cache, source).crops)


def test_only_what_is_missing_is_computed(cache, source):
    first = compute(cache, source)
    kept = sorted(cache.folder.rglob("*.npz"))
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


def test_another_pillow_may_see_other_pixels(cache, source, monkeypatch):
    compute(cache, source)
    monkeypatch.setattr("PIL.__version__", "99.0")
    with pytest.raises(InterpreterError, match="can't load the model"):
        compute(replace(cache, model=b"no model"), source)


@pytest.mark.parametrize(
    ("what", "other"),
    [
        pytest.param("edgekit.scoring.keep.payload_bytes", lambda: b"other sources", id="runtime"),
        pytest.param("importlib.metadata.version", lambda _: "99.0", id="interpreter"),
    ],
)
def test_another_runtime_or_interpreter_may_give_other_features(cache, source, monkeypatch, what, other):
    compute(cache, source)
    monkeypatch.setattr(what, other)
    with pytest.raises(InterpreterError, match="can't load the model"):
        compute(replace(cache, model=b"no model"), source)


def test_another_reader_of_heic_may_see_other_pixels_in_heic_alone(cache, source, monkeypatch, tmp_path):
    pytest.importorskip("pillow_heif", reason="needs the heic extra").register_heif_opener()
    Image.new("RGB", (32, 24), "red").save(source.paths[1], "HEIF")
    compute(cache, source)
    monkeypatch.setattr("edgekit.scoring.keep.heic_reader", lambda: "pillow-heif-99.0")
    compute(cache, source)
    folders = [folder for folder in (tmp_path / "cache").iterdir() if folder.is_dir()]
    names = sorted(file.stem[64:] for folder in folders for file in folder.iterdir())
    assert names[:3] == ["", "", ""]
    assert len(names) == 5
    assert names[4] == "-pillow-heif-99.0"


@pytest.mark.parametrize("what", ["edgekit.augment.vary", "edgekit.augment.warp", "OpenCV"])
def test_other_augmentation_may_draw_other_crops(cache, source, monkeypatch, what):
    varied = replace(source, augmentation=preset("recapture-safe"))
    compute(cache, source)
    compute(cache, varied)
    if what == "OpenCV":
        monkeypatch.setattr("edgekit.augment.warp.RESAMPLER", "OpenCV 99.0")
    else:
        getsource = inspect.getsource
        monkeypatch.setattr("inspect.getsource", lambda one: "other" if one.__name__ == what else getsource(one))
    # Photos as they are don't depend on it.
    compute(replace(cache, model=b"no model"), source)
    with pytest.raises(InterpreterError, match="can't load the model"):
        compute(replace(cache, model=b"no model"), varied)


def test_another_plan_is_computed_anew(cache, source):
    compute(cache, source)
    longer = replace(source, plan=CropPlan(cycle=("native",), crops=4))
    assert compute(cache, longer).fixed.shape == (4, 4, 2)


def test_nothing_need_be_drawn(cache, source):
    assert compute(cache, source, draws=0).drawn.shape == (4, 0, 2)


def test_features_of_variants_have_a_folder_of_their_own(tmp_path):
    cache = FeatureCache(folder=tmp_path, key="k", model=b"")
    plain = {"paths": (), "targets": np.zeros(0, np.int64), "plan": CropPlan(), "side_px": 32}
    source, varied = CropSource(**plain), CropSource(**plain, augmentation=preset("cars"))
    assert cache.settings(source, 4, 0) != cache.settings(varied, 4, 0)
    # Without random crops nothing is varied.
    assert cache.settings(source, 0, 0) == cache.settings(varied, 0, 0)
