"""Shares of photos that go wrong, with intervals over photos and over the groups that they come in. numpy and scipy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.errors import DataError
from edgekit.metrics.intervals import Difference, Draws, Estimate, share_estimate, wider, wilson

# Of photos; drawn ones may be counted in floats.
Counts = Int64Array | Float64Array
# Of one-sided intervals: they are asked whether something is beyond a limit.
_ONE_SIDED = 0.95
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Errors among some photos.

    Attributes:
        errors: How many photos are wrong.
        n: How many photos there are.
        groups: In how many groups the photos are; 0 where photos have none.
        photos: The share with Wilson's interval, which takes photos for independent.
        grouped: The same share with its interval over groups, or over photos where that reaches further; None without
            groups.
    """

    errors: Counted
    n: Counted
    groups: Counted
    photos: Estimate
    grouped: Estimate | None

    def __post_init__(self) -> None:
        """Hold that the numbers agree: a record may say anything."""
        if max(self.errors, self.groups) > self.n:
            raise DataError(
                f"a rate's errors and groups must be at most its photos, got {self.errors} and {self.groups} of "
                f"{self.n}"
            )
        # A NaN, of no photos, differs from nothing.
        if self.n and abs(self.photos.value - self.errors / self.n) > _ROUNDING:
            raise DataError(
                f"a rate must be its errors of its photos, got {self.photos.value} for {self.errors} of {self.n}"
            )

    @property
    def estimate(self) -> Estimate:
        """The share with the interval to quote: over groups where there are any."""
        return self.grouped or self.photos


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resampling:
    """How photos are drawn again: one by one and, where they have groups, by whole groups.

    Attributes:
        photos: Draws that take photos one by one.
        groups: Draws that take whole groups; None where photos have none.
    """

    photos: Draws
    groups: Draws | None

    @classmethod
    def of(cls, groups: Sequence[str] | None, n: int, *, resamples: int = 1000) -> Resampling:
        """For n photos; groups count where any photo has one.

        Raises:
            DataError: no photos, or a photo without a group among others that have one.
        """
        grouped = groups is not None and any(groups)
        draws = Draws.of(groups, n, resamples=resamples) if grouped else None
        return cls(photos=Draws.of(None, n, resamples=resamples), groups=draws)


def ratio(
    part: Int64Array | Float64Array, whole: Int64Array | Float64Array, *, of_nothing: float = 0.0
) -> Float64Array:
    """Element by element ``part / whole``, and ``of_nothing`` where the whole is 0."""
    out: Float64Array = np.full(np.shape(whole), of_nothing)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)


def rate(among: BoolArray, wrong: BoolArray, how: Resampling) -> Rate | None:
    """The share of some photos that are wrong; None where there are none.

    Args:
        among: (n,) which photos count.
        wrong: (n,) which photos are wrong; looked at where photos count.
        how: Resampling of all n photos.
    """
    n, errors = int(among.sum()), int((among & wrong).sum())
    if not n:
        return None
    photos = wilson(errors, n)
    if how.groups is None:
        return Rate(errors=errors, n=n, groups=0, photos=photos, grouped=None)
    # Class 0 is a right photo, class 1 a wrong one.
    counts = how.groups.totals(np.where(among, wrong, -1), 2)
    right, failed = np.concatenate([block @ counts for block in how.groups.blocks()]).T
    shares = ratio(failed, right + failed, of_nothing=np.nan)
    groups = int((counts.sum(axis=1) > 0).sum())
    over = share_estimate(errors / n, shares, units=groups, method=how.groups.method)
    return Rate(errors=errors, n=n, groups=groups, photos=photos, grouped=wider(over, photos))


# Takes (rows, n), how often each photo counts, and returns (statistics, rows).
Statistics = Callable[[Int64Array], Float64Array]


def share_estimates(statistics: Statistics, how: Resampling, sides: Sequence[BoolArray] = ()) -> tuple[Estimate, ...]:
    """Several statistics in 0..1 with their intervals: over groups, or over photos where that reaches further.

    Args:
        statistics: Gives (statistics, resamples) in 0..1 from (resamples, n) counts of how often photos are drawn.
        how: Resampling of all photos.
        sides: Parts of the photos, none empty, of which the statistics need each; without any, all photos.
    """
    values = statistics(np.ones((1, len(how.photos.unit)), np.int64))[:, 0].tolist()
    photos = _share_estimates(values, statistics, how.photos, sides)
    if how.groups is None:
        return photos
    groups = _share_estimates(values, statistics, how.groups, sides)
    return tuple(wider(over_groups, over_photos) for over_groups, over_photos in zip(groups, photos, strict=True))


