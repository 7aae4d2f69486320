"""A data folder on disk, with all that lies beside photos."""

from __future__ import annotations

import pytest

from edgekit.data.folder import check_reading, read_folder
from edgekit.data.options import DataReading
from edgekit.errors import DataError

LITTER = [
    "@eaDir",
    ".AppleDouble",
    "lost+found",
    "__MACOSX",
    "$RECYCLE.BIN",
    "System Volume Information",
    ".ipynb_checkpoints",
]


def test_litter_is_no_class_and_its_pictures_are_counted(empty_files):
    root = empty_files(
        "cat/1.jpg",
        "dog/1.jpg",
        "cat/._1.jpg",
        "cat/Thumbs.db",
        "dog/desktop.ini",
        "cat/@eaDir/1.jpg/SYNO_THUMB.jpg",
        *(f"{name}/{number}.jpg" for name in LITTER for number in range(2)),
    )
    found = read_folder(root).understood
    assert found.classes == {"cat": 1, "dog": 1}
    left = {one.what: one.count for one in found.left_out}
    assert left == {f"{name}/": 2 for name in LITTER} | {"cat/@eaDir/": 1, "hidden file": 1}


@pytest.mark.parametrize("name", [*LITTER, "archive/__MACOSX"])
def test_litter_without_pictures_is_no_class_without_photos(empty_files, name):
    found = read_folder(
        empty_files("archive/cat/1.jpg", "archive/dog/1.jpg", f"{name}/", "README.md", "LICENSE")
    ).understood
    assert (found.base, found.classes) == ("archive", {"cat": 1, "dog": 1})
    assert [(one.what, one.count) for one in found.left_out] == [(".md file", 1), ("file", 1)]


def test_other_files_are_counted_by_their_endings(empty_files):
    root = empty_files("cat/1.jpg", "dog/1.JPG", "cat/1.xml", "cat/raw.CR2", "dog/raw.cr2", "labels.csv")
    left = [(one.what, one.count, one.why) for one in read_folder(root).understood.left_out]
    assert left == [
        (".cr2 file", 2, "raw: export as JPEG"),
        (".csv file", 1, "no photos"),
        (".xml file", 1, "no photos"),
    ]


def test_what_was_understood_is_said_in_a_few_lines(empty_files):
    root = empty_files(
        *(f"x/{part}/{label}/1.jpg" for part in ("Train", "Test") for label in ("cat", "dog")), "x/pred/1.jpg"
    )
    assert read_folder(root).understood.lines(root) == (
        f"{root}: 4 photos of 2 classes (cat 2, dog 2); train 2, test 2",
        "taken from x/, the only folder with photos",
        "left out: 1 photo in x/pred/ (no class folders in it)",
    )


def test_many_classes_are_counted(empty_files):
    root = empty_files(*(f"{number:02}/1.jpg" for number in range(40)))
    (line,) = read_folder(root).understood.lines(root)
    assert line.endswith(
        ": 40 photos of 40 classes (00 1, 01 1, 02 1, 03 1, 04 1, 05 1, 06 1, 07 1, 08 1, 09 1, 10 1,"
        " 11 1, and 28 more)"
    )


