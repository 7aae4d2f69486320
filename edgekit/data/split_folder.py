"""``data split`` as a function: read, place, write the manifest, and look for what crosses the border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from edgekit.data.assign import AssignConfig, SplitRecord, absent_kinds, assign, describe_sides
from edgekit.data.checks import BadPhoto, check_files, check_folder, find_copies, reason_of, refuse_bad
from edgekit.data.dataset import Dataset
from edgekit.data.folder import DataFolder, read_folder
from edgekit.data.groups import with_groups
from edgekit.data.lookalikes import WORKING_PX, find_same, perceptual_hash
from edgekit.data.manifest import MANIFEST_NAME, Sample
from edgekit.data.names import same_names
from edgekit.data.options import AS_IT_LIES, DataReading, SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.data.threads import work_through
from edgekit.data.update import cautions, read_samples, update_manifest
from edgekit.errors import DataError, MissingReader, PhotoError
from edgekit.locks import writing_in
from edgekit.progress import SILENT, Progress
from edgekit.records import read_bounded, sha256
from edgekit.runtime.limits import MAX_FILE_BYTES
from edgekit.runtime.photo import read_photo

NEAR_BITS = 4
"""Perceptual hashes that differ in at most so many of 64 bits count as near duplicates."""
_OTHER_GROUPS = (
    "or import into a new folder with other groups, e.g. --group-by camera, or --group-pattern '^[^/]+/([a-z]+)' for "
    "what begins the photos' names"
)


def why_unsplit(root: Path) -> str:
    """What keeps a data folder from being split for training as it is; empty where nothing does. Reads no photo.

    Raises:
        DataError: its manifest breaks a rule.
    """
    samples = read_samples(root)
    labels = tuple(sorted({sample.label for sample in samples}))
    for same in same_names(labels):
        return (
            f"the classes {' and '.join(map(repr, same))} must differ in more than case, spaces and hyphens; rename one"
        )
    if len(labels) < 2:
        return f"a classifier needs at least two classes, got {', '.join(labels) or 'none'}; import another class"
    for caution in cautions(samples):
        return f"{caution}; {_OTHER_GROUPS}"
    try:
        split_dataset(Dataset(root=root, samples=samples, labels=labels, bad=(), sha256=""), SplitConfig())
    except DataError as failure:
        return f"{failure}; {_OTHER_GROUPS}"
    return ""


def split_data(
    root: Path,
    config: AssignConfig,
    *,
    reading: DataReading = AS_IT_LIES,
    ungrouped: bool = False,
    again: bool = False,
    progress: Progress = SILENT,
) -> SplitRecord:
    """Split a data folder by groups and write that into its manifest.

    Args:
        root: The data folder. Photos are read, never changed.
        config: How to split.
        reading: How the folder is to be read, where it can't say that itself.
        ungrouped: Photos without a group count as related to no other.
        again: Forget the sides that the manifest names.
        progress: Told of each photo.

    Returns:
        What was written, and copies that stand on several sides.

    Raises:
        DataError: the data can't be split so, or another process writes there; nothing is written.
        EdgekitError: the folder can't be written to.
    """
    check_folder(root)
    # Another process that writes rows at the same time would lose them, or these.
    with writing_in(root):
        folder = read_folder(root, reading, lone="ask")
        folder.check_classes(least=1)
        folder.tell(progress)
        samples = folder.samples
        if config.group_by is not None:
            listed = Dataset(root=root, samples=samples, labels=folder.labels, bad=(), sha256="")
            samples = with_groups(listed, config.group_by, progress).samples
        return _split(folder, samples, config, ungrouped=ungrouped, again=again, progress=progress)


def _split(
    folder: DataFolder,
    samples: tuple[Sample, ...],
    config: AssignConfig,
    *,
    ungrouped: bool,
    again: bool,
    progress: Progress,
) -> SplitRecord:
    root = folder.root
    if again:
        samples = tuple(replace(sample, **{config.column: ""}) for sample in samples)
    grouped = tuple(replace(s, group=s.group or f"{s.path} alone") for s in samples) if ungrouped else samples
    check_files(root, [sample.path for sample in samples])
    digests, phashes = _read(root, samples, progress)
    placed = assign(root, grouped, find_copies(samples, digests), config)
    # Where some photos have groups all must; where none has, a column of single photos would say nothing.
    named = any(sample.group for sample in samples)
    written = [new if named else replace(new, group="") for new in placed]
    if list(folder.samples) != written or not (root / MANIFEST_NAME).exists():
        update_manifest(root, written, unlisted=folder.unlabelled)
    # Only the column that was written counts: another one may part photos on purpose.
    other = "fold" if config.column == "split" else "split"
    same = find_same([replace(sample, **{other: ""}) for sample in placed], phashes, digests, NEAR_BITS)
    sides = describe_sides(placed, config.column)
    kept = sum(bool(getattr(sample, config.column)) for sample in samples)
    cautions = list(absent_kinds(sides)) if config.method != "each" else []
    if ungrouped and any(not sample.group for sample in samples):
        cautions.append("photos without a group were split one by one: numbers flatter if some are related")
    return SplitRecord(
        column=config.column,
        config=config,
        sides=sides,
        kept=kept,
        placed=len(placed) - kept,
        leaks=tuple(one for one in same if one.across == "split"),
        cautions=tuple(cautions),
    )


def _read(root: Path, samples: Sequence[Sample], progress: Progress) -> tuple[list[str], list[int]]:
    """SHA-256 and perceptual hash of each photo."""
    readings = work_through(partial(_read_one, root), samples, "looking for copies", progress)
    pairs = zip(samples, readings, strict=True)
    bad = [BadPhoto(path=sample.path, reason=fault) for sample, (_, _, fault) in pairs if fault]
    refuse_bad(root, bad, len(samples), skip_bad=None)
    return [digest for digest, _, _ in readings], [phash for _, phash, _ in readings]


def _read_one(root: Path, sample: Sample) -> tuple[str, int, str]:
    file, content = root / sample.path, b""
    try:
        content = read_bounded(file, MAX_FILE_BYTES, "a photo", PhotoError)
        picture = read_photo(content, WORKING_PX).picture
        assert isinstance(picture, Image.Image)
        return sha256(content), perceptual_hash(picture), ""
    except MissingReader as absent:
        raise MissingReader(f"{file}: {reason_of(absent, content)}") from absent
    except PhotoError as failure:
        return "", 0, reason_of(failure, content).removeprefix(f"{file}: ")
