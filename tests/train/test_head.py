import numpy as np
import pytest
from sklearn.linear_model import Ridge

from edgekit.metrics.reliability import balanced_log_loss
from edgekit.runtime.voting import softmax
from edgekit.train.feed import class_weights
from edgekit.train.head import PENALTIES, FeatureSet, solve_head


def photos(seed, counts=(30, 30), *, crops=3, channels=6, shift=1.0):
    """Features whose first channel tells the classes apart, in channels of very different deviations."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(counts)), counts)
    features = rng.normal(size=(len(targets), crops, channels)) * np.geomspace(0.3, 30, channels) + 5
    features[:, :, 0] += shift * targets[:, np.newaxis]
    return FeatureSet(features=features.astype(np.float32), targets=targets)


def balanced_accuracy(head, of):
    calls = head.logits(of.features).mean(axis=1).argmax(axis=1)
    return np.mean([(calls[of.targets == index] == index).mean() for index in np.unique(of.targets)])


def test_it_is_the_ridge_regression_of_scikit_learn():
    train, validation = photos(0, (40, 10)), photos(1)
    head = solve_head(train, validation, 2)
    flat, targets = train.features.reshape(-1, 6).astype(np.float64), np.repeat(train.targets, 3)
    weights = class_weights(train.targets, 2)[targets]
    weights /= weights.sum()
    mean = weights @ flat
    # The floor of the deviation keeps channels that hardly move from being blown up.
    deviation = np.sqrt(weights @ (flat - mean) ** 2 + 0.1**2)
    standardised = (flat - mean) / deviation
    ridge = np.trace((standardised * weights[:, None]).T @ standardised) / 6
    theirs = Ridge(alpha=head.penalty * ridge).fit(standardised, np.eye(2)[targets], sample_weight=weights)
    expected = theirs.coef_.T / deviation[:, None]
    # Ours is scaled to log-odds by one number.
    scale = np.linalg.norm(head.kernel) / np.linalg.norm(expected)
    np.testing.assert_allclose(head.kernel, scale * expected, rtol=1e-3, atol=1e-6)


def test_it_tells_classes_apart_that_it_never_saw():
    assert balanced_accuracy(solve_head(photos(0), photos(1), 2), photos(2)) > 0.95


@pytest.mark.parametrize("classes", [3, 4])
def test_more_classes(classes):
    train, validation = (photos(seed, (20,) * classes, shift=3.0) for seed in (0, 1))
    head = solve_head(train, validation, classes)
    assert (head.kernel.shape, head.bias.shape) == ((6, classes), (classes,))
    assert head.kernel.dtype == head.bias.dtype == np.float32


def test_photos_of_one_class_shown_twice_change_nothing():
    train, validation = photos(0), photos(1)
    twice = np.concatenate([np.arange(60), np.arange(30)])
    more = FeatureSet(features=train.features[twice], targets=train.targets[twice])
    one, other = (solve_head(of, validation, 2) for of in (train, more))
    np.testing.assert_allclose(one.kernel, other.kernel, rtol=1e-2, atol=1e-4)


def test_the_penalty_with_the_smallest_validation_loss_is_kept():
    validation = photos(1)
    head = solve_head(photos(0), validation, 2)
    assert len(head.losses) == len(head.accuracies) == len(PENALTIES)
    assert head.accuracies[PENALTIES.index(head.penalty)] == pytest.approx(balanced_accuracy(head, validation))
    assert head.penalty == PENALTIES[int(np.argmin(head.losses))]
    voted = head.logits(validation.features).astype(np.float64).mean(axis=1)
    assert balanced_log_loss(softmax(voted), validation.targets) == pytest.approx(min(head.losses), rel=1e-3)


def test_the_scale_is_the_best_for_the_validation_photos():
    validation = photos(1)
    head = solve_head(photos(0), validation, 2)
    voted = head.logits(validation.features).astype(np.float64).mean(axis=1)
    for scale in (0.8, 1.25):
        assert balanced_log_loss(softmax(scale * voted), validation.targets) >= min(head.losses) - 1e-4


def test_a_channel_that_never_moves_does_no_harm():
    still = photos(0)
    still.features[:, :, 3] = 2.0
    head = solve_head(still, photos(1), 2)
    assert np.isfinite(head.kernel).all()
    assert abs(head.kernel[3]).max() < 1e-3
