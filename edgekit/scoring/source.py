"""Photos to training and validation crops, through the runtime's own pixels. numpy only, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.arrays import Float32Array, Int64Array, RGBArray
from edgekit.augment.options import Augmentation
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.regions import FoundRegions
from edgekit.data.threads import in_order
from edgekit.runtime.crops import MIDDLE, crop_boxes
from edgekit.runtime.photo import Photo, read_photo
from edgekit.runtime.preprocess import to_tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class CropSource:
    """Where crops come from.

    Attributes:
        paths: Photo files.
        targets: (n,) class index of each photo; where it may have several labels, (n, labels) 1 for those that it has.
        plan: Scales and the number of crops that inference will use.
        side_px: Side of the model's input.
        augmentation: How photos are varied before crops are drawn; fixed crops are those of photos as they are.
        regions: The region of each photo that stands in its place; None for whole photos.
    """

    paths: tuple[Path, ...]
    targets: Int64Array
    plan: CropPlan
    side_px: int
    augmentation: Augmentation | None = None
    regions: FoundRegions | None = None

    def open(self, path: Path, working_px: int | None) -> Photo:
        """One of its photos, or its region, at a working size; raises as ``read_photo`` does."""
        return read_photo(path, working_px) if self.regions is None else self.regions.open(path, working_px)


def crop_source(
    dataset: Dataset,
    samples: Sequence[Sample],
    plan: CropPlan,
    side_px: int,
    *,
    labels: Sequence[str] | None = None,
    augmentation: Augmentation | None = None,
) -> CropSource:
    """The photos of some samples as a source of crops; ``labels`` orders the classes if not the dataset."""
    return CropSource(
        paths=tuple(dataset.path_of(sample) for sample in samples),
        targets=targets_of(dataset, samples, labels or dataset.labels),
        plan=plan,
        side_px=side_px,
        augmentation=augmentation,
        regions=dataset.regions,
    )


def targets_of(dataset: Dataset, samples: Sequence[Sample], labels: Sequence[str]) -> Int64Array:
    """(n,) class indices in the order of ``labels``; (n, labels) 0 or 1 where a photo may have several."""
    index = {label: number for number, label in enumerate(labels)}
    if not dataset.multi_label:
        return np.array([index[sample.label] for sample in samples], dtype=np.int64)
    targets = np.zeros((len(samples), len(labels)), np.int64)
    for row, sample in zip(targets, samples, strict=True):
        row[[index[label] for label in dataset.labels_of(sample)]] = 1
    return targets


def normalise(crops: RGBArray) -> Float32Array:
    """Bytes to what networks see: ``(q - 128) / 128``, float32, -1 to 127/128.

    With this scale and zero point, int8 holds every input exactly.
    """
    found = crops.astype(np.float32)
    # In place, and times a power of two, which is exact: a third of the time of two new arrays.
    found -= np.float32(128)
    found *= np.float32(1 / 128)
    return found


def cut_photo(path: Path, source: CropSource, *, count: int, offset: tuple[int, int] = MIDDLE) -> RGBArray:
    """The first ``count`` crops of a photo: uint8 (count, side, side, 3), RGB."""
    photo = source.open(path, source.plan.working_px)
    boxes = crop_boxes(source.plan, photo.size_wh, source.side_px, count=count, offset=offset)
    return np.stack([to_tensor(photo, box, source.side_px) for box in boxes])


def fixed_crops(source: CropSource, *, count: int) -> Iterator[RGBArray]:
    """The crops that inference would take, photo by photo: uint8 (count, side, side, 3), RGB."""
    return in_order(lambda path: cut_photo(path, source, count=count), source.paths)
