"""Crops of photos as files: an image folder or sharded TFRecords, as many as one likes, in constant memory.

The work is cut into shards of consecutive photos and variants. What is in a shard follows from the plan alone; a shard
is written under another name, renamed when it is whole, and then noted in the journal. So a run that was killed leaves
whole shards and at most a few of unknown state, and the next run makes those again: nothing is lost or doubled.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from edgekit.arrays import RGBArray
from edgekit.augment.options import CropsConfig
from edgekit.augment.tfrecords import Value, example, frame
from edgekit.augment.variant_set import SUFFIX_OF, encode, variant_of
from edgekit.augment.vary import apply_variant
from edgekit.data.derive import ListedPhotos, claim, leave_bad_out, list_photos, make_all, remove_parts
from edgekit.data.manifest import MANIFEST_NAME, Sample, stream_manifest
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.errors import EdgekitError
from edgekit.locks import making_in
from edgekit.progress import SILENT, Progress
from edgekit.records import Lines, write_json
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.photo import Photo, cut_box, read_photo
from edgekit.runtime.preprocess import to_tensor

RECORD_NAME = "crops.json"
DONE_NAME = "crops.done.json"
JOURNAL_NAME = "crops.journal"
VERSION = 1

_DONE = re.compile(rb"(\d{1,9}) (\d{1,9})\n")
# A side that no box reaches: crops of source pixels are cut as they are.
_NO_SIDE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CropsMade:
    """A finished set of crops.

    Attributes:
        photos: How many they were cut from.
        crops: How many there are.
        shards: How many files of TFRecords, or as many parts of the folder.
        labels: The classes; ``label`` in a TFRecord counts them from 0.
    """

    photos: int
    crops: int
    shards: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shard:
    root: Path
    out: Path
    number: int
    shards: int
    pieces: tuple[tuple[Sample, int], ...]
    labels: tuple[str, ...]
    config: CropsConfig

    @property
    def file(self) -> Path:
        """Where a TFRecord shard lies."""
        return self.out / f"crops-{self.number:05d}-of-{self.shards:05d}.tfrecord"

    @property
    def crops(self) -> int:
        return len(self.pieces) * self.config.plan.crops


def cut_crops(
    photos: Path,
    out: Path,
    config: CropsConfig,
    *,
    reading: DataReading = AS_IT_LIES,
    progress: Progress = SILENT,
    workers: int = 2,
) -> CropsMade:
    """Cut the crops of all photos; a re-run makes the shards that are missing.

    Args:
        photos: A data folder; nothing in it is changed.
        out: Gets the crops, ``crops.json`` and, last, ``crops.done.json``; a folder of crops also ``manifest.csv``.
        config: Which crops.
        reading: How the data folder is to be read, and whether photos that can't be used are left out.
        progress: Told of every crop.
        workers: Processes.

    Raises:
        DataError: photos or the folder can't be used.
        EdgekitError: a file can't be written; what was written stays, and a re-run goes on.
    """
    found = list_photos(photos, reading, progress)
    claim(out, photos, RECORD_NAME, {"version": VERSION, "photos": found.sha256, "config": config})
    with making_in(out):
        remove_parts(out)
        found = leave_bad_out(found, out, skip_bad=reading.skip_bad, progress=progress)
        pieces = sum(len(config.numbers(one)) for one in found.samples)
        crops, shards = pieces * config.plan.crops, -(-pieces // config.shard_photos)
        progress.begin("cutting crops", crops)
        journal = Lines(out / JOURNAL_NAME)
        done = _shards_done(journal)
        whole = {one.number: one.crops for one in _shards(found, out, config, shards) if _is_done(one, done)}
        progress.advance(sum(whole.values()))
        missing = (one for one in _shards(found, out, config, shards) if one.number not in whole)
        for number, count in make_all(_write_shard, missing, workers=workers):
            journal.append(f"{number} {count}".encode())
            progress.advance(count)
        made = CropsMade(photos=len(found.samples), crops=crops, shards=shards, labels=found.labels)
        if config.into == "folder":
            stream_manifest(out / MANIFEST_NAME, _rows(found, config))
        write_json(out / DONE_NAME, made)
    return made


def _shards(photos: ListedPhotos, out: Path, config: CropsConfig, shards: int) -> Iterator[_Shard]:
    """All shards, one after the other: there may be more pieces than fit in memory."""
    labels = photos.labels
    everything = ((sample, variant) for sample in photos.samples for variant in config.numbers(sample))
    for number in range(shards):
        pieces = tuple(islice(everything, config.shard_photos))
        yield _Shard(
            root=photos.root, out=out, number=number, shards=shards, pieces=pieces, labels=labels, config=config
        )


def _is_done(shard: _Shard, done: dict[int, int]) -> bool:
    """Whether the journal has it and its files are there."""
    if done.get(shard.number) != shard.crops:
        return False
    if shard.config.into == "tfrecord":
        return os.path.isfile(shard.file)
    return all(
        os.path.isfile(shard.out / crop_name(sample, variant, crop, shard.config))
        for sample, variant in shard.pieces
        for crop in range(shard.config.plan.crops)
    )


def _write_shard(shard: _Shard) -> tuple[int, int]:
    """Cut and write the crops of a shard.

    Returns:
        Its number, and how many crops it has.
    """
    try:
        if shard.config.into == "tfrecord":
            return shard.number, _write_records(shard)
        count = 0
        for sample, variant, crop, content in _contents(shard):
            place = shard.out / crop_name(sample, variant, crop, shard.config)
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            # No fsync: 200,000 of them would take longer than all the rest. The journal is only written afterwards.
            part.write_bytes(content)
            part.replace(place)
            count += 1
        return shard.number, count
    except OSError as failure:
        raise EdgekitError(
            f"can't write crops to {shard.out}: {failure.strerror or failure}; free space and run the command again:"
            " it goes on"
        ) from failure


def _write_records(shard: _Shard) -> int:
    part = shard.file.with_name(f".{shard.file.name}.part")
    count = 0
    try:
        with part.open("wb") as file:
            for sample, variant, crop, content in _contents(shard):
                features: dict[str, Value] = {
                    "image/encoded": content,
                    "image/format": shard.config.encoding.encode(),
                    "label": shard.labels.index(sample.label),
                    "label/text": sample.label.encode(),
                    "group": sample.group.encode(),
                    "kind": sample.kind.encode(),
                    "split": sample.split.encode(),
                    "source": sample.path.encode(),
                    "variant": variant + 1,
                    "crop": crop,
                }
                file.write(frame(example(features)))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(shard.file)
    finally:
        part.unlink(missing_ok=True)
    return count


def _contents(shard: _Shard) -> Iterator[tuple[Sample, int, int, bytes]]:
    """Photo, variant, crop and file content, in order. A photo is decoded once for its variants in a shard."""
    config, known, photo = shard.config, "", None
    for sample, variant in shard.pieces:
        if photo is None or sample.path != known:
            photo, known = read_photo(shard.root / sample.path, config.plan.working_px), sample.path
        for crop, pixels in enumerate(_cut(photo, sample, variant, config)):
            yield sample, variant, crop, encode(pixels, config.encoding)


def _cut(photo: Photo, sample: Sample, number: int, config: CropsConfig) -> Iterator[RGBArray]:
    plan, varying = config.plan, config.varying
    if number >= 0:
        variant = variant_of(sample.path, number, varying)
        pixels = apply_variant(np.asarray(photo.picture), variant, fill=varying.options.fill, name=sample.path)
        # A variant is what is left after the reduction to the working size.
        photo, plan = Photo(picture=pixels, size_wh=(pixels.shape[1], pixels.shape[0])), replace(plan, working_px=None)
    side = config.side_px or _NO_SIDE
    for box in crop_boxes(plan, photo.size_wh, side):
        if config.side_px is not None:
            yield to_tensor(photo, box, side)
        else:
            yield np.asarray(cut_box(photo.picture, Box(*(edge // photo.shrink for edge in box))))


def crop_name(sample: Sample, variant: int, crop: int, config: CropsConfig) -> str:
    """Where a crop lies in a folder of crops: class, then photo, variant (0 is the photo as it is) and crop."""
    folder = "" if sample.path.startswith(f"{sample.label}/") else f"{sample.label}/"
    return f"{folder}{sample.path}.v{variant + 1:03d}.c{crop:03d}.{SUFFIX_OF[config.encoding]}"


def _rows(photos: ListedPhotos, config: CropsConfig) -> Iterator[Sample]:
    for one in photos.samples:
        for variant in config.numbers(one):
            for crop in range(config.plan.crops):
                yield replace(one, path=crop_name(one, variant, crop, config))


def _shards_done(journal: Lines) -> dict[int, int]:
    """Shard → crops, of every line that is one; empty ones stand in journals of older versions."""
    return {int(line[1]): int(line[2]) for line in map(_DONE.fullmatch, journal) if line}
