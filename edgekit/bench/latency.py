"""What timed runs say: percentiles with intervals, the spread of repeats, and whether the machine slowed down.

Runs of one block resemble each other (the same second, the same clock), and so do those of one repeat (the same memory
layout), so intervals are bootstrapped in two stages: repeats are drawn, then blocks in them. A few blocks may happen to
agree, so with fewer than FEW_BLOCKS an interval is never given narrower than that over single runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.bounds import NoLess
from edgekit.errors import DataError
from edgekit.runtime.timing import Latency

STAGES = ("decode", "crop", "invoke", "vote", "total")
STATISTICS = ("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms")
RESAMPLES = 1000
_SEED = 0
LEVEL = 0.95
# A slowdown below this is no throttling: clocks breathe.
_SLOWDOWN = 1.05
FEW_BLOCKS = 30
# Fewer resamples share this many cells: 8 MB, whatever the number of runs.
_CELLS = 1 << 20

# Low and high end at LEVEL.
Interval = tuple[NoLess, NoLess]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """The counted runs of one setting, in the order in which they ran.

    Attributes:
        repeat: (n,) which repeat, from 0.
        block: (n,) which block of that repeat.
        at_ns: (n,) when the block began, since its repeat did.
        crops: (n,) how many crops the verdict took.
        ns: (n, 4) decode, crop, invoke, vote.
    """

    repeat: Int64Array
    block: Int64Array
    at_ns: Int64Array
    crops: Int64Array
    ns: Int64Array

    def __len__(self) -> int:
        return len(self.repeat)

    def stage_ms(self, stage: str) -> Float64Array:
        """(n,) milliseconds of one of STAGES."""
        ns = self.ns.sum(axis=1) if stage == "total" else self.ns[:, STAGES.index(stage)]
        return np.asarray(ns / 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far repeats, each with the model loaded anew, agree.

    Attributes:
        p50_ms: Median of each repeat, in milliseconds.
        p95_ms: 95th percentile of each repeat, in milliseconds.
        relative: Largest less smallest p50, as a share of their median; 0 with one repeat.
    """

    p50_ms: tuple[NoLess, ...]
    p95_ms: tuple[NoLess, ...]
    relative: NoLess


class Timed(NamedTuple):
    """One setting's numbers: percentiles by stage, their intervals by stage and statistic, the spread of repeats."""

    latency: dict[str, Latency]
    intervals: dict[str, dict[str, Interval]]
    spread: Spread


def summarise(runs: Runs) -> Timed:
    """Percentiles of every stage with their intervals.

    Raises:
        DataError: no runs.
    """
    if not len(runs):
        raise DataError("a latency needs at least one run, got none")
    blocks = _blocks(runs)
    counts = _block_draws(blocks, runs.repeat)
    draws = [(blocks, counts)]
    if counts.shape[1] < FEW_BLOCKS:
        number = np.arange(len(runs))
        singly = np.random.default_rng(_SEED).multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=RESAMPLES)
        draws.append((number, singly))
    times = {stage: runs.stage_ms(stage) for stage in STAGES}
    return Timed(
        latency=percentiles(runs),
        intervals={
            stage: _wider([_intervals(values, unit, counts) for unit, counts in draws])
            for stage, values in times.items()
        },
        spread=_spread(runs),
    )


def percentiles(runs: Runs) -> dict[str, Latency]:
    """Percentiles of every stage, without intervals."""
    return {stage: Latency.of(runs.stage_ms(stage).tolist()) for stage in STAGES}


def _blocks(runs: Runs) -> Int64Array:
    """(n,) a number for each block of each repeat, from 0, repeats in order."""
    _, number = np.unique(np.stack([runs.repeat, runs.block]), axis=1, return_inverse=True)
    return number.astype(np.int64).ravel()


def _block_draws(blocks: Int64Array, repeats: Int64Array) -> Int64Array:
    """(resamples, blocks) how often each block is drawn; of each run (n,) its block and repeat are given."""
    rng = np.random.default_rng(_SEED)
    repeat_of = np.zeros(blocks.max() + 1, np.int64)
    repeat_of[blocks] = repeats
    members = [np.flatnonzero(repeat_of == repeat) for repeat in np.unique(repeats)]
    counts = np.zeros((RESAMPLES, len(repeat_of)), np.int64)
    for row in counts:
        for chosen in rng.integers(len(members), size=len(members)):
            own = members[chosen]
            np.add.at(row, rng.choice(own, size=len(own)), 1)
    return counts


def _wider(found: Sequence[dict[str, Interval]]) -> dict[str, Interval]:
    """Of each statistic the ends that reach furthest."""
    return {name: (min(one[name][0] for one in found), max(one[name][1] for one in found)) for name in STATISTICS}


