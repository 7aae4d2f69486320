"""Scores of many photos by one or more models, crop by crop, through the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.contract import Contract
from edgekit.feed import CropSource, fixed_crops
from edgekit.progress import SILENT, Progress
from edgekit.quiet import captured_stderr
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.voting import decide, vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Probabilities of every crop: ``crops`` (photos, crops, classes); ``targets`` (photos,) class indices."""

    crops: NDArray[np.float32]
    targets: NDArray[np.int64]

    def voted(self, contract: Contract, count: int | None = None) -> NDArray[np.float64]:
        """(photos, classes) probabilities after the vote of the first ``count`` crops."""
        return vote(self.crops[:, :count], contract.decision)

    def predicted(self, contract: Contract, count: int | None = None) -> NDArray[np.int64]:
        """(photos,) class indices that the contract decides for; -1 for "retake" and "unknown"."""
        index = {label: number for number, label in enumerate(contract.labels)}
        return np.array(
            [index.get(decide(row, contract)[0], -1) for row in self.voted(contract, count)], dtype=np.int64
        )

    def attack_scores(self, contract: Contract, count: int | None = None) -> NDArray[np.float64]:
        """(photos,) one minus the voted bona fide probability, summed over the attacks."""
        assert contract.bona_fide is not None
        voted = self.voted(contract, count)
        return np.asarray(np.delete(voted, contract.labels.index(contract.bona_fide), axis=1).sum(axis=1))


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
