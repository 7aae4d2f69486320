"""How numbers are said, everywhere: percent, intervals, milliseconds, sizes, counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.metrics.intervals import Estimate

NOTHING = "–"


def percent(value: float | None, digits: int = 1) -> str:
    """``97.5 %``; a dash where there is nothing."""
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.{digits}f} %"


def interval(found: Estimate | None, *, scale: float = 100.0) -> str:
    """``97.5 % (94.2–100.0)``; with a scale of 1, ``0.993 (0.980–1.000)``."""
    if found is None or math.isnan(found.value):
        return NOTHING
    digits, unit = (1, " %") if scale == 100.0 else (3, "")
    if math.isnan(found.low) or math.isnan(found.high):
        return f"{scale * found.value:.{digits}f}{unit}"
    return f"{scale * found.value:.{digits}f}{unit} ({scale * found.low:.{digits}f}–{scale * found.high:.{digits}f})"


def milliseconds(value: float) -> str:
    """``3.7 ms``, ``214 ms``, ``1.9 s``."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"


def file_size(size_bytes: int) -> str:
    """``60 kB``, ``2.74 MB``."""
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1e6:.2f} MB"


def count(number_of: int, one: str, many: str = "") -> str:
    """``1 crop``, ``10 crops``."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names with commas between; of many the first, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def short(sha256: str) -> str:
    """The start of a hash."""
    return sha256[:12]
