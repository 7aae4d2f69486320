"""Photos to batches of training crops, through the runtime's own pixels. numpy only, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.arrays import Float32Array, Int64Array, RGBArray
from edgekit.augment.options import Augmentation
from edgekit.augment.vary import augment
from edgekit.data.threads import in_order, most_workers
from edgekit.progress import Progress
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.photo import Photo, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring.source import CropSource, fixed_crops, normalise

# Photos in flight for each thread that decodes them.
_AHEAD = 4
# Decoded crops wait in a buffer of this size, so that a batch mixes photos.
_SHUFFLE_CROPS = 1024
# Validation crops stay in memory for all epochs; past this, fewer crops a photo are kept.
_VALIDATION_BYTES = 1 << 30

# Crops as a network takes them, class indices, weights.
Step = tuple[Float32Array, Int64Array, Float32Array]


def drawn_crops(rng: np.random.Generator, source: CropSource, *, count: int) -> Iterator[RGBArray]:
    """Crops at new places, photo by photo: uint8 (count, side, side, 3), RGB; half of them mirrored."""
    seeds, workers = rng.integers(0, 2**63, size=len(source.paths)), most_workers()
    return in_order(
        lambda item: draw_photo(np.random.default_rng(item[0]), source, item[1], count),
        zip(seeds, source.paths, strict=True),
        ahead=_AHEAD * workers,
        workers=workers,
    )


def draw_photo(rng: np.random.Generator, source: CropSource, path: Path, count: int) -> RGBArray:
    """Crops of one photo at new places: uint8 (count, side, side, 3), RGB; half of them mirrored.

    With an augmentation, every pass of the plan goes over a variant of its own.
    """
    photo, plan = read_photo(path, source.plan.working_px), source.plan
    if source.augmentation is not None:
        # Variants are made of the picture: one that is cut smaller must not be worked on at a finer scale.
        plan = replace(plan, working_px=None)
    places: list[tuple[Photo, Box]] = []
    # More crops than the plan has: start the plan again elsewhere.
    while len(places) < max(count, 1):
        x, y = rng.integers(0, 2**32, size=2).tolist()
        variant = photo if source.augmentation is None else _variant(rng, photo, source.augmentation)
        places += [(variant, box) for box in crop_boxes(plan, variant.size_wh, source.side_px, offset=(x, y))]
    chosen = rng.permutation(len(places))[:count]
    crops = np.stack([to_tensor(variant, box, source.side_px) for variant, box in (places[index] for index in chosen)])
    mirrored = rng.random(count) < 0.5
    # Mirroring moves no pixel between neighbours, so it neither forges nor erases moiré.
    crops[mirrored] = crops[mirrored, :, ::-1]
    return crops


def _variant(rng: np.random.Generator, photo: Photo, options: Augmentation) -> Photo:
    """A variant of a photo's picture, as a photo of its own."""
    pixels = augment(rng, np.asarray(photo.picture), options=options)
    return Photo(picture=Image.fromarray(pixels), size_wh=(pixels.shape[1], pixels.shape[0]))


def class_weights(targets: Int64Array, classes: int) -> Float32Array:
    """(classes,) weights that give every class the same total and all samples a mean of 1; 0 for absent classes."""
    counts = np.bincount(targets, minlength=classes)
    present = np.maximum(counts, 1) * max(1, int((counts > 0).sum()))
    return np.where(counts > 0, len(targets) / present, 0.0).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One training step: uint8 (n, side, side, 3) crops, (n,) class indices, (n,) weights."""

    crops: RGBArray
    targets: Int64Array
    weights: Float32Array


def epoch_batches(
    rng: np.random.Generator, source: CropSource, *, crops_per_photo: int, batch_size: int
) -> Iterator[Batch]:
    """One epoch of shuffled, class-weighted batches; a last incomplete batch is dropped unless it is the only one."""
    order = rng.permutation(len(source.paths))
    shuffled = replace(source, paths=tuple(source.paths[index] for index in order), targets=source.targets[order])
    weights = class_weights(source.targets, int(source.targets.max()) + 1)
    buffer: list[tuple[RGBArray, int]] = []
    whole = 0
    for crops, target in zip(drawn_crops(rng, shuffled, count=crops_per_photo), shuffled.targets, strict=True):
        buffer.extend((crop, int(target)) for crop in crops)
        while len(buffer) >= max(_SHUFFLE_CROPS, batch_size):
            yield _take(rng, buffer, batch_size, weights)
            whole += 1
    while len(buffer) >= batch_size or (buffer and not whole):
        yield _take(rng, buffer, batch_size, weights)
        whole += 1


def _take(rng: np.random.Generator, buffer: list[tuple[RGBArray, int]], size: int, weights: Float32Array) -> Batch:
    """Remove a random batch from the buffer."""
    taken = []
    for _ in range(min(size, len(buffer))):
        # Swap with the last and pop: constant time, whatever the buffer's length.
        index = int(rng.integers(len(buffer)))
        buffer[index], buffer[-1] = buffer[-1], buffer[index]
        taken.append(buffer.pop())
    targets = np.array([target for _, target in taken], dtype=np.int64)
    return Batch(crops=np.stack([crop for crop, _ in taken]), targets=targets, weights=weights[targets])


def steps_per_epoch(photos: int, *, crops_per_photo: int, batch_size: int) -> int:
    """How many batches ``epoch_batches`` yields."""
    return max(1, photos * crops_per_photo // batch_size)


class CropFeed:
    """Crops of training and validation photos for ``fit``, normalised."""

    def __init__(
        self, train: CropSource, validation: CropSource, *, crops_per_photo: int, batch_size: int, progress: Progress
    ) -> None:
        self._train, self._crops, self._batch = train, crops_per_photo, batch_size
        self._validation, self._count = validation, _validation_crops(validation)
        shape = (len(validation.paths), self._count, validation.side_px, validation.side_px, 3)
        progress.begin("cutting validation crops", shape[0])
        # Filled photo by photo: a list of all crops beside the table would hold them twice.
        self._pixels = np.empty(shape, np.uint8)
        for row, crops in zip(self._pixels, fixed_crops(validation, count=self._count), strict=True):
            row[...] = crops
            progress.advance()

    @property
    def steps(self) -> int:
        """Batches in one epoch."""
        return steps_per_epoch(len(self._train.paths), crops_per_photo=self._crops, batch_size=self._batch)

    @property
    def validation_targets(self) -> Int64Array:
        """(photos,) class indices."""
        return self._validation.targets

    def epoch(self, rng: np.random.Generator) -> Iterator[Step]:
        """One epoch of normalised crops, drawn anew."""
        for batch in epoch_batches(rng, self._train, crops_per_photo=self._crops, batch_size=self._batch):
            yield normalise(batch.crops), batch.targets, batch.weights

    def validation(self, photo: int) -> Float32Array:
        """The first crops of one validation photo, as inference takes them."""
        return normalise(self._pixels[photo])


def _validation_crops(source: CropSource) -> int:
    bytes_per_crop = max(1, len(source.paths)) * source.side_px**2 * 3
    return max(1, min(source.plan.crops, _VALIDATION_BYTES // bytes_per_crop))
