from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from fixtures.several import SEVERAL, patches
from hearing import Heard

from edgekit.data.dataset import load_dataset
from edgekit.data.groups import with_groups
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.several import memberships, parted_labels
from edgekit.data.splits import group_folds, split_dataset, training_folds
from edgekit.errors import DataError


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        pytest.param("cat", ("cat",), id="one"),
        pytest.param("dog|cat", ("cat", "dog"), id="sorted"),
        pytest.param(" dog | cat ", ("cat", "dog"), id="spaces-around"),
        pytest.param("none", (), id="none"),
        pytest.param("nonesuch", ("nonesuch",), id="begins-as-none"),
    ],
)
def test_labels_of_a_cell(text, labels):
    assert parted_labels(text) == labels


@pytest.mark.parametrize(
    ("label", "message"),
    [
        pytest.param("a||b", r"0\.png: labels must stand with one \| between two of them, got 'a\|\|b'", id="two-bars"),
        pytest.param("a|", r"got 'a\|'; remove the empty one, or write none", id="bar-at-the-end"),
        pytest.param("|", r"got '\|'; remove the empty one", id="bar-alone"),
        pytest.param("a|a", r"a photo has a label once, got 'a' twice in 'a\|a'; remove one", id="twice"),
        pytest.param("a| a", r"got 'a' twice", id="twice-but-for-a-space"),
        pytest.param("a|none", r"'none' says that a photo has no label, got 'a\|none'; remove", id="none-beside"),
        pytest.param("", r"line 2: a label must not be empty", id="empty"),
    ],
)
def test_labels_that_break_a_rule_name_the_photo(tmp_path, label, message):
    rows = "".join(f"{number}.png,b\n" for number in range(1, 4))
    (tmp_path / "manifest.csv").write_text(f"path,label\n0.png,{label}\n{rows}")
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path, reading=SEVERAL)


def write(root, samples):
    """Photos that all differ, and their manifest; samples are (label, group) or (label, group, split)."""
    rng = np.random.default_rng(0)
    rows = []
    for number, (label, group, *split) in enumerate(samples):
        patches(rng, ()).save(root / f"{number}.png")
        rows.append(Sample(path=f"{number}.png", label=label, group=group, split=split[0] if split else ""))
    write_manifest(root / "manifest.csv", rows)
    return root


def in_words(folder):
    heard = Heard()
    return heard.lines, load_dataset(folder, reading=SEVERAL, progress=heard)


def test_a_manifest_has_labels_alone_as_classes(several, several_photos):
    assert several.labels == ("blue", "green", "red")
    first, *_ = [sample for sample in several.samples if sample.label == "green|red"]
    assert several.labels_of(first) == ("green", "red")
    told, _ = in_words(several_photos)
    assert any("72 photos with 3 labels (" in line for line in told)
    assert any("of several labels" in line and "of none" in line for line in told)


def test_a_label_with_a_bar_is_one_label_as_ever(several_photos):
    heard = Heard()
    dataset = load_dataset(several_photos, progress=heard)
    assert "green|red" in dataset.labels
    assert "'blue|green' is one label here; `edgekit finetune --multi-label` reads it as several" in heard.lines


def test_a_label_that_all_photos_have_is_refused(tmp_path):
    write(tmp_path, [("a|b", ""), ("a", ""), ("a|b", "")])
    with pytest.raises(DataError, match="absent from some photos, got 'a' on all 3; add photos without it"):
        load_dataset(tmp_path, reading=SEVERAL)


def test_one_label_alone_is_refused(tmp_path):
    write(tmp_path, [("a", ""), ("none", ""), ("a", "")])
    told = "got only 'a' beside 1 photo of 'none'; add photos of another label; 'a' and 'none' are two classes without"
    with pytest.raises(DataError, match=told):
        load_dataset(tmp_path, reading=SEVERAL)


def folders(root, **photos):
    """``cats=(1, 2)``: a folder with these photos, each number a picture of its own."""
    for name, numbers in photos.items():
        (root / name).mkdir(parents=True)
        for number in numbers:
            picture = patches(np.random.default_rng(number), ())
            picture.save(root / name / f"{name}-{number}.png")
    return root


def labels_by_file(dataset):
    return {sample.path.rsplit("-", 1)[1]: sample.label for sample in dataset.samples}


def test_a_photo_in_two_folders_has_both_labels(tmp_path):
    root = folders(tmp_path, cats=(1, 2, 3), dogs=(3, 4), none=(5,))
    told, dataset = in_words(root)
    assert labels_by_file(dataset) == {
        "1.png": "cats",
        "2.png": "cats",
        "3.png": "cats|dogs",
        "4.png": "dogs",
        "5.png": "none",
    }
    assert dataset.labels == ("cats", "dogs")
    assert "1 photo in two or more folders: each counts once, with the labels of all" in told


@pytest.mark.parametrize("name", ["cats+dogs", "cats|dogs", "dogs + cats"])
def test_a_folder_named_by_two_labels(tmp_path, name):
    root = folders(tmp_path, cats=(1,), dogs=(2,), **{name: (3,)})
    assert labels_by_file(load_dataset(root, reading=SEVERAL))["3.png"] == "cats|dogs"


def test_a_folder_named_by_two_labels_of_a_model(tmp_path):
    root = folders(tmp_path, **{"cats+dogs": (1,), "none": (2,)})
    found = load_dataset(root, reading=SEVERAL, known=("birds", "cats", "dogs"))
    assert labels_by_file(found) == {"1.png": "cats|dogs", "2.png": "none"}