def _intervals(values: Float64Array, block: Int64Array, counts: Int64Array) -> dict[str, Interval]:
    order = np.argsort(values, kind="stable")
    ordered, block_of = values[order], block[order]
    sums = np.bincount(block, weights=values, minlength=counts.shape[1])
    samples = {"mean_ms": [(counts @ sums) / (counts @ np.bincount(block, minlength=counts.shape[1]))]}
    shares = {name: int(name[1:3]) / 100 for name in STATISTICS[1:]}
    rows = max(1, _CELLS // len(values))
    for start in range(0, len(counts), rows):
        reached = np.cumsum(counts[start : start + rows][:, block_of], axis=1)
        found = _percentiles(ordered, reached, np.array(list(shares.values())))
        for name, column in zip(shares, found.T, strict=True):
            samples.setdefault(name, []).append(column)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    limits = {name: np.quantile(np.concatenate(parts), ends) for name, parts in samples.items()}
    return {name: (float(low), float(high)) for name, (low, high) in limits.items()}


def _percentiles(ordered: Float64Array, reached: Int64Array, shares: Float64Array) -> Float64Array:
    """(rows, shares) percentiles as numpy takes them, of resamples given as cumulated counts of the ordered values.

    Args:
        ordered: (n,) numbers in ascending order.
        reached: (rows, n) how many of a resample lie at or below each of them.
        shares: The percentiles to take, as shares of 1.
    """
    rows, n = reached.shape
    at = shares * (reached[:, -1:] - 1)
    below = np.floor(at)
    # Rows one above the other rise as a whole, so that one search finds the places in all.
    lift = np.arange(rows)[:, None] * (int(reached[:, -1].max()) + 1)
    flat = (reached + lift).ravel()
    first = np.arange(rows)[:, None] * n
    low, high = (ordered[np.searchsorted(flat, one + lift, side="right") - first] for one in (below, np.ceil(at)))
    return np.asarray(low + (at - below) * (high - low))


def _spread(runs: Runs) -> Spread:
    total = runs.stage_ms("total")
    parts = [total[runs.repeat == repeat] for repeat in np.unique(runs.repeat)]
    p50 = [float(np.percentile(part, 50)) for part in parts]
    return Spread(
        p50_ms=tuple(p50),
        p95_ms=tuple(float(np.percentile(part, 95)) for part in parts),
        relative=float((max(p50) - min(p50)) / np.median(p50)) if np.median(p50) > 0 else 0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttling:
    """Whether a machine was slower at the end of its repeats than at their beginning.

    Inference of one crop takes the same work whatever the photo. Each run's is divided by its setting's median, and
    the runs of all settings in the last tenth of each repeat's time are compared with those in the first.

    Attributes:
        ratio: Median of the last tenth by that of the first: 1.2 is a fifth slower.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        verdict: ``throttled`` where the interval lies above 1.05, ``steady`` where it lies below, else ``unclear``.
    """

    ratio: float
    low: float
    high: float
    verdict: Literal["throttled", "steady", "unclear"]


def throttling(settings: Sequence[Runs]) -> Throttling | None:
    """First against last tenth of the repeats; None where they were too short to have both."""
    first, last = [], []
    ends: dict[int, int] = {}
    for runs in settings:
        for repeat in np.unique(runs.repeat).tolist():
            ends[repeat] = max(ends.get(repeat, 0), int(runs.at_ns[runs.repeat == repeat].max()))
    for runs in settings:
        work = runs.stage_ms("invoke") / runs.crops
        middle = np.median(work)
        if middle <= 0:
            continue
        for repeat, end in ends.items():
            own = runs.repeat == repeat
            for block in np.unique(runs.block[own]):
                chosen = own & (runs.block == block)
                at = runs.at_ns[chosen][0]
                # One number a block: its runs are not independent.
                if at <= end / 10:
                    first.append(float(np.median(work[chosen]) / middle))
                elif at >= end * 9 / 10:
                    last.append(float(np.median(work[chosen]) / middle))
    if len(first) < 2 or len(last) < 2:
        return None
    rng = np.random.default_rng(_SEED)
    early, late = np.array(first), np.array(last)
    drawn = np.median(rng.choice(late, (RESAMPLES, len(late))), axis=1) / np.median(
        rng.choice(early, (RESAMPLES, len(early))), axis=1
    )
    low, high = (float(end) for end in np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return Throttling(
        ratio=float(np.median(late) / np.median(early)),
        low=low,
        high=high,
        verdict="throttled" if low > _SLOWDOWN else "steady" if high < _SLOWDOWN else "unclear",
    )


def slowdown(runs: Runs) -> float | None:
    """One setting's inference of a crop, last tenth of its runs against the first; None with too few of them."""
    first, last = [], []
    for repeat in np.unique(runs.repeat):
        work = (runs.stage_ms("invoke") / runs.crops)[runs.repeat == repeat]
        tenth = len(work) // 10
        first += work[:tenth].tolist()
        last += work[len(work) - tenth :].tolist()
    if not first or not np.median(first) > 0:
        return None
    return float(np.median(last) / np.median(first))
