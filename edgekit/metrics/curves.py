"""What an attack score allows: error rates of every kind at the operating point, and the curves of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.attacks import (
    MIN_PHOTOS,
    apcer_by_kind,
    area,
    both_classes,
    bpcer_at_apcer,
    checked_bools,
    checked_scores,
    crossing,
    equal_error_rate,
    kind_names,
    score_levels,
    worst_kind,
)
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.rates import Rate, Resampling, rate, ratio, share_estimates

# Where the field quotes BPCER: known as BPCER20 and BPCER100.
APCER_LIMITS = (0.05, 0.01)
MAX_CURVE_POINTS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCurve:
    """Every operating point of an attack score: ROC, DET and precision-recall curve in one, column by column.

    With attacks as positives, the false positive rate is ``bpcer`` and the true positive rate, or recall, ``1 -
    apcer``. Points run from calling nothing an attack to calling everything one.

    Attributes:
        threshold: Photos with this score or more are called attacks; None for the first point, where none is.
        apcer: Share of all attacks that pass.
        bpcer: Share of genuine photos called attacks.
        precision: Of the photos called attacks, how many are; 1 where none is.
        cuts: Operating points before thinning: one more than there are distinct scores.
    """

    threshold: tuple[Share | None, ...]
    apcer: tuple[Share, ...]
    bpcer: tuple[Share, ...]
    precision: tuple[Share, ...]
    cuts: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRate:
    """The APCER of one kind of attack at the operating point."""

    kind: str
    apcer: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRate:
    """The lowest BPCER that keeps the APCER, over all attacks, within a limit.

    Attributes:
        limit: The APCER that must not be exceeded, as a share of 1.
        bpcer: The lowest BPCER with its interval; the threshold is chosen anew in every resample.
        threshold: Chosen on these very photos, so both numbers flatter.
        supported: Whether there are attacks enough for one of them to be as little as the limit.
    """

    limit: Share
    bpcer: Estimate
    threshold: Share
    supported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackDetail:
    """Presentation-attack numbers with intervals (ISO/IEC 30107-3).

    Attributes:
        kinds: APCER of every kind of attack, the worst first; kinds with fewer than 10 photos last.
        worst_kind: The kind of the headline, the first of ``kinds``.
        overall: APCER over all attacks, whatever their kind.
        bpcer: Share of genuine photos called attacks at the operating point.
        acer: Mean of the headline's APCER and BPCER; the kind stays fixed over resamples.
        eer: Equal error rate, over all attacks.
        eer_threshold: The attack score at which both error rates are equal, chosen on these very photos.
        auc: Area under the ROC curve.
        average_precision: Area under the precision-recall curve, attacks being positives, as a sum of steps.
        at_apcer: The lowest BPCER within each of several fixed limits on the APCER.
        curve: All operating points, thinned.
    """

    kinds: tuple[KindRate, ...]
    worst_kind: str
    overall: Rate
    bpcer: Rate
    acer: Estimate
    eer: Estimate
    eer_threshold: Share
    auc: Estimate
    average_precision: Estimate
    at_apcer: tuple[LimitRate, ...]
    curve: ScoreCurve


def attack_detail(
    is_attack: BoolArray, called_attack: BoolArray, score: Float64Array, kinds: Sequence[str], how: Resampling
) -> AttackDetail:
    """All presentation-attack numbers of one decision and its score.

    Args:
        is_attack: (n,) whether each photo is an attack; both classes present.
        called_attack: (n,) whether each photo is called an attack.
        score: (n,) finite, larger for attacks.
        kinds: (n,) the kind of each attack; looked at for attacks only.
        how: Resampling of the photos.

    Raises:
        DataError: one class is absent, lengths or types are wrong, or a score is not finite.
    """
    is_attack, score = checked_scores(is_attack, score)
    called_attack = checked_bools("called_attack", called_attack)
    both_classes("attack numbers need", is_attack)
    if not len(called_attack) == len(kinds) == len(is_attack):
        raise DataError(f"every photo needs a call and a kind, got {len(called_attack)} and {len(kinds)}")
    by_kind = _kinds(is_attack, called_attack, kinds, how)
    overall, bpcer = rate(is_attack, ~called_attack, how), rate(~is_attack, called_attack, how)
    assert overall is not None
    assert bpcer is not None
    eer, auc, average_precision, *at_limits = share_estimates(
        lambda weights: _statistics(is_attack, score, weights), how, (is_attack, ~is_attack)
    )
    sides = is_attack & (kind_names(kinds) == by_kind[0].kind), ~is_attack
    (acer,) = share_estimates(lambda weights: _acer(*sides, called_attack, weights), how, sides)
    return AttackDetail(
        kinds=by_kind,
        worst_kind=by_kind[0].kind,
        overall=overall,
        bpcer=bpcer,
        acer=acer,
        eer=eer,
        eer_threshold=equal_error_rate(is_attack, score)[1],
        auc=auc,
        average_precision=average_precision,
        at_apcer=tuple(
            LimitRate(
                limit=limit,
                bpcer=estimate,
                threshold=bpcer_at_apcer(is_attack, score, limit)[1],
                supported=bool(int(is_attack.sum()) * limit >= 1),
            )
            for limit, estimate in zip(APCER_LIMITS, at_limits, strict=True)
        ),
        curve=score_curve(is_attack, score),
    )


def _kinds(
    is_attack: BoolArray, called_attack: BoolArray, kinds: Sequence[str], how: Resampling
) -> tuple[KindRate, ...]:
    named, by_kind = kind_names(kinds), apcer_by_kind(is_attack, called_attack, kinds)
    worst = worst_kind(by_kind)
    order = sorted((k != worst, one.n < MIN_PHOTOS, -one.value, -one.n, k) for k, one in by_kind.items())
    rates = ((kind, rate(is_attack & (named == kind), ~called_attack, how)) for *_, kind in order)
    return tuple(KindRate(kind=kind, apcer=apcer) for kind, apcer in rates if apcer is not None)


def _statistics(is_attack: BoolArray, score: Float64Array, weights: Int64Array) -> Float64Array:
    """EER, AUC, average precision and BPCER at each limit, of every row; NaN where a row lacks a class."""
    _, attacks, genuine = score_levels(is_attack, score, weights)
    all_attacks, all_genuine = attacks.sum(axis=1), genuine.sum(axis=1)
    known = (all_attacks > 0) & (all_genuine > 0)
    statistics: Float64Array = np.full((3 + len(APCER_LIMITS), len(weights)), np.nan)
    statistics[1] = area(attacks, genuine)
    attacks, genuine = attacks[known], genuine[known]
    n_attacks, n_genuine = all_attacks[known, None], all_genuine[known, None]
    zero = np.zeros((len(attacks), 1), np.int64)
    missed = np.concatenate([zero, np.cumsum(attacks, axis=1)], axis=1)
    alarms = n_genuine - np.concatenate([zero, np.cumsum(genuine, axis=1)], axis=1)
    apcer, bpcer = missed / n_attacks, alarms / n_genuine
    statistics[0, known] = crossing(apcer, bpcer)
    statistics[2, known] = _average_precision(attacks, n_attacks - missed[:, :-1], alarms[:, :-1])
    rows = np.arange(len(attacks))
    for number, limit in enumerate(APCER_LIMITS):
        # APCER only rises from cut to cut.
        statistics[3 + number, known] = bpcer[rows, (apcer <= limit).sum(axis=1) - 1]
    return statistics


def _average_precision(attacks: Int64Array, found: Int64Array, alarms: Int64Array) -> Float64Array:
    """Of (rows, levels): attacks of each level, and what a cut there finds, rightly and not."""
    return np.asarray((attacks * ratio(found, found + alarms)).sum(axis=1) / attacks.sum(axis=1))


def _acer(attacks: BoolArray, genuine: BoolArray, called: BoolArray, weights: Int64Array) -> Float64Array:
    apcer, bpcer = (
        ratio(weights[:, among & wrong].sum(axis=1), weights[:, among].sum(axis=1), of_nothing=np.nan)
        for among, wrong in ((attacks, ~called), (genuine, called))
    )
    return ((apcer + bpcer) / 2)[None]


def score_curve(is_attack: BoolArray, score: Float64Array, *, most: int = MAX_CURVE_POINTS) -> ScoreCurve:
    """All operating points of a score, thinned where there are more than ``most``.

    Kept are both ends, every corner of the convex hull (so nothing that a threshold, or two of them by lot, can reach
    is lost) and of the rest, as many as fit, evenly by rank. Points in the middle of a straight line go first, which
    changes no curve. Should the hull alone have more corners, all of those are kept.

    Args:
        is_attack: (n,) whether each photo is an attack; both classes present.
        score: (n,) finite attack scores.
        most: The most points to keep.

    Raises:
        DataError: one class is absent, lengths or types are wrong, or a score is not finite.
    """
    is_attack, score = checked_scores(is_attack, score)
    n_attacks, n_genuine = both_classes("a curve needs", is_attack)
    levels, attacks, genuine = score_levels(is_attack, score, np.ones((1, len(score)), np.int64))
    found = np.concatenate([[0], np.cumsum(attacks[0, ::-1])])
    alarms = np.concatenate([[0], np.cumsum(genuine[0, ::-1])])
    kept = _thinned(alarms, found, most)
    thresholds = [None, *levels[::-1].tolist()]
    return ScoreCurve(
        threshold=tuple(thresholds[at] for at in kept),
        apcer=tuple(((n_attacks - found[kept]) / n_attacks).tolist()),
        bpcer=tuple((alarms[kept] / n_genuine).tolist()),
        precision=tuple(ratio(found, found + alarms, of_nothing=1.0)[kept].tolist()),
        cuts=len(thresholds),
    )


def _thinned(x: Int64Array, y: Int64Array, most: int) -> Int64Array:
    """Which points of a rising staircase are kept; whole numbers, so that no corner is lost by rounding."""
    if len(x) <= most:
        return np.arange(len(x))
    dx, dy = np.diff(x), np.diff(y)
    turns = np.flatnonzero(dx[1:] * dy[:-1] != dx[:-1] * dy[1:]) + 1
    corners = np.concatenate([[0], turns, [len(x) - 1]])
    if len(corners) <= most:
        return corners
    hull = _upper_hull(x, y)
    rest = np.setdiff1d(corners, hull)
    room = max(most - len(hull), 0)
    chosen = rest[np.linspace(0, len(rest) - 1, min(room, len(rest))).round().astype(np.int64)]
    return np.union1d(hull, chosen)


def _upper_hull(x: Int64Array, y: Int64Array) -> Int64Array:
    """Corners of the upper convex hull of points in the order of x (Andrew 1979)."""
    xs, ys = x.tolist(), y.tolist()
    hull: list[int] = []
    for at in range(len(xs)):
        while len(hull) >= 2:
            a, b = hull[-2], hull[-1]
            if (xs[b] - xs[a]) * (ys[at] - ys[a]) - (ys[b] - ys[a]) * (xs[at] - xs[a]) < 0:
                break
            hull.pop()
        hull.append(at)
    return np.asarray(hull, np.int64)
