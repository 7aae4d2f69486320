"""Capture sessions, on real video files in a camera's place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError, VideoError
from edgekit.gather import collect as collecting
from edgekit.gather.collect import collect_photos
from edgekit.gather.options import CollectConfig
from edgekit.gather.session import DIARY_NAME, Diary, DiaryLine, to_blocks
from edgekit.runtime.photo import decode
from edgekit.video.source import TimedFrame

pytest.importorskip("cv2", reason="needs the video extra")


def noise(seed, size_wh=(64, 48)):
    return np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)


FLAT = np.full((48, 64, 3), 120, np.uint8)


class Frames:
    """A source of given frames, ten a second; a camera's when it has no count."""

    name, fps, dropped = "script", 10.0, 0

    def __init__(self, pictures, *, failure=None, live=False):
        self.pictures, self.failure = pictures, failure
        self.count = None if live else len(pictures)

    def frames(self):
        for index, picture in enumerate(self.pictures):
            yield TimedFrame(index=index, time_s=index / 10, picture=picture)
        if self.failure is not None:
            raise self.failure

    def close(self):
        pass


class Keys:
    """Presses keys at given frames, and remembers what it was shown."""

    def __init__(self, keys):
        self.keys, self.at, self.lines = keys, -1, []

    def poll(self):
        self.at += 1
        return self.keys.get(self.at, "")

    def show(self, picture, line):
        assert picture.dtype == np.uint8
        self.lines.append(line)


def config(**changes):
    return CollectConfig(**{"label": "genuine", "group": "anna", "every_ms": 200, **changes})


def moving(count, start=0):
    return Frames([noise(start + number) for number in range(count)])


def rows(out):
    return read_manifest(out / "manifest.csv")


class TestShots:
    def test_in_time(self, tmp_path, progress):
        record = collect_photos(moving(20), tmp_path, config(notes=(("light", "day"),)), progress=progress)
        assert (record.shots, record.total, record.frames) == (10, 10, 20)
        assert [one.path for one in rows(tmp_path)] == [f"genuine/anna/{number:05d}.jpg" for number in range(1, 11)]
        assert {(one.label, one.group, one.light, one.split) for one in rows(tmp_path)} == {
            ("genuine", "anna", "day", "")
        }
        assert progress.tasks == [("shooting", 20, 20)]
        first = np.asarray(decode(tmp_path / "genuine/anna/00001.jpg")).astype(int)
        assert np.abs(first - noise(0)).mean() < 12

    def test_at_a_key(self, tmp_path):
        keys = Keys({3: "shoot", 7: "shoot", 12: "quit"})
        record = collect_photos(moving(20), tmp_path, config(every_ms=None), controls=keys)
        assert (record.shots, record.frames) == (2, 13)
        assert len(keys.lines) == 12
        assert keys.lines[3].startswith("1 photos – shot: sharpness")

    def test_up_to_a_count_over_two_sessions(self, tmp_path, progress):
        collect_photos(moving(6), tmp_path, config(count=5))
        record = collect_photos(moving(30, start=50), tmp_path, config(count=5), progress=progress)
        assert (record.shots, record.total) == (2, 5)
        assert progress.tasks == [("shooting", 2, 2)]
        assert collect_photos(moving(30, start=90), tmp_path, config(count=5)).frames == 0
        assert len(rows(tmp_path)) == 5

    def test_blurred_ones_are_refused_and_the_next_sharp_one_is_taken(self, tmp_path):
        pictures = [noise(0), FLAT, FLAT, FLAT, noise(1), FLAT]
        record = collect_photos(Frames(pictures), tmp_path, config(every_ms=100))
        assert (record.shots, record.blurred, record.best_blurred) == (2, 4, 0.0)

    def test_nothing_sharp_at_all(self, tmp_path):
        with pytest.raises(DataError, match=r"no frame was good enough: 4 blurred \(best 0.0 of 30\)"):
            collect_photos(Frames([FLAT] * 4), tmp_path, config())
        assert not (tmp_path / "manifest.csv").exists()

    def test_a_video_that_is_read_again_gives_nothing_new(self, tmp_path):
        collect_photos(moving(20), tmp_path, config())
        record = collect_photos(moving(20), tmp_path, config())
        assert (record.shots, record.known, record.total) == (0, 10, 10)
        assert len(rows(tmp_path)) == 10

    def test_neither_time_nor_key(self, tmp_path):
        with pytest.raises(DataError, match="a time between them or a key"):
            collect_photos(moving(3), tmp_path, config(every_ms=None))


