"""What any export must hold before a member of it is read."""

from __future__ import annotations

import zipfile

import pytest
from exporting import pack

from edgekit.errors import DataError, MissingExtra
from edgekit.phones import export as exports
from edgekit.phones.export import CAPTURE_ENDINGS, Export, export_kind, open_export, scratch_of


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, ""),
        (b'{"schema": 1, "kind": "captures"}', "captures"),
        (b'{"schema": 1, "kind": "bench", "more": 1}', "bench"),
        (b'{"version": 3}', ""),
        (b"[1, 2]", ""),
        (b"no json", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_the_kind_of_a_zip_file(tmp_path, content, kind):
    file = pack(tmp_path / "x.zip", {"a.jpg": b"x"} | ({} if content is None else {"export.json": content}))
    with zipfile.ZipFile(file) as archive:
        assert export_kind(file, archive) == kind


@pytest.mark.parametrize("content", [b'{"schema": 2, "kind": "bench"}', b'{"schema": true, "kind": "bench"}'])
def test_another_schema(tmp_path, content):
    file = pack(tmp_path / "x.zip", {"export.json": content})
    with zipfile.ZipFile(file) as archive, pytest.raises(DataError, match="schema 1 and a kind of captures, bench"):
        export_kind(file, archive)


def test_no_zip_file(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"hello")
    with (
        pytest.raises(DataError, match="must be a whole zip file"),
        open_export(tmp_path / "x.zip", "bench", folders=("photos",), texts=("export.json",)),
    ):
        pass


def test_a_text_beyond_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "MAX_TEXT_BYTES", 10)
    file = pack(tmp_path / "x.zip", {"a.txt": b"x" * 11, "photos/1.jpg": b"x" * 11})
    with zipfile.ZipFile(file) as archive:
        export = Export(file, archive, "bench", folders=("photos",), texts=("a.txt",))
        with pytest.raises(DataError, match=r"a\.txt must have at most 10 bytes, got 11"):
            export.text("a.txt")
        assert export.content("photos/1.jpg") == b"x" * 11


def test_lines_end_where_json_lines_do(tmp_path):
    file = pack(tmp_path / "x.zip", {"a.txt": '"a\u2028b"\n"c"\n'.encode()})
    with zipfile.ZipFile(file) as archive:
        export = Export(file, archive, "bench", folders=("photos",), texts=("a.txt",))
        assert export.lines("a.txt") == ['"a\u2028b"', '"c"']


def test_photos_have_the_endings_of_their_kind_alone(tmp_path):
    file = pack(tmp_path / "x.zip", {"a.txt": b"x", "photos/1.heic": b"x"})
    with zipfile.ZipFile(file) as archive:
        with pytest.raises(DataError, match=r"photos \(\.jpg, \.png, \.webp\) in photos, got 'photos/1\.heic'"):
            Export(file, archive, "bench", folders=("photos",), texts=("a.txt",))
        Export(file, archive, "captures", folders=("photos",), texts=("a.txt",), endings=CAPTURE_ENDINGS)


def test_an_error_meanwhile_names_the_export_and_stays_what_it_is(tmp_path):
    """Errors are made of other things than a message, too."""
    export = tmp_path / "x.zip"
    with pytest.raises(MissingExtra, match=r"^tensorflow is not installed: ") as raised, scratch_of([export]):
        raise MissingExtra("tensorflow", "host")
    assert raised.value.package == "tensorflow"
    with pytest.raises(DataError, match=f"^{export}/one.jpg is no photo$"), scratch_of([export]) as (folder,):
        raise DataError(f"{folder}/one.jpg is no photo")
