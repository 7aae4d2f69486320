"""Fewer crops where the answer is plain: a vote that the crops still to come would hardly turn is final.

After each crop the vote so far is compared with every point at which the answer would change. Once it is farther away,
in log-odds, than the contract's bound for that many crops, the rest is not scored. The bounds tell how far the crops
that remained moved the vote on validation photos (``operating_point.fit_early_stop``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float64Array
from edgekit.contract import Contract
from edgekit.runtime.voting import attack_score, vote

# Beyond this, float64 has no digits left for the other side.
_LEAST = 1e-300


def cuts(contract: Contract) -> tuple[float, ...]:
    """Log-odds of the attack scores at which the answer changes; none where the most probable label wins."""
    decision = contract.decision
    points = (*(decision.abstain or ()), *(() if decision.threshold is None else (decision.threshold,)))
    return tuple(float(log_ratio(np.float64(point), np.float64(1 - point))) for point in points)


def margins(voted: Float64Array, contract: Contract) -> Float64Array:
    """How far votes are from another answer, in log-odds.

    Args:
        voted: float64 (..., classes) probabilities.
        contract: Labels and decision.

    Returns:
        (...): the distance to the nearest cut or, where the most probable label wins, to the second label.
    """
    points = cuts(contract)
    if contract.bona_fide is None or not points:
        ordered = np.sort(voted, axis=-1)
        return np.asarray(np.log(np.maximum(ordered[..., -1], _LEAST) / np.maximum(ordered[..., -2], _LEAST)))
    odds = log_odds(voted, contract)
    return np.asarray(np.abs(odds[..., np.newaxis] - np.array(points)).min(axis=-1))


def log_odds(voted: Float64Array, contract: Contract) -> Float64Array:
    """Log-odds of an attack: (..., classes) to (...)."""
    assert contract.bona_fide is not None
    genuine = voted[..., contract.labels.index(contract.bona_fide)]
    return log_ratio(attack_score(voted, contract), genuine)


def log_ratio(one: Float64Array | np.float64, other: Float64Array | np.float64) -> Float64Array:
    """Logarithm of the ratio of two probabilities, finite even where one of them is 0."""
    return np.asarray(np.log(np.maximum(one, _LEAST)) - np.log(np.maximum(other, _LEAST)))


def may_stop(scores: NDArray[np.floating], contract: Contract) -> bool:
    """Whether the crops scored so far are enough.

    Args:
        scores: (crops, classes) probabilities, fewer crops than the plan has.
        contract: With bounds for stopping early, or without: then never.
    """
    bounds = contract.decision.early_stop
    if bounds is None:
        return False
    return bool(margins(vote(scores, contract.decision), contract) > bounds[len(scores) - 1])
