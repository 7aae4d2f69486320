"""Writes into the manifest which side of a split each group stands on, and never takes that back.

What is written stays: new photos of a known group follow it, and new groups are placed by looking at what is there and
at themselves. So a set can grow for years, and no photo that a model was tested on ever trains one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from edgekit.data.lookalikes import SameSet
from edgekit.data.manifest import SPLITS, Sample
from edgekit.data.names import shorten
from edgekit.data.options import DerivedBy
from edgekit.data.splits import balance, check_whole
from edgekit.errors import DataError

Method = Literal["fixed", "folds", "each"]
Column = Literal["split", "fold"]

# The share of groups is what was asked for; classes and kinds are balanced as far as that leaves room.
_GROUP_IMPORTANCE, _CLASS_IMPORTANCE = 8.0, 3.0
_MAX_FOLDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignConfig:
    """How to split.

    Args:
        method: ``fixed`` train, val and test; ``folds`` of a cross-validation; ``each`` group a fold of its own.
        folds: Number of folds, for the method ``folds``.
        val_fraction: Share of the groups for choosing epochs and thresholds, for the method ``fixed``.
        test_fraction: Share of the groups that are tested on, for the method ``fixed``.
        seed: Another seed places new groups otherwise.
        group_by: Derive groups by this rule, and write them, too; the photos must have none.
    """

    method: Method = "fixed"
    folds: int = 5
    val_fraction: float = 0.15
    test_fraction: float = 0.2
    seed: int = 0
    group_by: DerivedBy | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 2 <= self.folds <= _MAX_FOLDS:
            raise DataError(f"folds must be 2 to {_MAX_FOLDS}, got {self.folds}")
        if not (self.val_fraction > 0 < self.test_fraction and self.val_fraction + self.test_fraction < 1):
            raise DataError(
                "val and test fractions must be positive and leave some groups to train on, got"
                f" {self.val_fraction} and {self.test_fraction}"
            )
        if self.seed < 0:
            raise DataError(f"seed must not be negative, got {self.seed}; try 0")

    @property
    def column(self) -> Column:
        """The manifest's column that says where a photo stands."""
        return "split" if self.method == "fixed" else "fold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a split: how many groups it has, and photos by class and by kind of attack."""

    name: str
    groups: tuple[str, ...]
    classes: dict[str, int]
    kinds: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRecord:
    """Who stands where, and what crosses the border.

    Attributes:
        column: The manifest's column that was written.
        config: Options by which groups were placed.
        sides: What each side holds, in order.
        kept: Number of photos that had a side before and keep it.
        placed: Number of photos that got a side now.
        leaks: Copies, near or exact, on several sides.
        cautions: Shortcomings of the split.
    """

    column: Column
    config: AssignConfig
    sides: tuple[Side, ...]
    kept: int
    placed: int
    leaks: tuple[SameSet, ...]
    cautions: tuple[str, ...]


def assign(
    root: Path, samples: Sequence[Sample], copies: Sequence[Sequence[str]], config: AssignConfig
) -> tuple[Sample, ...]:
    """Give every photo a side; those that have one keep it.

    Args:
        root: The data folder, for messages.
        samples: All photos, each with a group.
        copies: Sets of paths whose files are the same; their groups are placed together unless they are placed already.
        config: Options by which groups are placed.

    Returns:
        The samples in their order, with the column filled.

    Raises:
        DataError: a photo has no group, a group stands on two sides, what is there was split another way, or a class
            can't stand on every side.
    """
    lacking = [sample.path for sample in samples if not sample.group]
    if lacking:
        raise DataError(
            f"{root}: a split goes by groups, got none for {len(lacking)} of {len(samples)} photos: {shorten(lacking)};"
            " name them (author, session, camera), or say --ungrouped if no photo is related to another"
        )
    check_whole(root, samples, config.column)
    units = _join_copies(samples, copies, config.column)
    side_of = {units[sample.group]: side for sample in samples if (side := getattr(sample, config.column))}
    names = _names(root, samples, units, config)
    if config.method == "each":
        placed = _number(units, side_of)
    else:
        placed = _place(samples, units, side_of, names, config)
        _check_classes(root, samples, {group: placed[unit] for group, unit in units.items()}, names)
    return tuple(replace(sample, **{config.column: placed[units[sample.group]]}) for sample in samples)


def _join_copies(samples: Sequence[Sample], copies: Sequence[Sequence[str]], column: Column) -> dict[str, str]:
    """Name the unit of each group: groups that hold the same file go together, unless they were parted."""
    group_of = {sample.path: sample.group for sample in samples}
    side_of = {sample.group: side for sample in samples if (side := getattr(sample, column))}
    unit_of = {group: group for group in group_of.values()}
    for paths in copies:
        groups = sorted({group_of[path] for path in paths})
        for other in groups[1:]:
            kept, joined = unit_of[groups[0]], unit_of[other]
            sides = {side_of[group] for group, unit in unit_of.items() if unit in (kept, joined) and group in side_of}
            # Two that were parted before stay parted; the leak check tells of it.
            if kept != joined and len(sides) <= 1:
                unit_of = {group: kept if unit == joined else unit for group, unit in unit_of.items()}
    return unit_of


