"""An append-only diary of an import: a JSON line before a photo is stored, and one when it lies in its place.

A process may be killed at any time. A photo without its second line is read again and gets the same name, so nothing is
doubled, and nobody takes it for one that was there before. A line that broke off is dropped.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, TypeVar

from edgekit.errors import DataError, EdgekitError
from edgekit.gather.options import SETTABLE
from edgekit.locks import writing_in
from edgekit.records import from_plain, is_stream, make_folder, plain

T = TypeVar("T")

JOURNAL_NAME = ".edgekit-import.jsonl"
_HASH = re.compile("[0-9a-f]{16}")
MAX_JOURNAL_BYTES = 2_000_000_000

Status = Literal["storing", "stored", "there", "copy", "bad", "ungrouped", "video"]
DONE = ("stored", "copy", "video")
"""What a later run need not look at again; bad photos may have been repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of one photo.

    Attributes:
        key: Identifies what was read and how it was asked for.
        name: Path below the source.
        status: About to be stored, stored, there before, left out as a copy, as damaged or for want of a group; or the
            end of a video.
        path: Where it lies in the data folder; of a copy, where the first one does.
        label: Class that it was imported as.
        group: Group likewise.
        split: As the source's folders say.
        digest: SHA-256 of the file without metadata.
        phash: Perceptual hash in hexadecimal.
        notes: More columns of its row.
        reason: Why it was left out.
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
        if self.status in ("storing", "stored", "there") and not _HASH.fullmatch(self.phash):
            raise DataError(
                f"a stored photo needs a hash of 16 hexadecimal digits, got {self.phash!r}; remove the line"
            )


class Journal:
    """The diary of a data folder, held by one process at a time.

    Args:
        root: The data folder; made when absent.

    Raises:
        DataError: another process writes rows there, or a line is no entry.
        EdgekitError: the folder can't be written to.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / JOURNAL_NAME
        self._held = ExitStack()
        make_folder(root)
        self._held.enter_context(writing_in(root))
        try:
            if self._path.is_symlink() or is_stream(self._path):
                raise DataError(f"{self._path} must be a file, got a link, a pipe or a device; remove it")
            self._file: IO[bytes] = self._path.open("a+b")
        except OSError as failure:
            self._held.close()
            raise EdgekitError(f"can't write {self._path}: {failure.strerror}; choose another folder") from failure
        except BaseException:
            self._held.close()
            raise
        try:
            self.entries = self._read()
        except BaseException:
            self._file.close()
            self._held.close()
            raise

    def _read(self) -> dict[str, Entry]:
        """The last entry of each key."""
        self._file.seek(0, os.SEEK_END)
        if self._file.tell() > MAX_JOURNAL_BYTES:
            raise DataError(f"{self._path} must have at most {MAX_JOURNAL_BYTES} bytes; start a new folder")
        self._file.seek(0)
        entries, whole = dict[str, Entry](), 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break
            entry = parse_line(Entry, line, f"{self._path} line {number}")
            entries[entry.key] = entry
            whole += len(line)
        self._file.truncate(whole)
        return entries

    def add(self, entry: Entry) -> None:
        """Note an entry down.

        Raises:
            EdgekitError: the disk is full.
        """
        # Names of files need not be Unicode: JSON's escapes hold them all.
        line = json.dumps({name: value for name, value in plain(entry).items() if value}) + "\n"
        try:
            self._file.write(line.encode())
            # To the system, which outlives this process.
            self._file.flush()
        except OSError as failure:
            raise EdgekitError(f"can't write {self._path}: {failure.strerror}; free space and run again") from failure
        self.entries[entry.key] = entry

    def is_done(self, key: str) -> bool:
        """Whether a later run may pass over it."""
        return key in self.entries and self.entries[key].status in DONE

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            empty = not self.entries and not self._file.tell()
            self._file.close()
            if empty:
                # Nothing to go on from.
                self._path.unlink(missing_ok=True)
        except OSError as full:
            # What it couldn't flush was reported when it was added.
            if failure is None:
                raise EdgekitError(f"can't write {self._path}: {full.strerror}; free space and run again") from full
        finally:
            self._held.close()


def parse_line(kind: type[T], line: bytes, where: str) -> T:
    """One line of a journal as a record.

    Raises:
        DataError: it is no JSON, or not such a record; the message begins with its place.
    """
    try:
        raw: Any = json.loads(line)
    except (ValueError, RecursionError) as failure:
        raise DataError(f"{where} must be JSON: {failure}; remove the line") from failure
    try:
        return from_plain(kind, raw, where=where, error=DataError)
    except DataError as mistake:
        # What a line says of itself doesn't know where it stands.
        raise DataError(str(mistake) if str(mistake).startswith(where) else f"{where}: {mistake}") from mistake
