"""How well a score tells photos of things that no label names from those that have one. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.metrics.attacks import area, checked_scores, score_levels
from edgekit.metrics.intervals import Difference, Estimate
from edgekit.metrics.rates import Rate, Resampling, accuracy_gains, paired_difference, rate, ratio, share_estimates
from edgekit.metrics.reliability import balanced_accuracy

# Of known photos, where the share of the others that pass is told (Hendrycks and Gimpel 2017, and all after them).
_TPR = 0.95
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangeClass:
    """One class that the model does not know.

    Attributes:
        label: Its name.
        accepted: Photos of it that were called something, which is false of all.
        called: What most of these were called; empty where none was.
    """

    label: str
    accepted: Rate
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSet:
    """What a rule for unknown does to photos of classes that the model knows, and of others.

    Attributes:
        rule: probability, energy or distance.
        threshold: From this score on a photo is unknown.
        known: Photos of classes that the model knows.
        unknown: Photos of others; the next two are None where there are none.
        auroc: Area under the ROC curve of unknown against known photos.
        fpr_at_95: Share of unknown photos that pass where 95 % of known ones do.
        accepted: Share of unknown photos that pass at the threshold; None where there are none.
        rejected: Share of known photos that do not.
        classes: The classes that the model does not know.
        closed_accuracy: Balanced accuracy on known photos without the rule.
        open_accuracy: The same where what is called unknown counts as wrong.
        cost: What the rule takes from it, paired by photo.
    """

    rule: str
    threshold: Share
    known: Counted
    unknown: Counted
    auroc: Estimate | None
    fpr_at_95: Estimate | None
    accepted: Rate | None
    rejected: Rate
    classes: tuple[StrangeClass, ...]
    closed_accuracy: Share
    open_accuracy: Share
    cost: Difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenPhotos:
    """Photos with their unknown score and what they are called without the rule, all known ones before the others.

    Attributes:
        labels: The classes that the model knows.
        truth: (known photos,) positions in the labels.
        strange: (other photos,) the names of their classes.
        called: (photos,) positions in the labels.
        score: (photos,) in 0 to 1, larger for what is unknown.
        groups: (photos,) the group of each; None where some have none.
    """

    labels: tuple[str, ...]
    truth: Int64Array
    strange: tuple[str, ...]
    called: Int64Array
    score: Float64Array
    groups: Sequence[str] | None

    @property
    def is_strange(self) -> BoolArray:
        """(photos,) whether a photo is of no label's class."""
        return np.arange(len(self.score)) >= len(self.truth)


def open_set_of(photos: OpenPhotos, *, rule: str, threshold: float, resamples: int = 1000) -> OpenSet:
    """All numbers of a rule for unknown, with intervals.

    Args:
        photos: At least one of them known.
        rule: Its name.
        threshold: From this score on a photo is unknown.
        resamples: Of the intervals.
    """
    how = Resampling.of(photos.groups, len(photos.score), resamples=resamples)
    strange, rejected = photos.is_strange, photos.score >= threshold
    known_rejected = rate(~strange, rejected, how)
    assert known_rejected is not None
    auroc = fpr = None
    if strange.any():
        auroc, fpr = share_estimates(lambda counts: _apart(strange, photos.score, counts), how, (strange, ~strange))
    said = np.where(rejected, -1, photos.called)[~strange]
    right, right_still = photos.called[~strange] == photos.truth, said == photos.truth
    groups = None if photos.groups is None else photos.groups[: len(photos.truth)]
    return OpenSet(
        rule=rule,
        threshold=threshold,
        known=len(photos.truth),
        unknown=len(photos.strange),
        auroc=auroc,
        fpr_at_95=fpr,
        accepted=rate(strange, ~rejected, how),
        rejected=known_rejected,
        classes=_strange_classes(photos, rejected, how),
        closed_accuracy=balanced_accuracy(photos.truth, photos.called[~strange]),
        open_accuracy=balanced_accuracy(photos.truth, said),
        cost=paired_difference(accuracy_gains(photos.truth, right_still, right), groups),
    )


def _strange_classes(photos: OpenPhotos, rejected: BoolArray, how: Resampling) -> tuple[StrangeClass, ...]:
    names = np.array([*[""] * len(photos.truth), *photos.strange])
    found = []
    for label in sorted(set(photos.strange)):
        own = names == label
        accepted = rate(own, ~rejected, how)
        assert accepted is not None
        called = np.bincount(photos.called[own & ~rejected], minlength=len(photos.labels))
        most = photos.labels[int(called.argmax())] if called.any() else ""
        found.append(StrangeClass(label=label, accepted=accepted, called=most))
    return tuple(found)


def auroc_and_fpr(known: Float64Array, strange: Float64Array) -> tuple[float, float]:
    """Area under the ROC curve, and the share of strange photos that pass where 95 % of known ones do.

    Args:
        known: (n,) scores in 0 to 1, larger for what is unknown.
        strange: (m,) the same of photos that no label is of.
    """
    truth, score = checked_scores(np.arange(len(known) + len(strange)) >= len(known), np.append(known, strange))
    found = _apart(truth, score, np.ones((1, len(score)), np.int64))
    return float(found[0, 0]), float(found[1, 0])


def _apart(strange: BoolArray, score: Float64Array, counts: Int64Array) -> Float64Array:
    """(2, rows) area under the ROC curve and false passes at 95 % of true ones; NaN where a row lacks a side."""
    _, of_strange, of_known = score_levels(strange, score, counts)
    known, others = of_known.sum(axis=1), of_strange.sum(axis=1)
    enough = np.cumsum(of_known, axis=1) >= _TPR * known[:, np.newaxis] - _ROUNDING
    passed = np.cumsum(of_strange, axis=1)[np.arange(len(counts)), enough.argmax(axis=1)]
    fpr = np.where(known > 0, ratio(passed, others, of_nothing=np.nan), np.nan)
    return np.stack([area(of_strange, of_known), fpr])


def rejecting_threshold(score: Float64Array, loss: Float64Array, most: float) -> float:
    """The lowest threshold at which rejected known photos lose no more than is allowed.

    A score of exactly 1 is rejected by every threshold, also where more is lost with it: then it is 1.

    Args:
        score: (n,) unknown scores of known photos, in 0 to 1.
        loss: (n,) what is lost with each where it is rejected: nothing where its answer was wrong.
        most: As much may be lost in all.

    Returns:
        Half way between the last score that is rejected, or 1, and the first that is not, or 0.
    """
    levels, place = np.unique(score, return_inverse=True)
    lost = np.cumsum(np.bincount(place, weights=loss)[::-1])
    rejected = int((lost <= most + _ROUNDING).sum())
    edges: list[float] = [1.0, *levels[::-1].tolist(), 0.0]
    return (edges[rejected] + edges[rejected + 1]) / 2
