from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.metrics.intervals import wilson
from edgekit.metrics.rates import (
    Resampling,
    accuracy_gains,
    flips,
    lowest_sum,
    mcnemar,
    paired_difference,
    rate,
    ratio,
)


def test_a_rate_is_of_its_own_photos_over_photos_and_over_groups():
    among, wrong = np.array([1, 1, 1, 1, 0, 0]) == 1, np.array([1, 0, 0, 0, 1, 1]) == 1
    alone = rate(among, wrong, Resampling.of(None, 6))
    assert (alone.errors, alone.n, alone.groups, alone.grouped) == (1, 4, 0, None)
    assert alone.estimate == alone.photos == wilson(1, 4)
    grouped = rate(among, wrong, Resampling.of(["a", "a", "b", "b", "c", "c"], 6))
    assert (grouped.groups, grouped.photos) == (2, alone.photos)
    assert grouped.estimate.low <= alone.photos.low <= alone.photos.high <= grouped.estimate.high


def test_no_photos_have_no_rate():
    assert rate(np.zeros(3, np.bool_), np.ones(3, np.bool_), Resampling.of(None, 3)) is None


def test_a_ratio_says_what_stands_for_nothing():
    part, whole = np.array([[1, 0], [3, 0]]), np.array([[2, 0], [4, 5]])
    np.testing.assert_array_equal(ratio(part, whole), [[0.5, 0], [0.75, 0]])
    np.testing.assert_array_equal(ratio(part, whole, of_nothing=np.nan), [[0.5, np.nan], [0.75, 0]])


class TestMcNemar:
    @pytest.mark.parametrize(
        ("lost", "won", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (0, 6, 0.03125), (3, 3, 1.0), (2, 8, 0.109375)]
    )
    def test_known_values(self, lost, won, p):
        assert mcnemar(lost, won) == p

    @settings(deadline=None)
    @given(st.integers(0, 60), st.integers(0, 60))
    def test_it_is_a_sign_test(self, lost, won):
        stats = pytest.importorskip("scipy.stats")
        expected = stats.binomtest(lost, lost + won).pvalue if lost + won else 1.0
        assert mcnemar(lost, won) == pytest.approx(expected, abs=1e-12)

    def test_thousands_of_flips_are_no_trouble(self):
        assert mcnemar(2500, 2500) == 1
        assert 0 < mcnemar(2300, 2700) < 1e-7


def test_flips_count_both_ways():
    found = flips(np.array([1, 1, 0, 0, 1]) == 1, np.array([1, 0, 1, 1, 1]) == 1)
    assert (found.right_to_wrong, found.wrong_to_right, found.p_value) == (1, 2, 1.0)


class TestPairedDifference:
    TRUTH = np.array([0, 0, 0, 1])

    def test_gains_add_up_to_the_difference_of_balanced_accuracies(self):
        before, after = np.array([1, 1, 0, 0]) == 1, np.array([1, 0, 0, 1]) == 1
        gains = accuracy_gains(self.TRUTH, before, after)
        # One of three photos of the first class is lost, the only one of the second is won.
        np.testing.assert_allclose(gains, [0, -1 / 6, 0, 1 / 2])
        found = paired_difference(gains, None)
        assert found.value == pytest.approx(1 / 3)
        # Four photos say nothing about others.
        assert (found.low, found.high) == (-1, 1)

    def test_both_ends_lie_beyond_the_one_of_a_one_sided_interval(self):
        truth, before = np.arange(40) % 2, np.arange(40) < 30
        gains = accuracy_gains(truth, before, np.ones(40, np.bool_))
        found = paired_difference(gains, None)
        assert -1 < found.low < lowest_sum(gains, None) < found.value < found.high < 1

    def test_the_same_answers_differ_by_nothing_for_sure(self):
        same = np.array([1, 0, 1, 0]) == 1
        found = paired_difference(accuracy_gains(self.TRUTH, same, same), ["a", "a", "b", "b"])
        assert (found.value, found.low, found.high) == (0, 0, 0)

    def test_groups_that_err_together_make_it_less_sure(self):
        truth, before = np.arange(40) % 2, np.arange(40) < 20
        gains = accuracy_gains(truth, before, np.ones(40, np.bool_))
        photos, groups = paired_difference(gains, None), paired_difference(gains, [str(n // 10) for n in range(40)])
        assert photos.value == groups.value == pytest.approx(0.5)
        assert groups.low < photos.low < photos.high < groups.high

    def test_one_photo_tells_nothing(self):
        found = paired_difference(np.array([0.5]), None)
        assert (found.low, found.high) == (-1, 1)

    def test_the_interval_holds_the_truth_as_often_as_it_says(self):
        rng, held = np.random.default_rng(0), 0
        for _ in range(400):
            gains = rng.normal(0.002, 0.02, 60) + np.repeat(rng.normal(0, 0.01, 12), 5)
            found = paired_difference(gains, [str(n // 5) for n in range(60)])
            held += found.low <= 0.12 <= found.high
        assert held / 400 >= 0.93
