"""Bottleneck features of a frozen backbone, computed once per photo and kept on disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.config import NetworkConfig
from edgekit.feed import WORKERS, CropSource, class_weights, cut_photo, draw_photo, in_order
from edgekit.fit import FloatArray, Step
from edgekit.legacy_keras import keras
from edgekit.progress import Progress
from edgekit.quiet import captured_stderr
from edgekit.records import sha256, to_json, write_atomic
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.photo import RGBArray
from edgekit.tflite import to_flatbuffer


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFeatures:
    """Features of photos: ``fixed`` (photos, plan crops, channels) as inference cuts them, ``drawn`` (photos, draws, channels)."""

    fixed: FloatArray
    drawn: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCache:
    """A folder of one small file per photo, named by what the features depend on: backbone, crops, seed and the photo's bytes."""

    folder: Path
    backbone: str

    def path(self, source: CropSource, photo: Path, draws: int, seed: int) -> Path:
        """Where the features of one photo are or will be."""
        settings = to_json([self.backbone, str(source.plan), source.plan.crops, source.side_px, draws, seed])
        return self.folder / sha256(settings.encode())[:16] / f"{sha256(photo.read_bytes())}.npy"


def backbone_id(network: keras.Model, config: NetworkConfig) -> str:
    """A hash of a backbone's architecture and weights."""
    content = b"".join(np.ascontiguousarray(weight).tobytes() for weight in network.get_weights())
    return f"{config.backbone} {config.alpha} {config.features} {config.side_px} {sha256(content)}"


def photo_features(
    network: keras.Model, source: CropSource, cache: FeatureCache, *, draws: int, seed: int, progress: Progress
) -> PhotoFeatures:
    """Features of the plan's crops and of ``draws`` random ones for every photo of a source.

    They are computed by the TFLite interpreter, which is several times faster on a CPU than the training framework. A
    photo's random crops depend on the seed and on its bytes alone, so folds of a cross-validation share them.

    Args:
        network: float32 (n, side, side, 3) normalised RGB → float32 (n, channels).
        source: The photos.
        cache: Where features are looked for and kept.
        draws: Random crops a photo.
        seed: Of the random crops.
        progress: Told of every photo.
    """
    progress.begin("computing features", len(source.paths))
    places = [cache.path(source, path, draws, seed) for path in source.paths]
    missing = [index for index, place in enumerate(places) if not place.exists()]

    def cut(index: int) -> RGBArray:
        photo, place = source.paths[index], places[index]
        rng = np.random.default_rng([seed, int(place.stem[:15], 16)])
        fixed = cut_photo(photo, source, count=source.plan.crops)
        return np.concatenate([fixed, draw_photo(rng, source, photo, draws)]) if draws else fixed

    progress.advance(len(places) - len(missing))
    if missing:
        with captured_stderr():
            model = ModelInterpreter(to_flatbuffer(network, "float32", None), threads=WORKERS)
        for index, crops in zip(missing, in_order(cut, missing), strict=True):
            _store(np.stack([model(crop) for crop in crops]), places[index])
            progress.advance()
    table = np.stack([_load(place) for place in places])
    return PhotoFeatures(fixed=table[:, : source.plan.crops], drawn=table[:, source.plan.crops :])


def _store(features: FloatArray, place: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    write_atomic(place, buffer.getvalue())


def _load(place: Path) -> FloatArray:
    return np.asarray(np.load(place, allow_pickle=False), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """Per-channel mean and deviation that features are standardised with; folded into the head afterwards."""

    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, features: FloatArray) -> Standard:
        """Statistics over all but the last axis; channels that hardly vary keep a deviation that cannot blow up noise."""
        flat = features.reshape(-1, features.shape[-1])
        deviation = flat.std(axis=0)
        return cls(mean=flat.mean(axis=0), deviation=np.maximum(deviation, 0.05 * float(deviation.mean()) + 1e-6))

    def apply(self, features: FloatArray) -> FloatArray:
        """Standardise the last axis."""
        return (features - self.mean) / self.deviation

    def fold(self, kernel: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same linear head for raw features: ((channels, classes), (classes,))."""
        folded = kernel / self.deviation[:, np.newaxis]
        return folded, bias - self.mean @ folded


class FeatureFeed:
    """Standardised features of training and validation photos for ``fit``."""

    def __init__(
        self,
        train: FloatArray,
        train_targets: NDArray[np.int64],
        val: FloatArray,
        val_targets: NDArray[np.int64],
        *,
        batch_size: int,
    ) -> None:
        self._train, self._targets = train, train_targets
        self._val, self.validation_targets = val, val_targets
        self.batch_size = batch_size

    @property
    def steps(self) -> int:
        """Batches in one epoch over all crops of all photos."""
        photos, crops = self._train.shape[:2]
        return max(1, int(photos * crops) // self.batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[Step]:
        """One epoch of shuffled crops."""
        crops = self._train.shape[1]
        weights = class_weights(self._targets, int(self._targets.max()) + 1)
        order = rng.permutation(self._train.shape[0] * crops)
        for step in range(self.steps):
            photo, crop = np.divmod(order[step * self.batch_size : (step + 1) * self.batch_size], crops)
            targets = self._targets[photo]
            yield self._train[photo, crop], targets, weights[targets]

    def validation(self, photo: int) -> FloatArray:
        """All crops of one validation photo."""
        return np.asarray(self._val[photo])
