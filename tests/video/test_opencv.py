"""Video files and cameras, on real files."""

from __future__ import annotations

import os
import struct
import sys

import numpy as np
import pytest

from edgekit.errors import VideoError

cv2 = pytest.importorskip("cv2", reason="needs the video extra")
opencv = pytest.importorskip("edgekit.video.opencv")

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
# Track headers hold 16.16 fixed point: what players do to a picture to show it.
TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def turn(path, degrees):
    """Say in an MP4 that it has to be shown turned clockwise, as phones do."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in TURNS[degrees])
    content[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def read(path, **options):
    source = opencv.VideoFile(path, **options)
    try:
        return list(source.frames())
    finally:
        source.close()


class TestFile:
    @pytest.mark.parametrize("name", ["clip.avi", "clip.mp4"])
    @pytest.mark.parametrize("colour", [RED, GREEN, BLUE])
    def test_colours_are_rgb(self, write_video, tmp_path, name, colour):
        (frame,) = read(write_video(tmp_path / name, [colour]))
        assert (frame.picture.dtype, frame.picture.shape) == (np.uint8, (48, 64, 3))
        np.testing.assert_allclose(frame.picture.mean(axis=(0, 1)), colour, atol=8)

    def test_every_frame_has_its_number_and_time(self, red_then_blue):
        frames = read(red_then_blue)
        assert [frame.index for frame in frames] == list(range(20))
        np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(20) / 10, atol=1e-6)

    @pytest.mark.parametrize(("every", "indices"), [(7, [0, 7, 14]), (20, [0]), (100, [0])])
    def test_some_frames_are_left_out(self, red_then_blue, every, indices):
        source = opencv.VideoFile(red_then_blue, every=every)
        frames = list(source.frames())
        assert [frame.index for frame in frames] == indices
        np.testing.assert_allclose([frame.time_s for frame in frames], np.array(indices) / 10, atol=1e-6)
        assert (source.count, source.fps) == (len(indices), pytest.approx(10 / every))

    @pytest.mark.parametrize(
        ("degrees", "shape", "corner"),
        [(90, (64, 48), (0, -1)), (180, (48, 64), (-1, -1)), (270, (64, 48), (-1, 0))],
    )
    def test_phones_write_sideways(self, write_video, tmp_path, degrees, shape, corner):
        """The upper left corner comes to lie where a clockwise turn takes it."""
        path = write_video(tmp_path / "phone.mp4", [RED], corner=GREEN)
        turn(path, degrees)
        (frame,) = read(path)
        assert frame.picture.shape[:2] == shape
        corners = {(y, x): frame.picture[y, x].astype(int) for y in (0, -1) for x in (0, -1)}
        assert [where for where, pixel in corners.items() if pixel[1] > 200] == [corner]

    def test_a_file_that_was_cut_short_ends_where_it_ends(self, red_then_blue):
        whole = red_then_blue.read_bytes()
        red_then_blue.write_bytes(whole[: len(whole) * 3 // 4])
        assert 1 < len(read(red_then_blue)) < 20

    def test_times_never_go_backwards(self, red_then_blue, monkeypatch):
        """Whatever a container tells: here a jump to 1970, a day, and nothing."""
        told = iter([0.0, 100.0, -5e9, 86_400_000.0, float("nan"), 600.0])

        class Liar:
            grab, retrieve = staticmethod(lambda: next(whole)), staticmethod(lambda: (True, np.zeros((8, 8, 3), "u1")))

            @staticmethod
            def get(_):
                return next(told)

        source = opencv.VideoFile(red_then_blue)
        source.close()
        whole = iter([True] * 6 + [False])
        monkeypatch.setattr(source, "_capture", Liar)
        np.testing.assert_allclose([frame.time_s for frame in source.frames()], [0, 0.1, 0.2, 0.3, 0.4, 0.6])


class TestMistakes:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(b"not a video", "must be a video", id="text"),
            pytest.param(b"", "must be a video", id="empty"),
            pytest.param(b"\xff\xd8\xff\xe0" + bytes(99), "photos go without --video", id="jpeg"),
            pytest.param(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "must be a video", id="playlist-of-other-files"),
            pytest.param(b"ffconcat version 1.0\nfile '/etc/passwd'\n", "must be a video", id="list-of-other-files"),
            pytest.param(b"\0\0\0\x18ftypisom" + bytes(99), "no decoder here can open", id="only-a-header"),
        ],
    )
    def test_no_video(self, tmp_path, content, message):
        path = tmp_path / "clip.mp4"
        path.write_bytes(content)
        with pytest.raises(VideoError, match=message):
            opencv.VideoFile(path)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(VideoError, match="no such file"):
            opencv.VideoFile(tmp_path / "none.mp4")

    def test_a_folder(self, tmp_path):
        with pytest.raises(VideoError, match="can't be read"):
            opencv.VideoFile(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "clip.mp4")
        with pytest.raises(VideoError, match="must be a file, got a pipe"):
            opencv.VideoFile(tmp_path / "clip.mp4")

    @pytest.mark.parametrize("name", ["empty.avi", "empty.mp4"])
    def test_a_video_without_frames(self, write_video, tmp_path, name):
        with pytest.raises(VideoError, match=r"not one frame|no decoder here"):
            read(write_video(tmp_path / name, []))

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
    def test_a_name_that_is_not_unicode(self, red_then_blue, tmp_path):
        odd = red_then_blue.rename(tmp_path / "caf\udce9.avi")
        with pytest.raises(VideoError, match="name must be Unicode"):
            opencv.VideoFile(odd)

    def test_every_must_be_positive(self, red_then_blue):
        with pytest.raises(VideoError, match="every must be 1 or more, got 0"):
            opencv.VideoFile(red_then_blue, every=0)


class TestWebCamera:
    def test_there_is_none(self):
        with pytest.raises(VideoError, match=r"camera 63 can't be opened; is it plugged in"):
            opencv.WebCamera(63)

    def test_an_unplugged_one_is_an_error(self, red_then_blue, monkeypatch):
        """A real file takes the camera's place; its end is the plug being pulled."""
        capture = cv2.VideoCapture(str(red_then_blue), cv2.CAP_FFMPEG)
        monkeypatch.setattr(opencv.cv2, "VideoCapture", lambda _: capture)
        camera = opencv.WebCamera(0)
        seen = []
        with pytest.raises(VideoError, match="camera 0 gave no more frames after 20; is it still plugged in"):
            seen.extend(camera.frames())
        camera.close()
        camera.close()

    def test_its_frames_are_rgb_and_in_order(self, red_then_blue, monkeypatch):
        capture = cv2.VideoCapture(str(red_then_blue), cv2.CAP_FFMPEG)
        monkeypatch.setattr(opencv.cv2, "VideoCapture", lambda _: capture)
        frames = opencv.WebCamera(0).frames()
        first, second = next(frames), next(frames)
        np.testing.assert_allclose(first.picture.mean(axis=(0, 1)), RED, atol=4)
        assert (first.index, second.index) == (0, 1)
        assert 0 <= first.time_s <= second.time_s
