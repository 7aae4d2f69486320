"""Threads that work on many photos: results in order, few photos in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from edgekit.progress import Progress
from edgekit.runtime.workers import work_ahead

A = TypeVar("A")
B = TypeVar("B")

WORKERS = 2
# Pillow decodes without the interpreter's lock; more threads than that would only hold more photos in memory.
_MOST_WORKERS = 4
_AHEAD = 2


def in_order(work: Callable[[A], B], items: Iterable[A], *, ahead: int = 8, workers: int = WORKERS) -> Generator[B]:
    """As :func:`edgekit.runtime.workers.work_ahead` does it, over threads of its own."""
    with ThreadPoolExecutor(workers) as pool:
        yield from work_ahead(pool, work, items, ahead=ahead)


def most_workers() -> int:
    """Threads for work that waits for nothing else on this machine: a core each, within bounds."""
    return min(_MOST_WORKERS, max(WORKERS, os.cpu_count() or WORKERS))


def work_through(work: Callable[[A], B], items: Sequence[A], what: str, progress: Progress) -> list[B]:
    """Do something with every photo, on most cores.

    Args:
        work: What is done with each photo.
        items: The photos.
        what: Name of the work as it is shown ("checking photos").
        progress: Told of each photo.

    Returns:
        The results, in order.
    """
    progress.begin(what, len(items))
    workers = most_workers()
    results = []
    with closing(in_order(work, items, ahead=_AHEAD * workers, workers=workers)) as coming:
        for one in coming:
            results.append(one)
            progress.advance()
    return results