def _share_estimates(
    values: Sequence[float], statistics: Statistics, draws: Draws, sides: Sequence[BoolArray]
) -> tuple[Estimate, ...]:
    samples = np.concatenate([statistics(block[:, draws.unit]) for block in draws.blocks()], axis=1)
    units = min((len(np.unique(draws.unit[side])) for side in sides), default=draws.units)
    return tuple(
        share_estimate(value, sample, units=units, method=draws.method)
        for value, sample in zip(values, samples, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Photos that are right by one of two classifiers, or of two settings of one, and wrong by the other.

    Attributes:
        right_to_wrong: Right by the baseline, wrong now.
        wrong_to_right: Wrong by the baseline, right now.
        p_value: Two-sided, of the exact McNemar test, which takes photos for independent: photos of one group are not,
            so it is too small rather than too large.
    """

    right_to_wrong: Counted
    wrong_to_right: Counted
    p_value: Share


def flips(before: BoolArray, after: BoolArray) -> Flips:
    """Photos that are called right in one way and wrong in the other, with McNemar's p-value.

    Args:
        before: (n,) which answers are right.
        after: (n,) which answers are right when the photos are answered otherwise.
    """
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    return Flips(right_to_wrong=lost, wrong_to_right=won, p_value=mcnemar(lost, won))


def mcnemar(lost: int, won: int) -> float:
    """The exact two-sided p-value that photos change sides as often one way as the other (McNemar 1947)."""
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def accuracy_gains(truth: Int64Array, before: BoolArray, after: BoolArray) -> Float64Array:
    """What each photo adds to the gain in balanced accuracy: a sum over photos, each class of the same weight.

    Args:
        truth: (n,) classes.
        before: (n,) which answers of one classifier are right.
        after: (n,) which answers of the other.

    Returns:
        (n,) whose sum is how much higher the other's balanced accuracy is.
    """
    counts = np.bincount(truth)
    weights = 1 / (np.count_nonzero(counts) * counts[truth])
    return np.asarray(weights * (after.astype(np.float64) - before))


def lowest_sum(gains: Float64Array, groups: Sequence[str] | None) -> float:
    """Lower end of the one-sided 95 % interval of a sum of paired differences, by Student's t over units.

    A unit is a group, or without groups a photo. With groups it is the lower of the two ends: a few groups may happen
    to agree. Between fewer than two units nothing can be seen to vary, so a single group counts by its photos.

    Args:
        gains: (n,) what each photo adds to the statistic.
        groups: Group of each photo; None where there are none.

    Returns:
        The end; minus infinity for fewer than two photos.
    """
    return min((float(gains.sum()) - half for half in _half_widths(gains, groups, _ONE_SIDED)), default=-math.inf)


def paired_difference(gains: Float64Array, groups: Sequence[str] | None) -> Difference:
    """A sum of paired differences of shares with its two-sided 95 % interval, as :func:`lowest_sum` has one end.

    Args:
        gains: (n,) what each photo adds to it, such as by :func:`accuracy_gains`.
        groups: Group of each photo; None where there are none.
    """
    value = float(gains.sum())
    half = max(_half_widths(gains, groups, (1 + _ONE_SIDED) / 2), default=math.inf)
    return Difference(value=value, low=max(-1.0, value - half), high=min(1.0, value + half))


def _half_widths(gains: Float64Array, groups: Sequence[str] | None, quantile: float) -> Iterator[float]:
    """How far an interval of a sum reaches to either side, over photos and, where there are any, over groups."""
    from scipy.stats import t as student_t

    for names in (np.arange(len(gains)), groups) if groups is not None else (np.arange(len(gains)),):
        _, unit = np.unique(np.asarray(names), return_inverse=True)
        totals = np.bincount(unit, weights=gains)
        if len(totals) > 1:
            spread = float(np.sqrt(len(totals)) * totals.std(ddof=1))
            yield float(student_t.ppf(quantile, len(totals) - 1)) * spread
