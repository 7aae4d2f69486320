"""Classes from a CSV beside the photos."""

from __future__ import annotations

import pytest

from edgekit.data.folder import read_folder
from edgekit.data.options import DataReading
from edgekit.data.table import Finder, read_columns, suggest
from edgekit.errors import DataError

HOW = {"path": "image_id", "label": "label"}
IMAGES = [f"train_images/{name}.jpg" for name in ("a1", "a2", "b1")]


@pytest.fixture
def lie(tmp_path):
    """Files with what is in them, as text or bytes; photos are read by nobody here."""

    def write(**files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        for name in IMAGES:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        pytest.param("image_id,label\na1.jpg,cat\na2.jpg,cat\nb1.jpg,dog\n", HOW, id="names"),
        pytest.param("image_id,label\na1,cat\na2,cat\nb1,dog\n", HOW, id="without-endings"),
        pytest.param("image_id,label\nA1.JPG,cat\na2.JPG,cat\nB1.jpg,dog\n", HOW, id="another-case"),
        pytest.param("image_id,label\ntrain_images/a1.jpg,cat\n./train_images/a2.jpg,cat\nb1,dog\n", HOW, id="paths"),
        pytest.param("image_id,label\ntrain_images\\a1.jpg,cat\na2,cat\nb1,dog\n", HOW, id="backslashes"),
        pytest.param("image_id;label\na1;cat\na2;cat\nb1;dog\n", HOW, id="semicolons"),
        pytest.param("image_id\tlabel\na1\tcat\na2\tcat\nb1\tdog\n", HOW, id="tabs"),
        pytest.param("\ufeffimage_id,label\r\na1,cat\r\na2,cat\r\nb1,dog\r\n", HOW, id="byte-order-mark"),
        pytest.param("image_id\tlabel\na1\tcat\na2\tcat\nb1\tdog\n".encode("utf-16"), HOW, id="unicode-text"),
        pytest.param("n,label,image_id\n1,cat,a1\n2, cat ,a2\n\n3,dog,b1\n", HOW, id="more-columns-and-spaces"),
        pytest.param('image_id,label\n"a1","cat"\na2,cat\nb1,dog\n', HOW, id="quotes"),
        pytest.param("sep=;\r\nimage_id;label\r\na1;cat\r\na2;cat\r\nb1;dog\r\n", HOW, id="named-separator"),
        pytest.param("# made 2024, by hand\nimage_id,label\na1,cat\na2,cat\nb1,dog\n", HOW, id="remark"),
        pytest.param("image_id,label\na1.png,cat\na2.PNG,cat\nb1.png,dog\n", HOW, id="other-endings"),
        pytest.param(
            "File Name,y\na1,cat\na2,cat\nb1,dog\n", {"path": "File Name", "label": "y"}, id="names-with-spaces"
        ),
    ],
)
def test_tables_are_read(lie, content, columns):
    root = lie(**{"train.csv": content})
    table, samples = read_columns(root, ["train.csv"], IMAGES, columns)
    assert table == "train.csv"
    assert [(one.path, one.label) for one in samples] == [*zip(IMAGES, ("cat", "cat", "dog"), strict=True)]


def test_more_columns_are_taken(lie):
    root = lie(**{"t.csv": "f,c,patient,part\na1,cat,p1,Training\na2,cat,p1,Training\nb1,dog,p2,Testing\n"})
    columns = {"path": "f", "label": "c", "group": "patient", "split": "part"}
    _, samples = read_columns(root, ["t.csv"], IMAGES, columns)
    assert [(one.group, one.split) for one in samples] == [("p1", "train"), ("p1", "train"), ("p2", "test")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            "image_id,label\na1,cat\nzz,dog\nyy,dog\n",
            r"got 2 of 3 .*'zz' in line 3, 'yy' in line 4; restore",
            id="no-such-photo",
        ),
        pytest.param(
            "image_id,label\na1,cat\na1.jpg,dog\n", r"line 3: a photo must be listed once.* in line 2 too", id="twice"
        ),
        pytest.param("image_id,label\na1,cat\nb1,\n", "line 3: a label must not be empty", id="no-label"),
        pytest.param("image_id,label\na1,cat\nb1\n", "line 3: a row must have 2 cells", id="short-row"),
        pytest.param("image_id,label\na1,cat\nb1,NaN\n", r"line 3: a label must name .*'NaN' for 'train_im", id="nan"),
        pytest.param("image_id,label,label\na1,cat,dog\n", "different names, got label twice", id="same-name"),
        pytest.param("image_id,label\n", "must list at least one photo", id="no-rows"),
        pytest.param(
            "id,label\na1,cat\n", "must have the columns image_id, label, got t.csv has id, label", id="other-columns"
        ),
    ],
)
def test_tables_are_refused(lie, content, message):
    root = lie(**{"t.csv": content})
    with pytest.raises(DataError, match=message):
        read_columns(root, ["t.csv"], IMAGES, HOW)


