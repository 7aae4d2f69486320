"""The Raspberry Pi's camera. Picamera2 comes with Raspberry Pi OS, not from PyPI: it needs the system's libcamera."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from typing import Any

from edgekit.errors import VideoError, first_line, is_other_numpy, numpy_complaint
from edgekit.runtime.frames import YuvFrame
from edgekit.runtime.imports import without_pages
from edgekit.video.source import TimedFrame

# What is asked for, and the camera may change: 4:3, as most of the Pi's sensors are, so that nothing is cut off.
_SIZE_WH = (1280, 960)
# A cable that came loose gives no error, and no frame.
_WAIT_S = 10.0


# Modules that Picamera2 needs, and the packages of Raspberry Pi OS that have them.
_PACKAGES = {
    "picamera2": "python3-picamera2",
    "libcamera": "python3-libcamera",
    "_libcamera": "python3-libcamera",
    "kms": "python3-kms++",
    "pykms": "python3-kms++",
    "prctl": "python3-prctl",
    "simplejpeg": "python3-simplejpeg",
    "v4l2": "python3-v4l2",
    "piexif": "python3-piexif",
    "av": "python3-av",
}


def _why_not(failure: BaseException) -> str:
    """Why Picamera2 can't be imported: absent, out of sight of a virtual environment, or beside a numpy of pip's."""
    if is_other_numpy(failure):
        said = numpy_complaint(failure)
        return (
            "--picamera needs Picamera2, which can't be imported: its packages were built for the system's own numpy, "
            f"and another stands before it ({said}): {sys.executable} -m pip uninstall numpy, in a virtual environment "
            "that was made with --system-site-packages; where apt's numpy is absent, sudo apt install python3-numpy"
        )
    if isinstance(failure, ModuleNotFoundError):
        missing = (failure.name or "").rpartition(".")[2]
        package = _PACKAGES.get(missing, f"python3-{missing}" if missing else "python3-picamera2")
        what = "Picamera2" if missing == "picamera2" else f"Picamera2 and its {missing}"
        return (
            f"--picamera needs {what}, which is not installed for {sys.executable}: sudo apt install {package}, and "
            "make the virtual environment with the system's own Python: /usr/bin/python3 -m venv --system-site-packages"
        )
    return (
        f"--picamera needs Picamera2, which can't be imported: {first_line(failure)}; its packages don't fit each "
        "other: sudo apt update && sudo apt full-upgrade, then sudo apt install --reinstall python3-picamera2 "
        "python3-libcamera"
    )


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
            with without_pages():
                library = importlib.import_module("picamera2")
        except Exception as failure:
            # A MemoryError, say, is not about what is installed.
            if not isinstance(failure, (ImportError, AttributeError, ValueError, OSError, RuntimeError, SystemError)):
                raise
            raise VideoError(_why_not(failure)) from failure
        try:
            self._camera: Any = library.Picamera2()
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
