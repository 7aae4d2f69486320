"""The receiving end of a push: sent to the device's Python, which reads files from stdin and keeps them by hash.

The first line is JSON: ``{"folder": …, "files": [[name, bytes, sha256], …]}``. It says of each that is
there already, then answers with the numbers of those that are missing, and takes them, one after the other; of each it
says when it is kept.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from typing import IO, Any

CHUNK = 256 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def tell(**words: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(words), flush=True)  # noqa: T201


def is_whole(path: str, size: int, expected: str) -> bool:
    """Whether a file is there and is what its name says."""
    if not os.path.isfile(path) or os.path.getsize(path) != size:
        return False
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            block = file.read(CHUNK)
            if not block:
                return digest.hexdigest() == expected
            digest.update(block)


def look(folder: str, files: list[Any]) -> list[int]:
    """The numbers of the files that are missing, or damaged; tells how far it is."""
    missing = []
    for number, (name, size, expected) in enumerate(files):
        if is_whole(os.path.join(folder, name), size, expected):
            tell(whole=number)
        else:
            missing.append(number)
    return missing


def keep(source: IO[bytes], path: str, size: int, expected: str) -> None:
    """Copy so many bytes into a file that gets its name when it is whole."""
    part = path + ".part"
    digest = hashlib.sha256()
    with open(part, "wb") as file:
        left = size
        while left:
            block = source.read(min(CHUNK, left))
            if not block:
                raise EOFError
            file.write(block)
            digest.update(block)
            left -= len(block)
    if digest.hexdigest() != expected:
        os.remove(part)
        raise ValueError("the bytes that came are not those that were sent")
    os.rename(part, path)


def receive(source: IO[bytes]) -> int:
    """Receive all files; returns the exit code."""
    wanted = json.loads(source.readline())
    folder, files = wanted["folder"], wanted["files"]
    blobs = os.path.join(folder, "blobs")
    part = None
    try:
        os.makedirs(blobs, exist_ok=True)
        missing = look(blobs, files)
        tell(missing=missing)
        for number in missing:
            name, size, expected = files[number]
            path = os.path.join(blobs, name)
            part = path + ".part"
            keep(source, path, size, expected)
            tell(kept=number)
    except EOFError:
        return 1
    except (OSError, ValueError) as failure:
        if part is not None and os.path.exists(part):
            os.remove(part)
        free = None
        if hasattr(os, "statvfs") and os.path.isdir(folder):
            room = os.statvfs(folder)
            free = room.f_bavail * room.f_frsize
        full = isinstance(failure, OSError) and failure.errno in FULL
        tell(failed=str(failure), full=full, free_bytes=free)
        return 1
    # Once for all: a card takes long for each. After a power cut, hashes tell what never reached it.
    os.sync()
    tell(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(receive(sys.stdin.buffer))
