"""A copy of a data set whose files say nothing: one size, one JPEG setting, no metadata, neutral names.

Photos are halved as often as they stay large enough, by means of blocks as the working size is, and the middle square
is cut out: nothing is stretched, so a lattice that survives training's own reduction survives this. Files are padded to
one length by comments of zeros, since the length of a JPEG of one setting still tells how much texture there is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.audit.options import NormaliseConfig
from edgekit.data.dataset import Dataset
from edgekit.data.derive import claim
from edgekit.data.manifest import MANIFEST_NAME, Sample, write_manifest
from edgekit.data.names import shorten
from edgekit.data.threads import work_through
from edgekit.errors import DataError
from edgekit.look.sheets import jpeg
from edgekit.progress import SILENT, Progress
from edgekit.records import from_plain, make_folder, write_atomic, write_json
from edgekit.runtime.photo import read_photo
from edgekit.runtime.readers import size_of

RECORD_NAME = "normalise.json"
_STARTED_NAME = "normalise.started.json"
_FOLDER = "photos"
_STEP_PX = 16
_MOST_PX = 720
# The shortest comment segment: its marker and its length.
_LEAST_PAD = 4
_MOST_PAD = 65_537


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedSet:
    """What was written; before all is done, what is being written.

    Attributes:
        config: Options of the copy, with the side that was chosen.
        data_sha256: SHA-256 that identifies the photos it was made from.
        photos: Number of photos.
        file_bytes: Length of every file in bytes; 0 where they were not padded, or not yet.
    """

    config: NormaliseConfig
    data_sha256: str
    photos: int
    file_bytes: int = 0


def normalise_dataset(
    dataset: Dataset, out: Path, config: NormaliseConfig | None = None, *, progress: Progress = SILENT
) -> NormalisedSet:
    """Write the copy; a call that was stopped goes on where it was.

    Args:
        dataset: Photos with labels; they are read, never changed.
        out: A folder that is empty or holds this same copy.
        config: Options of the copy; None takes the defaults.
        progress: Told of each photo.

    Returns:
        What was written; the manifest beside the photos has labels, groups and all else that the data has.

    Raises:
        DataError: a photo is too small, or the folder holds something else.
        EdgekitError: the disk is full; what was written stays and is gone on with.
    """
    config = config or NormaliseConfig()
    config = replace(config, side_px=_side(dataset, config.side_px))
    record = RECORD_NAME if os.path.isfile(out / RECORD_NAME) else _STARTED_NAME
    wanted = {"config": config, "data_sha256": dataset.sha256, "photos": len(dataset.samples)}
    before = claim(out, dataset.root, record, wanted)
    begun = from_plain(NormalisedSet, before, where=str(out / record), error=DataError)
    if record == RECORD_NAME:
        return begun
    make_folder(out / _FOLDER)
    renamed = _renamed(dataset.samples, config.seed)
    work = partial(_write, dataset, out, config)
    work_through(work, list(zip(dataset.samples, renamed, strict=True)), "normalising photos", progress)
    if config.one_length:
        if not begun.file_bytes:
            longest = max((out / sample.path).stat().st_size for sample in renamed)
            begun = replace(begun, file_bytes=longest + 4 * _LEAST_PAD)
            write_json(out / _STARTED_NAME, begun)
        work_through(partial(_lengthen, out, begun.file_bytes), renamed, "padding files", progress)
    write_manifest(out / MANIFEST_NAME, sorted(renamed, key=lambda sample: sample.path))
    write_json(out / RECORD_NAME, begun)
    (out / _STARTED_NAME).unlink(missing_ok=True)
    return begun


def _side(dataset: Dataset, wanted: int | None) -> int:
    smallest = [(min(size_of(dataset.path_of(sample))), sample.path) for sample in dataset.samples]
    least, _ = min(smallest)
    if wanted is None:
        wanted = min(_MOST_PX, least) // _STEP_PX * _STEP_PX
    small = [path for side, path in sorted(smallest) if side < wanted]
    if small or wanted < _STEP_PX:
        raise DataError(
            f"{dataset.root}: photos can only be made smaller, got {len(small)} whose shorter side is under"
            f" {max(wanted, _STEP_PX)} px: {shorten(small)}; ask for a smaller --side, or leave them out"
        )
    return wanted


def _renamed(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """New paths: a number that has nothing to do with the old name, the class or the group."""
    order = np.random.default_rng(seed).permutation(len(samples)).tolist()
    return [replace(sample, path=f"{_FOLDER}/{at:06d}.jpg") for sample, at in zip(samples, order, strict=True)]


def _write(dataset: Dataset, out: Path, config: NormaliseConfig, pair: tuple[Sample, Sample]) -> None:
    source, target = pair
    # Files appear whole or not at all, so one that is there is finished.
    if (out / target.path).exists():
        return
    side = config.side_px
    assert side is not None
    picture = read_photo(dataset.path_of(source), side).picture
    assert isinstance(picture, Image.Image)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    # Pillow would carry the old file's profile and comments over.
    bare = Image.frombytes("RGB", square.size, square.tobytes())
    write_atomic(out / target.path, jpeg(bare, config.quality, subsampling="4:4:4"))


def _lengthen(out: Path, length: int, sample: Sample) -> None:
    content = (out / sample.path).read_bytes()
    if len(content) != length:
        write_atomic(out / sample.path, padded(content, length))


def padded(content: bytes, length: int) -> bytes:
    """A JPEG with comments of zeros behind its first segment, so that it is of this length.

    Args:
        content: A JPEG as Pillow writes it: SOI, then APP0.
        length: Length of the result in bytes, at least four more than ``content`` has.
    """
    need = length - len(content)
    if need < _LEAST_PAD or content[:4] != b"\xff\xd8\xff\xe0":
        raise DataError(f"padding needs a JPEG of at most {length - _LEAST_PAD} bytes, got {len(content)} bytes")
    behind = 4 + int.from_bytes(content[4:6], "big")
    comments = bytearray()
    while need:
        take = min(need, _MOST_PAD)
        if 0 < need - take < _LEAST_PAD:
            take -= _LEAST_PAD
        comments += b"\xff\xfe" + (take - 2).to_bytes(2, "big") + bytes(take - 4)
        need -= take
    return content[:behind] + bytes(comments) + content[behind:]
