"""Judged photos out of a few arrays, and the bootstrap in its plainest form."""

from __future__ import annotations

import numpy as np

from edgekit.metrics.intervals import Draws, percentile_estimate
from edgekit.metrics.judged import Judged


def judged(truth, predicted, labels, *, bona_fide=None, attack_score=None, groups=None, kinds=None):
    """Photos that are called so, with an attack score for two labels, or else sure of what they are called."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    n = len(truth)
    given = {"group": groups, "kind": kinds}
    sure = np.eye(len(labels))[predicted] if attack_score is None else None
    return Judged(
        paths=tuple(f"{number:04d}.jpg" for number in range(n)),
        labels=tuple(labels),
        bona_fide=bona_fide,
        truth=truth,
        predicted=predicted,
        probabilities=np.stack([1 - attack_score, attack_score], axis=1) if sure is None else sure,
        certainty=np.zeros(n),
        abstained=np.zeros(n, np.bool_),
        columns={name: values for name, values in given.items() if values is not None},
    )


def bootstrap(statistic, groups, n, *, resamples=1000, seed=0):
    """The percentile interval of any statistic of the indices of photos, one resample at a time."""
    draws = Draws.of(groups, n, resamples=resamples, seed=seed)
    photos = np.arange(n)
    samples = [float(statistic(np.repeat(photos, times[draws.unit]))) for block in draws.blocks() for times in block]
    return percentile_estimate(float(statistic(photos)), np.array(samples), method=draws.method)
