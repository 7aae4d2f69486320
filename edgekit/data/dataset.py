"""Stage 1: a folder of photos, checked, as a frozen dataset that knows what it holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from edgekit.contract import BETWEEN_LABELS
from edgekit.data.checks import (
    BadPhoto,
    check_files,
    check_photos,
    find_copies,
    refuse_bad,
    refuse_lost_classes,
    top_folders,
)
from edgekit.data.folder import read_folder
from edgekit.data.manifest import COLUMNS, NEWER, Sample
from edgekit.data.names import same_names, shorten
from edgekit.data.options import AS_IT_LIES, DataReading, DerivedBy
from edgekit.data.regions import FoundRegions
from edgekit.data.several import labels_of, merge_copies, refuse_everywhere, with_several
from edgekit.errors import DataError
from edgekit.progress import SILENT, Progress
from edgekit.records import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Photos that were all decoded once.

    Args:
        root: The data folder.
        samples: The usable photos, sorted by path.
        labels: The classes, sorted; where a photo may have several, the single ones.
        bad: The photos that were left out, sorted by path.
        sha256: Identifies the data: what is known of each usable photo, and the SHA-256 of its file.
        reading: How its owner said the folder is to be read.
        derived_by: The rule that the groups were derived by; None for those of the data itself.
        regions: The region of each usable photo that is worked on in its place; None for whole photos.
    """

    root: Path
    samples: tuple[Sample, ...]
    labels: tuple[str, ...]
    bad: tuple[BadPhoto, ...]
    sha256: str
    reading: DataReading = AS_IT_LIES
    derived_by: DerivedBy | None = None
    regions: FoundRegions | None = None

    def __post_init__(self) -> None:
        """Check that groups and splits are known of all photos or of none."""
        _check_columns(self.root, self.samples)

    @property
    def has_groups(self) -> bool:
        """Whether the photos have groups: all have, or none."""
        return any(sample.group for sample in self.samples)

    @property
    def multi_label(self) -> bool:
        """Whether a photo may have several labels, or none."""
        return self.reading.multi_label

    def labels_of(self, sample: Sample) -> tuple[str, ...]:
        """The labels of a photo."""
        return labels_of(sample.label) if self.multi_label else (sample.label,)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, sorted; none if the data has no groups."""
        return tuple(sorted({sample.group for sample in self.samples} - {""}))

    def path_of(self, sample: Sample) -> Path:
        """Where a sample's photo lies."""
        return self.root / sample.path


def load_dataset(
    root: Path,
    *,
    reading: DataReading = AS_IT_LIES,
    known: Collection[str] = (),
    check_labels: Callable[[tuple[str, ...]], object] | None = None,
    skip_bad: bool = False,
    progress: Progress = SILENT,
) -> Dataset:
    """Load and check a folder of photos.

    The folder has one sub-folder per class, or ``train``, ``val`` and ``test`` folders that have; or a ``manifest.csv``
    lies in it, and then only the photos it lists count. docs/data.md has all that is understood.

    Args:
        root: The data folder.
        reading: How it is to be read, where it can't say that itself.
        known: Classes of a model or a run, where there is one: of two readings of a folder, the one that has them is
            right, photos of one class are enough, and names that differ in case and spaces alone are the model's.
        check_labels: Given the classes before photos are read, to refuse them in time.
        skip_bad: Leave out photos that can't be used instead of raising.
        progress: Told what the folder was taken for, and of each photo.

    Returns:
        The dataset; every photo in it was decoded.

    Raises:
        DataError: names the file or row that breaks a rule, or the two ways in which the folder can be understood.
        MissingReader: there are photos whose format nothing here reads, such as HEIC without pillow-heif.
    """
    folder = read_folder(root, reading, known=known)
    samples = folder.samples
    if reading.multi_label:
        folder = with_several(folder, known)
        samples = folder.samples
    elif folder.understood.kind == "manifest":
        _check_labels_have_folders(root / folder.understood.table, root, samples)
    folder.check_classes(least=1 if known else 2, known=known)
    folder.tell(progress)
    barred = sorted({sample.label for sample in samples if BETWEEN_LABELS in sample.label})
    if barred and not reading.multi_label:
        progress.say(f"{barred[0]!r} is one label here; `edgekit finetune --multi-label` reads it as several")
    samples = _as_known(samples, known, progress) if not reading.multi_label else samples
    if check_labels is not None:
        check_labels(_single_labels(samples, reading))
    # Reading the photos takes long: what can be known before is said before.
    _check_columns(root, samples)
    check_files(root, [sample.path for sample in samples])
    is_by_folders = folder.understood.kind not in ("manifest", "table")
    dataset = _check_content(
        root, samples, reading, skip_bad or reading.skip_bad, progress, merges=reading.multi_label and is_by_folders
    )
    if reading.multi_label and not known:
        refuse_everywhere(root, dataset.labels, dataset.samples)
    return dataset


