from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from edgekit.train.head import FeatureSet, solve_head
from edgekit.train.scale_heads import SCALE_PENALTIES, ScaledFeatures, solve_scale_heads

# Of a plan such as full:native,1/4 with five crops.
SCALES = np.array([0, 1, 2, 1, 2])


def photos(seed, *, count=80, channels=6, signs=(1.0, 1.0, 1.0), folds=5):
    """Features whose first channel tells two classes apart, in each scale with a sign of its own."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    features = rng.normal(size=(count, len(SCALES), channels)) * np.geomspace(0.5, 5, channels) + 3
    features[:, :, 0] += targets[:, np.newaxis] * np.array(signs)[SCALES]
    return ScaledFeatures(
        features=features.astype(np.float32),
        scales=SCALES,
        targets=targets,
        folds=np.arange(count) // 2 % folds,
    )


def blocks(features):
    return [features.mean(axis=1), *(features[:, scale == SCALES].mean(axis=1) for scale in range(3))]


def theirs(train, penalty, of):
    """What scikit-learn's ridge on the photos' standardised blocks says of other photos."""
    weights = np.full(len(train.targets), 1 / len(train.targets))
    known, asked = [], []
    mine, others = blocks(train.features.astype(np.float64)), blocks(of.astype(np.float64))
    for own, table, strength in zip(mine, others, (1, 0.3, 0.3, 0.3), strict=True):
        deviation = np.sqrt(own.var(axis=0) + 0.1**2)
        factor = np.sqrt(strength / own.shape[1]) / deviation
        known.append((own - own.mean(axis=0)) * factor)
        asked.append((table - own.mean(axis=0)) * factor)
    known, asked = np.concatenate(known, axis=1), np.concatenate(asked, axis=1)
    alpha = penalty * (weights @ (known**2).sum(axis=1))
    model = Ridge(alpha=alpha, fit_intercept=False).fit(known, np.eye(2)[train.targets] - 0.5, sample_weight=weights)
    return model.predict(asked)


def right(logits, targets):
    return float((logits.mean(axis=1).argmax(axis=1) == targets).mean())


def test_the_mean_over_crops_is_the_ridge_regression_of_scikit_learn():
    train, other = photos(0), photos(1, count=20)
    heads = solve_scale_heads(train, 2)
    found = heads.logits(other.features, SCALES).mean(axis=1)
    expected = theirs(train, heads.penalty, other.features)
    # Ours is scaled to log-odds by one number.
    scale = np.linalg.norm(found) / np.linalg.norm(expected)
    np.testing.assert_allclose(found, scale * expected, rtol=1e-3, atol=1e-3 * scale)


def test_each_photo_is_judged_by_heads_that_have_not_seen_its_fold():
    train = photos(0)
    heads = solve_scale_heads(train, 2)
    whole = heads.logits(train.features, SCALES).mean(axis=1)
    scale = np.linalg.norm(whole) / np.linalg.norm(theirs(train, heads.penalty, train.features))
    for fold in range(5):
        unseen = train.folds == fold
        rest = replace(train, features=train.features[~unseen], targets=train.targets[~unseen])
        expected = scale * theirs(rest, heads.penalty, train.features[unseen])
        np.testing.assert_allclose(
            heads.out_of_fold[unseen].mean(axis=1), expected, rtol=1e-3, atol=2e-3 * np.abs(expected).max()
        )


def test_each_head_is_fair_alone():
    """Scales look different from each other, which is no evidence: a head's logits have the mean of its own scale."""
    train = photos(0, count=200)
    shift = np.array([0.0, 8.0, -8.0], np.float32)[SCALES]
    train = replace(train, features=train.features + shift[:, np.newaxis])
    logits = solve_scale_heads(train, 2).logits(train.features, SCALES)
    margins = logits[:, :, 1] - logits[:, :, 0]
    for scale in range(3):
        own = margins[:, scale == SCALES]
        assert abs(own.mean()) < 0.01 * own.std()


def test_a_scale_that_says_the_opposite_has_its_own_head():
    signs = (1.5, -1.5, 1.5)
    train, other = photos(0, signs=signs, count=200), photos(1, signs=signs, count=200)
    own = solve_scale_heads(train, 2).logits(other.features, SCALES)
    everything = FeatureSet(features=train.features, targets=train.targets, folds=train.folds, plan_crops=5)
    one = solve_head(everything, 2).logits(other.features)
    assert right(own, other.targets) > right(one, other.targets) + 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_shapes(classes):
    train = photos(0, count=60)
    train = replace(train, targets=np.arange(60) % classes, folds=np.arange(60) // classes % 4)
    heads = solve_scale_heads(train, classes)
    assert heads.kernels.shape == (3, 6, classes)
    assert heads.biases.shape == (3, classes)
    assert heads.means.shape == (3, 6)
    assert heads.out_of_fold.shape == (60, 5, classes)
    assert len(heads.losses) == len(heads.accuracies) == len(SCALE_PENALTIES)
    assert heads.penalty == SCALE_PENALTIES[int(np.argmin(heads.losses))]
