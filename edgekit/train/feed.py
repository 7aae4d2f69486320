"""Photos to batches of training crops, through the runtime's own pixels. numpy only, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from edgekit.arrays import Float32Array, Float64Array, Int64Array, RGBArray
from edgekit.augment.options import Augmentation
from edgekit.augment.vary import augment
from edgekit.data.threads import in_order, most_workers
from edgekit.progress import Progress
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.photo import Photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring.source import CropSource, fixed_crops, normalise
from edgekit.train.head import group_weights
from edgekit.train.mixup import Step, mix
from edgekit.train.options import FitConfig

# Photos in flight for each thread that decodes them.
_AHEAD = 4
# Decoded crops wait in a buffer of this size, so that a batch mixes photos.
_SHUFFLE_CROPS = 1024
# Validation crops stay in memory for all epochs; past this, fewer crops a photo are kept.
_VALIDATION_BYTES = 1 << 30


class DrawnCrops(NamedTuple):
    """Crops of one photo: uint8 (count, side, side, 3), RGB, and the numbers of their scales, (count,)."""

    crops: RGBArray
    scales: Int64Array


def drawn_crops(rng: np.random.Generator, source: CropSource, *, count: int) -> Iterator[DrawnCrops]:
    """Crops at new places, photo by photo; half of them mirrored."""
    seeds, workers = rng.integers(0, 2**63, size=len(source.paths)), most_workers()
    return in_order(
        lambda item: draw_photo(np.random.default_rng(item[0]), source, item[1], count),
        zip(seeds, source.paths, strict=True),
        ahead=_AHEAD * workers,
        workers=workers,
    )


def draw_photo(rng: np.random.Generator, source: CropSource, path: Path, count: int) -> DrawnCrops:
    """Crops of one photo at new places; half of them mirrored.

    With an augmentation, every pass of the plan goes over a variant of its own.
    """
    photo, plan = source.open(path, source.plan.working_px), source.plan
    scales = [plan.scale(index) for index in range(plan.crops)]
    numbers = [scales.index(scale) for scale in scales]
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
    return DrawnCrops(crops, np.array([numbers[index % len(numbers)] for index in chosen], np.int64))


def _variant(rng: np.random.Generator, photo: Photo, options: Augmentation) -> Photo:
    """A variant of a photo's picture, as a photo of its own."""
    pixels = augment(rng, np.asarray(photo.picture), options=options)
    return Photo(picture=Image.fromarray(pixels), size_wh=(pixels.shape[1], pixels.shape[0]))


