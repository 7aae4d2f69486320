"""How long the list of a zip file is, before zipfile reads all of it: files are anybody's. Standard library only."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

# What zipfile raises on damaged archives; RuntimeError is an encrypted member (and NotImplementedError, an odd flag),
# OverflowError an offset beyond 63 bits.
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    RuntimeError,
)
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END_MARK, _END64_MARK, _LOCATOR_MARK, _ENTRY_MARK = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2"
_MOST_NAMED_BYTES = 4 * 1024 * 1024
_MOST_NAMES = 10_000


def measure_directory(file: BinaryIO, most_bytes: int) -> tuple[int, int]:
    """How long a zip file's list of members is, before zipfile reads all of it.

    Args:
        file: The zip file, open for reading.
        most_bytes: A longer list is not looked at.

    Returns:
        The entries in the list, 0 where it is too long, and its bytes.

    Raises:
        zipfile.BadZipFile: there is no list.
    """
    length = file.seek(0, io.SEEK_END)
    # The list's own end is followed by a comment of at most 16 bits.
    begin = file.seek(max(0, length - _END.size - 0xFFFF - _LOCATOR.size - _END64.size))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or at + _END.size > len(tail):
        raise zipfile.BadZipFile("it has no list of members")
    sizes = [_END.unpack_from(tail, at)[5]]
    mark, _, place, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size) if at >= _LOCATOR.size else (b"", 0, 0, 0)
    if mark == _LOCATOR_MARK:
        # Versions of Python disagree on where the longer list's end is looked for, and none asks whether it is needed.
        for start in (place, begin + at - _LOCATOR.size - _END64.size):
            file.seek(max(0, start))
            record = file.read(_END64.size)
            if len(record) == _END64.size and record.startswith(_END64_MARK):
                sizes.append(_END64.unpack(record)[8])
    if len(sizes) > 1 and sizes[0] == 0xFFFFFFFF:
        del sizes[0]
    if max(sizes) > most_bytes:
        return 0, max(sizes)
    file.seek(max(0, begin + at - _LOCATOR.size - _END64.size - max(sizes)))
    # The number that the end states is not what zipfile goes by.
    return file.read(begin + at - file.tell()).count(_ENTRY_MARK), max(sizes)


def names_in(path: Path) -> list[str]:
    """Names of the first members of a zip file.

    Raises:
        zipfile.BadZipFile: it is damaged, or its list is longer than any model's.
    """
    with path.open("rb") as file:
        _, listed = measure_directory(file, _MOST_NAMED_BYTES)
        if listed > _MOST_NAMED_BYTES:
            raise zipfile.BadZipFile(f"its list of members has {listed} bytes")
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()[:_MOST_NAMES]