class TestFaces:
    def test_the_face_alone_is_kept(self, tmp_path, drawn_face):
        scene = np.full((480, 640, 3), (90, 110, 140), np.uint8)
        scene[80:400, 200:520] = drawn_face
        record = collect_photos(
            Frames([scene, scene[::-1], noise(1, (640, 480))]), tmp_path, config(every_ms=100, face=True, margin=0.25)
        )
        assert (record.shots, record.faceless) == (1, 2)
        crop = decode(tmp_path / rows(tmp_path)[0].path)
        assert crop.width == crop.height
        assert 220 <= crop.width <= 330


class TestEndings:
    def test_a_camera_that_disappears_keeps_what_was_shot(self, tmp_path):
        gone = VideoError("camera 0 gave no more frames after 10; is it still plugged in?")
        source = Frames([noise(number) for number in range(10)], failure=gone, live=True)
        with pytest.raises(
            VideoError, match=r"gave no more frames after 10.*; 5 photos of this session are kept in .*anna"
        ):
            collect_photos(source, tmp_path, config())
        assert len(rows(tmp_path)) == 5

    def test_ctrl_c_keeps_what_was_shot(self, tmp_path):
        source = Frames([noise(number) for number in range(10)], failure=KeyboardInterrupt(), live=True)
        with pytest.raises(KeyboardInterrupt):
            collect_photos(source, tmp_path, config(split=(50, 50), gap_s=0))
        assert [one.split for one in rows(tmp_path)] == ["train", "train", "test", "test", "test"]

    @pytest.mark.parametrize("shots", [0, 1, 4])
    @pytest.mark.parametrize("where", ["photo", "rows"])
    def test_killed_anywhere_the_next_session_writes_the_rows(self, tmp_path, monkeypatch, shots, where):
        """A kill runs no cleanup: neither rows nor the end of the session are written."""
        real = collecting.write_atomic

        def write(path, content):
            if where == "photo" and path.name == f"{shots + 1:05d}.jpg":
                raise SystemError
            real(path, content)

        with monkeypatch.context() as patch:
            patch.setattr(collecting, "write_atomic", write)
            patch.setattr(Diary, "finish", lambda *_: (_ for _ in ()).throw(SystemError))
            with pytest.raises(SystemError):
                collect_photos(moving(2 * shots if where == "rows" and shots else 20), tmp_path, config())
        there = len(list(tmp_path.rglob("*.jpg")))
        assert there == (shots if where == "photo" or shots else 10)
        record = collect_photos(moving(20), tmp_path, config())
        assert record.total == 10
        assert len(rows(tmp_path)) == 10
        assert len({decode(path).tobytes() for path in tmp_path.rglob("*.jpg")}) == 10

    def test_a_line_that_broke_off(self, tmp_path):
        collect_photos(moving(20), tmp_path, config())
        diary = tmp_path / DIARY_NAME
        diary.write_bytes(diary.read_bytes() + b'{"what": "sho')
        collect_photos(moving(20, start=50), tmp_path, config())
        assert [json.loads(line)["what"] for line in diary.read_text().splitlines()].count("end") == 2

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            pytest.param('{"what": "party", "session": 1}', "line 1: what must be one of", id="kind"),
            pytest.param("[]", "line 1 must be an object", id="list"),
            pytest.param("{", "line 1 must be JSON", id="no-json"),
            pytest.param('{"what": "shot", "session": 1}', "every session must begin", id="no-beginning"),
            pytest.param('{"what": "begin", "session": 1, "split": [1]}', "line 1: a split must be", id="split"),
            pytest.param('{"what": "begin", "session": 1, "notes": {"path": "x"}}', "line 1: notes must", id="notes"),
        ],
    )
    def test_a_diary_that_was_edited(self, tmp_path, line, message):
        (tmp_path / DIARY_NAME).write_text(f"{line}\n")
        with pytest.raises(DataError, match=message):
            collect_photos(moving(2), tmp_path, config())


