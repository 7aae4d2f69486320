"""Frames of a video or a camera: where they come from, and what ``edgekit predict`` says of each."""

from __future__ import annotations

import json as json_module
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import typer

from edgekit.cli import console
from edgekit.metrics.wording import count, percent
from edgekit.records import plain
from edgekit.terminal import printable

if TYPE_CHECKING:
    from edgekit.runtime import Classifier, RegionsVerdict, Verdict
    from edgekit.runtime.photo import Picture
    from edgekit.video.source import FrameSource
    from edgekit.video.watch import FrameRegions, FrameVerdict
    from edgekit.video.writer import VideoWriter

Frame = TypeVar("Frame", "FrameVerdict", "FrameRegions")

SOURCES = ("--camera", "--video", "--picamera")


def given_sources(camera: int | None, video: Path | None, *, picamera: bool) -> list[str]:
    """Those of SOURCES that the user gave."""
    return list(compress(SOURCES, (camera is not None, video is not None, picamera)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """The options of ``predict`` that go with frames; None and False are those that were not given."""

    camera: int | None
    video: Path | None
    picamera: bool
    every: int | None
    realtime: bool
    smooth: float | None
    draw: Path | None
    frames: int | None

    def check(self, photos: list[Path] | None) -> bool:
        """Whether frames are wanted, and not photos.

        Raises:
            typer.BadParameter: not exactly one kind of source, or options that don't go with it.
        """
        given = [*(["photos"] if photos else []), *given_sources(self.camera, self.video, picamera=self.picamera)]
        if len(given) != 1:
            raise typer.BadParameter(
                f"name photos or one of {', '.join(SOURCES)}; got {' and '.join(given) or 'nothing'}"
            )
        of_files = {"--every": self.every, "--realtime": self.realtime}
        of_frames = {**of_files, "--smooth": self.smooth, "--draw": self.draw, "--frames": self.frames}
        # Of photos, each is drawn into a folder.
        of_frames_alone = {name: value for name, value in of_frames.items() if name != "--draw"}
        alone = {} if self.video is not None else of_frames_alone if photos else of_files
        for name, value in alone.items():
            # A smoothing of 0 seconds is one that was given.
            if value is not None and value is not False:
                raise typer.BadParameter(
                    f"{name} goes with {'--video' if name in of_files else 'a video or a camera'}, got {given[0]}"
                )
        return not photos


class _Tally(ABC, Generic[Frame]):
    """What is said of frames: as they come, and what is left to say in the end."""

    def __init__(self) -> None:
        self.frames, self.ms = 0, 0.0

    @abstractmethod
    def add(self, frame: Frame) -> list[str]:
        """Count a frame; returns lines for what changed."""

    @abstractmethod
    def now(self) -> str:
        """What is said of the last frame, in a few words."""

    @abstractmethod
    def found(self) -> str:
        """What all frames came to."""

    def line(self, source: FrameSource) -> str:
        """The summary."""
        return (
            f"{source.name}: {count(self.frames, 'frame')}, {source.dropped} dropped, "
            f"{self.ms / self.frames:.1f} ms each: {self.found()}"
        )


class _VerdictTally(_Tally["FrameVerdict"]):
    """Of whole frames."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: Counter[str] = Counter()
        self._last = ""

    def add(self, frame: FrameVerdict) -> list[str]:
        self.frames += 1
        self.ms += frame.ms
        self._labels[frame.label] += 1
        is_new, self._last = frame.label != self._last, frame.label
        return [f"{frame.time_s:8.2f} s  {frame.label}  {percent(frame.score)}"] if is_new else []

    def now(self) -> str:
        return self._last

    def found(self) -> str:
        return ", ".join(f"{percent(number / self.frames)} {label}" for label, number in self._labels.most_common())


@dataclass(slots=True)
class _Identity:
    """What was said of one region, and when it was last seen."""

    answers: Counter[str] = field(default_factory=Counter)
    last: str = ""
    time_s: float = 0.0

    @property
    def answer(self) -> str:
        """The most frequent one."""
        return self.answers.most_common(1)[0][0]


class _RegionTally(_Tally["FrameRegions"]):
    """Of regions. Of who is gone only the answer is kept: a camera may run for days."""

    def __init__(self, thing: str, kept_s: float) -> None:
        super().__init__()
        self.thing = thing
        self._kept_s = kept_s
        self._gone: Counter[str] = Counter()
        self._here: dict[int, _Identity] = {}

    def add(self, frame: FrameRegions) -> list[str]:
        self.frames += 1
        self.ms += frame.ms
        lines = []
        for one in frame.regions:
            known = self._here.setdefault(one.number, _Identity())
            known.answers[one.label] += 1
            if known.last != one.label:
                lines.append(f"{frame.time_s:8.2f} s  {self.thing} {one.number}  {one.label}  {percent(one.score)}")
            known.last, known.time_s = one.label, frame.time_s
        # Whose number the tracker gives to nobody any more.
        for number, known in list(self._here.items()):
            if frame.time_s - known.time_s > self._kept_s:
                self._gone[known.answer] += 1
                del self._here[number]
        return lines

    def now(self) -> str:
        return count(len(self._here), self.thing)

    def found(self) -> str:
        answers = self._gone + Counter(known.answer for known in self._here.values())
        listed = ", ".join(f"{number} {label}" for label, number in answers.most_common())
        return f"{count(answers.total(), self.thing)}, {listed}" if answers else f"no {self.thing}"


def watch_frames(
    classifier: Classifier, classify: Callable[[Picture], Verdict], options: WatchOptions, *, json: bool
) -> None:
    """Print a line for each frame (JSON), or for each change of the verdict, and a summary.

    Raises:
        VideoError: no frames, or the camera stopped; what was drawn until then is kept.
    """
    from edgekit.runtime import Smoother
    from edgekit.video.watch import watch

    smoother = Smoother(classifier.contract, tau_s=_tau_s(options))

    def verdicts(source: FrameSource, writer: VideoWriter | None) -> Iterator[FrameVerdict]:
        return watch(source, classify, smoother, limit=options.frames, writer=writer)

    _watch(verdicts, _VerdictTally(), options, json=json)


def watch_frame_regions(
    classifier: Classifier, classify: Callable[[Picture], RegionsVerdict], options: WatchOptions, *, json: bool
) -> None:
    """Print a line for each frame (JSON), or for each region that comes or changes its answer, and a summary.

    Raises:
        VideoError: no frames, or the camera stopped; what was drawn until then is kept.
    """
    from edgekit.runtime import Tracker
    from edgekit.runtime.regions.tracking import KEPT_S
    from edgekit.video.watch import watch_regions

    assert classifier.contract.regions is not None
    tracker = Tracker(classifier.contract, tau_s=_tau_s(options))

    def regions(source: FrameSource, writer: VideoWriter | None) -> Iterator[FrameRegions]:
        return watch_regions(source, classify, tracker, limit=options.frames, writer=writer)

    _watch(regions, _RegionTally(classifier.contract.regions.thing, KEPT_S), options, json=json)


def _tau_s(options: WatchOptions) -> float:
    from edgekit.runtime.smoothing import DEFAULT_TAU_S

    return DEFAULT_TAU_S if options.smooth is None else options.smooth


def _watch(
    begin: Callable[[FrameSource, VideoWriter | None], Iterator[Frame]],
    tally: _Tally[Frame],
    options: WatchOptions,
    *,
    json: bool,
) -> None:
    """Open what is watched, and what is drawn into; tell of every frame, and sum up."""
    from edgekit.runtime.memory import return_freed_memory

    # A camera may be watched for days.
    return_freed_memory()
    with ExitStack() as stack:
        opened = open_source(options.camera, options.video, every=options.every or 1, realtime=options.realtime)
        source = stack.enter_context(closing(opened))
        writer = None
        if options.draw is not None:
            from edgekit.video.writer import VideoWriter

            writer = stack.enter_context(closing(VideoWriter(options.draw, fps=source.fps)))
        progress = None
        if source.count is not None:
            progress = stack.enter_context(console.progress())
            progress.begin("watching", min(source.count, options.frames or source.count))
        dropped = 0
        try:
            for frame in begin(source, writer):
                changes = tally.add(frame)
                for line in [json_module.dumps(plain(frame))] if json else changes:
                    typer.echo(printable(line))
                if progress is not None:
                    progress.advance(1 + frame.dropped - dropped, note=tally.now())
                dropped = frame.dropped
        finally:
            # Ctrl-C is how a camera is ended: that has a summary, too.
            if tally.frames:
                # Between JSON lines it would be in a script's way.
                typer.echo(printable(tally.line(source)), err=json)
    read = tally.frames + source.dropped
    if source.count is not None and options.frames is None and read < source.count:
        console.note(
            f"{source.name} announces {count(source.count, 'frame')}, {read} could be read; is the file whole?"
        )


def open_source(camera: int | None, video: Path | None, *, every: int = 1, realtime: bool = False) -> FrameSource:
    """A camera, a video file, or the Pi's camera where neither is named. What waits for nobody gets one slot.

    Args:
        camera: Its number.
        video: A file, each of whose frames waits until it is read.
        every: Take one of so many frames of a file.
        realtime: Play a file at its own speed; then it doesn't wait either.
    """
    from edgekit.video.newest import Newest

    if video is not None:
        from edgekit.video.opencv import VideoFile

        file = VideoFile(video, every=every)
        return Newest(file, realtime=True) if realtime else file
    if camera is not None:
        from edgekit.video.opencv import WebCamera

        return Newest(WebCamera(camera))
    from edgekit.video.picamera import PiCamera

    return Newest(PiCamera())
