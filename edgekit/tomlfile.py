"""TOML files that users write, bounded, as plain values. Standard library alone, and tomli before Python 3.11."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.records import read_bounded

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_TOML_BYTES = 1_000_000
# Python's reader of TOML takes the square of a key's length.
_MAX_LINE = 5000


def read_toml(path: Path, what: str, error: type[EdgekitError], *, absent: str = "no such file") -> dict[str, Any]:
    """The content of a TOML file that may be anybody's.

    Args:
        path: The file.
        what: Names it in messages ("a plan").
        error: The error to raise.
        absent: What to say where there is no file.

    Raises:
        error: the file is absent, too large, or no TOML.
    """
    try:
        text = read_bounded(path, MAX_TOML_BYTES, what, error, absent=absent).decode("utf-8")
        longest = max(map(len, text.splitlines()), default=0)
        if longest > _MAX_LINE:
            raise error(f"{path}: {what}'s lines must have at most {_MAX_LINE} characters, got {longest}; wrap it")
        raw: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as failure:
        raise error(f"{path}: {what} must be TOML in UTF-8: {failure}; correct it") from failure
    return raw