class TestSplit:
    def test_blocks_of_time_with_a_gap(self, tmp_path):
        record = collect_photos(moving(100), tmp_path, config(split=(80, 20), gap_s=1.0))
        assert (record.splits, record.left_out) == ({"train": 40, "test": 6}, 4)
        time_of = {line.path: line.time_s for line in Diary(tmp_path).lines if line.what == "shot"}
        train, test = ([time_of[one.path] for one in rows(tmp_path) if one.split == part] for part in ("train", "test"))
        assert max(train) + 1.0 <= min(test)
        assert {(one.group, one.split) for one in rows(tmp_path)} == {("anna.train", "train"), ("anna.test", "test")}
        assert "show one session" in record.cautions[0]

    def test_what_lies_in_the_gap_has_no_row_whatever_comes_later(self, tmp_path):
        collect_photos(moving(100), tmp_path, config(split=(80, 20), gap_s=1.0))
        collect_photos(moving(20, start=500), tmp_path, config(group="ben", label="recapture"))
        assert len([one for one in rows(tmp_path) if one.label == "genuine"]) == 46
        assert len(list((tmp_path / "genuine").rglob("*.jpg"))) == 50

    @pytest.mark.parametrize("split", [(80, 20), (50, 50), (70, 15, 15), (98, 1, 1)])
    @pytest.mark.parametrize("shots", [0, 1, 2, 3, 10, 57])
    @pytest.mark.parametrize("gap_s", [0.0, 0.25, 5.0])
    def test_blocks_never_interleave_and_keep_their_distance(self, split, shots, gap_s):
        times = [number * 0.1 for number in range(shots)]
        begun = DiaryLine(what="begin", session=1, split=split, gap_s=gap_s, guard_s=0.35)
        parts = to_blocks(times, begun)
        order = [part for part in parts if part is not None]
        assert order == sorted(order, key=("train", "val", "test").index)
        for (time_s, part), (later_s, other) in zip(
            known := [one for one in zip(times, parts, strict=True) if one[1] is not None], known[1:], strict=False
        ):
            assert part == other or later_s - time_s >= gap_s
        assert all(part is None for time_s, part in zip(times, parts, strict=True) if time_s < 0.35)

    def test_a_session_right_after_another_keeps_its_distance(self, tmp_path):
        live = [Frames([noise(start + n) for n in range(20)], live=True) for start in (0, 100)]
        collect_photos(live[0], tmp_path, config(split=(50, 50), gap_s=0.5))
        record = collect_photos(live[1], tmp_path, config(split=(50, 50), gap_s=0.5))
        # The first session's last shot is taken to be 1.8 s in; the second began at once.
        assert record.left_out > 3

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param({"split": (80, 30)}, "make 100, got 80:30", id="sum"),
            pytest.param({"split": (100,)}, "two or three percentages", id="one"),
            pytest.param({"split": (100, 0)}, "two or three percentages", id="none"),
            pytest.param({"group": ""}, "a session needs a group", id="no-group"),
            pytest.param({"group": "../x"}, "a group is also a folder", id="outside"),
            pytest.param({"min_sharpness": float("nan")}, "min_sharpness must be 0 or more", id="nan"),
            pytest.param({"count": 0}, "count must be 1", id="count"),
        ],
    )
    def test_options(self, changes, message):
        with pytest.raises(DataError, match=message):
            config(**changes)
