"""Manifests: a CSV with one row per photo, and what a row may say."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from edgekit.contract import NOTHING, RETAKE, UNKNOWN
from edgekit.data.layout import Facts, FolderPlace, understand
from edgekit.data.names import part_of
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
        if not self.label.strip():
            raise DataError(
                f"a label must not be empty, got {self.label!r}; write the photo's class, or {NOTHING!r} where it has "
                "no label and --multi-label reads it"
            )
        if not self.label.isprintable() or self.label in (RETAKE, UNKNOWN):
            raise DataError(
                f"a label must be printable and not {RETAKE!r} or {UNKNOWN!r}, got {self.label!r}; rename the class"
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
    told = _told_by_folders(path, [record["path"] for record in records], has_labels="label" in columns)
    samples, line_of = [], dict[str, int]()
    for (line, _), record in zip(rows[1:], records, strict=True):
        sample = sample_of_row(path, line, told(record["path"]) | record)
        if sample.path in line_of:
            raise DataError(
                f"{path} line {line}: a photo must be listed once, got {sample.path!r} in line {line_of[sample.path]}"
                " too; remove one row"
            )
        line_of[sample.path] = line
        samples.append(sample)
    return tuple(samples)


def _told_by_folders(path: Path, paths: Sequence[str], *, has_labels: bool) -> Callable[[str], dict[str, str]]:
    """What photos' folders say where a manifest does not: the class, or, with classes given, the part alone."""
    if has_labels:
        inside = [one.split("/")[0] for one in paths if one.count("/") >= 2]
        parts = {name: part_of(name) for name in set(inside)} if len(inside) == len(paths) else {}
        are_parts = bool(parts) and all(parts.values())
        return lambda one: {"split": parts[one.partition("/")[0]] if are_parts else ""}
    layout = understand(paths, Facts(where=str(path)))
    nothing = FolderPlace(label="")

    def told(one: str) -> dict[str, str]:
        place = layout.places.get(one, nothing)
        return {"label": place.label, "split": place.split}

    return told


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows of a CSV that are not blank, each with the number of its last line; raises as ``read_manifest``."""
    text = text_of(path, "a manifest")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cells)]
    except csv.Error as failure:
        raise DataError(
            f"{path} line {reader.line_num}: a manifest must be CSV: {failure}; correct the line"
        ) from failure


def text_of(path: Path, what: str) -> str:
    """The text of a CSV.

    Args:
        path: The file.
        what: Name of what it is, for messages ("a manifest").

    Raises:
        DataError: it can't be read, is too large, or is no text.
    """
    try:
        if is_stream(path):
            raise DataError(f"{path}: {what} must be a file, got a pipe or a device; write its rows to one")
        size = path.stat().st_size
        if size > MAX_MANIFEST_BYTES:
            raise DataError(f"{path}: {what} must have at most {MAX_MANIFEST_BYTES} bytes, got {size}; split the data")
        content = path.read_bytes()
    except FileNotFoundError as absent:
        raise DataError(f"{path}: no such manifest; write one or check the path") from absent
    except OSError as failure:
        raise DataError(f"{path}: {what} must be readable: {failure.strerror}; check what it is") from failure
    # Spreadsheets save what they call Unicode text so, and put a byte order mark in front of UTF-8.
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        raise DataError(f"{path}: {what} must be text, got a NUL byte at {content.index(0)}; save it as UTF-8 CSV")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise DataError(
            f"{path} line {line}: {what} must be UTF-8, got byte 0x{content[failure.start]:02x}; save it as UTF-8 CSV"
        ) from failure


def _check_header(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    unknown = [column for column in columns if column not in COLUMNS + NOTES and not column.startswith(NOTE_PREFIX)]
    if unknown:
        raise DataError(
            f"{path}: the columns must be among {', '.join(COLUMNS + NOTES)}, separated by commas, got {unknown};"
            " rename or remove them, or say what they are with --columns path=…,label=…"
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


def sample_of_row(path: Path, line: int, record: Mapping[str, str]) -> Sample:
    """A row as a sample; splits may be named as folders of splits are.

    Args:
        path: The file, for messages.
        line: Number of the row's line.
        record: Values by column.

    Raises:
        DataError: a value breaks a rule.
    """
    split = record.get("split", "")
    try:
        return Sample(**dict(record) | {"split": part_of(split) or split})
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
