"""What a probe covers: a rectangle, or what a detector finds, in whole photos and in squares around regions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the video extra")
pytest.importorskip("scipy")

from edgekit.data.dataset import load_dataset
from edgekit.data.regions import WithoutRegion
from edgekit.errors import ContractError, EdgekitError
from edgekit.explain.masks import Subject, covered_parts
from edgekit.explain.options import FoundMask, Mask, ProbesConfig, mask_of
from edgekit.explain.probe_record import ProbesRecord
from edgekit.explain.probes import probe_photos
from edgekit.records import from_plain, plain
from edgekit.runtime import Classifier
from edgekit.runtime.crops import Box
from edgekit.scoring.regions import regions_for

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def classifier(red_blue_file):
    with Classifier.load(red_blue_file) as loaded:
        yield loaded


def by_name(record):
    return {one.name: one for one in record.probes}


@pytest.fixture
def marked(tmp_path, marked_photo):
    """Photos with a mark each, red in one class and blue in the other, one without, and one with two."""
    drawn = {
        **{f"genuine/{at}.png": [(at, 1, RED)] for at in range(3)},
        **{f"recapture/{at}.png": [(at, 5, BLUE)] for at in range(3)},
        "genuine/none.png": [],
        "recapture/two.png": [(1, 1, BLUE), (5, 5, BLUE)],
    }
    for name, marks in drawn.items():
        (tmp_path / "marked" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(marked_photo(*marks)).save(tmp_path / "marked" / name)
    return load_dataset(tmp_path / "marked")


@pytest.fixture
def detector(tmp_path, marks):
    """The file of what finds marks."""
    place = tmp_path / "own.tflite"
    place.write_bytes(marks.detector)
    return str(place)


def test_every_thing_that_a_detector_finds_is_covered(classifier, marked, marks, detector):
    """Nothing of the class is left without its marks, and all of it with them alone."""
    config = ProbesConfig(mask=FoundMask(detector=detector), cover="mean", part="all")
    record = probe_photos(classifier, marked, config)
    found = by_name(record)
    assert (record.mask, record.photos) == ("faces", 8)
    assert record.detector_sha256 == marks.contract.regions.detector_sha256
    assert (found["faces"].all.photos, found["faces"].left_out) == (7, 1)
    # A photo without marks is one colour, and so is one whose marks are covered by the mean.
    assert found["faces"].classes["genuine"].score == pytest.approx(0.5, abs=0.03)
    assert found["faces"].classes["recapture"].score == pytest.approx(0.5, abs=0.06)
    # The mean that covers the rest has some of the marks' colour.
    assert found["all but faces"].all.score_change.value == pytest.approx(0.05, abs=0.05)
    assert found["all but faces"].all.photos == 7
    assert from_plain(ProbesRecord, plain(record), where="record") == record


def test_a_model_of_regions_is_probed_by_its_regions(marks, marked):
    with Classifier(marks) as classifier:
        config = ProbesConfig(mask=FoundMask(), cover="mean", part="all")
        with pytest.raises(ContractError, match="the photos are given otherwise"):
            probe_photos(classifier, marked, config)
        record = probe_photos(classifier, regions_for(marks, marked), config)
    assert (record.photos, record.accuracy) == (6, 1.0)
    assert record.without_region == WithoutRegion(none=("genuine/none.png",), several=("recapture/two.png",))
    found = by_name(record)
    assert found["faces"].all.photos == 6
    assert found["grey"].all.score == pytest.approx(0.5, abs=0.05)


def test_what_a_square_adds_around_a_region_is_left_where_that_is_covered(marks, marked):
    """A margin of half a mark on each side, all of it black: without the mark both classes look the same."""
    wide = replace(marks, contract=marks.contract.with_regions(replace(marks.contract.regions, margin=0.5)))
    with Classifier(wide) as classifier:
        record = probe_photos(
            classifier, regions_for(wide, marked), ProbesConfig(mask=FoundMask(), cover="blur", part="all")
        )
    found = by_name(record)
    assert found["faces"].all.score < record.score
    assert found["all but faces"].left_out == 0


def test_a_model_of_regions_brings_its_detector(marks, marked, detector):
    with Classifier(marks) as classifier, pytest.raises(EdgekitError, match="brings its own detector, got --detector"):
        probe_photos(classifier, regions_for(marks, marked), ProbesConfig(mask=FoundMask(detector=detector)))


def test_another_detector_takes_no_scores_of_before(classifier, marked, detector, tmp_path):
    def keys(mask):
        probe_photos(classifier, marked, ProbesConfig(mask=mask, part="all"), scores=tmp_path / "scores")
        return {path.name for path in (tmp_path / "scores").iterdir()}

    before = keys(None)
    assert len(keys(FoundMask(detector=detector)) - before) == 2
    after = keys(FoundMask(detector=detector))
    assert len(after - before) == 2


@pytest.mark.parametrize(
    ("margin", "box"),
    [
        pytest.param(0.5, Box(20, 20, 60, 60), id="half"),
        pytest.param(0.0, Box(0, 0, 80, 80), id="none"),
    ],
)
def test_a_region_is_its_square_without_the_margin(marks, tmp_path, margin, box):
    plan = replace(marks.contract.regions, margin=margin)
    square = Subject(
        picture=Image.new("RGB", (80, 80)), size_wh=(160, 160), shrink=2, path=tmp_path / "a.png", other=lambda: None
    )
    assert covered_parts(FoundMask(), plan).find(square) == (box,)
    # A rectangle is one of the square, too.
    assert covered_parts(Mask.parse("0,0,40,20"), plan).find(square) == (Box(0, 0, 20, 10),)


def test_masks_are_read_as_the_command_line_has_them():
    assert mask_of(None) is None
    assert mask_of("1,2,3,4") == Mask.parse("1,2,3,4")
    assert mask_of("faces", "back") == FoundMask(detector="back")
    assert str(mask_of("faces")) == "faces"
    with pytest.raises(EdgekitError, match="--detector goes with --mask faces, got --mask 1,2,3,4"):
        mask_of("1,2,3,4", "back")
    with pytest.raises(EdgekitError, match="or faces, got 'hands'"):
        mask_of("hands")
