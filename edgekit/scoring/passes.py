"""Scores of several models by several crop plans from one decoding of each photo, kept so that a re-run goes on."""

from __future__ import annotations

import io
import os
import queue
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL

from edgekit.arrays import Float32Array
from edgekit.contract import MAX_CROPS, CropPlan
from edgekit.data.threads import in_order
from edgekit.progress import SILENT, Progress
from edgekit.records import sha256, to_json, write_atomic
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.payload import payload_bytes
from edgekit.runtime.photo import read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring.keep import UNREADABLE
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import CropSource
from edgekit.terminal import captured_stderr

# An interrupted pass loses nothing; one that is killed loses this much.
_SAVE_SECONDS = 30.0
_HEADERS_BYTES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One model, and the plans that it scores; each plan's ``crops`` says how many."""

    bundle: Bundle
    plans: tuple[CropPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Where scores are kept.

    Attributes:
        folder: Files are named by the model, the photos, the plan, the interpreter, the runtime's sources and Pillow.
        photos: Identifies the photos and their order.
    """

    folder: Path
    photos: str


@dataclass(slots=True, kw_only=True)
class _Table:
    """The scores of one model by one plan, as far as they have come."""

    job: int
    plan: CropPlan
    crops: Float32Array
    done: int
    place: Path | None
    saved: int = 0


def score_passes(
    jobs: Sequence[Job],
    source: CropSource,
    *,
    keep: Keep | None = None,
    threads: int = 2,
    progress: Progress = SILENT,
) -> list[dict[CropPlan, Scores]]:
    """Score photos by all plans of all models; the first k crops of a plan are those of a smaller plan of k.

    A photo is decoded once for every working size, and a box that several plans or models share is cut once and, by
    each model, scored once.

    Args:
        jobs: Models with their plans.
        source: Photos; its plan and side are not looked at.
        keep: Where scores are kept. Ctrl-C keeps all finished photos.
        threads: Photos worked on at once, with an interpreter of each model for each.
        progress: Told of every photo.

    Raises:
        PhotoError: a photo can't be decoded.
        InterpreterError: a model can't be run here.
    """
    with captured_stderr():
        sets = [[ModelInterpreter(job.bundle.flatbuffer) for job in jobs] for _ in range(threads)]
    tables = [
        _open(number, plan, (len(source.paths), sets[0][number]), job.bundle, keep, progress)
        for number, job in enumerate(jobs)
        for plan in job.plans
    ]
    free: queue.SimpleQueue[list[ModelInterpreter]] = queue.SimpleQueue()
    for interpreters in sets:
        free.put(interpreters)

    def work(photo: int) -> list[tuple[_Table, Float32Array]]:
        wanted = [table for table in tables if table.done <= photo]
        interpreters = free.get()
        try:
            return _score_photo(source.paths[photo], wanted, interpreters)
        finally:
            free.put(interpreters)

    first = min((table.done for table in tables), default=0)
    progress.begin("scoring photos", len(source.paths))
    progress.advance(first)
    photos = range(first, len(source.paths))
    last = time.monotonic()
    try:
        for photo, found in zip(photos, in_order(work, photos, ahead=2 * threads, workers=threads), strict=True):
            for table, scores in found:
                table.crops[photo], table.done = scores, photo + 1
            progress.advance()
            if time.monotonic() - last > _SAVE_SECONDS:
                _save(tables)
                last = time.monotonic()
    finally:
        _save(tables)
    return [
        {table.plan: Scores(crops=table.crops, targets=source.targets) for table in tables if table.job == number}
        for number in range(len(jobs))
    ]


def _score_photo(
    path: Path, wanted: Sequence[_Table], interpreters: Sequence[ModelInterpreter]
) -> list[tuple[_Table, Float32Array]]:
    found = []
    for working_px in dict.fromkeys(table.plan.working_px for table in wanted):
        photo = read_photo(path, working_px)
        boxes = {
            number: crop_boxes(table.plan, photo.size_wh, interpreters[table.job].side_px)
            for number, table in enumerate(wanted)
            if table.plan.working_px == working_px
        }
        askers: dict[tuple[int, Box], dict[int, None]] = {}
        for number, own in boxes.items():
            job = wanted[number].job
            for box in own:
                askers.setdefault((interpreters[job].side_px, box), {})[job] = None
        scored = {}
        for (side_px, box), jobs in askers.items():
            tensor = to_tensor(photo, box, side_px)
            for job in jobs:
                scored[job, box] = interpreters[job](tensor)
        found += [
            (wanted[number], np.stack([scored[wanted[number].job, box] for box in own]))
            for number, own in boxes.items()
        ]
    return found


def _open(
    job: int, plan: CropPlan, shape: tuple[int, ModelInterpreter], bundle: Bundle, keep: Keep | None, progress: Progress
) -> _Table:
    photos, model = shape
    crops = np.zeros((photos, plan.crops, model.classes), np.float32)
    if keep is None:
        return _Table(job=job, plan=plan, crops=crops, done=0, place=None)
    # Not the number of crops: a longer pass serves for a shorter one. The runtime decodes and cuts.
    runtime = sha256(payload_bytes())
    key = [bundle.contract.model_sha256, keep.photos, str(plan), plan.working_px, model.name, runtime, PIL.__version__]
    place = keep.folder / f"{sha256(to_json(key).encode())[:32]}.npz"
    table = _Table(job=job, plan=plan, crops=crops, done=0, place=place)
    if not os.path.lexists(place):
        return table
    kept = _load(place, photos, model.classes)
    if kept is None:
        progress.say(f"{place} is damaged: these photos are scored again")
    elif kept[0].shape[1] >= plan.crops:
        table.crops, table.done = kept[0][:, : plan.crops], kept[1]
        table.saved = table.done
    return table


def _load(place: Path, photos: int, classes: int) -> tuple[Float32Array, int] | None:
    """The scores in a file and of how many photos they are; None where it can't be used."""
    if not os.path.isfile(place):
        return None
    try:
        with zipfile.ZipFile(place) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
        if unpacked > photos * MAX_CROPS * classes * np.dtype(np.float32).itemsize + _HEADERS_BYTES:
            return None
        with place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            crops, done = kept["crops"], int(kept["done"])
    except UNREADABLE:
        return None
    if crops.dtype != np.float32 or crops.ndim != 3 or not 0 <= done <= photos:
        return None
    if (crops.shape[0], crops.shape[2]) != (photos, classes) or not np.isfinite(crops[:done]).all():
        return None
    return crops, done


def _save(tables: Sequence[_Table]) -> None:
    for table in tables:
        if table.place is None or table.done <= table.saved:
            continue
        buffer = io.BytesIO()
        np.savez(buffer, crops=table.crops, done=np.int64(table.done))
        write_atomic(table.place, buffer.getvalue())
        table.saved = table.done
