"""What a change takes away of an error."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.explain.error_gain import error_gain


def test_a_gain_is_the_share_that_goes_away_with_its_interval():
    before = np.random.default_rng(0).uniform(1, 2, 80)
    found = error_gain(before, 0.25 * before, None)
    assert (found.value, found.low, found.high) == pytest.approx((0.75, 0.75, 0.75))
    noisy = error_gain(before, np.random.default_rng(1).permutation(before), None)
    assert noisy.value == pytest.approx(0)
    assert noisy.low < 0 < noisy.high


def test_what_gets_worse_is_negative():
    before = np.ones(10)
    assert error_gain(before, 3 * before, None).value == pytest.approx(-2)


def test_one_group_that_alone_gains_makes_the_interval_wide():
    before, groups = np.ones(60), [f"author{number // 20}" for number in range(60)]
    after = np.where(np.arange(60) < 20, 0.0, 1.0)
    alone, grouped = error_gain(before, after, None), error_gain(before, after, groups)
    assert alone.value == grouped.value == pytest.approx(1 / 3)
    assert grouped.low == 0
    assert grouped.high - grouped.low > alone.high - alone.low > 0


def test_without_an_error_there_is_nothing_to_gain():
    assert error_gain(np.zeros(4), np.zeros(4), None) is None
