"""How reports and cards say numbers: text for people, and tables whose cells also know what they sort by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.intervals import Estimate
from edgekit.scoring import CropUse

NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share with its interval, to be drawn into a cell; all in 0..1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What people read.
        value: What it sorts by; None sorts by the text, or last where there is nothing.
        bar: Drawn beside the text.
        strong: Whether it stands out.
    """

    text: str
    value: float | None = None
    bar: Bar | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table and what its numbers were measured under.

    Attributes:
        title: One line.
        columns: One name a column.
        rows: As many cells a row as there are columns.
        note: Conditions, or how to read it; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds bare numbers."""
        return any(row[column].value is not None and row[column].bar is None for row in self.rows)


def text(value: str) -> Cell:
    """A cell that sorts by its text."""
    return Cell(text=value or NOTHING)


def number(value: float | None, digits: int = 1) -> Cell:
    """A plain number; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return Cell(text=NOTHING)
    return Cell(text=f"{value:,.{digits}f}", value=value)


def share(value: float | None, digits: int = 1) -> Cell:
    """A share as a percentage."""
    usable = None if value is None or math.isnan(value) else value
    return Cell(text=percent(value, digits), value=usable)


def estimate(found: Estimate | None, *, bar: bool = False) -> Cell:
    """A share with its interval."""
    if found is None or math.isnan(found.value):
        return Cell(text=NOTHING)
    known = not (math.isnan(found.low) or math.isnan(found.high))
    drawn = Bar(value=found.value, low=found.low, high=found.high) if bar and known else None
    return Cell(text=interval(found), value=found.value, bar=drawn)


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


def crops_of(crops: int, used: CropUse | None) -> str:
    """``10``, or ``≤ 10 (mean 1.9)`` where verdicts may stop early."""
    return str(crops) if used is None else f"≤ {crops} (mean {used.mean:.1f})"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names with commas between; of many the first, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def short(sha256: str) -> str:
    """The start of a hash."""
    return sha256[:12]
