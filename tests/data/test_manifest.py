import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data.manifest import COLUMNS, NOTES, Sample, read_manifest, write_manifest
from edgekit.errors import DataError, EdgekitError


def write(tmp_path, text):
    path = tmp_path / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("path\nreal/a.jpg\n", Sample(path="real/a.jpg", label="real"), id="label-is-the-first-folder"),
        pytest.param("path\nreal/x/a.jpg\n", Sample(path="real/x/a.jpg", label="real"), id="folders-below-a-class"),
        pytest.param(
            "path\nValidation/real/a.jpg\n",
            Sample(path="Validation/real/a.jpg", label="real", split="val"),
            id="label-below-a-split-folder",
        ),
        pytest.param("path\ntests/a.jpg\n", Sample(path="tests/a.jpg", label="tests"), id="a-class-named-like-a-split"),
        pytest.param("path,label\na.jpg,real\n", Sample(path="a.jpg", label="real"), id="label-column"),
        pytest.param("path,label\nscreen/a.jpg,real\n", Sample(path="screen/a.jpg", label="real"), id="column-wins"),
        pytest.param(
            "path,label,split\ntrain/real/a.jpg,real,test\n",
            Sample(path="train/real/a.jpg", label="real", split="test"),
            id="split-column-wins",
        ),
        pytest.param("\ufeffpath\r\nreal/a.jpg\r\n", Sample(path="real/a.jpg", label="real"), id="as-excel-saves"),
        pytest.param("path\n./real//a.jpg\n", Sample(path="real/a.jpg", label="real"), id="path-is-normalised"),
        pytest.param("path, label \na.jpg, real \n", Sample(path="a.jpg", label="real"), id="spaces-round-values"),
        pytest.param('path,label\n"a,b.jpg",real\n', Sample(path="a,b.jpg", label="real"), id="quoted-comma"),
        pytest.param("path,label\n\n,\na.jpg,real\n", Sample(path="a.jpg", label="real"), id="blank-rows-are-skipped"),
        pytest.param("path\nreal/日本 café.jpg\n", Sample(path="real/日本 café.jpg", label="real"), id="unicode"),
        pytest.param(
            "path,label,width,height,source_width,source_height\na.jpg,real,4,3,8,6\n",
            Sample(path="a.jpg", label="real"),
            id="notes-are-dropped",
        ),
        pytest.param(
            "split,scene,screen,camera,kind,group,label,path\nvalid,s,t,c,k,g,real,a.jpg\n",
            Sample(path="a.jpg", label="real", group="g", kind="k", camera="c", screen="t", scene="s", split="val"),
            id="every-column-in-any-order",
        ),
    ],
)
def test_read_manifest_gives(tmp_path, text, expected):
    assert read_manifest(write(tmp_path, text)) == (expected,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "must start with a row of column names", id="empty"),
        pytest.param("path,label\n", "must list at least one photo", id="no-rows"),
        pytest.param(
            "path,lable\na.jpg,real\n", r"columns must be among path, label.*\['lable'\]", id="unknown-column"
        ),
        pytest.param("path;label\na.jpg;real\n", "separated by commas", id="semicolons"),
        pytest.param("label\nreal\n", r"must have a path column, got \['label'\]", id="no-path-column"),
        pytest.param("path,path\na.jpg,b.jpg\n", "each column must stand once", id="column-twice"),
        pytest.param("path,label\na.jpg\n", "line 2: a row must have 2 cells.*got 1", id="short-row"),
        pytest.param("path,label\na.jpg,real,x\n", "line 2: a row must have 2 cells.*got 3", id="long-row"),
        pytest.param('path,label\n"a.jpg,real\n', "line 2: a manifest must be CSV", id="open-quote"),
        pytest.param("path,label\n,real\n", "line 2: path must name a photo, got ''", id="empty-path"),
        pytest.param("path,label\n.,real\n", "line 2: path must name a photo", id="the-folder-itself"),
        pytest.param("path,label\n/a.jpg,real\n", "line 2: path must be relative.*'/a.jpg'", id="absolute-path"),
        pytest.param("path,label\nC:/a.jpg,real\n", "line 2: path must be relative", id="absolute-windows-path"),
        pytest.param("path,label\nx/../../a.jpg,real\n", "line 2: path must stay inside", id="path-that-escapes"),
        pytest.param("path,label\nreal\\a.jpg,real\n", "must have / between folders", id="backslash"),
        pytest.param("path,label\na.jpg,\n", "line 2: a label must not be empty", id="empty-label"),
        pytest.param("path\na.jpg\n", "line 2: a label must not be empty", id="no-folder-to-take-as-label"),
        pytest.param("path\ntest/a.jpg\n", "line 2: a label must not be empty", id="a-split-is-no-label"),
        pytest.param("path,label\na.jpg,retake\n", "not 'retake' or 'unknown', got 'retake'", id="reserved-label"),
        pytest.param("path,label\na.jpg,re\x07al\n", "label must be printable", id="control-character-in-label"),
        pytest.param('path,label\n"a\nb.jpg",real\n', "path must be one line", id="line-break-in-path"),
        pytest.param(
            "path,label,split\na.jpg,real,half\n", "split must be one of train, val, test", id="unknown-split"
        ),
        pytest.param(
            "path,label\na.jpg,real\nb.jpg,real\n./a.jpg,screen\n",
            "line 4: a photo must be listed once, got 'a.jpg' in line 2 too",
            id="photo-twice",
        ),
        pytest.param(b"path,label\na.jpg,caf\xe9\n", "line 2: a manifest must be UTF-8, got byte 0xe9", id="latin-1"),
        pytest.param(b"path,label\na.jpg,real\0\n", "NUL byte at 21", id="nul-byte"),
    ],
)
def test_read_manifest_refuses(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read_manifest(write(tmp_path, text))
    assert "manifest.csv" in str(caught.value)


def test_read_manifest_refuses_a_huge_file(tmp_path):
    path = tmp_path / "manifest.csv"
    with path.open("wb") as file:
        file.truncate(200_000_001)
    with pytest.raises(DataError, match="at most 200000000 bytes, got 200000001"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "no such manifest", id="nothing"),
        pytest.param(lambda path: path.mkdir(), "a manifest must be readable", id="folder"),
        pytest.param(os.mkfifo, "a manifest must be a file, got a pipe or a device", id="pipe"),
    ],
)
def test_read_manifest_refuses_what_is_no_file(tmp_path, make, message):
    make(tmp_path / "manifest.csv")
    with pytest.raises(DataError, match=rf"manifest\.csv: {message}"):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize(
    ("header", "paths", "expected"),
    [
        pytest.param("path", ["real/1.jpg", "print/x/2.jpg"], [("real", ""), ("print", "")], id="classes"),
        pytest.param("path", ["x_train/a/1.jpg", "x_test/a/2.jpg"], [("a", "train"), ("a", "test")], id="splits"),
        pytest.param("path", ["archive/a/1.jpg", "archive/b/2.jpg"], [("a", ""), ("b", "")], id="wrapper"),
        pytest.param(
            "label,path",
            ["cat,Train/1/1.jpg", "dog,Test/1/2.jpg"],
            [("cat", "train"), ("dog", "test")],
            id="parts-alone",
        ),
        pytest.param(
            "label,path", ["cat,train/1.jpg", "dog,test/2.jpg"], [("cat", ""), ("dog", "")], id="no-class-folder"
        ),
        pytest.param(
            "split,label,path",
            ["Training,cat,1.jpg", "TEST,dog,2.jpg"],
            [("cat", "train"), ("dog", "test")],
            id="words",
        ),
    ],
)
def test_folders_say_what_a_manifest_does_not(tmp_path, header, paths, expected):
    found = read_manifest(write(tmp_path, "\n".join([header, *paths])))
    assert [(one.label, one.split) for one in found] == expected


