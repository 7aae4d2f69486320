"""What models say of photos, crop by crop, and what their contracts make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from edgekit.contract import Contract
from edgekit.runtime.stopping import margins
from edgekit.runtime.voting import Voted, attack_score, decide, vote_all

# All crops, so many of every photo, or (photos,) as many as each photo needs.
Count = int | Int64Array | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Probabilities of every crop: ``crops`` (photos, crops, outputs); ``targets`` (photos,) class indices.

    Where a photo may have several labels, ``targets`` are (photos, labels), 1 for those that it has.
    """

    crops: Float32Array
    targets: Int64Array

    def of(self, rows: Int64Array) -> Scores:
        """Those of some photos."""
        return Scores(crops=self.crops[rows], targets=self.targets[rows])

    def voted(self, contract: Contract, count: Count = None) -> Float64Array:
        """(photos, classes) probabilities after the vote of the first ``count`` crops, or of each photo's own count."""
        return self.voted_all(contract, count).probabilities

    def voted_all(self, contract: Contract, count: Count = None) -> Voted:
        """As ``voted``, with the (photos,) unknown scores where the contract has a rule for them."""
        if not isinstance(count, np.ndarray):
            return vote_all(self.crops[:, :count], contract)
        probabilities = np.empty((len(self.crops), len(contract.labels)))
        unknown = None if contract.unknown is None else np.empty(len(self.crops))
        for number in np.unique(count):
            part = vote_all(self.crops[count == number, :number], contract)
            probabilities[count == number] = part.probabilities
            if unknown is not None:
                unknown[count == number] = part.unknown
        return Voted(probabilities, unknown)

    def predicted(self, contract: Contract, count: Count = None) -> Int64Array:
        """(photos,) class indices that the contract decides for; -1 for "retake" and "unknown"."""
        index = {label: number for number, label in enumerate(contract.labels)}
        return np.array([index.get(label, -1) for label in self.answers(contract, count)], dtype=np.int64)

    def answers(self, contract: Contract, count: Count = None) -> list[str]:
        """What the contract decides for each photo, "retake" and "unknown" among it."""
        probabilities, unknown = self.voted_all(contract, count)
        said = [None] * len(probabilities) if unknown is None else unknown.tolist()
        return [decide(row, contract, score)[0] for row, score in zip(probabilities, said, strict=True)]

    def reached(self, contract: Contract, count: Count = None) -> BoolArray:
        """(photos, labels) which labels a contract of several says that each photo has."""
        assert contract.multi_label is not None
        return np.asarray(self.voted(contract, count) >= np.array(contract.multi_label))

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
