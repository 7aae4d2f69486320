"""Manifests: a CSV with one row per photo, and what a row may say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from edgekit.contract import RETAKE, UNKNOWN
from edgekit.errors import DataError, EdgekitError
from edgekit.records import is_stream, write_atomic

COLUMNS = ("path", "label", "group", "kind", "camera", "screen", "scene", "split", "light", "fold")
"""What edgekit uses; only ``path`` is required."""

NEWER = ("light", "fold")
"""Columns that came later: data without them must keep its fingerprint."""

NOTES = ("width", "height", "source_width", "source_height")
"""What capture tools note down. Accepted and dropped: sizes give classes away, so no model may see them."""

NOTE_PREFIX = "note_"
"""Columns that begin so say how a photo was made. Accepted and dropped, too: they tell made photos from others."""

MANIFEST_NAME = "manifest.csv"
MAX_MANIFEST_BYTES = 200_000_000

SPLITS = ("train", "val", "test")
_SPLIT_OF = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_FOLD = re.compile(r"[1-9][0-9]{0,3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One photo and what is known about it; an empty string is "not known".

    Args:
        path: Relative to the data folder, with ``/`` between folders.
        label: The class of the photo.
        group: Who or what made the photo (author, session, shop); a group never stands on both sides of a split.
        kind: The kind of attack ("laptop", "print"), for APCER per kind.
        camera: The camera that took the photo.
        screen: The screen that was photographed, for a recapture of a screen.
        scene: What the photo shows.
        split: "train", "val", "test", or empty to let edgekit split.
        fold: The part of a cross-validation it belongs to, "1", "2", …; empty to let edgekit deal them.
        light: The light that it was taken in, as a capture plan names it.
    """

    path: str
    label: str
    group: str = ""
    kind: str = ""
    camera: str = ""
    screen: str = ""
    scene: str = ""
    split: str = ""
    fold: str = ""
    light: str = ""

    def __post_init__(self) -> None:
        """Check every value, so that a sample that exists can be written, read and found again."""
        check_path(self.path)
        if not self.label.strip() or not self.label.isprintable() or self.label in (RETAKE, UNKNOWN):
            raise DataError(
                f"a label must be printable, not empty, and not {RETAKE!r} or {UNKNOWN!r}, got {self.label!r};"
                " rename the class"
            )
        if self.split not in ("", *SPLITS):
            raise DataError(f"split must be one of {', '.join(SPLITS)} or empty, got {self.split!r}; correct it")
        if self.fold and not _FOLD.fullmatch(self.fold):
            raise DataError(f"fold must be a whole number from 1 to 9999, or empty, got {self.fold!r}; correct it")
        for column in COLUMNS:
            value = getattr(self, column)
            if _CONTROL.search(value):
                raise DataError(f"{column} must be one line without control characters, got {value!r}; rename it")


def check_path(path: str) -> None:
    """Hold the rules for paths that need no disk; links are the loader's to check."""
    parts = PurePosixPath(path)
    if not parts.name:
        raise DataError(f"path must name a photo, got {path!r}; fill it in")
    if "\\" in path:
        raise DataError(f"path must have / between folders, got {path!r}; replace each backslash")
    if parts.is_absolute() or PureWindowsPath(path).is_absolute():
        raise DataError(f"path must be relative to the data folder, got {path!r}; cut what stands before the folder")
    if ".." in parts.parts:
        raise DataError(f"path must stay inside the data folder, got {path!r}; move the photo into it")
    try:
        path.encode()
    except UnicodeEncodeError as failure:
        raise DataError(f"path must be valid Unicode, got {path!a}; rename the file") from failure


