"""Train, validation and test photos, so that no group stands on two sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import SPLITS, Sample
from edgekit.data.names import shorten
from edgekit.data.options import SplitConfig
from edgekit.data.several import Membership, memberships
from edgekit.errors import DataError
from edgekit.records import sha256, to_json

Part = Literal["train", "val", "test"]
Shares = dict[str, float]
Placing = dict[str, str]

_CAUTION = "no group column: the split is random and the number will flatter"
_VAL_CAUTION = "no group column: the validation photos were taken from train at random and their number will flatter"
_FOLDS_CAUTION = "no group column: the folds inside the training photos are random and their number will flatter"

_RESTARTS = 20
_MAX_PLACINGS = 40_000
_MAX_MOVES = 500
# Less is rounding, or the endless polish of thousands of small groups.
_MIN_GAIN = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which photos to train on, to choose by, and to test with.

    Args:
        train: Paths of the photos to train on, sorted.
        val: Paths of those for choosing epochs and thresholds, sorted; none where folds inside ``train`` choose.
        test: Paths of those to be touched once, sorted; none where all photos train.
        method: Origin of the split: the data's own, by groups, or random.
        caution: A caution to print beside every number that rests on this split; often empty.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    method: Literal["manifest", "groups", "random"]
    caution: str = ""

    @property
    def sha256(self) -> str:
        """Names which photo is in which part."""
        return sha256(to_json([self.train, self.val, self.test]).encode())

    def samples(self, dataset: Dataset, part: Part) -> tuple[Sample, ...]:
        """Give the samples of one part.

        Raises:
            DataError: the dataset lacks photos of this split.
        """
        paths: tuple[str, ...] = getattr(self, part)
        sample_of = {sample.path: sample for sample in dataset.samples}
        lacking = [path for path in paths if path not in sample_of]
        if lacking:
            raise DataError(
                f"{dataset.root}: the data must hold every photo of the split, got none of {shorten(lacking)};"
                " split this data anew"
            )
        return tuple(sample_of[path] for path in paths)


def split_dataset(dataset: Dataset, config: SplitConfig, *, holds_out_val: bool = True) -> Split:
    """Split a dataset: as its manifest or folders say, else by groups, else at random with a caution.

    Every part gets every class, and groups stay whole. The same data and config give the same split.

    Args:
        dataset: Photos with labels.
        config: The shares of the parts that the data doesn't name.
        holds_out_val: Whether validation photos are kept from training; without, those that the data names train, too,
            and :func:`training_folds` judges them.

    Raises:
        DataError: names the classes and groups that can't be split so.
    """
    rng = np.random.default_rng(config.seed)
    if any(sample.split for sample in dataset.samples):
        return _take_given(rng, dataset, config, holds_out_val=holds_out_val)
    if holds_out_val:
        config.refuse_nothing_left()
    shares = {"val": config.val_fraction} if holds_out_val else {}
    shares |= {"test": config.test_fraction} if config.test_fraction else {}
    shares = {"train": 1 - sum(shares.values()), **shares}
    placing = _place(rng, dataset, dataset.samples, shares)
    if dataset.has_groups:
        return _to_split(placing, "groups")
    return _to_split(placing, "random", _CAUTION if len(shares) > 1 else _FOLDS_CAUTION)


def training_folds(dataset: Dataset, split: Split, config: SplitConfig) -> Int64Array:
    """Deal the training photos into folds: by groups, where there are some, else at random.

    Photos of every class stay when any fold is left out.

    Returns:
        (photos,) int64: the fold of each training photo, from 0 on.

    Raises:
        DataError: a class stands in one group, or in one photo, alone.
    """
    samples = split.samples(dataset, "train")
    # Of several labels, photos without one must stay, too.
    members: Sequence[Sample | Membership] = memberships(samples) if dataset.multi_label else samples
    labels, classes = np.unique([one.label for one in members], return_inverse=True)
    units = np.unique([sample.group or sample.path for sample in samples])
    unit_of = np.searchsorted(units, [one.group or one.path for one in members])
    counts = np.zeros((len(units), len(labels)))
    np.add.at(counts, (unit_of, classes), 1)
    for folds in range(min(config.folds, len(units)), 1, -1):
        rng = np.random.default_rng(config.seed)
        if dataset.has_groups or dataset.multi_label:
            fold_of = balance(rng, counts / counts.sum(axis=0), np.full(folds, 1 / folds))
        else:
            fold_of = _deal(rng, counts.argmax(axis=1), folds)
        held = np.zeros((folds, len(labels)))
        np.add.at(held, fold_of, counts)
        # A fold that is empty leaves nobody out.
        if (held.sum(axis=1) > 0).all() and (counts.sum(axis=0) - held > 0).all():
            own = np.searchsorted(units, [sample.group or sample.path for sample in samples])
            return np.asarray(fold_of[own], dtype=np.int64)
    what = "groups" if dataset.has_groups else "photos"
    raise DataError(
        f"{dataset.root}: every class must stand in at least 2 {what} of the training photos, so that each is judged by"
        f" a head that has not seen it; {_describe(list(units), list(labels), counts, least=2)}; add {what}"
    )


def _deal(rng: np.random.Generator, classes: Int64Array, folds: int) -> Int64Array:
    """Deal photos out class by class, each class where the last one ended."""
    order = rng.permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    fold_of = np.empty(len(classes), np.int64)
    fold_of[order] = np.arange(len(classes)) % folds
    return fold_of


def group_folds(dataset: Dataset, folds: int, seed: int = 0, *, holds_out_val: bool = True) -> tuple[Split, ...]:
    """Make the splits of a cross-validation by groups: each group is in test exactly once.

    A split's validation photos, where some are held out, are the next fold's test photos. Splits that the data names
    are ignored; its folds, where the manifest has them, are taken as they are.

    Args:
        dataset: Data with groups.
        folds: At least three: one to test, one to validate, the rest to train. As many as the data names, if it does.
        seed: Another seed gives other folds, unless the data names them.
        holds_out_val: Whether a fold validates; without, all but the tested one train.

    Returns:
        One split per fold.

    Raises:
        DataError: there are no groups, or too few of them.
    """
    if seed < 0:
        raise DataError(f"seed must not be negative, got {seed}; try 0")
    if folds < 3:
        raise DataError(f"folds must be at least 3, for train, val and test, got {folds}; ask for more")
    if not dataset.has_groups:
        raise DataError(
            f"{dataset.root}: folds are made of groups, got data without a group column; add it, or say --group-by"
        )
    if len(dataset.groups) < folds:
        raise DataError(
            f"{dataset.root}: {folds} folds need at least {folds} groups, got {len(dataset.groups)}:"
            f" {shorten(dataset.groups)}; ask for fewer folds"
        )
    shares = {f"fold {number}": 1 / folds for number in range(folds)}
    if any(sample.fold for sample in dataset.samples):
        placing = _given_folds(dataset, list(shares))
    else:
        placing = _place(np.random.default_rng(seed), dataset, dataset.samples, shares)
    splits = []
    for number in range(folds):
        role_of = {f"fold {(number + 1) % folds}": "val"} if holds_out_val else {}
        role_of[f"fold {number}"] = "test"
        roles = {path: role_of.get(fold, "train") for path, fold in placing.items()}
        splits.append(_to_split(roles, "groups"))
    return tuple(splits)


def _given_folds(dataset: Dataset, names: Sequence[str]) -> Placing:
    """The folds that the data names, in the order of their numbers."""
    known = sorted({sample.fold for sample in dataset.samples}, key=int)
    if len(known) != len(names):
        raise DataError(
            f"{dataset.root}: the manifest names {len(known)} folds ({shorten(known)}), got a cross-validation of"
            f" {len(names)}; ask for {len(known)}, or remove the column to have folds made"
        )
    check_whole(dataset.root, dataset.samples, "fold")
    name_of = dict(zip(known, names, strict=True))
    return {sample.path: name_of[sample.fold] for sample in dataset.samples}


def check_whole(root: Path, samples: Sequence[Sample], column: Literal["split", "fold"]) -> None:
    """Hold that no group stands on two sides; photos that are on no side yet don't count.

    Raises:
        DataError: names a group that does.
    """
    sides_of = defaultdict[str, set[str]](set)
    for sample in samples:
        if sample.group and getattr(sample, column):
            sides_of[sample.group].add(getattr(sample, column))
    for group, sides in sorted(sides_of.items()):
        if len(sides) > 1:
            raise DataError(
                f"{root}: a group must stand in one {column}, got {group!r} in {', '.join(sorted(sides))};"
                " move all its photos to one of them"
            )


def _to_split(placing: Placing, method: Literal["manifest", "groups", "random"], caution: str = "") -> Split:
    train, val, test = (tuple(sorted(path for path, part in placing.items() if part == name)) for name in SPLITS)
    return Split(train=train, val=val, test=test, method=method, caution=caution)


def _take_given(rng: np.random.Generator, dataset: Dataset, config: SplitConfig, *, holds_out_val: bool) -> Split:
    """Respect the splits that the data names; take validation photos from train where it names none."""
    untested = _check_given(dataset, needs_test=config.test_fraction > 0)
    placing = {sample.path: sample.split for sample in dataset.samples}
    caution = ""
    if not holds_out_val:
        placing = {path: "train" if part == "val" else part for path, part in placing.items()}
        caution = "" if dataset.has_groups else _FOLDS_CAUTION
    elif "val" not in placing.values():
        shares = {"train": 1 - config.val_fraction, "val": config.val_fraction}
        train = [sample for sample in dataset.samples if sample.split == "train"]
        caution = "" if dataset.has_groups else _VAL_CAUTION
        placing |= _place(rng, dataset, train, shares)
    return _to_split(placing, "manifest", "; ".join(filter(None, (untested, caution))))


def _check_given(dataset: Dataset, *, needs_test: bool) -> str:
    """Hold that the data's own split can be trained on; says which classes it tests no photo of."""
    check_whole(dataset.root, dataset.samples, "split")
    classes_of = defaultdict[str, set[str]](set)
    for sample in dataset.samples:
        classes_of[sample.split].update(dataset.labels_of(sample))
    untested = sorted(set(dataset.labels) - classes_of["test"]) if classes_of["test"] else []
    for name in SPLITS:
        lacking = sorted(set(dataset.labels) - classes_of[name])
        # Validation photos can be taken from train, and a class may stay untested: all may where none are to be tested.
        may_be_absent = name == "val" or (name == "test" and not needs_test)
        if lacking and not (may_be_absent and not classes_of[name]) and not (name == "test" and untested):
            raise DataError(
                f"{dataset.root}: the split {name!r} must hold every class, got no photo of {shorten(lacking)};"
                " move groups there, or remove the splits to have them made"
            )
    if dataset.multi_label:
        for name in ("train", "val"):
            own = [set(dataset.labels_of(sample)) for sample in dataset.samples if sample.split == name]
            on_all = sorted(set.intersection(*own)) if own else []
            if on_all:
                raise DataError(
                    f"{dataset.root}: the split {name!r} must hold photos without each label, got none without "
                    f"{shorten(on_all)}; move groups there, or remove the splits to have them made"
                )
    return f"no test photo of {shorten(untested)}: the number says nothing of that" if untested else ""


