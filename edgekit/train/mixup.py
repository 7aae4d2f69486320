"""Mixup that respects crops: two photos' crops are mixed where both are of one scale. numpy only, no TensorFlow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Int64Array


class Step(NamedTuple):
    """What a step is made of: float32 crops (n, side, side, 3), normalised, answers (n, classes) and weights (n,)."""

    crops: Float32Array
    answers: Float32Array
    weights: Float32Array


def partners(rng: np.random.Generator, scales: Int64Array) -> Int64Array:
    """(n,) for each crop another of its scale, each taken once; itself where its scale has no other.

    A crop of a quarter shows the pixels' pattern, the full frame what is in the photo: mixed they would show neither.

    Args:
        rng: Draws the order.
        scales: (n,) the number of each crop's scale.
    """
    found = np.arange(len(scales))
    for scale in np.unique(scales):
        own = rng.permutation(np.flatnonzero(scales == scale))
        found[own] = np.roll(own, 1)
    return found


def mix(rng: np.random.Generator, batch: Step, scales: Int64Array, *, alpha: float) -> Step:
    """Mix each crop with its partner's: pixels, answers and weights by one share (Zhang et al. 2017, "mixup").

    Args:
        rng: Draws partners and shares.
        batch: Crops before they are mixed.
        scales: (n,) the number of each crop's scale.
        alpha: Both parameters of the Beta distribution of shares.
    """
    others = partners(rng, scales)
    # Of two crops that are mixed both ways each keeps the larger part of itself.
    shares = rng.beta(alpha, alpha, len(scales)).astype(np.float32)
    shares = np.maximum(shares, 1 - shares)

    def mixed(values: Float32Array) -> Float32Array:
        share = shares.reshape(-1, *(1,) * (values.ndim - 1))
        return share * values + (1 - share) * values[others]

    # An answer counts as much as the photo that it is of.
    weighed = mixed(batch.answers * batch.weights[:, np.newaxis])
    weights = weighed.sum(axis=1)
    answers = weighed / np.maximum(weights, np.finfo(np.float32).tiny)[:, np.newaxis]
    return Step(crops=mixed(batch.crops), answers=answers, weights=weights)
