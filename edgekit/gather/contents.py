"""Gives the content of what was listed, one after another, and says what is in a photo."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

from PIL import Image

from edgekit.data.archives import open_archive, read_member, unpack_member
from edgekit.data.lookalikes import WORKING_PX, perceptual_hash
from edgekit.errors import DataError, PhotoError, VideoError
from edgekit.gather.sources import Found
from edgekit.gather.stills import sharpest_stills, to_jpeg
from edgekit.gather.strip import exif_of, strip
from edgekit.records import read_bounded, sha256
from edgekit.runtime.kinds import picture_format
from edgekit.runtime.limits import MAX_FILE_BYTES, MIN_SIDE_PX
from edgekit.runtime.photo import read_photo

TEMPORARY_PREFIX = ".edgekit-video-"

_MAKE, _MODEL = 0x010F, 0x0110
# Phones write EXIF in front of the picture; with a large preview it takes some hundred kilobytes.
_HEAD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One photo on its way in, or the end of a video.

    Attributes:
        found: The file that the photo comes from.
        key: Key of its entry in the journal.
        name: Name for messages; of a frame, the video's with the time.
        content: Content of the file, or its path; None at the end of a video and where there is a fault.
        fault: Why the photo can't be read; empty where it can.
    """

    found: Found
    key: str
    name: str
    content: bytes | Path | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is in a photo.

    Attributes:
        content: Content of the photo's file, without metadata.
        suffix: Ending for the format of ``content``.
        digest: SHA-256 of ``content``.
        phash: 64 bits, alike for photos that look alike.
        camera: Make and model as EXIF says; empty where it doesn't.
    """

    content: bytes
    suffix: str
    digest: str
    phash: int
    camera: str


def examine(content: bytes | Path) -> Examined:
    """Read a photo, take its metadata out, and decode what is left.

    Raises:
        PhotoError: it can't be used.
    """
    original = _read(content) if isinstance(content, Path) else content
    try:
        bare, suffix = strip(original)
        # The whole coded picture is read, though at a reduced scale: damage shows.
        photo = read_photo(bare, WORKING_PX)
    except PhotoError as failure:
        # Content is named by its size, which says less than the name of the file.
        raise type(failure)(re.sub(r"^\d+ bytes: ", "", str(failure))) from failure
    if min(photo.size_wh) < MIN_SIDE_PX:
        raise PhotoError(f"must be at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px, got {photo.size_wh[0]}x{photo.size_wh[1]}")
    assert isinstance(photo.picture, Image.Image)
    phash = perceptual_hash(photo.picture)
    return Examined(content=bare, suffix=suffix, digest=sha256(bare), phash=phash, camera=camera_of(original))


def _read(path: Path) -> bytes:
    # The listing passed over links; one that came since may lead anywhere.
    if path.is_symlink():
        raise PhotoError("is no file any more")
    try:
        return read_bounded(path, MAX_FILE_BYTES, "a photo", PhotoError)
    except PhotoError as failure:
        raise PhotoError(str(failure).removeprefix(f"{path}: ")) from failure


def camera_of(content: bytes) -> str:
    """Make and model of the camera, as EXIF has them; empty where it doesn't."""
    exif = exif_of(content)
    make, model = (" ".join(str(exif.get(tag, "")).replace("\0", " ").split()) for tag in (_MAKE, _MODEL))
    whole = model if model.casefold().startswith(make.casefold()) else f"{make} {model}".strip()
    return "".join(one for one in whole if one.isprintable())[:100].strip()


def camera_in(path: Path) -> str:
    """As ``camera_of``, reading no more of the file than its metadata.

    Raises:
        PhotoError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            # HEIC, AVIF and TIFF may keep EXIF anywhere.
            is_anywhere = picture_format(head) in ("HEIC", "AVIF", "TIFF")
            return camera_of(head + file.read(MAX_FILE_BYTES) if is_anywhere else head)
    except OSError as failure:
        raise PhotoError(f"{path}: can't be read: {failure.strerror}") from failure


class Reader:
    """Goes through a listing; one zip file is open at a time, and of a video one frame is held.

    Args:
        found: In the order to read.
        scratch: Folder for videos out of zip files, which their decoder reads from disk.
        every_ms: A video gives one frame per so many milliseconds.
        window_ms: The sharpest frame of so many milliseconds is taken.
    """

    def __init__(self, found: Sequence[Found], scratch: Path, *, every_ms: int, window_ms: int) -> None:
        self._found, self._scratch, self._every_ms, self._window_ms = found, scratch, every_ms, window_ms

    def items(self, key_of: Callable[[Found], str], is_done: Callable[[str], bool]) -> Iterator[Item]:
        """What is not done yet; a video that is not, gives those of its frames that are not, and then its end."""
        with ExitStack() as stack:
            archive: ZipFile | None = None
            opened: Path | None = None
            for one in self._found:
                key = key_of(one)
                if is_done(key):
                    continue
                if one.member is not None and opened != one.path:
                    stack.close()
                    opened, archive = one.path, None
                    try:
                        archive = stack.enter_context(open_archive(one.path))
                    except DataError as refused:
                        yield Item(found=one, key=key, name=one.name, content=None, fault=str(refused))
                        continue
                yield from self._items_of(one, key, archive, is_done)

    def _items_of(
        self, one: Found, key: str, archive: ZipFile | None, is_done: Callable[[str], bool]
    ) -> Iterator[Item]:
        bare = Item(found=one, key=key, name=one.name, content=None)
        try:
            if one.is_video:
                yield from self._frames(bare, archive, is_done)
            if one.member is None:
                yield bare if one.is_video else replace(bare, content=one.path)
                return
            if archive is None or one.member >= len(archive.infolist()):
                raise PhotoError("the archive changed while it was read")
            yield bare if one.is_video else replace(bare, content=read_member(archive, archive.infolist()[one.member]))
        except (PhotoError, VideoError) as failure:
            yield replace(bare, fault=str(failure))

    def _frames(self, bare: Item, archive: ZipFile | None, is_done: Callable[[str], bool]) -> Iterator[Item]:
        def skip(slot: int) -> bool:
            return is_done(f"{bare.key}:{slot}")

        with tempfile.TemporaryDirectory(dir=self._scratch, prefix=TEMPORARY_PREFIX) as folder:
            video = bare.found.path
            if archive is not None and bare.found.member is not None:
                video = Path(folder) / f"video{Path(bare.name).suffix.lower()}"
                unpack_member(archive, archive.infolist()[bare.found.member], video)
            try:
                for still in sharpest_stills(video, every_ms=self._every_ms, window_ms=self._window_ms, skip=skip):
                    name = f"{bare.name} at {still.time_s:.2f} s"
                    yield replace(bare, key=f"{bare.key}:{still.slot}", name=name, content=to_jpeg(still.picture))
            except VideoError as failure:
                # The decoder knows a video out of an archive by a name that nobody has seen.
                raise VideoError(str(failure).replace(str(video), bare.name)) from failure
