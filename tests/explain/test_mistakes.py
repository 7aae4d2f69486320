"""Which photos an evaluation tells were called wrong."""

from __future__ import annotations

import pytest
from PIL import Image

pytest.importorskip("scipy")

from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError, PhotoError, RunError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.explain.mistakes import MOST_MISTAKES, mistaken_photos
from edgekit.records import read_json, write_json


@pytest.fixture
def evaluated(tmp_path, red_blue_file):
    """Twenty photos of each class; of the recaptures fifteen are red, and so called genuine."""
    for label, wrong in (("genuine", 0), ("recapture", 15)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(20):
            red = (label == "genuine") != (number < wrong)
            colour = (200 + number, 0, 9) if red else (9, 0, 200 + number)
            Image.new("RGB", (20, 20), colour).save(tmp_path / "photos" / label / f"{number}.png")
    record = evaluate_model(red_blue_file, load_dataset(tmp_path / "photos"), EvaluateConfig(part="all"))
    write_json(tmp_path / "evaluation" / "evaluate.json", record)
    return tmp_path


def test_the_worst_are_named_and_not_all(evaluated):
    found = mistaken_photos(evaluated / "evaluation", evaluated / "photos")
    assert len(found) == MOST_MISTAKES
    assert {path.parent.name for path in found} == {"recapture"}
    assert all(path.is_file() for path in found)
    assert mistaken_photos(evaluated / "evaluation" / "evaluate.json", evaluated / "photos") == found


@pytest.mark.parametrize("name", ["../evaluation/evaluate.json", "absent.png", "x" * 300])
def test_a_record_names_no_photo_outside_the_folder(evaluated, name):
    place = evaluated / "evaluation" / "evaluate.json"
    raw = read_json(place)
    raw["detail"]["mistakes"][0]["path"] = name
    write_json(place, raw)
    with pytest.raises(PhotoError, match=r"evaluate\.json: "):
        mistaken_photos(place, evaluated / "photos")


def test_mistakes_of_the_user_are_told(evaluated):
    place = evaluated / "evaluation" / "evaluate.json"
    with pytest.raises(RunError, match="does not exist"):
        mistaken_photos(evaluated / "none", evaluated / "photos")
    with pytest.raises(RunError, match="File name too long"):
        mistaken_photos(evaluated / ("n" * 300), evaluated / "photos")
    for none in ("none", "n" * 300):
        with pytest.raises(DataError, match="must be a folder"):
            mistaken_photos(place, evaluated / none)
    raw = read_json(place)
    raw["detail"]["mistakes"] = []
    write_json(place, raw)
    with pytest.raises(DataError, match="tells of no mistake"):
        mistaken_photos(place, evaluated / "photos")
