"""Scores of several models by several crop plans from one decoding of each photo, kept so that a re-run goes on."""

from __future__ import annotations

import itertools
import os
import queue
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit.arrays import Float32Array, Int64Array
from edgekit.contract import MAX_CROPS, CropPlan
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.threads import WORKERS, in_order
from edgekit.errors import DataError
from edgekit.progress import SILENT, Progress
from edgekit.records import sha256, to_json
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.interpreter import ModelInterpreter, score_kind
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring.keep import ArrayType, read_arrays, runtime_key, write_arrays
from edgekit.scoring.regions import check_regions
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import CropSource
from edgekit.terminal import captured_stderr

# Of the rounding of float32 probabilities.
_SUM_TOLERANCE = 1e-3
# An interrupted pass loses nothing; one that is killed loses this much.
_SAVE_SECONDS = 30.0

# A flatbuffer's SHA-256, the scales of its heads, and a plan of whatever number of crops.
_TableKey = tuple[str, tuple[str, ...] | None, CropPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlans:
    """One model, and the plans that it scores; each plan's ``crops`` says how many."""

    bundle: Bundle
    plans: tuple[CropPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStore:
    """Where scores are kept.

    Attributes:
        folder: Files are named by the model, the photos, the plan, the interpreter, the runtime's sources and Pillow.
        photos: Identifies the photos and their order.
    """

    folder: Path
    photos: str

    @classmethod
    def of(cls, folder: Path, dataset: Dataset, samples: Sequence[Sample]) -> ScoreStore:
        """Keep the scores of photos chosen from a data set."""
        key: list[object] = [dataset.sha256, [one.path for one in samples]]
        if dataset.regions is not None:
            key.append(dataset.regions.plan)
        return cls(folder=folder, photos=sha256(to_json(key).encode()))

    def place(self, table: _TableKey, runtime: Sequence[str]) -> Path:
        """The file for a flatbuffer and a plan; not by the number of crops, as fewer are the first of more."""
        model_sha256, heads, plan = table
        key = [model_sha256, heads, self.photos, str(plan), plan.working_px, *runtime]
        return self.folder / f"{sha256(to_json(key).encode())[:32]}.npz"


@dataclass(slots=True, kw_only=True)
class _Table:
    """The scores of one model by one plan, as far as they have come.

    Attributes:
        model: SHA-256 of the flatbuffer.
        plan: With the largest number of crops that is asked for.
        heads: Which head of the model scores each of its crops.
        crops: (photos, crops, classes), at least as many crops as are asked for.
        scored: (photos,) how many crops of each photo are scored.
        place: The file that keeps them; None for none.
        sums_to_one: Whether the scores of a crop do.
        is_saved: Whether the file has them all.
    """

    model: str
    plan: CropPlan
    heads: tuple[int, ...]
    crops: Float32Array
    scored: Int64Array
    place: Path | None
    sums_to_one: bool = True
    is_saved: bool = True

    def lacks(self, photo: int) -> bool:
        """Whether a photo has fewer scores than are asked for."""
        return bool(self.scored[photo] < self.plan.crops)

    def put(self, photo: int, scores: Float32Array) -> None:
        """Take the (crops, classes) scores of a photo."""
        self.crops[photo, : len(scores)], self.scored[photo] = scores, len(scores)
        self.is_saved = False

    def save(self) -> None:
        """Write what is new to the file."""
        if self.place is not None and not self.is_saved:
            write_arrays(self.place, {"crops": self.crops, "scored": self.scored})
            self.is_saved = True


def score_photos(
    bundles: Sequence[Bundle],
    source: CropSource,
    *,
    crops: int,
    store: ScoreStore | None = None,
    progress: Progress = SILENT,
) -> list[Scores]:
    """Score the first ``crops`` crops of a source's plan with several models; see :func:`score_passes`."""
    plan = replace(source.plan, crops=crops)
    models = [ModelPlans(bundle=bundle, plans=(plan,)) for bundle in bundles]
    return [found[plan] for found in score_passes(models, source, store=store, progress=progress)]


def score_passes(
    models: Sequence[ModelPlans],
    source: CropSource,
    *,
    store: ScoreStore | None = None,
    progress: Progress = SILENT,
) -> list[dict[CropPlan, Scores]]:
    """Score photos by all plans of all models; the first k crops of a plan are those of a smaller plan of k.

    A photo is decoded once for every working size, and a box that several plans or models share is cut once and, by
    each head of each model, scored once.

    Args:
        models: Models with their plans.
        source: Photos; its plan and side are not looked at.
        store: Where scores are kept. Ctrl-C keeps all finished photos.
        progress: Told of every photo.

    Raises:
        PhotoError: a photo can't be decoded.
        InterpreterError: a model can't be run here.
        ContractError: a plan has a scale for which a model has no head, or photos are whole where a model classifies
            regions of them, or the other way round.
    """
    for one in models:
        check_regions(one.bundle.contract, source.regions)
    bundles = {one.bundle.contract.model_sha256: one.bundle for one in models}
    with captured_stderr():
        sets = [
            {sha: ModelInterpreter(one.flatbuffer, scores=score_kind(one.contract)) for sha, one in bundles.items()}
            for _ in range(WORKERS)
        ]
    tables = _open(models, source.paths, sets[0], store, progress)
    free: queue.SimpleQueue[dict[str, ModelInterpreter]] = queue.SimpleQueue()
    for interpreters in sets:
        free.put(interpreters)

    def work(photo: int) -> list[tuple[_Table, Float32Array]]:
        wanted = [table for table in tables.values() if table.lacks(photo)]
        interpreters = free.get()
        try:
            return _score_photo(source, source.paths[photo], wanted, interpreters)
        finally:
            free.put(interpreters)

    def save() -> None:
        for table in tables.values():
            table.save()

    photos = [photo for photo in range(len(source.paths)) if any(table.lacks(photo) for table in tables.values())]
    progress.begin("scoring photos", len(source.paths))
    progress.advance(len(source.paths) - len(photos))
    began = last = time.monotonic()
    try:
        # The first by itself: how long it takes says how long all will.
        found_in_order = itertools.chain(map(work, photos[:1]), in_order(work, photos[1:], ahead=2 * WORKERS))
        for photo, found in zip(photos, found_in_order, strict=True):
            for table, scores in found:
                table.put(photo, scores)
            progress.advance()
            if photo == photos[0]:
                progress.expect((time.monotonic() - began) * (len(photos) - 1) / WORKERS)
            if time.monotonic() - last > _SAVE_SECONDS:
                save()
                last = time.monotonic()
    finally:
        save()
    return [
        {
            plan: Scores(crops=tables[_key(one.bundle, plan)].crops[:, : plan.crops], targets=source.targets)
            for plan in one.plans
        }
        for one in models
    ]


def _key(bundle: Bundle, plan: CropPlan) -> _TableKey:
    """The same for plans that differ by their numbers of crops alone: they share a table."""
    return bundle.contract.model_sha256, bundle.contract.heads, replace(plan, crops=1)


def _score_photo(
    source: CropSource, path: Path, wanted: Sequence[_Table], interpreters: Mapping[str, ModelInterpreter]
) -> list[tuple[_Table, Float32Array]]:
    found = []
    for working_px in dict.fromkeys(table.plan.working_px for table in wanted):
        photo = source.open(path, working_px)
        crops = {
            number: list(
                zip(crop_boxes(table.plan, photo.size_wh, interpreters[table.model].side_px), table.heads, strict=True)
            )
            for number, table in enumerate(wanted)
            if table.plan.working_px == working_px
        }
        askers: dict[tuple[int, Box], dict[tuple[str, int], None]] = {}
        for number, own in crops.items():
            model = wanted[number].model
            for box, head in own:
                askers.setdefault((interpreters[model].side_px, box), {})[model, head] = None
        scored = {}
        for (side_px, box), heads in askers.items():
            tensor = to_tensor(photo, box, side_px)
            for model, head in heads:
                scored[model, box, head] = interpreters[model](tensor, head)
        found += [
            (wanted[number], np.stack([scored[wanted[number].model, box, head] for box, head in own]))
            for number, own in crops.items()
        ]
    return found


def _open(
    models: Sequence[ModelPlans],
    photos: Sequence[Path],
    interpreters: Mapping[str, ModelInterpreter],
    store: ScoreStore | None,
    progress: Progress,
) -> dict[_TableKey, _Table]:
    """A table for every flatbuffer and plan, with the scores that are kept."""
    longest: dict[_TableKey, int] = {}
    heads: dict[_TableKey, tuple[int, ...]] = {}
    for one in models:
        for plan in one.plans:
            key = _key(one.bundle, plan)
            longest[key] = max(plan.crops, longest.get(key, 0))
            heads[key] = one.bundle.contract.heads_for(plan, longest[key])
    runtime = {sha: runtime_key(one.name, photos) for sha, one in interpreters.items()} if store is not None else {}
    kinds = {one.bundle.contract.model_sha256: score_kind(one.bundle.contract) for one in models}
    tables = {}
    for key, crops in longest.items():
        model, _, plan = key
        table = _Table(
            model=model,
            plan=replace(plan, crops=crops),
            heads=heads[key],
            crops=np.zeros((len(photos), crops, interpreters[model].classes), np.float32),
            scored=np.zeros(len(photos), np.int64),
            place=None if store is None else store.place(key, runtime[model]),
            sums_to_one=kinds[model] == "one-of",
        )
        _load(table, progress)
        tables[key] = table
    return tables


def _load(table: _Table, progress: Progress) -> None:
    """Take the scores that are kept; where they are of fewer crops, room is left for the rest."""
    if table.place is None or not os.path.lexists(table.place):
        return
    if not table.place.is_file():
        raise DataError(f"{table.place} must be a file of kept scores, got a folder, a pipe or a device; remove it")
    photos, crops, classes = table.crops.shape
    expected = {
        "crops": ArrayType(np.float32, (photos, range(1, MAX_CROPS + 1), classes)),
        "scored": ArrayType(np.int64, (photos,)),
    }
    kept = read_arrays(table.place, expected)
    if kept is None or not _is_sound(kept["crops"], kept["scored"], table.sums_to_one):
        progress.say(f"{table.place} is damaged: these photos are scored again")
        return
    table.scored = kept["scored"]
    if kept["crops"].shape[1] >= crops:
        table.crops = kept["crops"]
    else:
        table.crops[:, : kept["crops"].shape[1]] = kept["crops"]


def _is_sound(crops: Float32Array, scored: Int64Array, sums_to_one: bool) -> bool:
    """Whether a photo's scored crops have probabilities, and the others zeros."""
    known = np.arange(crops.shape[1]) < scored[:, None]
    if not ((scored >= 0) & (scored <= crops.shape[1])).all() or not (crops >= 0).all():
        return False
    if not sums_to_one:
        return bool((crops <= known[:, :, None]).all())
    sums = np.where(known, 1.0, 0.0)
    return bool((np.abs(crops.sum(axis=2, dtype=np.float64) - sums) <= _SUM_TOLERANCE).all())