def test_a_label_that_denies_another_is_one_of_its_own():
    rows = memberships([Sample(path=str(number), label=label) for number, label in enumerate(["a|not a", "a", "none"])])
    assert [one.label for one in rows] == ["a", "not a", "a", "not not not a", "not not a", "not not not a"]


def test_a_plus_in_a_name_of_its_own_parts_nothing(tmp_path):
    root = folders(tmp_path, **{"black+white": (1, 2), "colour": (3, 4)})
    assert load_dataset(root, reading=SEVERAL).labels == ("black+white", "colour")


def test_a_manifest_parts_by_bars_alone(tmp_path):
    write(tmp_path, [("a+b", ""), ("a", ""), ("b", ""), ("a|b", "")])
    assert load_dataset(tmp_path, reading=SEVERAL).labels == ("a", "a+b", "b")


def test_a_photo_that_is_said_to_have_no_label_and_one(tmp_path):
    root = folders(tmp_path, cats=(1, 2), dogs=(3,), none=(2,))
    with pytest.raises(DataError, match=r"a photo has labels or none, got the same file in 'none' and with a label"):
        load_dataset(root, reading=SEVERAL)


def test_copies_in_two_parts_are_refused(tmp_path):
    for part, name, numbers in (("train", "cats", (1, 2)), ("train", "dogs", (3,)), ("test", "cats", (4,))):
        folders(tmp_path / part, **{name: numbers})
    folders(tmp_path / "test", dogs=(1,))
    with pytest.raises(DataError, match="copies of a photo must have one split, got two for test/dogs"):
        load_dataset(tmp_path, reading=SEVERAL)


def has_both_sides(dataset, samples):
    held = [set(dataset.labels_of(sample)) for sample in samples]
    return all(any(label in own for own in held) and any(label not in own for own in held) for label in dataset.labels)


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("holds_out_val", [True, False])
def test_every_part_has_photos_with_and_without_each_label(several, grouped, holds_out_val):
    dataset = (
        several if grouped else replace(several, samples=tuple(replace(sample, group="") for sample in several.samples))
    )
    split = split_dataset(dataset, SplitConfig(), holds_out_val=holds_out_val)
    parts = ("train", "val", "test") if holds_out_val else ("train", "test")
    assert sum(len(getattr(split, part)) for part in parts) == len(dataset.samples)
    assert all(has_both_sides(dataset, split.samples(dataset, part)) for part in parts)
    assert split.method == ("groups" if grouped else "random")
    parts_of = defaultdict(set)
    for part in parts:
        for sample in split.samples(dataset, part):
            parts_of[sample.group].add(part)
    assert not grouped or all(len(found) == 1 for found in parts_of.values())
    assert split == split_dataset(dataset, SplitConfig(), holds_out_val=holds_out_val)


def test_folds_leave_photos_with_and_without_each_label(several):
    split = split_dataset(several, SplitConfig(), holds_out_val=False)
    folds, samples = training_folds(several, split, SplitConfig()), split.samples(several, "train")
    for fold in range(folds.max() + 1):
        assert has_both_sides(several, [one for one, at in zip(samples, folds, strict=True) if at != fold])
    fold_of = {}
    for sample, fold in zip(samples, folds.tolist(), strict=True):
        assert fold_of.setdefault(sample.group, fold) == fold


def test_folds_of_a_cross_validation(several):
    splits = group_folds(several, 3)
    assert all(
        has_both_sides(several, one.samples(several, part)) for one in splits for part in ("train", "val", "test")
    )


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        pytest.param(
            [("a|b", ""), ("a", ""), ("b", ""), ("a", ""), ("none", ""), ("c", "")],
            r"one each for train, val, test; got 'c' in 1 \(5\.png\), 'b' in 2 \(0\.png, 2\.png\); add photos",
            id="a-label-in-one-photo",
        ),
        pytest.param(
            [("a|b", "x"), ("a", "y"), ("b", "z"), ("b|a", "w"), ("a", "x"), ("none", "y")],
            "every class must stand in at least 3 groups, one each for train, val, test; got 'not a' in 2",
            id="without-a-label-in-two-groups",
        ),
        pytest.param(
            [
                ("a|b", "1", "train"),
                ("none", "2", "train"),
                ("a", "3", "val"),
                ("none", "4", "val"),
                ("a|b", "5", "test"),
            ],
            "the split 'val' must hold every class, got no photo of b",
            id="a-label-without-validation-photos",
        ),
        pytest.param(
            [
                ("a|b", "1", "train"),
                ("a", "2", "train"),
                ("a|b", "3", "val"),
                ("none", "4", "val"),
                ("a|b", "5", "test"),
            ],
            "the split 'train' must hold photos without each label, got none without a; move groups there",
            id="a-label-on-all-that-train",
        ),
    ],
)
def test_what_cannot_be_split(tmp_path, samples, message):
    dataset = load_dataset(write(tmp_path, samples), reading=SEVERAL)
    with pytest.raises(DataError, match=message):
        split_dataset(dataset, SplitConfig())


def test_groups_by_a_rule_count_single_labels(tmp_path):
    rows = [(f"shop{number // 4}-{number}.png", label) for number, label in enumerate(["a|b", "a", "b", "none"] * 2)]
    for number, (path, _) in enumerate(rows):
        patches(np.random.default_rng(number), ()).save(tmp_path / path)
    write_manifest(tmp_path / "manifest.csv", [Sample(path=path, label=label) for path, label in rows])
    # Each shop has photos of a|b, of which no other has any: labels are counted, and no sets of them.
    assert with_groups(load_dataset(tmp_path, reading=SEVERAL), "name").groups == ("shop0", "shop1")
