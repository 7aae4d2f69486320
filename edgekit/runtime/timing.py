"""Where the time of one verdict went, and the percentiles of many."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Milliseconds:
    """One verdict's time by stage, in milliseconds; ``total_ms`` is their sum."""

    decode_ms: float
    crop_ms: float
    invoke_ms: float
    vote_ms: float

    @property
    def total_ms(self) -> float:
        """Decode to vote."""
        return self.decode_ms + self.crop_ms + self.invoke_ms + self.vote_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles of a number of measurements, in milliseconds."""

    n: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of(cls, values_ms: Sequence[float]) -> Latency:
        """Linear-interpolated percentiles of at least one value."""
        p50, p90, p95, p99 = np.percentile(values_ms, [50, 90, 95, 99])
        return cls(
            n=len(values_ms),
            mean_ms=float(np.mean(values_ms)),
            p50_ms=float(p50),
            p90_ms=float(p90),
            p95_ms=float(p95),
            p99_ms=float(p99),
        )


def by_stage(times: Sequence[Milliseconds]) -> dict[str, Latency]:
    """Percentiles for decode, crop, invoke, vote and total."""
    stages = [field.name for field in fields(Milliseconds)]
    split = {stage.removesuffix("_ms"): Latency.of([getattr(one, stage) for one in times]) for stage in stages}
    return {**split, "total": Latency.of([one.total_ms for one in times])}


class Stopwatch:
    """Adds up the time spent under each name."""

    def __init__(self) -> None:
        self.spent_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the body of the ``with`` towards ``name``."""
        start = time.perf_counter_ns()
        yield
        self.spent_ms[name] = self.spent_ms.get(name, 0.0) + (time.perf_counter_ns() - start) / 1e6

    def read(self) -> Milliseconds:
        """What was spent so far."""
        get = self.spent_ms.get
        return Milliseconds(
            decode_ms=get("decode", 0.0),
            crop_ms=get("crop", 0.0),
            invoke_ms=get("invoke", 0.0),
            vote_ms=get("vote", 0.0),
        )


def peak_memory_mb() -> float | None:
    """This process's largest resident set so far, in MiB; None where the system does not tell (Windows)."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes.
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)
