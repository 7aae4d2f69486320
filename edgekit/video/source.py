"""What every source of frames has in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from edgekit.arrays import RGBArray
from edgekit.runtime.frames import YuvFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimedFrame:
    """One frame of a video.

    Attributes:
        index: Number of the frame in the source, from 0; those that were left out or dropped count.
        time_s: When it was taken, in seconds from the start; never before the last frame's.
        picture: Upright: uint8 (height, width, 3) RGB, or a camera's YUV.
    """

    index: int
    time_s: float
    picture: RGBArray | YuvFrame


class FrameSource(Protocol):
    """Where frames come from."""

    @property
    def name(self) -> str:
        """For messages ("clip.mp4", "camera 0")."""

    @property
    def fps(self) -> float:
        """Frames a second, as far as known; positive. Drawn videos get it."""

    @property
    def count(self) -> int | None:
        """Frames that there will be, where the source tells."""

    @property
    def dropped(self) -> int:
        """Frames so far that came while the last one was still at work."""

    def frames(self) -> Iterator[TimedFrame]:
        """The frames, in order of time.

        Raises:
            VideoError: there is none, or a camera stopped.
        """

    def close(self) -> None:
        """Free the file or the camera; a second call does nothing."""