def test_write_manifest_leaves_empty_columns_out(tmp_path):
    path = tmp_path / "manifest.csv"
    write_manifest(path, [Sample(path="b.jpg", label="real"), Sample(path="a.jpg", label="screen", kind="tv")])
    assert path.read_text() == "path,label,kind\nb.jpg,real,\na.jpg,screen,tv\n"


def test_write_manifest_says_where_it_can_not_write(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgekitError, match="can't write"):
        write_manifest(tmp_path / "file" / "manifest.csv", [Sample(path="a.jpg", label="real")])


VALUES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\\"), max_size=12).map(str.strip)


@given(
    names=st.lists(
        VALUES.map(lambda name: name.replace("/", "_")).filter(lambda name: name.strip(".")), min_size=1, unique=True
    ),
    label=VALUES.filter(lambda label: label.isprintable() and label not in ("", "retake", "unknown")),
    note=VALUES,
)
def test_what_write_manifest_writes_reads_back(tmp_path_factory, names, label, note):
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    samples = tuple(Sample(path=f"photos/{name}.jpg", label=label, group=note, kind=note) for name in names)
    write_manifest(path, samples)
    assert read_manifest(path) == samples


def test_columns_and_notes_are_apart():
    assert not set(COLUMNS) & set(NOTES)