def folder_labels(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Read label and split of photos from their folders.

    The layout is ``CLASS/…/photo``, or ``SPLIT/CLASS/…/photo`` where every top folder is named as a split. A photo
    that lies in no folder has an empty label.

    Args:
        paths: Paths relative to the data folder.

    Returns:
        (label, split) of each path, in the same order.
    """
    parts = [PurePosixPath(path).parts for path in paths]
    if parts and all(len(one) >= 3 and one[0].casefold() in _SPLIT_OF for one in parts):
        return [(one[1], _SPLIT_OF[one[0].casefold()]) for one in parts]
    return [(one[0] if len(one) > 1 else "", "") for one in parts]


def folder_samples(paths: Sequence[str]) -> tuple[Sample, ...]:
    """The samples of photos as their folders say, in the same order; none may lie outside of any folder."""
    placed = zip(paths, folder_labels(paths), strict=True)
    return tuple(Sample(path=path, label=label, split=split) for path, (label, split) in placed)


def read_manifest(path: Path) -> tuple[Sample, ...]:
    """Read a manifest; the photos themselves are not looked at.

    Without a ``label`` column the label is the class folder in the path; without a ``split`` column the split is the
    split folder, if there are any. Columns of NOTES are dropped.

    Args:
        path: A UTF-8 CSV, separated by commas, whose first row names its columns.

    Returns:
        The samples in the order of the rows.

    Raises:
        DataError: names the file and the line that breaks a rule.
    """
    rows = read_rows(path)
    if not rows:
        raise DataError(f"{path}: a manifest must start with a row of column names, got an empty file; write one")
    columns = _check_header(path, rows[0][1])
    records = [_to_record(path, line, columns, cells) for line, cells in rows[1:]]
    if not records:
        raise DataError(f"{path}: a manifest must list at least one photo, got only column names; add rows")
    placed = folder_labels([record["path"] for record in records])
    samples, line_of = [], dict[str, int]()
    for (line, _), record, (label, split) in zip(rows[1:], records, placed, strict=True):
        sample = _to_sample(path, line, {"label": label, "split": split} | record)
        if sample.path in line_of:
            raise DataError(
                f"{path} line {line}: a photo must be listed once, got {sample.path!r} in line {line_of[sample.path]}"
                " too; remove one row"
            )
        line_of[sample.path] = line
        samples.append(sample)
    return tuple(samples)


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows of a CSV that are not blank, each with the number of its last line; raises as ``read_manifest``."""
    try:
        if is_stream(path):
            raise DataError(f"{path}: a manifest must be a file, got a pipe or a device; write its rows to one")
        size = path.stat().st_size
        if size > MAX_MANIFEST_BYTES:
            raise DataError(
                f"{path}: a manifest must have at most {MAX_MANIFEST_BYTES} bytes, got {size}; split the data"
            )
        content = path.read_bytes()
    except FileNotFoundError as absent:
        raise DataError(f"{path}: no such manifest; write one or check the path") from absent
    except OSError as failure:
        raise DataError(f"{path}: a manifest must be readable: {failure.strerror}; check what it is") from failure
    if b"\0" in content:
        raise DataError(f"{path}: a manifest must be text, got a NUL byte at {content.index(0)}; save it as UTF-8 CSV")
    try:
        # Excel puts a byte order mark in front of UTF-8.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise DataError(
            f"{path} line {line}: a manifest must be UTF-8, got byte 0x{content[failure.start]:02x};"
            " save it as UTF-8 CSV"
        ) from failure
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cells)]
    except csv.Error as failure:
        raise DataError(
            f"{path} line {reader.line_num}: a manifest must be CSV: {failure}; correct the line"
        ) from failure


def _check_header(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    unknown = [column for column in columns if column not in COLUMNS + NOTES and not column.startswith(NOTE_PREFIX)]
    if unknown:
        raise DataError(
            f"{path}: the columns must be among {', '.join(COLUMNS + NOTES)}, separated by commas, got {unknown};"
            " rename or remove them"
        )
    if "path" not in columns:
        raise DataError(f"{path}: a manifest must have a path column, got {columns}; add it")
    if len(set(columns)) < len(columns):
        raise DataError(f"{path}: each column must stand once, got {columns}; remove the second")
    return columns


def _to_record(path: Path, line: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        raise DataError(
            f"{path} line {line}: a row must have {len(columns)} cells, one per column, got {len(cells)};"
            " quote values that have commas"
        )
    record = {column: cell.strip() for column, cell in zip(columns, cells, strict=True) if column in COLUMNS}
    # File names may start or end with a space, so a path is taken as it stands but for "./" and "//".
    raw = cells[columns.index("path")]
    record["path"] = str(PurePosixPath(raw)) if raw else ""
    return record


def _to_sample(path: Path, line: int, record: dict[str, str]) -> Sample:
    try:
        return Sample(**record | {"split": _SPLIT_OF.get(record["split"].casefold(), record["split"])})
    except DataError as failure:
        raise DataError(f"{path} line {line}: {failure}") from failure


def write_manifest(path: Path, samples: Iterable[Sample], *, notes: Sequence[Mapping[str, str]] | None = None) -> None:
    """Write a manifest that ``read_manifest`` gives back as it was; columns without any value are left out.

    Args:
        path: The CSV file.
        samples: Rows of the manifest.
        notes: How each photo was made, one mapping a row; the columns get NOTE_PREFIX.

    Raises:
        EdgekitError: the file can't be written.
    """
    rows = list(samples)
    noted = [{NOTE_PREFIX + name: cell for name, cell in note.items()} for note in notes or [{}] * len(rows)]
    write_rows(path, rows, list(dict.fromkeys(name for note in noted for name in note)), noted)


def write_rows(path: Path, rows: Sequence[Sample], extra: Sequence[str], cells: Sequence[Mapping[str, str]]) -> None:
    """Write a manifest with more columns; those of edgekit's without any value are left out.

    Args:
        path: The CSV file.
        rows: Rows of the manifest.
        extra: Names of further columns.
        cells: Values of the further columns, one mapping a row; what is absent stays empty.

    Raises:
        EdgekitError: the file can't be written.
    """
    columns = [column for column in COLUMNS if column in COLUMNS[:2] or any(getattr(row, column) for row in rows)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *extra])
    for row, known in zip(rows, cells, strict=True):
        writer.writerow([*(getattr(row, name) for name in columns), *(known.get(name, "") for name in extra)])
    write_atomic(path, text.getvalue().encode())


def stream_manifest(path: Path, samples: Iterable[Sample]) -> None:
    """Write a manifest of any length in constant memory; all columns are kept.

    Raises:
        EdgekitError: the file can't be written; the old one stays.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([getattr(row, column) for column in COLUMNS] for row in samples)
        part.replace(path)
    except OSError as failure:
        raise EdgekitError(f"can't write {path}: {failure.strerror}; free space or choose another folder") from failure
    finally:
        part.unlink(missing_ok=True)
