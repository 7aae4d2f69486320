"""Where a classifier does worse: its numbers on every value of every column that is known of photos. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import BoolArray, Int64Array
from edgekit.bounds import Counted
from edgekit.errors import DataError
from edgekit.metrics.attacks import MIN_PHOTOS
from edgekit.metrics.classification import macro_samples
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.rates import Rate, Resampling, rate, share_estimates

MAX_VALUES = 200
WORST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The photos that have one value in one column.

    Attributes:
        column: A column of the manifest.
        value: The value that these photos have in the column; empty where it is not known.
        n: Number of photos.
        errors: Number of photos called wrong.
        balanced_accuracy: Mean recall over the classes that occur in the slice, whose intervals rest on the groups
            inside it.
        apcer: APCER over all attacks in the slice; None without any, or without a label of genuine photos.
        bpcer: Share of genuine photos called attacks; None without genuine photos, or without their label.
    """

    column: str
    value: str
    n: Counted
    errors: Rate
    balanced_accuracy: Estimate
    apcer: Rate | None
    bpcer: Rate | None

    @property
    def name(self) -> str:
        """``camera=X``, or ``camera=unknown`` where nobody knows."""
        return f"{self.column}={self.value or 'unknown'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """A classifier's numbers slice by slice.

    Attributes:
        columns: Columns that were looked at.
        found: The slices, by column, and the worst first.
        worst: Names of the worst ones ("camera=X"), among those with 10 photos or more that do worse than all photos.
        left_out: Slices that were not looked at, because a column has too many values.
        caution: A caution to print beside the slices.
    """

    columns: tuple[str, ...]
    found: tuple[Slice, ...]
    worst: tuple[str, ...]
    left_out: Counted
    caution: str


def slice_photos(
    columns: Mapping[str, Sequence[str]],
    truth: Int64Array,
    predicted: Int64Array,
    genuine: int | None,
    groups: Sequence[str] | None,
) -> Slices:
    """Slice by every column that tells photos apart.

    The kind of attack is known of attacks alone, so genuine photos without one are in no slice of that column.

    Args:
        columns: Name → (n,) what each photo has there.
        truth: (n,) classes.
        predicted: (n,) classes.
        genuine: The class of genuine photos; None where the task is not presentation-attack detection.
        groups: (n,) group of each photo; None without.

    Raises:
        DataError: a column is not as long as there are photos.
    """
    found: list[Slice] = []
    left_out, looked_at = 0, []
    for column, values in columns.items():
        if len(values) != len(truth):
            raise DataError(f"column {column!r} must have one value a photo, got {len(values)} for {len(truth)} photos")
        named = np.asarray([value.strip() for value in values], dtype=np.str_)
        among = np.ones(len(truth), np.bool_)
        if column == "kind" and genuine is not None:
            among = (truth != genuine) | (named != "")
        names, counts = np.unique(named[among], return_counts=True)
        if len(names) < 2:
            continue
        looked_at.append(column)
        frequent = names[np.argsort(-counts, kind="stable")][:MAX_VALUES]
        left_out += len(names) - len(frequent)
        slices = [
            _slice(column, str(name), among & (named == name), (truth, predicted), genuine, groups) for name in frequent
        ]
        found += sorted(slices, key=lambda one: (one.n < MIN_PHOTOS, one.balanced_accuracy.value, -one.n, one.value))
    overall = macro_samples(truth, predicted, np.ones((1, len(truth)), np.int64))[0, 0]
    worse = [one for one in found if one.n >= MIN_PHOTOS and one.balanced_accuracy.value < overall]
    worst = sorted(worse, key=lambda one: (one.balanced_accuracy.value, -one.n))[:WORST]
    return Slices(
        columns=tuple(looked_at),
        found=tuple(found),
        worst=tuple(one.name for one in worst),
        left_out=left_out,
        caution=_caution(len(found), left_out),
    )


def _caution(count: int, left_out: int) -> str:
    if not count:
        return ""
    more = f"; {left_out} more were not looked at" if left_out else ""
    return (
        f"{count} slices were looked at{more}: the worst of so many looks bad by chance alone, and about one interval "
        f"in twenty misses the truth; take a slice for a finding only where other photos of it say the same"
    )


def _slice(
    column: str,
    value: str,
    own: BoolArray,
    judged: tuple[Int64Array, Int64Array],
    genuine: int | None,
    groups: Sequence[str] | None,
) -> Slice:
    truth, predicted = (classes[own] for classes in judged)
    inner = [group for group, inside in zip(groups, own, strict=True) if inside] if groups is not None else None
    how = Resampling.of(inner, len(truth))
    sides = [truth == index for index in np.unique(truth)]
    (balanced,) = share_estimates(lambda weights: macro_samples(truth, predicted, weights)[:1], how, sides)
    errors = rate(np.ones(len(truth), np.bool_), truth != predicted, how)
    assert errors is not None
    return Slice(
        column=column,
        value=value,
        n=len(truth),
        errors=errors,
        balanced_accuracy=balanced,
        apcer=None if genuine is None else rate(truth != genuine, predicted == genuine, how),
        bpcer=None if genuine is None else rate(truth == genuine, predicted != genuine, how),
    )
