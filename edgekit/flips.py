"""Photos whose answer changes from one way of judging to another, right or wrong. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb

from edgekit.intervals import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Photos whose answer another way changes.

    Attributes:
        right_to_wrong: Right by the baseline, wrong now.
        wrong_to_right: Wrong by the baseline, right now.
        p_value: Of the exact McNemar test, two-sided, which takes photos for independent: photos of one group are not,
            so it is too small rather than too large.
    """

    right_to_wrong: int
    wrong_to_right: int
    p_value: float


def flips(before: IntArray, after: IntArray) -> Flips:
    """Photos that change sides.

    Args:
        before: (n,) 1 for a right answer, 0 for a wrong one.
        after: (n,) the same of another way.
    """
    lost, won = int(((before == 1) & (after == 0)).sum()), int(((before == 0) & (after == 1)).sum())
    return Flips(right_to_wrong=lost, wrong_to_right=won, p_value=mcnemar(lost, won))


def mcnemar(lost: int, won: int) -> float:
    """The exact two-sided p-value that photos change sides as often one way as the other (McNemar 1947)."""
    changed = lost + won
    # Whole numbers of any size: thousands of flips would be too many for floats.
    tail = sum(comb(changed, count) for count in range(min(lost, won) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**changed)))
