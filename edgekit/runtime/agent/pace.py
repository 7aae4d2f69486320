"""How long a device times each setting: the only defaults and limits, for jobs and for ``edgekit bench``.

Standard library only, since options of commands start here.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.contract import MAX_RUNS
from edgekit.errors import EdgekitError

MAX_REPEATS = 100
MAX_SECONDS = 3600.0
# Of the temperature that a pause may wait for.
MIN_COOL_C, MAX_COOL_C = -40, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long and how often a setting is timed.

    Attributes:
        warmup_runs: Runs of each setting before counting, in each repeat, at least.
        warmup_s: Seconds of each setting before counting, in each repeat, at least; ``warmup_runs`` must be over too.
        min_runs: Counted runs of each setting, in each repeat, at least.
        min_s: Seconds of counted runs of each setting, in each repeat, at least; ``min_runs`` must be reached too.
        repeats: Each loads the model anew; 0 times nothing.
        cold_starts: Processes of their own, for each setting.
        cool_down_s: Pause before each repeat, in seconds.
        cool_to_c: The pause ends as soon as the hottest sensor is down to so many °C; None waits for the whole time.
    """

    warmup_runs: int = 5
    warmup_s: float = 0.5
    min_runs: int = 50
    min_s: float = 1.0
    repeats: int = 3
    cold_starts: int = 3
    cool_down_s: float = 0.0
    cool_to_c: float | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, least, most in (
            ("warmup_runs", 0, MAX_RUNS),
            ("warmup_s", 0, MAX_SECONDS),
            ("min_runs", 2, MAX_RUNS),
            ("min_s", 0, MAX_SECONDS),
            ("repeats", 0, MAX_REPEATS),
            ("cold_starts", 0, MAX_REPEATS),
            ("cool_down_s", 0, MAX_SECONDS),
        ):
            if not least <= getattr(self, name) <= most:
                raise EdgekitError(f"{name} must be {least} to {most:g}, got {getattr(self, name)}")
        if self.cool_to_c is not None and not MIN_COOL_C <= self.cool_to_c <= MAX_COOL_C:
            raise EdgekitError(f"cool_to_c must be {MIN_COOL_C} to {MAX_COOL_C} degrees, got {self.cool_to_c}")
