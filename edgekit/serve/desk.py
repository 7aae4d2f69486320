"""Work that may be taken on: so much at a time, so much waiting, and one more is refused. Standard library only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class DeskFull(Exception):
    """All places are taken; whoever asks should come again."""


class Desk:
    """Threads with a queue that never grows; safe to use from several threads.

    Args:
        workers: Pieces of work at a time, each in a thread.
        waiting: Pieces of work that may wait for one.
        name: Of the threads.
    """

    def __init__(self, workers: int, waiting: int, *, name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, name)
        self._places = workers + waiting
        self._lock = threading.Lock()
        self._taken = self._begun = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be refused."""
        return self._taken >= self._places

    def counts(self) -> tuple[int, int]:
        """How many are worked on, and how many wait."""
        with self._lock:
            return self._begun, self._taken - self._begun

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Take work on. What is cancelled before it has begun gives its place back at once.

        Raises:
            DeskFull: all places are taken.
        """
        with self._lock:
            if self.is_full:
                raise DeskFull
            self._taken += 1
        try:
            future = self._pool.submit(self._begin, work)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(lambda _: self._leave())
        return future

    def _begin(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._begun += 1
        try:
            return work()
        finally:
            with self._lock:
                self._begun -= 1

    def _leave(self) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """End the threads: what has begun is finished, what waits is not."""
        self._pool.shutdown(cancel_futures=True)
