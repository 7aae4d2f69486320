from __future__ import annotations

import numpy as np
import pytest

from edgekit.quantize.rounding import Moments, MomentSum, mean_error, round_to_grid


def moments_of(inputs):
    total = MomentSum()
    total.add(inputs)
    return total.moments()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def correlated(rng):
    """Inputs that mostly move together, as neighbouring pixels do: (groups, positions, inputs)."""
    return rng.normal(size=(3, 5000, 1)) * 2 + rng.normal(size=(3, 5000, 9)) * 0.1 + 4


def error_variance(weights, rounded, inputs):
    return (inputs @ (rounded - weights)).var(axis=1).sum()


def nearest(weights):
    step = np.abs(weights).max(axis=1, keepdims=True) / 127
    return np.round(weights / step) * step


def test_moments_are_those_of_all_batches(rng):
    inputs = rng.normal(size=(2, 100, 4))
    total = MomentSum()
    for start in (0, 30, 60):
        total.add(inputs[:, start : start + 30 if start < 60 else 100])
    for group in range(2):
        np.testing.assert_allclose(total.moments().mean[group], inputs[group].mean(axis=0))
        np.testing.assert_allclose(total.moments().covariance[group], np.cov(inputs[group].T, bias=True))


def test_outputs_change_less_than_with_nearest(rng, correlated):
    weights = rng.normal(size=(3, 9, 4))
    rounded = round_to_grid(weights, moments_of(correlated))
    assert error_variance(weights, rounded, correlated) < 0.2 * error_variance(weights, nearest(weights), correlated)


def test_a_high_pass_kernel_keeps_its_sum(rng, correlated):
    weights = rng.normal(size=(3, 9, 4))
    weights -= weights.mean(axis=1, keepdims=True)
    step = np.abs(weights).max(axis=1) / 127
    rounded = round_to_grid(weights, moments_of(correlated))
    assert (np.abs(rounded.sum(axis=1)) <= step).all()


def test_no_single_weight_could_be_better(rng, correlated):
    weights = rng.normal(size=(1, 9, 1))
    inputs = correlated[:1]
    rounded = round_to_grid(weights, moments_of(inputs))
    largest = np.abs(weights).argmax()
    best = error_variance(weights, rounded, inputs)
    step = np.abs(weights).max() / 127
    for index in set(range(9)) - {largest}:
        for shift in (-step, step):
            other = rounded.copy()
            other[0, index] += shift
            # Damping may prefer another by next to nothing.
            assert error_variance(weights, other, inputs) > 0.99 * best


def test_independent_inputs_round_to_nearest(rng):
    weights = rng.normal(size=(1, 6, 5))
    moments = Moments(mean=np.zeros((1, 6)), covariance=np.eye(6)[None])
    np.testing.assert_allclose(round_to_grid(weights, moments), nearest(weights))


@pytest.mark.parametrize("still", [pytest.param(0.0, id="no-input-moves"), pytest.param(1e-30, id="hardly")])
def test_inputs_that_do_not_move_round_to_nearest(rng, still):
    weights = rng.normal(size=(2, 4, 3))
    moments = Moments(mean=np.ones((2, 4)), covariance=still * np.stack([np.eye(4)] * 2))
    np.testing.assert_allclose(round_to_grid(weights, moments), nearest(weights))


def test_whoever_rounds_again_finds_the_same_grid(rng, correlated):
    rounded = round_to_grid(rng.normal(size=(3, 9, 4)), moments_of(correlated))
    np.testing.assert_allclose(nearest(rounded), rounded)


def test_a_channel_of_zeros_stays():
    moments = Moments(mean=np.zeros((1, 2)), covariance=np.eye(2)[None])
    np.testing.assert_array_equal(round_to_grid(np.zeros((1, 2, 3)), moments), np.zeros((1, 2, 3)))


def test_the_mean_error_is_what_outputs_shift_by(rng, correlated):
    weights = rng.normal(size=(3, 9, 4))
    rounded = nearest(weights)
    expected = (correlated @ rounded).mean(axis=1) - (correlated @ weights).mean(axis=1)
    np.testing.assert_allclose(mean_error(weights, rounded, moments_of(correlated)), expected, atol=1e-9)
