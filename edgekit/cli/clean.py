"""``edgekit clean``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.clean.options import CleanConfig
from edgekit.cli import console, options
from edgekit.errors import require
from edgekit.metrics.wording import count, file_size

if TYPE_CHECKING:
    from edgekit.clean.leftovers import CleanRecord

_CLEAN = CleanConfig()


def clean(
    run: Annotated[Path, typer.Argument(help="A folder of `finetune`, `crossval` or `tta`.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List it, and remove nothing.")] = _CLEAN.dry_run,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Remove files that a gate rejected, too.")
    ] = _CLEAN.rejected,
    json: options.AsJson = False,
) -> None:
    """Remove what can be computed again: features, adapted weights, scores, and what killed calls left.

    Records, weights, calibration crops and model files stay; a later command computes again what it needs.
    """
    require("filelock")
    from edgekit.clean.leftovers import clean

    with console.progress() as progress:
        record = clean(run, CleanConfig(dry_run=dry_run, rejected=rejected), progress=progress)
    console.show(record, print_clean, json=json)


def print_clean(record: CleanRecord) -> None:
    """What a folder held, as a table."""
    if record.leftovers:
        rows = [[one.kind, one.folder, f"{one.files:,}", file_size(one.size_bytes)] for one in record.leftovers]
        console.print_table(f"what can be computed again in {record.folder}", ["", "folder", "files", "size"], rows)
    files = count(sum(one.files for one in record.leftovers), "file")
    done = "removed" if record.removed else "would remove"
    console.note(f"{done} {files}, {file_size(record.size_bytes)}")
