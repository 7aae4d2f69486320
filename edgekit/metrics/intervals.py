"""How sure a measured number is: Wilson's interval for a share, percentile bootstraps over groups. Pure numpy.

Photos of one author, camera or scene resemble each other, so that an interval over photos is too narrow. With groups,
whole groups are drawn. A few groups may happen to agree, so an interval over groups is never given narrower than that
over photos; with fewer than about ten groups even so the truth is wider.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.bounds import Counted, Share, SignedShare
from edgekit.errors import DataError

# Cells of the largest array that a block of resamples may fill: 8 MB, whatever the number of photos.
_BLOCK_CELLS = 1 << 20
_ROUNDING = 1e-9
# The share of intervals that should hold the true number, and the normal quantile of that.
_LEVEL = 0.95
_Z = NormalDist().inv_cdf((1 + _LEVEL) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: What was measured on all photos.
        low: Lower end; NaN where the data cannot say.
        high: Upper end; NaN where the data cannot say.
        method: ``wilson``, ``bootstrap`` (over photos), ``group bootstrap``, or ``wilson over groups`` (see
            :func:`share_estimate`); ``… over photos`` where groups gave less (see :func:`wider`).
        level: The share of such intervals that should hold the true number.
    """

    value: Share
    low: Share
    high: Share
    method: str
    level: Share = _LEVEL


def wilson(successes: int, trials: int) -> Estimate:
    """The score interval of a share of independent trials (Wilson 1927), which never leaves 0..1.

    Returns:
        The share and its interval; all NaN without a trial.

    Raises:
        DataError: counts that no experiment gives.
    """
    if not 0 <= successes <= trials:
        raise DataError(f"an interval needs 0 <= successes <= trials, got {successes} of {trials}")
    if trials == 0:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, method="wilson")
    return _wilson(successes / trials, trials, method="wilson")


