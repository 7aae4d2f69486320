"""Photos whose classes stand in a CSV beside them: finds such tables, says how to read them, and reads them."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.data import names
from edgekit.data.checks import is_photo_name
from edgekit.data.manifest import COLUMNS, Sample, sample_of_row, text_of
from edgekit.data.names import shorten
from edgekit.errors import DataError

TABLE_SUFFIXES = (".csv", ".tsv")
TEXT_SUFFIX = ".txt"
"""Of files that are tables only where their owner says so."""

FILE = "file"
"""Names the table among the columns, where there are several."""

_DELIMITERS = (",", ";", "\t", "|")
# Enough rows to tell a table of these photos from another one.
_TRIED_ROWS = 200
_NAMES_PHOTOS = 0.9
_SEPARATOR_LINE = "sep="
# What programs write where there is no value.
_MISSING = ("nan", "null", "n/a", "<na>", "#n/a")
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

    Lines in front of it that begin with ``#``, or with ``sep=`` as spreadsheets write it, are passed over.

    Args:
        root: The data folder.
        path: Relative to it.
        most: No more than so many rows.

    Raises:
        DataError: it can't be read, is no text, or a row has more or fewer cells than there are columns.
    """
    file = root / path
    text = text_of(file, "a table")
    above, delimiter = _opening(text, path)
    # Empty lines are passed over, and keep the numbers of those below.
    lines = "\n" * above + text.split("\n", above)[above]
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter)
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


def _opening(text: str, path: str) -> tuple[int, str]:
    """How many lines lie above the names of columns, and what separates those."""
    above, said = 0, ""
    lines = text.split("\n")
    while above < len(lines) - 1 and lines[above].lower().startswith(("#", _SEPARATOR_LINE)):
        if not lines[above].startswith("#"):
            said = lines[above][len(_SEPARATOR_LINE) :].strip("\r\n ") or "\t"
        above += 1
    first = lines[above]
    delimiter = max(_DELIMITERS, key=first.count)
    if delimiter not in first and path.lower().endswith(TEXT_SUFFIX):
        delimiter = " "
    return above, said if len(said) == 1 else delimiter


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
        exact = cell.strip().replace("\\", "/").removeprefix("./").strip("/")
        wanted = exact.casefold()
        if not wanted:
            return []
        above = table.rpartition("/")[0].casefold()
        whole, ended, bare = self._by
        folders, _, name = wanted.rpartition("/")
        # Photos are converted after tables are written: of another ending will do.
        stem = name.rpartition(".")[0] if is_photo_name(name) else ""
        for found in (whole.get(f"{above}/{wanted}" if above else wanted, []), whole.get(wanted, [])):
            if found:
                return _as_written(found, exact)
        for found in (ended.get(name, []), bare.get(name, []), bare.get(stem, [])):
            near = _as_written(_in_folders(found, folders), exact)
            if near:
                return near if len(near) == 1 else _of_same_part(near, table)
        return []


def _as_written(photos: list[str], cell: str) -> list[str]:
    """Those that differ from a cell in not even the case of letters, if any do."""
    name = cell.rpartition("/")[2]
    same = [one for one in photos if name in (one.rpartition("/")[2], one.rpartition("/")[2].rpartition(".")[0])]
    return same if len(photos) > 1 and same else photos


def _in_folders(photos: list[str], folders: str) -> list[str]:
    """Those that share most of the folders of a cell, from the last up, and that one at least where both have any."""
    wanted = folders.split("/") if folders else []
    shared = {one: _shared(one.casefold().split("/")[:-1], wanted) for one in photos}
    most = max(shared.values(), default=0)
    # Tables name folders of the computer that they were made on; a photo in none contradicts no name of one.
    return [one for one in photos if shared[one] == most and (most or not wanted or "/" not in one)]


def _shared(these: Sequence[str], those: Sequence[str]) -> int:
    number = 0
    for this, that in zip(reversed(these), reversed(those), strict=False):
        if this != that:
            break
        number += 1
    return number


def _keys(photo: str) -> tuple[str, str, str]:
    whole = photo.casefold()
    name = whole.rpartition("/")[2]
    return whole, name, name.rpartition(".")[0]


def _of_same_part(photos: list[str], table: str) -> list[str]:
    part = names.part_of(table.rpartition("/")[2].rpartition(".")[0])
    same = [one for one in photos if any(names.part_of(folder) == part for folder in one.split("/")[:-1])]
    return (same if part else []) or photos


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """How the classes of photos can be read from a CSV.

    Attributes:
        columns: What --columns would say; empty where no table can be read so as it is.
        why: Why not, and what to do; empty where one can, or where there is no table.
        names_photos: Whether a table names the photos.
    """

    columns: str = ""
    why: str = ""
    names_photos: bool = False


def suggest(root: Path, tables: Sequence[str], photos: Sequence[str]) -> Suggestion:
    """What would read the classes of photos from a CSV that lies there."""
    finder = Finder(photos)
    reasons = []
    names_photos = False
    for path in sorted((one for one in tables if not _is_example(one)), key=_likelihood):
        try:
            table = read_table(root, path, most=_TRIED_ROWS)
            photo_column = _path_column(table, finder)
            names_photos = True
            pair = photo_column, _label_column(table, photo_column)
        except DataError as failure:
            # A table of something else is nobody's mistake, but the only one may be of these photos.
            reasons.append(f"{path} can't be read as their classes: {failure}")
            continue
        several = {FILE: path} if len(_having(root, tables, pair)) > 1 else {}
        named = several | {"path": pair[0], "label": pair[1]} | _further(table, pair)
        columns = ",".join(f"{ours}={theirs}" for ours, theirs in named.items())
        return Suggestion(columns=columns, names_photos=True)
    return Suggestion(why=shorten(reasons, limit=2, separator="; "), names_photos=names_photos)


