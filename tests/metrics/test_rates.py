from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.metrics.intervals import wilson
from edgekit.metrics.rates import Resampling, flips, mcnemar, rate, ratio


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
