"""One process at a time works in a run's folder, in a data folder, or on the file of a device's lines.

The system holds the lock, so that of a process that was killed is gone with it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout

from edgekit.errors import DataError, EdgekitError, RunError

LOCK_NAME = ".edgekit.lock"


def working_in(folder: Path) -> AbstractContextManager[None]:
    """Hold a run's folder for the body of the ``with``; nothing where there is no folder yet.

    May be nested. Two at once could leave one's record over the other's weights.

    Raises:
        RunError: another process, or another thread of this one, works there, or the folder can't be locked.
    """
    if not os.path.isdir(folder):
        return nullcontext()
    busy = RunError(f"another edgekit process works in {folder}; wait for it, or name another folder")
    return _holding(folder / LOCK_NAME, busy, "run", nested=True)


def writing_in(root: Path) -> AbstractContextManager[None]:
    """Hold a data folder: two that write rows at once would lose each other's.

    Raises:
        DataError: another process writes there, or the folder can't be locked.
    """
    busy = DataError(f"{root}: another import, session or split writes here; wait for its end")
    return _holding(root / LOCK_NAME, busy, "photos")


def making_in(out: Path) -> AbstractContextManager[None]:
    """Hold a folder that files are made in.

    Raises:
        DataError: another process makes files there, or the folder can't be locked.
    """
    busy = DataError(f"{out}: another edgekit process makes files here; wait for its end, or choose another folder")
    return _holding(out / LOCK_NAME, busy, "folder")


def keeping(lines: Path) -> AbstractContextManager[None]:
    """Hold the file of a device's lines.

    Raises:
        EdgekitError: another process writes there, or its folder can't be locked.
    """
    busy = EdgekitError(
        f"{lines}: another benchmark of this model on this device runs; wait for its end, or name another --out"
    )
    return _holding(lines.with_name(f".{lines.name}.lock"), busy, "folder")


@contextmanager
def _holding(place: Path, busy: EdgekitError, what: str, *, nested: bool = False) -> Iterator[None]:
    """Hold one lock file; ``busy`` is raised where another has it. ``what`` may be copied to where locks can be had."""
    # As a singleton it is the same object for the same path, which counts how often it is held.
    lock = FileLock(place.parent.resolve() / place.name, is_singleton=nested)
    try:
        lock.acquire(timeout=0)
    except Timeout as held:
        raise busy from held
    except (OSError, NotImplementedError) as failure:
        # What can't be written can't be changed under whoever reads it.
        if isinstance(failure, OSError) and failure.errno == errno.EROFS:
            yield
            return
        reason = getattr(failure, "strerror", None) or failure
        raise type(busy)(f"{place.parent} can't be locked: {reason}; make it writable or copy the {what}") from failure
    try:
        yield
    finally:
        lock.release()
