import dataclasses
import hashlib
import json
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError
from edgekit.simulate.demo_set import simulate_photos
from edgekit.simulate.options import SimulateConfig

SMALL = SimulateConfig(
    photos_per_class_per_group=6,
    size_wh=(96, 72),
    train_screens=("laptop-tn", "print-newspaper"),
    val_screens=("tablet-ips",),
    test_screens=("print-magazine",),
)


class Recorder:
    """Progress that remembers."""

    def __init__(self, stop_after=None):
        self.total, self.done, self.stop_after = 0, 0, stop_after

    def begin(self, what, total):
        self.total, self.done = total, 0

    def advance(self, steps=1, *, note=""):
        self.done += steps
        if self.stop_after is not None and self.done >= self.stop_after:
            raise KeyboardInterrupt

    def say(self, line):
        pass


def contents(out):
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    out = tmp_path_factory.mktemp("set")
    simulate_photos(out, SMALL, workers=1)
    return out


def test_manifest_lists_every_photo(small_set):
    samples = read_manifest(small_set / "manifest.csv")
    assert len(samples) == SMALL.photos == 48
    assert Counter(sample.label for sample in samples) == {"genuine": 24, "recapture": 24}
    for sample in samples:
        with Image.open(small_set / sample.path) as photo:
            assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", SMALL.size_wh)
        assert bool(sample.kind) == bool(sample.screen) == (sample.label == "recapture")
    assert {sample.kind for sample in samples} == {"", "laptop", "print", "tablet"}


def test_the_set_loads_as_a_dataset(small_set):
    dataset = load_dataset(small_set)
    assert not dataset.bad
    assert dataset.labels == ("genuine", "recapture")
    assert dataset.groups == ("laptop-tn", "print-magazine", "print-newspaper", "tablet-ips")


@pytest.mark.parametrize("column", ["group", "camera", "screen", "scene"])
def test_nothing_stands_on_both_sides_of_a_split(small_set, column):
    splits = defaultdict(set)
    for sample in read_manifest(small_set / "manifest.csv"):
        splits[getattr(sample, column)].add(sample.split)
    splits.pop("", None)
    assert splits
    assert all(len(where) == 1 for where in splits.values())
    assert set.union(*splits.values()) == {"train", "val", "test"}


def test_both_classes_of_a_group_have_the_same_scenes_and_cameras(small_set):
    seen = defaultdict(Counter)
    for sample in read_manifest(small_set / "manifest.csv"):
        seen[sample.group, sample.label][sample.scene, sample.camera] += 1
    groups = {group for group, _ in seen}
    assert all(seen[group, "genuine"] == seen[group, "recapture"] for group in groups)
    scenes = [scene for group in groups for scene, _ in seen[group, "genuine"]]
    assert len(set(scenes)) == len(scenes)


def test_file_properties_do_not_give_the_class_away(small_set):
    headers = defaultdict(set)
    sizes = defaultdict(list)
    for sample in read_manifest(small_set / "manifest.csv"):
        path = small_set / sample.path
        with Image.open(path) as photo:
            tables = json.dumps(photo.quantization)
            headers[sample.label].add((sample.group, photo.size, tables, str(photo.layer), str(sorted(photo.info))))
        sizes[sample.label].append(path.stat().st_size)
    assert headers["genuine"] == headers["recapture"]
    genuine, again = (np.array(sizes[label]) for label in ("genuine", "recapture"))
    cuts = np.unique(np.concatenate([genuine, again]))
    best = max(max(a, 1 - a) for a in (((genuine < cut).mean() + (again >= cut).mean()) / 2 for cut in cuts))
    assert best < 0.9, "one threshold on the file's size must not tell the classes apart"


