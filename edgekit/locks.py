"""One process at a time works in a run's folder, in a data folder, or on a file of lines.

The system holds the lock, so that of a process that was killed is gone with it. The lock's own file is empty and stays:
removing it would part those who wait for it from those who come.
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
# Some network drives have no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


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
    """Hold a folder that files are made in: two at once would do the same work twice.

    Raises:
        DataError: another process makes files there, or the folder can't be locked.
    """
    busy = DataError(f"{out}: another edgekit process makes files here; wait for its end, or choose another folder")
    return _holding(out / LOCK_NAME, busy, "folder")


def keeping(lines: Path) -> AbstractContextManager[None]:
    """Hold a file of lines: those of a device, or of predictions that are not finished.

    Raises:
        EdgekitError: another process writes there, or its folder can't be locked.
    """
    busy = EdgekitError(f"{lines}: another edgekit process writes there; wait for its end, or name another --out")
    return _holding(lines.with_name(f".{lines.name}.lock"), busy, "folder")


@contextmanager
def _holding(place: Path, busy: EdgekitError, what: str, *, nested: bool = False) -> Iterator[None]:
    """Hold one lock file; ``busy`` is raised where another has it. ``what`` may be copied to where locks can be had."""
    # A data folder may be anybody's: what a link leads to is not to be opened for writing.
    if place.is_symlink():
        raise type(busy)(f"{place} must be a file, got a link; remove it")
    # As a singleton it is the same object for the same path, which counts how often it is held.
    lock = FileLock(place.parent.resolve() / place.name, is_singleton=nested)
    try:
        lock.acquire(timeout=0)
    except Timeout as held:
        raise busy from held
    except (OSError, NotImplementedError) as failure:
        number = getattr(failure, "errno", None)
        # What can't be written can't be changed under whoever reads it. A run's weights and record must agree, so a run
        # needs a lock; elsewhere two at once do the same work twice.
        if number != errno.EROFS and (nested or number not in _NO_LOCKS):
            reason = getattr(failure, "strerror", None) or failure
            remedy = "copy" if number in _NO_LOCKS else "make it writable or copy"
            raise type(busy)(f"{place.parent} can't be locked: {reason}; {remedy} the {what}") from failure
    try:
        yield
    finally:
        if lock.is_locked:
            lock.release()
