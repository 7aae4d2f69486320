"""Arrays on disk that may be damaged: read whole or not at all."""

from __future__ import annotations

import tokenize
import zipfile
import zlib

# What numpy raises on files of arrays that are cut short or were never its own; the rest are what its parser of headers
# and the archive's reader let through.
UNREADABLE = (
    OSError,
    ValueError,
    OverflowError,
    EOFError,
    MemoryError,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
)
