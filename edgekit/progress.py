"""How long work tells that it goes on. Standard library only; the CLI draws it, tests and libraries stay silent."""

from __future__ import annotations


class Progress:
    """What a stage calls while it works, and nobody watches. One task at a time; the next ``begin`` ends the last."""

    def begin(self, what: str, total: int) -> None:
        """Start a task of ``total`` steps, named in a few words ("fine-tuning")."""

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        """Report finished steps; ``note`` is shown beside the bar ("val 0.91")."""

    def say(self, line: str) -> None:
        """A line that stays above the bar: a warning or an intermediate result."""


SILENT = Progress()
