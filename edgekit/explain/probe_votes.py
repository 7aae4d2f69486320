"""What probes moved, by votes on photos as they were and as they were changed: of one label a photo, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.contract import Contract
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.evaluate.accuracy import forced
from edgekit.explain.probe_record import Moved, ProbeMeasure
from edgekit.metrics.intervals import Difference
from edgekit.metrics.rates import paired_difference
from edgekit.metrics.several import average_precisions, precision_changes
from edgekit.runtime.voting import decide
from edgekit.scoring.source import targets_of


class ProbeVotes(Protocol):
    """Votes of all probes, that of the untouched photos first, against the truth."""

    @property
    def measure(self) -> ProbeMeasure:
        """What is told beside the score."""

    @property
    def score(self) -> float:
        """Mean probability, on untouched photos, of what is right."""

    @property
    def right(self) -> float:
        """The measure on untouched photos."""

    @property
    def chance(self) -> float:
        """The measure of answers by chance."""

    def effect(self, probe: int) -> tuple[Moved | None, dict[str, Moved]]:
        """What a probe moves on the photos that it changed: over all labels, and label by label; None without any."""


def votes_of(
    contract: Contract, dataset: Dataset, samples: Sequence[Sample], votes: Float64Array, changed: BoolArray
) -> ProbeVotes:
    """Votes against what the photos' rows say.

    Args:
        contract: The model's contract.
        dataset: The photos' data.
        samples: The photos.
        votes: (probes, photos, labels) probabilities; anything where a probe left a photo out.
        changed: (probes, photos) whether the probe could change the photo; all of the first, which changes none.
    """
    names = tuple(sample.group for sample in samples)
    groups = names if any(names) else None
    truth = targets_of(dataset, samples, contract.labels)
    if contract.multi_label is not None:
        return _OfSeveral(labels=contract.labels, groups=groups, changed=changed, has=truth > 0, votes=votes)
    # Of photos that were left out even votes, which nobody looks at.
    filled = np.where(changed[:, :, np.newaxis], votes, 1 / len(contract.labels))
    answering = forced(contract)
    called = np.array([[contract.labels.index(decide(row, answering)[0]) for row in table] for table in filled])
    return _OfOne(
        labels=contract.labels,
        groups=groups,
        changed=changed,
        truth=truth,
        scores=votes[:, np.arange(len(samples)), truth],
        is_right=called == truth,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _OfOne:
    """Of a model of one label a photo.

    Attributes:
        groups: Group of each photo; None where there are none.
        changed: (probes, photos) whether the probe could change the photo.
        truth: (photos,) numbers of the true labels.
        scores: (probes, photos) probability of the true class.
        is_right: (probes, photos) whether a photo is called right.
    """

    labels: tuple[str, ...]
    groups: tuple[str, ...] | None
    changed: BoolArray
    truth: Int64Array
    scores: Float64Array
    is_right: BoolArray

    @property
    def measure(self) -> ProbeMeasure:
        return "accuracy"

    @property
    def score(self) -> float:
        return float(self.scores[0].mean())

    @property
    def right(self) -> float:
        return float(self.is_right[0].mean())

    @property
    def chance(self) -> float:
        return 1 / len(self.labels)

    def effect(self, probe: int) -> tuple[Moved | None, dict[str, Moved]]:
        by_class = {self.labels[at]: self._moved(probe, self.truth == at) for at in np.unique(self.truth).tolist()}
        every = np.ones(len(self.truth), dtype=np.bool_)
        return self._moved(probe, every), {label: moved for label, moved in by_class.items() if moved is not None}

    def _moved(self, probe: int, among: BoolArray) -> Moved | None:
        """What a probe moves on those of some photos that it changed."""
        kept = np.flatnonzero(self.changed[probe] & among)
        if not len(kept):
            return None
        groups = None if self.groups is None else [self.groups[at] for at in kept]
        before, after = self.scores[0, kept], self.scores[probe, kept]
        was, now = self.is_right[0, kept].astype(np.float64), self.is_right[probe, kept].astype(np.float64)
        return Moved(
            photos=len(kept),
            score_before=float(before.mean()),
            score=float(after.mean()),
            score_change=paired_difference((after - before) / len(kept), groups),
            accuracy_before=float(was.mean()),
            accuracy=float(now.mean()),
            accuracy_change=paired_difference((now - was) / len(kept), groups),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _OfSeveral:
    """Of a model of several labels a photo.

    Attributes:
        groups: Group of each photo; None where there are none.
        changed: (probes, photos) whether the probe could change the photo.
        has: (photos, labels) which labels each photo has.
        votes: (probes, photos, labels) probability of each.
    """

    labels: tuple[str, ...]
    groups: tuple[str, ...] | None
    changed: BoolArray
    has: BoolArray
    votes: Float64Array

    @property
    def measure(self) -> ProbeMeasure:
        return "mean average precision"

    @property
    def score(self) -> float:
        return float(self.votes[0][self.has].mean())

    @property
    def right(self) -> float:
        return float(np.nanmean(average_precisions(self.has, self.votes[0])))

    @property
    def chance(self) -> float:
        # What an order by chance comes to, but for a little where photos are few.
        return float(self.has.mean(axis=0)[self.has.any(axis=0)].mean())

    def effect(self, probe: int) -> tuple[Moved | None, dict[str, Moved]]:
        kept = np.flatnonzero(self.changed[probe])
        has, before, after = self.has[kept], self.votes[0, kept], self.votes[probe, kept]
        if not has.any():
            return None, {}
        groups = None if self.groups is None else [self.groups[at] for at in kept]
        whole, *each = precision_changes(has, before, after, groups)
        was, now = (average_precisions(has, votes) for votes in (before, after))

        def moved(own: BoolArray, rates: tuple[float, float], change: Difference) -> Moved:
            number = own.sum()
            return Moved(
                photos=int(own.any(axis=1).sum()),
                score_before=float(before[own].mean()),
                score=float(after[own].mean()),
                score_change=paired_difference(((after - before) * own).sum(axis=1) / number, groups),
                accuracy_before=rates[0],
                accuracy=rates[1],
                accuracy_change=change,
            )

        by_label = {
            label: moved(has & (np.arange(len(self.labels)) == at), (float(was[at]), float(now[at])), each[at])
            for at, label in enumerate(self.labels)
            if has[:, at].any()
        }
        return moved(has, (float(np.nanmean(was)), float(np.nanmean(now))), whole), by_label
