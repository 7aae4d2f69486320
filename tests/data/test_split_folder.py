"""A data folder that is split: what is written, and what crosses the border."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from edgekit.data.assign import AssignConfig
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import read_manifest, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.split_folder import split_data
from edgekit.data.splits import group_folds, split_dataset
from edgekit.errors import DataError


@pytest.fixture
def grouped(photo_folder, write_rows):
    """Twelve groups of two classes as files, with a manifest that has a column edgekit has no use for."""
    paths = [f"{label}/g{g:02d}_{n}.png" for g in range(12) for n in range(2) for label in ("one", "two")]
    root = photo_folder(paths)
    write_rows(
        root / "manifest.csv",
        ["path", "label", "group", "width"],
        *([path, path.partition("/")[0], path.split("/")[1][:3], "16"] for path in paths),
    )
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


def test_bad_photos_are_told_without_their_bytes_and_with_what_to_do(grouped):
    (grouped / "one" / "g00_0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (grouped / "two" / "g01_0.png").write_bytes(b"")
    before = (grouped / "manifest.csv").read_bytes()
    with pytest.raises(
        DataError,
        match=r"every photo must be usable, got 2 of 48 that are not:\n  one/g00_0\.png: not a whole PNG picture: .*\n"
        r"  two/g01_0\.png: a photo must have content, got 0 bytes\n"
        r"repair them, or remove them, from manifest\.csv too where it lists them$",
    ):
        split_data(grouped, AssignConfig())
    assert (grouped / "manifest.csv").read_bytes() == before


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
