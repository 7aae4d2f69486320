"""Keys of the terminal while frames come in: space and Enter shoot, q stops."""

from __future__ import annotations

import sys
from typing import Any

from edgekit.video.preview import QUIT, SHOOT

_MEANING = {" ": SHOOT, "\n": SHOOT, "\r": SHOOT, "q": QUIT}


class TerminalKeys:
    """Reads single keys without waiting; where stdin is no terminal, or the system another, there are none."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def __enter__(self) -> TerminalKeys:
        if sys.stdin is not None and sys.stdin.isatty():
            try:
                import termios
                import tty
            except ImportError:
                return self
            self._before = termios.tcgetattr(sys.stdin)
            # Not raw: Ctrl-C stays Ctrl-C.
            tty.setcbreak(sys.stdin)
        return self

    @property
    def is_on(self) -> bool:
        """Whether keys can be read from the terminal."""
        return self._before is not None

    def poll(self) -> str:
        """The next key's meaning, SHOOT or QUIT; empty where none was pressed."""
        if self._before is None:
            return ""
        import os
        import select

        # Past Python's own buffer, which select knows nothing of.
        if not select.select([sys.stdin], [], [], 0)[0]:
            return ""
        return _MEANING.get(os.read(sys.stdin.fileno(), 1).decode(errors="replace"), "")

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
            self._before = None
