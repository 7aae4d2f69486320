"""Whether a score means what it says: reliability diagrams and expected calibration error. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.attacks import checked_scores
from edgekit.metrics.intervals import Estimate, wilson
from edgekit.metrics.rates import Resampling, share_estimates

BINS = 10
_SIMULATIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Photos of about the same score.

    Attributes:
        low: Lower edge of the bin, as a score.
        high: Upper edge of the bin, as a score.
        n: Number of photos in the bin.
        score: Mean score of the bin's photos, which is what was predicted.
        share: How many of them are what the score is of, with Wilson's interval: what was true.
    """

    low: Share
    high: Share
    n: Counted
    score: Share
    share: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """A reliability diagram in both usual ways, and the errors that sum it up.

    Attributes:
        of: ``attack score``, against the share of attacks; or ``top probability``, against the share of right answers.
        equal_mass: Bins with about as many photos each, between quantiles of the score; empty ones are left out.
        equal_width: Bins of one width on 0..1; empty ones are left out.
        ece: Mean distance of ``score`` and ``share`` over the bins of equal mass, weighted by photos.
        ece_equal_width: Mean distance of ``score`` and ``share`` over the bins of equal width, weighted by photos.
        ece_by_chance: What a perfectly calibrated score of these values shows on average on so many photos: an ``ece``
            about there is no evidence against calibration.
        brier: Mean squared distance of score and truth.
    """

    of: str
    equal_mass: tuple[ReliabilityBin, ...]
    equal_width: tuple[ReliabilityBin, ...]
    ece: Estimate
    ece_equal_width: Estimate
    ece_by_chance: Share
    brier: Share


def reliability(of: str, truth: BoolArray, score: Float64Array, how: Resampling) -> Reliability:
    """How well a probability is calibrated; bins as scikit-learn's ``calibration_curve`` makes them.

    Args:
        of: Name of the score, as in ``Reliability.of``.
        truth: (n,) whether each photo is what the score is of.
        score: (n,) probabilities in 0..1.
        how: Resampling of the photos; bins stay fixed over resamples.

    Raises:
        DataError: lengths or types are wrong, or a score lies outside 0..1.
    """
    truth, score = checked_scores(truth, score)
    if score.min() < -1e-9 or score.max() > 1 + 1e-9:
        raise DataError(f"a calibrated score must lie in 0..1, got {score.min()} to {score.max()}")
    score = np.clip(score, 0.0, 1.0)
    mass, width = np.quantile(score, np.linspace(0, 1, BINS + 1)), np.linspace(0, 1, BINS + 1)
    bins = [np.searchsorted(edges[1:-1], score) for edges in (mass, width)]
    once = np.ones((1, len(score)), np.int64)
    ece, ece_width = share_estimates(lambda weights: np.stack([_ece(truth, score, one, weights) for one in bins]), how)
    rng = np.random.default_rng(0)
    by_chance = [float(_ece(rng.random(len(score)) < score, score, bins[0], once)[0]) for _ in range(_SIMULATIONS)]
    return Reliability(
        of=of,
        equal_mass=_bins(truth, score, bins[0], mass),
        equal_width=_bins(truth, score, bins[1], width),
        ece=ece,
        ece_equal_width=ece_width,
        ece_by_chance=float(np.mean(by_chance)),
        brier=float(np.mean((score - truth) ** 2)),
    )


def _bins(truth: BoolArray, score: Float64Array, bin_of: Int64Array, edges: Float64Array) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(
            low=float(edges[number]),
            high=float(edges[number + 1]),
            n=int(own.sum()),
            score=float(score[own].mean()),
            share=wilson(int(truth[own].sum()), int(own.sum())),
        )
        for number in range(BINS)
        for own in [bin_of == number]
        if own.any()
    )


def _ece(truth: BoolArray, score: Float64Array, bin_of: Int64Array, weights: Int64Array) -> Float64Array:
    """(rows,): the photos of a bin times the distance of their means is the distance of their sums."""
    member = (bin_of[:, None] == np.arange(BINS)).astype(np.float64)
    gaps = np.abs(weights @ (member * (score - truth)[:, None])).sum(axis=1)
    return np.asarray(gaps / weights.sum(axis=1))


# Past this a photo is wrong enough: one blunder must not outweigh all others.
_LEAST = 1e-7


def balanced_log_loss(probabilities: NDArray[np.floating], targets: Int64Array) -> float:
    """Log loss, averaged over each class's photos and then over the classes that occur.

    Args:
        probabilities: (photos, classes).
        targets: (photos,) class indices.
    """
    chosen = np.asarray(probabilities[np.arange(len(targets)), targets], dtype=np.float64)
    losses = -np.log(np.maximum(chosen, _LEAST))
    return float(np.mean([losses[targets == index].mean() for index in np.unique(targets)]))


def balanced_accuracy(targets: Int64Array, said: Int64Array) -> float:
    """Mean, over the classes that are among the targets, of the share that was named right.

    Args:
        targets: (photos,) class indices.
        said: (photos,) class indices; any other number is wrong.
    """
    classes = int(targets.max()) + 1
    counts = np.bincount(targets, minlength=classes)
    right = np.bincount(targets[targets == said], minlength=classes)
    return float((right[counts > 0] / counts[counts > 0]).mean())
