"""Presentation attacks: error rates of a decision, and what a score allows to decide. Pure numpy.

APCER is the share of attacks that pass as bona fide, BPCER the share of bona fide photos called attacks (ISO/IEC
30107-3). True is an attack, scores grow with the likelihood of an attack, and a photo is called an attack when
``score >= threshold``. Choose thresholds on validation photos; on test photos they are fixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.rates import ratio

# A share of fewer photos swings too much to be a headline.
MIN_PHOTOS = 10
# To stand beside every table of kinds.
WORST_RULE = f"The headline is the worst kind among those with {MIN_PHOTOS} photos or more"


class Rated(Protocol):
    """A result that has APCER and BPCER where its task has a label of genuine photos, and None where it has none."""

    @property
    def apcer(self) -> object | None:
        """The share of attacks that pass."""

    @property
    def bpcer(self) -> object | None:
        """The share of genuine photos called attacks."""


def attacks_told(results: Iterable[Rated]) -> bool:
    """Whether results tell attacks from genuine photos: only then do tables and sentences speak of these.

    The one place that decides it for what is shown. Of a model its contract knows (``bona_fide``).
    """
    return any(one.apcer is not None or one.bpcer is not None for one in results)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindReport:
    """The APCER of one kind of attack, and over how many photos."""

    value: Share
    n: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackReport:
    """Presentation-attack numbers at one operating point (ISO/IEC 30107-3).

    Attributes:
        bona_fide: The label of genuine photos.
        attacks: Number of attack photos.
        bona_fides: Number of genuine photos.
        apcer: The headline: the APCER of the worst kind, among those with enough photos.
        apcer_kind: The worst kind, whose APCER is ``apcer``.
        apcer_by_kind: APCER of each kind; photos without one are ``unknown``.
        apcer_overall: APCER over all attacks, whatever their kind: flatters where an easy kind is frequent.
        bpcer: Share of genuine photos called attacks.
        acer: Mean of ``apcer`` and ``bpcer``.
    """

    bona_fide: str
    attacks: Counted
    bona_fides: Counted
    apcer: Share
    apcer_kind: str
    apcer_by_kind: dict[str, KindReport]
    apcer_overall: Share
    bpcer: Share
    acer: Share

    def __post_init__(self) -> None:
        """Check that the worst kind is one: a record may be anybody's."""
        if self.apcer_kind not in self.apcer_by_kind:
            raise DataError(
                f"apcer_kind must be one of the kinds {sorted(self.apcer_by_kind)!r:.200}, "
                f"got {self.apcer_kind!r:.80}; was the record edited?"
            )


def attack_report(
    is_attack: BoolArray, called_attack: BoolArray, kinds: Sequence[str], *, bona_fide: str = "bona fide"
) -> AttackReport:
    """Presentation-attack numbers of one operating point (ISO/IEC 30107-3).

    Args:
        is_attack: (n,) bool, the truth.
        called_attack: (n,) bool, the decision.
        kinds: (n,) the kind of each attack ("screen"); empty is reported as ``unknown``. Not looked at for others.
        bona_fide: What genuine photos are called.

    Raises:
        DataError: lengths or types are wrong, or one class is absent.
    """
    is_attack = checked_bools("is_attack", is_attack)
    called_attack = checked_bools("called_attack", called_attack)
    if not len(is_attack) == len(called_attack) == len(kinds):
        raise DataError(
            f"is_attack, called_attack and kinds must be of one length, got {len(is_attack)}, {len(called_attack)} "
            f"and {len(kinds)}"
        )
    attacks, bona_fides = both_classes("APCER and BPCER need", is_attack)
    by_kind = apcer_by_kind(is_attack, called_attack, kinds)
    worst = worst_kind(by_kind)
    bpcer = float(called_attack[~is_attack].mean())
    return AttackReport(
        bona_fide=bona_fide,
        attacks=attacks,
        bona_fides=bona_fides,
        apcer=by_kind[worst].value,
        apcer_kind=worst,
        apcer_by_kind=by_kind,
        apcer_overall=float((~called_attack[is_attack]).mean()),
        bpcer=bpcer,
        acer=(by_kind[worst].value + bpcer) / 2,
    )


def apcer_by_kind(is_attack: BoolArray, called_attack: BoolArray, kinds: Sequence[str]) -> dict[str, KindReport]:
    """The share of attacks that pass, of each kind of attack, by name; see :func:`attack_report`."""
    named = kind_names(kinds)
    return {
        str(kind): KindReport(value=float((~called_attack[of]).mean()), n=int(of.sum()))
        for kind in np.unique(named[is_attack])
        for of in [is_attack & (named == kind)]
    }


def kind_names(kinds: Sequence[str]) -> NDArray[np.str_]:
    """(n,) the kinds, the empty ones as ``unknown``."""
    return np.asarray([kind.strip() or "unknown" for kind in kinds], dtype=np.str_)


def headline_kinds(by_kind: dict[str, KindReport]) -> dict[str, KindReport]:
    """The kinds that may be the headline: those with enough photos, or all where none has."""
    return {kind: one for kind, one in by_kind.items() if one.n >= MIN_PHOTOS} or by_kind


