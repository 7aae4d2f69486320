from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from edgekit.errors import DataError
from edgekit.metrics.rates import Resampling
from edgekit.metrics.reliability import BINS, balanced_accuracy, balanced_log_loss, reliability

EXACT = 1e-9


def calibrated(seed, n=400, *, sharpen=1.0):
    """Scores that mean what they say, or that are surer than they should be."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=n) * 2
    truth = rng.random(n) < 1 / (1 + np.exp(-odds))
    return truth, 1 / (1 + np.exp(-sharpen * odds))


def found_for(truth, score, groups=None):
    return reliability("attack score", truth, score, Resampling.of(groups, len(truth)))


def check(truth, score):
    found = found_for(truth, score)
    for bins, strategy in ((found.equal_mass, "quantile"), (found.equal_width, "uniform")):
        share, said = calibration_curve(truth, score, n_bins=BINS, strategy=strategy)
        np.testing.assert_allclose([one.share.value for one in bins], share, atol=EXACT)
        np.testing.assert_allclose([one.score for one in bins], said, atol=EXACT)
        assert sum(one.n for one in bins) == len(truth)
    weights = np.array([one.n for one in found.equal_mass]) / len(truth)
    gaps = [abs(one.score - one.share.value) for one in found.equal_mass]
    assert found.ece.value == pytest.approx(weights @ gaps, abs=EXACT)
    assert found.brier == pytest.approx(brier_score_loss(truth, score), abs=EXACT)


@pytest.mark.parametrize("n", [30, 400, 5000])
@pytest.mark.parametrize("seed", range(3))
def test_bins_are_scikit_learns(seed, n):
    check(*calibrated(seed, n))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=60))
def test_bins_of_few_photos_with_ties_are_scikit_learns(photos):
    truth, score = np.array([t for t, _ in photos]), np.array([s / 8 for _, s in photos])
    # scikit-learn wants both classes.
    if truth.all() or not truth.any():
        assert found_for(truth, score).ece.value >= 0
    else:
        check(truth, score)


def test_a_calibrated_score_lies_about_where_chance_puts_it():
    found = found_for(*calibrated(0, 1000))
    assert found.ece.value < 2 * found.ece_by_chance
    assert found.ece.low <= found.ece.value <= found.ece.high


def test_a_score_that_is_too_sure_lies_beyond_chance():
    found = found_for(*calibrated(0, 1000, sharpen=4.0))
    assert found.ece.value > 2 * found.ece_by_chance
    assert found.ece.low > found.ece_by_chance


def test_equal_scores_fall_into_one_bin():
    found = found_for(np.array([True, False, True, True]), np.full(4, 0.5))
    assert [one.n for one in found.equal_width] == [4]
    assert found.ece.value == pytest.approx(0.25)


@pytest.mark.parametrize("score", [-0.1, 1.1])
def test_a_score_outside_0_to_1_is_refused(score):
    with pytest.raises(DataError, match=r"must lie in 0\.\.1"):
        found_for(np.array([True, False]), np.array([0.5, score]))


@pytest.mark.parametrize(
    ("probabilities", "targets", "expected"),
    [
        pytest.param([[0.5, 0.5]], [0], np.log(2), id="no-idea"),
        pytest.param([[0.5, 0.5], [0.5, 0.5], [0, 1]], [0, 0, 1], np.log(2) / 2, id="classes-count-the-same"),
        pytest.param([[1, 0]], [1], -np.log(1e-7), id="a-blunder-is-bounded"),
        pytest.param([[1 / 3, 1 / 3, 1 / 3]], [2], np.log(3), id="absent-classes-do-not-count"),
    ],
)
def test_balanced_log_loss(probabilities, targets, expected):
    assert balanced_log_loss(np.array(probabilities, dtype=np.float64), np.array(targets)) == pytest.approx(expected)


def test_a_class_without_photos_is_no_part_of_the_balance():
    assert balanced_accuracy(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2])) == 0.75