def test_a_first_row_must_be_names(lie):
    root = lie(**{"t.csv": "a1.jpg,cat\na2.jpg,cat\nb1.jpg,dog\n"})
    with pytest.raises(DataError, match=r"t\.csv: the first row must name the columns, got the photo 'a1\.jpg'"):
        read_columns(root, ["t.csv"], IMAGES, {"path": "a1.jpg", "label": "cat"})


def test_a_text_file_is_a_table_where_it_is_named(lie):
    root = lie(**{"list.txt": "image_id label\na1 cat\na2 cat\nb1 dog\n"})
    with pytest.raises(DataError, match="no CSV at all"):
        read_folder(root, DataReading(columns=HOW))
    found = read_folder(root, DataReading(columns=HOW | {"file": "list.txt"}))
    assert found.understood.classes == {"cat": 2, "dog": 1}


def test_a_name_of_two_photos_needs_its_path(lie):
    root = lie(**{"labels.csv": "image_id,label\n1,cat\n", "train.csv": "image_id,label\n1,cat\n"})
    photos = ["x/1.jpg", "y/1.jpg", "train/1.jpg"]
    with pytest.raises(DataError, match=r"must name one photo alone.*'1' in line 2 \(x/1\.jpg, y/1\.jpg, and 1 more\)"):
        read_columns(root, ["labels.csv"], photos, HOW)
    # The table of the training part means the photos of it.
    assert read_columns(root, ["train.csv"], photos, HOW)[1][0].path == "train/1.jpg"


def test_of_several_tables_one_must_have_the_columns(lie):
    good = "image_id,label\na1,cat\n"
    root = lie(**{"train.csv": good, "test.csv": "image_id\nzz\n", "sample_submission.csv": good})
    tables = ["sample_submission.csv", "test.csv", "train.csv"]
    assert read_columns(root, tables, IMAGES, HOW)[0] == "train.csv"
    (root / "valid.csv").write_text(good)
    with pytest.raises(
        DataError, match=r"got train.csv, valid.csv; name one with --columns file=train.csv,path=image_id"
    ):
        read_columns(root, [*tables, "valid.csv"], IMAGES, HOW)
    assert read_columns(root, [*tables, "valid.csv"], IMAGES, HOW | {"file": "valid.csv"})[0] == "valid.csv"
    with pytest.raises(DataError, match=r"names the table 'no.csv', got sample_submission.csv"):
        read_columns(root, tables, IMAGES, HOW | {"file": "no.csv"})
    with pytest.raises(DataError, match=r"test.csv: must have the columns label, has image_id"):
        read_columns(root, tables, IMAGES, HOW | {"file": "test.csv"})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"t.csv": "image_id,label\na1,0\na2,0\nb1,1\n"}, "path=image_id,label=label", id="label"),
        pytest.param({"t.csv": "id;x;class\na1;1;0\na2;2;0\nb1;3;1\n"}, "path=id,label=class", id="class"),
        pytest.param({"t.csv": "file,dx\na1.jpg,nv\na2.jpg,nv\nb1.jpg,mel\n"}, "path=file,label=dx", id="what-repeats"),
        pytest.param(
            {"a.csv": "image_id,label\na1,0\n", "b.csv": "image_id,label\na2,0\n"},
            "file=a.csv,path=image_id,label=label",
            id="two",
        ),
        pytest.param({"t.csv": "image_id,label\nzz,0\nyy,1\n"}, "", id="other-photos"),
        pytest.param({"t.csv": "image_id\na1\n"}, "", id="no-classes"),
        pytest.param({"sample_submission.csv": "image_id,label\na1,0\nb1,0\n"}, "", id="example-of-answers"),
        pytest.param({"t.csv": b"\xff\xfe\xff"}, "", id="no-text"),
    ],
)
def test_what_would_read_it_is_said(lie, files, expected):
    assert suggest(lie(**files), sorted(files), IMAGES).columns == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("image,cat,dog\na1,1,0\na2,1,0\nb1,0,1\n", r"cat, dog have a 1 .*one-hot", id="one-hot"),
        pytest.param("image,MEL,NV\na1,1.0,0.0\na2,0.0,1.0\nb1,0.0,1.0\n", r"MEL, NV .*one-hot", id="with-points"),
        pytest.param(
            "image_id,dx,sex\na1,nv,male\na2,nv,male\nb1,mel,female\n",
            r"may be the class: dx, sex; say --columns path=image_id,label=COLUMN",
            id="several",
        ),
        pytest.param("a1.jpg,cat\na2.jpg,cat\nb1.jpg,dog\n", r"got the photo 'a1.jpg'; add a first row", id="no-names"),
        pytest.param("image_id,label\na1,cat\nb1\n", "line 3: a row must have 2 cells", id="short-row"),
        pytest.param("image_id,label\na1,cat\nzz,cat\nb1,dog\n", r"got 2 of 3 rows .*in image_id", id="other-photos"),
        pytest.param(b"image_id,label\na1,caf\xe9\n", "must be UTF-8", id="another-encoding"),
    ],
)
def test_why_a_table_is_of_no_use_is_said(lie, content, why):
    root = lie(**{"labels.csv": content})
    with pytest.raises(DataError, match=rf"without class folders; labels\.csv can't be read as their classes: .*{why}"):
        read_folder(root).check_classes(least=2)


