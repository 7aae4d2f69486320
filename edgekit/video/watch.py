"""A verdict for each frame of a source, steady over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from edgekit.metrics.wording import percent
from edgekit.runtime import RegionsVerdict, Smoother, Tracker, Verdict
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import Picture
from edgekit.video.draw import NamedBox, colour_of, draw_names, draw_verdict
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRegion:
    """One region of a frame.

    Attributes:
        number: Its identity from frame to frame, from 1.
        box: What was found, in the frame's pixels.
        detected: How sure the detector is.
        label: The label smoothed over time; ``score`` and ``probabilities`` are smoothed too.
        score: The probability behind the label; for "retake" the attack score.
        probabilities: Smoothed probability of each label.
        frame_label: Label of this frame by itself, not smoothed.
        frame_score: The probability behind ``frame_label``.
    """

    number: int
    box: Box
    detected: float
    label: str
    score: float
    probabilities: dict[str, float]
    frame_label: str
    frame_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRegions:
    """The answers at one frame.

    Attributes:
        frame: Number of the frame in the source, from 0.
        time_s: Time of the frame in the source, in seconds.
        regions: The answer for each region, the surest detection first; none where there are none.
        ms: Milliseconds that the frame took, from decoded picture to the last vote.
        dropped: Number of frames dropped so far.
    """

    frame: int
    time_s: float
    regions: tuple[SeenRegion, ...]
    ms: float
    dropped: int


def watch_regions(
    source: FrameSource,
    classify: Callable[[Picture], RegionsVerdict],
    tracker: Tracker,
    *,
    limit: int | None = None,
    writer: VideoWriter | None = None,
) -> Iterator[FrameRegions]:
    """Classify the regions of each frame, each under its number. Source and writer stay the caller's to close.

    Args:
        source: Frames of a video or camera.
        classify: ``Classifier.classify_regions``, perhaps with its options.
        tracker: A new one for this source.
        limit: Stop after so many frames.
        writer: Gets each frame with boxes, numbers, names and scores drawn in.

    Raises:
        VideoError: as the source does.
        PhotoError: frames are smaller than a photo may be.
    """
    for frame in islice(source.frames(), limit):
        found = classify(frame.picture)
        tracked = tracker.add(found, frame.time_s)
        if writer is not None:
            names = [
                NamedBox(
                    box=one.seen.region.box,
                    line=f"{one.number}  {one.steady.label}  {percent(one.steady.score)}",
                    colour=colour_of(one.steady.label, tracker.contract.bona_fide),
                )
                for one in tracked
            ]
            writer.add(draw_names(frame.picture, names), frame.time_s)
        yield FrameRegions(
            frame=frame.index,
            time_s=frame.time_s,
            regions=tuple(
                SeenRegion(
                    number=one.number,
                    box=one.seen.region.box,
                    detected=one.seen.region.score,
                    label=one.steady.label,
                    score=one.steady.score,
                    probabilities=one.steady.probabilities,
                    frame_label=one.seen.verdict.label,
                    frame_score=one.seen.verdict.score,
                )
                for one in tracked
            ),
            ms=found.total_ms,
            dropped=source.dropped,
        )
