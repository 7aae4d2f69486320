"""What tables have in common."""

from __future__ import annotations

from typing import Any

from edgekit.metrics import wording
from edgekit.metrics.intervals import Estimate
from edgekit.records import from_plain

Record = dict[str, Any]


def interval(estimate: Record | None, *, scale: float = 100.0) -> str:
    """A number with its 95 % interval."""
    found = None if estimate is None else from_plain(Estimate, estimate, where="an interval")
    return wording.interval(found, scale=scale)


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def crops_of(point: Record) -> str:
    """``10``, or the most and the mean where verdicts stop early."""
    if not point["stops_early"]:
        return str(point["crops"])
    return f"≤ {point['crops']} (mean {point['crops_used']['mean']:.1f})"


def machine(where: Record) -> str:
    """Where latencies were measured."""
    found = where["int8_instructions"]
    dots = "" if found is None else f" with {' and '.join(found) or 'no instructions for 8-bit dot products'}"
    return f"{where['cores']} cores of an {where['device']}{dots} ({where['interpreter']})"
