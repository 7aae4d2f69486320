"""Compiled packages that may not fit what else is installed. Standard library only."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_pages() -> Iterator[None]:
    """Hold back what Python code prints to stderr in the body, and show it only where that works.

    numpy prints a page, with a traceback, where a module was built for its last generation. The exception says enough.
    """
    held = io.StringIO()
    with contextlib.redirect_stderr(held):
        yield
    if held.getvalue() and sys.stderr is not None:
        sys.stderr.write(held.getvalue())
