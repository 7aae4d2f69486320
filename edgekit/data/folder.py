"""A data folder as it is understood: by its manifest, by a CSV whose columns are named, or by where its photos lie.

Every command that takes photos with classes from a folder asks here.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from posixpath import splitext
from typing import Any, Literal

from edgekit.data import names
from edgekit.data.checks import (
    OWN_FILES,
    check_folder,
    ending_of,
    find_photos,
    is_photo_name,
    may_be_photo,
    refuse_unreadable,
    walk_folders,
)
from edgekit.data.layout import RULE, SKIPPED, TWIN, Facts, FolderLayout, LeftOut, Lone, counted, in_words, understand
from edgekit.data.manifest import COLUMNS, MANIFEST_NAME, SPLITS, Sample, read_manifest
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.data.table import FILE, TABLE_SUFFIXES, TEXT_SUFFIX, check_columns, read_columns, suggest
from edgekit.errors import DataError
from edgekit.metrics.wording import count
from edgekit.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a data folder is taken for, as ``edgekit data layout --json`` prints it.

    Attributes:
        kind: Where classes come from: folders, split folders with class folders in them, a manifest, another CSV; or
            nowhere, or there is no photo.
        base: The folder in it that holds all, where wrappers are around that; empty without.
        table: The manifest or CSV that was read; empty without.
        classes: Photos of each class.
        parts: Photos of each part of the split that the data names; empty where it names none.
        groups: Number of groups that the data names.
        unlabelled: Photos without a class.
        left_out: What is passed over, and why.
        notes: What else its owner should know.
        remedy: What to do where nothing can be trained on it as it is; empty where it can be tried.
    """

    kind: Literal["classes", "splits", "manifest", "table", "unlabelled", "empty"]
    base: str = ""
    table: str = ""
    classes: dict[str, int]
    parts: dict[str, int]
    groups: int
    unlabelled: int = 0
    photos: int | None = None
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()
    remedy: str = ""

    def lines(self, root: Path) -> tuple[str, ...]:
        """The same in words, a line each."""
        if not self.classes:
            first = f"{root}: {count(self.unlabelled, 'photo')} without a class"
        else:
            first = f"{root}: {in_words(self.classes)}"
            if self.photos is not None:
                tally = ", ".join(f"{label} {number}" for label, number in self.classes.items())
                first = f"{root}: {count(self.photos, 'photo')} with {count(len(self.classes), 'label')} ({tally})"
        if self.table:
            first += f", as {self.table} says"
        if self.parts:
            first += f"; {', '.join(f'{part} {n}' for part, n in self.parts.items())}"
        if self.groups:
            first += f"; {count(self.groups, 'group')}"
        left = [f"{_how_many(one)} ({one.why})" for one in self.left_out]
        return (first, *self.notes, *([f"left out: {names.shorten(left, limit=8)}"] if left else []))


def _how_many(one: LeftOut) -> str:
    if not one.what.endswith("/"):
        return count(one.count, one.what)
    return f"{count(one.count, 'photo')} in {one.what}" if one.count else one.what


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFolder:
    """A data folder whose photos have their classes.

    Attributes:
        root: The folder; the paths of all photos are relative to it.
        samples: Photos with a class, sorted by path.
        below: The folders between its class and a photo, by path; nothing for photos of a manifest or a CSV.
        unlabelled: Photos that lie there and are none of the samples.
        understood: What it was taken for.
        why: What is wrong where no photo has a class.
    """

    root: Path
    samples: tuple[Sample, ...]
    below: dict[str, str] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    understood: Understood
    why: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(self.understood.classes)

    def tell(self, progress: Progress) -> None:
        """Say what was understood."""
        for line in self.understood.lines(self.root):
            progress.say(line)

    def check_classes(self, *, least: int, known: Collection[str] = ()) -> None:
        """Hold that there are classes enough, and no two of the same name unless they are known as two.

        Raises:
            DataError: there are not; names what would give them.
        """
        same = names.same_names(self.labels)
        if same and not set(self.labels) <= set(known):
            raise DataError(
                f"{self.root}: names of classes must differ in more than case, spaces and hyphens, got"
                f" {'; '.join(' and '.join(map(repr, some)) for some in same)}; give both folders, or labels, one name"
            )
        if len(self.labels) >= least:
            return
        remedy = self.understood.remedy
        if not self.samples:
            raise DataError(f"{self.root}: {RULE}, {self.why if not remedy else self.why.partition(';')[0]}" + remedy)
        raise DataError(
            f"{self.root}: a classifier needs at least two classes, got only {self.labels[0]!r}"
            + (remedy or "; add another class")
        )