def _wilson(share: float, trials: int, *, method: str) -> Estimate:
    stretch = 1 + _Z * _Z / trials
    centre = (share + _Z * _Z / (2 * trials)) / stretch
    half = _Z * (share * (1 - share) / trials + _Z * _Z / (4 * trials * trials)) ** 0.5 / stretch
    # At 0 and 1 the exact bound is the share itself; rounding would leave it a hair off.
    low = 0.0 if share == 0 else min(share, max(0.0, centre - half))
    high = 1.0 if share == 1 else max(share, min(1.0, centre + half))
    return Estimate(value=share, low=low, high=high, method=method)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Resamples of units (groups, or single photos) with replacement, the same ones for every statistic.

    Attributes:
        unit: (n,) int64, the unit of each photo, 0 .. units - 1; groups are numbered in sorted order.
        method: ``group bootstrap`` or ``bootstrap``.
        resamples: How many resamples there are.
        seed: Seed of the draws.
    """

    unit: Int64Array
    method: str
    resamples: Counted = 1000
    seed: int = 0

    @classmethod
    def of(cls, groups: Sequence[str] | Int64Array | None, n: int, *, resamples: int = 1000, seed: int = 0) -> Draws:
        """Draw groups of photos, given by name or number; without groups, photos.

        Raises:
            DataError: no photos or no resamples, not one group per photo, or a photo whose group has an empty name.
        """
        if n < 1 or resamples < 1:
            raise DataError(f"an interval needs photos and resamples, got {n} photos and {resamples} resamples")
        if groups is None:
            return cls(unit=np.arange(n, dtype=np.int64), method="bootstrap", resamples=resamples, seed=seed)
        if len(groups) != n:
            raise DataError(f"every photo needs one group, got {len(groups)} groups for {n} photos")
        nameless = sum(isinstance(group, str) and not group.strip() for group in groups)
        if nameless:
            raise DataError(
                f"every photo needs a group, {nameless} of {n} have none; name them, or leave out all groups"
            )
        _, unit = np.unique(np.asarray(groups), return_inverse=True)
        return cls(unit=unit.astype(np.int64), method="group bootstrap", resamples=resamples, seed=seed)

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit.max()) + 1

    def blocks(self) -> Iterator[Int64Array]:
        """How often each unit is drawn, as (rows, units) whose rows sum to ``units``: some resamples at a time."""
        rng = np.random.default_rng(self.seed)
        rows_at_once = max(1, _BLOCK_CELLS // len(self.unit))
        for start in range(0, self.resamples, rows_at_once):
            rows = min(rows_at_once, self.resamples - start)
            draws = rng.integers(self.units, size=(rows, self.units)) + self.units * np.arange(rows)[:, None]
            yield np.bincount(draws.ravel(), minlength=rows * self.units).reshape(rows, self.units)

    def totals(self, classes: Int64Array, k: int) -> Int64Array:
        """How many photos of each unit have each class, (units, k); photos of a negative class are left out."""
        kept = classes >= 0
        counts = np.bincount(self.unit[kept] * k + classes[kept], minlength=self.units * k)
        return counts.reshape(self.units, k)


def percentile_estimate(value: float, samples: Float64Array, *, method: str) -> Estimate:
    """The interval between two percentiles of a statistic's resamples (Efron 1979).

    Args:
        value: The statistic on all photos.
        samples: (resamples,) the statistic on each; NaN where it is not defined, which is left out.
        method: How the units were drawn, for the record.

    Returns:
        The estimate; low and high are NaN when more than half of the samples are.
    """
    known = samples[~np.isnan(samples)]
    low = high = math.nan
    if 2 * len(known) >= len(samples) and len(known):
        low, high = np.quantile(known, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]).tolist()
    return Estimate(value=value, low=low, high=high, method=method)


def share_estimate(value: float, samples: Float64Array, *, units: int, method: str) -> Estimate:
    """As :func:`percentile_estimate` for a statistic in 0..1, with an answer where resamples cannot give one.

    When all resamples are alike (no error anywhere) a bootstrap calls the number certain; when one group holds all
    attacks it knows nothing. Then it is Wilson's interval with the units as trials: a unit counts as much as a single
    photo, so the interval is wide rather than false, and its method says so. Groups that happen to agree on a share of
    errors keep their interval without width, for :func:`wider` to join with that over photos.

    Args:
        value: The statistic on all photos, in 0..1.
        samples: (resamples,) the statistic on each; NaN where it is not defined.
        units: How many units the statistic rests on, at least 1.
        method: ``bootstrap`` or ``group bootstrap``.
    """
    estimate = percentile_estimate(value, samples, method=method)
    # A comparison with NaN is false, so the undefined interval takes the same way. Sums in another order differ by
    # less than any photo could.
    width = estimate.high - estimate.low
    agree = width >= 0 and units > 1 and method == "group bootstrap" and 0 < value < 1
    if width > _ROUNDING or agree:
        return estimate
    return _wilson(value, units, method="wilson" if method == "bootstrap" else "wilson over groups")


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of numbers that were measured on much the same photos, which no mean makes surer."""
    value, low, high = (float(np.mean([getattr(one, end) for one in estimates])) for end in ("value", "low", "high"))
    return Estimate(value=value, low=low, high=high, method="mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much larger one share is than another, with its 95 % interval; negative where it is smaller."""

    value: SignedShare
    low: SignedShare
    high: SignedShare


def difference(one: Estimate, other: Estimate) -> Difference:
    """How much larger one number is than another that was measured on other photos.

    The distances of both to their ends are squared and added (MOVER, Zou & Donner 2008), so that intervals of any form
    count as they are.
    """
    value = one.value - other.value
    down = math.hypot(one.value - one.low, other.high - other.value)
    up = math.hypot(one.high - one.value, other.value - other.low)
    return Difference(value=value, low=max(-1.0, value - down), high=min(1.0, value + up))


def wider(groups: Estimate, photos: Estimate) -> Estimate:
    """The interval over groups, or where that over photos reaches further, that one's end."""
    low, high = min(groups.low, photos.low), max(groups.high, photos.high)
    if low >= groups.low - _ROUNDING and high <= groups.high + _ROUNDING:
        return groups
    return replace(groups, low=low, high=high, method=f"{photos.method} over photos")
