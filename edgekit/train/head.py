"""A linear head, solved exactly: class-balanced ridge regression on standardised features, chosen by folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.runtime.voting import softmax

# Relative to the mean variance of the features; photos that a fold leaves out choose.
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
_SCALES = np.logspace(-0.5, 2, 51)
# Pooled ReLU6 features below this deviation are of the order of their own int8 steps (6/255 before pooling).
# Standardised by less they would drown the head in rounding.
DEVIATION_FLOOR = 0.1
_PHOTOS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of photos, and what is known of them.

    Attributes:
        features: (photos, crops, channels) float32: the plan's crops first, then random ones.
        targets: (photos,) class indices; every class is there.
        folds: (photos,) numbers from 0: related photos have the same one, and without any fold every class is there.
        plan_crops: Number of the plan's crops, which inference takes.
    """

    features: Float32Array
    targets: Int64Array
    folds: Int64Array
    plan_crops: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """A linear head for raw features.

    Attributes:
        kernel: (channels, classes).
        bias: (classes,).
        mean: (channels,) of the training features.
        penalty: The one with the smallest loss.
        losses: Loss of each penalty: the log loss of the vote over crops, out of fold, classes weighing the same.
        accuracies: Balanced accuracy of each penalty, out of fold.
        out_of_fold: (photos, plan_crops, classes) logits of each photo by a head that has not seen its fold.
    """

    kernel: Float32Array
    bias: Float32Array
    mean: Float32Array
    penalty: float
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    out_of_fold: Float32Array

    def logits(self, features: Float32Array) -> Float32Array:
        """Logits of features: (…, channels) → (…, classes)."""
        return np.asarray(features @ self.kernel + self.bias)


def solve_head(train: FeatureSet, classes: int, *, penalties: Sequence[float] = PENALTIES) -> Head:
    """Solve the head on all photos, by the penalty that is best for photos that a head has not seen.

    Ridge regression on one-hot targets has a closed form, so there is nothing to stop early and no seed. For every
    penalty each fold is judged by the head of the others; the smallest loss wins. Outputs are scaled to log-odds on the
    same scores, and the head is then solved on all photos.

    Args:
        train: Fixed and random crops of the training photos.
        classes: Number of classes.
        penalties: Penalties to try, relative to the mean variance of the features.
    """
    sums = _add_up(train, classes)
    fixed = train.features[:, : train.plan_crops]
    scores = np.empty((len(penalties), *fixed.shape[:2], classes), np.float32)
    for fold in range(len(sums.counts)):
        held_out = train.folds == fold
        for number, (kernel, bias, _) in enumerate(_solved(sums, fold, penalties)):
            scores[number, held_out] = fixed[held_out] @ kernel + bias
    candidates = [best_scale(logits.mean(axis=1, dtype=np.float64), train.targets) for logits in scores]
    losses = tuple(one.loss for one in candidates)
    best = int(np.argmin(losses))
    scale = np.float32(candidates[best].scale)
    ((kernel, bias, mean),) = _solved(sums, None, penalties[best : best + 1])
    return Head(
        kernel=kernel * scale,
        bias=bias * scale,
        mean=mean,
        penalty=penalties[best],
        losses=losses,
        accuracies=tuple(one.accuracy for one in candidates),
        out_of_fold=scores[best] * scale,
    )


class _Sums(NamedTuple):
    """Sums over crops, fold by fold, so that those without a fold are a subtraction.

    Attributes:
        middle: (channels,) that features are centred at before they are added up.
        counts: (folds, classes) photos.
        firsts: (folds, classes, channels) of the photos' means over crops.
        seconds: For each fold (channels, channels): products, each class weighing one in all photos.
    """

    middle: Float32Array
    counts: Float64Array
    firsts: Float64Array
    seconds: list[Float32Array]