def worst_kind(by_kind: dict[str, KindReport]) -> str:
    """The kind that passes most often, among those with enough photos if there are any; of equals the most frequent."""
    enough = headline_kinds(by_kind)
    return max(enough, key=lambda kind: (enough[kind].value, enough[kind].n))


def marked_kind(kind: str, photos: int, kinds: Iterable[int]) -> str:
    """A kind as tables name it: with a star where it has too few photos to be the headline.

    Args:
        kind: Name of the kind of attack.
        photos: Number of photos of that kind.
        kinds: Number of photos of every kind; where none has enough, none gets a star.
    """
    return f"{kind} *" if photos < MIN_PHOTOS <= max(kinds) else kind


def kinds_rule(kinds: Sequence[int]) -> str:
    """Which kind is the headline, beside a table whose kinds :func:`marked_kind` names: with what its star means."""
    return f"{worst_rule(kinds)}{'; * has fewer' if min(kinds) < MIN_PHOTOS <= max(kinds) else ''}"


def worst_rule(kinds: Iterable[int]) -> str:
    """Which kind is the headline, for people, by how many photos every kind has."""
    return f"{WORST_RULE}, or all where none has" if max(kinds) < MIN_PHOTOS else WORST_RULE


def roc_auc(truth: BoolArray, score: Float64Array) -> float:
    """The chance that an attack scores above a bona fide photo, a tie counting half (Mann and Whitney 1947).

    Args:
        truth: (n,) bool, True for attacks.
        score: (n,) finite.

    Returns:
        0..1, or NaN when all photos are of one class.

    Raises:
        DataError: lengths or types are wrong, or a score is not finite.
    """
    truth, score = checked_scores(truth, score)
    return float(weighted_auc(truth, score, np.ones((1, len(truth)), np.int64))[0])


def weighted_auc(truth: BoolArray, score: Float64Array, weights: Int64Array) -> Float64Array:
    """The area under the ROC curve where photos count several times or not at all, once per row of weights.

    Args:
        truth: (n,) bool.
        score: (n,) finite.
        weights: (rows, n), how often each photo counts.

    Returns:
        (rows,) 0..1, NaN where a row leaves one class only.
    """
    return area(*score_levels(truth, score, weights)[1:])


def score_levels(
    truth: BoolArray, score: Float64Array, weights: Int64Array
) -> tuple[Float64Array, Int64Array, Int64Array]:
    """The (m,) distinct scores, ascending, and for each row of weights the attacks and genuine photos of each.

    Args:
        truth: (n,) bool.
        score: (n,) finite.
        weights: (rows, n), how often each photo counts.
    """
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    attacks, bona_fides = (
        np.add.reduceat((weights * side)[:, order], starts, axis=1, dtype=np.int64) for side in (truth, ~truth)
    )
    return ordered[starts], attacks, bona_fides


