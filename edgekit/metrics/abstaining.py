"""What is won by asking for another photo instead of answering: risk against coverage. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.metrics.attacks import checked_scores
from edgekit.metrics.curves import MAX_CURVE_POINTS
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Rate, Resampling, rate, ratio, share_estimates


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What a contract's own rules for no answer do ("retake" inside its band, "unknown" below its floor).

    Attributes:
        abstain: The band of attack scores; None where the contract has none.
        floor: The least probability; None where the contract has none.
        abstained: Share of all photos without an answer.
        wrong: Errors among the photos that are answered; None where none is.
        wrong_of_abstained: Errors among photos without an answer, had they been answered: a band pays where many are.
    """

    abstain: tuple[float, float] | None
    floor: float | None
    abstained: Rate
    wrong: Rate | None
    wrong_of_abstained: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCoverage:
    """Errors among the photos that are answered, when the least certain ones are not.

    Certainty is how far a vote is from another answer, in log-odds. Photos of equal certainty are answered together.

    Attributes:
        certainty: The least one that is answered, from large to small.
        coverage: Share of the photos that are.
        risk: Share of those that are wrong; the last is the error rate without abstaining.
        points: Before thinning, which keeps both ends and is even by rank.
        aurc: Mean risk over all coverages (Geifman and El-Yaniv 2017).
        aurc_by_chance: Mean risk of a certainty that knows nothing: the error rate.
        aurc_at_best: Mean risk of a certainty that puts all errors last.
        band: None where the contract answers every photo.
    """

    certainty: tuple[float, ...]
    coverage: tuple[Share, ...]
    risk: tuple[Share, ...]
    points: Counted
    aurc: Estimate
    aurc_by_chance: Share
    aurc_at_best: Share
    band: Band | None


def risk_coverage(wrong: BoolArray, certainty: Float64Array, how: Resampling, *, band: Band | None) -> RiskCoverage:
    """The curve of photos answered most certain first.

    Args:
        wrong: (n,) which photos are called wrong, when all are answered.
        certainty: (n,) finite; larger where the classifier is surer of its answer.
        how: Resampling of the photos.
        band: Numbers under the contract's own rules for abstaining, by :func:`band_report`.

    Raises:
        DataError: lengths or types are wrong, or a certainty is not finite.
    """
    wrong, certainty = checked_scores(wrong, certainty)
    order = np.argsort(-certainty, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(certainty[order])), len(order) - 1)
    answered, errors = ends + 1, np.cumsum(wrong[order])[ends]
    # Photos of one certainty have no order among themselves, so each takes its share of their errors.
    sizes = np.diff(answered, prepend=0)
    spread: Float64Array = np.repeat(np.diff(errors, prepend=0) / sizes, sizes)
    (aurc,) = share_estimates(lambda weights: _aurc(spread, weights[:, order])[None], how)
    kept = np.unique(np.linspace(0, len(ends) - 1, min(len(ends), MAX_CURVE_POINTS)).round().astype(np.int64))
    best = np.sort(wrong.astype(np.float64))
    return RiskCoverage(
        certainty=tuple(certainty[order][ends[kept]].tolist()),
        coverage=tuple((answered[kept] / len(order)).tolist()),
        risk=tuple((errors[kept] / answered[kept]).tolist()),
        points=len(ends),
        aurc=aurc,
        aurc_by_chance=float(wrong.mean()),
        aurc_at_best=float(_aurc(best, np.ones((1, len(order)), np.int64))[0]),
        band=band,
    )


def _aurc(errors: Float64Array, weights: Int64Array) -> Float64Array:
    """(rows,) of photos in the order of their certainty."""
    answered = np.cumsum(weights, axis=1)
    risk = ratio(np.cumsum(weights * errors, axis=1), answered)
    return np.asarray((weights * risk).sum(axis=1) / answered[:, -1])


def band_report(
    wrong: BoolArray,
    abstained: BoolArray,
    how: Resampling,
    *,
    abstain: tuple[float, float] | None,
    floor: float | None,
) -> Band | None:
    """What a contract's rules for no answer do; None where it has none.

    Args:
        wrong: (n,) which photos are called wrong, when all are answered.
        abstained: (n,) which are not answered.
        how: Resampling of the photos.
        abstain: The contract's band of attack scores that get "retake"; None without one.
        floor: The contract's least probability of an answer; None without one.
    """
    if abstain is None and floor is None:
        return None
    share = rate(np.ones(len(wrong), np.bool_), abstained, how)
    assert share is not None
    return Band(
        abstain=abstain,
        floor=floor,
        abstained=share,
        wrong=rate(~abstained, wrong, how),
        wrong_of_abstained=rate(abstained, wrong, how),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """What is right among the rest when the least certain photos are taken again.

    Attributes:
        wanted: Share of photos that were to be asked for again, of those that set the bound.
        asked: Share of these photos that are.
        balanced_accuracy: Of the rest.
        balanced_accuracy_of_asked: Of those asked again, had they been answered; None where none is, or a class lacks.
    """

    wanted: Share
    asked: Share
    balanced_accuracy: Estimate
    balanced_accuracy_of_asked: Share | None


def asked_again(
    judged: Judged, is_asked: Sequence[BoolArray], wanted: Sequence[float], *, resamples: int = 1000
) -> tuple[AskedAgain, ...]:
    """How good the rest is, for several shares of photos that are asked for again.

    Args:
        judged: All photos, answered.
        is_asked: For each share (photos,) which are asked for again, by bounds that these photos did not set.
        wanted: The shares.
        resamples: How many times groups or photos are drawn.

    Returns:
        One for each share that leaves photos of every class.
    """
    how = Resampling.of(judged.groups, len(judged.paths), resamples=resamples)
    classes = np.unique(judged.truth)
    found = []
    for share, asked in zip(wanted, is_asked, strict=True):
        if set(judged.truth[~asked]) != set(classes.tolist()):
            continue
        (rest,) = share_estimates(
            lambda weights, asked=asked: _balanced(judged, weights * ~asked)[None],  # type: ignore[misc]
            how,
        )
        has_all = set(judged.truth[asked]) == set(classes.tolist())
        found.append(
            AskedAgain(
                wanted=share,
                asked=float(asked.mean()),
                balanced_accuracy=rest,
                balanced_accuracy_of_asked=float(_balanced(judged, asked[None].astype(np.int64))[0])
                if has_all
                else None,
            )
        )
    return tuple(found)


def _balanced(judged: Judged, weights: Int64Array) -> Float64Array:
    """(rows,) mean recall over the classes; NaN where a row lacks one."""
    is_class = (judged.truth[:, None] == np.unique(judged.truth)).astype(np.float64)
    photos = weights @ is_class
    recall = (weights * judged.right) @ is_class / np.where(photos > 0, photos, np.nan)
    return np.asarray(recall.mean(axis=1))
