"""Explanations of photos: pictures and records in a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import DataError, EdgekitError
from edgekit.explain.options import OcclusionConfig
from edgekit.explain.photos import PhotoExplanation, explain_photos
from edgekit.records import file_sha256, from_plain, read_json
from edgekit.runtime import Classifier


@pytest.fixture
def photo(tmp_path):
    pixels = np.full((60, 80, 3), (200, 20, 40), np.uint8)
    pixels[20:40, 30:60] = (20, 20, 230)
    path = tmp_path / "a" / "shelf.png"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_and_a_record_say_why(tmp_path, heads_file, photo):
    out = tmp_path / "out"
    with Classifier.load(heads_file) as classifier:
        (found,) = explain_photos(classifier, [photo], OcclusionConfig(cells=20), out)
        verdict = classifier.classify(photo, stop_early=False)
        assert found.flatbuffer_sha256 == classifier.contract.model_sha256
    assert from_plain(PhotoExplanation, read_json(out / "shelf.json"), where="record") == found
    assert found.photo_sha256 == file_sha256(photo)
    assert (found.answer, found.size_wh) == (verdict.label, (80, 60))
    assert [one.box for one in found.crops] == [tuple(one.box) for one in verdict.crops]
    assert found.score == verdict.probabilities[found.label]
    assert found.gradcam is None
    with Image.open(out / found.picture) as picture:
        assert picture.width > 2 * 480


def test_photos_of_one_name_get_files_of_their_own(tmp_path, red_blue_file, photo):
    other = tmp_path / "b" / "Shelf.png"
    other.parent.mkdir()
    Image.new("RGB", (30, 30), "blue").save(other)
    out = tmp_path / "out"
    with Classifier.load(red_blue_file) as classifier:
        found = explain_photos(classifier, [photo, other], OcclusionConfig(cells=9), out)
    assert [one.picture for one in found] == ["shelf.png", "Shelf-2.png"]
    assert sorted(path.name for path in out.iterdir()) == ["Shelf-2.json", "Shelf-2.png", "shelf.json", "shelf.png"]
    assert json.loads((out / "Shelf-2.json").read_text())["answer"] == "recapture"


def test_a_label_is_looked_up_before_any_photo(tmp_path, red_blue_file):
    with Classifier.load(red_blue_file) as classifier, pytest.raises(DataError, match="did you mean 'recapture'"):
        explain_photos(classifier, [tmp_path / "none.jpg"], OcclusionConfig(label="recaptures"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_photo_is_not_replaced_by_its_explanation(red_blue_file, photo):
    before = photo.read_bytes()
    with Classifier.load(red_blue_file) as classifier, pytest.raises(EdgekitError, match="is one of the photos"):
        explain_photos(classifier, [photo], OcclusionConfig(cells=9), photo.parent)
    assert photo.read_bytes() == before
    assert [path.name for path in photo.parent.iterdir()] == ["shelf.png"]


@pytest.mark.parametrize("name", ["shelf.png", "shelf.json"])
def test_only_explanations_are_replaced(tmp_path, red_blue_file, photo, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("{}")
    with Classifier.load(red_blue_file) as classifier:
        with pytest.raises(EdgekitError, match=f"{name} exists, and no explanation of earlier wrote it"):
            explain_photos(classifier, [photo], OcclusionConfig(cells=9), out)
        assert (out / name).read_text() == "{}"
        (out / name).unlink()
        for _ in range(2):
            explain_photos(classifier, [photo], OcclusionConfig(cells=9), out)
