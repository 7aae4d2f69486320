"""What a photo on disk must be before any stage may use it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from posixpath import splitext
from stat import S_ISREG

from edgekit.data.manifest import MANIFEST_NAME, Sample
from edgekit.data.names import is_litter, shorten
from edgekit.data.threads import work_through
from edgekit.errors import DataError, MissingReader, PhotoError, RunError
from edgekit.progress import SILENT, Progress
from edgekit.records import read_bounded, sha256
from edgekit.runtime.kinds import HEAD_BYTES, picture_format
from edgekit.runtime.limits import MAX_FILE_BYTES, MIN_SIDE_PX
from edgekit.runtime.photo import read_photo

# Names that promise a photo: where the content is none, that is a fault, and is told.
PHOTO_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".mpo", ".png", ".apng", ".webp", ".bmp"),
    *(".dib", ".tif", ".tiff", ".gif", ".heic", ".heif", ".heics", ".heifs", ".hif", ".avif", ".avifs"),
)
# Raw files hold a preview that could be taken for the photo.
_RAW_SUFFIXES = (
    *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".raf", ".orf", ".rw2", ".pef", ".srw"),
    *(".x3f", ".3fr", ".fff", ".iiq", ".erf", ".kdc", ".dcr", ".mrw", ".raw", ".rwl", ".mef", ".mos", ".gpr"),
)
# Pictures that are no photos: cameras keep one beside each video.
_THUMBNAIL_SUFFIXES = (".thm",)
# What edgekit itself keeps beside photos.
OWN_FILES = {
    MANIFEST_NAME,
    *("import.json", "collect.json", "simulate.json", "augment.json", "recapture.json", "normalise.json"),
    *("crops.json", "crops.done.json", "crops.journal", "checked.json"),
}
_OWN_PREFIX = ".edgekit"
# Damage shows at a reduced scale as well: the whole coded picture is read.
_CHECKED_PX = 512
# No data folder needs more. Python's own ways through folders and paths call themselves once a level, and end at 1,000.
MAX_FOLDER_DEPTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BadPhoto:
    """A photo that can't be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What reading a photo gave: the SHA-256 of its file, and why it can't be used (empty if it can)."""

    sha256: str
    reason: str


def is_photo_name(name: str) -> bool:
    """Whether a file's name ends as a photo's does, in any case."""
    return has_photo_ending(name) is True


def may_be_photo(path: Path) -> bool:
    """Whether a file counts as a photo: its name ends as a photo's does, or its first bytes are a picture's.

    Of a file whose name says a photo the content is for ``check_photos`` to judge.
    """
    said = has_photo_ending(path.name)
    return format_of(path) != "" if said is None else said


def has_photo_ending(name: str) -> bool | None:
    """Whether a file's ending says that it is a photo, or that it is none; None where the content decides."""
    ending = splitext(name)[1].lower()
    if ending in PHOTO_SUFFIXES:
        return True
    return False if ending in (*_RAW_SUFFIXES, *_THUMBNAIL_SUFFIXES) else None


def format_of(path: Path) -> str:
    """The format of the picture in a file, as ``picture_format`` says; nothing for all else, what can't be read too."""
    try:
        # A pipe would be waited for without this flag, which Windows doesn't have.
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return ""
    try:
        return picture_format(os.read(opened, HEAD_BYTES)) if S_ISREG(os.fstat(opened).st_mode) else ""
    except OSError:
        return ""
    finally:
        os.close(opened)


def ending_of(name: str) -> str:
    """What a file that is passed over is counted as: its ending, with the remedy for raw files."""
    ending = splitext(name)[1].lower()
    if ending in _RAW_SUFFIXES:
        return f"{ending} (raw: export as JPEG)"
    if ending in _THUMBNAIL_SUFFIXES:
        return f"{ending} (a video's thumbnail)"
    return ending if len(ending) > 1 else "without an ending"


def passed_over(counts: Mapping[str, int]) -> str:
    """A line for people about files that are no photos; empty where there are none."""
    return f"passed over: {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}" if counts else ""


