"""What may be asked of a benchmark, with the only defaults. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.contract import MAX_CROPS, MAX_RUNS, MAX_THREADS
from edgekit.data.options import PartChoice, check_counts
from edgekit.errors import EdgekitError
from edgekit.runtime.agent.pace import MAX_COOL_C, MAX_REPEATS, MAX_SECONDS, MIN_COOL_C, Pace

# The longest wait for a temperature.
MAX_COOL_DOWN_S = 600.0

_PACE = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchConfig:
    """What a benchmark sweeps, and how long it times each point.

    Attributes:
        crops: Numbers of crops to sweep.
        threads: Numbers of crops that are scored at the same time.
        interpreters: ``litert`` or ``tflite-runtime``; empty takes the first that a device has.
        delegates: ``default``, ``xnnpack``, ``none`` (plain kernels) or ``ext:`` and a library's path on the device.
        runs: Counted runs of a point in each repeat, at least, and as many different photos; photos repeat when there
            are fewer.
        min_seconds: Seconds of counted runs of a point in each repeat, at least; ``runs`` must be reached too.
        warmup: Runs of each point before counting, in each repeat, at least.
        warmup_seconds: Seconds of each point before counting, in each repeat, at least; ``warmup`` must be reached too.
        repeats: Number of repeats; each loads the model anew, and starts one process a point for the cold start.
        affinity: Cores to run on: ``all``, ``big``, ``little``, or numbers such as ``4-7``.
        cool_down: Seconds of pause before each repeat, or a temperature to wait for (``45C``); empty for none.
        timeout_s: A device that tells nothing for so many seconds is given up.
        budget_ms: Milliseconds that 95 of 100 verdicts may take; None recommends without a limit.
        quick: Whether it is a short benchmark: its numbers are rough, and the record says so.
        part: The photos; ``auto`` takes the test part of the data that the model was trained on, else all.
        seed: Seed of the order in which points and photos are visited.
    """

    crops: tuple[int, ...] = (1, 3, 5, 10)
    threads: tuple[int, ...] = (1, 2)
    interpreters: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ("default",)
    runs: int = _PACE.min_runs
    min_seconds: float = _PACE.min_s
    warmup: int = _PACE.warmup_runs
    warmup_seconds: float = _PACE.warmup_s
    repeats: int = _PACE.repeats
    affinity: str = "all"
    cool_down: str = ""
    timeout_s: float = 120.0
    budget_ms: float | None = None
    quick: bool = False
    part: PartChoice = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        check_counts("crops", self.crops, MAX_CROPS)
        check_counts("threads", self.threads, MAX_THREADS)
        if not (2 <= self.runs <= MAX_RUNS and 0 <= self.warmup <= MAX_RUNS):
            raise EdgekitError(
                f"--runs must be 2 to {MAX_RUNS} and --warmup 0 to {MAX_RUNS}, got {self.runs} and {self.warmup}"
            )
        if not 1 <= self.repeats <= MAX_REPEATS:
            raise EdgekitError(f"--repeats must be 1 to {MAX_REPEATS}, got {self.repeats}")
        for name, value in (("--min-seconds", self.min_seconds), ("--warmup-seconds", self.warmup_seconds)):
            if not 0 <= value <= MAX_SECONDS:
                raise EdgekitError(f"{name} must be 0 to {MAX_SECONDS:g}, got {value}")
        if not 1 <= self.timeout_s <= MAX_SECONDS:
            raise EdgekitError(f"--timeout must be 1 to {MAX_SECONDS:g} seconds, got {self.timeout_s}")
        if self.budget_ms is not None and not 0 < self.budget_ms < math.inf:
            raise EdgekitError(f"--budget-ms must be positive and finite, got {self.budget_ms}")
        self.pause()

    def pause(self) -> tuple[float, float | None]:
        """The cool-down as seconds and, where it waits for one, the temperature; then the seconds are the most."""
        if not self.cool_down:
            return 0.0, None
        number = self.cool_down.strip().removesuffix("C")
        waits = number != self.cool_down.strip()
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (MIN_COOL_C <= value <= MAX_COOL_C if waits else 0 <= value <= MAX_SECONDS):
            raise EdgekitError(
                f"--cool-down must be seconds up to {MAX_SECONDS:g} or degrees such as 45C, got {self.cool_down!r}"
            )
        return (MAX_COOL_DOWN_S, value) if waits else (value, None)


def quick_bench() -> BenchConfig:
    """A short benchmark, to see that everything runs and about what to expect."""
    return BenchConfig(runs=20, min_seconds=0.2, warmup=2, warmup_seconds=0.1, repeats=1, quick=True)
