"""The Raspberry Pi's camera. Picamera2 comes with Raspberry Pi OS, not from PyPI: it needs the system's libcamera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from edgekit.errors import VideoError
from edgekit.runtime.frames import YuvFrame
from edgekit.video.source import TimedFrame

# What is asked for, and the camera may change: 4:3, as most of the Pi's sensors are, so that nothing is cut off.
_SIZE_WH = (1280, 960)
# A cable that came loose gives no error, and no frame.
_WAIT_S = 10.0


class PiCamera:
    """The first camera that libcamera finds, in YUV, of which only crops become RGB.

    Raises:
        VideoError: no Picamera2 here, or no camera.
    """

    name = "the Pi's camera"
    # What a preview runs at in good light.
    fps = 30.0
    count = None
    dropped = 0

    def __init__(self) -> None:
        try:
            from picamera2 import Picamera2
        except ModuleNotFoundError as absent:
            # A broken one misses another module, which is no missing Picamera2.
            if absent.name != "picamera2":
                raise
            raise VideoError(
                "--picamera needs Picamera2, which is not installed: sudo apt install python3-picamera2, and make the "
                "virtual environment with --system-site-packages"
            ) from absent
        try:
            self._camera: Any = Picamera2()
        except (IndexError, RuntimeError) as failure:
            # An IndexError where there is no camera at all.
            raise VideoError(f"{self.name} can't be opened: {failure}; see what rpicam-hello says") from failure
        try:
            # A preview's colours are full-range BT.601, as YuvFrame takes them; a video's would be BT.709.
            wanted = {"size": _SIZE_WH, "format": "YUV420"}
            self._camera.configure(self._camera.create_preview_configuration(main=wanted))
            self._camera.start()
        except RuntimeError as failure:
            self._camera.close()
            raise VideoError(f"{self.name} can't be started: {failure}; see what rpicam-hello says") from failure

    def frames(self) -> Iterator[TimedFrame]:
        """Frames without end; times are those of their arrival.

        Raises:
            VideoError: the camera stopped.
        """
        stream = self._camera.stream_configuration("main")
        start, index = time.monotonic(), 0
        while True:
            try:
                # A copy: the camera's own buffer goes back into its queue.
                data = self._camera.capture_buffer("main", wait=_WAIT_S)
            except (RuntimeError, TimeoutError) as failure:
                raise VideoError(f"{self.name} gave no more frames after {index}: {failure}") from failure
            picture = YuvFrame.from_buffer(data, stream["size"], "i420", stride=stream["stride"])
            yield TimedFrame(index=index, time_s=time.monotonic() - start, picture=picture)
            index += 1

    def close(self) -> None:
        """Hand the camera back; a second call does nothing."""
        self._camera.close()
