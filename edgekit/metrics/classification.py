"""How well photos are told apart: classification and presentation-attack numbers, with intervals. Pure numpy.

The numbers of attacks and of scores are made in :mod:`edgekit.metrics.attacks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.attacks import (
    MIN_PHOTOS,
    AttackReport,
    apcer_by_kind,
    attack_report,
    bpcer_at_apcer,
    equal_error_rate,
    kind_names,
    weighted_auc,
    worst_kind,
)
from edgekit.metrics.intervals import Draws, Estimate
from edgekit.metrics.judged import Judged, checked_classes
from edgekit.metrics.rates import Counts, Resampling, rate, ratio, share_estimates
from edgekit.metrics.wording import Measure

# Of more classes a confusion matrix is no table that anybody reads: its largest errors are named as well.
MANY_CLASSES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReport:
    """One class against all others; each share is 0 where it has no photos to stand on."""

    label: str
    precision: Share
    recall: Share
    f1: Share
    support: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationReport:
    """A classifier's numbers on labelled photos.

    Attributes:
        n: Number of photos.
        abstained: Photos without a verdict ("retake", "unknown"), which count as errors of their class.
        accuracy: Share of photos called right.
        balanced_accuracy: Mean recall over the classes that occur in the truth.
        macro_precision: Mean over the classes that occur in the truth or the predictions, as the two below.
        macro_recall: Mean over the same classes; below the balanced accuracy where a predicted class never occurs.
        macro_f1: Mean of the classes' F1.
        classes: Numbers of each class, in the order of the labels.
        confusion: Rows are the truth, columns the predictions; photos without a verdict are in no column.
    """

    n: Counted
    abstained: Counted
    accuracy: Share
    balanced_accuracy: Share
    macro_precision: Share
    macro_recall: Share
    macro_f1: Share
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[Counted, ...], ...]

    def __post_init__(self) -> None:
        """Hold that every photo is counted once: a record may say anything."""
        support = [one.support for one in self.classes]
        check_confusion(self.confusion, support)
        unanswered = sum(support) - sum(map(sum, self.confusion))
        if (sum(support), unanswered) != (self.n, self.abstained):
            raise DataError(
                f"a report's photos must be those of its classes, got {self.n} photos, {self.abstained} without an "
                f"answer, and {sum(support)} of all classes, {unanswered} without an answer; was the record edited?"
            )


def check_confusion(confusion: Sequence[Sequence[int]], support: Sequence[int]) -> None:
    """Hold that a confusion matrix is one of so many photos of each class.

    Raises:
        DataError: it is not square, or a row has more photos than its class.
    """
    rows = [sum(row) for row in confusion]
    if {len(confusion), *map(len, confusion)} != {len(support)} or any(
        row > photos for row, photos in zip(rows, support, strict=True)
    ):
        raise DataError(
            f"a confusion matrix must have a row and a column for each class and at most its photos in a row, got rows "
            f"of {rows!r:.200} photos for classes of {list(support)!r:.200}; was the record edited?"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """One group of photos; its balanced accuracy is over the classes that it has."""

    n: Counted
    balanced_accuracy: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that is said about a classifier on one set of photos.

    Attributes:
        report: The numbers without intervals.
        balanced_accuracy: The headline: mean recall over the classes.
        precision: Macro precision.
        recall: Macro recall.
        f1: Macro F1.
        auc: Area under the attack score's ROC curve; None without a score, or without both attacks and genuine photos.
        eer: Equal error rate of the attack score, where ``auc`` exists.
        bpcer20: BPCER where the attack score lets 5 % of all attacks pass, where ``auc`` exists.
        attack: Presentation-attack numbers; None without both attacks and genuine photos.
        apcer: APCER of the headline's kind of attack; the kind stays fixed over resamples. None without attacks.
        bpcer: Share of genuine photos called attacks; None without genuine photos.
        by_group: Each group's own numbers; empty without groups.
        worst_group: The group of the lowest balanced accuracy, among groups of 10 photos or more or all if none has.
        mean_over_groups: Mean of the groups' balanced accuracies; None without groups.
    """

    report: ClassificationReport
    measure: ClassVar[Measure] = "balanced accuracy"
    balanced_accuracy: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auc: Estimate | None = None
    eer: Share | None = None
    bpcer20: Share | None = None
    attack: AttackReport | None = None
    apcer: Estimate | None = None
    bpcer: Estimate | None = None
    by_group: dict[str, GroupReport] = field(default_factory=dict)
    worst_group: str = ""
    mean_over_groups: Share | None = None

    def __post_init__(self) -> None:
        """Check that the worst group is one, where there are groups: a record may be anybody's."""
        if self.by_group and self.worst_group not in self.by_group:
            raise DataError(
                f"worst_group must be one of the groups {sorted(self.by_group)!r:.200}, got {self.worst_group!r:.80}; "
                "was the record edited?"
            )

    @property
    def headline(self) -> Estimate:
        """The number that stands for all of them."""
        return self.balanced_accuracy

    @property
    def groups(self) -> int:
        """In how many groups the photos are; 0 for none."""
        return len(self.by_group)


