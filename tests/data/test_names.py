"""What folders' names tell."""

from __future__ import annotations

import pytest

from edgekit.data.names import is_litter, is_unlabelled_name, is_wrapper_name, part_of, same_names


@pytest.mark.parametrize(
    ("part", "names"),
    [
        pytest.param(
            "train",
            "train Train TRAINING training_set train-set trainset x_train X-Train Train_Data TrainImages train2017"
            " seg_train train_224x224 01_train images_train train.set",
            id="train",
        ),
        pytest.param("val", "val Val valid VALIDATION valid_set validation-set val2017 dev dev_set x_val", id="val"),
        pytest.param("test", "test Test TESTING test_set x_test test1 Test_Data seg_test eval holdout", id="test"),
        pytest.param(
            "", "trains train_station contest latest testimony valley invalid device devices attest cat team", id="none"
        ),
    ],
)
def test_parts(part, names):
    assert {name: part_of(name) for name in names.split()} == dict.fromkeys(names.split(), part)
    assert part_of("train images") == "train"


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir",
        ".AppleDouble",
        "lost+found",
        "__MACOSX",
        "$RECYCLE.BIN",
        "System Volume Information",
        "LOST.DIR",
        ".ipynb_checkpoints",
        "Thumbs.db",
        "THUMBS.DB",
        "desktop.ini",
        "._x.jpg",
        ".DS_Store",
        "#recycle",
        "Recycle Bin",
        "Thumbnails",
        "__pycache__",
    ],
)
def test_litter(name):
    assert is_litter(name)


@pytest.mark.parametrize("name", ["cat", "lost", "found", "macosx", "recycle", "thumbs", "system", "trash"])
def test_names_of_classes_are_no_litter(name):
    assert not is_litter(name)


def test_wrappers_and_photos_without_classes():
    assert all(map(is_wrapper_name, ["archive", "archive (1)", "flower_photos", "PetImages", "raw-img", "cats-master"]))
    assert not any(map(is_wrapper_name, ["cat", "genuine", "animals", "imagine", "datable"]))
    assert is_unlabelled_name("seg_pred")
    assert not is_unlabelled_name("predator")


@pytest.mark.parametrize(
    ("names", "same"),
    [
        pytest.param(["Real", "real"], [("Real", "real")], id="case"),
        pytest.param(
            ["bona fide", "bona_fide", "Bona-Fide"], [("Bona-Fide", "bona fide", "bona_fide")], id="separators"
        ),
        pytest.param(["cat", "cat "], [("cat", "cat ")], id="trailing-space"),
        pytest.param(["caf\u00e9", "cafe\u0301"], [("cafe\u0301", "caf\u00e9")], id="forms-of-unicode"),
        pytest.param(["STRASSE", "straße"], [("STRASSE", "straße")], id="sharp-s"),
        pytest.param(["cat", "cats"], [], id="plural-is-another"),
        pytest.param(["1.5", "15", "-1", "1", "1-5"], [], id="numbers"),
        pytest.param(["A", "a"], [], id="letters-of-handwriting"),
    ],
)
def test_names_that_mean_the_same(names, same):
    assert same_names(names) == same
