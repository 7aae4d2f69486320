from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from edgekit.metrics.reliability import balanced_log_loss
from edgekit.runtime.voting import softmax
from edgekit.train.feed import photo_weights
from edgekit.train.head import FeatureSet
from edgekit.train.ridge import PENALTIES, solve_ridge


def photos(seed, counts=(30, 30), *, crops=3, channels=6, shift=1.0, folds=5):
    """Features whose first channel tells the classes apart, in channels of very different deviations."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(counts)), counts)
    features = rng.normal(size=(len(targets), crops, channels)) * np.geomspace(0.3, 30, channels) + 5
    features[:, :, 0] += shift * targets[:, np.newaxis]
    return FeatureSet(
        features=features.astype(np.float32),
        targets=targets,
        folds=np.arange(len(targets)) % folds,
        plan_crops=crops,
    )


def some(of, rows, **edits):
    return replace(of, features=of.features[rows], targets=of.targets[rows], folds=of.folds[rows], **edits)


def balanced_accuracy(logits, targets):
    calls = logits.mean(axis=1).argmax(axis=1)
    return np.mean([(calls[targets == index] == index).mean() for index in np.unique(targets)])


def theirs(train, penalty):
    """The kernel that scikit-learn finds for (crops of) photos, and the logits of any features."""
    crops, channels = train.features.shape[1:]
    flat, targets = train.features.reshape(-1, channels).astype(np.float64), np.repeat(train.targets, crops)
    weights = np.repeat(photo_weights(train.targets), crops)
    weights /= weights.sum()
    mean = weights @ flat
    # The floor of the deviation keeps channels that hardly move from being blown up.
    deviation = np.sqrt(weights @ (flat - mean) ** 2 + 0.1**2)
    standardised = (flat - mean) / deviation
    ridge = np.trace((standardised * weights[:, None]).T @ standardised) / channels
    model = Ridge(alpha=penalty * ridge).fit(standardised, np.eye(2)[targets], sample_weight=weights)
    return model.coef_.T / deviation[
        :, None
    ], lambda features: (features - mean) / deviation @ model.coef_.T + model.intercept_ - 0.5


def test_it_is_the_ridge_regression_of_scikit_learn_on_all_photos():
    train = photos(0, (40, 10))
    head = solve_ridge(train, 2)
    expected, _ = theirs(train, head.choice.value)
    # Ours is scaled to log-odds by one number.
    scale = np.linalg.norm(head.layers.kernels[0]) / np.linalg.norm(expected)
    np.testing.assert_allclose(head.layers.kernels[0], scale * expected, rtol=1e-3, atol=1e-6)


def test_each_photo_is_judged_by_the_regression_on_the_other_folds():
    train = photos(0, (40, 10))
    head = solve_ridge(train, 2)
    scale = np.linalg.norm(head.layers.kernels[0]) / np.linalg.norm(theirs(train, head.choice.value)[0])
    for fold in range(5):
        _, logits = theirs(some(train, train.folds != fold), head.choice.value)
        unseen = train.folds == fold
        np.testing.assert_allclose(
            head.choice.out_of_fold[unseen], scale * logits(train.features[unseen]), rtol=1e-3, atol=1e-3 * scale
        )


def test_classes_weigh_the_same_though_a_fold_takes_more_of_one():
    """Groups of one class alone: without their fold there are fewer of it."""
    train = photos(0, (60, 60), shift=0.0)
    # A fold takes half of the first class.
    lopsided = replace(train, folds=np.where(np.arange(120) < 30, 0, 1 + np.arange(120) % 3))
    logits = solve_ridge(lopsided, 2).choice.out_of_fold[lopsided.folds == 0].mean(axis=1)
    # Nothing tells the classes apart, so neither must win.
    assert abs((logits[:, 1] - logits[:, 0]).mean()) < 0.5 * (logits[:, 1] - logits[:, 0]).std()


def test_a_group_in_one_fold_is_not_recognised():
    """Each group has a look of its own that gives its class away: known groups are easy, others luck."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 10)
    looks = rng.normal(size=(12, 40))
    features = (looks[groups] + 0.1 * rng.normal(size=(120, 40)))[:, np.newaxis].astype(np.float32)
    known = FeatureSet(features=features, targets=groups % 2, folds=np.arange(120) % 5, plan_crops=1)
    apart = replace(known, folds=groups // 2 % 5)
    found = {name: solve_ridge(of, 2) for name, of in {"known": known, "apart": apart}.items()}
    assert max(found["known"].choice.accuracies) == 1
    assert max(found["apart"].choice.accuracies) < 0.8


def test_it_tells_classes_apart_that_it_never_saw():
    head, other = solve_ridge(photos(0), 2), photos(2)
    assert balanced_accuracy(head.layers.logits(other.features), other.targets) > 0.95
    assert max(head.choice.accuracies) > 0.9


@pytest.mark.parametrize("classes", [3, 4])
def test_more_classes(classes):
    head = solve_ridge(photos(0, (20,) * classes, shift=3.0), classes)
    assert (head.layers.kernels[0].shape, head.layers.biases[0].shape) == ((6, classes), (classes,))
    assert head.layers.kernels[0].dtype == head.layers.biases[0].dtype == np.float32
    assert head.choice.out_of_fold.shape == (20 * classes, 3, classes)


def test_random_crops_train_and_do_not_judge():
    train = replace(photos(0, crops=4), plan_crops=3)
    assert solve_ridge(train, 2).choice.out_of_fold.shape == (60, 3, 2)
    fixed = replace(train, features=train.features[:, :3])
    assert not np.allclose(solve_ridge(train, 2).layers.kernels, solve_ridge(fixed, 2).layers.kernels)


def test_photos_of_one_class_shown_twice_change_nothing():
    train = photos(0)
    # The copy of a photo is in its fold.
    twice = some(train, np.concatenate([np.arange(60), np.arange(30)]))
    one, other = (solve_ridge(of, 2) for of in (train, twice))
    np.testing.assert_allclose(one.layers.kernels[0], other.layers.kernels[0], rtol=1e-2, atol=1e-4)


def test_the_penalty_with_the_smallest_loss_out_of_fold_is_kept():
    train = photos(1)
    head = solve_ridge(train, 2)
    assert len(head.choice.losses) == len(head.choice.accuracies) == len(PENALTIES)
    best = head.choice.best
    assert best == int(np.argmin(head.choice.losses))
    assert head.choice.accuracies[best] == pytest.approx(balanced_accuracy(head.choice.out_of_fold, train.targets))
    voted = head.choice.out_of_fold.astype(np.float64).mean(axis=1)
    assert balanced_log_loss(softmax(voted), train.targets) == pytest.approx(min(head.choice.losses), rel=1e-3)


def test_the_scale_is_the_best_for_photos_out_of_fold():
    train = photos(1)
    head = solve_ridge(train, 2)
    voted = head.choice.out_of_fold.astype(np.float64).mean(axis=1)
    for scale in (0.8, 1.25):
        assert balanced_log_loss(softmax(scale * voted), train.targets) >= min(head.choice.losses) - 1e-4


def test_a_channel_that_never_moves_does_no_harm():
    still = photos(0)
    still.features[:, :, 3] = 2.0
    head = solve_ridge(still, 2)
    assert np.isfinite(head.layers.kernels[0]).all()
    assert abs(head.layers.kernels[0][3]).max() < 1e-3


def test_a_photo_of_weight_two_counts_as_two_photos():
    train = photos(0, (30, 30))
    rows = np.concatenate([np.arange(60), np.arange(0, 60, 3)])
    weighted = replace(train, weights=1.0 + (np.arange(60) % 3 == 0))
    for penalty in PENALTIES:
        one, other = (solve_ridge(of, 2, penalties=[penalty]) for of in (weighted, some(train, rows)))
        kernels = [of.layers.kernels / of.choice.scale for of in (one, other)]
        np.testing.assert_allclose(*kernels, rtol=1e-2, atol=1e-5)
