"""A comparison as a table, for consoles and for Markdown. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.metrics.wording import NOTHING, count, duration, file_size, interval, percent, signed_points
from edgekit.sweep.record import CompareRecord, CompareRow, SweepRecord

ComparisonTable = tuple[list[str], list[list[str]]]
# What a table's title says once for all cells.
PERCENT = "percent and points, with 95 % intervals"
_YES, _SCRATCH = "yes", "trained from scratch"


def comparison_table(record: CompareRecord) -> ComparisonTable:
    """Every run by every number of crops; columns that no row has are left out."""
    columns = {
        "run": [_name(row) for row in record.rows],
        "crops": [str(row.crops) for row in record.rows],
        "model": [row.variant for row in record.rows],
        "balanced accuracy": [interval(row.accuracy, bare=True) for row in record.rows],
        "lost to int8": [signed_points(row.drop) for row in record.rows],
        f"more than {record.against}": [signed_points(row.gain) for row in record.rows],
        "AUC": [NOTHING if row.auc is None else f"{row.auc.value:.3f}" for row in record.rows],
        "worst group": [_worst(row) for row in record.rows],
        "file": [NOTHING if row.model_bytes is None else file_size(row.model_bytes) for row in record.rows],
        "multiplications a crop": [NOTHING if row.macs is None else f"{row.macs / 1e6:,.0f} M" for row in record.rows],
        "p50 ms": [NOTHING if row.latency_ms is None else f"{row.latency_ms:.1f}" for row in record.rows],
        "training": [
            NOTHING if row.training_seconds is None else duration(row.training_seconds) for row in record.rows
        ],
        "Pareto": [_YES if row.is_pareto else NOTHING if row.is_pareto is None else "" for row in record.rows],
    }
    told = {name: cells for name, cells in columns.items() if any(cell != NOTHING for cell in cells)}
    return list(told), [list(row) for row in zip(*told.values(), strict=True)]


def network_table(record: CompareRecord) -> ComparisonTable:
    """Each run once: its network in words, and what has to be said of it."""
    rows = {row.run: [row.run, row.network or NOTHING, row.note] for row in record.rows}
    if not any(cells[2] for cells in rows.values()):
        return ["run", "network"], [cells[:2] for cells in rows.values()]
    return ["run", "network", "note"], list(rows.values())


def comparison_page(record: CompareRecord, title: str) -> str:
    """The whole comparison as a page."""
    parts = [f"# {title}", f"{_photos(record)}; {PERCENT}. {LEGEND}", _table(comparison_table(record))]
    parts += ["## The networks", _table(network_table(record))]
    if record.cautions:
        parts.append("\n".join(f"- Caution: {text}" for text in record.cautions))
    if record.missing:
        parts += ["## What is not on record", "\n".join(f"- {text}" for text in record.missing)]
    return "\n\n".join(parts) + "\n"


LEGEND = (
    "Lost to int8, and more than the first run: differences photo by photo, by Student's t over groups or over photos, "
    "whichever reaches further; without an interval, what the gate saw. Training is of one model, and "
    "folds and points that pool the same layers share features. Pareto: no other row of the same photos and device is "
    "as fast and as accurate."
)


def title_of(record: SweepRecord) -> str:
    """A sweep's title with its photos."""
    return (
        f"{record.title}: {count(record.photos, 'photo')} of {count(record.groups, 'group')}, each by a model of "
        f"{count(record.folds, 'fold')} that never saw its group"
    )


def _photos(record: CompareRecord) -> str:
    sets = dict.fromkeys(row.photos for row in record.rows if row.photos is not None)
    return "; ".join(count(one.number, f"{one.part} photo") for one in sets) or "no accuracies on record"


def _name(row: CompareRow) -> str:
    return f"{row.run} ({_SCRATCH})" if row.is_pretrained is False else row.run


def _worst(row: CompareRow) -> str:
    return NOTHING if row.worst_accuracy is None else f"{percent(row.worst_accuracy)[:-2]} ({row.worst_group})"


def _table(content: ComparisonTable) -> str:
    columns, rows = content
    lines: Sequence[Sequence[str]] = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
