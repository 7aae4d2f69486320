"""Imports of compiled packages, which may not fit what else is installed. Standard library only."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from typing import Any


def import_compiled(module: str) -> Any:
    """Import a module; what is printed to stderr meanwhile is shown only where that works.

    numpy prints a page, with a traceback, where a module was built for its last generation. The exception says enough.

    Raises:
        Exception: whatever a broken install raises.
    """
    held = io.StringIO()
    with contextlib.redirect_stderr(held):
        found = importlib.import_module(module)
    if held.getvalue() and sys.stderr is not None:
        sys.stderr.write(held.getvalue())
    return found
