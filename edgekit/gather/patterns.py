"""Searches a user's regular expression in names. Python's own module has no time limit, and some patterns never end."""

from __future__ import annotations

import regex

from edgekit.errors import DataError

_TIMEOUT_S = 0.25
# Longer than any system's file names.
_MAX_TEXT = 1024


class Pattern:
    """A regular expression whose first bracket, or all that it matches where it has none, is the answer.

    Args:
        text: In the syntax of Python's ``re``.

    Raises:
        DataError: no regular expression.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self._compiled = regex.compile(text)
        except regex.error as failure:
            raise DataError(f"a pattern must be a regular expression, got {text!r}: {failure}") from failure
        # Repeats of millions are refused by the library with errors of their own.
        except (OverflowError, RecursionError, MemoryError) as failure:
            raise DataError(f"a pattern must be of reasonable size, got {text!r}: {failure}") from failure

    def find(self, name: str) -> str:
        """What the pattern finds in a name; empty where it finds nothing.

        Raises:
            DataError: it takes too long.
        """
        try:
            found = self._compiled.search(name[:_MAX_TEXT], timeout=_TIMEOUT_S)
        except TimeoutError as slow:
            raise DataError(
                f"a pattern must be quick, got {self._text!r}, which took over {_TIMEOUT_S} s on {name[:80]!r};"
                " repeats of what can be read in two ways, as in (a|aa)+, do that"
            ) from slow
        if found is None:
            return ""
        return str((found.group(1) if self._compiled.groups else found.group()) or "")
