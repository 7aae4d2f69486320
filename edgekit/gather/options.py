"""Every option of planning, importing and collecting, its default and its range. Standard library only.

A default stands here and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from edgekit.contract import RETAKE, UNKNOWN
from edgekit.data.manifest import COLUMNS
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.errors import DataError

SETTABLE = ("kind", "camera", "screen", "scene", "light")
"""Columns of the manifest that one import or session may fill with one value."""

MAX_PATTERN = 200
MAX_NAME = 64
WANTED = 250

GroupBy = Literal["folder", "camera", "name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """Where the group of an imported photo comes from.

    Attributes:
        by: The folders between the class and the photo; EXIF's camera; or a part of the name that ``pattern`` finds.
        name: One group for all photos, instead of ``by``.
        pattern: A regular expression, searched in the path below the source; its first bracket, or all that it
            matches, is the group. Needed for ``name``.
        otherwise: Group of photos that have none by the rule; empty leaves them out.
    """

    by: GroupBy = "folder"
    name: str = ""
    pattern: str = ""
    otherwise: str = ""

    def __post_init__(self) -> None:
        """Check what needs no photo."""
        if (self.by == "name") != bool(self.pattern):
            raise DataError(
                f"groups by name need a pattern, and only they, got by={self.by!r} and the pattern {self.pattern!r};"
                " give both or neither"
            )
        if len(self.pattern) > MAX_PATTERN:
            raise DataError(f"a pattern must have at most {MAX_PATTERN} characters, got {len(self.pattern)}")
        for value in (self.name, self.otherwise):
            check_name("group", value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportConfig:
    """How photos come into a data folder.

    Attributes:
        label: Class of all photos; empty takes it from each source's top folders.
        skip_folders: Folders at the top of each source that mean nothing, as in most zip files.
        group: The rule for the group of each photo.
        notes: More columns of the manifest, the same for all photos ((column, value), …).
        every_ms: A video gives one frame per so many milliseconds.
        window_ms: Milliseconds from there in which the sharpest frame is taken.
        near_bits: Photos whose 64-bit perceptual hashes differ in at most so many bits are near duplicates.
        keep_copies: Store photos that are the same to the pixel, too; never across classes.
        workers: Photos that are read at the same time.
        reading: How the sources' folders are to be read, where they can't say that themselves.
    """

    label: str = ""
    skip_folders: int = 0
    reading: DataReading = AS_IT_LIES
    group: GroupRule = field(default_factory=GroupRule)
    notes: tuple[tuple[str, str], ...] = ()
    every_ms: int = 1000
    window_ms: int = 300
    near_bits: int = 6
    keep_copies: bool = False
    workers: int = 2

    def __post_init__(self) -> None:
        """Check ranges."""
        check_name("label", self.label)
        check_notes(self.notes)
        if not 0 <= self.skip_folders <= 20:
            raise DataError(f"skip_folders must be 0 to 20, got {self.skip_folders}")
        if not 1 <= self.every_ms <= 3_600_000:
            raise DataError(f"every_ms must be 1 to 3600000, got {self.every_ms}")
        if not 0 <= self.window_ms <= self.every_ms:
            raise DataError(
                f"window_ms must be 0 to every_ms ({self.every_ms}), got {self.window_ms}; windows must not overlap"
            )
        if not 0 <= self.near_bits <= 12:
            raise DataError(f"near_bits must be 0 to 12 of 64 bits, got {self.near_bits}; more finds strangers")
        if not 1 <= self.workers <= 64:
            raise DataError(f"workers must be 1 to 64, got {self.workers}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectConfig:
    """How a camera becomes photos.

    Attributes:
        label: Class of all shots.
        group: Session, person or place; names the folder inside the class.
        notes: More columns of the manifest ((column, value), …).
        every_ms: Time between shots; None shoots at a key.
        count: The group is complete with so many photos, those of earlier sessions included; None goes on until told.
        min_sharpness: Variance of the Laplacian that a shot must have, as ``video.vision.sharpness`` counts.
        face: Find the largest face and keep that alone.
        margin: Margin around a face on every side, in parts of its width.
        split: Percentages for (train, test) or (train, val, test), in blocks of time; None leaves the column empty.
        gap_s: Shots within so many seconds after another block belong to none.
    """

    label: str
    group: str
    notes: tuple[tuple[str, str], ...] = ()
    every_ms: int | None = None
    count: int | None = None
    min_sharpness: float = 30.0
    face: bool = False
    margin: float = 0.3
    split: tuple[int, ...] | None = None
    gap_s: float = 2.0

    def __post_init__(self) -> None:
        """Check ranges."""
        for what, value in (("label", self.label), ("group", self.group)):
            if not value:
                raise DataError(f"a session needs a {what}, got none; name it")
            check_name(what, value)
        check_notes(self.notes)
        if self.every_ms is not None and not 1 <= self.every_ms <= 3_600_000:
            raise DataError(f"every_ms must be 1 to 3600000, got {self.every_ms}")
        if self.count is not None and not 1 <= self.count <= 1_000_000:
            raise DataError(f"count must be 1 to 1000000, got {self.count}")
        if not 0 <= self.min_sharpness < math.inf:
            raise DataError(f"min_sharpness must be 0 or more, and finite, got {self.min_sharpness}; 0 takes all")
        if not 0 <= self.margin <= 2:
            raise DataError(f"margin must be 0 to 2 of the face's width, got {self.margin}")
        if not 0 <= self.gap_s <= 3600:
            raise DataError(f"gap_s must be 0 to 3600, got {self.gap_s}")
        parts = self.split
        if parts is not None and (len(parts) not in (2, 3) or sum(parts) != 100 or min(parts) < 1):
            raise DataError(
                f"a split must be two or three percentages, such as 80:20 or 70:15:15, that make 100, got"
                f" {':'.join(map(str, parts))}"
            )


def check_name(what: str, value: str) -> None:
    """Hold that a class or group can be a folder's name on every system; empty is allowed.

    Raises:
        DataError: it can't.
    """
    if value and (value != safe_name(value) or value in (RETAKE, UNKNOWN)):
        raise DataError(
            f"a {what} is also a folder: letters, digits, space, '.', '_', '-', at most {MAX_NAME} of them, not"
            f" {RETAKE!r} or {UNKNOWN!r}, got {value!r}; perhaps {safe_name(value)!r}"
        )


def check_notes(notes: tuple[tuple[str, str], ...]) -> None:
    """Hold that notes are columns of the manifest, each once.

    Raises:
        DataError: they are not.
    """
    columns = [column for column, _ in notes]
    if not set(columns) <= set(SETTABLE) & set(COLUMNS) or len(set(columns)) < len(columns):
        raise DataError(f"one value each for some of {', '.join(SETTABLE)}, got {columns}")
    for column, value in notes:
        if not value.strip() or not value.isprintable():
            raise DataError(f"{column} must be printable and not empty, got {value!r}")


# Devices of Windows, which no file may be called.
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def safe_name(text: str) -> str:
    """The nearest name that any file system takes as one folder; empty where nothing is left."""
    kept = "".join(one if one.isalnum() or one in " ._-" else "_" for one in text)
    kept = kept[:MAX_NAME].strip(" .")
    return f"{kept}_" if kept.partition(".")[0].casefold() in _RESERVED else kept
