"""The journal of an import: a JSON line before a photo is stored, and one when it lies in its place.

A process may be killed at any time. A photo without its second line is read again and gets the same name, so nothing is
doubled, and nobody takes it for one that was there before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from edgekit.data.manifest import check_path
from edgekit.errors import DataError
from edgekit.gather.options import SETTABLE
from edgekit.records import Lines, from_plain, plain

T = TypeVar("T")

JOURNAL_NAME = ".edgekit-import.jsonl"
_HASH = re.compile("[0-9a-f]{16}")

Status = Literal["storing", "stored", "there", "copy", "bad", "ungrouped", "video"]
DONE = ("stored", "copy", "video")
"""What a later run need not look at again; bad photos may have been repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of one photo.

    Attributes:
        key: Identifies what was read and how it was asked for.
        name: Path of the photo below the source.
        status: About to be stored, stored, there before, left out as a copy, as damaged or for want of a group; or the
            end of a video.
        path: Path in the data folder; of a copy, that of the photo that it is a copy of.
        label: Class that it was imported as.
        group: Group that it was imported into.
        split: Split that the source gives the photo; often empty.
        digest: SHA-256 of the file without metadata.
        phash: Perceptual hash in hexadecimal.
        notes: More columns of the photo's row.
        reason: Why the photo was left out.
    """

    key: str
    name: str
    status: Status
    path: str = ""
    label: str = ""
    group: str = ""
    split: str = ""
    digest: str = ""
    phash: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        """Check what rows and hashes are made of: the file may have been edited."""
        if not set(self.notes) <= set(SETTABLE):
            raise DataError(f"notes must be of {', '.join(SETTABLE)}, got {sorted(self.notes)}; remove the line")
        if self.path:
            check_path(self.path)
        if self.status in ("storing", "stored", "there") and not _HASH.fullmatch(self.phash):
            raise DataError(
                f"a stored photo needs a hash of 16 hexadecimal digits, got {self.phash!r}; remove the line"
            )


class Journal:
    """The journal of a data folder, which the caller holds by ``locks.writing_in``.

    Args:
        root: The data folder.

    Attributes:
        entries: The last entry of each key.

    Raises:
        DataError: a line is no entry.
        EdgekitError: the file can't be used.
    """

    def __init__(self, root: Path) -> None:
        self._lines = Lines(root / JOURNAL_NAME)
        self.entries = {entry.key: entry for entry in parse_lines(Entry, self._lines)}

    def add(self, entry: Entry) -> None:
        """Note an entry down.

        Raises:
            EdgekitError: the disk is full.
        """
        self._lines.append(to_line(entry))
        self.entries[entry.key] = entry

    def is_done(self, key: str) -> bool:
        """Whether a later run may pass over it."""
        return key in self.entries and self.entries[key].status in DONE


def to_line(record: Any) -> bytes:
    """A record as one line of JSON, without what is empty."""
    # Names of files need not be Unicode: JSON's escapes hold them all.
    return json.dumps({name: value for name, value in plain(record).items() if value}).encode()


def parse_lines(kind: type[T], lines: Lines) -> Iterator[T]:
    """The records of a file of such lines.

    Raises:
        DataError: a line is no JSON, or not such a record; the message begins with its place.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip(b"\0 \t\r\n"):
            # What some file systems leave of a line after a power cut.
            continue
        where = f"{lines.path} line {number}"
        try:
            raw: Any = json.loads(line.decode())
        except (ValueError, RecursionError) as failure:
            raise DataError(f"{where} must be JSON: {failure}; remove the line") from failure
        try:
            yield from_plain(kind, raw, where=where, error=DataError)
        except DataError as mistake:
            # What a line says of itself doesn't know where it stands.
            raise DataError(str(mistake) if str(mistake).startswith(where) else f"{where}: {mistake}") from mistake
