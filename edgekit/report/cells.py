"""How reports and cards say numbers: text for people, and tables whose cells also know what they sort by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.metrics.intervals import Estimate
from edgekit.metrics.wording import NOTHING, interval, percent
from edgekit.scoring.scores import CropUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: The text that is shown.
        value: Number that the cell sorts by; None sorts by the text, or last where there is nothing.
        bar: The value's interval, which is drawn with it beside the text; all of them in 0..1.
        strong: Whether the cell is highlighted.
    """

    text: str
    value: float | None = None
    bar: tuple[float, float] | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table and what its numbers were measured under.

    Attributes:
        title: Heading of the table, one line.
        columns: Names of the columns.
        rows: Cells of each row, as many as there are columns.
        note: Conditions of the measurement, or how to read the table; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    @classmethod
    def of_rows(cls, title: str, rows: Sequence[Mapping[str, Cell]], note: str = "") -> Table:
        """A table of at least one row; each has its cells by the same names of columns."""
        return cls(title=title, columns=tuple(rows[0]), rows=tuple(tuple(row.values()) for row in rows), note=note)

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds bare numbers."""
        return any(row[column].value is not None and row[column].bar is None for row in self.rows)


def text_cell(value: str) -> Cell:
    """A cell that sorts by its text."""
    return Cell(text=value or NOTHING)


def number_cell(value: float | None, digits: int = 1) -> Cell:
    """A plain number; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return Cell(text=NOTHING)
    return Cell(text=f"{value:,.{digits}f}", value=value)


def share_cell(value: float | None, digits: int = 1) -> Cell:
    """A share as a percentage."""
    usable = None if value is None or math.isnan(value) else value
    return Cell(text=percent(value, digits), value=usable)


def estimate_cell(found: Estimate | None, *, bar: bool = False) -> Cell:
    """A share with its interval."""
    if found is None or math.isnan(found.value):
        return Cell(text=NOTHING)
    known = not (math.isnan(found.low) or math.isnan(found.high))
    return Cell(text=interval(found), value=found.value, bar=(found.low, found.high) if bar and known else None)


def point_cell(value: float) -> Cell:
    """A share without an interval, with a bar."""
    return Cell(text=percent(value), value=value, bar=(value, value))


def crops_text(crops: int, used: CropUse | None) -> str:
    """``10``, or ``≤ 10 (mean 1.9)`` where verdicts may stop early."""
    return str(crops) if used is None else f"≤ {crops} (mean {used.mean:.1f})"


def crops_phrase(crops: str) -> str:
    """``1 crop``, ``≤ 10 (mean 1.9) crops``."""
    return f"{crops} {'crop' if crops == '1' else 'crops'}"
