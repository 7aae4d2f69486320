"""Which layers a task needs: small ridge regressions on photos' mean features, judged out of fold. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.scoring.operating_point import is_gain
from edgekit.scoring.out_of_fold import some_of_each
from edgekit.train.head import DEVIATION_FLOOR, best_scale
from edgekit.train.options import Features
from edgekit.train.ridge import PENALTIES

# A table of photos by photos is solved for every fold: beyond this, more photos say nothing new.
_MOST_PHOTOS = 2000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnsJudged:
    """What some columns of features are worth.

    Attributes:
        accuracy: Balanced accuracy out of fold.
        loss: Log loss out of fold, classes weighing the same.
        right: (photos,) float64: each photo's share of the balanced accuracy, 0 where it is judged wrongly.
    """

    accuracy: float
    loss: float
    right: Float64Array


def judge_columns(
    means: Float32Array, columns: Mapping[Features, Int64Array], targets: Int64Array, folds: Int64Array
) -> dict[Features, ColumnsJudged]:
    """How well some columns of features tell the classes of photos apart that the solution has not seen.

    Ridge regression in its dual form, photos by photos: for one head it is as good as regression on crops
    (the mean of a linear head's logits is its logit of the mean), and costs a second.

    Args:
        means: (photos, channels) features, each photo's mean over its crops.
        columns: Channels of each choice, by its name.
        targets: (photos,) class indices.
        folds: (photos,) numbers from 0; without any fold every class is there.

    Returns:
        For each choice, by the penalty with the smallest loss.
    """
    return {name: _judged(means[:, chosen], targets, folds) for name, chosen in columns.items()}


def choose_columns(found: Mapping[Features, ColumnsJudged], usual: Features, groups: Sequence[str] | None) -> Features:
    """The usual choice of a task, unless another is right more often, by an interval over groups.

    Where all do well on photos like those that train, the difference is chance, and what the task is says more.
    """
    best = max(found, key=lambda name: found[name].accuracy)
    return best if is_gain(found[best].right - found[usual].right, groups) else usual


def some_rows(targets: Int64Array, seed: int) -> Int64Array:
    """Which photos judge columns: all, or where there are very many some of each class."""
    return some_of_each(targets, _MOST_PHOTOS, seed)


def _judged(means: Float32Array, targets: Int64Array, folds: Int64Array) -> ColumnsJudged:
    classes = int(targets.max()) + 1
    logits = np.zeros((len(PENALTIES), len(targets), classes))
    for fold in np.unique(folds):
        logits[:, folds == fold] = _predicted(means, targets, folds != fold, classes)
    trials = [best_scale(one, targets) for one in logits]
    best = int(np.argmin([one.loss for one in trials]))
    shares = 1.0 / (len(np.unique(targets)) * np.bincount(targets)[targets])
    right = np.where(logits[best].argmax(axis=1) == targets, shares, 0.0)
    return ColumnsJudged(accuracy=trials[best].accuracy, loss=trials[best].loss, right=right)


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
