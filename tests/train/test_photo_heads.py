from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from edgekit.runtime.voting import softmax
from edgekit.train.head import FeatureSet
from edgekit.train.photo_heads import LOGISTIC_PENALTIES, SCALE_PENALTIES, solve_logistic, solve_scale_ridge
from edgekit.train.ridge import solve_ridge

# Of a plan such as full:native,1/4 with five crops.
SCALES = np.array([0, 1, 2, 1, 2])


def photos(seed, *, count=80, channels=6, signs=(1.0, 1.0, 1.0), folds=5):
    """Features whose first channel tells two classes apart, in each scale with a sign of its own."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    features = rng.normal(size=(count, len(SCALES), channels)) * np.geomspace(0.5, 5, channels) + 3
    features[:, :, 0] += targets[:, np.newaxis] * np.array(signs)[SCALES]
    return FeatureSet(
        features=features.astype(np.float32),
        scales=SCALES,
        targets=targets,
        folds=np.arange(count) // 2 % folds,
        plan_crops=len(SCALES),
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
    heads = solve_scale_ridge(train, 2)
    found = heads.layers.logits(other.features, SCALES).mean(axis=1)
    expected = theirs(train, heads.choice.value, other.features)
    # Ours is scaled to log-odds by one number.
    scale = np.linalg.norm(found) / np.linalg.norm(expected)
    np.testing.assert_allclose(found, scale * expected, rtol=1e-3, atol=1e-3 * scale)


def test_each_photo_is_judged_by_heads_that_have_not_seen_its_fold():
    train = photos(0)
    heads = solve_scale_ridge(train, 2)
    whole = heads.layers.logits(train.features, SCALES).mean(axis=1)
    scale = np.linalg.norm(whole) / np.linalg.norm(theirs(train, heads.choice.value, train.features))
    for fold in range(5):
        unseen = train.folds == fold
        rest = replace(train, features=train.features[~unseen], targets=train.targets[~unseen])
        expected = scale * theirs(rest, heads.choice.value, train.features[unseen])
        np.testing.assert_allclose(
            heads.choice.out_of_fold[unseen].mean(axis=1), expected, rtol=1e-3, atol=2e-3 * np.abs(expected).max()
        )


def test_each_head_is_fair_alone():
    """Scales look different from each other, which is no evidence: a head's logits have the mean of its own scale."""
    train = photos(0, count=200)
    shift = np.array([0.0, 8.0, -8.0], np.float32)[SCALES]
    train = replace(train, features=train.features + shift[:, np.newaxis])
    logits = solve_scale_ridge(train, 2).layers.logits(train.features, SCALES)
    margins = logits[:, :, 1] - logits[:, :, 0]
    for scale in range(3):
        own = margins[:, scale == SCALES]
        assert abs(own.mean()) < 0.01 * own.std()


def test_a_scale_that_says_the_opposite_has_its_own_head():
    signs = (1.5, -1.5, 1.5)
    train, other = photos(0, signs=signs, count=200), photos(1, signs=signs, count=200)
    own = solve_scale_ridge(train, 2).layers.logits(other.features, SCALES)
    one = solve_ridge(replace(train, scales=None), 2).layers.logits(other.features)
    assert right(own, other.targets) > right(one, other.targets) + 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_shapes(classes):
    train = photos(0, count=60)
    train = replace(train, targets=np.arange(60) % classes, folds=np.arange(60) // classes % 4)
    heads = solve_scale_ridge(train, classes)
    assert heads.layers.kernels.shape == (3, 6, classes)
    assert heads.layers.biases.shape == (3, classes)
    assert heads.layers.means.shape == (3, 6)
    assert heads.choice.out_of_fold.shape == (60, 5, classes)
    assert len(heads.choice.losses) == len(heads.choice.accuracies) == len(SCALE_PENALTIES)
    assert heads.choice.value == SCALE_PENALTIES[int(np.argmin(heads.choice.losses))]


def test_a_photo_of_weight_two_counts_as_two_photos():
    train = photos(0, count=40)
    rows = np.concatenate([np.arange(40), np.arange(0, 40, 4)])
    twice = replace(train, features=train.features[rows], targets=train.targets[rows], folds=train.folds[rows])
    weighted = replace(train, weights=1.0 + (np.arange(40) % 4 == 0))
    for solve in (solve_scale_ridge, solve_logistic):
        one, other = (solve(of, 2, penalties=[1e-3]) for of in (weighted, twice))
        kernels = [of.layers.kernels / of.choice.scale for of in (one, other)]
        # Ridge: a penalty for each photo, so of two copies each has half of it.
        np.testing.assert_allclose(*kernels, rtol=0.02, atol=2e-3 * np.abs(kernels[0]).max())


class TestLogistic:
    @pytest.mark.parametrize("classes", [2, 3])
    def test_it_is_the_logistic_regression_of_scikit_learn(self, classes):
        """On the standardised means of the photos, in as many dimensions as there are channels."""
        train = replace(photos(0, count=90), scales=None)
        train = replace(train, targets=np.arange(90) % classes, folds=np.arange(90) // classes % 4)
        head = solve_logistic(train, classes, penalties=[1e-2])
        means = train.features.mean(axis=1).astype(np.float64)
        middle, deviation = means.mean(axis=0), np.sqrt(means.var(axis=0) + 0.1**2)
        known = (means - middle) / deviation
        # Relative to the mean square of a photo.
        penalty = 1e-2 * (known**2).sum(axis=1).mean()
        model = LogisticRegression(C=1 / (90 * penalty), tol=1e-8, max_iter=1000).fit(known, train.targets)
        expected = model.predict_log_proba(known)
        found = np.log(softmax(head.layers.logits(train.features).mean(axis=1).astype(np.float64) / head.choice.scale))
        np.testing.assert_allclose(found, expected, atol=2e-3)

    @pytest.mark.parametrize("scales", [None, SCALES], ids=["one", "scales"])
    def test_it_tells_classes_apart_that_it_never_saw(self, scales):
        signs = (1.5, 1.5, 1.5)
        train, other = replace(photos(0, signs=signs), scales=scales), photos(1, signs=signs)
        head = solve_logistic(train, 2)
        assert right(head.layers.logits(other.features, scales), other.targets) > 0.85
        assert head.layers.kernels.shape == (1 if scales is None else 3, 6, 2)
        assert len(head.choice.losses) == len(LOGISTIC_PENALTIES)

    def test_it_stays_where_photos_are_fewer_than_channels(self):
        head = solve_logistic(replace(photos(0, count=20, channels=50), scales=None), 2)
        assert np.isfinite(head.layers.kernels).all()
