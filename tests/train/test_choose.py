import numpy as np
import pytest

from edgekit.train.choose import choose_columns, judge_columns, some_rows


@pytest.mark.parametrize(
    ("telling", "usual", "best"),
    [
        pytest.param(0, "texture", "texture", id="the-usual-one"),
        pytest.param(0, "content", "texture", id="a-better-one"),
        pytest.param(4, "texture", "content", id="the-other-one"),
        pytest.param(None, "content", "content", id="none-is-better"),
        pytest.param(None, "texture", "texture", id="none-is-better-again"),
    ],
)
def test_the_columns_that_surely_tell_more_are_chosen(telling, usual, best):
    targets, folds = np.repeat([0, 1], 30), np.arange(60) % 5
    features = np.random.default_rng(3).normal(size=(60, 6)).astype(np.float32)
    if telling is not None:
        features[:, telling] += 3 * targets
    columns = {"texture": np.arange(3), "content": np.arange(3, 6)}
    found = judge_columns(features, columns, targets, folds)
    assert choose_columns(found, usual, None) == best
    if telling is not None:
        assert found[best].accuracy > 0.85
        assert found[best].right.sum() == pytest.approx(found[best].accuracy)


def test_a_gain_of_one_group_alone_chooses_nothing():
    targets, folds = np.repeat([0, 1], 30), np.arange(60) % 5
    features = np.random.default_rng(3).normal(size=(60, 6)).astype(np.float32)
    features[:, 4] += 4 * targets
    found = judge_columns(features, {"texture": np.arange(3), "content": np.arange(3, 6)}, targets, folds)
    assert choose_columns(found, "texture", None) == "content"
    assert choose_columns(found, "texture", ["one"] * 60) == "texture"


def test_of_very_many_photos_some_of_each_class_judge(monkeypatch):
    monkeypatch.setattr("edgekit.train.choose._MOST_PHOTOS", 40)
    targets = np.repeat([0, 1, 2], [500, 30, 5])
    assert np.bincount(targets[some_rows(targets, 0)]).tolist() == [18, 17, 5]
