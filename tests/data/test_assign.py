"""Sides that are written stay, groups stay whole, and what crosses the border is told."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from dataclasses import replace

import pytest

from edgekit.data.assign import AssignConfig, assign
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, read_manifest, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.split_folder import split_data
from edgekit.data.splits import group_folds, split_dataset
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
        assign(tmp_path, [replace(one, group="") if one.path == "g000/0.png" else one for one in rows(20)], [],
               AssignConfig())  # fmt: skip
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


@pytest.fixture
def grouped(photo_folder, write_rows):
    """Twelve groups of two classes as files, with a manifest that has a column edgekit has no use for."""
    paths = [f"{label}/g{g:02d}_{n}.png" for g in range(12) for n in range(2) for label in ("one", "two")]
    root = photo_folder(paths)
    write_rows(root / "manifest.csv", ["path", "label", "group", "width"],
               *([path, path.partition("/")[0], path.split("/")[1][:3], "16"] for path in paths))  # fmt: skip
    return root


def test_the_manifest_keeps_its_other_columns_and_training_honours_what_is_written(grouped):
    record = split_data(grouped, AssignConfig(val_fraction=0.25, test_fraction=0.25))
    assert [(side.name, len(side.groups)) for side in record.sides] == [("train", 6), ("val", 3), ("test", 3)]
    assert (record.kept, record.placed, record.leaks) == (0, 48, ())
    header, first, *_ = (grouped / "manifest.csv").read_text().splitlines()
    assert "width" in header.split(",")
    assert first.split(",")[header.split(",").index("width")] == "16"
    split = split_dataset(load_dataset(grouped), SplitConfig())
    assert split.method == "manifest"
    assert {sample.path for sample in read_manifest(grouped / "manifest.csv") if sample.split == "test"} == set(
        split.test
    )
    again = split_data(grouped, AssignConfig(val_fraction=0.25, test_fraction=0.25, seed=9))
    assert (again.kept, again.placed, again.sides) == (48, 0, record.sides)


def test_a_cross_validation_takes_the_folds_that_are_written(grouped):
    split_data(grouped, AssignConfig(method="folds", folds=4))
    fold_of = {sample.path: sample.fold for sample in read_manifest(grouped / "manifest.csv")}
    dataset = load_dataset(grouped)
    for number, split in enumerate(group_folds(dataset, 4, seed=3)):
        assert {fold_of[path] for path in split.test} == {str(number + 1)}
    with pytest.raises(DataError, match=r"the manifest names 4 folds .* got a cross-validation of 3"):
        group_folds(dataset, 3)


def test_data_without_folds_keeps_its_fingerprint(grouped):
    before = load_dataset(grouped).sha256
    split_data(grouped, AssignConfig(method="folds", folds=4))
    after = load_dataset(grouped).sha256
    assert after != before
    rows_ = [replace(sample, fold="") for sample in read_manifest(grouped / "manifest.csv")]
    write_manifest(grouped / "manifest.csv", rows_)
    assert load_dataset(grouped).sha256 == before


def test_copies_that_stand_on_two_sides_already_are_leaks(grouped):
    split_data(grouped, AssignConfig())
    by_side = {sample.split: sample.path for sample in read_manifest(grouped / "manifest.csv")}
    (grouped / by_side["test"]).write_bytes((grouped / by_side["train"]).read_bytes())
    record = split_data(grouped, AssignConfig())
    (leak,) = record.leaks
    assert (leak.exact, leak.across) == (True, "split")
    assert set(leak.paths) == {by_side["test"], by_side["train"]}


def test_without_groups_photos_are_split_only_if_the_user_says_so(photo_folder):
    root = photo_folder([f"{label}/{n}.png" for n in range(9) for label in ("one", "two")])
    with pytest.raises(DataError, match="say --ungrouped"):
        split_data(root, AssignConfig())
    assert not (root / "manifest.csv").exists()
    record = split_data(root, AssignConfig(), ungrouped=True)
    assert "flatter" in record.cautions[-1]
    assert {sample.split for sample in read_manifest(root / "manifest.csv")} == {"train", "val", "test"}
    assert not load_dataset(root).has_groups


def test_one_process_at_a_time_splits(grouped):
    """The second would write its column over a manifest without the first one's."""
    holder = """
import sys
from pathlib import Path
from edgekit.locks import writing_in
with writing_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder, grouped], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DataError, match="another import, session or split writes here"):
            split_data(grouped, AssignConfig())
        other.stdin.close()
        other.wait(timeout=60)
    assert split_data(grouped, AssignConfig()).placed > 0