def _place(rng: np.random.Generator, dataset: Dataset, samples: Sequence[Sample], shares: Shares) -> Placing:
    """Place photos, groups whole, so that every part has every class; of several labels also photos without each."""
    if dataset.multi_label:
        return _place_groups(rng, memberships(samples), shares, "groups" if dataset.has_groups else "photos")
    return (_place_groups if dataset.has_groups else _place_photos)(rng, samples, shares)


def _place_photos(rng: np.random.Generator, samples: Sequence[Sample], shares: Shares) -> Placing:
    """Place photos at random, class by class."""
    paths_of = defaultdict[str, list[str]](list)
    for sample in samples:
        paths_of[sample.label].append(sample.path)
    placing: Placing = {}
    for label, paths in sorted(paths_of.items()):
        if len(paths) < len(shares):
            raise DataError(
                f"class {label!r} must have at least {len(shares)} photos, one each for {', '.join(shares)}, got"
                f" {len(paths)}: {shorten(paths)}; add photos"
            )
        parts = np.repeat(list(shares), _sizes(len(paths), np.array(list(shares.values()))))
        placing |= {paths[index]: str(part) for index, part in zip(rng.permutation(len(paths)), parts, strict=True)}
    return placing


def _sizes(total: int, shares: Float64Array) -> Int64Array:
    """Divide by the largest remainder, with at least one for each share; (shares,) int64 that sum to ``total``."""
    sizes = np.maximum(1, np.floor(shares * total)).astype(np.int64)
    while sizes.sum() > total:
        sizes[np.argmax(sizes)] -= 1
    while sizes.sum() < total:
        sizes[np.argmax(shares * total - sizes)] += 1
    return sizes


