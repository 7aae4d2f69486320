"""Photos with their truth and what a classifier said about them: what every number of it is made of. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """Photos with their truth and everything a classifier said about them.

    Attributes:
        paths: (n,) of the photos, relative to the data's folder.
        labels: The classes.
        bona_fide: The label of genuine photos, which makes all others attacks; None for any other task.
        truth: (n,) positions in the labels.
        predicted: (n,) positions in the labels: every photo is answered, or is -1 where a rule for unknown takes it.
        probabilities: (n, classes) after the vote.
        certainty: (n,) how far each vote is from another answer, in log-odds.
        abstained: (n,) which photos the contract itself would not have answered.
        abstain: The contract's band of scores without an answer; None without one, or pooled over several contracts.
        floor: The contract's least probability of an answer; None without one, or pooled.
        unknown: (n,) unknown scores; None without a rule for unknown.
        columns: What is known of the photos, by column of the manifest; ``group`` and ``kind`` among them, or empty.

    Raises:
        DataError: lengths differ, a number is no label, a probability is not finite, …
    """

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    bona_fide: str | None
    truth: Int64Array
    predicted: Int64Array
    probabilities: Float64Array
    certainty: Float64Array
    abstained: BoolArray
    abstain: tuple[float, float] | None = None
    floor: float | None = None
    unknown: Float64Array | None = None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.paths)
        parts = (self.truth, self.predicted, self.probabilities, self.certainty, self.abstained, *self.columns.values())
        if self.unknown is not None:
            parts = (*parts, self.unknown)
        if any(len(part) != n for part in parts):
            raise DataError(f"everything must be said of all {n} photos, got {[len(part) for part in parts]}")
        checked_classes(self.truth, self.predicted, self.labels, lowest=0 if self.unknown is None else -1)
        if self.bona_fide is not None and self.bona_fide not in self.labels:
            raise DataError(f"bona fide must be one of the labels {list(self.labels)}, got {self.bona_fide!r}")
        if self.probabilities.shape != (n, len(self.labels)) or not np.isfinite(self.probabilities).all():
            raise DataError(
                f"probabilities must be {n} x {len(self.labels)} finite numbers, got {list(self.probabilities.shape)}, "
                f"{int((~np.isfinite(self.probabilities)).sum())} of them not finite"
            )

    @property
    def right(self) -> BoolArray:
        """(n,) which photos are called what they are."""
        return np.asarray(self.truth == self.predicted)

    @property
    def wrong_label(self) -> BoolArray:
        """(n,) which photos would be called wrong without a rule for unknown."""
        # Such a rule stands beside no label of genuine photos, so the most probable label is the answer.
        label = np.where(self.predicted < 0, self.probabilities.argmax(axis=1), self.predicted)
        return np.asarray(self.truth != label)

    @property
    def genuine(self) -> int | None:
        """The class of genuine photos."""
        return None if self.bona_fide is None else self.labels.index(self.bona_fide)

    @property
    def is_attack(self) -> BoolArray:
        """(n,) which photos are attacks; the classifier must have a label of genuine photos, as for the next two."""
        assert self.genuine is not None
        return np.asarray(self.truth != self.genuine)

    @property
    def called_attack(self) -> BoolArray:
        """(n,) which photos are called attacks."""
        assert self.genuine is not None
        return np.asarray(self.predicted != self.genuine)

    @property
    def attack_score(self) -> Float64Array:
        """(n,) the probability of any attack."""
        assert self.genuine is not None
        return np.asarray(np.delete(self.probabilities, self.genuine, axis=1).sum(axis=1))

    @property
    def groups(self) -> Sequence[str] | None:
        """(n,) the group of each photo; None where some have none."""
        groups = self.columns.get("group", ())
        return groups if groups and all(groups) else None

    @property
    def kinds(self) -> Sequence[str]:
        """(n,) the kind of attack of each photo; empty where nobody knows."""
        return self.columns.get("kind") or [""] * len(self.paths)


def checked_classes(
    truth: Int64Array, predicted: Int64Array, labels: Sequence[str], *, lowest: int
) -> tuple[Int64Array, Int64Array]:
    """Truth and predictions as (n,) int64.

    Args:
        truth: (n,) integers, positions in the labels.
        predicted: (n,) integers, positions in the labels, or from ``lowest`` on.
        labels: The classes, each once.
        lowest: -1 where photos may be without a verdict, else 0.

    Raises:
        DataError: no photos, lengths or types are wrong, a number is no label, or a label comes twice.
    """
    if isinstance(labels, str) or not labels or len(set(labels)) != len(labels):
        raise DataError(f"labels must be distinct names, at least one, got {labels!r:.200}")
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or not len(truth) or truth.shape != predicted.shape:
        raise DataError(
            f"truth and predicted must be one class per photo, got {list(truth.shape)} and {list(predicted.shape)}"
        )
    for name, classes, least in (("truth", truth, 0), ("predicted", predicted, lowest)):
        if classes.dtype.kind not in "iu":
            raise DataError(f"{name} must be positions in the labels, got {classes.dtype}")
        if classes.min() < least or classes.max() >= len(labels):
            got = f"{classes.min()}..{classes.max()}"
            raise DataError(f"{name} must lie in {least}..{len(labels) - 1} for {len(labels)} labels, got {got}")
    return truth.astype(np.int64), predicted.astype(np.int64)
