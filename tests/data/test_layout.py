"""What a folder is, by the paths of its photos: a table of layouts with their right reading."""

from __future__ import annotations

import pytest

from edgekit.data.layout import Facts, understand
from edgekit.errors import DataError


def tree(text: str) -> list[str]:
    """Paths of photos: ``a/{b,c}/2`` are two photos each in a/b and a/c; ``a/2`` two in a."""
    paths = []
    for one in text.split():
        if "{" in one:
            before, _, rest = one.partition("{")
            names, _, after = rest.partition("}")
            paths += tree(" ".join(f"{before}{name}{after}" for name in names.split(",")))
        else:
            folder, _, number = one.rpartition("/")
            paths += [f"{folder}/{at}.jpg" if folder else f"{at}.jpg" for at in range(int(number))]
    return sorted(paths)


def read(text: str, **facts):
    found = understand(tree(text), Facts(where="photos", **facts))
    counted: dict[str, int] = {}
    for place in found.places.values():
        name = f"{place.split}:{place.label}" if place.split else place.label
        counted[name] = counted.get(name, 0) + 1
    return found, " ".join(f"{name} {n}" for name, n in sorted(counted.items()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Class folders.
        pytest.param("cat/2 dog/3", "cat 2 dog 3", id="classes"),
        pytest.param("cat/{ann,bob}/1 dog/{bob,eve}/1", "cat 2 dog 2", id="classes-with-groups"),
        pytest.param("cat/1 cat/ann/1 dog/1", "cat 2 dog 1", id="groups-beside-photos"),
        pytest.param(
            "genuine/{ann,ben}/1 recapture/{ann,ben}/1", "genuine 2 recapture 2", id="same-groups-in-known-classes"
        ),
        pytest.param("Live/{a,b}/1 Spoof/{a,b}/1", "Live 2 Spoof 2", id="known-classes-in-any-case"),
        pytest.param("train/1 bus/1 car/1", "bus 1 car 1 train 1", id="trains-buses-cars"),
        pytest.param("valid/1 invalid/1", "invalid 1 valid 1", id="valid-and-invalid"),
        pytest.param("valid/{a,b}/1 invalid/{a,b}/1", "invalid 2 valid 2", id="valid-and-invalid-with-groups"),
        pytest.param("trains/1 tests/1", "tests 1 trains 1", id="plurals-are-no-parts"),
        pytest.param("0/1 1/1 2/1", "0 1 1 1 2 1", id="numbers"),
        pytest.param("cat/1", "cat 1", id="one-class"),
        pytest.param("genuine/{ann,bob}/1", "genuine 2", id="one-known-class-is-no-wrapper"),
        # Split folders.
        pytest.param(
            "train/{a,b}/2 val/{a,b}/1 test/{a,b}/1",
            "test:a 1 test:b 1 train:a 2 train:b 2 val:a 1 val:b 1",
            id="splits",
        ),
        pytest.param(
            "Training/{a,b}/1 Testing/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="training-testing"
        ),
        pytest.param("train_set/{a,b}/1 valid_set/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="sets"),
        pytest.param("X-Train/{a,b}/1 X-Test/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="x-in-capitals"),
        pytest.param(
            "x_train/x_train/{a,b}/1 x_test/x_test/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="nested-twins"
        ),
        pytest.param(
            "train/images/{a,b}/1 test/images/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="wrapper-in-parts"
        ),
        pytest.param(
            "images/train/{a,b}/1 images/test/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1",
            id="wrapper-around-parts",
        ),
        pytest.param(
            "archive/data/train/{a,b}/1 archive/data/val/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1",
            id="two-wrappers-around-parts",
        ),
        pytest.param("train/{a,b}/s1/1 test/{a,b}/s1/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="groups-in-parts"),
        pytest.param("train/{a,b}/1 test/3", "a 1 b 1", id="flat-test-beside-train"),
        pytest.param("train/{a,b}/1 test/test/3", "a 1 b 1", id="flat-test-in-its-twin"),
        pytest.param(
            "train/{a,b}/1 val/{a,b}/1 test/3", "test:a 1 test:b 1 train:a 1 train:b 1", id="flat-test-beside-two-parts"
        ),
        pytest.param(
            "seg_train/seg_train/{a,b}/1 seg_test/seg_test/{a,b}/1 seg_pred/seg_pred/4",
            "test:a 1 test:b 1 train:a 1 train:b 1",
            id="photos-to-predict",
        ),
        pytest.param("train/{a,b}/1", "a 1 b 1", id="train-alone"),
        pytest.param("test/{a,b}/1", "test:a 1 test:b 1", id="test-alone"),
        pytest.param(
            "train/{a,b}/1 dev/{a,b}/1 eval/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1 val:a 1 val:b 1",
            id="dev-and-eval",
        ),
        pytest.param(
            "train/{a,b}/1 eval/{a,b}/1 test/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1 val:a 1 val:b 1",
            id="eval-beside-test",
        ),
        pytest.param("train/{a,b}/1 test/a/1", "test:a 1 train:a 1 train:b 1", id="test-has-fewer-classes"),
        pytest.param(
            "a/{train,test}/1 b/{train,test}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="parts-in-classes"
        ),
        pytest.param(
            "asl_train/asl_train/{a,b}/1 asl_test/asl_test/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1",
            id="parts-of-a-name",
        ),
        pytest.param("asl_alphabet_train/{a,b}/1 asl_alphabet_test/3", "a 1 b 1", id="flat-test-of-a-name"),
        pytest.param("trainval/{a,b}/1 test/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="trainval"),
        pytest.param("train/{a,b}/1 test/unknown/3", "a 1 b 1", id="test-photos-in-one-folder"),
        pytest.param(
            "crash_test/1 smoke_test/1 train_station/1", "crash_test 1 smoke_test 1 train_station 1", id="words"
        ),
        # Wrappers.
        pytest.param("archive/{a,b}/2", "a 2 b 2", id="wrapper"),
        pytest.param("archive/flowers/v2/{a,b}/2", "a 2 b 2", id="three-wrappers"),
        pytest.param("flowers/{rose,tulip}/s1/1", "rose 1 tulip 1", id="wrapper-of-any-name"),
        pytest.param("all/genuine/{ann,bob}/1", "genuine 2", id="wrapper-around-one-known-class"),
        pytest.param("x/train/{a,b}/1 x/test/3", "a 1 b 1", id="wrapper-around-a-flat-test"),
        # The same photos twice.
        pytest.param("pets/{cat,dog}/1 pets/pets/{cat,dog}/1", "cat 1 dog 1", id="twin-beside-classes"),
        pytest.param(
            "x/x/train/{a,b}/1 x/x/test/{a,b}/1 x/train/{a,b}/1 x/test/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1",
            id="twin-beside-parts",
        ),
        pytest.param(
            "train/{a,b}/1 train/train/{a,b}/1 test/{a,b}/1",
            "test:a 1 test:b 1 train:a 1 train:b 1",
            id="twin-in-a-part",
        ),
        # Levels below split folders.
        pytest.param(
            "train/cat/{s1,s2}/1 train/dog/{s3,s4}/1 test/cat/s5/1 test/dog/s6/1",
            "test:cat 1 test:dog 1 train:cat 2 train:dog 2",
            id="groups-in-classes-in-parts",
        ),
        pytest.param(
            "train/{a,b}/{s1,s2}/1 test/{a,b}/s3/1",
            "test:a 1 test:b 1 train:a 2 train:b 2",
            id="the-same-groups-in-all-classes",
        ),
        pytest.param(
            "train/live/{a,b}/1 train/spoof/{a,b}/1 test/{live,spoof}/1",
            "test:live 1 test:spoof 1 train:live 2 train:spoof 2",
            id="people-in-known-classes",
        ),
        pytest.param(
            "train/{bus,train}/1 test/{bus,train}/1",
            "test:bus 1 test:train 1 train:bus 1 train:train 1",
            id="trains-in-each-part",
        ),
    ],
)
def test_understood(text, expected):
    assert read(text)[1] == expected


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        pytest.param("", "empty", "got no photo at all", id="empty"),
        pytest.param("3", "unlabelled", "got 3 photos outside any class", id="flat"),
        pytest.param("train/2 test/2", "unlabelled", "got test/, train/ without class folders", id="flat-parts"),
        pytest.param("train_images/2", "unlabelled", "got train_images/ without class folders", id="flat-train-images"),
        pytest.param("train/images/2 val/images/2", "unlabelled", "got train/, val/ without", id="flat-below-wrappers"),
        pytest.param(
            "images/2", "unlabelled", "got 2 photos in images/ without class folders", id="photos-in-a-wrapper"
        ),
        pytest.param("a/b/images/2", "unlabelled", "got 2 photos in a/b/images/ without", id="photos-in-wrappers"),
    ],
)
def test_photos_without_classes(text, kind, why):
    found, expected = read(text)
    assert (found.kind, expected) == (kind, "")
    assert why in found.why
    assert len(found.unlabelled) == len(tree(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("cat/1 dog/1 1", "got 1 photo outside any class: 0.jpg; move them", id="loose-beside-classes"),
        pytest.param("x/cat/1 x/dog/1 x/1", "got 1 photo outside any class: x/0.jpg", id="loose-in-a-wrapper"),
        pytest.param(
            "train/{a,b}/1 train/1 test/{a,b}/1", "must lie in class folders, got 1 photo", id="loose-in-a-part"
        ),
        pytest.param(
            "train/{a,b}/1 bird/2", "must not stand side by side.*move bird/ away.*--folders label", id="part-and-class"
        ),
        pytest.param("train/{a,b}/1 a/1 b/1", "train/ holds what lies beside it once more", id="part-and-its-classes"),
        pytest.param(
            "cat/1 dog/1 more/{cat,dog}/2", "more/ holds what lies beside it once more, with 2", id="more-of-both"
        ),
        pytest.param(
            "train/{a,b}/1 test/{a,b}/1 meta/2", "side by side.*beside meta/; move meta/ away", id="parts-and-more"
        ),
        pytest.param(
            "train/real/1 car/x/1", "side by side.*--folders label if 'train' is a class", id="deep-train-and-car"
        ),
        pytest.param(
            "cat/1 dog/1 test/1", "beside cat/, dog/; move test/ away.*if 'test' is a class", id="flat-test-and-classes"
        ),
        pytest.param("fit/{a,b}/1 test/{a,b}/1", "; rename fit/ train if its photos are to train, or move", id="fit"),
        pytest.param("cat/1 train/1 test/1", "side by side", id="flat-parts-and-a-class"),
        pytest.param("x/cat/1 x/dog/1 x/test/1", "say --folders -/label if 'test' is a class", id="in-a-wrapper"),
        pytest.param(
            "a/{genuine,recapture}/1 b/{genuine,recapture}/1",
            "may be the classes; say --folders group/label$",
            id="authors",
        ),
        pytest.param(
            "a/{genuine,recapture}/1 b/genuine/1 c/recapture/1", "--folders group/label", id="authors-of-one-class-too"
        ),
        pytest.param(
            "s1/{cat,dog}/1 s2/{cat,dog}/1", "either may be the classes.*--folders label if the upper", id="sessions"
        ),
        pytest.param(
            "x/s1/{cat,dog}/1 x/s2/{cat,dog}/1",
            "--folders -/group/label.*--folders -/label",
            id="sessions-in-a-wrapper",
        ),
        pytest.param(
            "s1/{train,test}/{a,b}/1 s2/{train,test}/{a,b}/1", "--folders group/split/label", id="parts-in-sessions"
        ),
        pytest.param(
            "train/a/1 test/{a,b}/1", "among the training photos, got b in test alone", id="test-has-more-classes"
        ),
        pytest.param(
            "pets/{cat,dog}/1 pets/pets/{cat,cow}/1",
            "pets/pets/ holds what lies beside it once more, with 1 names of.* and 1 that are not",
            id="twin-with-more",
        ),
        pytest.param(
            "train/s01/{live,spoof}/1 train/s02/{live,spoof}/1 test/s03/{live,spoof}/1",
            "may be the classes; say --folders split/group/label$",
            id="people-in-parts",
        ),
        pytest.param(
            "Data/train/{1,2}/live/1 Data/train/2/spoof/1 Data/test/3/{live,spoof}/1",
            "say --folders -/split/group/label$",
            id="people-in-parts-in-a-wrapper",
        ),
        pytest.param(
            "train/images/{1,2}/live/1 test/images/3/{live,spoof}/1",
            "say --folders split/-/group/label$",
            id="people-in-wrappers-in-parts",
        ),
        pytest.param(
            "train/a/{0001,0002}/live/1 train/b/0003/spoof/1",
            "say --folders split/group/-/label$",
            id="people-in-places-in-a-part",
        ),
        pytest.param("train/a/0001/live/1", "say --folders split/group/-/label if the lower", id="one-in-a-part"),
        pytest.param(
            "s01/{m,n}/{live,spoof}/1 s02/m/{live,spoof}/1", "say --folders group/-/label$", id="two-levels-of-groups"
        ),
        pytest.param(
            "train/cam1/{cat,dog}/1 train/cam2/{cat,dog}/1 test/cam3/{cat,dog}/1",
            "--folders split/group/label if the lower ones are, --folders split/label if the upper",
            id="cameras-in-parts",
        ),
        pytest.param(
            "train/cam1/{cat,dog}/1 train/cam2/{cat,dog}/1 test/unknown/3",
            "--folders split/group/label",
            id="cameras-in-a-part",
        ),
        pytest.param("2019/cat/1 2020/{cat,dog}/1", "--folders group/label if the lower", id="years-that-grow"),
        pytest.param("iphone/{cat,dog}/1 pixel/cat/1", "--folders group/label if the lower", id="one-phone-has-fewer"),
        pytest.param("s1/{a,b}/1 s2/{b,c}/1", "--folders group/label if the lower", id="numbers-that-share"),
        pytest.param("batch1/cat/1 batch2/dog/1", "--folders group/label if the lower", id="batches"),
        pytest.param("archive/cat/1 archive_2/dog/1", "--folders group/label", id="archives"),
        pytest.param("x_train/{a,b}/1 x_train/x_train/{a,b}/2", "x_train/x_train/ holds what lies beside", id="twin"),
        pytest.param("cat/{train,test}/1 dog/2", "got them in cat/ alone", id="parts-in-one-class"),
        pytest.param("a/1 b/1 ds/{train,test}/{a,b}/1", "got them in ds/ alone", id="a-split-set-beside-classes"),
        pytest.param("train/{a,b,val}/1", "must not lie in one another, got train/val/", id="a-part-in-a-part"),
        pytest.param("train/{images,masks}/2 test/{images,masks}/1", "photos and their masks", id="masks-in-parts"),
        pytest.param("images/2 labels/2", "photos and their masks", id="masks"),
    ],
)
def test_two_readings_are_refused(text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(text)
    assert str(caught.value).startswith("photos: ")


@pytest.mark.parametrize(
    ("text", "folders", "expected"),
    [
        pytest.param(
            "a/{genuine,recapture}/1 b/{genuine,recapture}/1", "group/label", "genuine 2 recapture 2", id="authors"
        ),
        pytest.param("s1/{cat,dog}/1 s2/{cat,dog}/1", "label", "s1 2 s2 2", id="upper"),
        pytest.param("train/real/1 car/x/1", "label", "car 1 train 1", id="train-is-a-class"),
        pytest.param(
            "s1/train/{a,b}/1 s1/Testing/a/1", "group/split/label", "test:a 1 train:a 1 train:b 1", id="parts"
        ),
        pytest.param("x/cat/{s1,s2}/1", "-/label", "cat 2", id="skipped"),
    ],
)
def test_levels_that_the_owner_names(text, folders, expected):
    assert read(text, folders=tuple(folders.split("/")))[1] == expected


def test_levels_that_the_owner_names_give_columns():
    found, _ = read("a/{genuine,recapture}/x/1", folders=("group", "label"))
    place = found.places["a/genuine/x/0.jpg"]
    assert (place.more, place.below) == ((("group", "a"),), "x")
    with pytest.raises(DataError, match=r"lie in the folders group/label, got 1 photo in fewer: b/0\.jpg"):
        read("a/{genuine,recapture}/1 b/1", folders=("group", "label"))
    with pytest.raises(DataError, match="level split must be named as train, val or test, got 1 photo in others"):
        read("a/cat/1 train/cat/1", folders=("split", "label"))


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        pytest.param("spoof/{print,replay}/1", ("live", "spoof"), "spoof 2", id="one-attack-class-by-kinds"),
        pytest.param("batch/spoof/2", ("live", "spoof"), "spoof 2", id="one-class-in-a-wrapper"),
        pytest.param("cat/{s1,s2}/1", ("cat", "dog"), "cat 2", id="one-class-with-groups"),
        pytest.param("a/{x,y}/1 b/{x,y}/1", ("x", "y", "z"), "x 2 y 2", id="lower-level"),
        pytest.param("a/{x,y}/1 b/{x,y}/1", ("a", "b"), "a 2 b 2", id="upper-level"),
        pytest.param("s/{m,n}/x/1 t/m/{x,y}/1", ("x", "y"), "x 3 y 1", id="two-levels-down"),
        pytest.param(
            "train/a/{x,y}/1 test/b/{x,y}/1", ("x", "y"), "test:x 1 test:y 1 train:x 1 train:y 1", id="below-parts"
        ),
        pytest.param("train/1", ("bus", "train"), "train 1", id="a-class-called-train"),
        pytest.param("train/x/1 car/x/1", ("car", "train"), "car 1 train 1", id="a-run-with-trains"),
        pytest.param(
            "train/a/1 test/{a,b}/1", ("a", "b"), "test:a 1 test:b 1 train:a 1", id="a-model-learnt-elsewhere"
        ),
    ],
)
def test_classes_that_are_known_settle_it(text, known, expected):
    assert read(text, known=known)[1] == expected


def test_the_folders_own_name_may_be_a_known_class():
    assert read("2 print/1", name="spoof", known=("live", "spoof"))[1] == "spoof 3"
    assert read("replay/1 print/1", name="Spoof", known=("live", "spoof"))[1] == "spoof 2"
    assert read("live/1 spoof/1", name="spoof", known=("live", "spoof"))[1] == "live 1 spoof 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("archive/{a,b}/1", "a 1 b 1", id="wrapper-by-its-name"),
        pytest.param("genuine/{ann,bob}/1", "genuine 2", id="class-by-its-name"),
        pytest.param("x/{genuine,recapture}/1", "genuine 1 recapture 1", id="genuine-photos-inside"),
        pytest.param("x/{train,test}/{a,b}/1", "test:a 1 test:b 1 train:a 1 train:b 1", id="parts-inside"),
    ],
)
def test_one_class_is_welcome_and_its_name_tells(text, expected):
    assert read(text, lone="ask")[1] == expected


