"""The cheats: small models that see nothing but a probe's numbers, always scored on groups they were not fitted to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from edgekit.arrays import Float64Array, Int64Array
from edgekit.audit.probes import Cheat

Fold = tuple[Int64Array, Int64Array]

# A cheat's rule is a few cuts; deeper trees learn single photos.
_TREE_DEPTH = 3
_LEAST_LEAF = 5
_RIDGE = 10.0


def make_folds(y: Int64Array, unit: Int64Array | None, folds: int, seed: int) -> list[Fold]:
    """Deal photos out: whole units where there are any, classes in their shares.

    Args:
        y: (n,) class of each photo, 0 .. k - 1.
        unit: (n,) number of each photo's group; None to deal single photos.
        folds: At most this many; fewer where units or photos do not suffice.
        seed: Another seed deals otherwise.

    Returns:
        (fit on, score on) indices of each fold. Every photo is scored once.
    """
    if unit is None:
        least = int(np.bincount(y).min())
        splitter = StratifiedKFold(max(2, min(folds, least)), shuffle=True, random_state=seed)
        return _split(splitter.split(y, y))
    count = min(folds, len(np.unique(unit)))
    if not labels_matter(y, unit):
        return _split(GroupKFold(count).split(y, y, unit))
    return _split(StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(y, y, unit))


def _split(parts: Iterator[tuple[Int64Array, Int64Array]]) -> list[Fold]:
    with warnings.catch_warnings():
        # It warns of classes with fewer photos than folds, which balanced accuracy and its interval show.
        warnings.simplefilter("ignore", UserWarning)
        return [(fit, score) for fit, score in parts if len(score)]


def labels_matter(y: Int64Array, unit: Int64Array | None) -> bool:
    """Whether folds depend on the labels; they don't where every group has several classes."""
    return unit is None or any(len(np.unique(y[unit == one])) == 1 for one in np.unique(unit))


def held_out_scores(x: Float64Array, y: Int64Array, folds: Sequence[Fold], cheat: Cheat) -> Float64Array:
    """Score each photo by a model that saw none of its fold; (n, k), larger is likelier."""
    if cheat == "linear":
        one: Float64Array = linear_scores(x, y[None], folds)[0]
        return one
    k = int(y.max()) + 1
    scores = np.zeros((len(y), k))
    # What the tree would make of it; given so, its checks, which take longer than the fit, can be left out.
    narrow = np.ascontiguousarray(x, np.float32)
    for fit, score in folds:
        tree = DecisionTreeClassifier(
            max_depth=_TREE_DEPTH, min_samples_leaf=min(_LEAST_LEAF, len(fit) // 4 or 1), random_state=0
        )
        count = np.bincount(y[fit], minlength=k)
        # Each class weighs the same, as by ``class_weight="balanced"``.
        weight = len(fit) / (np.count_nonzero(count) * count[y[fit]])
        with config_context(assume_finite=True, skip_parameter_validation=True):
            tree.fit(narrow[fit], y[fit], sample_weight=weight, check_input=False)
            scores[np.ix_(score, tree.classes_)] = tree.predict_proba(narrow[score], check_input=False)
    return scores


def linear_scores(x: Float64Array, labellings: Int64Array, folds: Sequence[Fold]) -> Float64Array:
    """Score each photo by a ridge regression on the classes that saw none of its fold: many labellings at once.

    Args:
        x: (n, d) float64.
        labellings: (m, n) classes, all of the same ones.
        folds: One dealing for all labellings.

    Returns:
        (m, n, k) how far each class stands above its share.
    """
    m, n = labellings.shape
    k = int(labellings.max()) + 1
    targets = (labellings[..., None] == np.arange(k)).astype(np.float64)
    scores = np.zeros((m, n, k))
    for fit, score in folds:
        shares = np.maximum(targets[:, fit].mean(axis=1, keepdims=True), 1.0 / n)
        # A rare class gets targets as large as it is rare, so that none is given up.
        wanted = ((targets[:, fit] - shares) / shares).transpose(1, 0, 2).reshape(len(fit), m * k)
        scaler = StandardScaler().fit(x[fit])
        ridge = Ridge(alpha=_RIDGE).fit(scaler.transform(x[fit]), wanted)
        scores[:, score] = ridge.predict(scaler.transform(x[score])).reshape(len(score), m, k).transpose(1, 0, 2)
    return scores


def held_out_chances(x: Float64Array, y: Int64Array, folds: Sequence[Fold]) -> Float64Array:
    """Probabilities of all classes for each photo by a logistic regression that saw none of its fold; (n, k)."""
    k = int(y.max()) + 1
    chances = np.zeros((len(y), k))
    for fit, score in folds:
        seen = np.unique(y[fit])
        if len(seen) == 1:
            chances[score, seen[0]] = 1.0
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
        chances[np.ix_(score, seen)] = model.fit(x[fit], y[fit]).predict_proba(x[score])
    return chances
