"""Temperature and threshold from validation photos. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgekit.attacks import best_threshold
from edgekit.contract import Contract, Decision
from edgekit.losses import balanced_log_loss
from edgekit.scoring import Scores

# Temperatures tried, as powers of ten: finer steps than 4 % change no verdict.
_TEMPERATURES = np.logspace(-1, 1, 121)
# Student's t at 97.5 % for 1, 2, … degrees of freedom; beyond, the last is a little stricter than need be.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def fit_decision(scores: Scores, contract: Contract, groups: Sequence[str] | None = None) -> Decision:
    """Choose the temperature with the smallest class-balanced log loss, then a threshold.

    The temperature is that of the vote over all crops of the plan (Guo et al. 2017), so the score of a verdict is
    calibrated where the model is used. Without a bona fide label the most probable label wins and no threshold is set.

    Args:
        scores: Validation photos that the model was not trained on.
        contract: Plan, labels and way of voting.
        groups: Group of each photo, where there are groups.
    """
    crops = contract.plan.crops
    losses = [
        balanced_log_loss(scores.voted(_with_temperature(contract, float(temperature)), crops), scores.targets)
        for temperature in _TEMPERATURES
    ]
    temperature = round(float(_TEMPERATURES[int(np.argmin(losses))]), 6)
    warm = _with_temperature(contract, temperature)
    if contract.bona_fide is None:
        return warm.decision
    attack = scores.targets != contract.labels.index(contract.bona_fide)
    found = scores.attack_scores(warm, crops)
    return replace(warm.decision, threshold=choose_threshold(attack, found, groups))


def choose_threshold(
    attack: NDArray[np.bool_], score: NDArray[np.float64], groups: Sequence[str] | None = None
) -> float:
    """The cut with the best balanced accuracy, if a 95 % interval of what it gains over one half excludes zero.

    A network trained with balanced classes is right to be cut at one half. A few validation groups always suggest
    another cut, which by chance fits them and carries over to no others. So the gain is judged by how much it varies
    from group to group: Student's t for the sum over groups.

    Args:
        attack: (n,) True for attacks, both classes present.
        score: (n,) voted attack scores.
        groups: Group of each photo; without groups every photo is one.
    """
    cut = float(np.clip(best_threshold(attack, score), 0.0, 1.0))
    weight = np.where(attack, 0.5 / attack.sum(), 0.5 / (~attack).sum())
    right, right_at_half = (score >= cut) == attack, (score >= 0.5) == attack
    gains = weight * (right.astype(np.float64) - right_at_half)
    _, unit = np.unique(groups if groups is not None else np.arange(len(gains)), return_inverse=True)
    totals = np.bincount(unit, weights=gains)
    if len(totals) < 2:
        return 0.5
    quantile = _STUDENT[min(len(totals) - 1, len(_STUDENT)) - 1]
    return cut if gains.sum() > quantile * np.sqrt(len(totals)) * totals.std(ddof=1) else 0.5


def _with_temperature(contract: Contract, temperature: float) -> Contract:
    """The contract with another temperature and no threshold yet."""
    return contract.with_decision(replace(contract.decision, temperature=temperature, threshold=None))
