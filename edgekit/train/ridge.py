"""A linear head, solved exactly: class-balanced ridge regression on standardised features of crops, chosen by folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Float64Array
from edgekit.train.head import DEVIATION_FLOOR, FeatureSet, Head, HeadChoice, HeadLayers

# Relative to the mean variance of the features; photos that a fold leaves out choose.
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
_PHOTOS_AT_ONCE = 64


def solve_ridge(train: FeatureSet, classes: int, *, penalties: Sequence[float] = PENALTIES) -> Head:
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
    scores = np.empty((len(penalties), *train.fixed.shape[:2], classes), np.float32)
    for fold in range(len(sums.counts)):
        held_out = train.folds == fold
        for number, layers in enumerate(_solved(sums, fold, penalties)):
            scores[number, held_out] = layers.logits(train.fixed[held_out])
    choice = HeadChoice.by_loss("penalty", penalties, scores, train.targets)
    (layers,) = _solved(sums, None, [choice.value])
    return Head(layers=layers.scaled(choice.scale), choice=choice)


class _Sums(NamedTuple):
    """Sums over crops, fold by fold, so that those without a fold are a subtraction.

    Attributes:
        middle: (channels,) that features are centred at before they are added up.
        counts: (folds, classes) weights of photos.
        firsts: (folds, classes, channels) of the photos' means over crops, by weight.
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
    counted = train.counted
    np.add.at(counts, (train.folds, train.targets), counted)
    middle = np.zeros(channels, np.float32)
    parts = [slice(start, start + _PHOTOS_AT_ONCE) for start in range(0, photos, _PHOTOS_AT_ONCE)]
    for part in parts:
        middle += train.features[part].mean(axis=1).sum(axis=0) / photos
    weights = counted / (counts.sum(axis=0) * crops)[train.targets]
    seconds = []
    for fold in range(folds):
        rows = np.flatnonzero(train.folds == fold)
        products = np.zeros((channels, channels), np.float32)
        for start in range(0, len(rows), _PHOTOS_AT_ONCE):
            some = rows[start : start + _PHOTOS_AT_ONCE]
            centred = train.features[some] - middle
            np.add.at(firsts[fold], train.targets[some], counted[some, np.newaxis] * centred.mean(axis=1))
            flat = (centred * np.sqrt(weights[some])[:, np.newaxis, np.newaxis].astype(np.float32)).reshape(
                -1, channels
            )
            products += flat.T @ flat
        seconds.append(products)
    return _Sums(middle, counts, firsts, seconds)


def _solved(sums: _Sums, without: int | None, penalties: Sequence[float]) -> list[HeadLayers]:
    """A head for each penalty, of all photos or of those outside one fold."""
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
        bias = -middle @ kernel
        found.append(HeadLayers(kernels=kernel[np.newaxis], biases=bias[np.newaxis], means=middle[np.newaxis]))
    return found
