"""Which layers a task needs: small ridge regressions on photos' mean features, judged out of fold. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.train.head import DEVIATION_FLOOR, PENALTIES, FoldTrial, best_scale
from edgekit.train.options import Features

# A table of photos by photos is solved for every fold: beyond this, more photos say nothing new.
_MOST_PHOTOS = 2000


def judge_columns(
    means: Float32Array, columns: Mapping[Features, Int64Array], targets: Int64Array, folds: Int64Array, *, seed: int
) -> dict[Features, FoldTrial]:
    """How well some columns of features tell the classes of photos apart that the solution has not seen.

    Ridge regression in its dual form, photos by photos: for one head it is as good as regression on crops
    (the mean of a linear head's logits is its logit of the mean), and costs a second.

    Args:
        means: (photos, channels) features, each photo's mean over its crops.
        columns: Channels of each choice, by its name.
        targets: (photos,) class indices.
        folds: (photos,) numbers from 0; without any fold every class is there.
        seed: Draws the photos that are looked at, where there are very many.

    Returns:
        For each choice the best penalty's loss and balanced accuracy.
    """
    rows = np.arange(len(targets))
    if len(rows) > _MOST_PHOTOS:
        rows = np.random.default_rng(seed).permutation(rows)[:_MOST_PHOTOS]
    return {
        name: min(_trials(means[np.ix_(rows, chosen)], targets[rows], folds[rows]), key=lambda one: one.loss)
        for name, chosen in columns.items()
    }


def choose_columns(trials: Mapping[Features, FoldTrial]) -> Features:
    """The choice with the smallest loss, which tells more of a few photos than whether they are right."""
    return min(trials, key=lambda name: trials[name].loss)


def _trials(means: Float32Array, targets: Int64Array, folds: Int64Array) -> list[FoldTrial]:
    classes = int(targets.max()) + 1
    logits = np.zeros((len(PENALTIES), len(targets), classes))
    for fold in np.unique(folds):
        logits[:, folds == fold] = _predicted(means, targets, folds != fold, classes)
    return [best_scale(one, targets) for one in logits]


def _predicted(means: Float32Array, targets: Int64Array, seen: np.ndarray, classes: int) -> Float64Array:
    """(penalties, unseen photos, classes) of a solution for those that are seen."""
    weights = 1.0 / np.maximum(np.bincount(targets[seen], minlength=classes), 1)[targets[seen]]
    weights /= weights.sum()
    known = means[seen].astype(np.float64)
    middle = weights @ known
    deviation = np.sqrt(weights @ (known - middle) ** 2 + DEVIATION_FLOOR**2)
    known, asked = (known - middle) / deviation, (means[~seen] - middle) / deviation
    answers = np.eye(classes)[targets[seen]]
    answers -= weights @ answers
    kernel, across = known @ known.T, asked @ known.T
    ridge = float(weights @ np.diag(kernel)) / means.shape[1]
    return np.stack(
        [across @ np.linalg.solve(kernel + np.diag(penalty * ridge / weights), answers) for penalty in PENALTIES]
    )
