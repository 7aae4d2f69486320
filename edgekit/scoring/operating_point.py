"""Temperature, threshold and bounds for stopping early from validation photos. numpy and scipy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from edgekit.arrays import BoolArray, Float64Array
from edgekit.contract import Contract, Decision
from edgekit.metrics.attacks import best_threshold
from edgekit.metrics.open_set import rejecting_threshold
from edgekit.metrics.rates import accuracy_gains
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.metrics.several import best_thresholds
from edgekit.runtime.stopping import log_odds, log_ratio
from edgekit.scoring.scores import Scores

# Temperatures tried, as powers of ten: finer steps than 4 % change no verdict.
_TEMPERATURES = np.logspace(-1, 1, 121)
_NORMAL_99 = NormalDist().inv_cdf(0.99)
# Of Student's t; with more groups it is a little stricter than need be.
_MOST_DEGREES = 10
# Of the share of known photos that a rule for unknown rejects, as a contract has it.
_SHARE_DIGITS = 4


def fit_decision(scores: Scores, contract: Contract, groups: Sequence[str] | None = None) -> Decision:
    """Choose the temperature with the smallest class-balanced log loss, then a threshold and bounds to stop early.

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
    decision = warm.decision
    if contract.bona_fide is not None:
        attack = scores.targets != contract.labels.index(contract.bona_fide)
        threshold = choose_threshold(attack, scores.attack_scores(warm, crops), groups)
        decision = replace(decision, threshold=threshold)
    # "unknown" depends on the best label's probability, which bounds on its lead say nothing of.
    if decision.floor is None and contract.unknown is None:
        decision = replace(decision, early_stop=fit_early_stop(scores, contract.with_decision(decision)))
    return decision


def fit_unknown(scores: Scores, contract: Contract, cost_points: float) -> Contract:
    """The contract with the threshold of its rule for unknown, and the share of these photos that reach it.

    It is the lowest at which known photos lose no more than they may: a photo loses where its answer was right, and
    classes weigh the same.

    Args:
        scores: Photos of known classes that the model was not trained on.
        contract: With a rule for unknown, and the decision that the photos are voted by.
        cost_points: Points of balanced accuracy that they may lose.
    """
    assert contract.unknown is not None
    voted, score = scores.voted_all(contract, contract.plan.crops)
    assert score is not None
    right = voted.argmax(axis=1) == scores.targets
    loss = accuracy_gains(scores.targets, np.zeros(len(right), np.bool_), right)
    threshold = rejecting_threshold(score, loss, cost_points / 100)
    rejected = float((score >= threshold).mean())
    return contract.with_unknown(
        replace(contract.unknown, threshold=threshold, false_reject=round(rejected, _SHARE_DIGITS))
    )


def keep_unknown(scores: Scores, contract: Contract) -> Contract:
    """The contract with a threshold of its rule for unknown that rejects as many known photos as the old one did.

    Under another temperature the old one means something else. Without a rule, or where nobody noted how many it
    rejects, nothing is changed.

    Args:
        scores: Photos of known classes that the model was not trained on.
        contract: With the decision that photos are voted by from now on.
    """
    if contract.unknown is None or contract.unknown.false_reject is None:
        return contract
    _, score = scores.voted_all(contract, contract.plan.crops)
    assert score is not None
    # The share was rounded when it was noted, and may lie just below that of so many photos.
    most = contract.unknown.false_reject + 0.5 * 10**-_SHARE_DIGITS
    threshold = rejecting_threshold(score, np.full(len(score), 1 / len(score)), most)
    return contract.with_unknown(replace(contract.unknown, threshold=threshold))


def fit_thresholds(scores: Scores, contract: Contract) -> Contract:
    """Choose for a model of several labels a photo from which probability on a photo has each: by the best F1.

    The temperature stays 1: where heads are solved, each label's logits are log-odds already, and no temperature moves
    a threshold that is chosen behind it to another photo.

    Args:
        scores: Validation photos that the model was not trained on, with (photos, labels) targets.
        contract: Plan, labels and way of voting; of several labels, whatever its thresholds.
    """
    votes = scores.voted(contract, contract.plan.crops)
    return contract.with_multi_label(best_thresholds(scores.targets > 0, votes))


def edge_caution(temperature: float) -> str:
    """What to say of a temperature at the edge of those tried: the best one may lie beyond; empty for all others."""
    low, high = float(_TEMPERATURES[0]), float(_TEMPERATURES[-1])
    if low < temperature < high:
        return ""
    return (
        f"the temperature lies at the edge of the range that is tried ({low:g} to {high:g}), so these photos don't "
        "settle it: take more photos, hard ones among them"
    )


def choose_threshold(attack: BoolArray, score: Float64Array, groups: Sequence[str] | None = None) -> float:
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
    return cut if is_gain(gains, groups) else 0.5


def is_gain(gains: Float64Array, groups: Sequence[str] | None = None) -> bool:
    """Whether a 95 % interval of the sum of photos' gains lies above zero: by Student's t, over groups or photos.

    Args:
        gains: (n,) what each photo gains.
        groups: Group of each photo; without groups every photo is one.
    """
    from scipy.stats import t as student_t

    _, unit = np.unique(groups if groups is not None else np.arange(len(gains)), return_inverse=True)
    totals = np.bincount(unit, weights=gains)
    if len(totals) < 2:
        return False
    quantile = student_t.ppf(0.975, min(len(totals) - 1, _MOST_DEGREES))
    return bool(gains.sum() > quantile * np.sqrt(len(totals)) * totals.std(ddof=1))


def fit_early_stop(scores: Scores, contract: Contract) -> tuple[float, ...]:
    """Bounds for stopping early, one for each number of crops but the last.

    After k crops, the crops still to come move the vote by some distance in log-odds. Its root mean square over the
    validation photos, each class weighing the same, times the normal quantile of 99 %, is how far the vote must be from
    another answer to be final: about one photo in a hundred that lies right at the bound would have turned. Most lie
    far beyond it.

    Args:
        scores: Validation photos that the model was not trained on, with all crops of the plan.
        contract: With its temperature and threshold, and no floor.
    """
    crops = contract.plan.crops
    final = scores.voted(contract, crops)
    bounds = []
    for count in range(1, crops):
        moved = _moved(scores.voted(contract, count), final, contract) ** 2
        classes = [moved[scores.targets == index].mean() for index in np.unique(scores.targets)]
        bounds.append(round(_NORMAL_99 * float(np.sqrt(np.mean(classes))), 6))
    return tuple(bounds)


def _moved(voted: Float64Array, final: Float64Array, contract: Contract) -> Float64Array:
    """(photos,) how far votes moved from one count of crops to all, in log-odds of the answer."""
    if contract.bona_fide is not None and contract.decision.threshold is not None:
        return np.asarray(log_odds(final, contract) - log_odds(voted, contract))
    # The most probable label wins: what counts is its lead over the best of the others.
    rows, best = np.arange(len(voted)), voted.argmax(axis=1)
    leads = []
    for table in (voted, final):
        others = table.copy()
        others[rows, best] = 0.0
        leads.append(log_ratio(table[rows, best], others.max(axis=1)))
    return np.asarray(leads[1] - leads[0])


def _with_temperature(contract: Contract, temperature: float) -> Contract:
    """The contract with another temperature, and what depends on it not chosen yet."""
    return contract.with_decision(replace(contract.decision, temperature=temperature, threshold=None, early_stop=None))