def photo_weights(targets: Int64Array, groups: Sequence[str] | None = None) -> Float32Array:
    """(photos,) weights with a mean of 1, by which classes weigh the same.

    Args:
        targets: (photos,) class indices. Of several labels they are (photos, labels), and no class: photos weigh the
            same.
        groups: Of each photo; those of a class then weigh the same, too, fewer than six photos as many as they are.
            Photos without one are a group each. None: photos of a class weigh the same.
    """
    units = np.ones(len(targets))
    if groups is not None:
        named = [group or f"photo {index}" for index, group in enumerate(groups)]
        units = group_weights(named, targets if targets.ndim == 1 else np.zeros(len(targets), np.int64))
    if targets.ndim > 1:
        return np.asarray(units / units.mean(), np.float32)
    totals = np.bincount(targets, units)
    return (units / totals[targets] * len(targets) / np.count_nonzero(totals)).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One training step.

    Attributes:
        crops: uint8 (n, side, side, 3), RGB.
        scales: (n,) numbers of their scales.
        targets: (n,) class indices; of several labels (n, labels) 0 or 1.
        weights: (n,) of their photos.
    """

    crops: RGBArray
    scales: Int64Array
    targets: Int64Array
    weights: Float32Array


class _Crop(NamedTuple):
    """A crop that waits for its step, and the place of its photo in the source."""

    pixels: RGBArray
    scale: int
    photo: int


def epoch_batches(
    rng: np.random.Generator, source: CropSource, weights: Float32Array, *, crops_per_photo: int, batch_size: int
) -> Iterator[Batch]:
    """One epoch of shuffled batches; a last incomplete batch is dropped unless it is the only one.

    Args:
        rng: Draws the order and the crops.
        source: Training photos.
        weights: (photos,) of the source's photos.
        crops_per_photo: Crops that each photo gives.
        batch_size: Crops of a batch.
    """
    order = rng.permutation(len(source.paths))
    shuffled = replace(source, paths=tuple(source.paths[index] for index in order), targets=source.targets[order])
    buffer: list[_Crop] = []
    whole = 0

    def take() -> Batch:
        taken = _taken(rng, buffer, batch_size)
        photos = np.array([one.photo for one in taken])
        return Batch(
            crops=np.stack([one.pixels for one in taken]),
            scales=np.array([one.scale for one in taken], np.int64),
            targets=source.targets[photos],
            weights=weights[photos],
        )

    for drawn, photo in zip(drawn_crops(rng, shuffled, count=crops_per_photo), order.tolist(), strict=True):
        buffer.extend(
            _Crop(pixels, scale, photo) for pixels, scale in zip(drawn.crops, drawn.scales.tolist(), strict=True)
        )
        while len(buffer) >= max(_SHUFFLE_CROPS, batch_size):
            yield take()
            whole += 1
    while len(buffer) >= batch_size or (buffer and not whole):
        yield take()
        whole += 1


def _taken(rng: np.random.Generator, buffer: list[_Crop], size: int) -> list[_Crop]:
    """Remove a random batch from the buffer."""
    taken = []
    for _ in range(min(size, len(buffer))):
        # Swap with the last and pop: constant time, whatever the buffer's length.
        index = int(rng.integers(len(buffer)))
        buffer[index], buffer[-1] = buffer[-1], buffer[index]
        taken.append(buffer.pop())
    return taken


def steps_per_epoch(photos: int, *, crops_per_photo: int, batch_size: int) -> int:
    """How many batches ``epoch_batches`` yields."""
    return max(1, photos * crops_per_photo // batch_size)


class CropFeed:
    """Crops of training and validation photos for ``fit``, normalised.

    Args:
        train: Training photos; every class is there.
        weights: (photos,) of the training photos.
        validation: Validation photos.
        how: How many crops each photo gives, how many a step takes, and whether they are mixed.
        progress: Told of every validation photo.
    """

    def __init__(
        self, train: CropSource, weights: Float32Array, validation: CropSource, how: FitConfig, progress: Progress
    ) -> None:
        self._train, self._weights, self._how = train, weights, how
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
        return steps_per_epoch(len(self._train.paths), **self._sizes)

    @property
    def _sizes(self) -> dict[str, int]:
        return {"crops_per_photo": self._how.crops_per_photo, "batch_size": self._how.batch_size}

    @property
    def validation_targets(self) -> Int64Array:
        """(photos,) class indices; of several labels (photos, labels) 0 or 1."""
        return self._validation.targets

    @property
    def label_shares(self) -> Float64Array | None:
        """(labels,) which share of the training photos has each label; None where photos have exactly one."""
        targets = self._train.targets
        return None if targets.ndim == 1 else np.asarray(targets.mean(axis=0))

    def epoch(self, rng: np.random.Generator) -> Iterator[Step]:
        """One epoch of normalised crops, drawn anew."""
        several = self._train.targets.ndim > 1
        classes = np.eye(int(self._train.targets.max()) + 1, dtype=np.float32)
        for batch in epoch_batches(rng, self._train, self._weights, **self._sizes):
            answers = batch.targets.astype(np.float32) if several else classes[batch.targets]
            step = Step(normalise(batch.crops), answers, batch.weights)
            yield mix(rng, step, batch.scales, alpha=self._how.mixup) if self._how.mixup else step

    def validation(self, photo: int) -> Float32Array:
        """The first crops of one validation photo, as inference takes them."""
        return normalise(self._pixels[photo])


def _validation_crops(source: CropSource) -> int:
    bytes_per_crop = max(1, len(source.paths)) * source.side_px**2 * 3
    return max(1, min(source.plan.crops, _VALIDATION_BYTES // bytes_per_crop))
