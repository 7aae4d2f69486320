"""What there is to import: photos, videos and zip files in folders, and those that are named one by one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import splitext
from zipfile import ZipFile

from edgekit.data.archives import open_archive, peek
from edgekit.data.checks import BadPhoto, ending_of, has_photo_ending, is_photo_name, may_be_photo, walk_folders
from edgekit.data.folder import has_manifest, nested_manifest, read_folder, read_nested
from edgekit.data.manifest import MANIFEST_NAME, Sample, read_manifest
from edgekit.data.names import is_litter
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.errors import DataError
from edgekit.phones.captures import is_captures, read_captures
from edgekit.phones.uploads import find_uploads, read_upload
from edgekit.runtime.kinds import picture_format

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mts", ".m2ts", ".wmv", ".mpg", ".ogv")
ARCHIVE_SUFFIX = ".zip"
# Members of an archive whose names say nothing, that are looked into: each costs some 50 µs.
_MOST_LOOKS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One photo or video that may be imported.

    Attributes:
        name: Path below its source, with ``/``; inside a zip file that lies in a folder, below the zip's name.
        source: The source's own name, without an ending.
        path: The file on disk: itself, or the zip file.
        member: Number in the zip file; None for a file.
        stamp: Text that changes when the file does.
        sample: The photo's row, where the source is a folder with a manifest, a phone's export or its upload folder.
    """

    name: str
    source: str
    path: Path
    member: int | None
    stamp: str
    sample: Sample | None = None

    @property
    def is_video(self) -> bool:
        """Whether it gives many photos."""
        return is_video_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What looking through the sources gave.

    Attributes:
        found: In the order of sources and names.
        bad: Files that can't be read at all.
        ignored: Endings of other files, and how many there are of each.
    """

    found: tuple[Found, ...]
    bad: tuple[BadPhoto, ...]
    ignored: dict[str, int]


class _Lister:
    def __init__(self, reading: DataReading) -> None:
        self._reading = reading
        self.found: list[Found] = []
        self.bad: list[BadPhoto] = []
        self.ignored: Counter[str] = Counter()

    def add_folder(self, root: Path) -> None:
        source = root.resolve().name
        names = list[str]()
        for folder, folders, files in walk_folders(root, self._note_unreadable):
            folders[:] = sorted(one for one in folders if not is_litter(one))
            relative = folder.relative_to(root)
            for one in folders:
                if (folder / one).is_symlink():
                    self.bad.append(BadPhoto(path=(relative / one).as_posix(), reason="is a link to a folder"))
            names += [(relative / one).as_posix() for one in sorted(files) if not is_litter(one)]
            self._count_litter([one for one in files if is_litter(one)])
        names = self._add_uploads(root, source, names)
        live = _live_photos(names)
        table, sample_of = self._listed(root, names)
        for name in names:
            if name == table:
                continue
            if table and name not in sample_of:
                self.ignored[f"not in {table}"] += 1
            elif name in live:
                self.ignored["videos of live photos"] += 1
            elif (root / name).is_symlink():
                self.bad.append(BadPhoto(path=name, reason="is a link; import what it leads to"))
            elif _suffix(name) == ARCHIVE_SUFFIX:
                try:
                    self.add_archive(root / name, source, str(PurePosixPath(name).with_suffix("")))
                except DataError as refused:
                    self.bad.append(BadPhoto(path=name, reason=str(refused)))
            else:
                self.add_file(root / name, name, source, sample_of.get(name))

    def _add_uploads(self, root: Path, source: str, names: list[str]) -> list[str]:
        """Add captures that an app uploaded, by the truth that its user said; returns the names of all other files.

        Raises:
            DataError: nothing else is there, and no capture has a truth.
        """
        if self._reading.columns or has_manifest(root, self._reading):
            return names
        uploads = find_uploads(names, source)
        if uploads.half:
            self.ignored["of captures that were not copied whole"] += len(uploads.half)
        told = without = 0
        for folder, files in uploads.folders.items():
            try:
                sample = read_upload(root, folder, files)
            except DataError as refused:
                self.bad.append(BadPhoto(path=folder or source, reason=str(refused)))
                continue
            if sample is None:
                without += 1
                continue
            told += 1
            self.add_file(root / sample.path, sample.path, source, sample)
        if without and not told and not uploads.others:
            raise DataError(
                f"{root}: none of its {without} captures has a truth; say in the app which are right, and copy the"
                " folder again"
            )
        if without:
            self.ignored["without a truth"] += without
        return list(uploads.others)

    def _listed(self, root: Path, names: Sequence[str]) -> tuple[str, dict[str, Sample]]:
        """The manifest or CSV that says what each photo is, and its rows by path; nothing where folders do."""
        if self._reading.columns:
            listed = read_folder(root, self._reading)
            return listed.understood.table, {one.path: one for one in listed.samples}
        if has_manifest(root, self._reading):
            return MANIFEST_NAME, {one.path: one for one in read_manifest(root / MANIFEST_NAME)}
        nested = nested_manifest(names, [name for name in names if may_be_photo(root / name)])
        return nested, {one.path: one for one in read_nested(root, nested)} if nested else {}

    def _count_litter(self, files: Sequence[str]) -> None:
        hidden = sum(is_photo_name(name) or is_video_name(name) for name in files)
        if hidden:
            self.ignored["hidden files or a system's own"] += hidden

    def _note_unreadable(self, failure: OSError) -> None:
        self.bad.append(BadPhoto(path=str(failure.filename), reason=f"can't be read: {failure.strerror}"))

    def add_file(self, path: Path, name: str, source: str, sample: Sample | None = None) -> None:
        try:
            stamp = _stamp(path) if self._is_of_use(name, sample is not None or may_be_photo(path)) else ""
        except OSError as failure:
            self.bad.append(BadPhoto(path=name, reason=f"can't be read: {failure.strerror}"))
            return
        if stamp:
            self.found.append(Found(name=name, source=source, path=path, member=None, stamp=stamp, sample=sample))

    def _is_of_use(self, name: str, is_photo: bool) -> bool:
        is_of_use = is_photo or is_video_name(name)
        if not is_of_use:
            self.ignored[ending_of(name)] += 1
        return is_of_use

    def add_archive(self, path: Path, source: str, inside: str) -> None:
        """Add members, named below ``inside``.

        Raises:
            DataError: the archive is refused.
        """
        if self._reading.columns:
            raise DataError(f"{path}: --columns is for folders, got a zip file; unpack it and import the folder")
        stamp = _stamp(path)
        with open_archive(path) as archive:
            members = archive.infolist()
            if is_captures(path, archive):
                self._add_captures(path, source, inside, stamp)
                return
            listed = [one.filename for one in members if PurePosixPath(one.filename).name == MANIFEST_NAME]
            if listed:
                raise DataError(
                    f"{path}: a {MANIFEST_NAME} is read in folders alone, got {listed[0]} in a zip file; unpack it and"
                    " import the folder"
                )
            pictures = _unnamed_pictures(archive)
        live = _live_photos([one.filename for one in members])
        for number, member in enumerate(members):
            parts = [part for part in member.filename.replace("\\", "/").split("/") if part not in ("", ".")]
            if member.is_dir() or not parts:
                continue
            if any(map(is_litter, parts)):
                self._count_litter(parts[-1:])
                continue
            name = "/".join([inside, *parts] if inside else parts)
            if member.filename in live:
                self.ignored["videos of live photos"] += 1
            elif self._is_of_use(name, is_photo_name(name) or number in pictures):
                of_member = f"{stamp}|{number}|{member.CRC}"
                self.found.append(Found(name=name, source=source, path=path, member=number, stamp=of_member))

    def _add_captures(self, path: Path, source: str, inside: str, stamp: str) -> None:
        """Add photos of a phone whose truth its user said; what the phone said of them goes nowhere."""
        export = read_captures(path)
        if export.unlabelled:
            self.ignored["without a truth"] += export.unlabelled
        for sample in export.samples:
            name = f"{inside}/{sample.path}" if inside else sample.path
            number = export.numbers[sample.path]
            self.found.append(
                Found(name=name, source=source, path=path, member=number, stamp=f"{stamp}|{number}", sample=sample)
            )


def list_sources(sources: Sequence[Path], out: Path, reading: DataReading = AS_IT_LIES) -> Listing:
    """Look through folders, zip files, videos and photos, without reading any photo.

    Of a folder with a manifest only what it lists counts. Hidden files are passed over, so are the short videos that
    phones keep beside live photos.

    Args:
        sources: Each a folder or a file.
        out: The data folder; no source may lie in it, nor it in a source.
        reading: How folders are to be read, where they can't say that themselves.

    Raises:
        DataError: a source doesn't exist, is of no use, is too deep, or overlaps the data folder. What is wrong with
            files *inside* a source is listed.
    """
    lister = _Lister(reading)
    home = out.resolve()
    for source in sources:
        place = source.resolve()
        if place == home or home in place.parents or place in home.parents:
            raise DataError(f"{source}: must not overlap the data folder {out}, which would import itself; move one")
        if not os.path.exists(source):
            raise DataError(f"{source}: no such folder, zip file, video or photo; check the path")
        if os.path.isdir(source):
            lister.add_folder(source)
        elif _suffix(source.name) == ARCHIVE_SUFFIX:
            lister.add_archive(source, source.stem, "")
        elif is_video_name(source.name) or may_be_photo(source):
            lister.add_file(source, source.name, source.stem if is_video_name(source.name) else place.parent.name)
        else:
            came = ending_of(source.name)
            raise DataError(f"{source}: must be a folder, a zip file, a video or a photo, got one {came}; convert it")
    return Listing(found=tuple(lister.found), bad=tuple(lister.bad), ignored=dict(sorted(lister.ignored.items())))


def is_video_name(name: str) -> bool:
    """Whether a file's name ends as a video's does, in any case."""
    return _suffix(name) in VIDEO_SUFFIXES


def _unnamed_pictures(archive: ZipFile) -> set[int]:
    """Numbers of members that are pictures, though their names don't say so."""
    found, looked = set(), 0
    for number, member in enumerate(archive.infolist()):
        name = member.filename
        if member.is_dir() or has_photo_ending(name) is not None or is_video_name(name) or looked == _MOST_LOOKS:
            continue
        looked += 1
        if picture_format(peek(archive, member)):
            found.add(number)
    return found


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


def _suffix(name: str) -> str:
    # pathlib takes ten times as long, which tells in an archive of many members.
    ending = splitext(name)[1].lower()
    return "" if ending == "." else ending


def _live_photos(names: Sequence[str]) -> set[str]:
    """Videos that stand beside a photo of the same name: the second and a half that phones keep with it."""
    photos = {splitext(name)[0] for name in names if is_photo_name(name)}
    return {name for name in names if _suffix(name) == ".mov" and splitext(name)[0] in photos}