def _place_groups(
    rng: np.random.Generator, samples: Sequence[Sample | Membership], shares: Shares, what: str = "groups"
) -> Placing:
    """Place whole groups so that every part has every class, each in about its share; ``what`` names them."""
    labels = sorted({sample.label for sample in samples})
    groups = sorted({sample.group for sample in samples})
    row_of = {group: row for row, group in enumerate(groups)}
    column_of = {label: column for column, label in enumerate(labels)}
    counts = np.zeros((len(groups), len(labels)))
    for sample in samples:
        counts[row_of[sample.group], column_of[sample.label]] += 1
    if ((counts > 0).sum(axis=0) < len(shares)).any():
        raise DataError(
            f"every class must stand in at least {len(shares)} {what}, one each for {', '.join(shares)};"
            f" {_describe(groups, labels, counts, least=len(shares))}; add {what}"
        )
    part_of = balance(rng, counts / counts.sum(axis=0), np.array(list(shares.values())))
    for index, name in enumerate(shares):
        absent = np.flatnonzero(~counts[part_of == index].any(axis=0))
        if absent.size:
            raise DataError(
                f"every class must stand in {', '.join(shares)} without parting a group, but no way was found to give"
                f" {name} the class {labels[absent[0]]!r}; {_describe(groups, labels, counts)}; add {what}"
            )
    names = list(shares)
    return {sample.path: names[part_of[row_of[sample.group]]] for sample in samples}


