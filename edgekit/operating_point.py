"""Temperature and threshold from validation photos. numpy only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgekit.attacks import best_threshold
from edgekit.contract import Contract, Decision
from edgekit.scoring import Scores

# Temperatures tried, as powers of ten: finer steps than 4 % change no verdict.
_TEMPERATURES = np.logspace(-1, 1, 121)


def fit_decision(scores: Scores, contract: Contract) -> Decision:
    """Choose the temperature with the smallest class-balanced log loss, then a threshold.

    The temperature is that of the vote over all crops of the plan (Guo et al. 2017), so the score of a verdict is
    calibrated where the model is used. Without a bona fide label the most probable label wins and no threshold is set.

    Args:
        scores: Validation photos that the model was not trained on.
        contract: Plan, labels and way of voting.
    """
    losses = [
        _log_loss(
            scores, contract.with_decision(replace(contract.decision, temperature=float(temperature), threshold=None))
        )
        for temperature in _TEMPERATURES
    ]
    temperature = round(float(_TEMPERATURES[int(np.argmin(losses))]), 6)
    decision = replace(contract.decision, temperature=temperature, threshold=None)
    if contract.bona_fide is None:
        return decision
    attack = scores.targets != contract.labels.index(contract.bona_fide)
    found = scores.attack_scores(contract.with_decision(decision), contract.plan.crops)
    return replace(decision, threshold=choose_threshold(attack, found))


def choose_threshold(attack: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """The cut with the best balanced accuracy, if it beats one half by more than a standard error; else one half.

    A network trained with balanced classes is right to be cut at one half. A few validation groups can suggest
    another cut by chance, and it would not carry over to other groups, hence the one-standard-error rule (Breiman et
    al. 1984, 3.4.3). The error is that of the paired difference between both cuts.

    Args:
        attack: (n,) True for attacks, both classes present.
        score: (n,) voted attack scores.
    """
    cut = float(np.clip(best_threshold(attack, score), 0.0, 1.0))
    weight = np.where(attack, 0.5 / attack.sum(), 0.5 / (~attack).sum())
    right, right_at_half = (score >= cut) == attack, (score >= 0.5) == attack
    difference = weight * (right.astype(np.float64) - right_at_half)
    return cut if difference.sum() > np.sqrt((difference**2).sum()) else 0.5


def _log_loss(scores: Scores, contract: Contract) -> float:
    probabilities = scores.voted(contract, contract.plan.crops)
    losses = -np.log(np.maximum(probabilities[np.arange(len(scores.targets)), scores.targets], 1e-7))
    return float(np.mean([losses[scores.targets == index].mean() for index in np.unique(scores.targets)]))
