"""One process at a time works in a run's folder: two could leave one's record over the other's weights."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from edgekit.errors import RunError

LOCK_NAME = ".edgekit.lock"


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Hold a run's folder for the body of the ``with``; nothing where there is no folder yet.

    May be nested. The system holds the lock, so that of a process that was killed is gone with it.

    Raises:
        RunError: another process, or another thread of this one, works there, or the folder can't be locked.
    """
    if not os.path.isdir(folder):
        yield
        return
    # The same object for the same path, which counts how often it is held.
    lock = FileLock(folder.resolve() / LOCK_NAME, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout as busy:
        raise RunError(f"another edgekit process works in {folder}; wait for it, or name another folder") from busy
    except (OSError, NotImplementedError) as failure:
        # What can't be written can't be changed under whoever reads it.
        if isinstance(failure, OSError) and failure.errno == errno.EROFS:
            yield
            return
        reason = getattr(failure, "strerror", None) or failure
        raise RunError(f"{folder} can't be locked: {reason}; make it writable or copy the run") from failure
    try:
        yield
    finally:
        lock.release()
