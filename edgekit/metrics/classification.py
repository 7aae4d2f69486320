"""How well photos are told apart: classification and presentation-attack numbers, with intervals. Pure numpy.

The numbers of attacks and of scores are made in :mod:`edgekit.metrics.attacks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.errors import DataError
from edgekit.metrics.attacks import (
    MIN_PHOTOS,
    AttackReport,
    apcer_by_kind,
    attack_report,
    bpcer_at_apcer,
    checked_scores,
    equal_error_rate,
    kind_names,
    roc_auc,
    weighted_auc,
    worst_kind,
)
from edgekit.metrics.intervals import Draws, Estimate, share_estimate, wider, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReport:
    """One class against all others; each share is 0 where it has no photos to stand on."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A classifier's numbers on labelled photos.

    Attributes:
        n: Photos.
        abstained: Photos without a verdict ("retake", "unknown"), which count as errors of their class.
        accuracy: Share of photos called right.
        balanced_accuracy: Mean recall over the classes that occur in the truth.
        macro_precision: Mean over the classes that occur in the truth or the predictions, as the two below.
        macro_recall: Smaller than the balanced accuracy where a class is predicted that never occurs.
        macro_f1: Mean of the classes' F1.
        classes: In the order of the labels.
        confusion: Rows are the truth, columns the predictions; photos without a verdict are in no column.
    """

    n: int
    abstained: int
    accuracy: float
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """One group of photos; its balanced accuracy is over the classes that it has."""

    n: int
    balanced_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """What a classifier said about photos whose truth is known.

    Attributes:
        truth: (n,) integers, positions in ``labels``.
        predicted: (n,) integers, positions in ``labels``, or -1 for no verdict: an error of its class, and never a pass
            as bona fide.
        labels: The classes.
        groups: (n,) the author, camera or scene of each photo; None or all empty where nobody knows.
        kinds: (n,) the kind of attack of each photo; looked at for attacks only.
        attack_score: (n,) finite, larger for attacks; needs ``bona_fide``.
        bona_fide: The label of genuine photos, which makes all others attacks; None for any other task.

    Raises:
        DataError: lengths differ, a number is no label, a score is not finite, only some photos have a group, …
    """

    truth: Int64Array
    predicted: Int64Array
    labels: Sequence[str]
    groups: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    attack_score: Float64Array | None = None
    bona_fide: str | None = None

    def __post_init__(self) -> None:
        n = len(_checked_classes(self.truth, self.predicted, self.labels)[0])
        for name, given in (("groups", self.groups), ("kinds", self.kinds)):
            if given is not None and len(given) != n:
                raise DataError(f"{name} must name one for each photo, got {len(given)} for {n} photos")
        if self.bona_fide is not None and self.bona_fide not in self.labels:
            raise DataError(f"bona fide must be one of the labels {list(self.labels)}, got {self.bona_fide!r}")
        if self.attack_score is not None:
            if self.bona_fide is None:
                raise DataError("an attack score needs the label of genuine photos, got bona_fide=None")
            checked_scores(np.asarray(self.truth) >= 0, self.attack_score)
        if self.grouped:
            Draws.of(self.groups, n)

    @property
    def grouped(self) -> bool:
        """Whether photos have groups."""
        return self.groups is not None and any(self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that is said about a classifier on one set of photos.

    Attributes:
        report: The numbers without intervals.
        balanced_accuracy: The headline.
        precision: Macro precision.
        recall: Macro recall.
        f1: Macro F1.
        auc: Of the attack score; None without one, or without both attacks and genuine photos.
        eer: Equal error rate of the attack score, where ``auc`` exists.
        bpcer20: BPCER where the attack score lets 5 % of all attacks pass, where ``auc`` exists.
        attack: None without both attacks and genuine photos.
        apcer: Of the headline's kind; the kind stays fixed over resamples. None without attacks.
        bpcer: None without genuine photos.
        by_group: Each group's own numbers; empty without groups.
        worst_group: Of the lowest balanced accuracy, among groups of 10 photos or more or all if none has.
        mean_over_groups: Each group counts the same; None without groups.
    """

    report: Report
    balanced_accuracy: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auc: Estimate | None = None
    eer: float | None = None
    bpcer20: float | None = None
    attack: AttackReport | None = None
    apcer: Estimate | None = None
    bpcer: Estimate | None = None
    by_group: dict[str, GroupReport] = field(default_factory=dict)
    worst_group: str = ""
    mean_over_groups: float | None = None


