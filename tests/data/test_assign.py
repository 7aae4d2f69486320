"""Sides that are written stay, groups stay whole, and what crosses the border is told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

from edgekit.data.assign import AssignConfig, assign
from edgekit.data.manifest import Sample
from edgekit.errors import DataError


def rows(groups, photos=4, start=0):
    """Groups of both classes, with one of two kinds of attack in turn."""
    return [
        Sample(path=f"g{g:03d}/{n}.png", label="ab"[n % 2], group=f"g{g:03d}", kind=("x", "y")[g % 2] if n % 2 else "")
        for g in range(start, start + groups)
        for n in range(photos)
    ]


def sides(samples, column="split"):
    found = defaultdict(set)
    for sample in samples:
        found[sample.group].add(getattr(sample, column))
    assert all(len(one) == 1 for one in found.values())
    return {group: next(iter(one)) for group, one in found.items()}


def counted(placed):
    return {name: sorted(placed.values()).count(name) for name in sorted(set(placed.values()))}


@pytest.mark.parametrize("seed", range(5))
def test_fractions_are_those_of_groups_and_classes_and_kinds_stand_everywhere(tmp_path, seed):
    samples = assign(tmp_path, rows(20), [], AssignConfig(val_fraction=0.2, test_fraction=0.3, seed=seed))
    assert counted(sides(samples)) == {"test": 6, "train": 10, "val": 4}
    for name in ("train", "val", "test"):
        inside = [sample for sample in samples if sample.split == name]
        assert {(sample.label, sample.kind) for sample in inside} == {("a", ""), ("b", "x"), ("b", "y")}
    assert samples == assign(tmp_path, rows(20), [], AssignConfig(val_fraction=0.2, test_fraction=0.3, seed=seed))


@pytest.mark.parametrize("method", ["fixed", "folds", "each"])
def test_a_set_that_grows_never_moves_an_old_photo(tmp_path, method):
    config = AssignConfig(method=method, folds=4)
    placed = assign(tmp_path, rows(9), [], config)
    for grown in (12, 15, 40, 41):
        old = sides(placed, config.column)
        kept = {sample.path: sample for sample in placed}
        # New groups, and more photos of old ones.
        now = [kept.get(sample.path, sample) for sample in rows(grown, photos=4 + grown % 3)]
        placed = assign(tmp_path, now, [], config)
        after = sides(placed, config.column)
        assert {group: after[group] for group in old} == old
    if method == "folds":
        assert max(counted(after).values()) - min(counted(after).values()) <= 2
    if method == "each":
        assert sorted(map(int, after.values())) == list(range(1, 42))


def test_groups_with_the_same_file_stand_together_unless_they_were_parted(tmp_path):
    samples = rows(12)
    copies = [["g000/0.png", "g005/1.png"], ["g005/2.png", "g009/0.png"]]
    for seed in range(6):
        placed = sides(assign(tmp_path, samples, copies, AssignConfig(seed=seed)))
        assert placed["g000"] == placed["g005"] == placed["g009"]
    parted = [replace(sample, split={"g000": "train", "g005": "test"}.get(sample.group, "")) for sample in samples]
    placed = sides(assign(tmp_path, parted, copies, AssignConfig()))
    assert (placed["g000"], placed["g005"]) == ("train", "test")


def test_what_cannot_be_split_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a split goes by groups, got none for 1 of 80 photos: g000/0\.png"):
        assign(
            tmp_path,
            [replace(one, group="") if one.path == "g000/0.png" else one for one in rows(20)],
            [],
            AssignConfig(),
        )
    crossed = [replace(one, split="train" if one.path.endswith("0.png") else "val") for one in rows(4)]
    with pytest.raises(DataError, match="a group must stand in one split, got 'g000' in train, val"):
        assign(tmp_path, crossed, [], AssignConfig())
    with pytest.raises(DataError, match="3 sides need at least 3 groups, got 2"):
        assign(tmp_path, rows(2), [], AssignConfig())
    lonely = [replace(one, label="a") if one.group > "g001" else one for one in rows(9)]
    with pytest.raises(DataError, match=r"every class must stand on every side .* got no 'b' in"):
        assign(tmp_path, lonely, [], AssignConfig())
    five = assign(tmp_path, rows(9), [], AssignConfig(method="folds", folds=5))
    with pytest.raises(DataError, match=r"folds beyond 3: 4, 5; .* --again"):
        assign(tmp_path, five, [], AssignConfig(method="folds", folds=3))
    with pytest.raises(DataError, match="fractions must be positive"):
        AssignConfig(val_fraction=0.6, test_fraction=0.5)
