from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from edgekit.data.assign import AssignConfig
from edgekit.data.dataset import load_dataset
from edgekit.data.groups import derive_groups, with_groups
from edgekit.data.manifest import Sample, read_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.split_folder import split_data
from edgekit.data.splits import split_dataset
from edgekit.errors import DataError

_EXIF_IFD, _TAKEN, _SERIAL, _MAKE, _MODEL = 0x8769, 0x9003, 0xA431, 0x010F, 0x0110


def exif(taken="", make="", model="", serial=""):
    found = Image.Exif()
    for tag, value in ((_MAKE, make), (_MODEL, model)):
        if value:
            found[tag] = value
    found.get_ifd(_EXIF_IFD).update({tag: value for tag, value in ((_TAKEN, taken), (_SERIAL, serial)) if value})
    return found


@pytest.fixture
def write(tmp_path):
    """``write("a/1.jpg", exif=…)``: a photo of noise, or of the pixels of a seed, slightly brighter."""

    def photo(path, *, of=None, seed=None, brighter=0):
        place = tmp_path / "photos" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(crc32(path.encode()) if seed is None else seed)
        coarse = Image.fromarray(rng.integers(20, 200, (8, 8, 3), dtype=np.uint8)).resize((96, 96))
        Image.fromarray(np.asarray(coarse) + np.uint8(brighter)).save(
            place, exif=(exif() if of is None else of).tobytes()
        )
        return path

    return photo


def names(tmp_path, paths, by="name"):
    samples = [Sample(path=path, label=path.split("/")[0]) for path in paths]
    return derive_groups(tmp_path / "photos", samples, by)


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        pytest.param(["IMG_20240101_1234", "IMG_20240101_9"], ["IMG_20240101"] * 2, id="a-day"),
        pytest.param(["video1_frame003", "video1_frame014"], ["video1_frame"] * 2, id="a-video"),
        pytest.param(["video2 (12)", "video2 (3)"], ["video2"] * 2, id="copies-of-a-browser"),
        pytest.param(["shelf-04_crop", "shelf-05-crop"], ["shelf"] * 2, id="what-stands-behind"),
        pytest.param(["PXL_20240101_1.MP", "PXL_20240101_22.MP"], ["PXL_20240101"] * 2, id="a-suffix-more"),
        pytest.param(["0001", "0002"], ["number"] * 2, id="numbers-alone"),
        pytest.param(["morning", "évening"], ["morning", "évening"], id="no-number"),
        pytest.param(["a" * 200 + "7"], ["a" * 200], id="long"),
    ],
)
def test_the_name_before_its_last_number_is_the_group(tmp_path, stems, expected):
    others = ["a/other_1.jpg", "a/other_2.jpg", "b/other_3.jpg", "b/more_4.jpg"]
    found = names(tmp_path, [*(f"{'ab'[at % 2]}/{stem}.jpg" for at, stem in enumerate(stems)), *others])
    assert list(found[: len(stems)]) == expected


def test_sessions_are_parted_by_an_hour_without_a_photo(write, tmp_path):
    times = ["2024:01:01 10:00:00", "2024:01:01 10:59:00", "2024:01:01 11:50:00", "2024:01:01 13:00:00"]
    paths = [write(f"{label}/{at}.jpg", of=exif(taken=time)) for label in "ab" for at, time in enumerate(times)]
    first, second = "2024-01-01 10:00:00", "2024-01-01 13:00:00"
    assert list(names(tmp_path, paths, "date")) == [first, first, first, second] * 2


def test_a_camera_is_its_maker_model_and_number(write, tmp_path):
    of = [exif(make="Acme", model="One"), exif(make="Acme", model="One", serial="7"), exif(make="Acme", model="Two")]
    paths = [
        write(f"{label}/{at}-{number}.jpg", of=one) for label in "ab" for at, one in enumerate(of) for number in "xy"
    ]
    assert (
        list(names(tmp_path, paths, "camera"))
        == [name for name in ("Acme One", "Acme One 7", "Acme Two") for _ in range(2)] * 2
    )