def classification_report(truth: Int64Array, predicted: Int64Array, labels: Sequence[str]) -> ClassificationReport:
    """The numbers of a classifier on labelled photos, as scikit-learn defines them (``zero_division=0``).

    Args:
        truth: (n,) integers, positions in the labels.
        predicted: (n,) integers, positions in the labels, or -1 for no verdict.
        labels: The classes, each once.

    Raises:
        DataError: no photos, lengths or types are wrong, a number is no label, or a label comes twice.
    """
    truth, predicted = checked_classes(truth, predicted, labels, lowest=-1)
    k = len(labels)
    answered = predicted >= 0
    confusion = np.bincount((truth * k + predicted)[answered], minlength=k * k).reshape(k, k)
    hits, support, called = confusion.diagonal(), np.bincount(truth, minlength=k), confusion.sum(axis=0)
    balanced, precision, recall, f1 = (float(score) for score in _macro_scores(hits, support, called))
    per_class = zip(labels, *_class_scores(hits, support, called), support, strict=True)
    return ClassificationReport(
        n=len(truth),
        abstained=int((~answered).sum()),
        accuracy=float(hits.sum() / len(truth)),
        balanced_accuracy=balanced,
        macro_precision=precision,
        macro_recall=recall,
        macro_f1=f1,
        classes=tuple(
            ClassReport(label=label, precision=float(p), recall=float(r), f1=float(f), support=int(n))
            for label, p, r, f, n in per_class
        ),
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def most_confused(confusion: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Which classes are taken for which others: truth, answer and number of photos, the largest share first.

    Args:
        confusion: Rows are the truth, columns the answers.
    """
    totals = [max(sum(row), 1) for row in confusion]
    pairs = [
        (truth, called, number)
        for truth, row in enumerate(confusion)
        for called, number in enumerate(row)
        if number and truth != called
    ]
    return sorted(pairs, key=lambda pair: (-pair[2] / totals[pair[0]], -pair[2], pair))


def _class_scores(hits: Counts, support: Counts, called: Counts) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Precision, recall and F1 of each class (last axis)."""
    return ratio(hits, called), ratio(hits, support), ratio(2 * hits, support + called)


def _macro_scores(hits: Counts, support: Counts, called: Counts) -> Float64Array:
    """Balanced accuracy, macro precision, recall and F1 of (..., classes) counts, as (4, ...)."""
    precision, recall, f1 = _class_scores(hits, support, called)
    occurs = support + called > 0
    return np.stack(
        [
            np.mean(recall, axis=-1, where=support > 0),
            *(np.mean(score, axis=-1, where=occurs) for score in (precision, recall, f1)),
        ]
    )


def macro_samples(truth: Int64Array, predicted: Int64Array, weights: Int64Array) -> Float64Array:
    """Balanced accuracy, macro precision, recall and F1 of resampled photos.

    A mean over classes is not defined where a class has no photos: leaving it out would report the other one's.

    Args:
        truth: (n,) classes.
        predicted: (n,) classes.
        weights: (rows, n), how often each photo counts.

    Returns:
        (4, rows), NaN where a row lacks a class that the photos have.
    """
    classes = np.arange(max(int(truth.max()), int(predicted.max())) + 1)
    is_true, is_called = truth[:, None] == classes, predicted[:, None] == classes
    # Whole numbers in float64 stay exact, and only floats have a fast matrix product.
    drawn = weights.astype(np.float64) @ np.stack([is_true & is_called, is_true, is_called]).astype(np.float64)
    scores = _macro_scores(*drawn)
    scores[:, (drawn[1][:, is_true.any(axis=0)] == 0).any(axis=1)] = np.nan
    return scores


def agreement(a: Int64Array, b: Int64Array) -> float:
    """The share of photos to which two classifiers give the same class, right or wrong.

    Raises:
        DataError: no photos, or lengths differ.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise DataError(f"agreement needs two classes for each photo, got {list(a.shape)} and {list(b.shape)}")
    return float((a == b).mean())


def evaluation_of(judged: Judged, *, resamples: int = 1000) -> Evaluation:
    """The headline numbers of judged photos, with 95 % intervals.

    With groups, intervals come from a group bootstrap, and are never narrower than over photos; without, from a
    bootstrap over photos, and from Wilson for APCER and BPCER. Where resamples cannot tell (all alike, a single group),
    :func:`edgekit.metrics.intervals.share_estimate` says what is done instead, so every interval is finite.

    Args:
        judged: The photos.
        resamples: How many times groups or photos are drawn.
    """
    how = Resampling.of(judged.groups, len(judged.paths), resamples=resamples)
    macro = share_estimates(lambda weights: macro_samples(judged.truth, judged.predicted, weights), how)
    by_group = _by_group(judged, how.groups)
    evaluation = Evaluation(
        report=classification_report(judged.truth, judged.predicted, judged.labels),
        balanced_accuracy=macro[0],
        precision=macro[1],
        recall=macro[2],
        f1=macro[3],
        by_group=by_group,
        worst_group=_worst_group(by_group),
        mean_over_groups=float(np.mean([one.balanced_accuracy for one in by_group.values()])) if by_group else None,
    )
    return evaluation if judged.bona_fide is None else _with_attacks(evaluation, judged, how)


def _by_group(judged: Judged, draws: Draws | None) -> dict[str, GroupReport]:
    if judged.groups is None or draws is None:
        return {}
    hits = np.where(judged.right, judged.truth, -1)
    counts = [draws.totals(classes, len(judged.labels)) for classes in (hits, judged.truth, judged.predicted)]
    balanced, photos = _macro_scores(*counts)[0], counts[1].sum(axis=1)
    return {
        group: GroupReport(n=int(n), balanced_accuracy=float(value))
        for group, n, value in zip(sorted(set(judged.groups)), photos, balanced, strict=True)
    }


def _worst_group(by_group: dict[str, GroupReport]) -> str:
    enough = {group: one for group, one in by_group.items() if one.n >= MIN_PHOTOS} or by_group
    return min(enough, key=lambda group: (enough[group].balanced_accuracy, -enough[group].n), default="")


def _with_attacks(evaluation: Evaluation, judged: Judged, how: Resampling) -> Evaluation:
    is_attack, called, kinds = judged.is_attack, judged.called_attack, judged.kinds
    apcer = None
    if is_attack.any():
        headline = worst_kind(apcer_by_kind(is_attack, called, kinds))
        apcer = rate(is_attack & (kind_names(kinds) == headline), ~called, how)
    bpcer = rate(~is_attack, called, how)
    evaluation = replace(
        evaluation,
        apcer=None if apcer is None else apcer.estimate,
        bpcer=None if bpcer is None else bpcer.estimate,
    )
    if apcer is None or bpcer is None:
        return evaluation
    score = judged.attack_score
    (auc,) = share_estimates(
        lambda weights: weighted_auc(is_attack, score, weights)[None], how, (is_attack, ~is_attack)
    )
    return replace(
        evaluation,
        attack=attack_report(is_attack, called, kinds, bona_fide=str(judged.bona_fide)),
        auc=auc,
        eer=equal_error_rate(is_attack, score)[0],
        bpcer20=bpcer_at_apcer(is_attack, score, 0.05)[0],
    )
