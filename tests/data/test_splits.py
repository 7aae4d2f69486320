from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.splits import SplitConfig, group_folds, split_dataset
from edgekit.errors import DataError

PARTS = ("train", "val", "test")


def dataset_of(rows):
    """A dataset from (label, group, split, count)."""
    samples = [
        Sample(path=f"{label}/{group or 'x'}-{split or 'x'}-{number}.png", label=label, group=group, split=split)
        for label, group, split, count in rows
        for number in range(count)
    ]
    samples.sort(key=lambda sample: sample.path)
    labels = tuple(sorted({sample.label for sample in samples}))
    return Dataset(root=Path("photos"), samples=tuple(samples), labels=labels, bad=(), sha256="")


def authors(count, photos=20, labels=("genuine", "recapture")):
    return dataset_of([(label, f"a{author:02}", "", photos) for author in range(count) for label in labels])


def assert_sound(dataset, split):
    """Nothing lost, nothing twice, every class everywhere, no group on two sides."""
    parts = {part: split.samples(dataset, part) for part in PARTS}
    assert sorted(split.train + split.val + split.test) == [sample.path for sample in dataset.samples]
    for part, samples in parts.items():
        assert [sample.path for sample in samples] == sorted(sample.path for sample in samples)
        assert {sample.label for sample in samples} == set(dataset.labels), part
    if dataset.has_groups:
        groups = [sample.group for samples in parts.values() for sample in {s.group: s for s in samples}.values()]
        assert len(groups) == len(set(groups))


def test_groups_stay_whole_and_shares_are_kept():
    dataset = authors(20)
    split = split_dataset(dataset, SplitConfig())
    assert_sound(dataset, split)
    assert (split.method, split.caution) == ("groups", "")
    assert [len(getattr(split, part)) for part in PARTS] == [480, 160, 160]


def test_uneven_groups_keep_the_proportions_of_classes():
    dataset = dataset_of(
        [("genuine", f"a{n}", "", 5 + n) for n in range(16)]
        + [("recapture", f"a{n}", "", 40 - 2 * n) for n in range(16)]
    )
    split = split_dataset(dataset, SplitConfig(val_fraction=0.25, test_fraction=0.25))
    assert_sound(dataset, split)
    total = Counter(sample.label for sample in dataset.samples)
    for part in ("val", "test"):
        for label, count in Counter(sample.label for sample in split.samples(dataset, part)).items():
            assert count / total[label] == pytest.approx(0.25, abs=0.03)


def test_groups_of_one_class_each_reach_every_part():
    dataset = dataset_of([(label, f"{label}{n}", "", 3) for label in ("cat", "dog", "owl") for n in range(3)])
    assert_sound(dataset, split_dataset(dataset, SplitConfig()))


@given(
    counts=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), max_size=12),
    seed=st.integers(0, 5),
)
def test_any_layout_splits_soundly(counts, seed):
    # Three groups with every class make the split possible; the others are as they come.
    layout = [[1, 1, 1]] * 3 + counts
    dataset = dataset_of(
        [(label, f"g{n}", "", row[column]) for n, row in enumerate(layout) for column, label in enumerate("abc")]
    )
    assert_sound(dataset, split_dataset(dataset, SplitConfig(seed=seed)))


@pytest.mark.parametrize(
    "dataset", [authors(9), dataset_of([("a", "", "", 30), ("b", "", "", 30)])], ids=["groups", "random"]
)
def test_the_seed_alone_decides(dataset):
    first, again = (split_dataset(dataset, SplitConfig(seed=3)) for _ in range(2))
    assert first == again
    assert len({split_dataset(dataset, SplitConfig(seed=seed)).test for seed in range(5)}) > 1


def test_without_groups_the_split_is_random_stratified_and_cautious():
    dataset = dataset_of([("genuine", "", "", 100), ("recapture", "", "", 10)])
    split = split_dataset(dataset, SplitConfig())
    assert_sound(dataset, split)
    assert split.method == "random"
    assert split.caution == "no group column: the split is random and the number will flatter"
    assert Counter(sample.label for sample in split.samples(dataset, "test")) == {"genuine": 20, "recapture": 2}


@pytest.mark.parametrize(
    "config", [SplitConfig(), SplitConfig(val_fraction=0.49, test_fraction=0.49)], ids=["usual", "greedy"]
)
@pytest.mark.parametrize("count", [3, 4, 5, 7])
def test_a_few_photos_still_reach_every_part(config, count):
    dataset = dataset_of([("genuine", "", "", count), ("recapture", "", "", count)])
    assert_sound(dataset, split_dataset(dataset, config))


def test_given_splits_are_respected():
    dataset = dataset_of([(label, part, part, 4) for label in ("a", "b") for part in PARTS])
    split = split_dataset(dataset, SplitConfig())
    assert_sound(dataset, split)
    assert (split.method, split.caution) == ("manifest", "")
    for part in PARTS:
        assert {sample.split for sample in split.samples(dataset, part)} == {part}


def test_given_splits_without_val_take_it_from_train_by_groups():
    dataset = dataset_of(
        [(label, f"t{n}", "train", 5) for label in ("a", "b") for n in range(5)]
        + [("a", "z", "test", 9), ("b", "z", "test", 9)]
    )
    split = split_dataset(dataset, SplitConfig())
    assert_sound(dataset, split)
    assert (len(split.train), len(split.val), len(split.test)) == (40, 10, 18)
    assert (split.method, split.caution) == ("manifest", "")


