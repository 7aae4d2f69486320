"""Keeping up with a source that doesn't wait: one slot, in which the newest frame replaces one that nobody took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from edgekit.errors import VideoError
from edgekit.video.source import FrameSource, TimedFrame

# Longer than any driver waits for a frame.
_JOIN_S = 15.0


class Newest:
    """The newest frame of a source that a thread reads, and a count of those that nobody took in time.

    Args:
        source: Read on the thread, and closed by ``close``.
        realtime: Hand out each frame no sooner than its time, which a file by itself would not.
    """

    def __init__(self, source: FrameSource, *, realtime: bool = False) -> None:
        self.name, self.fps, self.count = source.name, source.fps, source.count
        self.dropped = 0
        self._source = source
        self._realtime = realtime
        self._slot: TimedFrame | None = None
        self._failure: BaseException | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._stop = threading.Event()
        # A driver that hangs must not keep the process.
        self._thread = threading.Thread(target=self._read, name=f"reads {source.name}", daemon=True)

    def frames(self) -> Iterator[TimedFrame]:
        """The newest frame each time that one is asked for; waits for one where there is none. Can be used once.

        Raises:
            VideoError: as the source does, after its last frame was handed out.
        """
        self._thread.start()
        while (frame := self._take()) is not None:
            yield frame
        if self._failure is not None:
            raise self._failure

    def _take(self) -> TimedFrame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._ended)
            frame, self._slot = self._slot, None
            return frame

    def _read(self) -> None:
        start = time.monotonic()
        try:
            for frame in self._source.frames():
                if self._realtime:
                    self._stop.wait(max(start + frame.time_s - time.monotonic(), 0))
                if self._stop.is_set():
                    break
                with self._changed:
                    self.dropped += self._slot is not None
                    self._slot = frame
                    self._changed.notify()
        except BaseException as failure:  # noqa: BLE001 (it is raised where the frames are taken)
            self._failure = failure
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def close(self) -> None:
        """Stop the thread and close the source; a second call does nothing.

        Raises:
            VideoError: the source hangs. It stays open then: closing it under the thread could crash.
        """
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                raise VideoError(f"{self.name} has given no answer for {_JOIN_S:.0f} s; unplug it and try again")
        self._source.close()
