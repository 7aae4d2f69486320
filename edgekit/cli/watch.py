"""Frames of a video or a camera: where they come from, and what ``edgekit predict`` says of each."""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

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


class _Tally:
    """What is left to say in the end."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self.ms = 0.0
        self.last: FrameVerdict | None = None

    def add(self, verdict: FrameVerdict) -> None:
        self.labels[verdict.label] += 1
        self.ms += verdict.ms
        self.last = verdict

    def line(self, source: FrameSource) -> str:
        frames = self.labels.total()
        shares = ", ".join(f"{percent(number / frames)} {label}" for label, number in self.labels.most_common())
        return (
            f"{source.name}: {count(frames, 'frame')}, {source.dropped} dropped, "
            f"{self.ms / frames:.1f} ms each: {shares}"
        )


def watch_frames(
    classifier: Classifier, classify: Callable[[Picture], Verdict], options: WatchOptions, *, json: bool
) -> None:
    """Print a line for each frame (JSON), or for each change of the verdict, and a summary.

    Raises:
        VideoError: no frames, or the camera stopped; what was drawn until then is kept.
    """
    from edgekit.runtime import Smoother
    from edgekit.runtime.memory import return_freed_memory
    from edgekit.runtime.smoothing import DEFAULT_TAU_S
    from edgekit.video.watch import watch

    # A camera may be watched for days.
    return_freed_memory()
    smoother = Smoother(classifier.contract, tau_s=DEFAULT_TAU_S if options.smooth is None else options.smooth)
    tally = _Tally()
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
        verdicts = watch(source, classify, smoother, limit=options.frames, writer=writer)
        try:
            for verdict in verdicts:
                if json:
                    typer.echo(json_module.dumps(plain(verdict)))
                elif tally.last is None or verdict.label != tally.last.label:
                    typer.echo(f"{verdict.time_s:8.2f} s  {verdict.label}  {percent(verdict.score)}")
                if progress is not None:
                    dropped = verdict.dropped - (tally.last.dropped if tally.last is not None else 0)
                    progress.advance(1 + dropped, note=verdict.label)
                tally.add(verdict)
        finally:
            # Ctrl-C is how a camera is ended: that has a summary, too.
            if tally.last is not None:
                # Between JSON lines it would be in a script's way.
                typer.echo(printable(tally.line(source)), err=json)
    read = tally.labels.total() + source.dropped
    if source.count is not None and options.frames is None and read < source.count:
        console.note(
            f"{source.name} announces {count(source.count, 'frame')}, {read} could be read; is the file whole?"
        )


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


class _RegionTally:
    """What is left to say of regions in the end. Of who is gone only the answer is kept: a camera may run for days."""

    def __init__(self, thing: str, kept_s: float) -> None:
        self.thing = thing
        self.frames, self.ms = 0, 0.0
        self._kept_s = kept_s
        self._gone: Counter[str] = Counter()
        self._here: dict[int, _Identity] = {}

    def add(self, frame: FrameRegions) -> list[str]:
        """Count a frame; returns lines for who came, and whose answer changed."""
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

    def line(self, source: FrameSource) -> str:
        found = self._gone + Counter(known.answer for known in self._here.values())
        answers = ", ".join(f"{number} {label}" for label, number in found.most_common())
        seen = f"{count(found.total(), self.thing)}, {answers}" if found else ""
        return (
            f"{source.name}: {count(self.frames, 'frame')}, {source.dropped} dropped, "
            f"{self.ms / self.frames:.1f} ms each: {seen or f'no {self.thing}'}"
        )


def watch_frame_regions(
    classifier: Classifier, classify: Callable[[Picture], RegionsVerdict], options: WatchOptions, *, json: bool
) -> None:
    """Print a line for each frame (JSON), or for each region that comes or changes its answer, and a summary.

    Raises:
        VideoError: no frames, or the camera stopped; what was drawn until then is kept.
    """
    from edgekit.runtime import Tracker
    from edgekit.runtime.memory import return_freed_memory
    from edgekit.runtime.regions.tracking import KEPT_S
    from edgekit.runtime.smoothing import DEFAULT_TAU_S
    from edgekit.video.watch import watch_regions

    assert classifier.contract.regions is not None
    return_freed_memory()
    tracker = Tracker(classifier.contract, tau_s=DEFAULT_TAU_S if options.smooth is None else options.smooth)
    tally = _RegionTally(classifier.contract.regions.thing, KEPT_S)
    with ExitStack() as stack:
        opened = open_source(options.camera, options.video, every=options.every or 1, realtime=options.realtime)
        source = stack.enter_context(closing(opened))
        writer = None
        if options.draw is not None:
            from edgekit.video.writer import VideoWriter

            writer = stack.enter_context(closing(VideoWriter(options.draw, fps=source.fps)))
        try:
            for frame in watch_regions(source, classify, tracker, limit=options.frames, writer=writer):
                changes = tally.add(frame)
                for line in [json_module.dumps(plain(frame))] if json else changes:
                    typer.echo(printable(line))
        finally:
            # Ctrl-C is how a camera is ended: that has a summary, too.
            if tally.frames:
                typer.echo(printable(tally.line(source)), err=json)


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