def report(truth: Int64Array, predicted: Int64Array, labels: Sequence[str]) -> Report:
    """The numbers of a classifier on labelled photos, as scikit-learn defines them (``zero_division=0``).

    Args:
        truth: (n,) integers, positions in the labels.
        predicted: (n,) integers, positions in the labels, or -1 for no verdict.
        labels: The classes, each once.

    Raises:
        DataError: no photos, lengths or types are wrong, a number is no label, or a label comes twice.
    """
    truth, predicted = _checked_classes(truth, predicted, labels)
    k = len(labels)
    answered = predicted >= 0
    confusion = np.bincount((truth * k + predicted)[answered], minlength=k * k).reshape(k, k)
    hits, support, called = confusion.diagonal(), np.bincount(truth, minlength=k), confusion.sum(axis=0)
    balanced, precision, recall, f1 = (float(score) for score in _macro_scores(hits, support, called))
    per_class = zip(labels, *_class_scores(hits, support, called), support, strict=True)
    return Report(
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


def _class_scores(
    hits: Int64Array, support: Int64Array, called: Int64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Precision, recall and F1 of each class (last axis)."""
    return _share(hits, called), _share(hits, support), _share(2 * hits, support + called)


def _macro_scores(hits: Int64Array, support: Int64Array, called: Int64Array) -> Float64Array:
    """Balanced accuracy, macro precision, recall and F1 of (..., classes) counts, as (4, ...)."""
    precision, recall, f1 = _class_scores(hits, support, called)
    seen = support + called > 0
    return np.stack(
        [
            np.mean(recall, axis=-1, where=support > 0),
            *(np.mean(score, axis=-1, where=seen) for score in (precision, recall, f1)),
        ]
    )


def _resampled_scores(draws: Int64Array, counts: Float64Array) -> Float64Array:
    """The same of (resamples, units) draws from (3, units, classes) counts, as (4, resamples).

    A mean over classes is not defined where a class has no photos: leaving it out would report the other one's.
    """
    drawn = draws.astype(np.float64) @ counts
    scores = _macro_scores(*drawn)
    known = counts[1].sum(axis=0) > 0
    scores[:, (drawn[1][:, known] == 0).any(axis=1)] = np.nan
    return scores


def _share(part: Int64Array, whole: Int64Array, *, empty: float = 0.0) -> Float64Array:
    out: Float64Array = np.full(np.shape(whole), empty)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)


def agreement(a: Int64Array, b: Int64Array) -> float:
    """The share of photos to which two classifiers give the same class, right or wrong.

    Raises:
        DataError: no photos, or lengths differ.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise DataError(f"agreement needs two classes for each photo, got {list(a.shape)} and {list(b.shape)}")
    return float((a == b).mean())


def evaluate_predictions(predictions: Predictions, *, resamples: int = 1000, seed: int = 0) -> Evaluation:
    """Everything that is said about a classifier on one set of photos, with 95 % intervals.

    With groups, intervals come from a group bootstrap, and are never narrower than over photos; without, from a
    bootstrap over photos, and from Wilson for APCER and BPCER. Where resamples cannot tell (all alike, a single group),
    :func:`edgekit.metrics.intervals.share_estimate` says what is done instead, so every interval is finite.

    Args:
        predictions: Photos with their truth.
        resamples: How many times groups or photos are drawn.
        seed: The same seed gives the same intervals.
    """
    photos = len(predictions.truth)
    by_photo = _evaluate(predictions, Draws.of(None, photos, resamples=resamples, seed=seed))
    if not predictions.grouped:
        return by_photo
    by_group = _evaluate(predictions, Draws.of(predictions.groups, photos, resamples=resamples, seed=seed))

    def joined(of_groups: Estimate | None, of_photos: Estimate | None) -> Estimate | None:
        return wider(of_groups, of_photos) if of_groups is not None and of_photos is not None else None

    return replace(
        by_group,
        balanced_accuracy=wider(by_group.balanced_accuracy, by_photo.balanced_accuracy),
        precision=wider(by_group.precision, by_photo.precision),
        recall=wider(by_group.recall, by_photo.recall),
        f1=wider(by_group.f1, by_photo.f1),
        auc=joined(by_group.auc, by_photo.auc),
        apcer=joined(by_group.apcer, by_photo.apcer),
        bpcer=joined(by_group.bpcer, by_photo.bpcer),
    )


def _evaluate(p: Predictions, draws: Draws) -> Evaluation:
    truth, predicted = _checked_classes(p.truth, p.predicted, p.labels)
    groups = p.groups if draws.method == "group bootstrap" else None
    overall = report(truth, predicted, p.labels)
    k = len(p.labels)
    hits = draws.totals(np.where(truth == predicted, truth, -1), k)
    # Whole numbers in float64 stay exact, and only floats have a fast matrix product.
    counts = np.stack([hits, draws.totals(truth, k), draws.totals(predicted, k)]).astype(np.float64)
    samples = np.concatenate([_resampled_scores(block, counts) for block in draws.blocks()], axis=1)
    macro = [
        share_estimate(value, sample, units=counts.shape[1], method=draws.method)
        for value, sample in zip(_macro_values(overall), samples, strict=True)
    ]
    by_group = _by_group(sorted(set(groups)), counts) if groups is not None else {}
    evaluation = Evaluation(
        report=overall,
        balanced_accuracy=macro[0],
        precision=macro[1],
        recall=macro[2],
        f1=macro[3],
        by_group=by_group,
        worst_group=_worst_group(by_group),
        mean_over_groups=float(np.mean([one.balanced_accuracy for one in by_group.values()])) if by_group else None,
    )
    return evaluation if p.bona_fide is None else _with_attacks(evaluation, p, draws)


def _macro_values(of: Report) -> tuple[float, float, float, float]:
    return of.balanced_accuracy, of.macro_precision, of.macro_recall, of.macro_f1


def _by_group(groups: Sequence[str], counts: Float64Array) -> dict[str, GroupReport]:
    """The groups in the order of their numbers; counts are hits, support and calls, (3, groups, classes)."""
    balanced, photos = _macro_scores(*counts)[0], counts[1].sum(axis=-1)
    return {
        group: GroupReport(n=int(n), balanced_accuracy=float(value))
        for group, n, value in zip(groups, photos, balanced, strict=True)
    }


def _worst_group(by_group: dict[str, GroupReport]) -> str:
    enough = {group: one for group, one in by_group.items() if one.n >= MIN_PHOTOS} or by_group
    return min(enough, key=lambda group: (enough[group].balanced_accuracy, -enough[group].n), default="")


def _with_attacks(evaluation: Evaluation, p: Predictions, draws: Draws) -> Evaluation:
    genuine = list(p.labels).index(str(p.bona_fide))
    is_attack, called = np.asarray(p.truth) != genuine, np.asarray(p.predicted) != genuine
    kinds = p.kinds if p.kinds is not None else [""] * len(is_attack)
    apcer = bpcer = None
    if is_attack.any():
        headline = worst_kind(apcer_by_kind(is_attack, called, kinds))
        apcer = _rate_estimate(is_attack & (kind_names(kinds) == headline), ~called, draws)
    if not is_attack.all():
        bpcer = _rate_estimate(~is_attack, called, draws)
    if apcer is None or bpcer is None:
        return replace(evaluation, apcer=apcer, bpcer=bpcer)
    attack = attack_report(is_attack, called, kinds, bona_fide=str(p.bona_fide))
    evaluation = replace(evaluation, apcer=apcer, bpcer=bpcer, attack=attack)
    if p.attack_score is None:
        return evaluation
    return replace(
        evaluation,
        auc=_auc_estimate(is_attack, np.asarray(p.attack_score, np.float64), draws),
        eer=equal_error_rate(is_attack, p.attack_score)[0],
        bpcer20=bpcer_at_apcer(is_attack, p.attack_score, 0.05)[0],
    )


def _rate_estimate(among: BoolArray, wrong: BoolArray, draws: Draws) -> Estimate:
    """The share of some photos that are wrong: over groups, or Wilson's where photos have none."""
    photos, errors = int(among.sum()), int((among & wrong).sum())
    if draws.method == "bootstrap":
        return wilson(errors, photos)
    # Class 0 is a right photo, class 1 a wrong one.
    counts = draws.totals(np.where(among, wrong, -1), 2)
    right, failed = np.concatenate([block @ counts for block in draws.blocks()]).T
    units = int((counts.sum(axis=1) > 0).sum())
    return share_estimate(
        errors / photos, _share(failed, right + failed, empty=np.nan), units=units, method=draws.method
    )


def _auc_estimate(is_attack: BoolArray, score: Float64Array, draws: Draws) -> Estimate:
    samples = [weighted_auc(is_attack, score, block[:, draws.unit]) for block in draws.blocks()]
    units = min(len(np.unique(draws.unit[side])) for side in (is_attack, ~is_attack))
    return share_estimate(roc_auc(is_attack, score), np.concatenate(samples), units=units, method=draws.method)


def _checked_classes(truth: Int64Array, predicted: Int64Array, labels: Sequence[str]) -> tuple[Int64Array, Int64Array]:
    """Both as (n,) int64."""
    if isinstance(labels, str) or not labels or len(set(labels)) != len(labels):
        raise DataError(f"labels must be distinct names, at least one, got {labels!r:.200}")
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or not len(truth) or truth.shape != predicted.shape:
        raise DataError(
            f"truth and predicted must be one class per photo, got {list(truth.shape)} and {list(predicted.shape)}"
        )
    for name, classes, lowest in (("truth", truth, 0), ("predicted", predicted, -1)):
        if classes.dtype.kind not in "iu":
            raise DataError(f"{name} must be positions in the labels, got {classes.dtype}")
        if classes.min() < lowest or classes.max() >= len(labels):
            got = f"{classes.min()}..{classes.max()}"
            raise DataError(f"{name} must lie in {lowest}..{len(labels) - 1} for {len(labels)} labels, got {got}")
    return truth.astype(np.int64), predicted.astype(np.int64)
