"""Groups for photos that came without: from their names, from EXIF, or by how much they look alike.

Photos of one session, camera or video resemble each other. Dealt out at random they stand on both sides of a split, and
the number flatters. What is derived here is not written anywhere: the same rule gives the same groups again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

from PIL import Image

from edgekit.data.dataset import Dataset
from edgekit.data.exif import numbered_camera, taken_in
from edgekit.data.lookalikes import WORKING_PX, find_same, perceptual_hash
from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.data.options import DerivedBy
from edgekit.data.several import labels_of
from edgekit.data.threads import work_through
from edgekit.errors import DataError
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress
from edgekit.runtime.photo import read_photo

# The last number of a name, whatever stands behind it: `IMG_20240101_123456`, `video1_frame003`, `cat (12)`.
_NUMBERED = re.compile(r"(.*?)[\s_\-.#(]*\d+\D*$", re.DOTALL)
# Photos with a longer break between them are of two sessions.
_SESSION_GAP = timedelta(hours=1)
# Of 64: looser than for copies, as two views of one thing are to stay together.
_LOOK_BITS = 10
_OTHERS = {
    "name": "date, camera or look",
    "date": "name, camera or look",
    "camera": "name, date or look",
    "look": "name, date or camera",
}


def with_groups(dataset: Dataset, by: DerivedBy | None, progress: Progress = SILENT) -> Dataset:
    """The same photos with groups that are derived by a rule; untouched without one.

    The data's fingerprint stays: what was read is the same.

    Raises:
        DataError: the photos have groups, or the rule gives none that is of use.
    """
    if by is None or dataset.derived_by == by:
        return dataset
    if dataset.has_groups:
        raise DataError(
            f"{dataset.root}: groups are derived for photos that have none, got a group column; leave --group-by out, "
            "or remove the column"
        )
    groups = derive_groups(dataset.root, dataset.samples, by, progress, multi_label=dataset.multi_label)
    samples = tuple(replace(sample, group=group) for sample, group in zip(dataset.samples, groups, strict=True))
    return replace(dataset, samples=samples, derived_by=by)


def derive_groups(
    root: Path, samples: Sequence[Sample], by: DerivedBy, progress: Progress = SILENT, *, multi_label: bool = False
) -> tuple[str, ...]:
    """The group of each photo by a rule; photos on two sides of a split that the data names never share one.

    Args:
        root: The data folder.
        samples: The photos.
        by: ``name``: what stands before the last number of the file's name; ``date``: sessions, between which no photo
            was taken for an hour, by EXIF; ``camera``: its maker, model and serial number by EXIF; ``look``: photos
            that look alike, one by one in chains.
        progress: Told how many groups there are, and of every photo that is read.
        multi_label: Whether photos have several labels.

    Raises:
        DataError: a photo that the rule says nothing of, one group, one for each photo, or a class in one group alone.
    """
    paths = [root / sample.path for sample in samples]
    if by == "name":
        keys = [_name_key(sample.path) for sample in samples]
    elif by == "camera":
        keys = work_through(numbered_camera, paths, "reading cameras", progress)
    elif by == "date":
        keys = _sessions(work_through(taken_in, paths, "reading dates", progress))
    else:
        keys = _alike(samples, work_through(_hash, paths, "looking for photos that look alike", progress))
    unknown = [sample.path for sample, key in zip(samples, keys, strict=True) if not key]
    if unknown:
        raise DataError(
            f"{root}: every photo must have a group, and --group-by {by} finds none for {len(unknown)} of "
            f"{len(samples)}: {shorten(unknown, limit=3)}; use --group-by {_OTHERS[by]}, or a manifest with the column "
            "group"
        )
    # A side that the data gives is not to be questioned here; `data audit` finds what crosses it.
    groups = tuple(f"{key} ({one.split})" if one.split else key for one, key in zip(samples, keys, strict=True))
    held = [labels_of(one.label) if multi_label else (one.label,) for one in samples]
    _check_of_use(root, held, groups, by)
    (largest, photos), *_ = Counter(groups).most_common(1)
    found = count(len(set(groups)), "group")
    progress.say(f"{found} by {by} of {count(len(samples), 'photo')}, the largest {largest!r} with {photos}")
    return groups


def _name_key(path: str) -> str:
    stem = PurePosixPath(path).stem
    numbered = _NUMBERED.match(stem)
    # A name that is a number alone has nothing before it.
    return stem if numbered is None else numbered[1] or "number"


def _sessions(times: Sequence[object]) -> list[str]:
    known = sorted({time for time in times if time is not None})  # type: ignore[type-var]
    start_of, start = {}, None
    for before, time in zip([None, *known], known, strict=False):
        if before is None or time - before > _SESSION_GAP:  # type: ignore[operator]
            start = time
        start_of[time] = str(start)
    return [start_of.get(time, "") for time in times]


def _alike(samples: Sequence[Sample], hashes: Sequence[int]) -> list[str]:
    rows = defaultdict[str, list[int]](list)
    for row, sample in enumerate(samples):
        rows[sample.split].append(row)
    group_of = {sample.path: sample.path for sample in samples}
    for own in rows.values():
        part = [samples[row] for row in own]
        for one in find_same(part, [hashes[row] for row in own], [sample.path for sample in part], _LOOK_BITS):
            group_of |= dict.fromkeys(one.paths, one.paths[0])
    return [group_of[sample.path] for sample in samples]


def _hash(path: Path) -> int:
    picture = read_photo(path, WORKING_PX).picture
    assert isinstance(picture, Image.Image)
    return perceptual_hash(picture)


def _check_of_use(root: Path, held: Sequence[Sequence[str]], groups: Sequence[str], by: DerivedBy) -> None:
    """Hold that groups of photos with some labels can be dealt out, and hold more than a photo.

    Raises:
        DataError: they can't, or don't.
    """
    remedy = f"use --group-by {_OTHERS[by]}, or a manifest with the column group"
    if len(set(groups)) == 1:
        raise DataError(f"{root}: --group-by {by} gives one group, {groups[0]!r}, which can't be split; {remedy}")
    if len(set(groups)) == len(held):
        raise DataError(
            f"{root}: --group-by {by} gives each of the {len(held)} photos a group of its own, so no two are known "
            f"to be related; {remedy}, or leave it out"
        )
    groups_of = defaultdict[str, set[str]](set)
    for labels, group in zip(held, groups, strict=True):
        for label in labels:
            groups_of[label].add(group)
    alone = {label: next(iter(found)) for label, found in sorted(groups_of.items()) if len(found) == 1}
    if alone:
        told = shorten((f"{label!r} in {group!r}" for label, group in alone.items()), limit=3)
        raise DataError(
            f"{root}: --group-by {by} puts all photos of a class into one group: {told}; then whatever trains has seen "
            f"the group of each photo, or not its class; {remedy}"
        )
