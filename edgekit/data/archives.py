"""Reads photos out of untrusted zip files. Nothing is extracted by the names inside; members are read into memory.

An archive with a name that leaves its folder, or one that grows beyond reason, is refused as a
whole: nobody packs photos so.
"""

from __future__ import annotations

import errno
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

from edgekit.errors import DataError, EdgekitError, PhotoError
from edgekit.records import is_stream
from edgekit.runtime.kinds import HEAD_BYTES
from edgekit.runtime.limits import MAX_FILE_BYTES
from edgekit.runtime.zip_list import ARCHIVE_ERRORS, measure_directory

MAX_MEMBERS = 200_000
MAX_DIRECTORY_BYTES = 64 * 1024 * 1024
MAX_TOTAL_BYTES = 256 * 1024**3
MAX_RATIO = 100
# Small files of one colour do shrink a hundredfold.
RATIO_FROM_BYTES = 10_000_000

_ERRORS = (*ARCHIVE_ERRORS, lzma.LZMAError)
_DRIVE = re.compile(r"[A-Za-z]:")
# A member's own header, without its name; the same name stands in the list.
_HEADER_BYTES = 30
# Members are unpacked in pieces of so many bytes.
_PIECE_BYTES = 1 << 20
# bzip2 and LZMA give out what so many *packed* bytes become, which may be some thousandfold.
_PACKED_PIECE_BYTES = 4096


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file whose directory holds all rules; read its members with ``read_member``.

    Raises:
        DataError: no zip file, a name that leaves its folder, a link, or a bomb.
    """
    try:
        if is_stream(path):
            raise DataError(f"{path}: an archive must be a file, got a pipe or a device")
        if not os.path.isfile(path):
            state = "got a folder" if os.path.isdir(path) else "there is none"
            raise DataError(f"{path}: an archive must be a zip file, {state}; check the path")
        _check_directory(path)
        archive = zipfile.ZipFile(path)
    except _ERRORS as failure:
        raise DataError(f"{path}: must be a whole zip file: {_reason(failure)}; fetch it again") from failure
    with archive:
        _check_members(path, archive.infolist())
        _check_places(path, archive)
        yield archive


def _check_directory(path: Path) -> None:
    """Bound what zipfile will read at once, before it does: the list of members."""
    with path.open("rb") as file:
        members, listed = measure_directory(file, MAX_DIRECTORY_BYTES)
    if listed > MAX_DIRECTORY_BYTES or members > MAX_MEMBERS:
        raise DataError(
            f"{path}: an archive must have at most {MAX_MEMBERS} members in a list of {MAX_DIRECTORY_BYTES} bytes, got"
            f" {members or 'more'} in {listed}; split it"
        )


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise DataError(f"{path}: an archive must have at most {MAX_MEMBERS} members, got {len(members)}; split it")
    for one in members:
        # zipfile cuts names at a NUL; what it was called before still counts.
        if any(_leaves(name) for name in {one.orig_filename, one.filename}):
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
    unpacked, size = sum(one.file_size for one in members), path.stat().st_size
    if unpacked > MAX_TOTAL_BYTES or unpacked > max(MAX_RATIO * size, RATIO_FROM_BYTES):
        raise DataError(
            f"{path}: members must become at most {MAX_TOTAL_BYTES} bytes and {MAX_RATIO} times the archive, got"
            f" {unpacked} of {size}; don't trust it"
        )


def _check_places(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse members that share bytes, by which a small archive becomes a huge one."""
    free, before = 0, ""
    for one in sorted(archive.infolist(), key=lambda one: one.header_offset):
        end = one.header_offset + _HEADER_BYTES + one.compress_size
        if one.header_offset < free or end > archive.start_dir:
            raise DataError(
                f"{path}: members must lie side by side, got {one.filename[:200]!r} at bytes {one.header_offset} to"
                f" {end}, where {before[:200]!r} ends at {free} and the list begins at {archive.start_dir};"
                " don't trust it"
            )
        free, before = end, one.filename


def _leaves(name: str) -> bool:
    """Whether a name could lead out of a folder on any system."""
    parts = name.replace("\\", "/").split("/")
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
        return b"".join(_pieces(archive, member))
    except _ERRORS as failure:
        raise PhotoError(f"can't be unpacked: {_reason(failure)}") from failure


def peek(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The first HEAD_BYTES of a member; nothing where they can't be had at no great cost."""
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return b""
    try:
        with archive.open(member) as packed:
            return packed.read(HEAD_BYTES)
    except _ERRORS:
        return b""


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's content, unpacked no further than a piece beyond the size that the list states."""
    # zipfile cuts silently at the stated size. Without one, and without a checksum, it gives what there is.
    whole = copy(member)
    whole.file_size = MAX_TOTAL_BYTES
    del whole.CRC
    is_bounded = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    size = checksum = 0
    with archive.open(whole) as packed:
        while piece := packed.read(_PIECE_BYTES if is_bounded else _PACKED_PIECE_BYTES):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
            if size > member.file_size:
                break
            yield piece
    if size != member.file_size:
        got = "more" if size > member.file_size else size
        raise PhotoError(
            f"{member.filename!r} must have the {member.file_size} bytes that the archive's list states, got {got};"
            " don't trust it"
        )
    if checksum != member.CRC:
        raise PhotoError(f"can't be unpacked: Bad CRC-32 for file {member.filename!r}")


def unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write a member to a file, for videos, which their decoder reads from disk.

    Raises:
        PhotoError: encrypted, damaged, or packed in an unknown way.
        EdgekitError: the disk is full.
    """
    if member.flag_bits & 1:
        raise PhotoError("is encrypted; unpack it with its password and import the folder")
    try:
        with target.open("wb") as written:
            written.writelines(_pieces(archive, member))
    except _ERRORS as failure:
        if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise EdgekitError(f"can't unpack {member.filename!r}: {failure.strerror}; free space") from failure
        raise PhotoError(f"can't be unpacked: {_reason(failure)}") from failure


def _reason(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
