"""A linear head for each crop scale, solved exactly: ridge regression that shares what scales have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.train.head import DEVIATION_FLOOR, best_scale

# Relative to the mean square of the standardised blocks; photos that a fold leaves out choose.
SCALE_PENALTIES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
# Photos by photos, in double precision, stand in memory two or three times.
MAX_SCALE_PHOTOS = 10_000
# How much a scale's own part may differ, beside the part that all scales share.
_OWN = 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaledFeatures:
    """Features of the plan's crops, and what is known of the photos.

    Attributes:
        features: (photos, crops, channels) float32, in the order of the plan.
        scales: (crops,) the number of each crop's head, from 0.
        targets: (photos,) class indices; every class is there.
        folds: (photos,) numbers from 0: related photos have the same one, and without any fold every class is there.
    """

    features: Float32Array
    scales: Int64Array
    targets: Int64Array
    folds: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaleHeads:
    """Linear heads for raw features, one for each scale.

    Attributes:
        kernels: (heads, channels, classes).
        biases: (heads, classes).
        means: (heads, channels) of the training features.
        penalty: The one with the smallest loss.
        losses: Loss of each penalty: the log loss of the vote over crops, out of fold, classes weighing the same.
        accuracies: Balanced accuracy of each penalty, out of fold.
        out_of_fold: (photos, crops, classes) logits of each photo by heads that have not seen its fold.
    """

    kernels: Float32Array
    biases: Float32Array
    means: Float32Array
    penalty: float
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    out_of_fold: Float32Array

    def logits(self, features: Float32Array, scales: Int64Array) -> Float32Array:
        """Logits of features: (photos, crops, channels) → (photos, crops, classes), each crop by its scale's head."""
        return _logits(features, scales, self.kernels, self.biases)


def solve_scale_heads(
    train: ScaledFeatures, classes: int, *, penalties: Sequence[float] = SCALE_PENALTIES
) -> ScaleHeads:
    """Solve one head for each scale and a part that they share, by the penalty that is best for unseen photos.

    A photo is its mean over all crops beside its means over those of each scale, each block standardised. Ridge
    regression on these blocks is a head for each scale that shrinks towards a common one (multi-task ridge regression:
    Evgeniou and Pontil 2004, "Regularized multi-task learning", eq. 11). A crop of a scale that has n of the plan's N
    crops gets the shared part and N/n times its scale's own, so the mean of the crops' logits is the photo's.

    It is solved photos by photos, which takes as many numbers as photos squared.

    Args:
        train: The plan's crops of the training photos.
        classes: Number of classes.
        penalties: Penalties to try.
    """
    blocks = _Blocks.of(train)
    logits = np.empty((len(penalties), *train.features.shape[:2], classes), np.float32)
    for fold in np.unique(train.folds):
        held_out = train.folds == fold
        for number, (kernels, biases, _) in enumerate(_solved(blocks, train, ~held_out, classes, penalties)):
            logits[number, held_out] = _logits(train.features[held_out], train.scales, kernels, biases)
    trials = [best_scale(one.mean(axis=1, dtype=np.float64), train.targets) for one in logits]
    best = int(np.argmin([one.loss for one in trials]))
    scale = np.float32(trials[best].scale)
    everyone = np.ones(len(train.targets), bool)
    ((kernels, biases, means),) = _solved(blocks, train, everyone, classes, penalties[best : best + 1])
    return ScaleHeads(
        kernels=kernels * scale,
        biases=biases * scale,
        means=means,
        penalty=penalties[best],
        losses=tuple(one.loss for one in trials),
        accuracies=tuple(one.accuracy for one in trials),
        out_of_fold=logits[best] * scale,
    )


class _Blocks(NamedTuple):
    """What a photo is: its mean over all crops, then over those of each scale.

    Attributes:
        tables: For each block (photos, channels) float32.
        shares: How much of a block's head a crop of it gets: one for the shared part, crops over its scale's crops.
    """

    tables: list[Float32Array]
    shares: list[float]

    @classmethod
    def of(cls, train: ScaledFeatures) -> _Blocks:
        crops = train.features.shape[1]
        tables, shares = [train.features.mean(axis=1)], [1.0]
        for scale in range(int(train.scales.max()) + 1):
            own = np.flatnonzero(train.scales == scale)
            tables.append(train.features[:, own].mean(axis=1))
            shares.append(crops / len(own))
        return cls(tables, shares)


def _balanced(targets: Int64Array, classes: int) -> Float64Array:
    """(photos,) weights that sum to one, classes weighing the same."""
    counts = np.bincount(targets, minlength=classes)
    return np.asarray(1.0 / (counts[targets] * (counts > 0).sum()))


def _solved(
    blocks: _Blocks,
    train: ScaledFeatures,
    seen: np.ndarray,
    classes: int,
    penalties: Sequence[float],
) -> list[tuple[Float32Array, Float32Array, Float32Array]]:
    """For each penalty kernels (heads, channels, classes), biases (heads, classes) and means (heads, channels)."""
    targets = train.targets[seen]
    share = _balanced(targets, classes)
    middles, standardised = [], []
    for table in blocks.tables:
        known = table[seen].astype(np.float64)
        middle = share @ known
        deviation = np.sqrt(share @ (known - middle) ** 2 + DEVIATION_FLOOR**2)
        middles.append(middle)
        standardised.append(((known - middle) / deviation, deviation))
    channels = blocks.tables[0].shape[1]
    strengths = [1.0, *[_OWN] * (len(blocks.tables) - 1)]
    kernel = sum(
        (strength / channels) * (table @ table.T) for strength, (table, _) in zip(strengths, standardised, strict=True)
    )
    answers = np.eye(classes)[targets]
    answers -= share @ answers
    ridge = float(share @ np.diag(kernel)) / share
    from scipy import linalg

    found = []
    for penalty in penalties:
        system = kernel.copy()
        system[np.diag_indices(len(system))] += penalty * ridge
        dual = linalg.solve(system, answers, assume_a="pos", overwrite_a=True)
        parts = [
            (strength / channels) * (table.T @ dual) / deviation[:, np.newaxis]
            for strength, (table, deviation) in zip(strengths, standardised, strict=True)
        ]
        own = [part * part_share for part, part_share in zip(parts[1:], blocks.shares[1:], strict=True)]
        kernels = np.stack([parts[0] + one for one in own])
        # Each head is centred at its own scale's mean, so that it is fair alone; over the whole plan the shared part's
        # means add up to that of all crops.
        means = np.stack(middles[1:])
        biases = -np.einsum("hc,hck->hk", means, kernels)
        found.append(tuple(part.astype(np.float32) for part in (kernels, biases, means)))
    return [(kernels, biases, means) for kernels, biases, means in found]


def _logits(features: Float32Array, scales: Int64Array, kernels: Float32Array, biases: Float32Array) -> Float32Array:
    found = np.empty((*features.shape[:2], kernels.shape[2]), np.float32)
    for scale in np.unique(scales):
        own = scales == scale
        found[:, own] = features[:, own] @ kernels[scale] + biases[scale]
    return found
