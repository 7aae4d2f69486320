from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError, RunError
from edgekit.records import file_sha256
from edgekit.runtime.voting import log_odds_of, sigmoid, softmax
from edgekit.scoring.out_of_fold import OutOfFold, beside, beside_content, carry, read_beside, some_of_each
from edgekit.scoring.scores import Scores

TARGETS = np.array([0, 1, 0, 1, 1])


@pytest.fixture
def folds():
    rng = np.random.default_rng(0)
    unseen, final = rng.normal(size=(2, 5, 3, 2)).astype(np.float32)
    return OutOfFold(unseen=unseen, final=final)


def probabilities(logits):
    return softmax(np.asarray(logits, np.float64)).astype(np.float32)


def test_what_was_written_is_read(folds, tmp_path):
    place = tmp_path / "float.folds.npz"
    folds.write(place)
    again = OutOfFold.read(place, file_sha256(place), (5, 3, 2))
    np.testing.assert_array_equal(again.unseen, folds.unseen)
    np.testing.assert_array_equal(again.final, folds.final)


@pytest.mark.parametrize("damage", ["gone", "cut", "another", "other-shape"])
def test_scores_of_another_training_are_refused(folds, tmp_path, damage):
    place = tmp_path / "float.folds.npz"
    folds.write(place)
    sha256, shape = file_sha256(place), (5, 3, 2)
    if damage == "gone":
        place.unlink()
    elif damage == "cut":
        place.write_bytes(place.read_bytes()[:-9])
    elif damage == "another":
        OutOfFold(unseen=folds.final, final=folds.unseen).write(place)
    else:
        shape = (6, 3, 2)
    with pytest.raises(RunError, match="must be the scores of the folds that the run's record tells of"):
        OutOfFold.read(place, sha256, shape)


def test_a_file_that_changes_nothing_says_what_the_folds_said(folds):
    scored = Scores(crops=probabilities(folds.final), targets=TARGETS)
    found = folds.by_file(scored, np.arange(5), TARGETS)
    np.testing.assert_allclose(found.crops, probabilities(folds.unseen), atol=1e-6)
    np.testing.assert_allclose(folds.scores(TARGETS).crops, probabilities(folds.unseen), atol=1e-6)


def test_each_crop_takes_over_what_the_file_changes_about_it(folds):
    change = np.random.default_rng(1).normal(size=(5, 3, 2))
    scored = Scores(crops=probabilities(folds.final + change), targets=TARGETS)
    found = folds.by_file(scored, np.arange(5), TARGETS)
    np.testing.assert_allclose(found.crops, probabilities(folds.unseen + change), atol=1e-6)


def test_photos_that_were_not_scored_take_over_the_change_of_their_class(folds):
    """The file moves the first class one way and the second the other."""
    change = np.where(TARGETS[:, None, None] == 0, [0.7, 0.0], [0.0, 0.9])
    rows = np.array([1, 2])
    scored = Scores(crops=probabilities((folds.final + change)[rows]), targets=TARGETS[rows])
    found = folds.by_file(scored, rows, TARGETS)
    np.testing.assert_allclose(found.crops, probabilities(folds.unseen + change), atol=1e-6)


class TestSeveralLabels:
    MARKS = np.array([[0, 1], [1, 1], [0, 1], [1, 0], [0, 0]])

    def test_a_file_that_changes_nothing_says_what_the_folds_said(self, folds):
        scored = Scores(crops=sigmoid(folds.final.astype(np.float64)).astype(np.float32), targets=self.MARKS)
        found = folds.by_file(scored, np.arange(5), self.MARKS)
        np.testing.assert_allclose(found.crops, folds.scores(self.MARKS).crops, rtol=1e-4)
        np.testing.assert_allclose(folds.scores(self.MARKS).crops, sigmoid(folds.unseen.astype(np.float64)), rtol=1e-6)

    def test_photos_without_a_scored_one_of_their_labels_take_over_any_change(self, folds):
        rows = np.array([0, 3])
        moved = sigmoid(folds.final[rows].astype(np.float64) + np.array([1.0, 2.0])[:, np.newaxis, np.newaxis])
        scored = Scores(crops=moved.astype(np.float32), targets=self.MARKS[rows])
        found = log_odds_of(folds.by_file(scored, rows, self.MARKS).crops) - folds.unseen
        np.testing.assert_allclose(found[0], 1, atol=1e-3)
        # The same labels as the first, then labels that neither scored photo has.
        np.testing.assert_allclose(found[2], 1, atol=1e-3)
        assert {round(float(found[row].mean())) for row in (1, 4)} <= {1, 2}

    def test_photos_are_drawn_from_each_set_of_labels(self):
        marks = np.repeat(self.MARKS, [50, 50, 1, 2, 3], axis=0)
        rows = some_of_each(marks, 8, 0)
        assert len(rows) == 8
        assert len(np.unique(marks[rows], axis=0)) == 4


def test_probabilities_of_zero_stay_numbers(folds):
    sure = OutOfFold(unseen=folds.unseen * 500, final=folds.final * 500)
    found = sure.by_file(Scores(crops=probabilities(sure.final), targets=TARGETS), np.arange(5), TARGETS)
    np.testing.assert_allclose(found.crops, probabilities(sure.unseen), atol=1e-6)


@pytest.mark.parametrize(
    ("counts", "most", "expected"),
    [
        pytest.param([3, 2], 10, [3, 2], id="all"),
        pytest.param([500, 500], 40, [20, 20], id="alike"),
        pytest.param([500, 3], 40, [37, 3], id="all-of-a-rare-class"),
        pytest.param([50] * 100, 200, [2] * 100, id="many-classes"),
    ],
)
def test_photos_are_drawn_from_each_class_alike(counts, most, expected):
    targets = np.repeat(np.arange(len(counts)), counts)
    rows = some_of_each(targets, most, seed=3)
    assert np.bincount(targets[rows]).tolist() == expected
    assert rows.tolist() == sorted(set(rows.tolist()))


def test_scores_beside_a_model_are_its_own(tmp_path):
    model, scores = tmp_path / "m.tflite", Scores(crops=probabilities(np.ones((5, 3, 2))), targets=TARGETS)
    content = beside_content(scores)
    assert content == beside_content(scores)
    beside(model).write_bytes(content)
    sha256 = file_sha256(beside(model))
    np.testing.assert_array_equal(read_beside(model, sha256, (5, 3, 2), TARGETS).crops, scores.crops)
    with pytest.raises(DataError, match=r"must lie in m\.folds\.npz beside it, .* got none or another"):
        read_beside(model, "0" * 64, (5, 3, 2), TARGETS)
    with pytest.raises(DataError, match="got none or another"):
        read_beside(tmp_path / "other.tflite", sha256, (5, 3, 2), TARGETS)
    # A copy of the model under another name keeps them.
    carry(model, tmp_path / "other.tflite")
    np.testing.assert_array_equal(
        read_beside(tmp_path / "other.tflite", sha256, (5, 3, 2), TARGETS).crops, scores.crops
    )
    carry(tmp_path / "none.tflite", tmp_path / "more.tflite")
    assert not beside(tmp_path / "more.tflite").exists()
