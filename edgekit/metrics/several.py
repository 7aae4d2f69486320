"""How well labels are told that do not exclude each other: average precision, F1 and exact matches, with intervals.

Each label is a question of its own, has or has not; a mean over labels counts those that the photos can tell of.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar, TypeAlias

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.classification import Evaluation
from edgekit.metrics.intervals import Difference, Estimate
from edgekit.metrics.rates import Resampling, ratio, share_estimates
from edgekit.metrics.wording import Measure

# One-sided, as the gate asks whether a drop is beyond a limit.
_ONE_SIDED = 0.95
# A contract's thresholds lie between 0 and 1.
_LEAST_THRESHOLD = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReport:
    """One label: has or has not.

    Attributes:
        label: Its name.
        photos: How many photos have it.
        called: How many are said to have it.
        threshold: From which probability on they are; of several models the mean over the photos that each judged.
        average_precision: Area under the precision-recall curve, as a sum of steps; NaN where no photo has the label.
        precision: Of the photos called so, how many have it; NaN where none is.
        recall: Of the photos that have it, how many are called so; NaN where none has.
        f1: Harmonic mean of both; NaN where neither is defined.
    """

    label: str
    photos: Counted
    called: Counted
    threshold: Share
    average_precision: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsReport:
    """What a model of several labels a photo gets right.

    Attributes:
        n: How many photos there are.
        groups: In how many groups; 0 for none.
        mean_average_precision: Mean over the labels, whatever the thresholds.
        macro_f1: Mean of the labels' F1 at their thresholds.
        micro_f1: F1 of all labels of all photos together.
        exact_match: Share of photos whose labels are all right, and no other is called.
        labels: The numbers of each label.
    """

    measure: ClassVar[Measure] = "mean average precision"
    n: Counted
    groups: Counted
    mean_average_precision: Estimate
    macro_f1: Estimate
    micro_f1: Estimate
    exact_match: Estimate
    labels: tuple[LabelReport, ...]

    @property
    def headline(self) -> Estimate:
        """The number that stands for all of them."""
        return self.mean_average_precision


# What is said of a model, of whichever kind.
Judgement: TypeAlias = Evaluation | LabelsReport


def labels_report(
    truth: BoolArray,
    scores: Float64Array,
    thresholds: Sequence[float] | Float64Array,
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
) -> LabelsReport:
    """Judge scores of photos at thresholds.

    Args:
        truth: (n, labels) which labels each photo has.
        scores: (n, labels) voted probabilities.
        thresholds: From which probability on a photo has each label: (labels,), or (n, labels) of photos that several
            models judged.
        labels: Their names.
        groups: Group of each photo; None, or empty names, for none.
        resamples: How often photos, or their groups, are drawn again for the intervals.

    Raises:
        DataError: no photo, or other shapes.
    """
    _check(truth, scores, len(labels))
    how = Resampling.of(groups, len(truth), resamples=resamples)
    least = np.atleast_2d(np.asarray(thresholds, np.float64))
    called = scores >= least
    found = share_estimates(lambda weights: _statistics(truth, scores, called, weights), how)
    means, each = found[:4], [found[4 + number :: len(labels)] for number in range(len(labels))]
    return LabelsReport(
        n=len(truth),
        groups=0 if how.groups is None else how.groups.units,
        mean_average_precision=means[0],
        macro_f1=means[1],
        micro_f1=means[2],
        exact_match=means[3],
        labels=tuple(
            LabelReport(
                label=label,
                photos=int(truth[:, number].sum()),
                called=int(called[:, number].sum()),
                threshold=_mean(least[:, number]),
                average_precision=each[number][0],
                precision=each[number][1],
                recall=each[number][2],
                f1=each[number][3],
            )
            for number, label in enumerate(labels)
        ),
    )


def _mean(values: Float64Array) -> float:
    """Just the value where all are the same, which a sum would round."""
    return float(values[0]) if (values == values[0]).all() else fmean(values)


def average_precisions(truth: BoolArray, scores: Float64Array) -> Float64Array:
    """(labels,) average precision of each; NaN where no photo has it.

    Args:
        truth: (n, labels) which labels each photo has.
        scores: (n, labels) of any scale, larger where a label is more likely.
    """
    once = np.ones((1, len(truth)), np.int64)
    return _precisions(truth, scores, once)[:, 0]


def best_thresholds(truth: BoolArray, scores: Float64Array) -> tuple[float, ...]:
    """For each label the threshold with the largest F1, half-way in log-odds to the next lower score; 0.5 of no photo.

    Args:
        truth: (n, labels) which labels each photo has.
        scores: (n, labels) voted probabilities of photos that did not train what gave them.
    """
    return tuple(_best_threshold(*pair) for pair in zip(truth.T, scores.T, strict=True))


def lowest_drop(
    truth: BoolArray, before: Float64Array, after: Float64Array, groups: Sequence[str] | None = None
) -> float:
    """Lower end of the one-sided 95 % interval of how much mean average precision falls on the same photos.

    Args:
        truth: (n, labels) which labels each photo has.
        before: (n, labels) scores of one model.
        after: (n, labels) scores of the other.
        groups: Group of each photo; the lower end of both ways to draw counts.
    """
    ends = []
    for changes in _drawn_changes(truth, before, after, groups):
        known = changes[0][~np.isnan(changes[0])]
        ends.append(float(np.quantile(-known, 1 - _ONE_SIDED)) if len(known) else -math.inf)
    return min(ends)


def precision_changes(
    truth: BoolArray, before: Float64Array, after: Float64Array, groups: Sequence[str] | None = None
) -> tuple[Difference, ...]:
    """How much mean average precision, and then that of each label, changes on the same photos; NaN of no photo.

    Args:
        truth: (n, labels) which labels each photo has.
        before: (n, labels) scores of one model, or of photos as they were.
        after: (n, labels) scores of the other, or of photos as they were changed.
        groups: Group of each photo; of both ways to draw the ends that lie further out count.
    """
    values = _changes(truth, before, after, np.ones((1, len(truth)), np.int64))[:, 0]
    ends = [_two_ends(changes) for changes in _drawn_changes(truth, before, after, groups)]
    lows, highs = np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0)
    return tuple(
        Difference(value=float(value), low=float(low), high=float(high))
        for value, low, high in zip(values, lows, highs, strict=True)
    )


def _two_ends(changes: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(1 + labels,) ends of the two-sided 95 % intervals of (1 + labels, resamples), draws without a label left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = np.nanquantile(changes, (0.025, 0.975), axis=1)
    return low, high


def _drawn_changes(
    truth: BoolArray, before: Float64Array, after: Float64Array, groups: Sequence[str] | None
) -> Iterator[Float64Array]:
    """What ``_changes`` gives where photos are drawn again and, where there are any, groups."""
    how = Resampling.of(groups, len(truth))
    for draws in filter(None, (how.photos, how.groups)):
        blocks = (block[:, draws.unit] for block in draws.blocks())
        yield np.concatenate([_changes(truth, before, after, own) for own in blocks], axis=1)


def _changes(truth: BoolArray, before: Float64Array, after: Float64Array, weights: Int64Array) -> Float64Array:
    """(1 + labels, rows): by how much mean average precision rises, then that of each label."""
    rises = _precisions(truth, after, weights) - _precisions(truth, before, weights)
    return np.concatenate([_mean_known(rises.T)[np.newaxis], rises])


def _check(truth: BoolArray, scores: Float64Array, labels: int) -> None:
    if truth.dtype != np.bool_ or truth.shape != scores.shape or truth.shape[1:] != (labels,) or not len(truth):
        raise DataError(
            f"labels are judged by truth (n, {labels}) of booleans and scores of the same shape, got {truth.dtype} "
            f"{truth.shape} and {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise DataError(f"a score must be finite, got {scores[~np.isfinite(scores)][0]}")


def _statistics(truth: BoolArray, scores: Float64Array, called: BoolArray, weights: Int64Array) -> Float64Array:
    """(4 + 4 labels, rows): mean average precision, macro F1, micro F1, exact matches, then of each label."""
    ranked = _precisions(truth, scores, weights)
    has, said = weights @ truth, weights @ called
    right = weights @ (truth & called)
    precision, recall = (ratio(right, whole, of_nothing=np.nan) for whole in (said, has))
    f1 = ratio(2 * right, has + said, of_nothing=np.nan)
    exact = weights @ (truth == called).all(axis=1) / weights.sum(axis=1)
    micro = ratio(2 * right.sum(axis=1), (has + said).sum(axis=1), of_nothing=np.nan)
    means = [_mean_known(ranked.T), _mean_known(f1), micro, exact]
    return np.concatenate([np.stack(means), ranked, precision.T, recall.T, f1.T])


def _precisions(truth: BoolArray, scores: Float64Array, weights: Int64Array) -> Float64Array:
    """(labels, rows) average precision of each label."""
    return np.stack([_average_precision(*pair, weights) for pair in zip(truth.T, scores.T, strict=True)])


def _mean_known(values: Float64Array) -> Float64Array:
    """(rows,) means of what is no NaN; NaN where all are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=1))


