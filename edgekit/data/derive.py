"""What all that makes files from photos share: who may fill a folder, processes, and going on after a stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

from edgekit.data.checks import (
    BadPhoto,
    check_photos,
    refuse_bad,
    refuse_lost_classes,
    refuse_unreadable,
    walk_folders,
)
from edgekit.data.folder import read_folder
from edgekit.data.manifest import Sample
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.errors import DataError, EdgekitError
from edgekit.locks import LOCK_NAME
from edgekit.progress import SILENT, Progress
from edgekit.records import from_plain, plain, read_json, sha256, to_json, write_atomic, write_json
from edgekit.terminal import held_back

A = TypeVar("A")
B = TypeVar("B")

CHECKED_NAME = "checked.json"
# Tasks that wait in the pool for every process.
_AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPhotos:
    """Photos as they lie, read from a manifest or from folders; their content is looked at when it is needed."""

    root: Path
    samples: tuple[Sample, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted({one.label for one in self.samples}))

    @property
    def sha256(self) -> str:
        """Tells lists of photos apart, by their rows and their files' sizes."""
        rows = [[plain(one), os.path.getsize(self.root / one.path)] for one in self.samples]
        return sha256(to_json({"rows": rows}).encode())


def list_photos(root: Path, reading: DataReading = AS_IT_LIES, progress: Progress = SILENT) -> ListedPhotos:
    """The photos of a folder with their classes.

    Where groups are not known, each photo is one, so that no split parts what is made of it.

    Args:
        root: The data folder.
        reading: How it is to be read, where it can't say that itself.
        progress: Told what it was taken for.

    Raises:
        DataError: no folder, no photo, a photo that is listed but absent, or photos outside any class.
    """
    if not os.path.isdir(root):
        raise DataError(f"{root}: photos must lie in a folder, got none there; check the path")
    folder = read_folder(root, reading, lone="ask")
    folder.check_classes(least=1)
    folder.tell(progress)
    samples = folder.samples
    _check_names(root, samples)
    home = root.resolve()
    for one in samples:
        if not os.path.isfile(root / one.path) or not (root / one.path).resolve().is_relative_to(home):
            raise DataError(f"{root}: {one.path} must be a file inside the folder; restore it or remove its row")
    grouped = (one if one.group else replace(one, group=one.path) for one in samples)
    return ListedPhotos(root=root, samples=tuple(sorted(grouped, key=lambda one: one.path)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPhotos:
    """Beside what is made of photos: those that can't be used, so that a re-run need not look at all of them again.

    Attributes:
        photos: ``ListedPhotos.sha256`` of all of them.
        bad: Those that were left out.
    """

    photos: str
    bad: tuple[BadPhoto, ...]


def leave_bad_out(found: ListedPhotos, out: Path, *, skip_bad: bool, progress: Progress) -> ListedPhotos:
    """Those photos that can be used; all are looked at before the first file is made.

    Args:
        found: The photos.
        out: The folder that is made of them, claimed and locked.
        skip_bad: Leave out photos that can't be used instead of raising.
        progress: Told of each photo.

    Raises:
        DataError: photos that can't be used, unless they are to be left out; a class without any other.
    """
    place, listed = out / CHECKED_NAME, found.sha256
    checked = from_plain(CheckedPhotos, read_json(place), where=str(place)) if place.exists() else None
    if checked is None or checked.photos != listed or (checked.bad and not skip_bad):
        paths = [one.path for one in found.samples]
        reasons = [one.reason for one in check_photos(found.root, paths, progress)]
        bad = tuple(BadPhoto(path=path, reason=reason) for path, reason in zip(paths, reasons, strict=True) if reason)
        refuse_bad(found.root, bad, len(paths), skip_bad=skip_bad)
        checked = CheckedPhotos(photos=listed, bad=bad)
        write_json(place, checked)
    if checked.bad:
        progress.say(f"{found.root}: left out {len(checked.bad)} of {len(found.samples)} photos that can't be used")
    gone = {one.path for one in checked.bad}
    usable = replace(found, samples=tuple(one for one in found.samples if one.path not in gone))
    refuse_lost_classes(found.root, found.labels, usable.labels)
    return usable


def _check_names(root: Path, samples: Iterable[Sample]) -> None:
    """Hold that what is made of photos can lie in folders of their classes: inside the result, and apart.

    Raises:
        DataError: a class leads out of a folder, or two photos would meet.
    """
    there: dict[str, str] = {}
    for one in samples:
        name = one.path if one.path.startswith(f"{one.label}/") else f"{one.label}/{one.path}"
        if there.setdefault(name, one.path) != one.path:
            raise DataError(
                f"{root}: {there[name]} and {one.path} would both be {name} among what is made of them; move one"
            )
    for label in sorted({one.label for one in samples}):
        if label in ("", ".", "..") or any(mark in label for mark in "/\\:") or not label.isprintable():
            raise DataError(
                f"{root}: a class must be the name of one folder, without / \\ or :, got {label!r}; "
                "correct the manifest"
            )


def path_word(path: str) -> int:
    """64 bits that follow from a photo's path, for a seed: adding photos changes nothing of what others give."""
    return int(sha256(path.encode("utf-8", "surrogateescape"))[:16], 16)


def copy_photo(source: Path, target: Path) -> None:
    """Copy a file as it is, whole or not at all.

    Raises:
        EdgekitError: it can't be read or written.
    """
    try:
        content = source.read_bytes()
    except OSError as failure:
        raise EdgekitError(f"{source}: can't be read: {failure.strerror}; check its permissions") from failure
    write_atomic(target, content)


def claim(out: Path, photos: Path | None, record: str, what: dict[str, Any]) -> dict[str, Any]:
    """Take a folder for one job, or find that it was taken for this very one.

    Args:
        out: Where files will be written.
        photos: Where photos are read, if any are: neither may lie in the other.
        record: Name of the JSON that says what the folder is for.
        what: All that decides what will be in it.

    Returns:
        What the record says now: ``what``, and what was noted beside that in the meantime.

    Raises:
        DataError: the folder holds something else, or lies among the photos.
    """
    home, source = out.resolve(), photos.resolve() if photos else None
    if source and (home.is_relative_to(source) or source.is_relative_to(home)):
        raise DataError(f"{out} must lie outside of {photos}, whose photos stay as they are; choose another folder")
    path, wanted = out / record, dict[str, Any](plain(what))
    if os.path.isfile(path):
        begun = read_json(path)
        differing = [name for name in sorted(wanted) if begun.get(name) != wanted[name]]
        if differing:
            why = "other photos, or a manifest that changed since" if differing == ["photos"] else "other options"
            raise DataError(
                f"{out} must be empty or hold this same job, has another in {record}, with {why}; choose another folder"
            )
        return begun
    if os.path.lexists(out) and (not os.path.isdir(out) or not all(map(_is_ours, os.listdir(out)))):
        raise DataError(f"{out} must be empty or hold this same job, has other files; choose another folder")
    write_json(path, wanted)
    return wanted


def _is_ours(name: str) -> bool:
    """Whether a file says nothing of what a folder holds: a lock, or what a process that was killed was writing."""
    return name == LOCK_NAME or (name.startswith(".") and name.endswith(".part"))


def make_all(work: Callable[[A], B], items: Iterable[A], *, workers: int) -> Iterator[B]:
    """Do all items, here or in processes, and yield results as they come; few items wait at any time.

    Args:
        work: A function of a module, so that processes find it.
        items: May be a generator over any number.
        workers: Processes; 1 works in this one.

    Raises:
        DataError: ``workers`` is below 1.
        EdgekitError: a worker died.
    """
    if workers < 1:
        raise DataError(f"workers must be at least 1, got {workers}; 1 works in this process")
    if workers == 1:
        yield from map(work, items)
        return
    # It starts Python's resource tracker, which dies of SIGHUP. Forking a process that has other threads would hang.
    with held_back():
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    try:
        coming, waiting = iter(items), set[Future[B]]()
        while True:
            for item in islice(coming, _AHEAD * workers - len(waiting)):
                # It may start a process here, which must not have Ctrl-C before it can ignore it, in its imports.
                with held_back():
                    waiting.add(pool.submit(_work, work, item))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as failure:
        raise EdgekitError(f"one of {workers} workers died, perhaps for want of memory; try fewer workers") from failure
    finally:
        # After an interrupt nothing new is begun, and what is in hand is finished.
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C to the parent, and end when it does; keep libraries from taking every core once per process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A service manager sends it to all processes. What is half-written must be removed first.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = "1"


def _work(work: Callable[[A], B], item: A) -> B:
    try:
        return work(item)
    except SystemExit as end:
        # The pool would take it for the item's result, and go on.
        os._exit(int(end.code or 0))


def _end_with_parent() -> None:
    """A worker holds both ends of its queue, so it would wait for ever for a parent that was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _is_hidden_part(name: str) -> bool:
    return name.startswith(".") and name.endswith(".part")


def remove_parts(out: Path, is_part: Callable[[str], bool] = _is_hidden_part) -> None:
    """Remove what an earlier run that was killed left half-written, once nobody else may write there.

    Args:
        out: The folder; those below it are looked through, too.
        is_part: Whether a file of that name is such; in a folder of the user's own only what edgekit alone names so.
    """
    for folder, _, names in walk_folders(out, refuse_unreadable):
        for name in names:
            if is_part(name):
                (folder / name).unlink(missing_ok=True)
