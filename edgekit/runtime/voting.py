"""Scores of several crops to one answer, as the contract's decision says. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float64Array
from edgekit.contract import RETAKE, UNKNOWN, Contract, Decision
from edgekit.errors import InterpreterError

# The smallest normal float32: a probability of 0 only means that float32 ended there.
TINY = 1.1754944e-38


def vote(scores: NDArray[np.floating], decision: Decision) -> Float64Array:
    """Join the crops of one photo, or of many at once.

    Args:
        scores: (..., crops, classes) probabilities.
        decision: Vote and temperature.

    Returns:
        float64 (..., classes) probabilities that sum to 1.

    Raises:
        InterpreterError: scores that are not finite.
    """
    if not np.isfinite(scores).all():
        raise InterpreterError(
            f"scores must be finite, got {np.asarray(scores)[~np.isfinite(scores)][:3]}; the model is broken"
        )
    logs = np.log(np.maximum(np.asarray(scores, dtype=np.float64), TINY)) / decision.temperature
    if decision.vote == "mean-log":
        return softmax(logs.mean(axis=-2))
    return np.asarray(softmax(logs).mean(axis=-2))


def softmax(logs: Float64Array) -> Float64Array:
    """float64 (..., classes) logits, or log-probabilities up to a constant, to probabilities."""
    powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def decide(probabilities: Float64Array, contract: Contract) -> tuple[str, float]:
    """The label for voted probabilities, and the probability that stands behind it.

    The order of the rules: floor ("unknown"), abstain band ("retake"), threshold on the attack score, most probable
    label. Among several attack labels the most probable one is named.

    Args:
        probabilities: float64 (classes,) as ``vote`` gives them.
        contract: Labels and decision.
    """
    decision, labels = contract.decision, contract.labels
    best = int(np.argmax(probabilities))
    if decision.floor is not None and probabilities[best] < decision.floor:
        return UNKNOWN, float(probabilities[best])
    if contract.bona_fide is None:
        return labels[best], float(probabilities[best])
    genuine = labels.index(contract.bona_fide)
    score = float(attack_score(probabilities, contract))
    if decision.abstain is not None and decision.abstain[0] <= score < decision.abstain[1]:
        return RETAKE, score
    if decision.threshold is None:
        return labels[best], float(probabilities[best])
    if score < decision.threshold:
        return contract.bona_fide, float(probabilities[genuine])
    attacks = [label for label in labels if label != contract.bona_fide]
    return attacks[int(np.argmax(np.delete(probabilities, genuine)))], score


def attack_score(probabilities: Float64Array, contract: Contract) -> Float64Array:
    """Probability of any attack: (..., classes) to (...); the contract must have a bona fide label."""
    assert contract.bona_fide is not None
    # A sum of the others, not 1 - p: it keeps its digits near zero.
    return np.asarray(np.delete(probabilities, contract.labels.index(contract.bona_fide), axis=-1).sum(axis=-1))
