"""What may go to a terminal, and what happens when nothing more can. Standard library only."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from edgekit.errors import EdgekitError

# What shells report of a program that wrote to a closed pipe: 128 + SIGPIPE.
EXIT_BROKEN_PIPE = 141

_CANT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


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
    try:
        try:
            yield
        finally:
            # A program can be started without a stdout.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        sys.exit(EXIT_BROKEN_PIPE)
    except OSError as failure:
        # Failures of files have a name, and are their writers' to explain.
        if failure.filename is not None or failure.errno not in _CANT_WRITE:
            raise
        _drop_output()
        raise EdgekitError(f"can't write the output: {failure.strerror}; free space or send it elsewhere") from failure


def _drop_output() -> None:
    """Give stdout's buffer somewhere to go: Python flushes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