def walk_folders(root: Path, on_unreadable: Callable[[OSError], None]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Go through a folder and those below it, the upper ones first, as ``os.walk`` does.

    Args:
        root: The folder.
        on_unreadable: Told of each folder that can't be listed.

    Yields:
        A folder, the names of the folders in it (remove those that are not to be entered), and of its files.

    Raises:
        DataError: a folder lies more than MAX_FOLDER_DEPTH levels below.
    """
    for place, folders, names in os.walk(root, onerror=on_unreadable):
        folder = Path(place)
        depth = len(folder.relative_to(root).parts)
        if depth > MAX_FOLDER_DEPTH:
            first = "/".join(folder.relative_to(root).parts[:3])
            raise DataError(
                f"{root}: folders must lie at most {MAX_FOLDER_DEPTH} levels deep, got one {depth} levels down, below "
                f"{first}; move what you need nearer to the top, and the rest away"
            )
        yield folder, folders, names


def find_photos(root: Path, others: Counter[str] | None = None) -> list[str]:
    """List all photos below a folder, without hidden files and folders, and without those of systems.

    Args:
        root: The folder.
        others: Takes the numbers of other files by what they are, as ``passed_over`` words them.

    Returns:
        Sorted paths relative to the folder, with ``/`` between folders.

    Raises:
        DataError: a folder is unreadable, a link, or too deep.
    """
    found = []
    for folder, folders, names in walk_folders(root, refuse_unreadable):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in folders:
            # Following it could leave the data folder, or find the same photos twice.
            if (folder / name).is_symlink():
                raise DataError(f"{folder / name}: a folder of photos must not be a link; copy the folder itself")
        relative = folder.relative_to(root)
        for name in names:
            if is_litter(name):
                kind = "" if name.startswith(_OWN_PREFIX) else "hidden"
            elif may_be_photo(folder / name):
                found.append((relative / name).as_posix())
                continue
            else:
                kind = "" if name in OWN_FILES else ending_of(name)
            if others is not None and kind:
                others[kind] += 1
    return sorted(found)


def check_folder(root: Path) -> None:
    """Hold that photos can be looked for in a folder.

    Raises:
        DataError: there is no folder.
    """
    # Unlike Path's own, these also answer for names that are too long and folders that may not be entered.
    if not os.path.isdir(root):
        is_there = os.path.exists(root)
        what = "a file" if is_there else "nothing"
        # Of a phone's export, too, most commands take the photos alone.
        is_zip = is_there and str(root).lower().endswith(".zip")
        remedy = "import it first: edgekit data import" if is_zip else "check the path"
        raise DataError(f"{root}: the data must be a folder of photos, got {what}; {remedy}")


def top_folders(root: Path) -> set[str]:
    """Name the folders that lie directly in a folder, but for hidden ones and those of systems.

    Raises:
        DataError: the folder is unreadable.
    """
    for _, folders, _ in walk_folders(root, refuse_unreadable):
        return {name for name in folders if not is_litter(name)}
    return set()


def refuse_unreadable(failure: OSError) -> None:
    """Take a folder that can't be listed as a mistake of its owner's."""
    raise DataError(f"{failure.filename}: a folder must be readable: {failure.strerror}; change its permissions")


def check_files(root: Path, paths: Sequence[str]) -> None:
    """Hold that every path is a file inside the folder.

    Raises:
        DataError: names the first ten paths that break the rule.
    """
    home = root.resolve()
    _refuse(
        f"{root}: photos must lie at most {MAX_FOLDER_DEPTH} folders deep",
        [f"{path[:60]}…" for path in paths if len(PurePosixPath(path).parts) - 1 > MAX_FOLDER_DEPTH],
        "move them nearer to the top",
    )
    _refuse(
        f"{root}: every listed photo must be a file",
        # Unlike Path.is_file, this also answers for names that are too long and folders that may not be entered.
        [path for path in paths if not os.path.isfile(root / path)],
        "restore the files or remove their rows",
    )
    _refuse(
        f"{root}: photos must lie inside the data folder, not behind a link that leaves it",
        [path for path in paths if not (root / path).resolve().is_relative_to(home)],
        "copy the files themselves",
    )


def _refuse(rule: str, offenders: list[str], remedy: str) -> None:
    if offenders:
        raise DataError(f"{rule}, got {len(offenders)} that fail this: {shorten(offenders)}; {remedy}")


def check_photos(root: Path, paths: Sequence[str], progress: Progress = SILENT) -> list[Checked]:
    """Read, hash and decode photos, each file once.

    Args:
        root: The data folder.
        paths: Photos relative to it.
        progress: Told of each photo.

    Returns:
        What was found, in the order of ``paths``.

    Raises:
        MissingReader: the first photo whose format nothing here reads; all others of it could not be used either.
    """
    return work_through(partial(_check_photo, root), paths, "checking photos", progress)


def _check_photo(root: Path, path: str) -> Checked:
    file = root / path
    try:
        content = read_bounded(file, MAX_FILE_BYTES, "a photo", PhotoError, absent="can't be read: no such file")
    except PhotoError as failure:
        return Checked(sha256="", reason=str(failure).removeprefix(f"{file}: "))
    return Checked(sha256=sha256(content), reason=_fault(content, str(file)))


def _fault(content: bytes, name: str) -> str:
    """Say why a photo can't be used, or nothing."""
    try:
        width, height = read_photo(content, _CHECKED_PX).size_wh
    except MissingReader as absent:
        raise MissingReader(f"{name}: {reason_of(absent, content)}") from absent
    except PhotoError as failure:
        return reason_of(failure, content)
    if min(width, height) < MIN_SIDE_PX:
        return f"must be at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px, got {width}x{height}"
    return ""


def reason_of(failure: PhotoError, content: bytes) -> str:
    """Why a photo can't be used, where its path is said beside: the decoder names what it gets by its bytes."""
    return str(failure).removeprefix(f"{len(content)} bytes: ")


def refuse_bad(
    root: Path, bad: Sequence[BadPhoto], checked: int, *, skip_bad: bool | None, what: str = "photo"
) -> None:
    """Hold that photos can be used, or that those which can't are to be left out.

    Args:
        root: The data folder.
        bad: Those that can't be used.
        checked: How many were looked at.
        skip_bad: Whether they are to be left out; None where none may be.
        what: What a photo is called.

    Raises:
        DataError: some can't, and are not to be.
    """
    if bad and not skip_bad:
        remedy = f"repair them, or remove them, from {MANIFEST_NAME} too where it lists them"
        if skip_bad is not None:
            remedy = "repair or remove them, or leave them out with --skip-bad"
        lines = shorten((f"{one.path}: {one.reason}" for one in bad), separator="\n  ")
        raise DataError(
            f"{root}: every {what} must be usable, got {len(bad)} of {checked} that are not:\n  {lines}\n{remedy}"
        )


def refuse_lost_classes(root: Path, labels: Iterable[str], usable: Iterable[str]) -> None:
    """Hold that every class has a photo that can be used.

    Args:
        root: The data folder.
        labels: The classes of all photos.
        usable: The classes of those that can be used.

    Raises:
        DataError: names those without any.
    """
    lost = sorted(set(labels) - set(usable))
    if lost:
        raise DataError(f"{root}: every class needs a usable photo, got only bad ones in {shorten(lost)}; repair them")


def find_copies(samples: Sequence[Sample], digests: Sequence[str]) -> list[tuple[str, ...]]:
    """Find photos whose files are the same to the byte: a copy on each side of a split flatters.

    Returns:
        The paths of each set of copies.
    """
    paths_of = defaultdict[str, list[str]](list)
    for sample, digest in zip(samples, digests, strict=True):
        paths_of[digest].append(sample.path)
    return [tuple(paths) for paths in paths_of.values() if len(paths) > 1]


def refuse_among_photos(path: Path, photos: Path, what: str) -> None:
    """Hold that what a stage writes doesn't come to lie among the photos, where a folder is a class.

    Args:
        path: The file or folder that is to be written.
        photos: The data folder.
        what: Name of what is written, for messages ("a run").

    Raises:
        RunError: it lies inside.
    """
    if path.resolve().is_relative_to(photos.resolve()):
        raise RunError(f"{what} must lie outside the photos' folder {photos}, got {path}; name another place")
