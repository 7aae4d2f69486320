"""Many photos to rows, in a file that a re-run completes."""

from __future__ import annotations

import csv
import json
import os

import pytest
from PIL import Image

from edgekit.errors import EdgekitError
from edgekit.runtime import Classifier, Verdict
from edgekit.scoring.predictions import PredictConfig, Prediction, count_folders, predict_photos, predict_to_file

LABELS = {"red": "genuine", "blue": "recapture"}


@pytest.fixture
def photos(tmp_path):
    """Six photos in two folders, the last of which is none."""
    paths = []
    for number in range(6):
        path = tmp_path / "photos" / ("shelf", "store")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 20), (240, 0, 0) if number < 3 else (0, 0, 240)).save(path)
        paths.append(path)
    paths[-1].write_bytes(b"\xff\xd8")
    return paths


@pytest.fixture
def classifier(red_blue_file):
    with Classifier.load(red_blue_file) as loaded:
        yield loaded


def read(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def untimed(rows):
    return [{key: value for key, value in row.items() if key != "ms"} for row in rows]


@pytest.mark.parametrize("batch", [1, 3])
def test_rows_come_in_order_whatever_is_in_flight(classifier, photos, batch):
    rows = list(predict_photos(classifier, photos, PredictConfig(top=1, batch=batch)))
    assert [row.photo for row in rows] == [str(photo) for photo in photos]
    assert [row.label for row in rows] == ["genuine"] * 3 + ["recapture"] * 2 + [""]
    assert [list(row.top or {}) for row in rows] == [["genuine"]] * 3 + [["recapture"]] * 2 + [[]]
    assert rows[-1].error


def test_folders_are_counted():
    rows = [
        *(Prediction(photo=f"a/{n}.jpg", label="apple") for n in range(3)),
        Prediction(photo="a/x.jpg", label="retake"),
        Prediction(photo="b/x.jpg", error="no picture"),
        Prediction(photo="y.jpg", label="unknown"),
    ]
    found = {one.folder: (one.photos, one.answers, one.errors) for one in count_folders(rows)}
    assert found == {
        "a": (4, {"apple": 3, "retake": 1}, 0),
        "b": (1, {}, 1),
        ".": (1, {"unknown": 1}, 0),
    }


class Stopped(Exception):
    pass


class Stopping:
    """A classifier that ends after some photos, and counts them."""

    def __init__(self, classifier, after):
        self._classifier, self.left, self.done = classifier, after, []

    def __getattr__(self, name):
        return getattr(self._classifier, name)

    def classify_many(self, photos, **options):
        for photo, verdict in zip(photos, self._classifier.classify_many(photos, **options), strict=True):
            if not self.left:
                raise Stopped
            self.left -= 1
            self.done.append(photo.name)
            yield verdict


@pytest.mark.parametrize("form", [".csv", ".jsonl"])
def test_a_run_that_was_stopped_goes_on(classifier, photos, tmp_path, form):
    config = PredictConfig(top=2)
    whole, out = tmp_path / f"whole{form}", tmp_path / "new" / f"out{form}"
    predict_to_file(classifier, photos, config, whole, model_sha256="a")
    with pytest.raises(Stopped):
        predict_to_file(Stopping(classifier, 2), photos, config, out, model_sha256="a")
    assert not out.exists()
    # Killed inside a line.
    with (out.parent / f"{out.name}.unfinished").open("ab") as file:
        file.write(b'{"key": "ab')
    going_on = Stopping(classifier, 100)
    counts = predict_to_file(going_on, photos, config, out, model_sha256="a")
    assert going_on.done == [photo.name for photo in photos[2:]]
    assert [(one.photos, one.errors) for one in counts] == [(3, 0), (3, 1)]
    assert [path.name for path in out.parent.iterdir() if not path.name.endswith(".lock")] == [out.name]
    if form == ".jsonl":
        assert untimed(read(out)) == untimed(read(whole))
    else:
        with out.open(newline="") as file, whole.open(newline="") as other:
            rows = list(csv.DictReader(file))
            assert untimed(rows) == untimed(list(csv.DictReader(other)))
        assert list(rows[0]) == [
            *("photo", "label", "score", "crops", "ms", "error"),
            *("top1", "probability1", "top2", "probability2"),
        ]
        assert rows[0]["top1"] == "genuine"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"model_sha256": "b"}, id="another model"),
        pytest.param({"config": PredictConfig(crops=2)}, id="another number of crops"),
    ],
)
def test_rows_of_another_run_are_not_taken(classifier, photos, tmp_path, change):
    given = {"config": PredictConfig(), "model_sha256": "a"}
    with pytest.raises(Stopped):
        predict_to_file(Stopping(classifier, 4), photos, out=tmp_path / "out.jsonl", **given)
    anew = Stopping(classifier, 100)
    predict_to_file(anew, photos, out=tmp_path / "out.jsonl", **given | change)
    assert len(anew.done) == len(photos)
    assert len(read(tmp_path / "out.jsonl")) == len(photos)


def test_a_photo_that_changed_is_classified_again(classifier, photos, tmp_path):
    out = tmp_path / "out.jsonl"
    with pytest.raises(Stopped):
        predict_to_file(Stopping(classifier, 2), photos, PredictConfig(), out, model_sha256="a")
    Image.new("RGB", (30, 20), (0, 0, 240)).save(photos[0])
    os.utime(photos[0], (1, 1))
    predict_to_file(classifier, photos, PredictConfig(), out, model_sha256="a")
    assert [row["label"] for row in read(out)][:2] == ["recapture", "genuine"]


def test_a_photo_that_is_gone_before_the_end_keeps_its_verdict(classifier, photos, tmp_path):
    class Losing(Stopping):
        def classify_many(self, photos, **options):
            for photo, verdict in zip(photos, super().classify_many(photos, **options), strict=True):
                photo.unlink()
                yield verdict

    out = tmp_path / "out.jsonl"
    predict_to_file(Losing(classifier, 100), photos, PredictConfig(), out, model_sha256="a")
    assert [row["label"] for row in read(out)] == ["genuine"] * 3 + ["recapture"] * 2 + [""]


@pytest.mark.parametrize(
    ("name", "said"),
    [pytest.param("out.json", r"\.csv or \.jsonl", id="ending"), pytest.param("photos.csv", "folder", id="folder")],
)
def test_what_no_file_can_be_is_said(classifier, photos, tmp_path, name, said):
    (tmp_path / "photos.csv").mkdir()
    with pytest.raises(EdgekitError, match=said):
        predict_to_file(classifier, photos, PredictConfig(), tmp_path / name, model_sha256="a")


def test_verdicts_are_the_same_one_by_one(classifier, photos):
    rows = predict_photos(classifier, photos[:-1], PredictConfig(batch=4))
    for photo, row in zip(photos, rows, strict=False):
        verdict = classifier.classify(photo)
        assert isinstance(verdict, Verdict)
        assert (row.label, row.score, row.probabilities) == (verdict.label, verdict.score, verdict.probabilities)
