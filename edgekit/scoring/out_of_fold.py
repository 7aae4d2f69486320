"""Scores of training photos by heads that had not seen them: they stand in for validation photos, so that all train."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.errors import DataError, RunError
from edgekit.records import file_sha256, write_atomic
from edgekit.runtime.voting import TINY, log_odds_of, sigmoid, softmax
from edgekit.scoring.keep import ArrayType, arrays_content, read_arrays, write_arrays
from edgekit.scoring.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """Logits of training photos, crop by crop.

    Attributes:
        unseen: (photos, crops, classes) by heads that had not seen the photo's fold.
        final: (photos, crops, classes) by the head that was solved on all photos, on the same features.
    """

    unseen: Float32Array
    final: Float32Array

    def write(self, place: Path) -> None:
        """Write them whole or not at all."""
        write_arrays(place, {"unseen": self.unseen, "final": self.final})

    @classmethod
    def read(cls, place: Path, sha256: str, shape: tuple[int, int, int]) -> OutOfFold:
        """Read what ``write`` wrote.

        Raises:
            RunError: the file is missing, damaged, or not the one with this hash.
        """
        expected = ArrayType(np.float32, shape)
        found = None
        if os.path.isfile(place) and file_sha256(place) == sha256:
            found = read_arrays(place, {"unseen": expected, "final": expected})
        if found is None:
            raise RunError(
                f"{place} must be the scores of the folds that the run's record tells of, got none or others; "
                "run the stage again with --overwrite"
            )
        return cls(unseen=found["unseen"], final=found["final"])

    def scores(self, targets: Int64Array) -> Scores:
        """As probabilities: of one label a photo, or where ``targets`` have a column for each label, of several."""
        return Scores(crops=_probabilities(self.unseen.astype(np.float64), targets).astype(np.float32), targets=targets)

    def by_file(self, scored: Scores, rows: Int64Array, targets: Int64Array) -> Scores:
        """What a file would say of photos that it had not seen.

        Rounding moves a crop's score alike whoever trained the head, so each crop keeps its unseen logits and takes
        over what the file changes about the final ones. Photos that the file did not score take over the change of
        another photo of their class: of all together the spread is right.

        Args:
            scored: What the file says of some photos.
            rows: (scored photos,) which photos these are; every class is among them.
            targets: (photos,) class of every photo; or (photos, labels), and photos of the same labels are a class, of
                which some may lack scored ones.
        """
        if targets.ndim > 1:
            change = log_odds_of(scored.crops) - self.final[rows].astype(np.float64)
        else:
            change = _logs(scored.crops) - _logs(softmax(self.final[rows].astype(np.float64)))
        strata = strata_of(targets)
        lender = np.empty(len(targets), np.int64)
        for index in np.unique(strata):
            lenders, takers = np.flatnonzero(strata[rows] == index), np.flatnonzero(strata == index)
            lenders = lenders if len(lenders) else np.arange(len(rows))
            lender[takers] = lenders[np.arange(len(takers)) % len(lenders)]
        lender[rows] = np.arange(len(rows))
        moved = _probabilities(self.unseen.astype(np.float64) + change[lender], targets)
        return Scores(crops=moved.astype(np.float32), targets=targets)


def strata_of(targets: Int64Array) -> Int64Array:
    """(photos,) classes; of several labels a number for each set of labels that occurs."""
    if targets.ndim == 1:
        return targets
    return np.asarray(np.unique(targets, axis=0, return_inverse=True)[1]).reshape(-1).astype(np.int64)


def _probabilities(logits: Float64Array, targets: Int64Array) -> Float64Array:
    return sigmoid(logits) if targets.ndim > 1 else softmax(logits)


def _logs(probabilities: Float32Array | Float64Array) -> Float64Array:
    return np.asarray(np.log(np.maximum(probabilities.astype(np.float64), TINY)))


def some_of_each(targets: Int64Array, most: int, seed: int) -> Int64Array:
    """(at most ``most``,) rows drawn by chance, from every class alike where it has so many; sorted.

    Of several labels, photos of the same labels are a class.
    """
    targets = strata_of(targets)
    order = np.random.default_rng(seed).permutation(len(targets))
    rank = np.empty(len(targets), np.int64)
    for index in np.unique(targets):
        own = order[targets[order] == index]
        rank[own] = np.arange(len(own))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:most])


def beside(model: Path) -> Path:
    """Where the out-of-fold scores of a model file lie."""
    return model.with_suffix(".folds.npz")


def beside_content(scores: Scores) -> bytes:
    """The content of the file of out-of-fold scores that lies beside a model."""
    return arrays_content({"crops": scores.crops})


def carry(model: Path, out: Path) -> None:
    """Keep a model's out-of-fold scores beside a file that was made from it, too, where it has some."""
    if beside(model).is_file() and beside(out) != beside(model):
        write_atomic(beside(out), beside(model).read_bytes())


def has_beside(model: Path, sha256: object) -> bool:
    """Whether a model's out-of-fold scores lie beside it; ``sha256`` is what its contract says of the file."""
    return os.path.isfile(beside(model)) and file_sha256(beside(model)) == sha256


def read_beside(model: Path, sha256: object, shape: tuple[int, int, int], targets: Int64Array | None) -> Scores:
    """Out-of-fold scores that lie beside a model.

    Args:
        model: Path of the model file.
        sha256: What the model's contract says of the file.
        shape: Photos, crops and classes.
        targets: (photos,) class of every photo; None where nobody asks, and all are of the first.

    Raises:
        DataError: the file is missing, damaged, or another model's.
    """
    place, found = beside(model), None
    if has_beside(model, sha256):
        found = read_arrays(place, {"crops": ArrayType(np.float32, shape)})
    if found is None or not np.isfinite(found["crops"]).all():
        raise DataError(
            f"all photos of {model.name} trained it, and what heads said of them that had not seen them must lie in "
            f"{place.name} beside it, as `edgekit convert` wrote it, got none or another; copy or convert it again, or "
            "name other photos with --split all"
        )
    crops = found["crops"]
    return Scores(crops=crops, targets=np.zeros(len(crops), np.int64) if targets is None else targets)
