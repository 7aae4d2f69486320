"""All that is said about a classifier on one set of photos beyond its headline: errors, curves, calibration, slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.abstaining import RiskCoverage, band_report, risk_coverage
from edgekit.metrics.classification import ClassificationReport, ClassReport, check_confusion, classification_report
from edgekit.metrics.curves import AttackDetail, attack_detail
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Resampling
from edgekit.metrics.reliability import Reliability, reliability
from edgekit.metrics.slices import Slices, slice_photos

MAX_LISTED_MISTAKES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTable:
    """Precision, recall and F1 as anti-spoofing studies print them, with scikit-learn's averages.

    Attributes:
        classes: In the order of the labels.
        accuracy: Share of photos called right.
        macro: Mean over the classes that occur.
        weighted: Mean over the classes, weighted by their photos.
    """

    classes: tuple[ClassReport, ...]
    accuracy: Share
    macro: ClassReport
    weighted: ClassReport


def class_table(of: ClassificationReport) -> ClassTable:
    """The table of a report."""

    def averaged(label: str, mean: Callable[[str], float]) -> ClassReport:
        return ClassReport(label=label, precision=mean("precision"), recall=mean("recall"), f1=mean("f1"), support=of.n)

    def weighted(name: str) -> float:
        return float(sum(getattr(one, name) * one.support for one in of.classes)) / of.n

    macro = averaged("macro avg", lambda name: float(getattr(of, f"macro_{name}")))
    weighted_mean = averaged("weighted avg", weighted)
    return ClassTable(classes=of.classes, accuracy=of.accuracy, macro=macro, weighted=weighted_mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A photo that was called wrong.

    Attributes:
        path: Relative to the data's folder.
        truth: The photo's label.
        predicted: The label that it was given, or "unknown" by a rule for that.
        score: The attack score, or the probability of ``predicted`` where there are no attacks; the unknown score of a
            photo that is called unknown.
        certainty: How far the vote was from another answer, in log-odds.
        group: The photo's group; empty where nobody knows.
        kind: The photo's kind of attack; empty where nobody knows.
        abstained: Whether the contract itself would not have answered.
    """

    path: str
    truth: str
    predicted: str
    score: Share
    certainty: float
    group: str
    kind: str
    abstained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All that is said beyond the headline.

    Attributes:
        photos: Number of photos that were judged.
        table: Precision, recall and F1 of each class, with averages.
        confusion: Numbers of photos: rows are the true classes, columns the classes that were answered. Photos that a
            rule for unknown takes are in no column.
        unknown: How many these are. They count as wrong but in ``reliability`` and ``risk``, which judge the labels.
        attacks: None without both attacks and genuine photos.
        reliability: How far the attack score, or the top probability, can be taken at its word.
        risk: Error rates when the least certain photos are not answered.
        slices: Numbers of the photos slice by slice, by columns of the manifest.
        mistakes: Photos that were called wrong, the most certain first, at most 200.
        all_mistakes: How many photos were called wrong in all.
    """

    photos: Counted
    table: ClassTable
    confusion: tuple[tuple[Counted, ...], ...]
    attacks: AttackDetail | None
    reliability: Reliability
    risk: RiskCoverage
    slices: Slices
    mistakes: tuple[Mistake, ...]
    all_mistakes: Counted
    unknown: Counted = 0

    def __post_init__(self) -> None:
        """Hold that every photo is counted once: a record may say anything."""
        support = [one.support for one in self.table.classes]
        check_confusion(self.confusion, support)
        right = sum(row[at] for at, row in enumerate(self.confusion))
        bins = [sum(one.n for one in some) for some in (self.reliability.equal_mass, self.reliability.equal_width)]
        answers = sum(map(sum, self.confusion)) + self.unknown
        if {sum(support), answers, right + self.all_mistakes, *bins} != {self.photos}:
            raise DataError(
                f"details of {self.photos} photos must be of so many, got {sum(support)} of all classes, "
                f"{answers} answers, {right} right and {self.all_mistakes} wrong, and bins of "
                f"{bins[0]} and {bins[1]}; was the record edited?"
            )


def with_unknown_column(
    confusion: Sequence[Sequence[int]], classes: Sequence[ClassReport]
) -> tuple[tuple[int, ...], ...]:
    """A confusion matrix with a column more: photos that are in no other, since a rule for unknown takes them."""
    return tuple((*row, one.support - sum(row)) for row, one in zip(confusion, classes, strict=True))


def detail(judged: Judged, *, slices: Sequence[str] | None = None, resamples: int = 1000) -> Detail:
    """All that can be said of judged photos.

    Args:
        judged: The photos.
        slices: Columns to slice by; None takes all.
        resamples: How many times photos and groups are drawn for intervals.

    Raises:
        DataError: no photos, or a column that isn't there.
    """
    report = classification_report(judged.truth, judged.predicted, judged.labels)
    how = Resampling.of(judged.groups, report.n, resamples=resamples)
    check_slices(slices, judged.columns)
    columns = {column: judged.columns[column] for column in (judged.columns if slices is None else slices)}
    wrong = ~judged.right
    mistakes, wrong_label = _mistakes(judged, wrong), judged.wrong_label
    return Detail(
        photos=report.n,
        table=class_table(report),
        confusion=report.confusion,
        attacks=_attacks(judged, how),
        reliability=reliability_of(judged, how),
        risk=risk_coverage(
            wrong_label,
            judged.certainty,
            how,
            band=band_report(wrong_label, judged.abstained, how, abstain=judged.abstain, floor=judged.floor),
        ),
        slices=slice_photos(columns, judged.truth, judged.predicted, judged.genuine, judged.groups),
        mistakes=mistakes[:MAX_LISTED_MISTAKES],
        all_mistakes=len(mistakes),
        unknown=report.abstained,
    )


def check_slices(wanted: Sequence[str] | None, columns: Iterable[str]) -> None:
    """Hold that photos can be sliced by these columns, before the photos are scored.

    Raises:
        DataError: no photo has anything in a column.
    """
    for column in wanted or ():
        if column not in columns:
            raise DataError(f"slices must be columns that the photos have, {sorted(columns)}, got {column!r}")


def _attacks(judged: Judged, how: Resampling) -> AttackDetail | None:
    if judged.genuine is None:
        return None
    is_attack = judged.is_attack
    if not is_attack.any() or is_attack.all():
        return None
    return attack_detail(is_attack, judged.called_attack, judged.attack_score, judged.kinds, how)


def reliability_of(judged: Judged, how: Resampling) -> Reliability:
    """How far the attack score, or the top probability where there are no attacks, can be taken at its word."""
    if judged.genuine is not None:
        return reliability("attack score", judged.is_attack, judged.attack_score, how)
    top = judged.probabilities.max(axis=1)
    return reliability("top probability", judged.truth == judged.probabilities.argmax(axis=1), top, how)


def _mistakes(judged: Judged, wrong: BoolArray) -> tuple[Mistake, ...]:
    order = sorted(np.flatnonzero(wrong).tolist(), key=lambda at: (-judged.certainty[at], judged.paths[at]))
    scores = (
        judged.attack_score
        if judged.genuine is not None
        else judged.probabilities[np.arange(len(wrong)), judged.predicted]
    )
    if judged.unknown is not None:
        scores = np.where(judged.predicted < 0, judged.unknown, scores)
    names = (*judged.labels, "unknown")
    groups, kinds = judged.columns.get("group") or [""] * len(wrong), judged.kinds
    return tuple(
        Mistake(
            path=judged.paths[at],
            truth=judged.labels[judged.truth[at]],
            predicted=names[judged.predicted[at]],
            score=float(scores[at]),
            certainty=float(judged.certainty[at]),
            group=groups[at],
            kind=kinds[at],
            abstained=bool(judged.abstained[at]),
        )
        for at in order
    )