def _describe(groups: Sequence[str], labels: Sequence[str], counts: Float64Array, *, least: int = 0) -> str:
    """Name the groups of the classes that have the fewest; where some have fewer than ``least``, of these alone."""
    groups_of = {
        label: [groups[row] for row in np.flatnonzero(counts[:, column]).tolist()]
        for column, label in enumerate(labels)
    }
    few = [label for label in labels if len(groups_of[label]) < least] or list(labels)
    rarest = sorted(few, key=lambda label: len(groups_of[label]))
    return "got " + shorten(
        (f"{label!r} in {len(groups_of[label])} ({shorten(groups_of[label])})" for label in rarest), limit=3
    )


def balance(
    rng: np.random.Generator,
    weights: Float64Array,
    shares: Float64Array,
    *,
    pinned: Int64Array | None = None,
    importance: Float64Array | None = None,
) -> Int64Array:
    """Place groups on parts: greedily in random order, then by single moves while they help; the best of some tries.

    Args:
        rng: Generator that chooses the random orders.
        weights: (groups, classes) float64, each group's part of each class; columns sum to 1.
        shares: (parts,) float64, what each part should get of every class; they sum to 1.
        pinned: (groups,) int64, the part of groups that have one already and stay there, -1 for the others.
        importance: (classes,) float64, how much each column counts; all alike when None.

    Returns:
        (groups,) int64, the part of each group.
    """
    start = np.full(len(weights), -1, dtype=np.int64) if pinned is None else pinned
    weigh = np.ones(weights.shape[1]) if importance is None else importance
    best, least = start, np.inf
    for _ in range(max(1, min(_RESTARTS, _MAX_PLACINGS // len(weights)))):
        part_of, held = _place_greedily(rng, weights, shares, start, weigh)
        _improve(part_of, held, weights, shares, (start < 0, weigh))
        loss = float(_loss(held, shares, weigh).sum())
        if loss < least - _MIN_GAIN:
            best, least = part_of, loss
    return best


def _loss(held: Float64Array, shares: Float64Array, importance: Float64Array) -> Float64Array:
    """Score parts that hold (…, parts, classes) of the data: chi-square, and far more for each absent class."""
    wanted = shares[:, None]
    absent = 1000.0 * held.shape[-1] * (held < 1e-12)
    scores: Float64Array = (((held - wanted) ** 2 / wanted + absent) * importance).sum(axis=-1)
    return scores


def _place_greedily(
    rng: np.random.Generator, weights: Float64Array, shares: Float64Array, start: Int64Array, importance: Float64Array
) -> tuple[Int64Array, Float64Array]:
    part_of = start.copy()
    held = np.zeros((len(shares), weights.shape[1]))
    np.add.at(held, start[start >= 0], weights[start >= 0])
    now = _loss(held, shares, importance)
    for row in rng.permutation(np.flatnonzero(start < 0)):
        joined = _loss(held + weights[row], shares, importance)
        part = np.argmin(joined - now)
        part_of[row] = part
        held[part] += weights[row]
        now[part] = joined[part]
    return part_of, held


def _improve(
    part_of: Int64Array,
    held: Float64Array,
    weights: Float64Array,
    shares: Float64Array,
    bounds: tuple[BoolArray, Float64Array],
) -> None:
    """Move one group at a time, in place, while the loss falls; ``bounds`` are what may move and what counts."""
    movable, importance = bounds
    rows, parts = np.arange(len(weights)), np.arange(len(shares))
    joined, left = np.empty((len(weights), len(shares))), np.empty(len(weights))
    changed = parts
    for _ in range(_MAX_MOVES):
        # What joins or leaves a part that no group moved to or from costs what it did.
        now = _loss(held[changed], shares[changed], importance)
        joined[:, changed] = _loss(held[changed] + weights[:, None, :], shares[changed], importance) - now
        for part, before in zip(changed, now, strict=True):
            own = part_of == part
            # Rounding must not leave a crumb of a class behind: it would count as present.
            without = np.maximum(held[part] - weights[own], 0.0)[:, None, :]
            left[own] = _loss(without, shares[part : part + 1], importance)[:, 0] - before
        change = joined + left[:, None]
        change[rows, part_of] = 0.0
        change[~movable] = 0.0
        row, part = np.unravel_index(np.argmin(change), change.shape)
        if change[row, part] > -_MIN_GAIN:
            return
        changed = np.array([part_of[row], part])
        held[part_of[row]] -= weights[row]
        held[part] += weights[row]
        part_of[row] = part