def _average_precision(has: BoolArray, scores: Float64Array, weights: Int64Array) -> Float64Array:
    """(rows,) of one label, from (rows, n) counts of how often photos are drawn; photos of one score come together."""
    order = np.argsort(-scores, kind="stable")
    drawn = weights[:, order]
    found, seen = np.cumsum(drawn * has[order], axis=1), np.cumsum(drawn, axis=1)
    last = np.append(np.diff(scores[order]) != 0, True)
    found, seen = found[:, last], seen[:, last]
    steps = np.diff(found, axis=1, prepend=0)
    area = (steps * ratio(found, seen)).sum(axis=1)
    return ratio(area, found[:, -1].astype(np.float64), of_nothing=np.nan)


def _best_threshold(has: BoolArray, scores: Float64Array) -> float:
    if not has.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    levels, found = scores[order][last], np.cumsum(has[order])[last]
    # Of equals the first: less is called.
    best = int(np.argmax(2 * found / (np.flatnonzero(last) + 1 + has.sum())))
    if best == len(levels) - 1:
        return _within(levels[best] / 2)
    high, low = (math.log(_within(one) / (1 - _within(one))) for one in levels[best : best + 2])
    return _within(1 / (1 + math.exp(-(low + high) / 2)))


def _within(threshold: float) -> float:
    return min(max(float(threshold), _LEAST_THRESHOLD), 1 - _LEAST_THRESHOLD)
