"""Mixup of crops of one scale."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.train.mixup import Step, mix, partners

SCALES = np.array([0, 1, 1, 2, 2, 2, 1])


@pytest.fixture
def step():
    """Seven crops, each of one value; classes 0 and 1."""
    crops = np.arange(7, dtype=np.float32)[:, None, None, None] * np.ones((7, 2, 2, 3), np.float32)
    return Step(crops, np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0, 1, 1]], np.array([1, 2, 1, 2, 1, 2, 2], np.float32))


@pytest.mark.parametrize("seed", range(20))
def test_partners_are_of_the_same_scale_and_taken_once(seed):
    found = partners(np.random.default_rng(seed), SCALES)
    assert sorted(found) == list(range(7))
    np.testing.assert_array_equal(SCALES[found], SCALES)
    # Whoever has others of its scale is not its own partner.
    assert (found == np.arange(7)).tolist() == [True] + [False] * 6


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_pixels_answers_and_weights_are_mixed_by_one_share(step, alpha):
    mixed = mix(np.random.default_rng(3), step, SCALES, alpha=alpha)
    others = partners(np.random.default_rng(3), SCALES)
    levels = mixed.crops[:, 0, 0, 0]
    assert np.ptp(mixed.crops, axis=(1, 2, 3)).max() == 0
    np.testing.assert_allclose(mixed.answers.sum(axis=1), 1, rtol=1e-6)
    for index in range(1, 7):
        share = (levels[index] - others[index]) / (index - others[index])
        assert 0.5 <= share <= 1
        weights = share * step.weights[index], (1 - share) * step.weights[others[index]]
        assert mixed.weights[index] == pytest.approx(sum(weights), rel=1e-4)
        expected = weights[0] * step.answers[index] + weights[1] * step.answers[others[index]]
        np.testing.assert_allclose(mixed.answers[index], expected / sum(weights), atol=1e-4)


def test_a_crop_without_another_of_its_scale_stays(step):
    mixed = mix(np.random.default_rng(0), step, SCALES, alpha=1.0)
    np.testing.assert_array_equal(mixed.crops[0], step.crops[0])
    np.testing.assert_array_equal(mixed.answers[0], step.answers[0])


def test_a_photo_that_weighs_nothing_answers_nothing(step):
    still = Step(step.crops, step.answers, np.zeros(7, np.float32))
    assert np.isfinite(mix(np.random.default_rng(0), still, SCALES, alpha=1.0).answers).all()
