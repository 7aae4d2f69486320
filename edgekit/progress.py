"""How long work tells that it goes on. Standard library only; the CLI draws it, tests and libraries stay silent."""

from __future__ import annotations

import time
from collections.abc import Callable


class Progress:
    """What a stage calls while it works, and nobody watches. One task at a time; the next ``begin`` ends the last."""

    def begin(self, what: str, total: int) -> None:
        """Start a task of ``total`` steps, named in a few words ("fine-tuning")."""

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        """Report finished steps; ``note`` is shown beside the bar ("val 0.91")."""

    def expect(self, seconds: float) -> None:
        """How long the task that has begun will take, by a first try, before its steps tell."""

    def say(self, line: str) -> None:
        """A line that stays above the bar: a warning or an intermediate result."""


SILENT = Progress()


class TimeLeft:
    """How far a task is and how long the rest takes, by the steps since the first report.

    That one may be of what was there before and took no time.

    Args:
        what: The task, as ``Progress.begin`` names it.
        total: Its steps.
        clock: Seconds that only grow.
    """

    def __init__(self, what: str, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.what, self.total, self.done = what, total, 0
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._last = clock()
        self._expected: tuple[float, float] | None = None

    def expect(self, seconds: float) -> None:
        """Take what all that is left will take, until steps tell."""
        self._expected = seconds, self._clock()

    def advance(self, steps: int) -> None:
        """Count finished steps."""
        self.done += steps
        self._last = self._clock()
        if self._first is None:
            self._first = self._last, self.done

    @property
    def measured_s(self) -> float:
        """How long the steps took that the estimate rests on; 0 where there is none yet."""
        return 0.0 if self._first is None else self._last - self._first[0]

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None where that is unknown."""
        if self._first is None or self.done <= self._first[1] or self.done > self.total:
            return self._expected_left_s
        per_step = self.measured_s / (self.done - self._first[1])
        return max(0.0, per_step * (self.total - self.done) - (self._clock() - self._last))

    @property
    def _expected_left_s(self) -> float | None:
        if self._expected is None or self.done >= self.total:
            return None
        seconds, since = self._expected
        return max(0.0, seconds - (self._clock() - since))

    def __str__(self) -> str:
        """As it is told where no bar can be drawn."""
        left = self.left_s
        return f"{self.what}: {self.done}/{self.total}{'' if left is None else f', {about(left)} left'}"


def about(seconds: float) -> str:
    """A duration in words, as rough as an estimate is: ``about 40 s``, ``about 12 min``, ``about 3.5 h``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
