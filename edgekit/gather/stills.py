"""Photos out of a video: of each stretch of time the sharpest frame."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray

# A second, and nearly lossless, compression: PNG would give frames away by their format.
_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Still:
    """One frame that was kept.

    Attributes:
        slot: Number of its stretch of time, from 0.
        time_s: Time of the frame in the video, in seconds.
        sharpness: Variance of the picture's Laplacian, as ``video.vision.sharpness`` counts.
        picture: uint8 (height, width, 3) RGB.
    """

    slot: int
    time_s: float
    sharpness: float
    picture: RGBArray


def sharpest_stills(
    video: Path, *, every_ms: int, window_ms: int, skip: Callable[[int], bool] = lambda _: False
) -> Iterator[Still]:
    """The sharpest frame of each window, in order; at most one is held in memory.

    Args:
        video: Path of the video file.
        every_ms: A window begins every so often.
        window_ms: And is so long; its first frame counts in any case.
        skip: Asked for each window's number whether it is of no interest.

    Raises:
        VideoError: no video, or not one frame in it.
    """
    from edgekit.video.opencv import VideoFile
    from edgekit.video.vision import sharpness

    best: Still | None = None
    slot_now = -1
    with closing(VideoFile(video)) as source:
        for frame in source.frames():
            slot, offset_ms = divmod(frame.time_s * 1000, every_ms)
            is_first = int(slot) != slot_now
            if is_first and best is not None:
                yield best
                best = None
            slot_now = int(slot)
            if skip(slot_now) or (not is_first and offset_ms > window_ms):
                continue
            assert isinstance(frame.picture, np.ndarray)
            sharp = sharpness(frame.picture)
            if best is None or sharp > best.sharpness:
                best = Still(slot=slot_now, time_s=frame.time_s, sharpness=sharp, picture=frame.picture)
        if best is not None:
            yield best


def to_jpeg(picture: RGBArray) -> bytes:
    """A frame as a JPEG file without metadata.

    Args:
        picture: uint8 (height, width, 3) RGB.
    """
    written = io.BytesIO()
    Image.fromarray(picture).save(written, format="JPEG", quality=_QUALITY, subsampling=0)
    return written.getvalue()
