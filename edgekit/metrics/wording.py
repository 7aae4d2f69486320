"""How numbers are said, everywhere: percent, intervals, milliseconds, sizes, counts. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from edgekit.metrics.abstaining import AskedAgain
    from edgekit.metrics.intervals import Difference, Estimate
    from edgekit.metrics.open_set import OpenSet
    from edgekit.metrics.rates import Rate
    from edgekit.metrics.reliability import Reliability

NOTHING = "–"
# What one number says of a model: of one label a photo the mean recall over the classes, of several what no threshold
# changes.
Measure = Literal["balanced accuracy", "mean average precision"]
# Of unknown photos: where more pass, a rule for unknown misses more of them than it catches.
_MOST_PASSING = 0.5
# Whose photos passed where no others are known: training's own.
HELD_OUT = "those of classes that training held out in turn"


def percent(value: float | None, digits: int = 1) -> str:
    """``97.5 %``; a dash where there is nothing."""
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.{digits}f} %"


def short_percent(value: float) -> str:
    """``5 %``, ``0.25 %``: a share as axes and limits have it, with no more digits than it needs."""
    return f"{round(100 * value, 6):g} %"


def interval(found: Estimate | None, *, scale: float = 100.0, bare: bool = False) -> str:
    """``97.5 % (94.2–100.0)``; with a scale of 1, ``0.993 (0.980–1.000)``.

    Args:
        found: A share, or another number below 1; a dash where there is none.
        scale: 100 for percent, 1 for the number itself.
        bare: Leave the percent sign to the title: ``97.5 (94.2–100.0)``.
    """
    if found is None or math.isnan(found.value):
        return NOTHING
    value, low, high = (scale * number for number in (found.value, found.low, found.high))
    if scale == 100.0:
        return with_bounds(value, low, high, unit="" if bare else " %")
    return with_bounds(value, low, high, digits=3)


def rate_interval(found: Rate | None, *, bare: bool = False) -> str:
    """A rate as an interval: over groups where there are any, which is never narrower."""
    return interval(None if found is None else found.estimate, bare=bare)


def with_bounds(value: float, low: float, high: float, *, digits: int = 1, unit: str = "") -> str:
    """``3.7 (3.5–3.9)``; the value alone where its bounds are not known."""
    said = f"{value:.{digits}f}{unit}"
    return said if math.isnan(low) or math.isnan(high) else f"{said} ({low:.{digits}f}–{high:.{digits}f})"


def signed_points(found: Difference | None) -> str:
    """A difference of shares in points, with its sign: ``+1.2 (−0.4–+2.8)``; a dash where there is none."""
    if found is None:
        return NOTHING
    value, low, high = (_signed(100 * number) for number in (found.value, found.low, found.high))
    return value if math.isnan(found.low) or math.isnan(found.high) else f"{value} ({low} to {high})"


def _signed(number: float) -> str:
    said = with_bounds(abs(number), math.nan, math.nan)
    return said if float(said) == 0 else f"{'−' if number < 0 else '+'}{said}"


def milliseconds(value: float, bounds: tuple[float, float] | None = None) -> str:
    """``3.7 ms``, ``214 ms``, ``1.9 s (1.8–2.1)``."""
    low, high = bounds or (math.nan, math.nan)
    if value >= 1000:
        return with_bounds(value / 1000, low / 1000, high / 1000, unit=" s")
    return with_bounds(value, low, high, digits=0 if value >= 100 else 1, unit=" ms")


def file_size(size_bytes: int) -> str:
    """``60 kB``, ``2.74 MB``."""
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1e6:.2f} MB"


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def count(number_of: int, one: str, many: str = "") -> str:
    """``1 crop``, ``10 crops``."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def points(number: float) -> str:
    """``1 point``, ``2.5 points``: of a share, as limits have it."""
    return f"{number:g} {'point' if number == 1 else 'points'}"


def photos_of(number: int, part: str) -> str:
    """``20 test photos``; of all parts together ``29 photos``."""
    return count(number, "photo" if part == "all" else f"{part} photo")


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names with commas between; of many the first, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def short(sha256: str) -> str:
    """The start of a hash."""
    return sha256[:12]


def calibration_said(found: Reliability | None) -> list[tuple[str, str]]:
    """How far scores can be taken at their word: a name and a value, or nothing."""
    if found is None:
        return []
    return [(f"ECE of the {found.of}", f"{interval(found.ece)}, by chance {percent(found.ece_by_chance)}")]


def asked_again_said(found: Sequence[AskedAgain]) -> list[tuple[str, str]]:
    """How good the rest is when the least certain photos are taken again: a name and a value for each share."""
    return [
        (f"{percent(one.asked)} asked again", f"balanced accuracy of the rest {interval(one.balanced_accuracy)}")
        for one in found
    ]


def passing_said(accepted: float | None, where: str) -> str:
    """What to say of a rule for unknown that catches the lesser part; empty of others, and where nobody knows.

    Args:
        accepted: Share of photos of unknown classes that pass.
        where: Which photos these are.
    """
    if accepted is None or accepted <= _MOST_PASSING:
        return ""
    return (
        f"most unknown photos would still be accepted: {percent(accepted)} of {where} are. What helps: more classes, "
        "other photos of each (places, lights, cameras), or a larger --unknown-cost in finetune, which rejects more "
        "known photos, too"
    )


def open_set_said(found: OpenSet | None) -> list[tuple[str, str]]:
    """What a rule for unknown does: names and values, or nothing where there is none."""
    if found is None:
        return []
    lines = [("unknown by", f"{found.rule}, from score {found.threshold:.3g}")]
    if found.unknown:
        lines += [
            ("open-set AUROC", interval(found.auroc, scale=1.0)),
            ("FPR at 95 % TPR", interval(found.fpr_at_95)),
            ("unknown photos accepted", f"{rate_interval(found.accepted)} of {count(found.unknown, 'photo')}"),
        ]
    accuracies = f"{percent(found.closed_accuracy)} without the rule, {percent(found.open_accuracy)} with it"
    return [
        *lines,
        (
            "known photos called unknown",
            f"{found.rejected.errors} of {count(found.known, 'photo')}, {rate_interval(found.rejected)}",
        ),
        ("balanced accuracy of known photos", f"{accuracies}; points lost: {signed_points(found.cost)}"),
    ]
