"""Records: written whole or not at all, read strictly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import records
from edgekit.errors import ContractError, EdgekitError, RunError
from edgekit.records import (
    Lines,
    file_sha256,
    from_plain,
    make_folder,
    plain,
    read_bounded,
    read_json,
    sha256,
    to_json,
    write_atomic,
    write_json,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    x: int
    y: float = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Circle:
    x: int
    radius: float
    colour: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Everything:
    """One field of each kind that records have."""

    name: str
    side: Literal["left", "right"] = "left"
    sure: bool = False
    points: tuple[Point, ...] = ()
    pair: tuple[int, str] = (0, "")
    maybe: float | None = None
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    anything: Any = None
    shape: Point | Circle | None = None


class TestWriting:
    def test_makes_the_folders_and_replaces_what_was_there(self, tmp_path):
        file = tmp_path / "a" / "b" / "record.json"
        for content in (b"first", b"second, longer", b""):
            write_atomic(file, content)
            assert file.read_bytes() == content
        assert list(file.parent.iterdir()) == [file]

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
    @pytest.mark.parametrize(("mask", "mode"), [pytest.param(0o022, 0o644, id="shared"), (0o077, 0o600)])
    def test_the_file_is_as_readable_as_the_user_wants(self, tmp_path, mask, mode):
        before = os.umask(mask)
        try:
            write_atomic(tmp_path / "record.json", b"{}")
        finally:
            assert os.umask(before) == mask, "the process's own mask must be as it was"
        assert stat.S_IMODE((tmp_path / "record.json").stat().st_mode) == mode

    def test_the_mask_of_the_process_is_left_alone(self, tmp_path, monkeypatch):
        """It can only be asked for by changing it, which files that other threads make meanwhile would show."""
        monkeypatch.setattr(os, "umask", lambda mask: pytest.fail(f"the mask became {mask:o} for a moment"))
        write_atomic(tmp_path / "record.json", b"{}")

    @pytest.mark.parametrize(
        "failure",
        [
            pytest.param(OSError(28, "No space left on device"), id="disk-full"),
            pytest.param(KeyboardInterrupt(), id="ctrl-c"),
        ],
    )
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_an_interrupted_write_leaves_the_last_good_file_and_nothing_else(
        self, tmp_path, monkeypatch, failure, step
    ):
        file = tmp_path / "record.json"
        write_atomic(file, b"good")

        def fail(*_):
            raise failure

        monkeypatch.setattr(os, step, fail)
        expected = EdgekitError if isinstance(failure, OSError) else KeyboardInterrupt
        with pytest.raises(expected) as caught:
            write_atomic(file, b"half")
        if expected is EdgekitError:
            assert str(caught.value) == (
                f"can't write {file}: No space left on device; free space or choose another folder"
            )
        assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"good"]

    def test_a_file_where_a_folder_must_be_is_an_error(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(EdgekitError, match=r"can't write .*record\.json"):
            write_atomic(tmp_path / "file" / "record.json", b"")
        with pytest.raises(EdgekitError, match=r"can't make the folder .*; choose another"):
            make_folder(tmp_path / "file" / "inner")

    def test_making_a_folder_twice_is_fine(self, tmp_path):
        make_folder(tmp_path / "a" / "b")
        make_folder(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()


class TestReadBounded:
    def test_a_file_of_just_the_limit(self, tmp_path):
        (tmp_path / "a.bin").write_bytes(b"1234")
        assert read_bounded(tmp_path / "a.bin", 4, "a photo", RunError) == b"1234"

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            pytest.param("large.bin", "a photo must have at most 4 bytes, got 5", id="too-large"),
            pytest.param("none.bin", "no such file", id="absent"),
            pytest.param("folder", "can't be read: Is a directory", id="folder"),
            pytest.param("x" * 300, "can't be read: File name too long", id="name-too-long"),
            pytest.param("a\0b", "a path must be one the system knows", id="no-path"),
        ],
    )
    def test_mistakes(self, tmp_path, name, message):
        (tmp_path / "large.bin").write_bytes(b"12345")
        (tmp_path / "folder").mkdir()
        with pytest.raises(RunError, match=message):
            read_bounded(tmp_path / name, 4, "a photo", RunError)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RunError, match="a photo must be a file, got a pipe or a device"):
            read_bounded(tmp_path / "pipe", 4, "a photo", RunError)

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
    def test_a_file_that_says_it_is_empty_and_is_not(self):
        with pytest.raises(RunError, match="a photo must have at most 4 bytes, got 5"):
            read_bounded(Path("/proc/self/status"), 4, "a photo", RunError)


class TestLines:
    def test_come_back_in_their_order(self, tmp_path):
        lines = Lines(tmp_path / "lines")
        assert list(lines) == []
        assert not lines.path.exists()
        for line in (b"one", b"", b"\xff three"):
            lines.append(line)
        assert list(lines) == list(Lines(lines.path)) == [b"one\n", b"\n", b"\xff three\n"]

    @pytest.mark.parametrize("torn", [b"", b"tw", b"x" * 200_000])
    @pytest.mark.parametrize("whole", [b"", b"one\n"])
    def test_what_a_killed_process_did_not_finish_is_cut_off(self, tmp_path, whole, torn):
        (tmp_path / "lines").write_bytes(whole + torn)
        lines = Lines(tmp_path / "lines")
        lines.append(b"two")
        assert lines.path.read_bytes() == whole + b"two\n"

    def test_what_follows_can_be_dropped(self, tmp_path):
        (tmp_path / "lines").write_bytes(b"one\ntwo\n")
        lines = Lines(tmp_path / "lines")
        lines.cut(4)
        lines.append(b"three")
        assert list(lines) == [b"one\n", b"three\n"]

    def test_an_endless_line_is_not_held_in_memory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(records, "MAX_LINE_BYTES", 4)
        (tmp_path / "lines").write_bytes(b"123456\n7\n")
        assert list(Lines(tmp_path / "lines")) == [b"1234", b"56\n", b"7\n"]

    def test_a_file_that_is_too_large(self, tmp_path, monkeypatch):
        monkeypatch.setattr(records, "MAX_LINES_BYTES", 4)
        (tmp_path / "lines").write_bytes(b"1234\n")
        with pytest.raises(EdgekitError, match=r"lines must have at most 4 bytes, got 5; choose another folder"):
            Lines(tmp_path / "lines")

    @pytest.mark.skipif(os.name != "posix", reason="needs pipes and links")
    @pytest.mark.parametrize("make", ["pipe", "link", "dead-link"])
    def test_only_a_file_will_do(self, tmp_path, make):
        place, other = tmp_path / "lines", tmp_path / "other"
        if make == "pipe":
            os.mkfifo(place)
        else:
            place.symlink_to(other)
        if make == "link":
            other.write_bytes(b"no end")
        with pytest.raises(EdgekitError, match=r"lines must be a file, got a link, a pipe or a device; remove it"):
            Lines(place)
        assert make != "link" or other.read_bytes() == b"no end"

    def test_a_folder_and_no_folder(self, tmp_path):
        with pytest.raises(EdgekitError, match="must be a file, got a folder; remove it"):
            Lines(tmp_path)
        with pytest.raises(EdgekitError, match=r"can't write .*lines: No such file"):
            Lines(tmp_path / "none" / "lines").append(b"one")

    def test_a_line_that_the_disk_has_no_room_for_spoils_none(self, tmp_path):
        resource = pytest.importorskip("resource", reason="limits need POSIX")
        lines = Lines(tmp_path / "lines")
        lines.append(b"one")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        # A full disk for those who may not fill one.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(EdgekitError, match=r"can't write .*; free space and run again, or choose another"):
                lines.append(b"x" * 2000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        lines.append(b"two")
        assert list(lines) == [b"one\n", b"two\n"]


class TestToJson:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            pytest.param(Point(x=1), {"x": 1, "y": 0.5}, id="dataclass"),
            pytest.param([Point(x=1, y=2.0)], [{"x": 1, "y": 2.0}], id="dataclass-in-list"),
            pytest.param((1, (2, "three")), [1, [2, "three"]], id="tuples"),
            pytest.param({1: "one", Path("a"): None}, {"1": "one", "a": None}, id="keys-become-text"),
            pytest.param(Path("a") / "b", "a/b", id="path"),
            pytest.param(np.float32(0.5), 0.5, id="numpy-scalar"),
            pytest.param(np.arange(3, dtype=np.uint8), [0, 1, 2], id="numpy-array"),
            pytest.param(np.bool_(True), True, id="numpy-bool"),
            pytest.param([float("nan"), np.float64("inf"), -np.inf], [None, None, None], id="not-finite"),
            pytest.param(np.array([1.0, np.nan]), [1.0, None], id="not-finite-in-an-array"),
        ],
    )
    def test_plain(self, value, expected):
        assert plain(value) == expected
        assert json.loads(to_json(value)) == expected

    def test_is_stable_text_for_people(self):
        assert to_json({"b": "é", "a": 1}) == '{\n  "b": "é",\n  "a": 1\n}\n'

    def test_a_value_that_json_does_not_know_is_a_bug(self):
        with pytest.raises(TypeError):
            to_json({"photo": b"bytes"})


class TestReading:
    def test_gives_what_was_written(self, tmp_path):
        write_json(tmp_path / "record.json", Point(x=3))
        assert read_json(tmp_path / "record.json") == {"x": 3, "y": 0.5}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(b"{", "must be JSON", id="cut-short"),
            pytest.param(b"", "must be JSON", id="empty"),
            pytest.param(b"\xff\xfe{}", "must be JSON", id="not-utf8"),
            pytest.param(b"[1]", "must hold a JSON object, got list", id="list"),
            pytest.param(b"null", "must hold a JSON object, got NoneType", id="null"),
            pytest.param(b"[" * 200_000, "must be JSON", id="nested-beyond-the-stack"),
            pytest.param(b'{"x": ' + b"9" * 5000 + b"}", "must be JSON", id="more-digits-than-python-reads"),
        ],
    )
    def test_refuses(self, tmp_path, content, message):
        file = tmp_path / "record.json"
        file.write_bytes(content)
        with pytest.raises(RunError, match=message):
            read_json(file)

    def test_an_absent_record_names_the_way_out(self, tmp_path):
        with pytest.raises(RunError, match=r"none\.json does not exist; run the stage that writes it first"):
            read_json(tmp_path / "none.json")

    def test_a_folder_is_no_record(self, tmp_path):
        with pytest.raises(RunError, match="must be JSON"):
            read_json(tmp_path)

    def test_the_size_is_checked_before_reading(self, tmp_path):
        file = tmp_path / "record.json"
        with file.open("wb") as sparse:
            sparse.truncate(records.MAX_RECORD_BYTES + 1)
        with pytest.raises(RunError, match=f"at most {records.MAX_RECORD_BYTES} bytes, has"):
            read_json(file)


class TestFromPlain:
    def test_converts_every_kind_of_field(self):
        raw = {
            "name": "n",
            "side": "right",
            "sure": True,
            "points": [{"x": 1}, {"x": 2, "y": 3}],
            "pair": [4, "four"],
            "maybe": 5,
            "counts": {"a": 6},
            "anything": [{"any": None}],
            "shape": {"x": 7, "radius": 8, "colour": "red"},
        }
        record = from_plain(Everything, raw, where="test")
        assert record == Everything(
            name="n",
            side="right",
            sure=True,
            points=(Point(x=1), Point(x=2, y=3.0)),
            pair=(4, "four"),
            maybe=5.0,
            counts={"a": 6},
            anything=[{"any": None}],
            shape=Circle(x=7, radius=8.0, colour="red"),
        )
        assert from_plain(Everything, {"name": "n", "shape": {"x": 7}}, where="test").shape == Point(x=7)
        assert type(record.maybe) is float
        assert from_plain(Everything, json.loads(to_json(record)), where="again") == record

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"extra": 1}, r"test must have the keys .*: unknown \['extra'\], missing \[\]", id="unknown"),
            pytest.param({"name": ...}, r"unknown \[\], missing \['name'\]", id="missing"),
            pytest.param({"name": 1}, "test: name must be str, got 1", id="number-for-text"),
            pytest.param({"name": None}, "test: name must be str, got None", id="null-for-text"),
            pytest.param({"side": "up"}, r"test: side must be one of \['left', 'right'\], got 'up'", id="literal"),
            pytest.param({"side": ["left"]}, "test: side must be one of", id="list-for-literal"),
            pytest.param({"sure": 1}, "test: sure must be bool, got 1", id="number-for-bool"),
            pytest.param({"points": {"x": 1}}, "test: points must be", id="object-for-list"),
            pytest.param({"points": [{"x": True}]}, r"test: points\[0\]: x must be int, got True", id="bool-for-int"),
            pytest.param({"points": [{"x": 1.0}]}, r"test: points\[0\]: x must be int, got 1.0", id="float-for-int"),
            pytest.param({"points": [{"x": 1}, 2]}, r"test: points\[1\] must be an object, got int", id="inner"),
            pytest.param({"pair": [1]}, "test: pair must be", id="short-pair"),
            pytest.param({"pair": [1, "a", "b"]}, "test: pair must be", id="long-pair"),
            pytest.param({"pair": ["a", 1]}, r"test: pair\[0\] must be int, got 'a'", id="swapped-pair"),
            pytest.param({"maybe": "1"}, "test: maybe must be float, got '1'", id="text-for-float"),
            pytest.param({"maybe": False}, "test: maybe must be float, got False", id="bool-for-float"),
            pytest.param({"maybe": float("nan")}, "test: maybe must be float, got nan", id="nan"),
            pytest.param({"maybe": float("inf")}, "test: maybe must be float, got inf", id="infinity"),
            pytest.param({"maybe": 10**400}, "test: maybe must be float, got 1000", id="integer-beyond-floats"),
            pytest.param({"counts": {"a": "b"}}, "test: counts: a must be int, got 'b'", id="inside-a-dict"),
            pytest.param({"counts": []}, "test: counts must be", id="list-for-dict"),
            pytest.param(
                {"shape": {"x": 7, "radius": 8, "colour": "red", "name": "c"}},
                r"test: shape must have the keys \['colour', 'radius', 'x'\]: unknown \['name'\], missing \[\]",
                id="nearest-of-several-records",
            ),
            pytest.param({"shape": 7}, "test: shape must be an object, got int", id="number-for-several-records"),
        ],
    )
    def test_refuses(self, change, message):
        raw = {key: value for key, value in {"name": "n", **change}.items() if value is not ...}
        with pytest.raises(RunError, match=message):
            from_plain(Everything, raw, where="test")

    @pytest.mark.parametrize("raw", [None, [], "name", 3])
    def test_the_caller_chooses_the_error(self, raw):
        with pytest.raises(ContractError, match=f"test must be an object, got {type(raw).__name__}"):
            from_plain(Everything, raw, where="test", error=ContractError)

    def test_messages_do_not_repeat_a_large_value(self):
        with pytest.raises(RunError) as caught:
            from_plain(Everything, {"name": ["x" * 100_000]}, where="test")
        assert len(str(caught.value)) < 200

    @settings(max_examples=100, deadline=None, database=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from([field.name for field in dataclasses.fields(Everything)]), inner)
            ),
            max_leaves=12,
        )
    )
    def test_any_json_gives_a_record_or_the_error(self, raw):
        try:
            record = from_plain(Everything, raw, where="test")
        except RunError:
            return
        assert isinstance(record, Everything)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_and_its_content_have_the_same_hash(tmp_path, size):
    content = b"\xa5" * size
    (tmp_path / "file").write_bytes(content)
    assert sha256(content) == file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
