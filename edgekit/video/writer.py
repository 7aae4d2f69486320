"""Writes the drawn video: MPEG-4 in an MP4, which OpenCV's wheels can encode everywhere."""

from __future__ import annotations

import secrets
from pathlib import Path

import cv2
import numpy as np

from edgekit.arrays import RGBArray
from edgekit.errors import VideoError
from edgekit.video.opencv import native_path, quiet

# A camera may pause for hours; the drawn video need not.
_MAX_STILL_S = 5.0


class VideoWriter:
    """A video that plays at the speed of its frames' times.

    It is a hidden file beside its place until ``close`` has finished it, so what is there can be played.

    Args:
        path: Ends in .mp4; must not exist.
        fps: Frames a second.

    Raises:
        VideoError: another ending, something is there already, or the folder can't be written to.
    """

    def __init__(self, path: Path, *, fps: float) -> None:
        if path.suffix.lower() != ".mp4":
            raise VideoError(f"{path}: a drawn video must end in .mp4, got {path.suffix or 'no ending'}")
        if path.exists():
            raise VideoError(f"{path} exists; remove it or name another file")
        quiet()
        native_path(path)
        self._path = path
        # MPEG-4 counts time in fractions of 16 bits.
        self._fps = round(min(max(fps, 1.0), 240.0), 2)
        self._written = 0
        self._start_s = 0.0
        self._writer: cv2.VideoWriter | None = None
        self._last: RGBArray | None = None
        self._part = path.parent / f".{path.stem}.{secrets.token_hex(4)}.part.mp4"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._part.touch(exist_ok=False)
        except OSError as failure:
            raise VideoError(f"can't write {path}: {failure.strerror}; choose another folder") from failure

    def add(self, picture: RGBArray, time_s: float) -> None:
        """Write one frame; the last one stands until its time.

        Args:
            picture: uint8 (height, width, 3) RGB; of another size than the first, it is resized.
            time_s: Time of the frame in the source, in seconds.

        Raises:
            VideoError: the encoder is absent.
        """
        bgr = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), dtype=np.uint8)
        if self._last is None or self._writer is None:
            # MPEG-4 wants even sides.
            bgr = np.ascontiguousarray(bgr[: bgr.shape[0] // 2 * 2, : bgr.shape[1] // 2 * 2])
            self._writer = self._open(bgr)
            self._start_s = time_s
        else:
            height, width = self._last.shape[:2]
            if bgr.shape[0] // 2 * 2 == height and bgr.shape[1] // 2 * 2 == width:
                bgr = np.ascontiguousarray(bgr[:height, :width])
            else:
                bgr = np.asarray(cv2.resize(bgr, (width, height)), dtype=np.uint8)
            gap = round((time_s - self._start_s) * self._fps) - self._written
            longest = round(_MAX_STILL_S * self._fps)
            if gap > longest:
                self._start_s += (gap - longest) / self._fps
            for _ in range(min(gap, longest)):
                self._write(self._last)
        # At least once: no verdict is lost to rounding.
        self._write(bgr)
        self._last = bgr

    def _open(self, bgr: RGBArray) -> cv2.VideoWriter:
        size_wh = (bgr.shape[1], bgr.shape[0])
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(native_path(self._part), cv2.CAP_FFMPEG, fourcc, self._fps, size_wh)
        if not writer.isOpened():
            raise VideoError(f"can't write {self._path}: OpenCV can't encode {size_wh[0]}x{size_wh[1]} MPEG-4 here")
        return writer

    def _write(self, bgr: RGBArray) -> None:
        assert self._writer is not None
        self._writer.write(bgr)
        self._written += 1

    def close(self) -> None:
        """Finish the file and put it in its place; without frames there is none. A second call does nothing.

        Raises:
            VideoError: it was not written whole.
        """
        writer, self._writer = self._writer, None
        try:
            if writer is None:
                return
            writer.release()
            # The encoder keeps failures to itself; a full disk shows in what can be read again.
            found = self._readable()
            if found < self._written:
                raise VideoError(
                    f"can't write {self._path}: {found} of {self._written} frames are there; free space or choose "
                    "another folder"
                )
            self._part.replace(self._path)
        except OSError as failure:
            raise VideoError(f"can't write {self._path}: {failure.strerror}; choose another folder") from failure
        finally:
            self._part.unlink(missing_ok=True)

    def _readable(self) -> int:
        capture = cv2.VideoCapture(native_path(self._part), cv2.CAP_FFMPEG)
        try:
            return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() and capture.grab() else 0
        finally:
            capture.release()
