"""Capture sessions, on real video files in a camera's place."""

from __future__ import annotations

import numpy as np
import pytest
from shooting import FLAT, Frames, config, moving, noise

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError, VideoError
from edgekit.gather import collect as collecting
from edgekit.gather.collect import collect_photos
from edgekit.gather.session import Diary
from edgekit.runtime.photo import decode

pytest.importorskip("cv2", reason="needs the video extra")


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
        assert keys.lines[3].startswith("1 photo – shot: sharpness")

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

    def test_a_session_right_after_another_keeps_its_distance(self, tmp_path):
        live = [Frames([noise(start + n) for n in range(20)], live=True) for start in (0, 100)]
        collect_photos(live[0], tmp_path, config(split=(50, 50), gap_s=0.5))
        record = collect_photos(live[1], tmp_path, config(split=(50, 50), gap_s=0.5))
        # The first session's last shot is taken to be 1.8 s in; the second began at once.
        assert record.left_out > 3
