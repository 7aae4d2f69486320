"""Bottleneck features of a frozen backbone, computed once per photo by TFLite and kept on disk. No TensorFlow."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.feed import WORKERS, CropSource, cut_photo, draw_photo, in_order
from edgekit.head import FloatArray
from edgekit.progress import Progress
from edgekit.quiet import captured_stderr
from edgekit.records import file_sha256, sha256, to_json, write_atomic
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.photo import RGBArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFeatures:
    """Features of photos.

    Attributes:
        crops: (photos, crops, channels): first those of the plan, as inference cuts them, then random ones.
        plan_crops: How many the plan has.
    """

    crops: FloatArray
    plan_crops: int

    @property
    def fixed(self) -> FloatArray:
        """Those of the plan."""
        return self.crops[:, : self.plan_crops]

    @property
    def drawn(self) -> FloatArray:
        """The random ones."""
        return self.crops[:, self.plan_crops :]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCache:
    """A model that computes features, and a folder with one small file per photo.

    Attributes:
        folder: Files are named by what features depend on: the model, the crops, the seed and the photo's bytes.
        key: Tells models apart; the converter does not give the same bytes twice.
        model: TFLite: uint8 [1, S, S, 3] RGB in, float32 [1, channels] out.
    """

    folder: Path
    key: str
    model: bytes

    def settings(self, source: CropSource, draws: int, seed: int) -> str:
        """Names the folder for one model and one way of cutting crops."""
        return sha256(to_json([self.key, source.plan, source.side_px, draws, seed]).encode())[:16]


def photo_features(
    cache: FeatureCache, source: CropSource, *, draws: int, seed: int, what: str, progress: Progress
) -> PhotoFeatures:
    """Features of the plan's crops and of ``draws`` random ones for every photo of a source.

    They are computed by the TFLite interpreter, which is several times faster on a CPU than the training framework. A
    photo's random crops depend on the seed and on its bytes alone, so folds of a cross-validation share them.

    Args:
        cache: The model, and where features are looked for and kept.
        source: The photos.
        draws: Random crops a photo.
        seed: Of the random crops.
        what: Names the photos for people.
        progress: Told of every photo.
    """
    progress.begin(f"computing features of {what} photos", len(source.paths))
    folder = cache.folder / cache.settings(source, draws, seed)
    places = [folder / f"{file_sha256(path)}.npy" for path in source.paths]
    missing = [index for index, place in enumerate(places) if not place.exists()]

    def cut(index: int) -> RGBArray:
        photo, place = source.paths[index], places[index]
        rng = np.random.default_rng([seed, int(place.stem[:15], 16)])
        fixed = cut_photo(photo, source, count=source.plan.crops)
        return np.concatenate([fixed, draw_photo(rng, source, photo, draws)]) if draws else fixed

    progress.advance(len(places) - len(missing))
    if missing:
        with captured_stderr():
            model = ModelInterpreter(cache.model, threads=WORKERS)
        for index, crops in zip(missing, in_order(cut, missing), strict=True):
            _store(np.stack([model(crop) for crop in crops]), places[index])
            progress.advance()
    first = _load(places[0])
    table = np.empty((len(places), *first.shape), np.float32)
    for row, place in zip(table, places, strict=True):
        row[:] = _load(place)
    return PhotoFeatures(crops=table, plan_crops=source.plan.crops)


def _store(features: FloatArray, place: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    write_atomic(place, buffer.getvalue())


def _load(place: Path) -> FloatArray:
    return np.asarray(np.load(place, allow_pickle=False), dtype=np.float32)
