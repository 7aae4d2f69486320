"""A folder of one's own images as the representative dataset."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hearing import Heard
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.errors import DataError, RunError
from edgekit.progress import Progress
from edgekit.quantize.calibration import CALIBRATION_MANIFEST, CalibrationConfig
from edgekit.quantize.representative import check_calibration_folder, representative_set

CONFIG = CalibrationConfig(crops=60, plan=CropPlan(lead=("full",), cycle=("native",), crops=3), side_px=32)


@pytest.fixture(scope="module")
def train(dataset):
    return split_dataset(dataset, SplitConfig()).samples(dataset, "train")


@pytest.fixture
def images(tmp_path):
    """``images({"genuine/a": (32, 32)})``: a folder of images of these sizes, each of its own colour."""

    def make(sizes):
        for number, (name, size_wh) in enumerate(sizes.items()):
            path = tmp_path / "mine" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(number)
            Image.fromarray(rng.integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)).save(path)
        return tmp_path / "mine"

    return make


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def found_in(folder, dataset, train, config=CONFIG, progress=None):
    before = content(folder)
    found = representative_set(folder, dataset, train, config, progress=progress or Progress())
    assert content(folder) == before, "nothing may be written among the user's images"
    return found


class TestCrops:
    def test_images_of_the_inputs_side_are_taken_as_they_are(self, images, dataset, train):
        folder = images({str(number): (32, 32) for number in range(7)})
        found = found_in(folder, dataset, train)
        assert found.pixels.shape == (7, 32, 32, 3)
        theirs = {np.asarray(Image.open(path)).tobytes() for path in folder.iterdir()}
        assert {crop.tobytes() for crop in found.pixels} == theirs

    def test_photos_are_cut_by_the_plan_as_often_as_is_asked_for(self, images, dataset, train):
        found = found_in(images({"a": (90, 70), "b": (64, 100)}), dataset, train)
        assert found.pixels.shape == (60, 32, 32, 3)
        assert len({crop.tobytes() for crop in found.pixels}) > 20

    def test_every_photo_is_cut_where_there_are_more_than_that(self, images, dataset, train):
        found = found_in(images({f"{number}": (40, 36) for number in range(70)}), dataset, train)
        assert len(found.pixels) == 70 == found.calibration.own.images

    def test_crops_and_photos_together(self, images, dataset, train):
        found = found_in(images({"a": (32, 32), "b": (80, 80)}), dataset, train)
        assert (found.calibration.crops, found.calibration.own.images) == (60, 2)

    def test_the_hash_tells_images_apart_and_a_rerun_is_the_same(self, images, dataset, train):
        folder = images({"a": (90, 70), "b": (64, 100)})
        first, again = (found_in(folder, dataset, train) for _ in range(2))
        assert first.calibration == again.calibration
        assert np.array_equal(first.pixels, again.pixels)
        assert found_in(folder, dataset, train, replace(CONFIG, seed=1)).calibration.sha256 != first.calibration.sha256
        Image.new("RGB", (90, 70), "red").save(folder / "a.png")
        assert found_in(folder, dataset, train).calibration.sha256 != first.calibration.sha256


class TestWords:
    @pytest.mark.parametrize(
        ("names", "labels", "words", "absent"),
        [
            pytest.param(["a", "b"], {}, ["no folders of classes", "only 2 calibration images"], ["lack"], id="flat"),
            pytest.param(
                ["genuine/a", "x/y/genuine/b"],
                {"genuine": 2},
                ["lack 1 class (recapture)"],
                ["no folders"],
                id="one-class",
            ),
            pytest.param(
                ["genuine/a", "recapture/b"], {"genuine": 1, "recapture": 1}, ["only 2"], ["lack", "no f"], id="both"
            ),
            pytest.param([f"genuine/{n}" for n in range(100)] + ["recapture/b"], {"genuine": 100, "recapture": 1}, [], [
                "only", "lack",
            ], id="enough"),
        ],
    )  # fmt: skip
    def test_cautions(self, images, dataset, train, names, labels, words, absent):
        own = found_in(images(dict.fromkeys(names, (32, 32))), dataset, train).calibration.own
        assert own.labels == labels
        assert all(word in own.caution for word in words)
        assert not any(word in own.caution for word in absent)
        assert bool(own.caution) == bool(words)

    def test_what_the_folder_was_taken_for_is_told(self, images, dataset, train):
        heard = Heard()
        folder = images({"genuine/a": (32, 32), "genuine/b": (50, 50)})
        found_in(folder, dataset, train, progress=heard)
        assert heard.lines == [f"calibrating on 2 images in {folder} (genuine 2); 60 crops of 32 px"]


class TestRefusals:
    def test_no_photo_at_all(self, dataset, tmp_path):
        (tmp_path / "notes.txt").write_text("x")
        with pytest.raises(DataError, match=r"must hold images to calibrate on, .* got notes\.txt; name"):
            check_calibration_folder(tmp_path, dataset.root)

    def test_a_file(self, dataset, tmp_path):
        (tmp_path / "notes.txt").write_text("x")
        with pytest.raises(DataError, match="must be a folder of images, or one for crops: Not a directory"):
            check_calibration_folder(tmp_path / "notes.txt", dataset.root)

    def test_an_image_that_is_none(self, images, dataset, train):
        folder = images({"a": (32, 32)})
        (folder / "b.jpg").write_text("<html>")
        with pytest.raises(
            DataError,
            match=r"image must be usable, got 1 of 2 that are not:\n  b\.jpg: not .*\nrepair them, or remove them",
        ):
            representative_set(folder, dataset, train, CONFIG)

    def test_the_photos_that_judge(self, dataset, train):
        with pytest.raises(RunError, match="calibration crops must lie outside the photos' folder"):
            representative_set(dataset.root / "new", dataset, train, CONFIG)
        for folder in (dataset.root / "genuine", dataset.root, dataset.root.parent):
            with pytest.raises(DataError, match="must not be those that judge the result"):
                representative_set(folder, dataset, train, CONFIG)

    @pytest.mark.parametrize(
        ("text", "is_ours"),
        [
            pytest.param('{"images": []}', False, id="of-another-tool"),
            pytest.param("[]", False, id="a-list"),
            pytest.param('{\n  "config": {"crops": 60', True, id="ours-cut-short"),
        ],
    )
    def test_a_manifest(self, images, dataset, train, text, is_ours):
        folder = images({"a": (32, 32)})
        (folder / CALIBRATION_MANIFEST).write_text(text)
        if is_ours:
            with pytest.raises(RunError, match="must be JSON"):
                representative_set(folder, dataset, train, CONFIG)
        else:
            assert found_in(folder, dataset, train).calibration.own.images == 1
