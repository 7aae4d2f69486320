from __future__ import annotations

import math

import numpy as np
import pytest
from judging import bootstrap

from edgekit.errors import DataError
from edgekit.metrics.intervals import Draws, share_estimate, wilson


# References: Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="middle"),
        pytest.param(15, 148, 0.0624, 0.1605, id="small-share"),
        pytest.param(0, 20, 0.0, 0.1611, id="no-success"),
        pytest.param(1, 29, 0.0061, 0.1718, id="one-success"),
    ],
)
def test_wilson_agrees_with_newcombe(successes, trials, low, high):
    estimate = wilson(successes, trials)
    assert estimate.value == successes / trials
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)
    assert estimate.method == "wilson"


@pytest.mark.parametrize("trials", [1, 3, 7, 1000, 10**7])
def test_wilson_holds_its_share_and_stays_a_share(trials):
    for successes in {0, 1, trials // 2, trials}:
        estimate = wilson(successes, trials)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        mirrored = wilson(trials - successes, trials)
        assert mirrored.high == pytest.approx(1 - estimate.low)


def test_wilson_without_trials_knows_nothing():
    estimate = wilson(0, 0)
    assert math.isnan(estimate.value)
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((3, 2), "got 3 of 2", id="more-successes-than-trials"),
        pytest.param((-1, 2), "got -1 of 2", id="negative"),
    ],
)
def test_wilson_refuses_counts(arguments, message):
    with pytest.raises(DataError, match=message):
        wilson(*arguments)


def test_bootstrap_of_a_mean_has_the_width_that_theory_gives():
    values = np.random.default_rng(1).normal(size=400)
    estimate = bootstrap(lambda index: values[index].mean(), None, 400, resamples=4000)
    half = 1.959964 * values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert (estimate.low, estimate.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)
    assert estimate.method == "bootstrap"


def test_group_bootstrap_is_wider_when_the_photos_of_a_group_agree():
    group = np.repeat(np.arange(20), 30)
    right = np.random.default_rng(2).random(20)[group] < 0.5

    def share(index):
        return right[index].mean()

    by_photo, by_group = bootstrap(share, None, 600), bootstrap(share, group, 600)
    assert by_group.method == "group bootstrap"
    assert by_group.high - by_group.low > 3 * (by_photo.high - by_photo.low)


def test_group_bootstrap_draws_whole_groups():
    names = ["a", "b", "a", "c", "b", "a"]
    seen = []

    def collect(index):
        counts = np.bincount(index, minlength=6)
        seen.append(counts)
        return 0.0

    bootstrap(collect, names, 6, resamples=50)
    for counts in seen:
        assert counts[0] == counts[2] == counts[5]
        assert counts[1] == counts[4]
        assert counts[0] + counts[1] + counts[3] == 3


def test_the_seed_decides_and_names_equal_numbers():
    values = np.random.default_rng(3).random(40)

    def mean(index):
        return values[index].mean()

    names, numbers = ["x"] * 10 + ["y"] * 10 + ["z"] * 20, np.repeat([4, 7, 9, 9], 10)
    assert bootstrap(mean, names, 40, seed=5) == bootstrap(mean, numbers, 40, seed=5)
    assert bootstrap(mean, names, 40, seed=5) != bootstrap(mean, None, 40, seed=5)
    assert bootstrap(mean, None, 40, seed=5) != bootstrap(mean, None, 40, seed=6)


@pytest.mark.parametrize(
    ("rare_groups", "is_known"),
    [
        pytest.param(5, True, id="few-nan"),
        pytest.param(1, True, id="a-third-nan"),
        pytest.param(0, False, id="all-nan"),
    ],
)
def test_resamples_that_do_not_define_the_statistic_are_dropped(rare_groups, is_known):
    rare = np.arange(10) < rare_groups
    estimate = bootstrap(lambda index: 1.0 if rare[index].any() else math.nan, None, 10)
    assert math.isfinite(estimate.low) == math.isfinite(estimate.high) == is_known


def test_most_resamples_undefined_gives_no_interval():
    # Five given photos are all drawn in 4 % of the resamples only.
    estimate = bootstrap(lambda index: 1.0 if len(set(index)) == 5 else math.nan, None, 5)
    assert estimate.value == 1.0
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


@pytest.mark.parametrize(
    ("units", "n", "message"),
    [
        pytest.param(None, 0, "got 0 photos", id="no-photos"),
        pytest.param(["a"], 2, "got 1 groups for 2 photos", id="too-few-groups"),
        pytest.param(["a", "", " "], 3, "2 of 3 have none", id="nameless"),
    ],
)
def test_bootstrap_refuses_units(units, n, message):
    with pytest.raises(DataError, match=message):
        bootstrap(len, units, n)


def test_bootstrap_refuses_no_resamples():
    with pytest.raises(DataError, match="0 resamples"):
        bootstrap(len, None, 3, resamples=0)


@pytest.mark.parametrize("n", [3, 700_000])
def test_draws_come_in_blocks_of_bounded_size(n):
    blocks = list(Draws.of(np.arange(n) % 3, n, resamples=5).blocks())
    counts = np.concatenate(blocks)
    assert counts.shape == (5, 3)
    assert (counts.sum(axis=1) == 3).all()
    assert all(len(block) * n <= 1 << 20 or len(block) == 1 for block in blocks)


@pytest.mark.parametrize(
    ("samples", "method", "expected"),
    [
        pytest.param([1.0] * 9, "bootstrap", "wilson", id="alike-photos"),
        pytest.param([1.0] * 9, "group bootstrap", "wilson over groups", id="alike-groups"),
        pytest.param([math.nan] * 9, "group bootstrap", "wilson over groups", id="undefined"),
        pytest.param([0.8, 0.9, 1.0], "group bootstrap", "group bootstrap", id="different"),
    ],
)
def test_a_share_whose_resamples_cannot_tell_gets_wilsons_interval(samples, method, expected):
    estimate = share_estimate(1.0, np.array(samples), units=6, method=method)
    assert estimate.method == expected
    assert 0 < estimate.low < estimate.high <= 1
    if expected != method:
        assert (estimate.low, estimate.high) == (wilson(6, 6).low, 1.0)
