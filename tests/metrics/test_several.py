from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from edgekit.errors import DataError
from edgekit.metrics.several import average_precisions, best_thresholds, labels_report, lowest_drop, precision_changes

LABELS = ("a", "b", "c")


@pytest.fixture
def told():
    """80 photos of 16 groups; scores that know something, some of them equal."""
    rng = np.random.default_rng(3)
    truth = rng.random((80, 3)) < (0.5, 0.3, 0.15)
    scores = np.clip(np.round(0.35 * truth + 0.65 * rng.random((80, 3)), 2), 0.01, 0.99)
    return truth, scores, [f"g{number % 16}" for number in range(80)]


def test_it_agrees_with_scikit_learn(told):
    truth, scores, groups = told
    thresholds = (0.5, 0.4, 0.6)
    found = labels_report(truth, scores, thresholds, LABELS, groups, resamples=50)
    called = scores >= np.array(thresholds)
    expected = [average_precision_score(*pair) for pair in zip(truth.T, scores.T, strict=True)]
    assert [one.average_precision.value for one in found.labels] == pytest.approx(expected)
    assert found.mean_average_precision.value == pytest.approx(average_precision_score(truth, scores, average="macro"))
    assert found.macro_f1.value == pytest.approx(f1_score(truth, called, average="macro"))
    assert found.micro_f1.value == pytest.approx(f1_score(truth, called, average="micro"))
    assert found.exact_match.value == pytest.approx((truth == called).all(axis=1).mean())
    assert average_precisions(truth, scores).tolist() == pytest.approx(expected)
    assert [one.f1.value for one in found.labels] == pytest.approx(f1_score(truth, called, average=None))
    assert (found.n, found.groups) == (80, 16)
    for one in (found.mean_average_precision, found.macro_f1, found.exact_match, found.labels[1].recall):
        assert one.low < one.value < one.high


def test_counts_of_a_label(told):
    truth, scores, _ = told
    one = labels_report(truth, scores, (0.5, 0.4, 0.6), LABELS, resamples=1).labels[1]
    assert (one.label, one.photos, one.called) == ("b", truth[:, 1].sum(), (scores[:, 1] >= 0.4).sum())
    assert one.threshold == 0.4


def test_thresholds_of_several_models_count_by_the_photos_that_each_judged(told):
    truth, scores, _ = told
    thresholds = np.array([[0.3, 0.5, 0.5]] * 20 + [[0.3, 0.5, 0.5]] * 40 + [[0.6, 0.5, 0.5]] * 20)
    one = labels_report(truth, scores, thresholds, LABELS, resamples=1).labels[0]
    assert one.threshold == pytest.approx(0.375)
    assert one.called == (scores[:60, 0] >= 0.3).sum() + (scores[60:, 0] >= 0.6).sum()


def test_a_label_that_no_photo_has_is_not_counted(told):
    truth, scores, _ = told
    truth = truth.copy()
    truth[:, 2] = False
    found = labels_report(truth, scores, (0.5, 0.5, 0.995), LABELS, resamples=20)
    known = average_precisions(truth, scores)[:2].mean()
    assert found.mean_average_precision.value == pytest.approx(known)
    assert math.isnan(found.labels[2].average_precision.value)
    assert math.isnan(found.labels[2].recall.value)


@pytest.mark.parametrize("label", range(3))
def test_no_other_threshold_has_a_better_f1(told, label):
    truth, scores, _ = told
    threshold = best_thresholds(truth, scores)[label]
    has, said = truth[:, label], scores[:, label]
    best = max(f1_score(has, said >= other, zero_division=0) for other in np.arange(0.005, 1, 0.01))
    assert f1_score(has, said >= threshold) == pytest.approx(best)


@pytest.mark.parametrize(
    ("has", "scores", "threshold"),
    [
        pytest.param([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 0.5, id="half-way-in-log-odds"),
        pytest.param([1, 1, 0], [0.999, 0.99, 0.01], 0.5, id="far-apart"),
        pytest.param([1, 1, 1], [0.9, 0.8, 0.6], 0.3, id="below-all"),
        pytest.param([0, 0, 0], [0.9, 0.8, 0.6], 0.5, id="no-photo-has-it"),
        pytest.param([1, 0], [1.0, 0.0], 0.5, id="certain"),
    ],
)
def test_thresholds(has, scores, threshold):
    found = best_thresholds(np.array(has, bool)[:, np.newaxis], np.array(scores)[:, np.newaxis])
    assert found == pytest.approx((threshold,), abs=1e-9)
    assert 0 < found[0] < 1


def test_the_lower_end_of_a_drop(told):
    truth, scores, groups = told
    worse = scores[::-1]
    drop = average_precisions(truth, scores).mean() - average_precisions(truth, worse).mean()
    assert 0 < lowest_drop(truth, scores, worse, groups) < drop
    assert lowest_drop(truth, scores, scores, groups) == 0
    assert lowest_drop(truth, worse, scores, groups) < 0


def test_changes_of_all_and_of_each(told):
    truth, scores, groups = told
    worse = scores[::-1]
    whole, *each = precision_changes(truth, scores, worse, groups)
    rises = average_precisions(truth, worse) - average_precisions(truth, scores)
    assert [one.value for one in each] == pytest.approx(rises)
    assert whole.value == pytest.approx(rises.mean())
    assert all(one.low <= one.value <= one.high for one in (whole, *each))
    assert whole.high < 0
    same = precision_changes(truth, scores, scores, groups)
    assert {(one.value, one.low, one.high) for one in same} == {(0.0, 0.0, 0.0)}


def test_a_label_of_no_photo_does_not_change(told):
    truth, scores, _ = told
    whole, *each = precision_changes(truth & [True, True, False], scores, scores[::-1])
    assert math.isnan(each[2].value)
    assert whole.value == pytest.approx((each[0].value + each[1].value) / 2)


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        pytest.param(np.zeros((0, 3), bool), np.zeros((0, 3)), r"truth \(n, 3\)", id="no-photo"),
        pytest.param(np.zeros((4, 2), bool), np.zeros((4, 2)), r"truth \(n, 3\)", id="fewer-labels"),
        pytest.param(np.zeros((4, 3)), np.zeros((4, 3)), "of booleans", id="numbers"),
        pytest.param(np.zeros((1, 3), bool), np.full((1, 3), np.nan), "must be finite, got nan", id="nan"),
    ],
)
def test_what_cannot_be_judged(truth, scores, message):
    with pytest.raises(DataError, match=message):
        labels_report(truth, scores, (0.5,) * 3, LABELS)
