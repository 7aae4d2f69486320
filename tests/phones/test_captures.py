"""Exports of captures: read as they are, refused where they contradict themselves or could do harm."""

from __future__ import annotations

import json
import zipfile

import pytest
from exporting import DEVICE, captures_members, changed_json, lines, pack, picture

from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError, EdgekitError
from edgekit.phones.captures import read_captures, unpacked_captures


@pytest.fixture(scope="module")
def members(red_blue_file):
    return captures_members(red_blue_file)


def told(members):
    return [json.loads(line) for line in members["verdicts.jsonl"].splitlines()]


def retold(change):
    """Verdicts whose first one is changed."""

    def changed(members):
        rows = told(members)
        change(rows[0])
        return {**members, "verdicts.jsonl": lines(rows)}

    return changed


def with_one(**values):
    return retold(lambda row: row.update(values))


def first_crop(**values):
    return retold(lambda row: row["crops"][0].update(values))


def also(name, content=b"x"):
    return lambda members: {**members, name: content}


def without(*names):
    return lambda members: {name: content for name, content in members.items() if name not in names}


def first_photo(members):
    return next(name for name in members if name.startswith("photos/"))


def test_an_export_is_read_whole(tmp_path, members):
    export = read_captures(pack(tmp_path / "captures.zip", members))
    assert [one.truth for one in export.captures] == ["genuine", "genuine", "recapture", "recapture", None]
    assert [sample.label for sample in export.samples] == ["genuine", "genuine", "recapture", "recapture"]
    assert {(sample.group, sample.camera) for sample in export.samples} == {("4e81c2d0-20261130", f"{DEVICE} back")}
    assert export.unlabelled == 1
    assert export.head.captures == 5


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_is_unpacked_is_a_data_folder_without_verdicts(tmp_path, members, compression):
    with unpacked_captures(pack(tmp_path / "captures.zip", members, compression)) as (folder, export):
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert there == {"manifest.csv", *(sample.path for sample in export.samples)}
        assert folder.name == "captures.zip"
        for sample in export.samples:
            assert (folder / sample.path).read_bytes() == members[sample.path]
    assert not folder.exists()


def test_folders_and_other_line_ends_are_of_no_account(tmp_path, members):
    written = members["manifest.csv"].replace(b"\n", b"\r\n")
    export = read_captures(
        pack(tmp_path / "x.zip", {"photos/": b"", "unlabelled/": b"", **members, "manifest.csv": written})
    )
    assert len(export.samples) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(with_one(schema=2), "verdicts.jsonl line 1: schema must be one of", id="newer-capture"),
        pytest.param(with_one(id="../x"), "id must be 1 to 64", id="id-leaves"),
        pytest.param(with_one(photo="other.jpg"), "photo the same with", id="photo-of-another"),
        pytest.param(with_one(schema=True), "schema must be one of .1., got True", id="schema-of-another-type"),
        pytest.param(with_one(rotation=90.0), "rotation must be one of .*, got 90.0", id="rotation-of-another-type"),
        pytest.param(with_one(taken="\u0662026-11-30T07:13:55.123Z"), "taken must be a time", id="other-digits"),
        pytest.param(first_crop(box=[-1, 0, 8, 8]), "box must lie in the photo's 64x48 pixels", id="box-outside"),
        pytest.param(first_crop(box=[0, 0, 65, 48]), "box must lie in the photo's 64x48 pixels", id="box-beyond"),
        pytest.param(first_crop(box=[8, 8, 8, 16]), "box must lie in", id="box-empty"),
        pytest.param(first_crop(probabilities=[1.0, 1.0]), "a crop's probabilities must .* add up to 1", id="sum"),
        pytest.param(
            with_one(probabilities={"genuine": 0.5, "recapture": 0.1}), "a verdict's probabilities must", id="voted-sum"
        ),
        pytest.param(with_one(taken="2026-11-30 07:13"), "taken must be a time such as", id="time"),
        pytest.param(with_one(source="cloud"), "source must be one of", id="source"),
        pytest.param(with_one(label="cat"), "label and truth must be among", id="label"),
        pytest.param(with_one(truth="cat"), "label and truth must be among", id="truth"),
        pytest.param(with_one(score=float("nan")), "must be JSON: a number must have digits, got NaN", id="nan"),
        pytest.param(with_one(score=1.5), "a score from 0 to 1, got .* and 1.5", id="score"),
        pytest.param(with_one(crops=[]), "must have 1 to 1000 crops", id="no-crops"),
        pytest.param(
            first_crop(probabilities=[1.0]),
            "must have 2 probabilities, or one more with that of unknown, got 1",
            id="classes",
        ),
        pytest.param(first_crop(box=[0, 0, 1]), r"crops\[0\]: box must be", id="box"),
        pytest.param(with_one(rotation=45), "rotation must be one of", id="rotation"),
        pytest.param(with_one(threads=0), "threads 1 to", id="threads"),
        pytest.param(with_one(size_wh=[0, 4]), "size_wh must be positive", id="size"),
        pytest.param(with_one(device="a\nb"), "device must be printable", id="device"),
        pytest.param(with_one(ms={"decode_ms": -1, "crop_ms": 0, "invoke_ms": 0, "vote_ms": 0}), "must be", id="ms"),
        pytest.param(with_one(model={"name": "m", "sha256": "abc"}), "64 small hex digits", id="hash"),
        pytest.param(with_one(extra=1), "unknown .'extra'", id="extra-key"),
        pytest.param(retold(lambda row: row.pop("engine")), "missing .'engine'", id="missing-key"),
        pytest.param(retold(lambda row: row.update(id="z", photo="z.jpg")), "belong to each other", id="no-photo"),
        pytest.param(also("photos/z.jpg"), "got also photos/z.jpg", id="photo-without-verdict"),
        pytest.param(also("notes.txt"), "members must be export.json, manifest.csv", id="stranger"),
        pytest.param(also("photos/a/b.jpg"), "members must be", id="deeper"),
        pytest.param(also("photos/x.gif"), "members must be", id="format"),
        pytest.param(also("Export.json"), "members must be", id="case"),
        pytest.param(also("../x.jpg"), "names must stay inside", id="leaves"),
        pytest.param(without("manifest.csv"), "got no manifest.csv", id="no-manifest"),
        pytest.param(without("verdicts.jsonl"), "got no verdicts.jsonl", id="no-verdicts"),
        pytest.param(without("export.json"), "a zip file without export.json", id="no-head"),
        pytest.param(lambda m: changed_json(m, "export.json", captures=4), "must have 4 captures", id="count"),
        pytest.param(lambda m: changed_json(m, "export.json", models=[]), "name the models", id="models"),
        pytest.param(lambda m: changed_json(m, "export.json", schema=2), "update edgekit", id="newer"),
        pytest.param(lambda m: changed_json(m, "export.json", kind="films"), "update edgekit", id="kind"),
        pytest.param(lambda m: changed_json(m, "export.json", created="now"), "created must be a time", id="created"),
        pytest.param(
            lambda m: {**m, "manifest.csv": m["manifest.csv"].replace(b",genuine,", b",recapture,", 1)},
            "whose truth is 'genuine'",
            id="manifest-says-otherwise",
        ),
        pytest.param(
            lambda m: {**m, "manifest.csv": b"\n".join(m["manifest.csv"].split(b"\n")[:-2]) + b"\n"},
            "manifest.csv must list its photos, got no",
            id="row-missing",
        ),
        pytest.param(lambda m: {**m, "manifest.csv": b"path,who\nx,y\n"}, "columns must be among", id="columns"),
        pytest.param(lambda m: {**m, "verdicts.jsonl": m["verdicts.jsonl"][:-9]}, "must have an end", id="cut"),
        pytest.param(lambda m: {**m, "verdicts.jsonl": b"\xff\n"}, "must be UTF-8, got byte 0xff", id="no-text"),
        pytest.param(
            lambda m: {**m, "verdicts.jsonl": m["verdicts.jsonl"] + m["verdicts.jsonl"].splitlines(True)[0]},
            "got 6 with 5 different ids",
            id="twice",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, members, change, message):
    file = pack(tmp_path / "captures.zip", change(members))
    with pytest.raises(DataError, match=f"(?s)^{file}: .*{message}"):
        read_captures(file, tmp_path / "out")
    assert not list(tmp_path.glob("out/photos/*"))