def test_one_class_is_welcome_and_its_name_does_not_tell():
    with pytest.raises(
        DataError, match=r"pets/ may be a class.*--folders label in the first case, --folders -/label in"
    ):
        read("pets/{cat,dog}/1", lone="ask")
    assert read("pets/{cat,dog}/1", lone="class")[1] == "pets 2"
    assert read("pets/{cat,dog}/1", lone="ask", known=("pets",))[1] == "pets 2"


def test_a_folder_named_as_its_own_wrapper_holds_other_photos():
    paths = ["data/a/1.jpg", "data/b/1.jpg", "a/2.jpg", "b/2.jpg"]
    with pytest.raises(
        DataError, match=r"data/ holds what lies beside it once more, with 0 names of .* and 2 that are"
    ):
        understand(paths, Facts(where="photos", name="data"))
    paths = ["x/train/a/1.jpg", "x/train/b/1.jpg", "x/train/train/a/2.jpg", "x/train/train/b/2.jpg"]
    with pytest.raises(DataError, match="x/train/train/ holds what lies beside it once more"):
        understand(paths, Facts(where="photos", name="photos"))


def test_what_is_left_out_is_counted():
    found, _ = read("x/train/{a,b}/1 x/test/3 x/x/train/{a,b}/1 x/x/test/3", name="x")
    assert [(one.what, one.count, one.why) for one in found.left_out] == [
        ("x/x/", 5, "what lies beside it, once more"),
        ("x/test/", 3, "no class folders in it"),
    ]
    assert found.notes == ("taken from x/, the only folder with photos",)
    assert read("train/{a,b}/1 test/a/1")[0].notes == ("test has no photo of b",)


