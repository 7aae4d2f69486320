"""Scores the crops of a photo, several at a time: each worker cuts a crop and runs it through its own interpreter.

One interpreter a core is faster than one interpreter with as many threads: cutting runs beside inference, and no layer
is too small to be shared (``benchmarks/results/runtime.json`` has both). A crop that is alone leaves the other cores
idle, so a call for one crop has an interpreter of its own with all threads, made when the first such call comes.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from edgekit.arrays import Float32Array
from edgekit.runtime.crops import Box
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.photo import Map, Photo
from edgekit.runtime.preprocess import to_tensor

A = TypeVar("A")
B = TypeVar("B")


def work_ahead(pool: Executor, work: Callable[[A], B], items: Iterable[A], *, ahead: int) -> Generator[B]:
    """``map`` over a pool that keeps the order and never runs more than ``ahead`` items before the reader."""
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # An interrupt should not wait for what is not begun.
        for future in waiting:
            future.cancel()


class Scored(NamedTuple):
    """One crop's (classes,) float32 probabilities and the nanoseconds that cutting and inference took."""

    scores: Float32Array
    crop_ns: int
    invoke_ns: int


class Workers:
    """As many workers as there may be threads; safe to use from several threads.

    Args:
        make: Makes an interpreter with so many threads.
        threads: How many crops are worked on at once.
    """

    def __init__(self, make: Callable[[int], ModelInterpreter], threads: int) -> None:
        self.threads = threads
        self._make = make
        self._wide: ModelInterpreter | None = None
        self._wide_lock = threading.Lock()
        first = make(1)
        self.side_px, self.classes, self.heads = first.side_px, first.classes, first.heads
        self.name, self.delegate = first.name, first.delegate
        self._free: queue.SimpleQueue[ModelInterpreter] = queue.SimpleQueue()
        self._free.put(first)
        for _ in range(threads - 1):
            self._free.put(make(1))
        self._pool = ThreadPoolExecutor(threads, "edgekit") if threads > 1 else None

    def score(self, photo: Photo, boxes: Sequence[Box], heads: Sequence[int]) -> Generator[Scored]:
        """Score boxes in their order; those that the caller no longer asks for may have been begun, to no effect.

        Args:
            photo: The photo at its working size.
            boxes: In the photo's own pixels.
            heads: Which head scores each box, by its number.
        """
        crops = list(zip(boxes, heads, strict=True))
        if self._pool is None:
            yield from (self._one(photo, crop) for crop in crops)
            return
        if len(crops) == 1:
            yield self._alone(photo, crops[0])
            return
        yield from work_ahead(self._pool, partial(self._one, photo), crops, ahead=self.threads + 1)

    @property
    def map(self) -> Map:
        """``map`` over the workers' threads."""
        return map if self._pool is None else self._pool.map

    def _alone(self, photo: Photo, crop: tuple[Box, int]) -> Scored:
        """One crop by all threads; where another caller has them, by one thread of the others."""
        if not self._wide_lock.acquire(blocking=False):
            return self._one(photo, crop)
        try:
            if self._wide is None:
                self._wide = self._make(self.threads)
            began = time.perf_counter_ns()
            box, head = crop
            tensor = to_tensor(photo, box, self.side_px)
            cut = time.perf_counter_ns()
            scores = self._wide(tensor, head)
            return Scored(scores, cut - began, time.perf_counter_ns() - cut)
        finally:
            self._wide_lock.release()

    def _one(self, photo: Photo, crop: tuple[Box, int]) -> Scored:
        began = time.perf_counter_ns()
        box, head = crop
        tensor = to_tensor(photo, box, self.side_px)
        interpreter = self._free.get()
        try:
            cut = time.perf_counter_ns()
            scores = interpreter(tensor, head)
        finally:
            self._free.put(interpreter)
        return Scored(scores, cut - began, time.perf_counter_ns() - cut)

    def close(self) -> None:
        """End the threads and free the wide interpreter; what is being scored is finished first."""
        if self._pool is not None:
            self._pool.shutdown()
        with self._wide_lock:
            self._wide = None
