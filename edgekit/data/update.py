"""Adds rows to a data folder's manifest and changes some, without losing a column that edgekit has no use for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from edgekit.data.checks import find_photos
from edgekit.data.folder import read_folder
from edgekit.data.layout import Facts, understand
from edgekit.data.manifest import COLUMNS, MANIFEST_NAME, Sample, read_manifest, read_rows, write_rows
from edgekit.data.names import shorten
from edgekit.errors import DataError


def read_samples(root: Path) -> tuple[Sample, ...]:
    """What the data folder that a command writes into lists or, without a manifest, holds in class folders.

    There a lone folder is a class: the others come later. Nothing for an empty folder.

    Raises:
        DataError: the manifest breaks a rule, or photos lie in no class folder.
    """
    if not root.is_dir():
        return ()
    folder = read_folder(root, lone="class")
    return _samples_of(root, folder.samples, folder.unlabelled if not folder.understood.table else ())


def _samples_of(root: Path, samples: tuple[Sample, ...], loose: Sequence[str]) -> tuple[Sample, ...]:
    if loose:
        raise DataError(
            f"{root}: every photo must lie in the folder of its class, got {len(loose)} that don't: {shorten(loose)};"
            f" move them, or write a {MANIFEST_NAME}"
        )
    return samples


def _in_folders(root: Path, paths: Sequence[str]) -> tuple[Sample, ...]:
    """Photos as the rows that their class folders make of them."""
    layout = understand(paths, Facts(where=str(root), name=root.resolve().name, lone="class"))
    places = layout.places.items()
    samples = tuple(Sample(path=path, label=place.label, split=place.split) for path, place in places)
    return _samples_of(root, samples, layout.unlabelled)


def update_manifest(root: Path, changed: Iterable[Sample], *, unlisted: Collection[str] = ()) -> int:
    """Write samples into a folder's manifest: in place of the rows of their paths, or behind the last.

    Where there is no manifest, photos that lie in the folder already are listed as their folders say, since a manifest
    that didn't would hide them.

    Args:
        root: The data folder.
        changed: New rows, and rows in place of others.
        unlisted: Photos that lie there and are to have no row unless they have one.

    Returns:
        How many rows the manifest has now.

    Raises:
        DataError: the manifest that is there breaks a rule.
        EdgekitError: it can't be written.
    """
    new = {sample.path: sample for sample in changed}
    manifest = root / MANIFEST_NAME
    extra: list[str] = []
    cells_of: dict[str, dict[str, str]] = {}
    if manifest.exists():
        samples = read_manifest(manifest)
        extra, cells_of = _foreign_cells(manifest, samples)
    else:
        there = find_photos(root) if root.is_dir() else []
        samples = _in_folders(root, [path for path in there if path not in new and path not in unlisted])
    if not new and manifest.exists():
        return len(samples)
    rows = [new.pop(sample.path, sample) for sample in samples] + list(new.values())
    if rows:
        write_rows(manifest, rows, extra, [cells_of.get(row.path, {}) for row in rows])
    return len(rows)


def _foreign_cells(manifest: Path, samples: Sequence[Sample]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Columns that a Sample has no field for, and their cells by path; the manifest was read and holds all rules."""
    rows = [cells for _, cells in read_rows(manifest)]
    columns = [cell.strip() for cell in rows[0]]
    extra = [column for column in columns if column not in COLUMNS]
    cells_of = {}
    for sample, cells in zip(samples, rows[1:], strict=True):
        known = dict(zip(columns, cells, strict=True))
        cells_of[sample.path] = {column: known[column] for column in extra}
    return extra, cells_of


def cautions(samples: Sequence[Sample]) -> tuple[str, ...]:
    """What would keep these rows from being loaded as one data set."""
    found = []
    for column in ("group", "split"):
        lacking = sum(not getattr(sample, column) for sample in samples)
        if 0 < lacking < len(samples):
            found.append(
                f"{lacking} of {len(samples)} rows have no {column}, the others have: fill the column or empty it"
            )
    return tuple(found)
