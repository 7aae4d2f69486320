"""How sure it is that a probe tells the label: an interval over groups, a permutation baseline, and a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.audit.models import Fold, held_out_scores, labels_matter, linear_scores, make_folds
from edgekit.audit.probes import Cheat
from edgekit.bounds import Counted, Share
from edgekit.metrics.intervals import Draws, Estimate
from edgekit.metrics.rates import Resampling, share_estimates
from edgekit.metrics.reliability import balanced_accuracy
from edgekit.progress import SILENT, Progress

LeakVerdict = Literal["leak", "suspicious", "could be content", "fine"]

LEAK_P, SUSPICIOUS_P = 0.01, 0.05
# Parts of the way from chance to certainty: of two classes 75 % and 60 % balanced accuracy.
LEAK_SKILL, LEAK_LOW_SKILL = 0.5, 0.2

# Of the largest array that a block of shuffles may fill: 64 MB, whatever the number of photos and classes.
_BLOCK_CELLS = 1 << 23

RULE = (
    "Leak: p at most 0.01, the interval's lower end above chance, and either the balanced accuracy at least half of "
    "the way from chance to certainty (75 % for two classes) or the lower end at least a fifth of it (60 %). "
    "Suspicious: p at most 0.05 and the lower end above chance. Fine: anything else. p is the share of shuffles of "
    "the labels in which the best of all probes is as far above its usual value as this one is, so that it holds for "
    "all probes together."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a probe reaches when labels are shuffled, which no cheat can foresee.

    Attributes:
        mean: Balanced accuracy, mean over shuffles.
        top: Balanced accuracy that one shuffle in twenty reaches (95th percentile).
        p: Share of shuffles in which some probe stands out as much as this one, never less than one of all.
    """

    mean: float
    top: float
    p: Share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """The labels that cheats are after, and who is related to whom.

    Attributes:
        y: (n,) class of each photo.
        unit: (n,) group of each photo; None where the data has none.
        folds: Number of folds over groups, at most.
        shuffles: Number of permutations of the labels.
        seed: Seed of folds and shuffles.
    """

    y: Int64Array
    unit: Int64Array | None
    folds: Counted
    shuffles: Counted
    seed: int

    @property
    def chance(self) -> float:
        """Balanced accuracy of a guess."""
        return 1.0 / (int(self.y.max()) + 1)

    def skill(self, accuracy: float) -> float:
        """How far on the way from chance to certainty."""
        return (accuracy - self.chance) / (1.0 - self.chance)

    def deal(self, y: Int64Array) -> list[Fold]:
        """Folds of the photos with these labels, as ``make_folds`` deals them."""
        return make_folds(y, self.unit, self.folds, self.seed)


def shuffled(rng: np.random.Generator, y: Int64Array, unit: Int64Array | None) -> Int64Array:
    """Labels that mean nothing, with what is not the cheat's doing kept.

    Groups keep how many photos they have of each class: labels change places inside them. Groups of one class
    trade classes as a whole, or shuffling would leave them as they are.
    """
    if unit is None:
        anywhere: Int64Array = rng.permutation(y)
        return anywhere
    result: Int64Array = y.copy()
    pure: list[Int64Array] = []
    for one in np.unique(unit):
        rows = np.flatnonzero(unit == one)
        if len(np.unique(y[rows])) > 1:
            result[rows] = rng.permutation(y[rows])
        else:
            pure.append(rows)
    traded = rng.permutation(np.array([y[rows[0]] for rows in pure], np.int64))
    for rows, label in zip(pure, traded, strict=True):
        result[rows] = label
    return result


def group_interval(y: Int64Array, said: Int64Array, unit: Int64Array | None, *, seed: int = 0) -> Estimate:
    """Balanced accuracy with its 95 % interval: over groups, or over photos where that one reaches further."""
    is_class = np.eye(int(y.max()) + 1)[y]
    is_right = is_class * (y == said)[:, None]

    def balanced(times: Int64Array) -> Float64Array:
        with np.errstate(invalid="ignore"):
            # Of a class that was not drawn nothing is known; 0 / 0 says so.
            return np.asarray(((times @ is_right) / (times @ is_class)).mean(axis=1)[None])

    photos = Draws.of(None, len(y), seed=seed)
    groups = None if unit is None else Draws.of(unit, len(y), seed=seed)
    (estimate,) = share_estimates(balanced, Resampling(photos=photos, groups=groups))
    return estimate


def shuffle_all(
    problem: Problem, probes: Sequence[tuple[Float64Array, Cheat]], progress: Progress = SILENT
) -> Float64Array:
    """Balanced accuracy of every probe on every shuffle; (shuffles, probes). All probes get the same shuffles."""
    rng = np.random.default_rng(problem.seed)
    labellings = np.array([shuffled(rng, problem.y, problem.unit) for _ in range(problem.shuffles)])
    reached = np.zeros((problem.shuffles, len(probes)))
    progress.begin("shuffling labels", problem.shuffles * len(probes))
    same = None if labels_matter(problem.y, problem.unit) else problem.deal(problem.y)
    for column, (x, cheat) in enumerate(probes):
        if same is not None and cheat == "linear":
            most = max(1, _BLOCK_CELLS // (labellings.shape[1] * (int(problem.y.max()) + 1)))
            for top in range(0, problem.shuffles, most):
                block = labellings[top : top + most]
                said = linear_scores(x, block, same).argmax(axis=2)
                accuracies = [balanced_accuracy(y, one) for y, one in zip(block, said, strict=True)]
                reached[top : top + most, column] = accuracies
                progress.advance(len(block))
            continue
        for row, y in enumerate(labellings):
            scores = held_out_scores(x, y, same or problem.deal(y), cheat)
            reached[row, column] = balanced_accuracy(y, scores.argmax(axis=1))
            progress.advance()
    return reached


def baselines(found: Sequence[float], reached: Float64Array) -> list[Baseline]:
    """Compare probes with their shuffles, all together (the maximum statistic of Westfall and Young 1993).

    Args:
        found: Balanced accuracy of each probe on the labels as they are.
        reached: (shuffles, probes) on shuffled ones.
    """
    mean, deviation = reached.mean(axis=0), np.maximum(reached.std(axis=0), 1e-6)
    best = ((reached - mean) / deviation).max(axis=1)
    as_far = (best[:, None] >= (np.array(found) - mean) / deviation).sum(axis=0)
    p = (1 + as_far) / (1 + len(reached))
    top = np.quantile(reached, 0.95, axis=0)
    columns = zip(mean.tolist(), top.tolist(), p.tolist(), strict=True)
    return [Baseline(mean=mean_, top=top_, p=p_) for mean_, top_, p_ in columns]


def leak_verdict(problem: Problem, found: Estimate, p: float) -> LeakVerdict:
    """Judge a probe by RULE."""
    # An interval that the data can't give (NaN) is not above anything.
    if not found.low > problem.chance or p > SUSPICIOUS_P:
        return "fine"
    plain = problem.skill(found.value) >= LEAK_SKILL or problem.skill(found.low) >= LEAK_LOW_SKILL
    return "leak" if plain and p <= LEAK_P else "suspicious"