def check_reading(how: DataReading) -> None:
    """Hold that a folder can be read so.

    Raises:
        DataError: columns that edgekit doesn't have, none for the class, or both ways at once.
    """
    if how.columns and how.folders:
        raise DataError("classes come from a CSV or from folders, got --columns and --folders; leave one out")
    if how.columns:
        check_columns(how.columns)
    levels = [level for level in how.folders if level != SKIPPED]
    known = [column for column in COLUMNS if column != "path"]
    if how.folders and ("label" not in levels or len(set(levels)) < len(levels) or not set(levels) <= set(known)):
        raise DataError(
            f"folders must be levels such as label, group/label or {SKIPPED}/split/label, each once and label among"
            f" them, of {', '.join(known)}; got {'/'.join(how.folders)!r}"
        )


def read_folder(
    root: Path, how: DataReading = AS_IT_LIES, *, known: Collection[str] = (), lone: Lone = "wrapper"
) -> DataFolder:
    """Say what a data folder is, without reading a photo.

    A ``manifest.csv`` decides where there is one, also inside a wrapper; else a CSV whose columns are named; else
    where the photos lie.

    Args:
        root: The folder.
        how: What its owner says of it.
        known: Classes that are known, such as a model's.
        lone: What a lone top folder with folders in it is; see :class:`edgekit.data.layout.Facts`.

    Raises:
        DataError: no folder, one that can't be read, or one that can be understood in two ways.
    """
    check_folder(root)
    check_reading(how)
    is_listed = has_manifest(root, how)
    survey = _Survey(root, readable=not is_listed)
    if is_listed:
        photos = [one for one in survey.files if may_be_photo(root / one)]
        return _as_table(root, survey, photos, read_manifest(root / MANIFEST_NAME), table=MANIFEST_NAME)
    photos = find_photos(root)
    if how.columns:
        table, samples = read_columns(root, survey.tables_named(how.columns), photos, how.columns)
        return _as_table(root, survey, photos, samples, table=table)
    nested = "" if how.folders or lone == "class" else nested_manifest(survey.files, photos)
    if nested:
        return _as_table(root, survey, photos, read_nested(root, nested), table=nested)
    facts = Facts(
        where=str(root),
        name=root.resolve().name,
        folders=how.folders,
        known=tuple(known),
        lone=lone,
        empty=survey.empty(photos),
    )
    layout = understand(photos, facts)
    _check_twins(root, photos, layout)
    return _as_layout(root, survey, photos, layout)


def _check_twins(root: Path, photos: Sequence[str], layout: FolderLayout) -> None:
    """Hold that what is left out as a copy is one, by the sizes of files.

    Raises:
        DataError: names a file that has another size than its twin.
    """
    for twin in (one.what for one in layout.left_out if one.why == TWIN):
        above = twin.rstrip("/").rpartition("/")[0]
        for photo in photos:
            if photo.startswith(twin):
                other = f"{above}/{photo.removeprefix(twin)}".lstrip("/")
                if os.path.getsize(root / photo) != os.path.getsize(root / other):
                    raise DataError(
                        f"{root}: {twin} must hold copies of what lies beside it, by their names, got {photo} of"
                        f" another size than {other}; merge the two folders, or move one away"
                    )


def nested_manifest(files: Sequence[str], photos: Sequence[str]) -> str:
    """Path of the one manifest that lies in a wrapper around all photos; empty where there is none."""
    found = [one for one in files if one.endswith(f"/{MANIFEST_NAME}")]
    base = found[0].removesuffix(MANIFEST_NAME) if len(found) == 1 else ""
    return found[0] if base and photos and all(photo.startswith(base) for photo in photos) else ""


def read_nested(root: Path, manifest: str) -> tuple[Sample, ...]:
    """The rows of a manifest below a folder, with paths that begin in that folder; raises as ``read_manifest``."""
    base = manifest.removesuffix(MANIFEST_NAME)
    return tuple(replace(one, path=base + one.path) for one in read_manifest(root / manifest))


def has_manifest(root: Path, how: DataReading) -> bool:
    """Whether a manifest decides; a link that leads nowhere is one that can't be read, and not none at all.

    Raises:
        DataError: it does, and levels of folders were named, too.
    """
    if how.columns or not os.path.lexists(root / MANIFEST_NAME):
        return False
    if how.folders:
        raise DataError(
            f"{root}: {MANIFEST_NAME} says what each photo is, got --folders too; leave that out or move it"
        )
    return True


def _as_table(
    root: Path, survey: _Survey, photos: Sequence[str], samples: Sequence[Sample], *, table: str
) -> DataFolder:
    listed = {sample.path for sample in samples}
    rest = tuple(photo for photo in photos if photo not in listed)
    left = [LeftOut(what="photo", count=len(rest), why=f"not in {table}")] if rest else []
    is_manifest = table.rpartition("/")[2] == MANIFEST_NAME
    understood = Understood(
        kind="manifest" if is_manifest else "table",
        base=table.rpartition("/")[0] if is_manifest else "",
        table=table,
        left_out=(*left, *survey.left_out({*photos, *listed, table})),
        **_tally(samples),
    )
    return DataFolder(root=root, samples=_sorted(samples), unlabelled=rest, understood=understood)


