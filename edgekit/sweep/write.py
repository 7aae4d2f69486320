"""A comparison as files: record, page, and picture where there are latencies."""

from __future__ import annotations

from pathlib import Path

from edgekit.records import write_atomic, write_json
from edgekit.sweep.compare import costed_points
from edgekit.sweep.record import CompareRecord
from edgekit.sweep.tables import comparison_page


def write_comparison(record: CompareRecord, out: Path, *, title: str) -> tuple[Path, ...]:
    """Write ``compare.json``, ``compare.md`` and, where a run has both an accuracy and a latency, ``compare.png``.

    Args:
        record: The comparison.
        out: The folder.
        title: Of page and picture.

    Returns:
        What was written.

    Raises:
        EdgekitError: a file can't be written.
    """
    write_json(out / "compare.json", record)
    write_atomic(out / "compare.md", comparison_page(record, title).encode())
    points = costed_points(record)
    if not points:
        return out / "compare.json", out / "compare.md"
    # Matplotlib takes a second to load, which a comparison without latencies need not wait for.
    from edgekit.figures.pareto import plot_pareto

    plot_pareto(out / "compare.png", points, title=title)
    return out / "compare.json", out / "compare.md", out / "compare.png"
