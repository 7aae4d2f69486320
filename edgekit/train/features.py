"""Bottleneck features of a frozen backbone, computed once per photo by TFLite and kept on disk. No TensorFlow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Int64Array, RGBArray
from edgekit.augment import vary
from edgekit.data.threads import WORKERS, in_order
from edgekit.metrics.wording import count, file_size
from edgekit.progress import Progress
from edgekit.records import file_sha256, sha256, to_json
from edgekit.runtime.interpreter import ModelInterpreter, interpreter_name
from edgekit.scoring.keep import (
    ArrayType,
    folder_bytes,
    read_arrays,
    reader_key,
    runtime_key,
    sources_sha256,
    write_arrays,
)
from edgekit.scoring.source import CropSource, cut_photo
from edgekit.terminal import captured_stderr
from edgekit.train import feed
from edgekit.train.feed import draw_photo

# Several times those of any backbone; a damaged file's header must not ask for more memory than that.
_MAX_CHANNELS = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFeatures:
    """Features of photos.

    Attributes:
        crops: (photos, crops, channels): first those of the plan, as inference cuts them, then random ones.
        plan_crops: Number of the plan's crops, which come first.
    """

    crops: Float32Array
    plan_crops: int

    @property
    def fixed(self) -> Float32Array:
        """Features of the plan's crops: (photos, plan_crops, channels)."""
        return self.crops[:, : self.plan_crops]

    @property
    def drawn(self) -> Float32Array:
        """Features of the random crops: (photos, draws, channels)."""
        return self.crops[:, self.plan_crops :]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCache:
    """A model that computes features, and a folder with one small file per photo.

    Attributes:
        folder: Files are named by what features depend on: the model, the crops, the seed, the photo's bytes, and the
            code that decodes, varies and cuts photos and runs the model. None keeps nothing.
        key: Tells models apart; the converter does not give the same bytes twice.
        model: TFLite: uint8 [1, S, S, 3] RGB in, float32 [1, channels] out.
    """

    folder: Path | None
    key: str
    model: bytes

    def settings(self, source: CropSource, draws: int, seed: int) -> str:
        """Names the folder for one model and one way of cutting crops."""
        parts: list[object] = [*runtime_key(interpreter_name()), self.key, source.plan, source.side_px, draws, seed]
        parts += [sources_sha256(cut_photo, *([feed] if draws else []))]
        if source.regions is not None:
            parts.append(source.regions.plan)
        if draws and source.augmentation is not None:
            # OpenCV is loaded only where something is varied.
            from edgekit.augment import warp

            parts += [source.augmentation, sources_sha256(vary, warp), warp.RESAMPLER]
        return sha256(to_json(parts).encode())[:16]


def _file_name(photo: Path, digest: str) -> str:
    """Begins with the SHA-256 of the photo's file."""
    reader = reader_key(photo)
    return f"{digest}{f'-{reader}' if reader else ''}.npz"


def photo_features(
    cache: FeatureCache,
    source: CropSource,
    *,
    draws: int,
    seed: int,
    progress: Progress,
    columns: Int64Array | None = None,
) -> PhotoFeatures:
    """Features of the plan's crops and of ``draws`` random ones for every training photo of a source.

    They are computed by the TFLite interpreter, which is several times faster on a CPU than the training framework. A
    photo's random crops depend on the seed and on its bytes alone, so folds of a cross-validation share them.

    Args:
        cache: The model, and where features are looked for and kept.
        source: The photos and how crops are cut.
        draws: Random crops of each photo.
        seed: Seed of the random crops.
        progress: Told of every photo.
        columns: The channels that are wanted; all when None.
    """
    wanted = _Wanted(draws, seed, lambda table: table if columns is None else table[:, columns])
    tables = _tables(cache, source, wanted, progress)
    result = np.empty((len(source.paths), *tables[0].shape), np.float32)
    for index in range(len(source.paths)):
        # Given back one by one: the table of all crops is large enough once.
        result[index] = tables.pop(index)
    return PhotoFeatures(crops=result, plan_crops=source.plan.crops)


def photo_means(cache: FeatureCache, source: CropSource, *, draws: int, seed: int, progress: Progress) -> Float32Array:
    """(photos, channels): each photo's mean over the plan's crops, of features that are kept as by `photo_features`."""
    fixed = source.plan.crops
    tables = _tables(cache, source, _Wanted(draws, seed, lambda table: table[:fixed].mean(axis=0)), progress)
    return np.stack([tables[index] for index in range(len(source.paths))])


class _Wanted(NamedTuple):
    """Random crops, their seed, and what is taken of a photo's (crops, channels)."""

    draws: int
    seed: int
    take: Callable[[Float32Array], Float32Array]


def _tables(cache: FeatureCache, source: CropSource, wanted: _Wanted, progress: Progress) -> dict[int, Float32Array]:
    """What is wanted of each photo's features, by its place in the source: read, or computed and kept."""
    progress.begin("computing features of training photos", len(source.paths))
    draws, seed, take = wanted
    digests = [file_sha256(path) for path in source.paths]
    folder = None if cache.folder is None else cache.folder / cache.settings(source, draws, seed)
    names = [_file_name(path, digest) for path, digest in zip(source.paths, digests, strict=True)]
    places = [] if folder is None else [folder / name for name in names]
    expected = {"crops": ArrayType(np.float32, (source.plan.crops + draws, range(1, _MAX_CHANNELS + 1)))}
    tables: dict[int, Float32Array] = {}
    widths: dict[int, int] = {}
    for index, place in enumerate(places):
        found = read_arrays(place, expected)
        if found is not None and np.isfinite(found["crops"]).all():
            tables[index], widths[index] = take(found["crops"]), found["crops"].shape[1]

    def cut(index: int) -> RGBArray:
        photo = source.paths[index]
        rng = np.random.default_rng([seed, int(digests[index][:15], 16)])
        fixed = cut_photo(photo, source, count=source.plan.crops)
        return np.concatenate([fixed, draw_photo(rng, source, photo, draws).crops]) if draws else fixed

    if len(tables) < len(digests) or len(set(widths.values())) > 1:
        with captured_stderr():
            model = ModelInterpreter(cache.model, threads=WORKERS, scores="numbers")
        # Only the model knows how many channels are right.
        tables = {index: table for index, table in tables.items() if widths[index] == model.classes}
        missing = [index for index in range(len(digests)) if index not in tables]
        damaged = [places[index] for index in missing if places and os.path.exists(places[index])]
        if damaged:
            files = count(len(damaged), "file of features is", "files of features are")
            progress.say(f"{files} damaged and computed again, such as {damaged[0]}")
        progress.advance(len(tables))
        for index, crops in zip(missing, _foretold(cut, missing, progress), strict=True):
            computed = np.stack([model(crop) for crop in crops])
            if places:
                write_arrays(places[index], {"crops": computed})
            tables[index] = take(computed)
            progress.advance()
        if folder is not None:
            progress.say(f"features of training photos are kept in {folder} ({file_size(folder_bytes(folder))} in all)")
    else:
        progress.advance(len(tables))
    return tables


def _foretold(cut: Callable[[int], RGBArray], photos: Sequence[int], progress: Progress) -> Iterator[RGBArray]:
    """The crops of photos, in order; what the first one takes, scoring included, says how long all will."""
    began = time.monotonic()
    yield from map(cut, photos[:1])
    progress.expect((time.monotonic() - began) * len(photos[1:]))
    yield from in_order(cut, photos[1:])
