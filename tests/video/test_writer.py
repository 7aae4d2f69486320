"""The drawn video."""

from __future__ import annotations

import os

import numpy as np
import pytest

from edgekit.errors import VideoError

cv2 = pytest.importorskip("cv2", reason="needs the video extra")
writer_module = pytest.importorskip("edgekit.video.writer")
VideoWriter = writer_module.VideoWriter

RED, BLUE = np.full((47, 65, 3), (255, 0, 0), np.uint8), np.full((47, 65, 3), (0, 0, 255), np.uint8)


def reds(path):
    """The mean red of each frame."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    found = []
    while (read := capture.read())[0]:
        found.append(read[1][..., 2].mean())
    return found


def write(path, frames, fps=10.0):
    writer = VideoWriter(path, fps=fps)
    for picture, time_s in frames:
        writer.add(picture, time_s)
    writer.close()
    return path


def test_every_frame_once_and_in_rgb(tmp_path):
    path = write(tmp_path / "out.mp4", [(RED if step % 2 else BLUE, step / 10) for step in range(6)])
    found = reds(path)
    np.testing.assert_allclose(found, [0, 255] * 3, atol=12)
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]
    assert path.stat().st_mode & 0o444


def test_the_mask_of_the_process_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail(f"the mask became {mask:o} for a moment"))
    write(tmp_path / "out.mp4", [(RED, 0.0)])


def test_where_frames_were_dropped_the_last_one_stands(tmp_path):
    found = reds(write(tmp_path / "out.mp4", [(RED, 3.0), (BLUE, 3.5), (RED, 3.6)]))
    np.testing.assert_allclose(found, [255] * 5 + [0, 255], atol=12)


def test_long_pauses_are_shortened(tmp_path):
    found = reds(write(tmp_path / "out.mp4", [(RED, 0.0), (BLUE, 1e7), (BLUE, 1e7 + 0.1)]))
    assert len(found) == 1 + 50 + 2


def test_a_frame_of_another_size_is_fitted(tmp_path):
    found = reds(write(tmp_path / "out.mp4", [(RED, 0.0), (np.zeros((90, 30, 3), np.uint8), 0.1)]))
    np.testing.assert_allclose(found, [255, 0], atol=12)


@pytest.mark.parametrize("fps", [0.5, 23.976, 119.88, 1000.0])
def test_odd_rates(tmp_path, fps):
    found = reds(write(tmp_path / "out.mp4", [(RED, 0.0), (BLUE, 1e-3)], fps))
    assert len(found) == 2


def test_without_frames_there_is_no_file(tmp_path):
    writer = VideoWriter(tmp_path / "out.mp4", fps=10)
    writer.close()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_written_whole_is_not_kept(tmp_path, monkeypatch):
    """The encoder keeps quiet about a full disk, so the file is read again."""
    writer = VideoWriter(tmp_path / "out.mp4", fps=10)
    writer.add(RED, 0.0)
    monkeypatch.setattr(writer, "_readable", lambda: 0)
    with pytest.raises(VideoError, match="0 of 1 frames are there; free space"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_another_ending(tmp_path):
    with pytest.raises(VideoError, match=r"must end in \.mp4, got \.mkv"):
        VideoWriter(tmp_path / "out.mkv", fps=10)


def test_nothing_is_replaced(tmp_path):
    (tmp_path / "out.mp4").write_text("dear")
    with pytest.raises(VideoError, match="exists; remove it or name another file"):
        VideoWriter(tmp_path / "out.mp4", fps=10)
    assert (tmp_path / "out.mp4").read_text() == "dear"


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoError, match=r"can't write .*; choose another folder"):
        VideoWriter(tmp_path / "file" / "out.mp4", fps=10)