def test_photos_of_which_nobody_said_anything(tmp_path, members):
    rows = told(members)
    contents = {}
    for row in rows:
        contents[f"unlabelled/{row['photo']}"] = picture((9, 9, 9))
        row["truth"] = None
    file = pack(
        tmp_path / "captures.zip",
        {
            "export.json": members["export.json"],
            "manifest.csv": b"path,label,group,camera\n",
            "verdicts.jsonl": lines(rows),
            **contents,
        },
    )
    with pytest.raises(DataError, match="none of its 5 photos has a truth; say in the app which are right"):
        read_captures(file)


def test_members_that_are_packed_otherwise_are_refused(tmp_path, members):
    with pytest.raises(DataError, match=r"stored or deflated, got 'export\.json' packed otherwise"):
        read_captures(pack(tmp_path / "captures.zip", members, zipfile.ZIP_LZMA))


def test_a_head_that_is_damaged_is_not_called_absent(tmp_path, members):
    with pytest.raises(DataError, match=r"a zip file whose export\.json is damaged or no phone's"):
        read_captures(pack(tmp_path / "captures.zip", {**members, "export.json": b"{"}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"[" + b"[]," * (1 << 23) + b"1]\n", "line 1 must have at most 16777216 characters", id="long"),
        pytest.param(b"\n" * 1_000_001, "must have at most 1000000 lines, got 1000001", id="many"),
    ],
)
def test_what_would_take_gigabytes_is_not_read(tmp_path, members, content, message):
    file = pack(tmp_path / "captures.zip", {**members, "verdicts.jsonl": content}, zipfile.ZIP_STORED)
    with pytest.raises(DataError, match=f"verdicts.jsonl {message}"):
        read_captures(file)


def test_no_room_to_unpack_is_told(tmp_path, members, monkeypatch):
    file = pack(tmp_path / "captures.zip", members)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(EdgekitError, match="No such file or directory; free space, or name another folder in TMPDIR"):
        read_captures(file)


def test_messages_name_the_export_and_no_folder_of_ours(tmp_path, members):
    file = pack(tmp_path / "captures.zip", {**members, first_photo(members): b"no photo"})
    with (
        pytest.raises(DataError, match=f"^{file}: every photo must be usable, got 1 of 4"),
        unpacked_captures(file) as (folder, _),
    ):
        load_dataset(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_there_twice(tmp_path, members):
    file = pack(tmp_path / "captures.zip", members)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("manifest.csv", b"path,label\n")
    with pytest.raises(DataError, match=r"a member must stand there once, got 'manifest\.csv' twice"):
        read_captures(file)


def test_a_damaged_photo(tmp_path, members):
    file = pack(tmp_path / "captures.zip", members, zipfile.ZIP_STORED)
    name = first_photo(members)
    file.write_bytes(file.read_bytes().replace(members[name][-20:], bytes(20), 1))
    with pytest.raises(DataError, match=f"{name} can't be unpacked: Bad CRC"):
        read_captures(file, tmp_path / "out")
