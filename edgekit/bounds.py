"""What numbers in records may be: records are files, and a file may say that 700 % of the photos were right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

# Sums of floats may pass an end by so little.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Ends that a number keeps; NaN, which stands for "can't be told", is within.

    Args:
        low: The smallest value.
        high: The largest value; None where there is none.
    """

    low: float
    high: float | None = None

    def has(self, number: float) -> bool:
        """Whether a number is no lower and no higher than it may be."""
        return not (number < self.low - _ROUNDING or (self.high is not None and number > self.high + _ROUNDING))

    def __str__(self) -> str:
        """The ends in words."""
        return f"{self.low:g} or more" if self.high is None else f"{self.low:g} to {self.high:g}"


Share = Annotated[float, Within(low=0, high=1)]
"""Of all photos, or a probability."""

SignedShare = Annotated[float, Within(low=-1, high=1)]
"""One share less another."""

NoLess = Annotated[float, Within(low=0)]
"""A time, a loss, a size: whatever has no end above."""

Position = Annotated[int, Within(low=-1)]
"""A position in the labels, or -1 for none of them."""

Counted = Annotated[int, Within(low=0)]
"""How many there are."""
