"""Reads photos out of untrusted zip files. Nothing is extracted by the names inside; members are read into memory.

An archive with a name that leaves its folder, or one that grows beyond reason, is refused as a
whole: nobody packs photos so.
"""

from __future__ import annotations

import errno
import io
import lzma
import re
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from edgekit.errors import DataError, EdgekitError, PhotoError
from edgekit.records import is_stream
from edgekit.runtime.bundle import ARCHIVE_ERRORS
from edgekit.runtime.limits import MAX_FILE_BYTES

MAX_MEMBERS = 200_000
MAX_DIRECTORY_BYTES = 64 * 1024 * 1024
MAX_TOTAL_BYTES = 256 * 1024**3
MAX_RATIO = 100
# Small files of one colour do shrink a hundredfold.
RATIO_FROM_BYTES = 10_000_000

_ERRORS = (*ARCHIVE_ERRORS, lzma.LZMAError)
_DRIVE = re.compile(r"[A-Za-z]:")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file whose directory holds all rules; read its members with ``read_member``.

    Raises:
        DataError: no zip file, a name that leaves its folder, a link, or a bomb.
    """
    try:
        if is_stream(path):
            raise DataError(f"{path}: an archive must be a file, got a pipe or a device")
        _check_directory(path)
        archive = zipfile.ZipFile(path)
    except _ERRORS as failure:
        raise DataError(f"{path}: must be a whole zip file: {_reason(failure)}; fetch it again") from failure
    with archive:
        _check_members(path, archive.infolist())
        yield archive


def _check_directory(path: Path) -> None:
    """Bound what zipfile will read at once, before it does: the list of members."""
    with path.open("rb") as file:
        length = file.seek(0, io.SEEK_END)
        # The list's own end is followed by a comment of at most 16 bits.
        file.seek(max(0, length - _END.size - 0xFFFF - 20))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + _END.size > len(tail):
            raise zipfile.BadZipFile("it has no list of members")
        _, _, _, _, members, listed, _, _ = _END.unpack_from(tail, at)
        if members == 0xFFFF or listed == 0xFFFFFFFF:
            # Twenty bytes before stands where the longer list's end is.
            mark, _, place, _ = struct.unpack_from("<4sLQL", tail, at - 20) if at >= 20 else (b"", 0, 0, 0)
            if mark == b"PK\x06\x07":
                file.seek(place)
                *_, members, listed, _ = _END64.unpack(file.read(_END64.size))
    if listed > MAX_DIRECTORY_BYTES or members > MAX_MEMBERS:
        raise DataError(
            f"{path}: an archive must have at most {MAX_MEMBERS} members in a list of {MAX_DIRECTORY_BYTES} bytes, got"
            f" {members} in {listed}; split it"
        )


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise DataError(f"{path}: an archive must have at most {MAX_MEMBERS} members, got {len(members)}; split it")
    for one in members:
        # zipfile cuts names at a NUL; what it was called before still counts.
        if _leaves(one.orig_filename) or _leaves(one.filename):
            raise DataError(
                f"{path}: names must stay inside the archive's folder, got {one.orig_filename[:200]!r}; don't trust it"
            )
        if stat.S_ISLNK(one.external_attr >> 16):
            raise DataError(
                f"{path}: members must be files, got the link {one.filename[:200]!r}; pack what it leads to"
            )
        if one.file_size > RATIO_FROM_BYTES and one.file_size > MAX_RATIO * max(one.compress_size, 1):
            raise DataError(
                f"{path}: a member must not grow more than {MAX_RATIO}-fold, got {one.filename[:200]!r} with"
                f" {one.compress_size} bytes that become {one.file_size}; don't trust it"
            )
    packed, unpacked = sum(one.compress_size for one in members), sum(one.file_size for one in members)
    size = path.stat().st_size
    if packed > size or unpacked > MAX_TOTAL_BYTES or unpacked > max(MAX_RATIO * size, RATIO_FROM_BYTES):
        raise DataError(
            f"{path}: members must lie side by side and become at most {MAX_TOTAL_BYTES} bytes and {MAX_RATIO} times"
            f" the archive, got {packed} packed bytes in {size} that become {unpacked}; don't trust it"
        )


def _leaves(name: str) -> bool:
    """Whether a name could lead out of a folder on any system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "\0" in name or name.startswith(("/", "\\")) or ".." in parts or _DRIVE.match(name) is not None


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's content.

    Raises:
        PhotoError: too large, encrypted, damaged, or packed in an unknown way.
    """
    if member.flag_bits & 1:
        raise PhotoError("is encrypted; unpack it with its password and import the folder")
    if member.file_size > MAX_FILE_BYTES:
        raise PhotoError(f"a photo must have at most {MAX_FILE_BYTES} bytes, got {member.file_size}")
    try:
        # Reads no more than the list says, and compares the checksum.
        return archive.read(member)
    except _ERRORS as failure:
        raise PhotoError(f"can't be unpacked: {_reason(failure)}") from failure


def unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write a member to a file, for videos, which their decoder reads from disk.

    Raises:
        PhotoError: encrypted, damaged, or packed in an unknown way.
        EdgekitError: the disk is full.
    """
    if member.flag_bits & 1:
        raise PhotoError("is encrypted; unpack it with its password and import the folder")
    try:
        with target.open("wb") as written, archive.open(member) as packed:
            shutil.copyfileobj(packed, written, 1 << 20)
    except _ERRORS as failure:
        if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise EdgekitError(f"can't unpack {member.filename!r}: {failure.strerror}; free space") from failure
        raise PhotoError(f"can't be unpacked: {_reason(failure)}") from failure


def _reason(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
