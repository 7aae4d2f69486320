"""What may go to a terminal, and what happens when nothing more can. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from edgekit.errors import EdgekitError

# What shells report of a program that wrote to a closed pipe: 128 + SIGPIPE.
EXIT_BROKEN_PIPE = 141

_CANT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def printable(text: str, *, lines: bool = False) -> str:
    r"""Text with what could steer a terminal, or is no Unicode, spelt out as ``\x1b``.

    Args:
        text: Holds names that came from files, archives or photos.
        lines: Keep line ends, for messages of several lines.
    """
    kept = "\n" if lines else ""
    return "".join(one if one.isprintable() or one in kept else ascii(one)[1:-1] for one in text)


@contextmanager
def guarded_output() -> Iterator[None]:
    """End in good order when stdout takes nothing more.

    Exits with EXIT_BROKEN_PIPE where its reader has gone, as ``head`` does after ten lines.

    Raises:
        EdgekitError: what stdout is redirected to is full or broken.
    """
    _open_closed_streams()
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        sys.exit(EXIT_BROKEN_PIPE)
    except OSError as failure:
        # Failures of files have a name, and are their writers' to explain.
        if failure.filename is not None or failure.errno not in _CANT_WRITE:
            raise
        _drop_output()
        why = "stdout is closed" if failure.errno == errno.EBADF else failure.strerror
        raise EdgekitError(f"can't write the output: {why}; free space or send it elsewhere") from failure


def _open_closed_streams() -> None:
    """Fill the place of a standard stream that the program was started without.

    Python has None there, which most that prints stumbles over, and the next file that is opened would take its
    descriptor: what native code prints would land in it. Nothing can be written to such a stdout, as the shell meant
    it; what is written to stderr is lost.
    """
    if sys.stdin is None:
        sys.stdin = open(_null(0, os.O_RDONLY), encoding="utf-8")  # noqa: SIM115 (as long as the process lives)
    if sys.stdout is None:
        sys.stdout = open(_null(1, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(_null(2, os.O_WRONLY), "w", encoding="utf-8")  # noqa: SIM115


def _null(descriptor: int, mode: int) -> int:
    opened = os.open(os.devnull, mode)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
    return descriptor


def print_error(message: str) -> None:
    """``error: …`` on stderr, where that takes it: the exit code says the same."""
    with contextlib.suppress(OSError):
        print(f"error: {printable(message, lines=True)}", file=sys.stderr)  # noqa: T201 (Rich may be what is missing)


def _drop_output() -> None:
    """Give stdout's buffer somewhere to go: Python flushes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def captured_stderr() -> Iterator[None]:
    """Hold back what native code writes to file descriptor 2; shown after all when the body raises.

    Not for code that runs beside other threads which print: the descriptor belongs to the whole process.
    """
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        # Notebooks and test runners replace stderr by an object without a descriptor.
        yield
        return
    sys.stderr.flush()
    kept = os.dup(descriptor)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        except Exception:
            os.dup2(kept, descriptor)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)


EXIT_INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended: 128 + SIGINT."""

# What a service manager, a closing terminal and `kill` send. Windows has no SIGHUP.
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_came: list[int] = []


def end_as_interrupted() -> None:
    """Have SIGTERM and SIGHUP end the process as Ctrl-C does: what is half-written is removed, what is done is kept.

    One that is ignored stays so, as SIGHUP under ``nohup``. Ctrl-C does what it did, and is remembered, too.
    """
    for number in _ENDINGS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    _came.append(number)
    raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    # They come more than once, to a process and to its group: a second one must not interrupt the tidying up.
    for one in _ENDINGS:
        signal.signal(one, signal.SIG_IGN)
    _came.append(number)
    raise KeyboardInterrupt


def stop_if_asked() -> None:
    """End as a signal asked for that came before: code that Python calls by itself, such as ``__del__``, loses errors.

    Raises:
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP has come.
    """
    if _came:
        raise KeyboardInterrupt


def exit_code_of_stop() -> int:
    """The exit code of a process that was stopped: EXIT_INTERRUPTED, or 128 and the signal that came instead."""
    return 128 + _came[-1] if _came else EXIT_INTERRUPTED


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
    """Let Ctrl-C, SIGTERM and SIGHUP wait until the body is done; processes started in it never get Ctrl-C or SIGHUP.

    Those leave them to their parent, which tells them when to stop.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    came: list[int] = []
    # The mask is what children inherit. It is this thread's alone: another takes the signal, and Python runs the
    # handler here all the same.
    in_main = threading.current_thread() is threading.main_thread()
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, *_ENDINGS)}
    deferred = {one: handler for one, handler in handlers.items() if in_main and callable(handler)}
    for one in deferred:
        signal.signal(one, lambda number, _: came.append(number))
    # Python's own resource tracker ignores SIGTERM, but dies of SIGHUP.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        # One that waits behind the mask comes now, to the same list.
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for one, handler in deferred.items():
            signal.signal(one, handler)
        if came:
            signal.raise_signal(came[0])
