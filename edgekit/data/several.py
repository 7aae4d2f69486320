"""Photos with several labels at once: how they are written, and how a folder or a manifest is read that has them.

In a row the labels stand with ``|`` between; ``none`` is a photo that has none of them. A folder is a label, and the
same file in two of them has both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from edgekit.contract import BETWEEN_LABELS, NOTHING
from edgekit.data.folder import DataFolder
from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.errors import DataError
from edgekit.metrics.wording import count
from edgekit.progress import Progress

# For names of folders, where a file system has no bar.
JOINT = "+"


class Membership(NamedTuple):
    """That a photo has a label, or that it has not: what each part of a split must hold some of."""

    path: str
    group: str
    label: str


def labels_of(label: str) -> tuple[str, ...]:
    """The labels of a photo as its row says them, once :func:`with_several` has read it; none of ``none``."""
    return () if label == NOTHING else tuple(label.split(BETWEEN_LABELS))


def parted_labels(text: str) -> tuple[str, ...]:
    """The labels that a cell names, sorted.

    Args:
        text: Labels with ``|`` between, or ``none``.

    Raises:
        DataError: one is empty, or stands there twice, or ``none`` stands beside others.
    """
    labels = [one.strip() for one in text.split(BETWEEN_LABELS)]
    if not all(labels):
        raise DataError(
            f"labels must stand with one {BETWEEN_LABELS} between two of them, got {text!r}; remove the empty one, or "
            f"write {NOTHING} for a photo that has no label"
        )
    if len(set(labels)) < len(labels):
        twice = next(one for one, number in Counter(labels).items() if number > 1)
        raise DataError(f"a photo has a label once, got {twice!r} twice in {text!r}; remove one of them")
    if NOTHING in labels and len(labels) > 1:
        raise DataError(
            f"{NOTHING!r} says that a photo has no label, got {text!r}; remove {NOTHING!r} or the other labels"
        )
    return tuple(sorted(set(labels) - {NOTHING}))


def joined_labels(labels: Iterable[str]) -> str:
    """Labels as a row has them."""
    return BETWEEN_LABELS.join(sorted(labels)) or NOTHING


def with_several(folder: DataFolder, known: Collection[str] = ()) -> DataFolder:
    """A data folder whose labels are read as several a photo.

    A class folder's name may have ``+`` for ``|`` where each of the names in it is that of another class alone.

    Args:
        folder: As it was understood with one label a photo.
        known: Labels of a model, which need no folder of their own beside.

    Returns:
        The same photos, each with its labels sorted; the classes are single labels.

    Raises:
        DataError: names the photo whose labels break a rule, or there are fewer than two labels.
    """
    is_by_folders = folder.understood.kind not in ("manifest", "table")
    read = [_read(folder.root, sample) for sample in folder.samples]
    single = {labels[0] for labels in read if len(labels) == 1} | set(known)
    if is_by_folders:
        read = [_unjoined(labels, single) for labels in read]
    samples = tuple(
        replace(sample, label=joined_labels(labels)) for sample, labels in zip(folder.samples, read, strict=True)
    )
    tally = Counter(label for labels in read for label in labels)
    several, none = sum(len(labels) > 1 for labels in read), sum(not labels for labels in read)
    if read and len(tally) < 2 and not known and not folder.understood.remedy:
        raise DataError(_too_few(folder.root, list(tally), none))
    understood = replace(
        folder.understood,
        classes=dict(sorted(tally.items())),
        photos=len(samples),
        notes=(*folder.understood.notes, f"{count(several, 'photo')} of several labels, {none} of none"),
    )
    return replace(folder, samples=samples, understood=understood)


def _too_few(root: Path, labels: Sequence[str], none: int) -> str:
    beside = f" beside {count(none, 'photo')} of {NOTHING!r}" if none else ""
    alone = f"; {labels[0]!r} and {NOTHING!r} are two classes without --multi-label" if labels and none else ""
    return (
        f"{root}: several labels a photo are two or more in all, got {f'only {labels[0]!r}' if labels else 'none'}"
        f"{beside}; add photos of another label{alone}"
    )


def _read(root: Path, sample: Sample) -> tuple[str, ...]:
    try:
        return parted_labels(sample.label)
    except DataError as mistake:
        raise DataError(f"{root}: {sample.path}: {mistake}") from mistake


def _unjoined(labels: tuple[str, ...], known: set[str]) -> tuple[str, ...]:
    parts = [one.strip() for one in labels[0].split(JOINT)] if len(labels) == 1 else []
    is_joint = len(parts) > 1 and len(set(parts)) == len(parts) and set(parts) <= known - {labels[0]}
    return tuple(sorted(parts)) if is_joint else labels


def merge_copies(
    root: Path, samples: Sequence[Sample], digests: Sequence[str], progress: Progress
) -> tuple[tuple[Sample, ...], list[str]]:
    """One row for each photo, with the labels of all folders that hold a copy of its file.

    Args:
        root: The data folder, for messages.
        samples: Photos of folders, sorted by path.
        digests: SHA-256 of each file.
        progress: Told how many were merged.

    Returns:
        The samples that stay, those of the first paths, and the digest of each.

    Raises:
        DataError: one of the folders says that the photo has no label, or copies are of two groups or parts.
    """
    copies = defaultdict[str, list[Sample]](list)
    for sample, digest in zip(samples, digests, strict=True):
        copies[digest].append(sample)
    kept = []
    for same in copies.values():
        paths = shorten(one.path for one in same)
        labels = {label for one in same for label in labels_of(one.label)}
        if labels and any(one.label == NOTHING for one in same):
            raise DataError(
                f"{root}: a photo has labels or none, got the same file in {NOTHING!r} and with a label: {paths}; "
                "remove one of them"
            )
        for column in ("group", "split", "fold"):
            if len({getattr(one, column) for one in same}) > 1:
                raise DataError(f"{root}: copies of a photo must have one {column}, got two for {paths}; remove one")
        kept.append(replace(same[0], label=joined_labels(labels)))
    merged = sum(len(same) > 1 for same in copies.values())
    if merged:
        progress.say(f"{count(merged, 'photo')} in two or more folders: each counts once, with the labels of all")
    return tuple(kept), list(copies)


def memberships(samples: Sequence[Sample]) -> tuple[Membership, ...]:
    """For each photo and each label whether it has it; a photo without a group is one of its own."""
    held = [(sample, set(labels_of(sample.label))) for sample in samples]
    labels = sorted(set().union(*(own for _, own in held)))
    without = "not "
    # Where "not dented" stands beside "dented".
    while any(f"{without}{label}" in labels for label in labels):
        without = f"not {without}"
    return tuple(
        Membership(sample.path, sample.group or sample.path, label if label in own else f"{without}{label}")
        for sample, own in held
        for label in labels
    )


def refuse_everywhere(root: Path, labels: Sequence[str], samples: Sequence[Sample]) -> None:
    """Hold that every label is absent from some photo: of one that all have nothing can be learnt.

    Raises:
        DataError: names one that is on all of them.
    """
    tally = Counter(label for sample in samples for label in labels_of(sample.label))
    everywhere = [label for label in labels if tally[label] == len(samples)]
    if everywhere:
        raise DataError(
            f"{root}: every label must be absent from some photos, got {everywhere[0]!r} on all {len(samples)}; add "
            f"photos without it, such as of {NOTHING!r}, or leave the label out"
        )