def test_photos_that_look_alike_are_one_group(write, tmp_path):
    paths = [
        write(f"{label}/{seed}-{brighter}.png", seed=seed, brighter=brighter)
        for label, seeds in (("a", (1, 2, 3)), ("b", (4, 5, 6)))
        for seed in seeds
        for brighter in (0, 9)
    ]
    found = names(tmp_path, paths, "look")
    assert [found[at] == found[at + 1] for at in range(0, 12, 2)] == [True] * 6
    assert len(set(found)) == 6


@pytest.mark.parametrize(
    ("by", "paths", "message"),
    [
        pytest.param("name", ["a/x_1.jpg", "b/x_2.jpg"], "gives one group, 'x', which can't be split", id="one"),
        pytest.param("name", ["a/x.jpg", "b/y.jpg"], "each of the 2 photos a group of its own", id="each-its-own"),
        pytest.param(
            "name",
            ["a/cat_1.jpg", "a/cat_2.jpg", "b/dog_1.jpg", "b/dog_2.jpg"],
            "all photos of a class into one group: 'a' in 'cat', 'b' in 'dog'",
            id="a-class-a-group",
        ),
        pytest.param("date", ["a/1.jpg", "b/2.jpg"], "finds none for 2 of 2: a/1.jpg, b/2.jpg", id="no-date"),
        pytest.param("camera", ["a/1.jpg", "b/2.jpg"], "use --group-by name, date or look", id="no-camera"),
    ],
)
def test_groups_of_no_use_are_refused(write, tmp_path, by, paths, message):
    for path in paths:
        write(path)
    with pytest.raises(DataError, match=message):
        names(tmp_path, paths, by)


def test_damaged_exif_says_nothing(write, tmp_path):
    paths = [write("a/1.jpg", of=exif(taken="2024:99:99 10:00:00")), write("b/2.jpg", of=exif(taken="noon"))]
    with pytest.raises(DataError, match="finds none for 2 of 2"):
        names(tmp_path, paths, "date")


@pytest.fixture
def walks(write, tmp_path):
    """Five walks with two photos of each class: a folder for each class and no manifest."""
    for walk in range(5):
        for label in ("cat", "dog"):
            for number in range(2):
                write(f"{label}/walk{walk}_{label}_{number}.png".replace(f"_{label}_", "-"))
    return tmp_path / "photos"


def test_no_group_that_was_derived_stands_on_two_sides(walks, progress):
    raw = load_dataset(walks)
    dataset = with_groups(raw, "name", progress)
    assert (dataset.sha256, len(dataset.groups)) == (raw.sha256, 5)
    assert progress.lines == ["5 groups by name of 20 photos, the largest 'walk0' with 4"]
    split = split_dataset(dataset, SplitConfig())
    assert (split.method, split.caution) == ("groups", "")
    sides = [{one.group for one in split.samples(dataset, part)} for part in ("train", "val", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 5
    # Without, the split is random, and photos of one walk stand on two sides.
    assert split_dataset(raw, SplitConfig()).method == "random"


def test_photos_that_have_groups_keep_them(walks):
    dataset = with_groups(load_dataset(walks), "name")
    assert with_groups(dataset, "name") is dataset
    dataset = replace(dataset, derived_by=None)
    with pytest.raises(DataError, match="got a group column; leave --group-by out"):
        with_groups(dataset, "name")
    assert with_groups(dataset, None) is dataset


def test_sides_that_the_data_names_part_groups(tmp_path):
    samples = [
        replace(Sample(path=f"{split}/{label}/walk{at}-{number}.jpg", label=label), split=split)
        for split in ("train", "test")
        for label in "ab"
        for at in range(2)
        for number in range(2)
    ]
    found = derive_groups(tmp_path, samples, "name")
    assert sorted(set(found)) == ["walk0 (test)", "walk0 (train)", "walk1 (test)", "walk1 (train)"]


def test_data_split_writes_derived_groups(walks):
    record = split_data(walks, AssignConfig(group_by="name"))
    assert sorted(group for side in record.sides for group in side.groups) == [f"walk{at}" for at in range(5)]
    assert {one.group for one in read_manifest(walks / "manifest.csv")} == {f"walk{at}" for at in range(5)}
