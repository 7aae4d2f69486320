"""Scores of several crops to one answer, as the contract's decision says. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float64Array
from edgekit.contract import BETWEEN_LABELS, NOTHING, RETAKE, UNKNOWN, Contract, Decision
from edgekit.errors import InterpreterError

# The smallest normal float32: a probability of 0 only means that float32 ended there.
TINY = 1.1754944e-38
# Beyond it, 1 / (1 + exp(-x)) is 0 or 1 in float64 up to what TINY leaves of it.
_MOST_ODDS = 700.0


class Voted(NamedTuple):
    """What the crops of a photo say together.

    Attributes:
        probabilities: float64 (..., labels), that sum to 1 but for several labels a photo.
        unknown: float64 (...) scores in 0 to 1, or None where the contract has no rule for unknown.
    """

    probabilities: Float64Array
    unknown: Float64Array | None


def vote_all(scores: NDArray[np.floating], contract: Contract) -> Voted:
    """Join the crops of one photo, or of many at once, as a contract says.

    Args:
        scores: (..., crops, outputs) probabilities, as the model gives them.
        contract: Vote, temperature, and what the outputs are.

    Raises:
        InterpreterError: scores that are not finite.
    """
    decision, unknown = contract.decision, contract.unknown
    if contract.multi_label is not None:
        return Voted(_vote_each(scores, decision), None)
    labels = vote(scores[..., : len(contract.labels)], decision)
    if unknown is None:
        return Voted(labels, None)
    if unknown.outputs:
        return Voted(labels, np.asarray(vote(scores, decision)[..., -1]))
    return Voted(labels, np.asarray(1 - labels.max(axis=-1)))


def vote(scores: NDArray[np.floating], decision: Decision) -> Float64Array:
    """Join the crops of one photo, or of many at once, where exactly one label is right.

    Args:
        scores: (..., crops, classes) probabilities.
        decision: Vote and temperature.

    Returns:
        float64 (..., classes) probabilities that sum to 1.

    Raises:
        InterpreterError: scores that are not finite.
    """
    logs = _logs(scores) / decision.temperature
    if decision.vote == "mean-log":
        return softmax(logs.mean(axis=-2))
    return np.asarray(softmax(logs).mean(axis=-2))


def _vote_each(scores: NDArray[np.floating], decision: Decision) -> Float64Array:
    """(..., crops, labels) probabilities of labels that do not exclude each other: means of log-odds, or of them."""
    odds = log_odds_of(scores) / decision.temperature
    if decision.vote == "mean-log":
        return sigmoid(odds.mean(axis=-2))
    return np.asarray(sigmoid(odds).mean(axis=-2))


def _logs(scores: NDArray[np.floating]) -> Float64Array:
    if not np.isfinite(scores).all():
        raise InterpreterError(
            f"scores must be finite, got {np.asarray(scores)[~np.isfinite(scores)][:3]}; the model is broken"
        )
    return np.asarray(np.log(np.maximum(np.asarray(scores, dtype=np.float64), TINY)))


def log_odds_of(probabilities: NDArray[np.floating]) -> Float64Array:
    """Probabilities to float64 log-odds, finite even for 0 and 1.

    Raises:
        InterpreterError: one that is not finite.
    """
    # The complement is taken in float64: in float32 everything near 1 would round to the same.
    return _logs(probabilities) - _logs(1 - np.asarray(probabilities, dtype=np.float64))


def sigmoid(odds: Float64Array) -> Float64Array:
    """float64 log-odds to probabilities."""
    # Divided by the temperature, odds may be far beyond what a power holds.
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -_MOST_ODDS, _MOST_ODDS))))


def softmax(logs: Float64Array) -> Float64Array:
    """float64 (..., classes) logits, or log-probabilities up to a constant, to probabilities."""
    powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def decide(probabilities: Float64Array, contract: Contract, unknown: float | None = None) -> tuple[str, float]:
    """The label for voted probabilities, and the probability that stands behind it.

    The order of the rules: unknown (its own rule or the floor), abstain band ("retake"), threshold on the attack
    score, most probable label. Among several attack labels the most probable one is named. Where a photo may have
    several labels, all that it has stand in their order with ``|`` between, or "none"; behind it stands the largest
    probability.

    Args:
        probabilities: float64 (labels,) as ``vote_all`` gives them.
        contract: Labels and decision.
        unknown: The unknown score, where the contract has a rule for it.
    """
    decision, labels = contract.decision, contract.labels
    best = int(np.argmax(probabilities))
    if contract.multi_label is not None:
        said = BETWEEN_LABELS.join(labels_reached(probabilities, contract))
        return said or NOTHING, float(probabilities[best])
    if contract.unknown is not None and unknown is not None and unknown >= contract.unknown.threshold:
        return UNKNOWN, float(unknown)
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


def labels_reached(probabilities: Float64Array, contract: Contract) -> tuple[str, ...]:
    """The labels whose threshold is reached, in their order, of a contract of several labels a photo.

    Args:
        probabilities: float64 (labels,) as ``vote_all`` gives them.
        contract: With ``multi_label``.
    """
    assert contract.multi_label is not None
    reached = zip(contract.labels, probabilities.tolist(), contract.multi_label, strict=True)
    return tuple(label for label, probability, least in reached if probability >= least)


def attack_score(probabilities: Float64Array, contract: Contract) -> Float64Array:
    """Probability of any attack: (..., classes) to (...); the contract must have a bona fide label."""
    assert contract.bona_fide is not None
    # A sum of the others, not 1 - p: it keeps its digits near zero.
    return np.asarray(np.delete(probabilities, contract.labels.index(contract.bona_fide), axis=-1).sum(axis=-1))
