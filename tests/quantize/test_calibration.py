import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.data.manifest import Sample
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.errors import DataError, EdgekitError
from edgekit.quantize.calibration import (
    CALIBRATION_MANIFEST,
    UNFINISHED_NAME,
    CalibrationConfig,
    calibration_pixels,
    choose,
    make_calibration,
    read_calibration,
)
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor

CONFIG = CalibrationConfig(crops=60, plan=CropPlan(lead=("full",), cycle=("native",), crops=3), side_px=32)


@pytest.fixture(scope="module")
def train(dataset):
    return split_dataset(dataset, SplitConfig()).samples(dataset, "train")


@pytest.fixture(scope="module")
def kept(dataset, train, tmp_path_factory):
    """A calibration folder that no test may change."""
    folder = tmp_path_factory.mktemp("kept")
    make_calibration(folder, dataset, train, CONFIG)
    return folder


@pytest.fixture
def folder(dataset, train, tmp_path):
    """One that a test may change."""
    make_calibration(tmp_path / "crops", dataset, train, CONFIG)
    return tmp_path / "crops"


class TestChoose:
    def test_classes_and_groups_take_turns(self):
        counts = {("a", "g0"): 50, ("a", "g1"): 2, ("b", "g0"): 1, ("b", "g2"): 9}
        samples = [
            Sample(path=f"{label}/{group}-{number}.png", label=label, group=group)
            for (label, group), count in counts.items()
            for number in range(count)
        ]
        chosen = choose(np.random.default_rng(0), samples, 40)
        assert Counter((sample.label, sample.group) for sample in chosen) == dict.fromkeys(counts, 10)
        # Small cells give all their photos before they repeat any.
        assert Counter(s.path for s in chosen if s.group == "g1") == {"a/g1-0.png": 5, "a/g1-1.png": 5}

    def test_the_seed_decides(self, train):
        one, same, other = (choose(np.random.default_rng(seed), train, 20) for seed in (0, 0, 1))
        assert one == same != other


class TestMakeCalibration:
    def test_crops_come_from_training_groups_alone(self, dataset, train, kept):
        crops = read_calibration(kept).crops
        split = split_dataset(dataset, SplitConfig())
        assert {crop.photo for crop in crops} <= set(split.train)
        held_out = {s.group for part in ("val", "test") for s in split.samples(dataset, part)}
        assert not {crop.group for crop in crops} & held_out
        assert {crop.group for crop in crops} == {sample.group for sample in train}

    def test_classes_and_groups_have_equal_shares(self, kept):
        cells = Counter((crop.label, crop.group) for crop in read_calibration(kept).crops)
        assert len(cells) == 8
        assert max(cells.values()) - min(cells.values()) <= 1

    def test_a_crop_is_the_runtimes(self, dataset, kept):
        crop = read_calibration(kept).crops[7]
        with Image.open(dataset.root / crop.photo) as photo:
            expected = to_tensor(as_photo(photo.convert("RGB")), Box(*crop.box), 32)
        np.testing.assert_array_equal(np.asarray(Image.open(kept / crop.file)), expected)

    def test_the_same_seed_gives_the_same_bytes(self, dataset, train, kept, tmp_path):
        make_calibration(tmp_path, dataset, train, CONFIG)
        names = sorted(path.name for path in kept.iterdir())
        assert len(names) == 61
        assert names == sorted(path.name for path in tmp_path.iterdir())
        for name in names:
            assert (kept / name).read_bytes() == (tmp_path / name).read_bytes()

    def test_another_seed_gives_other_crops(self, dataset, train, kept, tmp_path):
        make_calibration(tmp_path, dataset, train, replace(CONFIG, seed=1))
        ours, theirs = (read_calibration(place).crops for place in (kept, tmp_path))
        assert {crop.sha256 for crop in ours} != {crop.sha256 for crop in theirs}

    def test_a_folder_that_fits_is_taken_as_it_is(self, dataset, train, folder):
        before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert make_calibration(folder, dataset, train, CONFIG) == read_calibration(folder)
        assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before

    @pytest.mark.parametrize(
        "edit",
        [
            pytest.param({"seed": 1}, id="another-seed"),
            pytest.param({"crops": 61}, id="another-number"),
            pytest.param({"side_px": 64}, id="another-side"),
            pytest.param({"plan": CropPlan(cycle=("native",), crops=3)}, id="another-plan"),
        ],
    )
    def test_other_settings_are_refused(self, dataset, train, kept, edit):
        with pytest.raises(DataError, match="chosen from other photos or settings; name another folder"):
            make_calibration(kept, dataset, train, replace(CONFIG, **edit))

    def test_other_photos_are_refused(self, dataset, train, kept):
        with pytest.raises(DataError, match="chosen from other photos or settings"):
            make_calibration(kept, dataset, train[1:], CONFIG)
        with pytest.raises(DataError, match="chosen from other photos or settings"):
            make_calibration(kept, replace(dataset, sha256="0" * 64), train, CONFIG)

    def test_an_interrupted_folder_is_filled_anew(self, dataset, train, folder):
        # The manifest is written last, so a folder without it is unfinished.
        content = (folder / CALIBRATION_MANIFEST).read_bytes()
        (folder / CALIBRATION_MANIFEST).unlink()
        (folder / UNFINISHED_NAME).touch()
        (folder / "0003.png").unlink()
        make_calibration(folder, dataset, train, CONFIG)
        assert not (folder / UNFINISHED_NAME).exists()
        assert (folder / CALIBRATION_MANIFEST).read_bytes() == content
        read_calibration(folder)

    @pytest.mark.parametrize("name", ["0003.png", "holiday.jpg", "notes.txt", ".DS_Store", "manifest.json"])
    def test_a_folder_with_files_of_others_is_left_alone(self, dataset, train, tmp_path, name):
        (tmp_path / name).write_text("{}")
        with pytest.raises(DataError, match="must be empty or hold calibration crops with their manifest"):
            make_calibration(tmp_path, dataset, train, CONFIG)
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "{}"

    def test_a_photo_beside_crops_of_a_stopped_call_is_left_alone(self, dataset, train, tmp_path):
        (tmp_path / UNFINISHED_NAME).touch()
        (tmp_path / "0003.png").write_bytes(b"somebody's")
        with pytest.raises(DataError, match=r"must be empty or hold crops of this choice, has another 0003\.png"):
            make_calibration(tmp_path, dataset, train, CONFIG)
        assert (tmp_path / "0003.png").read_bytes() == b"somebody's"
        assert not (tmp_path / CALIBRATION_MANIFEST).exists()

    def test_a_full_disk_leaves_no_manifest(self, dataset, train, tmp_path, full_disk):
        with full_disk(after=11), pytest.raises(EdgekitError, match="No space left on device; free space"):
            make_calibration(tmp_path / "crops", dataset, train, CONFIG)
        assert len(list((tmp_path / "crops").glob("*.png"))) == 10
        assert not list((tmp_path / "crops").glob(".*"))
        with pytest.raises(DataError, match="must hold manifest"):
            read_calibration(tmp_path / "crops")