def test_brightness_and_colour_do_not_give_the_class_away(small_set):
    means = defaultdict(list)
    for sample in read_manifest(small_set / "manifest.csv"):
        with Image.open(small_set / sample.path) as photo:
            means[sample.label].append(np.asarray(photo).mean(axis=(0, 1)))
    genuine, again = (np.array(means[label]) for label in ("genuine", "recapture"))
    assert np.all(np.abs(genuine.mean(axis=0) - again.mean(axis=0)) < genuine.std(axis=0))


def test_two_processes_make_the_same_bytes(small_set, tmp_path):
    simulate_photos(tmp_path / "again", SMALL, workers=2)
    assert contents(tmp_path / "again") == contents(small_set)


def test_another_seed_makes_other_photos(small_set, tmp_path):
    few = dataclasses.replace(SMALL, photos_per_class_per_group=1, seed=1)
    simulate_photos(tmp_path, few, workers=1)
    first, second = contents(small_set), contents(tmp_path)
    photos = [path for path in second if path.endswith(".jpg")]
    assert len(photos) == few.photos
    assert all(first[path] != second[path] for path in photos)


def test_a_longer_set_starts_with_the_shorter_one(small_set, tmp_path):
    simulate_photos(tmp_path, dataclasses.replace(SMALL, photos_per_class_per_group=2), workers=1)
    first, second = contents(small_set), contents(tmp_path)
    assert all(first[path] == second[path] for path in second if path.endswith(".jpg"))


def test_a_finished_set_is_reused(small_set):
    before = {path: path.stat().st_mtime_ns for path in small_set.rglob("*")}
    progress = Recorder()
    made = simulate_photos(small_set, SMALL, progress=progress, workers=1)
    assert made.photos == SMALL.photos
    assert progress.total == 0
    assert {path: path.stat().st_mtime_ns for path in small_set.rglob("*")} == before


def test_an_interrupted_set_is_completed(small_set, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        simulate_photos(tmp_path, SMALL, progress=Recorder(stop_after=10), workers=1)
    assert not (tmp_path / "simulate.json").exists()
    left = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    assert 0 < len(left) < SMALL.photos
    progress = Recorder()
    simulate_photos(tmp_path, SMALL, progress=progress, workers=1)
    assert contents(tmp_path) == contents(small_set)
    assert {path: path.stat().st_mtime_ns for path in left} == left
    assert progress.done == progress.total == SMALL.photos


def test_an_interrupt_stops_the_workers(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        simulate_photos(
            tmp_path, dataclasses.replace(SMALL, photos_per_class_per_group=40), progress=Recorder(2), workers=2
        )
    assert len(list(tmp_path.rglob("*.jpg"))) < 320
    assert not list(tmp_path.rglob("*.part"))


def test_a_lost_photo_is_made_again(small_set, tmp_path):
    few = dataclasses.replace(SMALL, photos_per_class_per_group=1)
    simulate_photos(tmp_path, few, workers=1)
    before = contents(tmp_path)
    (tmp_path / "genuine" / "laptop-tn_0000.jpg").unlink()
    simulate_photos(tmp_path, few, workers=1)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["simulate.json", "simulate.started.json"])
def test_a_folder_with_another_set_is_refused(tmp_path, name):
    few = dataclasses.replace(SMALL, photos_per_class_per_group=1)
    simulate_photos(tmp_path, few, workers=1)
    if name != "simulate.json":
        record = json.loads((tmp_path / "simulate.json").read_text())
        (tmp_path / "simulate.json").unlink()
        (tmp_path / name).write_text(json.dumps({key: record[key] for key in ("version", "config")}))
    with pytest.raises(DataError, match="choose another folder"):
        simulate_photos(tmp_path, dataclasses.replace(few, seed=5), workers=1)


def test_a_folder_with_foreign_photos_is_refused(tmp_path):
    (tmp_path / "genuine").mkdir()
    with pytest.raises(DataError, match="choose another folder"):
        simulate_photos(tmp_path, SMALL, workers=1)


def test_no_workers_is_refused(tmp_path):
    with pytest.raises(DataError, match="workers must be at least 1"):
        simulate_photos(tmp_path, SMALL, workers=0)
