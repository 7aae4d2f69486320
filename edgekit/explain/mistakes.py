"""The photos that an evaluation tells were called wrong, to be explained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import DataError, PhotoError
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.evaluate.several import LabelsMistake, LabelsRecord
from edgekit.metrics.breakdown import Mistake
from edgekit.records import from_plain, read_json

# Each takes as long as any photo that is explained; a report shows no more of them.
MOST_MISTAKES = 12


def mistaken_photos(record: Path, photos: Path) -> list[Path]:
    """The photos that a model was most certain of, and wrong; of several labels those with the most wrong labels.

    At most MOST_MISTAKES of them.

    Args:
        record: An ``evaluate.json``, or the folder that has it.
        photos: The data folder that was evaluated.

    Raises:
        RunError: there is no such record, or it is damaged.
        DataError: it tells of no mistake, or the photos are no folder.
        PhotoError: it names a photo that is not in the folder.
    """
    # Unlike Path.is_dir, this also answers for names that are too long.
    place = record / "evaluate.json" if os.path.isdir(record) else record
    raw = read_json(place)
    told: Sequence[Mistake | LabelsMistake]
    if "multi_label" in raw:
        told = from_plain(LabelsRecord, raw, where=str(place)).mistakes
    else:
        told = from_plain(EvaluateRecord, raw, where=str(place)).detail.mistakes
    if not told:
        raise DataError(f"{place} tells of no mistake, so there is none to explain; name photos")
    if not os.path.isdir(photos):
        raise DataError(f"{photos}: the photos must be a folder, got none; check --data")
    found = []
    for mistake in told[:MOST_MISTAKES]:
        try:
            found.append(photo_inside(photos, mistake.path))
        except PhotoError as failure:
            raise PhotoError(f"{mistake.path!r} of {place}: {failure}") from failure
    return found


def photo_inside(photos: Path, name: str) -> Path:
    """The photo that a record names, which must lie in the folder: records are untrusted.

    Raises:
        PhotoError: it doesn't, or is not there.
    """
    path = photos / name
    try:
        inside, found = path.resolve().is_relative_to(photos.resolve()), path.is_file()
    except (OSError, ValueError) as failure:
        raise PhotoError("the record's name for it is none that a file can have") from failure
    if not inside:
        raise PhotoError("the record names a photo outside the folder")
    if not found:
        raise PhotoError("not in the folder; is --data the right one?")
    return path
