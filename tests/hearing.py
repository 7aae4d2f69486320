"""A progress that keeps what is said."""

from __future__ import annotations

from edgekit.progress import Progress


class Heard(Progress):
    """Keeps the lines that are said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        """Keep it."""
        self.lines.append(line)
