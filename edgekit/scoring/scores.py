"""Scores of many photos by one or more models, crop by crop, through the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.contract import Contract
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.stopping import margins
from edgekit.runtime.voting import attack_score, decide, vote
from edgekit.scoring.source import CropSource, fixed_crops
from edgekit.terminal import captured_stderr

# All crops, so many of every photo, or (photos,) as many as each photo needs.
Count = int | Int64Array | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Probabilities of every crop: ``crops`` (photos, crops, classes); ``targets`` (photos,) class indices."""

    crops: Float32Array
    targets: Int64Array

    def voted(self, contract: Contract, count: Count = None) -> Float64Array:
        """(photos, classes) probabilities after the vote of the first ``count`` crops, or of each photo's own count."""
        if not isinstance(count, np.ndarray):
            return vote(self.crops[:, :count], contract.decision)
        result = np.empty((len(self.crops), self.crops.shape[2]))
        for number in np.unique(count):
            result[count == number] = vote(self.crops[count == number, :number], contract.decision)
        return result

    def predicted(self, contract: Contract, count: Count = None) -> Int64Array:
        """(photos,) class indices that the contract decides for; -1 for "retake" and "unknown"."""
        index = {label: number for number, label in enumerate(contract.labels)}
        return np.array(
            [index.get(decide(row, contract)[0], -1) for row in self.voted(contract, count)], dtype=np.int64
        )

    def attack_scores(self, contract: Contract, count: Count = None) -> Float64Array:
        """(photos,) one minus the voted bona fide probability, summed over the attacks."""
        return attack_score(self.voted(contract, count), contract)

    def early_counts(self, contract: Contract) -> Int64Array:
        """(photos,) how many crops the runtime scores where it may stop early; ``crops`` holds all of the plan."""
        bounds = contract.decision.early_stop or ()
        counts = np.full(len(self.crops), contract.plan.crops, np.int64)
        for count, bound in reversed(list(enumerate(bounds, start=1))):
            counts[margins(self.voted(contract, count), contract) > bound] = count
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class CropUse:
    """How many crops verdicts took: mean and 95th percentile over photos."""

    mean: float
    p95: float


def crop_use(counts: Count) -> CropUse | None:
    """Of (photos,) counts; None where it is always the same number."""
    if not isinstance(counts, np.ndarray):
        return None
    return CropUse(mean=float(counts.mean()), p95=float(np.percentile(counts, 95)))


def score_photos(
    bundles: Sequence[Bundle],
    source: CropSource,
    *,
    crops: int,
    threads: int = 2,
    interpreter: str | None = None,
    progress: Progress = SILENT,
) -> list[Scores]:
    """Score the first ``crops`` crops of every photo with several models of the same input, decoding each photo once.

    Args:
        bundles: The models.
        source: Photos, and how they are cut.
        crops: How many of each photo.
        threads: Threads per inference.
        interpreter: ``litert`` or ``tflite-runtime``; None takes the first installed one.
        progress: Told of every photo.

    Raises:
        PhotoError: a photo can't be decoded.
        InterpreterError: a model can't be run here.
    """
    with captured_stderr():
        models = [ModelInterpreter(bundle.flatbuffer, threads=threads, backend=interpreter) for bundle in bundles]
    progress.begin("scoring photos", len(source.paths))
    tables = [np.empty((len(source.paths), crops, model.classes), np.float32) for model in models]
    for photo, pixels in enumerate(fixed_crops(source, count=crops)):
        for table, model in zip(tables, models, strict=True):
            for crop, tensor in enumerate(pixels):
                table[photo, crop] = model(tensor)
        progress.advance()
    return [Scores(crops=table, targets=source.targets) for table in tables]