def test_given_splits_without_val_and_groups_take_it_at_random_with_a_caution():
    dataset = dataset_of([(label, "", part, 20) for label in ("a", "b") for part in ("train", "test")])
    split = split_dataset(dataset, SplitConfig())
    assert_sound(dataset, split)
    assert (len(split.train), len(split.val), len(split.test)) == (32, 8, 40)
    assert split.method == "manifest"
    assert "no group column: the validation photos were taken from train at random" in split.caution


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(
            [("a", "ann", "train", 2), ("b", "ann", "test", 2), ("a", "bob", "test", 1), ("b", "eve", "train", 1)],
            "a group must stand in one split, got 'ann' in test, train",
            id="group-on-both-sides",
        ),
        pytest.param(
            [("a", "", "train", 2), ("b", "", "train", 2)],
            "split 'test' must hold every class.*a, b",
            id="all-in-train",
        ),
        pytest.param(
            [("a", "", "test", 2), ("b", "", "test", 2)], "split 'train' must hold every class.*a, b", id="all-in-test"
        ),
        pytest.param(
            [
                ("a", "", "train", 2),
                ("b", "", "train", 2),
                ("a", "", "test", 2),
                ("b", "", "test", 2),
                ("a", "", "val", 1),
            ],
            "split 'val' must hold every class, got no photo of b",
            id="class-missing-in-val",
        ),
        pytest.param(
            [("a", "t", "train", 9), ("b", "t", "train", 9), ("a", "z", "test", 9), ("b", "z", "test", 9)],
            r"at least 2 groups, one each for train, val; got 'a' in 1 \(t\)",
            id="one-group-to-take-val-from",
        ),
        pytest.param([("a", "g", "", 9), ("b", "g", "", 9)], r"at least 3 groups.*'a' in 1 \(g\)", id="one-group"),
        pytest.param(
            [("a", "g", "", 9), ("a", "h", "", 9), ("a", "i", "", 9), ("b", "g", "", 9), ("b", "h", "", 9)],
            r"at least 3 groups.*'b' in 2 \(g, h\)",
            id="class-in-two-groups",
        ),
        pytest.param(
            # g holds the only second half of both classes' third groups.
            [("a", n, "", 9) for n in "ghi"] + [("b", n, "", 9) for n in "ghj"] + [("c", n, "", 9) for n in "gij"],
            r"no way was found to give (train|val|test) the class '[abc]'; got 'a' in 3 \(g, h, i\)",
            id="groups-that-block-each-other",
        ),
        pytest.param(
            [("a", "", "", 9), ("b", "", "", 2)], "class 'b' must have at least 3 photos.*got 2: b/", id="two-photos"
        ),
    ],
)
def test_splits_are_refused(rows, message):
    with pytest.raises(DataError, match=message):
        split_dataset(dataset_of(rows), SplitConfig())


def test_a_class_may_stay_untested_and_that_is_said():
    rows = [("a", "", "train", 2), ("b", "", "train", 2), ("a", "", "test", 2)]
    split = split_dataset(dataset_of(rows), SplitConfig())
    assert len(split.test) == 2
    assert split.caution.startswith("no test photo of b: the number says nothing of that; no group column")


def test_samples_of_other_data_are_refused():
    split = split_dataset(authors(5), SplitConfig())
    with pytest.raises(DataError, match="must hold every photo of the split, got none of genuine/a"):
        split.samples(authors(1), "train")


@pytest.mark.parametrize(("count", "folds"), [(17, 6), (6, 6), (5, 3), (24, 4)])
def test_each_group_is_tested_once(count, folds):
    dataset = authors(count, photos=3)
    splits = group_folds(dataset, folds)
    assert len(splits) == folds
    for split in splits:
        assert_sound(dataset, split)
        assert split.method == "groups"
    assert [split.val for split in splits] == [split.test for split in splits[1:] + splits[:1]]
    assert sorted(path for split in splits for path in split.test) == [sample.path for sample in dataset.samples]
    tested = [len({sample.group for sample in split.samples(dataset, "test")}) for split in splits]
    assert max(tested) - min(tested) <= 1


def test_folds_follow_the_seed():
    dataset = authors(9, photos=2)
    assert group_folds(dataset, 3, seed=1) == group_folds(dataset, 3, seed=1)
    assert group_folds(dataset, 3, seed=1) != group_folds(dataset, 3, seed=2)


@pytest.mark.parametrize(
    ("dataset", "folds", "seed", "message"),
    [
        pytest.param(authors(4), 5, 0, "5 folds need at least 5 groups, got 4: a00, a01, a02, a03", id="few-groups"),
        pytest.param(authors(4), 2, 0, "folds must be at least 3.*got 2", id="two-folds"),
        pytest.param(authors(4), 3, -1, "seed must not be negative", id="negative-seed"),
        pytest.param(dataset_of([("a", "", "", 9), ("b", "", "", 9)]), 3, 0, "without a group column", id="no-groups"),
        pytest.param(
            dataset_of([("a", f"g{n}", "", 2) for n in range(4)] + [("b", f"g{n}", "", 2) for n in range(3)]),
            4,
            0,
            r"at least 4 groups, one each for fold 0, .*'b' in 3 \(g0, g1, g2\)",
            id="class-in-few-groups",
        ),
    ],
)
def test_folds_are_refused(dataset, folds, seed, message):
    with pytest.raises(DataError, match=message):
        group_folds(dataset, folds, seed)
