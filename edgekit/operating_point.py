"""Temperature and threshold from validation photos. numpy only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.attacks import best_threshold
from edgekit.contract import Contract, Decision
from edgekit.scoring import Scores

# Temperatures tried, as powers of ten: finer steps than 4 % change no verdict.
_TEMPERATURES = np.logspace(-1, 1, 121)


def fit_decision(scores: Scores, contract: Contract) -> Decision:
    """Choose the temperature with the smallest class-balanced log loss, then the threshold with the best balanced accuracy.

    The temperature is that of the vote over all crops of the plan (Guo et al. 2017), so the score of a verdict is calibrated
    where the model is used. Without a bona fide label the most probable label wins and no threshold is set.

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
    decision = replace(
        contract.decision, temperature=round(float(_TEMPERATURES[int(np.argmin(losses))]), 6), threshold=None
    )
    if contract.bona_fide is None:
        return decision
    attack = scores.targets != contract.labels.index(contract.bona_fide)
    cut = best_threshold(attack, scores.attack_scores(contract.with_decision(decision), contract.plan.crops))
    return replace(decision, threshold=float(np.clip(cut, 0.0, 1.0)))


def _log_loss(scores: Scores, contract: Contract) -> float:
    probabilities = scores.voted(contract, contract.plan.crops)
    losses = -np.log(np.maximum(probabilities[np.arange(len(scores.targets)), scores.targets], 1e-7))
    return float(np.mean([losses[scores.targets == index].mean() for index in np.unique(scores.targets)]))
