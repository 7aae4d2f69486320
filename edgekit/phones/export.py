"""A zip file that a phone exported: which kind it is, and its members by name, strictly and within bounds.

Nothing of an export is believed for being there: names are those of the format or the whole is refused.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from edgekit.data.archives import open_archive, read_member, unpack_member
from edgekit.data.manifest import Sample, read_manifest
from edgekit.data.names import shorten
from edgekit.errors import DataError, EdgekitError, PhotoError
from edgekit.records import from_plain, make_folder, strict_json
from edgekit.runtime.limits import MAX_FILE_BYTES

T = TypeVar("T")

HEAD_NAME = "export.json"
ROWS_OF_PHOTOS = "manifest.csv"
SCHEMA = 1
KINDS = ("captures", "bench")
# What browsers and phones decode alike; an album may have more.
BENCH_ENDINGS = ("jpg", "png", "webp")
CAPTURE_ENDINGS = (*BENCH_ENDINGS, "heic")
MAX_TEXT_BYTES = 64 * 1024 * 1024
MAX_NAME = 200
# JSON takes some twenty times its bytes in memory: a verdict of 100 crops and 10,000 labels has some 10 million.
MAX_JSON_CHARS = 16 * 1024 * 1024
MAX_LINES = 1_000_000
_MAX_HEAD_BYTES = 1 << 20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)\.\d{3}Z", re.ASCII
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Export:
    """An export that is open.

    Args:
        path: The zip file.
        archive: The same, open, with a directory that was checked.
        kind: One of KINDS.
        folders: Names of the folders that hold its photos.
        texts: Names of its other members.
        endings: Of its photos' names, without the dot.

    Raises:
        DataError: members that no such export has, that stand there twice, or that are missing.
    """

    def __init__(
        self,
        path: Path,
        archive: zipfile.ZipFile,
        kind: str,
        *,
        folders: Sequence[str],
        texts: Sequence[str],
        endings: Sequence[str] = BENCH_ENDINGS,
    ) -> None:
        self.path = path
        self._archive = archive
        is_photo = re.compile(rf"({'|'.join(folders)})/[0-9A-Za-z._-]{{1,100}}\.({'|'.join(endings)})")
        self.numbers: dict[str, int] = {}
        seen = set[str]()
        for number, member in enumerate(archive.infolist()):
            name = member.filename
            if member.is_dir() and name.rstrip("/") in folders:
                continue
            if name not in texts and not is_photo.fullmatch(name):
                raise self.wrong(
                    f"members must be {', '.join(texts)} and photos (.{', .'.join(endings)}) in"
                    f" {', '.join(folders)}, got {name!r:.99}"
                )
            if member.compress_type not in _PACKED:
                raise self.wrong(f"members must be stored or deflated, got {name!r:.99} packed otherwise")
            # Where case does not count, two names would be one file.
            if name.casefold() in seen:
                raise self.wrong(f"a member must stand there once, got {name!r:.99} twice")
            seen.add(name.casefold())
            self.numbers[name] = number
        absent = [name for name in texts if name not in self.numbers]
        if absent:
            raise self.wrong(f"an export of the kind {kind!r} must have {', '.join(texts)}, got no {', '.join(absent)}")

    def wrong(self, mistake: str) -> DataError:
        """The error of an export that is not as it must be."""
        return DataError(f"{self.path}: {mistake}; export it again")

    def photos(self, folder: str) -> list[str]:
        """Names of the photos in a folder, sorted."""
        return sorted(name for name in self.numbers if name.startswith(f"{folder}/"))

    def content(self, name: str) -> bytes:
        """A member's content.

        Raises:
            DataError: it is damaged or too large.
        """
        try:
            return read_member(self._archive, self._member(name))
        except PhotoError as failure:
            raise self.wrong(f"{name} {failure}") from failure

    def _member(self, name: str) -> zipfile.ZipInfo:
        member = self._archive.infolist()[self.numbers[name]]
        most = MAX_FILE_BYTES if "/" in name else MAX_TEXT_BYTES
        if member.file_size > most:
            raise self.wrong(f"{name} must have at most {most} bytes, got {member.file_size}")
        return member

    def text(self, name: str) -> str:
        """A member's text; raises as ``content``."""
        try:
            return self.content(name).decode()
        except UnicodeDecodeError as failure:
            raise self.wrong(f"{name} must be UTF-8, got byte {failure.object[failure.start]:#04x}") from failure

    def lines(self, name: str) -> list[str]:
        """The lines of a member, without their ends; raises as ``content``."""
        text = self.text(name)
        if text and not text.endswith("\n"):
            raise self.wrong(f"the last line of {name} must have an end, got {text[-40:]!r}")
        if text.count("\n") > MAX_LINES:
            raise self.wrong(f"{name} must have at most {MAX_LINES} lines, got {text.count(chr(10))}")
        # str.splitlines also ends lines where JSON does not.
        return text.split("\n")[:-1]

    def record(self, cls: type[T], text: str, where: str) -> T:
        """A frozen dataclass of a text of JSON.

        Raises:
            DataError: no JSON, too long, unknown or missing keys, or values that break a rule.
        """
        try:
            return record_of(cls, text, where)
        except DataError as mistake:
            raise self.wrong(str(mistake)) from mistake

    def unpack(self, names: Sequence[str], folder: Path) -> None:
        """Write members below a folder, under their own names, which ``__init__`` has held to be harmless.

        Raises:
            DataError: one is damaged.
            EdgekitError: the disk is full.
        """
        for name in names:
            target = folder / name
            make_folder(target.parent)
            try:
                unpack_member(self._archive, self._member(name), target)
            except PhotoError as failure:
                raise self.wrong(f"{name} {failure}") from failure

    def rows_of(self, photos: Sequence[str], folder: Path) -> tuple[Sample, ...]:
        """Unpack the manifest into a folder and read it.

        Raises:
            DataError: it is none, or does not list exactly these photos.
        """
        self.unpack([ROWS_OF_PHOTOS], folder)
        try:
            samples = read_manifest(folder / ROWS_OF_PHOTOS)
        except DataError as mistake:
            raise self.wrong(str(mistake).replace(f"{folder}/", "")) from mistake
        self.refuse_others(f"{ROWS_OF_PHOTOS} must list its photos", photos, [one.path for one in samples])
        return samples

    def refuse_others(self, rule: str, wanted: Sequence[str], found: Sequence[str]) -> None:
        """Hold that two lists of photos are the same.

        Raises:
            DataError: names what is missing and what is too much.
        """
        missing, other = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
        if missing or other:
            said = [f"{word} {shorten(names, limit=3)}" for word, names in (("no", missing), ("also", other)) if names]
            raise self.wrong(f"{rule}, got {' and '.join(said)}")


