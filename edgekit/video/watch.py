"""A verdict for each frame of a source, steady over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from edgekit.metrics.wording import percent
from edgekit.runtime import Smoother, Verdict
from edgekit.runtime.photo import Picture
from edgekit.video.draw import colour_of, draw_verdict
from edgekit.video.source import FrameSource

if TYPE_CHECKING:
    # Watching needs no OpenCV, drawing does.
    from edgekit.video.writer import VideoWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameVerdict:
    """The answer at one frame.

    Attributes:
        frame: Number of the frame in the source, from 0.
        time_s: Time of the frame in the source, in seconds.
        label: The label smoothed over time; ``score`` and ``probabilities`` are smoothed too.
        score: The probability behind the label; for "retake" the attack score.
        probabilities: Smoothed probability of each label.
        frame_label: Label of this frame by itself, not smoothed.
        frame_score: The probability behind ``frame_label``.
        ms: Milliseconds that the frame took, from decoded picture to vote.
        dropped: Number of frames dropped so far.
    """

    frame: int
    time_s: float
    label: str
    score: float
    probabilities: dict[str, float]
    frame_label: str
    frame_score: float
    ms: float
    dropped: int


def watch(
    source: FrameSource,
    classify: Callable[[Picture], Verdict],
    smoother: Smoother,
    *,
    limit: int | None = None,
    writer: VideoWriter | None = None,
) -> Iterator[FrameVerdict]:
    """Classify frame by frame. Source and writer stay the caller's to close.

    Args:
        source: Frames of a video or camera.
        classify: ``Classifier.classify``, perhaps with its options.
        smoother: A new one for this source.
        limit: Stop after so many frames.
        writer: Gets each frame with verdict, score and crops drawn in.

    Raises:
        VideoError: as the source does.
        PhotoError: frames are smaller than a photo may be.
    """
    for frame in islice(source.frames(), limit):
        single = classify(frame.picture)
        steady = smoother.add(single, frame.time_s)
        if writer is not None:
            colour = colour_of(steady.label, smoother.contract.bona_fide)
            boxes = [crop.box for crop in single.crops]
            line = f"{steady.label}  {percent(steady.score)}"
            writer.add(draw_verdict(frame.picture, line, boxes, colour), frame.time_s)
        yield FrameVerdict(
            frame=frame.index,
            time_s=frame.time_s,
            label=steady.label,
            score=steady.score,
            probabilities=steady.probabilities,
            frame_label=single.label,
            frame_score=single.score,
            ms=single.ms.total_ms,
            dropped=source.dropped,
        )
