"""Ctrl-C while a program still loads its modules, when nothing has been begun. Standard library only."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130


@contextmanager
def quick_exit() -> Iterator[None]:
    """Let Ctrl-C end the process at once in the body: an import that is interrupted would tell where, at length."""
    # Where a shell has Ctrl-C ignored, as for jobs in the background, it stays so.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(number: int, frame: FrameType | None) -> None:
    del number, frame
    os._exit(EXIT_INTERRUPTED)


@contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the body is done; processes that are started in it never get it.

    Those leave it to their parent, which tells them when to stop.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    came: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    # The mask is what children inherit. It is this thread's alone: another takes the signal, and Python runs the
    # handler here all the same.
    deferring = callable(handler) and threading.current_thread() is threading.main_thread()
    if deferring:
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        # One that waits behind the mask comes now, to the same list.
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if deferring:
            signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)
