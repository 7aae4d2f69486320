"""Frames out of videos."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.gather.importing import import_photos
from edgekit.gather.options import ImportConfig
from edgekit.runtime.photo import decode


def test_a_video_gives_the_sharpest_frame_of_each_window(tmp_path):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 72)
    )
    blocks = [np.kron(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in range(3)]
    for block in blocks:
        for number in range(10):
            # The third of each second is sharp; the sixth is sharper and outside the window.
            softness = {2: 1.5, 5: 0}.get(number, 4)
            writer.write(cv2.GaussianBlur(block, (0, 0), softness) if softness else block)
    writer.release()
    record = import_photos([tmp_path / "clip.avi"], tmp_path / "out", ImportConfig(label="genuine", window_ms=300))
    assert record.photos == {"genuine": {"clip": 3}}
    stored = [np.asarray(decode(path)).astype(int) for path in (tmp_path / "out").rglob("*.jpg")]
    for block in blocks:
        wanted = cv2.cvtColor(cv2.GaussianBlur(block, (0, 0), 1.5), cv2.COLOR_BGR2RGB).astype(int)
        best = min(np.abs(one - wanted).mean() for one in stored)
        sharp = min(np.abs(one - cv2.cvtColor(block, cv2.COLOR_BGR2RGB).astype(int)).mean() for one in stored)
        assert best < 10
        assert best < sharp / 2
    again = import_photos([tmp_path / "clip.avi"], tmp_path / "out", ImportConfig(label="genuine", window_ms=300))
    assert (again.stored, again.known) == (0, 1)
