"""What logits of crops say of a photo, and how wrong that is: of one label a photo, or of several. No TensorFlow.

Targets say which: (photos,) class indices, or (photos, labels) 1 for the labels that each photo has.
"""

from __future__ import annotations

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.contract import Decision
from edgekit.metrics.classification import classification_report
from edgekit.metrics.reliability import balanced_accuracy, balanced_log_loss
from edgekit.runtime.voting import sigmoid, softmax, vote

_USUAL = Decision()


def vote_logits(logits: Float64Array, targets: Int64Array) -> Float64Array:
    """(…, crops, outputs) logits to (…, outputs) probabilities, by the vote that a contract has before it is fitted."""
    if targets.ndim == 1:
        return vote(softmax(logits), _USUAL)
    assert _USUAL.vote == "mean-log"
    return sigmoid(logits.mean(axis=-2))


def votes_loss(votes: Float64Array, targets: Int64Array) -> float:
    """The log loss, classes weighing the same; of several labels its mean over them, has and has not being classes."""
    if targets.ndim == 1:
        return balanced_log_loss(votes, targets)
    return float(
        np.mean(
            [
                balanced_log_loss(np.stack([1 - said, said], axis=1), has)
                for said, has in zip(votes.T, targets.T, strict=True)
            ]
        )
    )


def votes_accuracy(votes: Float64Array, targets: Int64Array) -> float:
    """Balanced accuracy; of several labels its mean over them, each being told from one half on."""
    if targets.ndim == 1:
        labels = [str(index) for index in range(votes.shape[1])]
        return classification_report(targets, votes.argmax(axis=1), labels).balanced_accuracy
    return float(
        np.mean(
            [
                balanced_accuracy(has, (said >= 0.5).astype(np.int64))
                for said, has in zip(votes.T, targets.T, strict=True)
            ]
        )
    )