def area(attacks: Int64Array, bona_fides: Int64Array) -> Float64Array:
    """The area under the ROC curve of (rows, levels) counts, as (rows,); see :func:`weighted_auc`."""
    # Twice the wins, which keeps the halves of ties whole.
    wins = (attacks * (2 * np.cumsum(bona_fides, axis=1) - bona_fides)).sum(axis=1)
    return ratio(wins, 2 * attacks.sum(axis=1) * bona_fides.sum(axis=1), of_nothing=np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cuts:
    """Every way to cut photos in two by score: cut i calls the photos of level i and above attacks.

    Attributes:
        levels: (m,) the distinct scores, ascending.
        missed: (m + 1,) attacks below each cut.
        alarms: (m + 1,) bona fide photos at or above each cut.
        attacks: Number of attack photos.
        bona_fides: Number of genuine photos.
    """

    levels: Float64Array
    missed: Int64Array
    alarms: Int64Array
    attacks: Counted
    bona_fides: Counted

    def threshold(self, first: int, last: int) -> float:
        """The middle of all thresholds that make one of the neighbouring cuts ``first`` to ``last``."""
        low, high = self.edges(first, last)
        middle = low / 2 + high / 2
        if first == 0 or middle > low:
            return middle
        # Neighbouring floats have no middle, and above the highest score lies no level.
        return high if high > low else float(np.nextafter(low, np.inf))

    def edges(self, first: int, last: int) -> tuple[float, float]:
        """The scores around the cuts ``first`` to ``last``; the outermost cuts end at the outermost scores."""
        return float(self.levels[max(first - 1, 0)]), float(self.levels[min(last, len(self.levels) - 1)])


def _cuts(truth: BoolArray, score: Float64Array) -> _Cuts:
    truth, score = checked_scores(truth, score)
    attacks, bona_fides = both_classes("an operating point needs", truth)
    levels, (of_attacks,), (of_bona_fides,) = score_levels(truth, score, np.ones((1, len(truth)), np.int64))
    return _Cuts(
        levels=levels,
        missed=np.concatenate([[0], np.cumsum(of_attacks)]),
        alarms=bona_fides - np.concatenate([[0], np.cumsum(of_bona_fides)]),
        attacks=attacks,
        bona_fides=bona_fides,
    )


def both_classes(what_needs: str, is_attack: BoolArray) -> tuple[int, int]:
    """How many attacks and genuine photos there are.

    Raises:
        DataError: one class is absent.
    """
    attacks, bona_fides = int(is_attack.sum()), int((~is_attack).sum())
    if not attacks or not bona_fides:
        raise DataError(f"{what_needs} photos of both classes, got {attacks} attacks and {bona_fides} bona fide")
    return attacks, bona_fides


def equal_error_rate(truth: BoolArray, score: Float64Array) -> tuple[float, float]:
    """Where APCER and BPCER, over all attacks, cross on the ROC curve.

    Returns:
        The rate, on the straight line between the two nearest operating points; and the threshold of the one whose
        APCER and BPCER differ least (the lower threshold, which misses fewer attacks, if both do).

    Raises:
        DataError: one class is absent, lengths or types are wrong, or a score is not finite.
    """
    cuts = _cuts(truth, score)
    apcer, bpcer = cuts.missed / cuts.attacks, cuts.alarms / cuts.bona_fides
    gap = apcer - bpcer
    after = int((gap < 0).sum())
    nearest = after - 1 if -gap[after - 1] <= gap[after] else after
    return float(crossing(apcer[None], bpcer[None])[0]), cuts.threshold(nearest, nearest)


def crossing(apcer: Float64Array, bpcer: Float64Array) -> Float64Array:
    """Where the straight lines between cuts cross the diagonal: (rows, cuts), from 0 and 1 to 1 and 0, to (rows,)."""
    gap = apcer - bpcer
    # The gap rises from -1 to 1, so there is a last cut below zero and a next one.
    rows, after = np.arange(len(gap)), (gap < 0).sum(axis=1)
    before = after - 1
    part = -gap[rows, before] / (gap[rows, after] - gap[rows, before])
    return np.asarray(apcer[rows, before] + part * (apcer[rows, after] - apcer[rows, before]))


def bpcer_at_apcer(truth: BoolArray, score: Float64Array, apcer: float) -> tuple[float, float]:
    """The lowest BPCER that lets at most this share of all attacks pass; at 0.05 known as BPCER20.

    Returns:
        The BPCER, and the threshold in the middle of those that give it.

    Raises:
        DataError: the share lies outside 0..1, one class is absent, or lengths, types or scores are wrong.
    """
    if not 0 <= apcer <= 1:
        raise DataError(f"the APCER to keep must lie in 0..1, got {apcer}")
    cuts = _cuts(truth, score)
    kept = int(np.flatnonzero(cuts.missed / cuts.attacks <= apcer)[-1])
    alarms = int(cuts.alarms[kept])
    return alarms / cuts.bona_fides, cuts.threshold(kept, kept)


def best_threshold(truth: BoolArray, score: Float64Array) -> float:
    """The threshold with the highest balanced accuracy: the middle of the widest range of scores that gives it.

    The middle, because the next photos fall a little to the left or right. Of equally wide ranges the lowest is taken,
    which misses the fewest attacks; the comparison is exact, in whole photos. A score that tells nothing apart gives
    its lowest value: every photo is called an attack.

    Args:
        truth: (n,) bool, True for attacks, of validation photos.
        score: (n,) finite; the same scale at validation and later.

    Raises:
        DataError: one class is absent, lengths or types are wrong, or a score is not finite.
    """
    cuts = _cuts(truth, score)
    right = (cuts.attacks - cuts.missed) * cuts.bona_fides + (cuts.bona_fides - cuts.alarms) * cuts.attacks
    best = np.flatnonzero(right == right.max())
    plateaus = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)

    def width(plateau: Int64Array) -> float:
        low, high = cuts.edges(int(plateau[0]), int(plateau[-1]))
        return high - low

    # max() keeps the first, hence lowest, of equals.
    widest = max(plateaus, key=width)
    return cuts.threshold(int(widest[0]), int(widest[-1]))


def checked_scores(truth: BoolArray, score: Float64Array) -> tuple[BoolArray, Float64Array]:
    """Truth and scores as (n,) bool and float64.

    Raises:
        DataError: no photos, lengths or types are wrong, or a score is not finite.
    """
    truth, score = checked_bools("truth", truth), np.asarray(score)
    if score.shape != truth.shape or score.dtype.kind not in "fiu":
        raise DataError(f"scores must be {len(truth)} numbers, one per photo, got {score.dtype} {list(score.shape)}")
    wrong = np.flatnonzero(~np.isfinite(score))
    if len(wrong):
        raise DataError(f"scores must be finite, got {score[wrong[0]]} for photo {wrong[0]} and {len(wrong)} in all")
    return truth, score.astype(np.float64)


def checked_bools(name: str, values: BoolArray) -> BoolArray:
    """The values as (n,) bool, n at least 1.

    Raises:
        DataError: they are something else.
    """
    values = np.asarray(values)
    if values.ndim != 1 or not len(values) or values.dtype != np.bool_:
        raise DataError(f"{name} must be one bool per photo, got {values.dtype} {list(values.shape)}")
    return values
