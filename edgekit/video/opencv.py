"""Video files and cameras through OpenCV."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgekit.arrays import RGBArray
from edgekit.errors import PhotoError, VideoError
from edgekit.records import is_stream
from edgekit.runtime.limits import check_size
from edgekit.video.source import TimedFrame

# What a file must begin with. FFmpeg tries hundreds of formats, playlists that name other files among them; photos are
# no video either. (offset, bytes)
_SIGNATURES = (
    *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),  # MP4, MOV, 3GP
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"OggS"),
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75"),  # WMV
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x00\x00\x01\xb3"),  # MPEG video
    (0, b"\x00\x00\x00\x01"),  # H.264 or H.265 as the Pi's tools write it
    (0, b"YUV4MPEG2 "),
)
# A transport stream has this byte at the start of every packet.
_SYNC, _PACKET = 0x47, 188

_FPS = 30.0
_FPS_RANGE = (0.1, 1000.0)
# A loose plug or a damaged frame passes; a camera that is gone doesn't come back.
_TRIES = 3
_MAX_STEP_S = 3600.0


def quiet() -> None:
    """Leave the telling to errors: OpenCV and FFmpeg report what they can't open on stderr, several times."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # Debian 12 has OpenCV 4.6, which lacks this switch.
    if (logging := getattr(cv2.utils, "logging", None)) is not None:
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)


def native_path(path: Path) -> str:
    """A path as OpenCV may be given it.

    Raises:
        VideoError: it is not Unicode; OpenCV crashes on such names.
    """
    # Absolute, so that it can't be taken for a protocol.
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError as failure:
        raise VideoError(f"{name!a}: a video's name must be Unicode; rename it") from failure
    return name


def _check_file(path: Path) -> None:
    """Hold that a path is a file with the beginning of a video.

    Raises:
        VideoError: absent, a folder, a pipe, unreadable, or no video.
    """
    try:
        if is_stream(path):
            raise VideoError(f"{path}: a video must be a file, got a pipe or a device")
        with path.open("rb") as file:
            head = file.read(_PACKET + 1)
    except FileNotFoundError as absent:
        raise VideoError(f"{path}: no such file") from absent
    except OSError as failure:
        raise VideoError(f"{path}: can't be read: {failure.strerror}") from failure
    packets = len(head) > _PACKET and head[0] == head[_PACKET] == _SYNC
    if not packets and not any(head[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        raise VideoError(
            f"{path}: must be a video (MP4, MOV, MKV, WebM, AVI, …), got {head[:8]!r}; photos go without --video"
        )


def _fps(capture: cv2.VideoCapture) -> float:
    told = capture.get(cv2.CAP_PROP_FPS)
    return told if _FPS_RANGE[0] <= told <= _FPS_RANGE[1] else _FPS


def _rgb(picture: cv2.typing.MatLike) -> RGBArray:
    """OpenCV's uint8 (height, width, 3) BGR as RGB."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


class VideoFile:
    """A video file from its first frame to its last, upright as its rotation says.

    Args:
        path: MP4, MOV, MKV, WebM, AVI, …
        every: 3 takes the first frame of every three; the others aren't even converted.

    Raises:
        VideoError: no file, no video, or none that the decoders here can open.
    """

    dropped = 0

    def __init__(self, path: Path, *, every: int = 1) -> None:
        if every < 1:
            raise VideoError(f"every must be 1 or more, got {every}")
        _check_file(path)
        quiet()
        self.name = str(path)
        self._every = every
        # This backend, not the one for numbered pictures.
        self._capture = cv2.VideoCapture(native_path(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise VideoError(f"{path}: no decoder here can open this video; is it whole? If so, convert it to MP4")
        # Phones write sideways and say so.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        size = (self._capture.get(cv2.CAP_PROP_FRAME_WIDTH), self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        try:
            check_size(self.name, (int(size[0]), int(size[1])))
        except PhotoError as mistake:
            self.close()
            raise VideoError(str(mistake)) from mistake
        self._source_fps = _fps(self._capture)
        self.fps = self._source_fps / every
        told = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # Containers without an index tell nonsense.
        self.count = math.ceil(told / every) if 0 < told < 1e9 else None

    def frames(self) -> Iterator[TimedFrame]:
        """Decode frame by frame; a file that was cut short ends where it ends.

        Raises:
            VideoError: not one frame can be decoded.
        """
        time_s, index, given = -1 / self._source_fps, 0, 0
        while self._capture.grab():
            told = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some containers have no times, damaged ones have wrong ones.
            time_s = told if time_s < told < time_s + _MAX_STEP_S else time_s + 1 / self._source_fps
            if index % self._every == 0:
                whole, picture = self._capture.retrieve()
                if whole:
                    given += 1
                    yield TimedFrame(index=index, time_s=time_s, picture=_rgb(picture))
            index += 1
        if given == 0:
            raise VideoError(f"{self.name}: not one frame can be decoded; is the file whole?")

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class WebCamera:
    """A camera by its number, as the system counts them. Its frames come from ``frames`` as they are taken.

    Args:
        index: 0 is the first.

    Raises:
        VideoError: there is none, or another program has it.
    """

    count = None
    dropped = 0

    def __init__(self, index: int) -> None:
        quiet()
        self.name = f"camera {index}"
        self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise VideoError(f"{self.name} can't be opened; is it plugged in, and free of other programs?")
        self.fps = _fps(self._capture)

    def frames(self) -> Iterator[TimedFrame]:
        """Frames without end; times are those of their arrival.

        Raises:
            VideoError: the camera stopped.
        """
        start, index, failed = time.monotonic(), 0, 0
        while failed < _TRIES:
            whole, picture = self._capture.read()
            if not whole:
                failed += 1
                continue
            failed = 0
            yield TimedFrame(index=index, time_s=time.monotonic() - start, picture=_rgb(picture))
            index += 1
        raise VideoError(f"{self.name} gave no more frames after {index}; is it still plugged in?")

    def close(self) -> None:
        """Hand the camera back."""
        self._capture.release()
