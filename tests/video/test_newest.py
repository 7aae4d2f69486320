"""One slot: what came while nobody looked is dropped and counted."""

from __future__ import annotations

import threading
import time

import pytest

from edgekit.errors import VideoError
from edgekit.video import newest
from edgekit.video.newest import Newest


def test_frames_that_are_taken_in_time_all_come(scripted):
    source = Newest(scripted([0.0, 0.03, 0.06]), realtime=True)
    assert [frame.index for frame in source.frames()] == [0, 1, 2]
    assert source.dropped == 0


def test_a_slow_taker_gets_the_newest_and_the_last(scripted):
    source = Newest(scripted([step / 100 for step in range(40)]), realtime=True)
    taken = []
    for frame in source.frames():
        taken.append(frame.index)
        time.sleep(0.1)
    assert len(taken) < 15
    assert (taken, taken[-1]) == (sorted(set(taken)), 39)
    # No queue: every frame was either taken or dropped.
    assert len(taken) + source.dropped == 40
    source.close()


def test_realtime_is_the_speed_of_the_file(scripted):
    start = time.monotonic()
    assert len(list(Newest(scripted([0.0, 0.1, 0.2]), realtime=True).frames())) == 3
    assert 0.2 <= time.monotonic() - start < 2


def test_a_failure_comes_after_the_last_frame(scripted):
    source = Newest(scripted([0.0], VideoError("unplugged")))
    frames = source.frames()
    assert next(frames).index == 0
    with pytest.raises(VideoError, match="unplugged"):
        next(frames)


def test_closing_stops_the_thread_at_once(scripted):
    inner = scripted([0.0, 3600.0])
    source = Newest(inner, realtime=True)
    next(source.frames())
    start = time.monotonic()
    source.close()
    assert time.monotonic() - start < 2
    assert inner.closed == 1


def test_closing_without_having_read(scripted):
    inner = scripted([0.0])
    Newest(inner).close()
    assert inner.closed == 1


def test_a_source_that_hangs_is_left_open(scripted, monkeypatch):
    """Closing a camera under the thread that reads it can crash the process."""
    release = threading.Event()

    class Hanging(scripted):
        def frames(self):
            yield from super().frames()
            release.wait(10)

    monkeypatch.setattr(newest, "_JOIN_S", 0.1)
    inner = Hanging([0.0])
    source = Newest(inner)
    next(source.frames())
    with pytest.raises(VideoError, match="script has given no answer"):
        source.close()
    assert inner.closed == 0
    release.set()
