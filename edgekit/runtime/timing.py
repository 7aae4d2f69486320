"""Where the time of one verdict went, and the percentiles of many."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np

from edgekit.bounds import Counted, NoLess
from edgekit.errors import EdgekitError


@dataclass(frozen=True, slots=True, kw_only=True)
class Milliseconds:
    """One verdict's time by stage, in milliseconds; ``total_ms``, their sum, is the time that passed."""

    decode_ms: NoLess
    crop_ms: NoLess
    invoke_ms: NoLess
    vote_ms: NoLess

    @property
    def total_ms(self) -> float:
        """Milliseconds from decoding to the vote."""
        return self.decode_ms + self.crop_ms + self.invoke_ms + self.vote_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles of a number of measurements, in milliseconds."""

    n: Counted
    mean_ms: NoLess
    p50_ms: NoLess
    p90_ms: NoLess
    p95_ms: NoLess
    p99_ms: NoLess

    def __post_init__(self) -> None:
        """Hold that percentiles rise: a record may say anything."""
        percentiles = (self.p50_ms, self.p90_ms, self.p95_ms, self.p99_ms)
        if any(low > high for low, high in pairwise(percentiles)):
            raise EdgekitError(f"percentiles from p50 to p99 must rise, got {percentiles} ms; measure it again")

    @classmethod
    def of(cls, values_ms: Sequence[float]) -> Latency:
        """Linear-interpolated percentiles of at least one value."""
        p50, p90, p95, p99 = np.percentile(values_ms, [50, 90, 95, 99]).tolist()
        mean = float(np.mean(values_ms))
        return cls(n=len(values_ms), mean_ms=mean, p50_ms=p50, p90_ms=p90, p95_ms=p95, p99_ms=p99)


def by_stage(times: Sequence[Milliseconds]) -> dict[str, Latency]:
    """Percentiles for decode, crop, invoke, vote and total."""
    stages = [field.name for field in fields(Milliseconds)]
    split = {stage.removesuffix("_ms"): Latency.of([getattr(one, stage) for one in times]) for stage in stages}
    return {**split, "total": Latency.of([one.total_ms for one in times])}


class Stopwatch:
    """Divides a verdict's time into stages.

    What workers do side by side takes less time than they spend on it: that time is shared out between cutting and
    inference as their work was.
    """

    def __init__(self) -> None:
        self._spent_ms = {"decode": 0.0, "crop": 0.0, "invoke": 0.0, "vote": 0.0}
        self._work_ns = {"crop": 0, "invoke": 0}
        self._last_ns = time.perf_counter_ns()

    def lap(self, stage: str) -> None:
        """Count the time since the last lap towards a stage."""
        self._spent_ms[stage] += self._since_last_ms()

    def worked(self, *, crop: int, invoke: int) -> None:
        """Note the nanoseconds of one crop's work."""
        self._work_ns["crop"] += crop
        self._work_ns["invoke"] += invoke

    def lap_of_workers(self) -> None:
        """Count the time since the last lap towards cutting and inference, as they were worked on."""
        elapsed_ms, total_ns = self._since_last_ms(), sum(self._work_ns.values())
        for stage, work_ns in self._work_ns.items():
            self._spent_ms[stage] += elapsed_ms * work_ns / max(1, total_ns)

    def _since_last_ms(self) -> float:
        now = time.perf_counter_ns()
        elapsed_ms, self._last_ns = (now - self._last_ns) / 1e6, now
        return elapsed_ms

    def read(self) -> Milliseconds:
        """Milliseconds spent so far, by stage."""
        return Milliseconds(**{f"{stage}_ms": spent for stage, spent in self._spent_ms.items()})


def peak_memory_mb() -> float | None:
    """This process's largest resident set so far, in MiB; None where the system does not tell (Windows)."""
    try:
        # Not getrusage on Linux: a process begins with the peak of the one that started it.
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        told = re.search(r"^VmHWM:\s*(\d+) kB", status, re.M)
        if told:
            return int(told[1]) / (1 << 10)
    except OSError:
        pass
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes.
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)