def _single_labels(samples: Sequence[Sample], reading: DataReading) -> tuple[str, ...]:
    """The classes, sorted."""
    if not reading.multi_label:
        return tuple(sorted({sample.label for sample in samples}))
    return tuple(sorted({label for sample in samples for label in labels_of(sample.label)}))


def _as_known(samples: tuple[Sample, ...], known: Collection[str], progress: Progress) -> tuple[Sample, ...]:
    """Samples with labels as a model spells them, where they differ in case, spaces and hyphens alone."""
    spelt = dict[str, str]()
    for label in sorted({sample.label for sample in samples} - set(known)):
        same = [one for one in known if same_names([label, one])]
        if len(same) == 1:
            spelt[label] = same[0]
            progress.say(f"{label!r} is the class {same[0]!r} of the model")
    return tuple(replace(one, label=spelt[one.label]) if one.label in spelt else one for one in samples)


def _check_labels_have_folders(manifest: Path, root: Path, samples: Sequence[Sample]) -> None:
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
                f"{manifest}: where folders are named as classes, every label must be one, got"
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


def _check_content(
    root: Path,
    samples: Sequence[Sample],
    reading: DataReading,
    skip_bad: bool,
    progress: Progress,
    *,
    merges: bool,
) -> Dataset:
    """Read every photo and keep the usable ones."""
    checked = check_photos(root, [sample.path for sample in samples], progress)
    pairs = list(zip(samples, checked, strict=True))
    bad = tuple(BadPhoto(path=sample.path, reason=one.reason) for sample, one in pairs if one.reason)
    refuse_bad(root, bad, len(samples), skip_bad=skip_bad)
    usable = tuple(sample for sample, one in pairs if not one.reason)
    digests = [one.sha256 for _, one in pairs if not one.reason]
    labels = _single_labels(samples, reading)
    refuse_lost_classes(root, labels, _single_labels(usable, reading))
    if merges:
        usable, digests = merge_copies(root, usable, digests, progress)
    copies = find_copies(usable, digests)
    if copies:
        sets = shorten((" = ".join(paths) for paths in copies), limit=3, separator="; ")
        progress.say(f"sets of exact copies: {len(copies)}; they flatter if a split parts them: {sets}")
    fingerprint = _fingerprint(usable, digests)
    return Dataset(root=root, samples=usable, labels=labels, bad=bad, sha256=fingerprint, reading=reading)


def _fingerprint(samples: Sequence[Sample], digests: Sequence[str]) -> str:
    # Data that leaves a newer column empty keeps the fingerprint that it always had.
    columns = [name for name in COLUMNS if name not in NEWER or any(getattr(sample, name) for sample in samples)]
    rows = zip(samples, digests, strict=True)
    canonical = [[*(getattr(sample, column) for column in columns), digest] for sample, digest in rows]
    return sha256(json.dumps(canonical, ensure_ascii=True, separators=(",", ":")).encode())