def _as_layout(root: Path, survey: _Survey, photos: Sequence[str], layout: FolderLayout) -> DataFolder:
    samples = [
        Sample(path=path, label=place.label, split=place.split, **dict(place.more))
        for path, place in layout.places.items()
    ]
    labels = {sample.label for sample in samples}
    remedy = ""
    if len(labels) < 2 or all(map(names.is_wrapper_name, labels)):
        suggestion = suggest(root, survey.tables, photos)
        columns = suggestion.columns
        if columns and len(labels) > 1:
            raise DataError(
                f"{root}: the folders {names.shorten(sorted(labels))} may be the classes, or a CSV has them; say"
                f" --columns {shlex.quote(columns)} in the second case, --folders label in the first"
            )
        if suggestion.names_photos and not columns and len(labels) > 1:
            raise DataError(
                f"{root}: the folders {names.shorten(sorted(labels))} may be the classes, or a CSV has them; say"
                f" --folders label in the first case; in the second: {suggestion.why}"
            )
        if columns:
            remedy = f"; the classes stand in a CSV: say --columns {shlex.quote(columns)}"
        elif suggestion.why and not samples:
            remedy = f"; {suggestion.why}"
    understood = Understood(
        kind=layout.kind,
        base=layout.base,
        unlabelled=0 if samples else len(photos),
        left_out=(*layout.left_out, *survey.left_out(set(photos))),
        notes=layout.notes,
        remedy=remedy,
        **_tally(samples),
    )
    return DataFolder(
        root=root,
        samples=_sorted(samples),
        below={path: place.below for path, place in layout.places.items()},
        unlabelled=tuple(photo for photo in photos if photo not in layout.places),
        understood=understood,
        why=layout.why,
    )


def _tally(samples: Sequence[Sample]) -> dict[str, Any]:
    parts = Counter(sample.split for sample in samples)
    return {
        "classes": counted(sample.label for sample in samples),
        "parts": {part: parts[part] for part in SPLITS if parts[part]},
        "groups": len({sample.group for sample in samples} - {""}),
    }


def _sorted(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    return tuple(sorted(samples, key=lambda sample: sample.path))


class _Survey:
    """All that lies in a folder, by names alone.

    Args:
        root: The folder.
        readable: Whether a folder that can't be listed is a mistake.
    """

    def __init__(self, root: Path, *, readable: bool) -> None:
        self.files: list[str] = []
        self._folders: list[str] = []
        self._litter: list[LeftOut] = []
        hidden = 0
        for folder, folders, files in walk_folders(root, refuse_unreadable if readable else lambda _: None):
            relative = folder.relative_to(root)
            for name in [name for name in folders if names.is_litter(name)]:
                folders.remove(name)
                pictures = _pictures_in(folder / name)
                if pictures:
                    path = f"{(relative / name).as_posix()}/"
                    self._litter.append(LeftOut(what=path, count=pictures, why="hidden or a system's own"))
            self._folders += [(relative / name).as_posix() for name in folders]
            for name in files:
                if not names.is_litter(name):
                    self.files.append((relative / name).as_posix())
                elif is_photo_name(name):
                    hidden += 1
        if hidden:
            self._litter.append(LeftOut(what="hidden file", count=hidden, why="hidden or a system's own"))

    @property
    def tables(self) -> list[str]:
        """Paths of what may be tables, the upper ones first."""
        found = [one for one in self.files if splitext(one)[1].lower() in TABLE_SUFFIXES]
        return sorted(found, key=lambda one: (one.count("/"), one))

    def tables_named(self, columns: Mapping[str, str]) -> list[str]:
        """The same, with a text file that is named as the table."""
        named = columns.get(FILE, "")
        is_text = named in self.files and named.lower().endswith(TEXT_SUFFIX)
        return [*self.tables, *([named] if is_text else [])]

    def empty(self, photos: Sequence[str]) -> tuple[str, ...]:
        """Folders without any of the photos in them or below."""
        filled = set[str]()
        for photo in photos:
            above = photo.rpartition("/")[0]
            while above and above not in filled:
                filled.add(above)
                above = above.rpartition("/")[0]
        return tuple(sorted(set(self._folders) - filled))

    def left_out(self, used: Collection[str]) -> tuple[LeftOut, ...]:
        """Files that are of no use, by their endings, and what systems left there."""
        others = Counter(
            ending_of(one) for one in self.files if one not in used and one.rpartition("/")[2] not in OWN_FILES
        )
        return (*self._litter, *(_of_no_use(ending, number) for ending, number in sorted(others.items())))


def _of_no_use(ending: str, number: int) -> LeftOut:
    """Files of an ending, and why they are of no use: what ``ending_of`` says in brackets, if anything."""
    kind, _, why = ending.removesuffix(")").partition(" (")
    if not kind.startswith("."):
        return LeftOut(what="file", count=number, why=f"no photos, {kind}")
    return LeftOut(what=f"{kind} file", count=number, why=why or "no photos")


def _pictures_in(folder: Path) -> int:
    return sum(is_photo_name(name) for _, _, files in walk_folders(folder, lambda _: None) for name in files)
