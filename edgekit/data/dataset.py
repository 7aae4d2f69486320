"""Stage 1: a folder of photos, checked, as a frozen dataset that knows what it holds."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgekit.data.checks import (
    BadPhoto,
    check_files,
    check_folder,
    check_photos,
    find_copies,
    find_photos,
    passed_over,
    shorten,
    top_folders,
)
from edgekit.data.manifest import COLUMNS, MANIFEST_NAME, NEWER, Sample, folder_samples, read_manifest
from edgekit.errors import DataError
from edgekit.progress import SILENT, Progress
from edgekit.records import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Photos that were all decoded once.

    Args:
        root: The data folder.
        samples: The usable photos, sorted by path.
        labels: The classes, sorted.
        bad: The photos that were left out, sorted by path.
        sha256: Identifies the data: what is known of each usable photo, and the SHA-256 of its file.
    """

    root: Path
    samples: tuple[Sample, ...]
    labels: tuple[str, ...]
    bad: tuple[BadPhoto, ...]
    sha256: str

    def __post_init__(self) -> None:
        """Check that groups and splits are known of all photos or of none."""
        _check_columns(self.root, self.samples)

    @property
    def has_groups(self) -> bool:
        """Whether the photos have groups: all have, or none."""
        return any(sample.group for sample in self.samples)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, sorted; none if the data has no groups."""
        return tuple(sorted({sample.group for sample in self.samples} - {""}))

    def path_of(self, sample: Sample) -> Path:
        """Where a sample's photo lies."""
        return self.root / sample.path


def load_dataset(root: Path, *, skip_bad: bool = False, progress: Progress = SILENT) -> Dataset:
    """Load and check a folder of photos.

    The folder has one sub-folder per class, or ``train``, ``val`` and ``test`` folders that have; or a ``manifest.csv``
    lies in it, and then only the photos it lists count. Hidden files are ignored.

    Args:
        root: The data folder.
        skip_bad: Leave out photos that can't be used instead of raising.
        progress: Told of each photo.

    Returns:
        The dataset; every photo in it was decoded.

    Raises:
        DataError: names the file or row that breaks a rule.
        MissingReader: there are photos whose format nothing here reads, such as HEIC without pillow-heif.
    """
    check_folder(root)
    # A link that leads nowhere is a manifest that can't be read, and not none at all.
    if os.path.lexists(root / MANIFEST_NAME):
        samples = read_manifest(root / MANIFEST_NAME)
        _check_labels_have_folders(root, samples)
    else:
        samples = _read_folders(root, progress)
    samples = tuple(sorted(samples, key=lambda sample: sample.path))
    labels = {sample.label for sample in samples}
    if len(labels) < 2:
        raise DataError(f"{root}: a classifier needs at least two classes, got only {min(labels)!r}; add another class")
    # Reading the photos takes long: what can be known before is said before.
    _check_columns(root, samples)
    check_files(root, [sample.path for sample in samples])
    return _check_content(root, samples, skip_bad, progress)


def _read_folders(root: Path, progress: Progress) -> tuple[Sample, ...]:
    """Read labels, and splits if there are any, from the folders that photos lie in."""
    others = Counter[str]()
    paths = find_photos(root, others)
    if others:
        progress.say(f"{root}: {passed_over(others)}")
    loose = [path for path in paths if "/" not in path]
    empty = sorted(top_folders(root) - {path.partition("/")[0] for path in paths})
    rule = f"{root}: the data must have one sub-folder of photos per class, or a {MANIFEST_NAME}"
    if not paths:
        raise DataError(f"{rule}, got no photo at all; put them there")
    if loose:
        raise DataError(f"{rule}, got {len(loose)} photos outside any class: {shorten(loose, limit=3)}; move them")
    if empty:
        raise DataError(f"{rule}, got folders without photos: {shorten(empty)}; fill or remove them")
    return folder_samples(paths)


def _check_labels_have_folders(root: Path, samples: Sequence[Sample]) -> None:
    """Hold that labels are folder names, where one of them is: a misspelt label would be one more class."""
    folders = {folder for sample in samples for folder in PurePosixPath(sample.path).parts[:-1]}
    folders |= top_folders(root)
    labels = {sample.label for sample in samples}
    # Folders named after authors or days are no classes; then any label goes.
    if {label.casefold() for label in labels}.isdisjoint(folder.casefold() for folder in folders):
        return
    for sample in samples:
        if sample.label not in folders:
            raise DataError(
                f"{root / MANIFEST_NAME}: where folders are named as classes, every label must be one, got"
                f" {sample.label!r} for {sample.path!r} beside the folders {shorten(sorted(folders))};"
                " correct the label or the folder"
            )


def _check_columns(root: Path, samples: Sequence[Sample]) -> None:
    remedies = {
        "group": "give a photo that is related to no other a group of its own",
        "split": "fill the column (edgekit data split does) or remove it",
        "fold": "fill the column (edgekit data split does) or remove it",
    }
    for column, remedy in remedies.items():
        lacking = [sample.path for sample in samples if not getattr(sample, column)]
        if 0 < len(lacking) < len(samples):
            raise DataError(
                f"{root}: every photo or none must have a {column}, got none for {len(lacking)} of {len(samples)}:"
                f" {shorten(lacking)}; {remedy}"
            )


def _check_content(root: Path, samples: Sequence[Sample], skip_bad: bool, progress: Progress) -> Dataset:
    """Read every photo and keep the usable ones."""
    checked = check_photos(root, [sample.path for sample in samples], progress)
    pairs = list(zip(samples, checked, strict=True))
    bad = tuple(BadPhoto(path=sample.path, reason=one.reason) for sample, one in pairs if one.reason)
    if bad and not skip_bad:
        lines = shorten((f"{one.path}: {one.reason}" for one in bad), separator="\n  ")
        raise DataError(
            f"{root}: every photo must be usable, got {len(bad)} of {len(samples)} that are not:\n  {lines}\n"
            "repair or remove them, or leave them out with --skip-bad"
        )
    usable = tuple(sample for sample, one in pairs if not one.reason)
    digests = [one.sha256 for _, one in pairs if not one.reason]
    labels = tuple(sorted({sample.label for sample in samples}))
    lost = sorted(set(labels) - {sample.label for sample in usable})
    if lost:
        raise DataError(f"{root}: every class needs a usable photo, got only bad ones in {shorten(lost)}; repair them")
    copies = find_copies(usable, digests)
    if copies:
        sets = shorten((" = ".join(paths) for paths in copies), limit=3, separator="; ")
        progress.say(f"sets of exact copies: {len(copies)}; they flatter if a split parts them: {sets}")
    return Dataset(root=root, samples=usable, labels=labels, bad=bad, sha256=_fingerprint(usable, digests))


def _fingerprint(samples: Sequence[Sample], digests: Sequence[str]) -> str:
    # Data that leaves a newer column empty keeps the fingerprint that it always had.
    columns = [name for name in COLUMNS if name not in NEWER or any(getattr(sample, name) for sample in samples)]
    rows = zip(samples, digests, strict=True)
    canonical = [[*(getattr(sample, column) for column in columns), digest] for sample, digest in rows]
    return sha256(json.dumps(canonical, ensure_ascii=True, separators=(",", ":")).encode())