@pytest.mark.parametrize(
    ("text", "empty", "message"),
    [
        pytest.param("cat/1 dog/1", "print", "got folders without photos: print; fill or remove", id="class"),
        pytest.param("x/cat/1 x/dog/1", "x/print", "got folders without photos: x/print", id="class-in-a-wrapper"),
        pytest.param(
            "cat/{s1,s2}/1", "dog", "dog might be a class that lacks them; fill or remove", id="beside-a-wrapper"
        ),
    ],
)
def test_class_folders_without_photos_are_refused(text, empty, message):
    with pytest.raises(DataError, match=message):
        read(text, empty=(empty,))


def test_folders_without_photos_that_are_no_classes():
    assert read("images/{a,b}/1", empty=("annotations", "annotations/xml"))[1] == "a 1 b 1"
    found, expected = read("x/images/{a,b}/1", empty=("x/attributes", "x/parts"))
    assert (expected, [one.what for one in found.left_out]) == ("a 1 b 1", ["x/attributes/", "x/parts/"])
    found, expected = read("train/{a,b}/1 test/{a,b}/1", empty=("papers",))
    assert expected == "test:a 1 test:b 1 train:a 1 train:b 1"
    assert [(one.what, one.why) for one in found.left_out] == [("papers/", "no photos in it")]