def record_of(cls: type[T], text: str, where: str) -> T:
    """A frozen dataclass of a text of JSON that is named ``where``.

    Raises:
        DataError: no JSON, too long, unknown or missing keys, or values that break a rule.
    """
    if len(text) > MAX_JSON_CHARS:
        raise DataError(f"{where} must have at most {MAX_JSON_CHARS} characters, got {len(text)}")
    try:
        return from_plain(cls, parse_object(text), where=where, error=DataError)
    except DataError as mistake:
        # What a dataclass itself holds does not say where.
        said = str(mistake) if str(mistake).startswith(where) else f"{where}: {mistake}"
        raise DataError(said) from mistake


def parse_object(text: str) -> Any:
    """What stands in a text of JSON.

    Raises:
        DataError: it is none.
    """
    try:
        return strict_json(text)
    except ValueError as failure:
        raise DataError(f"must be JSON: {failure}") from failure


def export_kind(path: Path, archive: zipfile.ZipFile) -> str:
    """The kind of export that a zip file is; empty for any other zip file.

    Raises:
        DataError: it is of a newer schema, or of a kind that this edgekit doesn't know.
    """
    if HEAD_NAME not in archive.namelist() or archive.getinfo(HEAD_NAME).file_size > _MAX_HEAD_BYTES:
        return ""
    try:
        head = parse_object(read_member(archive, archive.getinfo(HEAD_NAME)).decode())
    except (PhotoError, DataError, UnicodeDecodeError):
        return ""
    if not isinstance(head, dict) or "schema" not in head or "kind" not in head:
        return ""
    if head["schema"] != SCHEMA or type(head["schema"]) is not int or head["kind"] not in KINDS:
        raise DataError(
            f"{path}: an export must have schema {SCHEMA} and a kind of {', '.join(KINDS)}, got"
            f" {head['schema']!r:.40} and {head['kind']!r:.40}; update edgekit, or the app"
        )
    return str(head["kind"])


