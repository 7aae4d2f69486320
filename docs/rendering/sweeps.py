"""Backbones side by side."""

from __future__ import annotations

from edgekit.records import from_plain
from edgekit.sweep.record import SweepRecord
from edgekit.sweep.tables import LEGEND, PERCENT, comparison_table, network_table, title_of
from rendering.common import Record, machine, table


def backbones(record: Record) -> str:
    """Every backbone by every number of crops, with its networks, and where it was measured."""
    found = from_plain(SweepRecord, record, where="backbones.json")
    assert found.comparison is not None
    where = "" if record["conditions"] is None else f" Latency is of one thread, on {machine(record['conditions'])}."
    parts = [f"{title_of(found)}; {PERCENT}.{where} {LEGEND}", table(*comparison_table(found.comparison))]
    parts.append(table(*network_table(found.comparison)))
    parts += [f"Caution: {text}." for text in found.comparison.cautions]
    parts += [f"Failed: {name}: {why}." for name, why in found.failed.items()]
    return "\n\n".join(parts)
