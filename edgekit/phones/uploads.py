"""The folder into which a capture app uploads: a folder for each capture, with its photo, its record and its origin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from edgekit.data.manifest import Sample
from edgekit.errors import DataError
from edgekit.phones.captures import Capture
from edgekit.phones.export import MAX_JSON_CHARS, record_of
from edgekit.records import read_bounded

T = TypeVar("T")

ORIGIN_NAME = "origin.json"

_INSTALLATION = re.compile(r"[0-9a-f]{8}")
_HALF = re.compile(r"[0-9A-Za-z-]{1,64}\.part")
# No character of UTF-8 takes more.
_MAX_BYTES = 4 * MAX_JSON_CHARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a capture came from: ``origin.json``; docs/phone-files.md says what each key is."""

    schema: Literal[1]
    installation: str
    lens: Literal["back", "front", "external"] | None

    def __post_init__(self) -> None:
        """Check what types do not say."""
        if not _INSTALLATION.fullmatch(self.installation):
            raise DataError(f"installation must be 8 small hex digits, got {self.installation!r:.80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """What of a folder's files a capture app uploaded, by their names.

    Attributes:
        folders: The files of each capture by its folder; "" is the folder itself.
        half: Files of captures that were not copied to their end.
        others: All other files.
    """

    folders: dict[str, list[str]]
    half: tuple[str, ...]
    others: tuple[str, ...]


def find_uploads(names: Sequence[str], own_name: str) -> Uploads:
    """Which files below a folder are those of captures: beside an origin lies a record that is named as their folder.

    Args:
        names: Paths of its files, with ``/``, without those that systems leave.
        own_name: The folder's own name, which a single capture's folder has as its id.
    """
    there = set(names)
    folders = dict[str, list[str]]()
    for name in names:
        above, _, last = name.rpartition("/")
        own = above.rpartition("/")[2] if above else own_name
        if last == ORIGIN_NAME and _below(above, f"{own}.json") in there:
            folders[above] = []
    if not folders:
        return Uploads(folders={}, half=(), others=tuple(names))
    homes = {folder.rpartition("/")[0] for folder in folders if folder}
    half, others = list[str](), list[str]()
    for name in names:
        parts = name.split("/")
        way = ["/".join(parts[:depth]) for depth in range(len(parts))]
        mine = next((one for one in way if one in folders), None)
        if mine is not None:
            folders[mine].append(name)
        elif any(home in homes and _HALF.fullmatch(parts[depth]) for depth, home in enumerate(way[:-1])):
            half.append(name)
        else:
            others.append(name)
    return Uploads(folders=folders, half=tuple(half), others=tuple(others))


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def read_upload(root: Path, folder: str, names: Sequence[str]) -> Sample | None:
    """What a manifest would say of an uploaded capture; None where nobody said what it is.

    Args:
        root: The folder that was looked through.
        folder: Path of the capture's folder in it; "" is the root itself.
        names: Paths of its files, as ``find_uploads`` has them.

    Returns:
        The row, whose path is that of the photo below ``root``.

    Raises:
        DataError: files are missing, are links or are others than a capture has, or one breaks a rule of
            docs/phone-files.md.
    """
    own = folder.rpartition("/")[2] if folder else root.resolve().name
    links = [name for name in names if (root / name).is_symlink()]
    if links:
        raise _wrong(f"a capture's files must be no links, got {links[0]}")
    origin = _record(root, Origin, _below(folder, ORIGIN_NAME))
    capture = _record(root, Capture, _below(folder, f"{own}.json"))
    if capture.id != own:
        raise _wrong(f"a capture must lie in a folder that is named as its id, got {own!r:.80} for {capture.id!r:.80}")
    wanted = {_below(folder, one) for one in (ORIGIN_NAME, f"{own}.json", capture.photo)}
    if wanted != set(names):
        got = sorted(name.removeprefix(f"{folder}/") for name in names)
        rule = f"a capture's folder must have {capture.photo}, {own}.json and {ORIGIN_NAME} alone"
        raise _wrong(f"{rule}, got {got!r:.200}")
    if capture.truth is None:
        return None
    return Sample(
        path=_below(folder, capture.photo),
        label=capture.truth,
        group=f"{origin.installation}-{capture.taken[:10].replace('-', '')}",
        camera=f"{capture.device} {origin.lens}" if origin.lens else "",
    )


def _record(root: Path, cls: type[T], name: str) -> T:
    content = read_bounded(root / name, _MAX_BYTES, "a capture's record", DataError)
    try:
        return record_of(cls, content.decode(), name)
    except UnicodeDecodeError as failure:
        raise _wrong(f"{name} must be UTF-8, got byte {failure.object[failure.start]:#04x}") from failure
    except DataError as mistake:
        raise _wrong(str(mistake)) from mistake


def _wrong(mistake: str) -> DataError:
    return DataError(f"{mistake}; copy it from the phone again")
