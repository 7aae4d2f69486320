"""What a change takes away of an error, with an interval. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.metrics.intervals import Draws, percentile_estimate, wider


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGain:
    """Share of the mean squared error that a change takes away, with its 95 % interval, paired by photo.

    Negative where it adds some. Over groups where there are any, and never narrower than over photos.
    """

    value: float
    low: float
    high: float


def error_gain(before: Float64Array, after: Float64Array, groups: Sequence[str] | None) -> ErrorGain | None:
    """What a change takes away of the mean squared error.

    Args:
        before: (photos,) squared error of each photo without the change.
        after: The same with it.
        groups: Group of each photo, where there are any.

    Returns:
        None where there is no error to take away.
    """
    if not before.sum() > 0:
        return None
    value = float(1 - after.sum() / before.sum())
    draws = [Draws.of(None, len(before))] + ([Draws.of(groups, len(before))] if groups is not None else [])
    estimates = []
    for one in draws:
        sums = [np.bincount(one.unit, errors, minlength=one.units) for errors in (before, after)]
        samples = []
        for rows in one.blocks():
            totals = rows @ sums[0]
            # Where only photos without an error are drawn there is nothing to share.
            share = np.divide(rows @ sums[1], totals, out=np.full(len(rows), np.nan), where=totals > 0)
            samples.append(1 - share)
        estimates.append(percentile_estimate(value, np.concatenate(samples), method=one.method))
    joined = estimates[0] if len(estimates) == 1 else wider(estimates[1], estimates[0])
    return ErrorGain(value=value, low=joined.low, high=joined.high)