def _names(root: Path, samples: Sequence[Sample], units: dict[str, str], config: AssignConfig) -> tuple[str, ...]:
    if config.method == "fixed":
        names: tuple[str, ...] = SPLITS
    elif config.method == "folds":
        names = tuple(str(number + 1) for number in range(config.folds))
    else:
        return ()
    foreign = sorted({getattr(sample, config.column) for sample in samples} - {"", *names})
    if foreign:
        raise DataError(
            f"{root}: the manifest has folds beyond {len(names)}: {shorten(foreign)}; ask for as many folds as it has,"
            " or say --again to deal them anew"
        )
    count = len(set(units.values()))
    if count < len(names):
        raise DataError(
            f"{root}: {len(names)} sides need at least {len(names)} groups, got {count}; ask for fewer, or add groups"
        )
    return names


def _number(units: dict[str, str], side_of: dict[str, str]) -> dict[str, str]:
    """A number for each unit: those that are new come behind the highest."""
    highest = max(map(int, side_of.values()), default=0)
    new = sorted(set(units.values()) - side_of.keys())
    return side_of | {unit: str(number) for number, unit in enumerate(new, start=highest + 1)}


def _place(
    samples: Sequence[Sample], units: dict[str, str], sides: dict[str, str], names: Sequence[str], config: AssignConfig
) -> dict[str, str]:
    known = sorted(set(units.values()))
    row_of = {unit: row for row, unit in enumerate(known)}
    strata = sorted({(sample.label, "") for sample in samples} | {(s.label, s.kind) for s in samples})
    column_of = {stratum: column for column, stratum in enumerate(strata)}
    counts = np.zeros((len(known), len(strata)))
    for sample in samples:
        for stratum in {(sample.label, ""), (sample.label, sample.kind)}:
            counts[row_of[units[sample.group]], column_of[stratum]] += 1
    importance = np.array(
        [_GROUP_IMPORTANCE * len(strata), *(1.0 if kind else _CLASS_IMPORTANCE for _, kind in strata)]
    )
    weights = np.hstack([np.full((len(known), 1), 1.0 / len(known)), counts / counts.sum(axis=0)])
    shares = np.full(len(names), 1.0 / len(names))
    if config.method == "fixed":
        shares = np.array([1 - config.val_fraction - config.test_fraction, config.val_fraction, config.test_fraction])
    pinned = np.array([names.index(sides[unit]) if unit in sides else -1 for unit in known], np.int64)
    rng = np.random.default_rng(config.seed)
    part_of = balance(rng, weights, shares, pinned=pinned, importance=importance)
    return {unit: names[part_of[row]] for unit, row in row_of.items()}


def _check_classes(root: Path, samples: Sequence[Sample], side_of: dict[str, str], names: Sequence[str]) -> None:
    sides_of, groups_of = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for sample in samples:
        sides_of[sample.label].add(side_of[sample.group])
        groups_of[sample.label].add(sample.group)
    for label, sides in sorted(sides_of.items()):
        absent = [name for name in names if name not in sides]
        if absent:
            raise DataError(
                f"{root}: every class must stand on every side without parting a group, got no {label!r} in"
                f" {', '.join(absent)}, which is in {len(groups_of[label])} groups"
                f" ({shorten(sorted(groups_of[label]))}); add groups of that class, ask for fewer sides, or say"
                " --again to place all groups anew"
            )


def describe_sides(samples: Sequence[Sample], column: Column) -> tuple[Side, ...]:
    """Count what stands where."""
    of_side = defaultdict[str, list[Sample]](list)
    for sample in samples:
        of_side[getattr(sample, column)].append(sample)
    names = sorted(of_side, key=lambda name: int(name) if name.isdigit() else (*SPLITS, "").index(name))
    return tuple(
        Side(
            name=name,
            groups=tuple(sorted({sample.group for sample in of_side[name]})),
            classes=dict(sorted(Counter(sample.label for sample in of_side[name]).items())),
            kinds=dict(sorted(Counter(sample.kind for sample in of_side[name] if sample.kind).items())),
        )
        for name in names
    )


def absent_kinds(sides: Sequence[Side]) -> tuple[str, ...]:
    """Kinds of attack that some side has nothing of, in words."""
    kinds = sorted({kind for side in sides for kind in side.kinds})
    without = {kind: [side.name for side in sides if kind not in side.kinds] for kind in kinds}
    return tuple(f"kind {kind!r} does not stand in {', '.join(names)}" for kind, names in without.items() if names)