@contextmanager
def open_export(
    path: Path,
    kind: str,
    *,
    folders: Sequence[str],
    texts: Sequence[str],
    endings: Sequence[str] = BENCH_ENDINGS,
) -> Iterator[Export]:
    """An export of a kind, whose members were checked by their names; arguments are those of ``Export``.

    Raises:
        DataError: no zip file, no export, one of another kind, or members that it must not have.
    """
    with open_archive(path) as archive:
        found = export_kind(path, archive)
        if found != kind:
            uses = {
                "captures": "edgekit data import or edgekit evaluate --data reads it",
                "bench": "edgekit bench --from reads it",
                "": "of photos alone edgekit data import makes a data folder",
            }
            came = f"one of the kind {found!r}" if found else f"a zip file without {HEAD_NAME}"
            if not found and HEAD_NAME in archive.namelist():
                came = f"a zip file whose {HEAD_NAME} is damaged or no phone's"
            raise DataError(f"{path}: must be a phone's export of the kind {kind!r}, got {came}; {uses[found]}")
        yield Export(path, archive, kind, folders=folders, texts=texts, endings=endings)


@contextmanager
def scratch_of(exports: Sequence[Path]) -> Iterator[list[Path]]:
    """An empty folder for what is unpacked of each export, for as long as the ``with`` lasts.

    Raises:
        EdgekitError: there is no room for them. What else is raised meanwhile names the exports, not the folders.
    """
    try:
        scratch = TemporaryDirectory(prefix="edgekit-")
    except OSError as failure:
        raise EdgekitError(
            f"can't unpack {exports[0]}: {failure.strerror}; free space, or name another folder in TMPDIR"
        ) from failure
    with scratch as root:
        # Progress names the folders: by its own name its owner knows an export.
        folders = {Path(root) / str(number) / path.name: path for number, path in enumerate(exports)}
        try:
            for folder in folders:
                make_folder(folder)
            yield list(folders)
        except EdgekitError as mistake:
            said = str(mistake)
            for folder, path in folders.items():
                said = said.replace(str(folder), str(path))
            # The same error: not every kind is made of a message alone.
            mistake.args = (said,)
            raise


def check_names(**names: str) -> None:
    """Hold that names of devices, apps and models are one printable line.

    Raises:
        DataError: they are not.
    """
    for what, name in names.items():
        if not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
            raise DataError(f"{what} must be printable and have 1 to {MAX_NAME} characters, got {name!r:.80}")


def check_sha256(**digests: str) -> None:
    """Hold that hashes are written as such.

    Raises:
        DataError: they are not.
    """
    for what, digest in digests.items():
        if not _SHA256.fullmatch(digest):
            raise DataError(f"{what} must be 64 small hex digits, got {digest!r:.80}")


def check_time(**times: str) -> None:
    """Hold that times are UTC with milliseconds.

    Raises:
        DataError: they are not.
    """
    for what, time in times.items():
        if not _TIME.fullmatch(time):
            raise DataError(f"{what} must be a time such as 2026-11-30T07:13:55.123Z, got {time!r:.80}")
