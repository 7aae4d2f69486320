"""Linear heads solved photos by photos: one for all crops, or one for each crop scale that shrinks to a common one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.train.head import DEVIATION_FLOOR, FeatureSet, Head, HeadChoice, HeadLayers

# Relative to the mean square of the standardised blocks; photos that a fold leaves out choose.
SCALE_PENALTIES = (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3)
# One label against all photos without it: few photos on one side, which takes more of it.
LABEL_PENALTIES = (5e-4, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.3)
LOGISTIC_PENALTIES = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 1e-3)
# Photos by photos, in double precision, stand in memory two or three times.
MAX_SOLVED_PHOTOS = 10_000
# How much a scale's own part may differ, beside the part that all scales share.
_OWN = 0.3
# Of the largest eigenvalue: what is smaller is rounding.
_LEAST_EIGENVALUE = 1e-10
_LOGISTIC_STEPS = 5000


class KnownPhotos(NamedTuple):
    """What a solution is given: products of photos, their classes, weights that sum to one, the number of classes."""

    kernel: Float64Array
    targets: Int64Array
    share: Float64Array
    classes: int


class DualSolution(NamedTuple):
    """(photos, classes) how much of each photo is in the head, and (classes,) what is added to its logits."""

    dual: Float64Array
    offset: Float64Array


class Solver(Protocol):
    """What finds a solution for each penalty from products of photos alone, as every L2-penalised linear head can."""

    def __call__(self, known: KnownPhotos, penalties: Sequence[float]) -> list[DualSolution]:
        """One for each penalty."""


def solve_scale_ridge(train: FeatureSet, classes: int, *, penalties: Sequence[float] = SCALE_PENALTIES) -> Head:
    """Ridge regression: one head for each scale and a part that they share; see :func:`solve_by_photos`."""
    return solve_by_photos(train, classes, _ridge, penalties)


def solve_logistic(train: FeatureSet, classes: int, *, penalties: Sequence[float] = LOGISTIC_PENALTIES) -> Head:
    """Logistic regression: one head, or one for each scale and a part that they share; see :func:`solve_by_photos`.

    The log loss of photos, not of crops, is minimised: the mean of a linear head's logits over crops, which is the
    vote, is its logit of the mean.
    """
    return solve_by_photos(train, classes, _logistic, penalties)


def solve_by_photos(train: FeatureSet, classes: int, solver: Solver, penalties: Sequence[float]) -> Head:
    """Solve one head, or one for each scale, by the penalty that is best for photos that a head has not seen.

    A photo is its mean over all crops and, where scales have heads, its means over those of each scale, each block
    standardised. A linear model of these blocks is a head for each scale that shrinks towards a common one (multi-task
    ridge regression: Evgeniou and Pontil 2004, "Regularized multi-task learning", eq. 11). A crop of a scale that has n
    of the plan's N crops gets the shared part and N/n times its scale's own, so the mean of the crops' logits is the
    photo's.

    It is solved photos by photos, which takes as many numbers as photos squared.

    Args:
        train: The crops of the training photos.
        classes: Number of classes.
        solver: The regression.
        penalties: Penalties to try.
    """
    blocks = PhotoBlocks.of(train)
    logits = np.empty((len(penalties), *train.fixed.shape[:2], classes), np.float32)
    for fold in np.unique(train.folds):
        held_out = train.folds == fold
        for number, layers in enumerate(_solved(blocks, train, ~held_out, (classes, solver, penalties))):
            logits[number, held_out] = layers.logits(train.fixed[held_out], train.scales)
    choice = HeadChoice.by_loss("penalty", penalties, logits, train.targets)
    everyone = np.ones(len(train.targets), bool)
    (layers,) = _solved(blocks, train, everyone, (classes, solver, [choice.value]))
    return Head(layers=layers.scaled(choice.scale), choice=choice)


class PhotoBlocks(NamedTuple):
    """What a photo is: its mean over all crops, then over those of each scale that has a head.

    Attributes:
        tables: For each block (photos, channels) float32.
        shares: How much of a block's head a crop of it gets: one for the shared part, crops over its scale's crops.
    """

    tables: list[Float32Array]
    shares: list[float]

    @classmethod
    def of(cls, train: FeatureSet) -> PhotoBlocks:
        """Those of some photos."""
        tables, shares = [train.features.mean(axis=1)], [1.0]
        for scale in np.unique(train.scales) if train.scales is not None else ():
            own = np.flatnonzero(train.scales == scale)
            tables.append(train.features[:, own].mean(axis=1))
            shares.append(train.plan_crops / len(own))
        return cls(tables, shares)

    @property
    def strengths(self) -> list[float]:
        """How much each block may differ from nothing, in products of photos."""
        channels = self.tables[0].shape[1]
        return [strength / channels for strength in (1.0, *[_OWN] * (len(self.tables) - 1))]


def _solved(
    blocks: PhotoBlocks, train: FeatureSet, seen: np.ndarray, how: tuple[int, Solver, Sequence[float]]
) -> list[HeadLayers]:
    """Heads for each penalty."""
    classes, solver, penalties = how
    share = train.shares(seen)
    middles, standardised = [], []
    for table in blocks.tables:
        known = table[seen].astype(np.float64)
        middle = share @ known
        deviation = np.sqrt(share @ (known - middle) ** 2 + DEVIATION_FLOOR**2)
        middles.append(middle)
        standardised.append(((known - middle) / deviation, deviation))
    strengths = blocks.strengths
    kernel = sum(strength * (table @ table.T) for strength, (table, _) in zip(strengths, standardised, strict=True))
    found = []
    for dual, offset in solver(KnownPhotos(kernel, train.targets[seen], share, classes), penalties):
        parts = [
            strength * (table.T @ dual) / deviation[:, np.newaxis]
            for strength, (table, deviation) in zip(strengths, standardised, strict=True)
        ]
        own = [part * part_share for part, part_share in zip(parts[1:], blocks.shares[1:], strict=True)]
        kernels = np.stack([parts[0] + one for one in own] or parts)
        # Each head is centred at its own scale's mean, so that it is fair alone; over the whole plan the shared part's
        # means add up to that of all crops.
        means = np.stack(middles[1:] or middles)
        biases = offset - np.einsum("hc,hck->hk", means, kernels)
        kernels, biases, means = (one.astype(np.float32) for one in (kernels, biases, means))
        found.append(HeadLayers(kernels=kernels, biases=biases, means=means))
    return found


def _ridge(known: KnownPhotos, penalties: Sequence[float]) -> list[DualSolution]:
    from scipy import linalg

    answers = np.eye(known.classes)[known.targets]
    answers -= known.share @ answers
    ridge = float(known.share @ np.diag(known.kernel)) / known.share
    found = []
    for penalty in penalties:
        system = known.kernel.copy()
        system[np.diag_indices(len(system))] += penalty * ridge
        dual = linalg.solve(system, answers, assume_a="pos", overwrite_a=True)
        found.append(DualSolution(dual, np.zeros(known.classes)))
    return found


def _logistic(known: KnownPhotos, penalties: Sequence[float]) -> list[DualSolution]:
    """On coordinates in which the products are those of the photos: as many as photos, however many channels."""
    from scipy import linalg
    from sklearn.linear_model import LogisticRegression

    ridge = float(known.share @ np.diag(known.kernel))
    values, vectors = linalg.eigh(known.kernel / ridge)
    kept = values > _LEAST_EIGENVALUE * values[-1]
    roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
    found = []
    for penalty in penalties:
        model = LogisticRegression(C=1 / penalty, max_iter=_LOGISTIC_STEPS)
        model.fit(vectors * roots, known.targets, sample_weight=known.share)
        weights, offset = model.coef_.T, model.intercept_
        if weights.shape[1] == 1:
            # Of two classes the library has one column, their difference.
            weights, offset = weights * (-0.5, 0.5), offset * (-0.5, 0.5)
        found.append(DualSolution(vectors @ (weights / roots[:, np.newaxis]) / ridge, np.asarray(offset)))
    return found
