"""HEIC, the format of iPhones, which Pillow reads only with a plugin."""

from __future__ import annotations

import contextlib

from edgekit.errors import MissingExtra

HEIC_SUFFIXES = (".heic", ".heif")


def enable_heic() -> None:
    """Teach Pillow to read HEIC, for the whole process; a second call changes nothing.

    Raises:
        MissingExtra: pillow-heif is not installed.
    """
    try:
        import pillow_heif
    except ModuleNotFoundError as absent:
        # A broken pillow-heif misses another module: that is no missing extra and keeps its traceback.
        if absent.name != "pillow_heif":
            raise
        raise MissingExtra("pillow-heif", "host") from absent
    pillow_heif.register_heif_opener()


def enable_heic_if_installed() -> None:
    """Teach Pillow to read HEIC where pillow-heif is installed; elsewhere a HEIC file can't be read."""
    with contextlib.suppress(MissingExtra):
        enable_heic()
