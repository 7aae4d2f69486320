"""A comparison as files: record, page, and picture where there are latencies."""

from __future__ import annotations

from pathlib import Path

from edgekit.records import write_atomic, write_json
from edgekit.sweep.compare import costed_points
from edgekit.sweep.options import COMPARISON
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
    data, page, picture = (out / name for name in COMPARISON)
    write_json(data, record)
    write_atomic(page, comparison_page(record, title).encode())
    points = costed_points(record)
    if not points:
        return data, page
    # Matplotlib takes a second to load, which a comparison without latencies need not wait for.
    from edgekit.figures.pareto import plot_pareto

    plot_pareto(picture, points, title=title)
    return data, page, picture
