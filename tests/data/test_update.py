"""Rows that are added to a data folder's manifest, and what stays of those that are there."""

from __future__ import annotations

import csv

import pytest

from edgekit.data.manifest import Sample
from edgekit.data.update import cautions, read_samples, update_manifest
from edgekit.errors import DataError


def test_columns_of_others_stay_with_their_rows(photo_folder, write_rows):
    root = photo_folder(["a/1.png", "b/2.png", "b/3.png"])
    write_rows(root / "manifest.csv", ("path", "label", "note_mood"), ("a/1.png", "a", "grim"), ("b/2.png", "b", ""))
    changed = [Sample(path="b/3.png", label="b"), Sample(path="a/1.png", label="a", group="anna")]
    assert update_manifest(root, changed) == 3
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], row["group"], row["note_mood"]) for row in rows] == [
        ("a/1.png", "anna", "grim"),
        ("b/2.png", "", ""),
        ("b/3.png", "", ""),
    ]


def test_photos_that_lie_there_are_listed_with_the_first_row(photo_folder):
    root = photo_folder(["a/1.png", "b/2.png", "b/half.png"])
    assert update_manifest(root, [Sample(path="b/9.png", label="b")], unlisted={"b/half.png"}) == 3
    assert [sample.path for sample in read_samples(root)] == ["a/1.png", "b/2.png", "b/9.png"]


def test_a_manifest_that_is_a_link_to_nowhere_is_not_passed_over(photo_folder):
    root = photo_folder(["a/1.png"])
    (root / "manifest.csv").symlink_to(root / "gone.csv")
    with pytest.raises(DataError, match="no such manifest"):
        read_samples(root)


def test_photos_outside_of_any_class_are_named(photo_folder):
    with pytest.raises(DataError, match=r"got 1 photo outside any class: loose\.png"):
        read_samples(photo_folder(["a/1.png", "loose.png"]))


def test_a_column_that_some_rows_lack_is_a_caution():
    rows = [Sample(path="a/1.png", label="a", group="anna"), Sample(path="a/2.png", label="a")]
    assert [one[:30] for one in cautions(rows)] == ["1 of 2 rows have no group, the"]
    assert cautions(rows[:1]) == cautions(rows[1:]) == ()