def _path_column(table: CsvTable, finder: Finder) -> str:
    """The column of the photos.

    Raises:
        DataError: it has none; says what it has, and what to do.
    """
    if not table.rows:
        raise DataError("it has no rows; add them")
    _refuse_no_names(table, table.columns, finder)
    # Numbers of classes may be names of photos, too.
    hits = {one: _hits(finder, table, one) for one in table.columns if names.key_of(one) not in _LABEL_COLUMNS}
    path = next((one for one in hits if hits[one] >= _NAMES_PHOTOS * len(table.rows)), None)
    if path is None:
        best = max(hits, key=lambda one: hits[one], default="")
        raise DataError(
            f"a column must name the photos, got {hits.get(best, 0)} of {len(table.rows)} rows that name one that lies"
            f" here{f' (in {best})' if best and hits[best] else ''}; correct the names"
        )
    return path


def _label_column(table: CsvTable, path: str) -> str:
    """The column of the classes: by its name, else the only one whose values come again.

    Raises:
        DataError: it has none or several; says what it has, and what to do.
    """
    others = [one for one in table.columns if one and one != path]
    for known in _LABEL_COLUMNS:
        for one in others:
            if names.key_of(one) == known:
                return one
    one_hot = _one_hot(table, others)
    if one_hot:
        raise DataError(
            f"the columns {shorten(one_hot, limit=5)} have a 1 for the class and 0 for all others (one-hot); write"
            " the name of each photo's class into one column, label"
        )
    distinct = {one: len(set(table.column(one))) for one in others}
    likely = [one for one in others if 2 <= distinct[one] < max(3, len(table.rows))]
    likely = [one for one in likely if names.key_of(one) not in COLUMNS] or likely
    if len(likely) == 1:
        return likely[0]
    if likely:
        raise DataError(
            f"several columns may be the class: {shorten(likely)}; say --columns path={path},label=COLUMN with the"
            " right one"
        )
    raise DataError("no column tells classes apart; add a column label")


def _one_hot(table: CsvTable, columns: Sequence[str]) -> list[str]:
    """Columns of zeros and ones that have a single one in each row; none where there is no such set."""
    bits = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
    cells = {one: [bits.get(cell.strip().lower()) for cell in table.column(one)] for one in columns}
    found = {one: [bit for bit in some if bit is not None] for one, some in cells.items() if None not in some}
    is_one_hot = len(found) > 1 and all(sum(row) == 1 for row in zip(*found.values(), strict=True))
    return list(found) if is_one_hot else []


def _further(table: CsvTable, used: Collection[str]) -> dict[str, str]:
    """Columns besides that are named as edgekit's, and have such values."""
    found = dict[str, str]()
    for theirs in table.columns:
        ours = names.key_of(theirs)
        if ours in COLUMNS[2:] and ours not in found and theirs not in used:
            try:
                for value in set(table.column(theirs)):
                    sample_of_row(Path(table.path), 0, {"path": "x", "label": "x", ours: value.strip()})
            except DataError:
                continue
            found[ours] = theirs
    return found


def _refuse_no_names(table: CsvTable, columns: Iterable[str], finder: Finder) -> None:
    """Refuse a first row that is one of a photo."""
    for one in columns:
        if finder.find(one, table.path):
            raise DataError(
                f"the first row must name the columns, got the photo {one!r}; add a first row with names, such as"
                " path,label"
            )


def _is_example(path: str) -> bool:
    """Whether a table is one of answers that a contest gives as an example."""
    return not {"submission", "sample"}.isdisjoint(names.tokens_of(_stem(path)))


def _likelihood(path: str) -> tuple[int, bool]:
    """Sorts tables: the upper ones first, and of those the one of the training part."""
    return path.count("/"), names.part_of(_stem(path)) != "train"


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _hits(finder: Finder, table: CsvTable, column: str) -> int:
    """How many cells of a column name a photo."""
    return sum(bool(finder.find(cell, table.path)) for cell in table.column(column))


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
    _check_names(root / chosen, table, wanted, finder)
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
        if record["label"].lower() in _MISSING:
            raise DataError(
                f"{root / chosen} line {line}: a label must name a class, got {record['label']!r} for {photo!r}, which"
                " stands for no value; remove the row or write its class"
            )
        samples.append(sample_of_row(root / chosen, line, record))
    if not samples:
        raise DataError(f"{root / chosen}: a table must list at least one photo, got only column names; add rows")
    return chosen, tuple(samples)


def _check_names(file: Path, table: CsvTable, wanted: Mapping[str, str], finder: Finder) -> None:
    """Hold that the first row has names of columns, and each of those wanted once."""
    twice = sorted({one for one in wanted.values() if table.columns.count(one) > 1})
    if twice:
        raise DataError(f"{file}: columns must have different names, got {shorten(twice)} twice; rename one of the two")
    try:
        _refuse_no_names(table, wanted.values(), finder)
    except DataError as failure:
        raise DataError(f"{file}: {failure}") from failure


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