@pytest.mark.parametrize("crops", [0, 49, 5001])
def test_the_number_of_crops_has_limits(crops):
    with pytest.raises(DataError, match=f"50 to 5000 crops, got {crops}; change --calibration-crops"):
        replace(CONFIG, crops=crops)


def edit_manifest(folder, edit):
    raw = json.loads((folder / CALIBRATION_MANIFEST).read_text())
    edit(raw)
    (folder / CALIBRATION_MANIFEST).write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda f: (f / CALIBRATION_MANIFEST).unlink(), "must hold manifest.json", id="no-manifest"),
        pytest.param(lambda f: (f / "0003.png").unlink(), "'0003.png' is missing", id="crop-missing"),
        pytest.param(
            lambda f: Image.new("RGB", (32, 32)).save(f / "0003.png"),
            r"0003\.png was changed after it was chosen",
            id="crop-changed",
        ),
        pytest.param(
            lambda f: edit_manifest(f, lambda raw: raw.update(crops=raw["crops"][:49])),
            "at least 50 crops, got 49; delete it",
            id="too-few-crops",
        ),
        pytest.param(
            lambda f: edit_manifest(f, lambda raw: raw["crops"][0].update(file="../0000.png")),
            r"'\.\./0000\.png' is missing",
            id="crop-outside",
        ),
        pytest.param(
            lambda f: edit_manifest(f, lambda raw: raw.update(note="x")), r"unknown \['note'\]", id="unknown-key"
        ),
        pytest.param(lambda f: (f / CALIBRATION_MANIFEST).write_text("{"), "must be JSON", id="cut-short"),
    ],
)
def test_a_damaged_folder_is_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(EdgekitError, match=message):
        read_calibration(folder)


class TestPixels:
    def test_they_are_the_crops(self, kept):
        pixels = calibration_pixels(kept, read_calibration(kept))
        assert (pixels.shape, pixels.dtype) == ((60, 32, 32, 3), np.uint8)
        np.testing.assert_array_equal(pixels[4], np.asarray(Image.open(kept / "0004.png")))

    def test_the_manifests_side_is_held(self, folder):
        edit_manifest(folder, lambda raw: raw["config"].update(side_px=64))
        with pytest.raises(DataError, match="must be 64x64 px"):
            calibration_pixels(folder, read_calibration(folder))