class TestManifests:
    def test_one_decides_and_the_rest_is_counted(self, empty_files):
        root = empty_files("cat/1.jpg", "dog/1.jpg", "test/1.jpg", "1.jpg")
        (root / "manifest.csv").write_text("path,group\ncat/1.jpg,a\ndog/1.jpg,b\n")
        found = read_folder(root)
        assert (found.understood.kind, found.understood.classes) == ("manifest", {"cat": 1, "dog": 1})
        assert (found.understood.groups, found.unlabelled) == (2, ("1.jpg", "test/1.jpg"))
        assert [(one.what, one.count, one.why) for one in found.understood.left_out] == [
            ("photo", 2, "not in manifest.csv")
        ]

    def test_one_in_a_wrapper_decides_too(self, empty_files):
        root = empty_files("archive/images/1.jpg", "archive/images/2.jpg", "LICENSE")
        (root / "archive" / "manifest.csv").write_text("path,label\nimages/1.jpg,cat\nimages/2.jpg,dog\n")
        found = read_folder(root)
        assert [(one.path, one.label) for one in found.samples] == [
            ("archive/images/1.jpg", "cat"),
            ("archive/images/2.jpg", "dog"),
        ]
        assert (found.understood.table, found.understood.base) == ("archive/manifest.csv", "archive")

    def test_levels_of_folders_are_not_named_beside_one(self, empty_files):
        root = empty_files("a/cat/1.jpg", "manifest.csv")
        with pytest.raises(DataError, match=r"manifest.csv says what each photo is, got --folders too"):
            read_folder(root, DataReading(folders=("group", "label")))

    def test_columns_of_one_may_be_named(self, empty_files):
        root = empty_files("1.jpg", "2.jpg")
        (root / "manifest.csv").write_text("image;what\n1;cat\n2;dog\n")
        with pytest.raises(DataError, match="or say what they are with --columns path="):
            read_folder(root)
        found = read_folder(root, DataReading(columns={"path": "image", "label": "what"}))
        assert found.labels == ("cat", "dog")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(
            ["Real/1.jpg", "real/1.jpg", "spoof/1.jpg"], "got 'Real' and 'real'; give both folders", id="case"
        ),
        pytest.param(["a b/1.jpg", "a_b/1.jpg", "c/1.jpg"], "got 'a b' and 'a_b'", id="separators"),
        pytest.param(["cat/1.jpg", "cat /1.jpg"], "got 'cat' and 'cat '", id="trailing-space"),
        pytest.param(["caf\u00e9/1.jpg", "cafe\u0301/1.jpg"], "got 'cafe", id="forms-of-unicode"),
        pytest.param(
            ["train/Cat/1.jpg", "test/cat/1.jpg", "train/dog/1.jpg"], "got 'Cat' and 'cat'", id="parts-differ"
        ),
    ],
)
def test_names_that_mean_the_same_are_refused(empty_files, names, message):
    found = read_folder(empty_files(*names))
    with pytest.raises(DataError, match=message):
        found.check_classes(least=2)
    # What a run was trained on stays as it was.
    found.check_classes(least=1, known=found.labels)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        pytest.param({"columns": {"path": "a"}}, "must be path=COLUMN,label=COLUMN", id="no-label"),
        pytest.param(
            {"columns": {"path": "a", "label": "b", "colour": "c"}}, "and more for group", id="unknown-column"
        ),
        pytest.param({"folders": ("group",)}, "folders must be levels such as", id="no-label-level"),
        pytest.param({"folders": ("label", "shop")}, "got 'label/shop'", id="unknown-level"),
        pytest.param({"folders": ("label", "label")}, "each once", id="twice"),
        pytest.param(
            {"columns": {"path": "a", "label": "b"}, "folders": ("label",)}, "got --columns and --folders", id="both"
        ),
    ],
)
def test_readings_that_are_none(how, message):
    with pytest.raises(DataError, match=message):
        check_reading(DataReading(**how))


def test_a_copy_of_all_is_left_out_where_it_is_one(empty_files):
    root = empty_files(*(f"pets/{twin}{label}/1.jpg" for twin in ("", "pets/") for label in ("cat", "dog")))
    found = read_folder(root).understood
    assert found.classes == {"cat": 1, "dog": 1}
    assert [(one.what, one.count) for one in found.left_out] == [("pets/pets/", 2)]
    (root / "pets/pets/cat/1.jpg").write_bytes(b"another photo")
    with pytest.raises(DataError, match=r"got pets/pets/cat/1\.jpg of another size than pets/cat/1\.jpg; merge"):
        read_folder(root)


def test_levels_of_folders_give_groups(empty_files):
    root = empty_files(*(f"{author}/{label}/1.jpg" for author in "ab" for label in ("genuine", "recapture")))
    found = read_folder(root, DataReading(folders=("group", "label")))
    assert (found.labels, found.understood.groups) == (("genuine", "recapture"), 2)
