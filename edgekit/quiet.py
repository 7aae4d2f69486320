"""Keeps the chatter of native libraries away from people, unless something failed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


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
        except BaseException:
            os.dup2(kept, descriptor)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)
