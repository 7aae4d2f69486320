"""Photos whose classes stand in a CSV beside them: finds such tables, says how to read them, and reads them."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.data import names
from edgekit.data.manifest import COLUMNS, Sample, sample_of_row, text_of
from edgekit.data.names import shorten
from edgekit.errors import DataError

TABLE_SUFFIXES = (".csv", ".tsv")
FILE = "file"
"""Names the table among the columns, where there are several."""

_DELIMITERS = (",", ";", "\t", "|")
# Enough rows to tell a table of these photos from another one.
_TRIED_ROWS = 200
_NAMES_PHOTOS = 0.9
_LABEL_COLUMNS = ("label", "labels", "class", "classes", "category", "classname", "target", "species", "breed", "y")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """A CSV as it stands.

    Attributes:
        path: Relative to the data folder.
        columns: The names in its first row.
        rows: Number of the line, and the cells.
    """

    path: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        at = self.columns.index(name)
        return [cells[at] for _, cells in self.rows]


def read_table(root: Path, path: str, *, most: int | None = None) -> CsvTable:
    """Read a CSV whose first row names its columns; what separates them, and the encoding's mark, is found out.

    Args:
        root: The data folder.
        path: Relative to it.
        most: No more than so many rows.

    Raises:
        DataError: it can't be read, is no text, or a row has more or fewer cells than there are columns.
    """
    file = root / path
    text = text_of(file, "a table")
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, tuple[str, ...]]] = []
    columns: tuple[str, ...] = ()
    try:
        for cells in reader:
            if not any(cells):
                continue
            if not columns:
                columns = tuple(cell.strip() for cell in cells)
                continue
            if len(cells) != len(columns):
                raise DataError(
                    f"{file} line {reader.line_num}: a row must have {len(columns)} cells, one per column, got"
                    f" {len(cells)}; quote values that have {delimiter!r} in them"
                )
            rows.append((reader.line_num, tuple(cells)))
            if most is not None and len(rows) >= most:
                break
    except csv.Error as failure:
        raise DataError(f"{file} line {reader.line_num}: a table must be CSV: {failure}; correct the line") from failure
    return CsvTable(path=path, columns=columns, rows=tuple(rows))


class Finder:
    """Finds the photo that a cell of a table means: by its path, its name, or its name without an ending.

    Args:
        photos: Paths relative to the data folder.
    """

    def __init__(self, photos: Iterable[str]) -> None:
        self._by: tuple[dict[str, list[str]], ...] = (defaultdict(list), defaultdict(list), defaultdict(list))
        for photo in photos:
            for found, key in zip(self._by, _keys(photo), strict=True):
                found[key].append(photo)

    def find(self, cell: str, table: str) -> list[str]:
        """The photos that a cell may mean, the nearest reading first; none, one, or several.

        Args:
            cell: A path relative to the data folder or to the table, a name, or a name without an ending.
            table: Path of the table; of several photos, those in folders of the table's own part count.
        """
        wanted = cell.strip().replace("\\", "/").removeprefix("./").strip("/").casefold()
        if not wanted:
            return []
        above = table.rpartition("/")[0].casefold()
        whole, ended, bare = self._by
        name = wanted.rpartition("/")[2]
        candidates = [whole.get(f"{above}/{wanted}" if above else wanted, []), whole.get(wanted, [])]
        candidates += [ended.get(name, []), bare.get(name, [])]
        for found in candidates:
            if "/" in wanted and len(found) > 1:
                found = [one for one in found if one.casefold().endswith(f"/{wanted}")] or found  # noqa: PLW2901
            if len(found) > 1:
                found = _of_same_part(found, table)  # noqa: PLW2901
            if found:
                return found
        return []


def _keys(photo: str) -> tuple[str, str, str]:
    whole = photo.casefold()
    name = whole.rpartition("/")[2]
    return whole, name, name.rpartition(".")[0]


def _of_same_part(photos: list[str], table: str) -> list[str]:
    part = names.part_of(table.rpartition("/")[2].rpartition(".")[0])
    same = [one for one in photos if any(names.part_of(folder) == part for folder in one.split("/")[:-1])]
    return (same if part else []) or photos


def suggest(root: Path, tables: Sequence[str], photos: Sequence[str]) -> str:
    """What would read the classes of photos from a CSV that lies there; empty where none seems to have them."""
    finder = Finder(photos)
    for path in sorted((one for one in tables if not _is_example(one)), key=_likelihood):
        try:
            table = read_table(root, path, most=_TRIED_ROWS)
        # A table of something else is nobody's mistake.
        except DataError:
            continue
        column = next((one for one in table.columns if _names_photos(finder, table, one)), None)
        label = None if column is None else _label_column(table, column)
        if column is not None and label is not None:
            several = f"{FILE}={path}," if len(_having(root, tables, (column, label))) > 1 else ""
            return f"{several}path={column},label={label}"
    return ""


def _is_example(path: str) -> bool:
    """Whether a table is one of answers that a contest gives as an example."""
    return not {"submission", "sample"}.isdisjoint(names.tokens_of(_stem(path)))


def _likelihood(path: str) -> tuple[int, bool]:
    """Sorts tables: the upper ones first, and of those the one of the training part."""
    return path.count("/"), names.part_of(_stem(path)) != "train"


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _names_photos(finder: Finder, table: CsvTable, column: str) -> bool:
    cells = table.column(column)
    hits = sum(bool(finder.find(cell, table.path)) for cell in cells)
    return bool(cells) and hits >= _NAMES_PHOTOS * len(cells)


def _label_column(table: CsvTable, path_column: str) -> str | None:
    """The column that seems to hold classes: by its name, else the one that repeats itself most."""
    others = [one for one in table.columns if one and one != path_column]
    for known in _LABEL_COLUMNS:
        for one in others:
            if names.key_of(one) == known:
                return one
    distinct = {one: len(set(table.column(one))) for one in others}
    likely = [one for one in others if 2 <= distinct[one] < max(3, len(table.rows))]
    return min(likely, key=lambda one: distinct[one], default=None)


def _having(root: Path, tables: Sequence[str], columns: Iterable[str]) -> list[str]:
    found = []
    for path in tables:
        try:
            known = read_table(root, path, most=1).columns
        except DataError:
            continue
        if set(columns) <= set(known) and not _is_example(path):
            found.append(path)
    return found


def read_columns(
    root: Path, tables: Sequence[str], photos: Sequence[str], columns: Mapping[str, str]
) -> tuple[str, tuple[Sample, ...]]:
    """Read what a CSV says of photos.

    Args:
        root: The data folder.
        tables: Paths of the tables that lie there.
        photos: Paths of the photos that lie there.
        columns: Column of the table for each of edgekit's: ``path`` and others; FILE names the table among several.

    Returns:
        The path of the table, and a sample for each of its rows, in their order.

    Raises:
        DataError: no table or several have the columns, a row breaks a rule, means no photo, or may mean several.
    """
    wanted = {ours: theirs for ours, theirs in columns.items() if ours != FILE}
    chosen = _choose(root, tables, columns.get(FILE), wanted)
    table = read_table(root, chosen)
    finder = Finder(photos)
    at = {ours: table.columns.index(theirs) for ours, theirs in wanted.items()}
    found = [finder.find(cells[at["path"]], chosen) for _, cells in table.rows]
    _check_found(root / chosen, table, at["path"], found)
    samples, line_of = [], dict[str, int]()
    for (line, cells), (photo, *_) in zip(table.rows, found, strict=True):
        if photo in line_of:
            raise DataError(
                f"{root / chosen} line {line}: a photo must be listed once, got {photo!r} in line {line_of[photo]} too;"
                " remove one row"
            )
        line_of[photo] = line
        record = {ours: cells[where].strip() for ours, where in at.items()} | {"path": photo}
        samples.append(sample_of_row(root / chosen, line, record))
    if not samples:
        raise DataError(f"{root / chosen}: a table must list at least one photo, got only column names; add rows")
    return chosen, tuple(samples)


def _choose(root: Path, tables: Sequence[str], given: str | None, wanted: Mapping[str, str]) -> str:
    """The one table that has the columns."""
    if given is not None:
        if given not in tables:
            raise DataError(f"{root}: --columns names the table {given!r}, got {_some(tables)}; correct the path")
        there = read_table(root, given, most=1).columns
        absent = [one for one in wanted.values() if one not in there]
        if absent:
            raise DataError(
                f"{root / given}: must have the columns {shorten(absent)}, has {shorten(there)}; correct them"
            )
        return given
    having = _having(root, tables, wanted.values())
    if len(having) == 1:
        return having[0]
    asked = ",".join(f"{ours}={theirs}" for ours, theirs in wanted.items())
    if having:
        raise DataError(
            f"{root}: one table must have the columns {shorten(wanted.values())}, got {_some(having)}; name one with"
            f" --columns {FILE}={having[0]},{asked}"
        )
    seen = [f"{path} has {shorten(read_table(root, path, most=1).columns)}" for path in tables[:3]]
    raise DataError(
        f"{root}: a CSV must have the columns {shorten(wanted.values())}, got {'; '.join(seen) or 'no CSV at all'};"
        " correct --columns"
    )


def _some(tables: Sequence[str]) -> str:
    return shorten(tables) or "no CSV at all"


def _check_found(file: Path, table: CsvTable, at: int, found: Sequence[Sequence[str]]) -> None:
    """Hold that each row means one photo."""
    for rule, remedy, is_none in (
        ("must name a photo that lies there", "restore the files or remove the rows", True),
        ("must name one photo alone", "write its path instead of its name", False),
    ):
        wrong = [
            f"{cells[at]!r} in line {line}" + (f" ({shorten(some, limit=2)})" if some else "")
            for (line, cells), some in zip(table.rows, found, strict=True)
            if (not some if is_none else len(some) > 1)
        ]
        if wrong:
            raise DataError(
                f"{file}: every {table.columns[at]} {rule}, got {len(wrong)} of {len(found)} that fail this:"
                f" {shorten(wrong, limit=5)}; {remedy}"
            )


def check_columns(columns: Mapping[str, str]) -> None:
    """Hold that columns are named that edgekit has, ``path`` and ``label`` among them.

    Raises:
        DataError: they are not.
    """
    unknown = sorted(set(columns) - {FILE, *COLUMNS})
    if unknown or not {"path", "label"} <= columns.keys() or not all(columns.values()):
        raise DataError(
            f"columns must be path=COLUMN,label=COLUMN, and more for {', '.join(COLUMNS[2:])}, or {FILE}=TABLE.csv, got"
            f" {','.join(f'{ours}={theirs}' for ours, theirs in columns.items())!r}"
        )