def test_columns_of_edgekits_names_are_suggested_too(lie):
    content = "file,class,Split,patient,group,fold\na1,x,train,p,g1,0\na2,y,train,p,g2,1\nb1,y,test,q,g3,2\n"
    root = lie(**{"t.csv": content})
    # Folds count from 1: such a column would be refused.
    assert suggest(root, ["t.csv"], IMAGES).columns == "path=file,label=class,split=Split,group=group"


@pytest.mark.parametrize(
    ("photos", "cell", "expected"),
    [
        pytest.param(["train/0.jpg"], "test/0.jpg", [], id="another-folder"),
        pytest.param(["x/train/0.jpg", "x/test/0.jpg"], "test/0.jpg", ["x/test/0.jpg"], id="the-last-folder"),
        pytest.param(["0.jpg"], "C:\\train\\0.jpg", ["0.jpg"], id="photos-without-folders"),
        pytest.param(["x/train/0.jpg"], "/content/train/0.jpg", ["x/train/0.jpg"], id="folders-of-another-computer"),
        pytest.param(["x/a.jpg"], "a.png", ["x/a.jpg"], id="another-ending"),
        pytest.param(["x/a.jpg"], "x/a.png", ["x/a.jpg"], id="another-ending-in-a-folder"),
        pytest.param(["A.jpg", "a.jpg"], "a.jpg", ["a.jpg"], id="same-but-case"),
        pytest.param(["x/A.jpg", "x/a.jpg"], "A", ["x/A.jpg"], id="same-but-case-without-ending"),
        pytest.param(["A.jpg"], "a.jpg", ["A.jpg"], id="another-case"),
        pytest.param(["v1.2.jpg", "v1.jpg"], "v1.2", ["v1.2.jpg"], id="points"),
    ],
)
def test_what_a_cell_means(photos, cell, expected):
    assert Finder(photos).find(cell, "t.csv") == expected


def test_a_folder_of_photos_and_a_csv(lie):
    root = lie(**{"train.csv": "image_id,label\na1,cat\nb1,dog\n", "test.csv": "image_id\nzz\n", "README.md": "hello"})
    found = read_folder(root)
    assert (found.understood.kind, found.understood.unlabelled) == ("unlabelled", 3)
    # The exact words that read it.
    with pytest.raises(
        DataError, match=r"train_images/ without class folders; .*say --columns path=image_id,label=label$"
    ):
        found.check_classes(least=2)
    found = read_folder(root, DataReading(columns=HOW))
    found.check_classes(least=2)
    assert found.understood.classes == {"cat": 1, "dog": 1}
    left = {one.what: one.count for one in found.understood.left_out}
    assert left == {"photo": 1, ".csv file": 1, ".md file": 1}
    assert found.understood.lines(root)[0].endswith(": 2 photos of 2 classes (cat 1, dog 1), as train.csv says")


def test_folders_that_only_keep_photos_are_no_classes_beside_a_csv(lie):
    root = lie(**{"images_2/c1.jpg": "", "t.csv": "image_id,dx\na1,nv\na2,nv\nb1,mel\nc1,mel\n"})
    (root / "train_images").rename(root / "images_1")
    with pytest.raises(DataError, match=r"images_1, images_2 may be the classes.*--columns path=image_id,label=dx"):
        read_folder(root)
    (root / "t.csv").write_text("image_id,dx,sex\na1,nv,f\na2,nv,m\nb1,mel,f\nc1,mel,m\n")
    with pytest.raises(DataError, match=r"images_2 may be the classes.*label in the first case; .* class: dx, sex"):
        read_folder(root)


def test_numbers_of_classes_are_no_names_of_photos(lie):
    root = lie(**{"t.csv": "path,label\ntest/0.jpg,0\ntest/1.jpg,1\n"})
    found = suggest(root, ["t.csv"], ["train/0.jpg", "train/1.jpg"])
    assert (found.columns, found.names_photos) == ("", False)
    assert "got 0 of 2 rows that name one that lies here" in found.why
