"""What EXIF says of a photo's camera and time. Anybody's bytes: damaged blocks say nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from edgekit.errors import PhotoError
from edgekit.runtime.readers import DECODER_ERRORS, open_picture
from edgekit.terminal import printable

_MAKE, _MODEL, _TAKEN, _CHANGED = 0x010F, 0x0110, 0x9003, 0x0132
_EXIF_IFD, _SERIAL = 0x8769, 0xA431
_MAX_CHARS = 64
_ERRORS: tuple[type[BaseException], ...] = (PhotoError, *DECODER_ERRORS)


def maker_and_model(block: Any) -> str:
    """Maker and model by an EXIF block; empty if it does not say."""
    return _words(_tags(block), _MAKE, _MODEL)


def numbered_camera(path: Path) -> str:
    """Maker, model and serial number of the camera that a file's EXIF names; empty if it does not say."""
    return _words(_tags(_block(path)), _MAKE, _MODEL, _SERIAL)


def taken_in(path: Path) -> datetime | None:
    """When a photo was taken by its file's EXIF, in the camera's own time; None if it does not say."""
    tags = _tags(_block(path))
    for tag in (_TAKEN, _CHANGED):
        try:
            return datetime.strptime(_words(tags, tag), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
    return None


def _block(path: Path) -> Any:
    try:
        with path.open("rb") as file, open_picture(file, str(path)) as opened:
            return opened.info.get("exif")
    except _ERRORS:
        return None


def _tags(block: Any) -> dict[int, Any]:
    exif = Image.Exif()
    try:
        exif.load(block if isinstance(block, bytes) else b"")
        return {**exif, **exif.get_ifd(_EXIF_IFD)}
    except DECODER_ERRORS:
        # A damaged block says nothing; that there is one counts as metadata.
        return {}


def _words(tags: dict[int, Any], *wanted: int) -> str:
    values = [tags.get(tag) for tag in wanted]
    words = [printable(value.strip("\0 "))[:_MAX_CHARS] for value in values if isinstance(value, str)]
    return " ".join(word for word in words if word)