def _add_up(train: FeatureSet, classes: int) -> _Sums:
    """Added up a few photos at a time: the table of all crops is large enough once."""
    photos, crops, channels = train.features.shape
    folds = int(train.folds.max()) + 1
    counts, firsts = np.zeros((folds, classes)), np.zeros((folds, classes, channels))
    np.add.at(counts, (train.folds, train.targets), 1)
    middle = np.zeros(channels, np.float32)
    parts = [slice(start, start + _PHOTOS_AT_ONCE) for start in range(0, photos, _PHOTOS_AT_ONCE)]
    for part in parts:
        middle += train.features[part].mean(axis=1).sum(axis=0) / photos
    weights = 1 / (np.maximum(counts.sum(axis=0), 1) * crops)[train.targets]
    seconds = []
    for fold in range(folds):
        rows = np.flatnonzero(train.folds == fold)
        products = np.zeros((channels, channels), np.float32)
        for start in range(0, len(rows), _PHOTOS_AT_ONCE):
            some = rows[start : start + _PHOTOS_AT_ONCE]
            centred = train.features[some] - middle
            np.add.at(firsts[fold], train.targets[some], centred.mean(axis=1))
            flat = (centred * np.sqrt(weights[some])[:, np.newaxis, np.newaxis].astype(np.float32)).reshape(
                -1, channels
            )
            products += flat.T @ flat
        seconds.append(products)
    return _Sums(middle, counts, firsts, seconds)


def _solved(
    sums: _Sums, without: int | None, penalties: Sequence[float]
) -> list[tuple[Float32Array, Float32Array, Float32Array]]:
    """Kernel, bias and mean for each penalty, of all photos or of those outside one fold."""
    kept = [fold for fold in range(len(sums.counts)) if fold != without]
    counts = sums.counts[kept].sum(axis=0)
    classes, channels = len(counts), len(sums.middle)
    means = sums.firsts[kept].sum(axis=0) / counts[:, np.newaxis]
    weights = counts / sums.counts.sum(axis=0)
    products = np.sum([sums.seconds[fold] for fold in kept], axis=0, dtype=np.float32)
    # Classes weigh the same whatever a fold takes of them: exactly in what parts them, and in their common covariance
    # as far as the fold takes the same share of each.
    products -= ((means * weights[:, np.newaxis]).T @ means).astype(np.float32)
    products /= np.float32(weights.sum())
    mean = means.mean(axis=0)
    apart = (means - mean).astype(np.float32)
    products += apart.T @ apart / np.float32(classes)
    deviation = np.sqrt(np.maximum(np.diag(products), 0) + np.float32(DEVIATION_FLOOR**2))
    products /= deviation[:, np.newaxis] * deviation
    answers = apart.T / (np.float32(classes) * deviation[:, np.newaxis])
    ridge = float(np.trace(products)) / channels
    found = []
    for penalty in penalties:
        system = products.copy()
        system[np.diag_indices(channels)] += np.float32(penalty * ridge)
        kernel = (np.linalg.solve(system, answers) / deviation[:, np.newaxis]).astype(np.float32)
        middle = (mean + sums.middle).astype(np.float32)
        found.append((kernel, -middle @ kernel, middle))
    return found


class FoldTrial(NamedTuple):
    """What photos out of fold say of logits: the scale that makes them log-odds, then their loss and accuracy."""

    scale: float
    loss: float
    accuracy: float


def best_scale(logits: Float64Array, targets: Int64Array) -> FoldTrial:
    """The scale with the smallest log loss, classes weighing the same.

    Args:
        logits: (photos, classes), each photo's mean over its crops: the vote is the mean of log-probabilities, and
            before normalisation that is the mean of the logits.
        targets: (photos,) class indices.
    """
    losses = [balanced_log_loss(softmax(scale * logits), targets) for scale in _SCALES]
    best = int(np.argmin(losses))
    right = logits.argmax(axis=1) == targets
    accuracy = float(np.mean([right[targets == index].mean() for index in np.unique(targets)]))
    return FoldTrial(float(_SCALES[best]), losses[best], accuracy)
