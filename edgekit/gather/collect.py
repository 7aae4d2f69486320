"""Shoots photos with a camera or out of a video into ``CLASS/GROUP/``: at a key or in time, none that are blurred."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgekit.arrays import RGBArray
from edgekit.data.update import cautions, read_samples
from edgekit.errors import DataError, VideoError
from edgekit.gather.options import CollectConfig
from edgekit.gather.session import Diary, DiaryLine, Finished, block_names
from edgekit.gather.stills import to_jpeg
from edgekit.locks import writing_in
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress
from edgekit.records import make_folder, sha256, write_atomic, write_json
from edgekit.runtime.crops import Box
from edgekit.runtime.frames import YuvFrame
from edgekit.video.preview import QUIT, SHOOT
from edgekit.video.source import FrameSource, TimedFrame

RECORD_NAME = "collect.json"
_FRAME_RGB = (0, 200, 83)


class Controls(Protocol):
    """Whoever watches and presses keys."""

    def poll(self) -> str:
        """SHOOT, QUIT, or nothing."""

    def show(self, picture: RGBArray, line: str) -> None:
        """Put a frame and what the session is at on view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectRecord:
    """Numbers of a capture session.

    Attributes:
        label: Class of the shots.
        group: Group of the shots.
        source: Name of the camera or video.
        frames: Frames that were looked at.
        shots: Photos that were stored.
        total: Photos that the folder of the group has now.
        known: Shots that were the same to the byte as one that was there, and not stored again.
        blurred: Times that a shot was refused for want of sharpness.
        faceless: Times that a shot was refused for want of a face.
        best_blurred: Sharpness of the sharpest shot that was refused; None where none was.
        splits: Number of photos of each split.
        left_out: Photos close to another block of time, in the folder but in no split and no row.
        cautions: Cautions to read before the photos are used.
    """

    label: str
    group: str
    source: str
    frames: int
    shots: int
    total: int
    known: int
    blurred: int
    faceless: int
    best_blurred: float | None
    splits: dict[str, int]
    left_out: int
    cautions: tuple[str, ...]


def collect_photos(
    source: FrameSource,
    out: Path,
    config: CollectConfig,
    *,
    controls: Controls | None = None,
    progress: Progress = SILENT,
) -> CollectRecord:
    """Shoot until the count is reached, the source ends, or somebody stops it.

    A shot that is due in time waits for the first frame that is sharp enough. What was shot is listed in the manifest
    however the session ends; after a kill the next session does that.

    Args:
        source: A camera or a video; the caller closes it.
        out: The data folder.
        config: Class, group and when to shoot.
        controls: Shows frames and gives keys; needed to shoot at a key.
        progress: Told of shots, or of a video's frames.

    Returns:
        The record, which is also written to ``collect.json``.

    Raises:
        VideoError: no frames, or the camera disappeared; says how many photos were kept.
        DataError: no frame was good enough.
    """
    if config.every_ms is None and controls is None:
        raise DataError("shots need a time between them or a key: give every_ms, or watch the live view")
    make_folder(out)
    with writing_in(out):
        diary = Diary(out)
        for killed in diary.unfinished():
            diary.finish(killed)
        read_samples(out)
        session = _Session(source, out, config, diary)
        try:
            try:
                session.run(controls, progress)
            finally:
                finished = session.finish()
        except KeyboardInterrupt:
            progress.say(session.kept())
            raise
        except VideoError as failure:
            if session.frames == 0:
                raise
            raise VideoError(f"{failure}; {session.kept()}") from None
        record = session.record(finished)
    write_json(out / RECORD_NAME, record)
    if record.total == 0:
        best = record.best_blurred
        raise DataError(
            f"{source.name}: no frame was good enough: {record.blurred} blurred"
            f"{'' if best is None else f' (best {best:.1f} of {config.min_sharpness:g})'}"
            f", {record.faceless} without a face, of {record.frames}; more light, or a lower --min-sharpness"
        )
    return record


class _Session:
    """One session: counts, folder, and what has been shot."""

    def __init__(self, source: FrameSource, out: Path, config: CollectConfig, diary: Diary) -> None:
        from edgekit.video.vision import FaceFinder

        self._source, self._out, self._config, self._diary = source, out, config, diary
        self._faces = FaceFinder() if config.face else None
        self.folder = out / config.label / config.group
        there = sorted(self.folder.glob("*.jpg")) if self.folder.is_dir() else []
        self._number = max((int(one.stem) for one in there if one.stem.isdecimal()), default=0)
        # A video that is read again gives the same files again.
        self._digests = {sha256(one.read_bytes()) for one in there}
        self.frames = self.shots = self._known = self._blurred = self._faceless = 0
        self._best_blurred: float | None = None
        # A file's frames have times of their own; a camera's have the clock's.
        self._is_live = source.count is None
        self._start_s = time.time()
        self._id = 0

    @property
    def _total(self) -> int:
        return len(self._digests)

    def run(self, controls: Controls | None, progress: Progress) -> None:
        count = self._config.count
        if count is not None and self._total >= count:
            return
        self._id = self._diary.begin(self._config, self._source.name, self._start_s if self._is_live else None)
        by_frame = count is None and self._source.count is not None
        progress.begin("shooting", (count - self._total) if count is not None else self._source.count or 1)
        due_ms = 0.0
        seen = -1
        for frame in self._source.frames():
            self.frames += 1
            key = controls.poll() if controls is not None else ""
            if key == QUIT:
                return
            timed = self._config.every_ms is not None and frame.time_s * 1000 >= due_ms
            before = self.shots
            line = self._look(frame, shoot=timed or key == SHOOT, controls=controls)
            if self.shots > before or (timed and line == "known"):
                due_ms = frame.time_s * 1000 + (self._config.every_ms or 0)
            steps = frame.index - seen if by_frame else self.shots - before
            progress.advance(steps, note=self._counts())
            seen = frame.index
            if count is not None and self._total >= count:
                return

    def _look(self, frame: TimedFrame, *, shoot: bool, controls: Controls | None) -> str:
        """Shoot if that is wanted and the frame is good; say what came of it."""
        from edgekit.video.draw import draw_verdict
        from edgekit.video.vision import sharpness, with_margin

        if not shoot and controls is None:
            return ""
        picture = _rgb(frame.picture)
        face = self._faces.largest(picture) if self._faces is not None else None
        crop = picture
        if face is not None:
            box = with_margin(face, self._config.margin, (picture.shape[1], picture.shape[0]))
            crop = np.ascontiguousarray(picture[box.top : box.bottom, box.left : box.right])
        sharp = sharpness(crop)
        line = f"sharpness {sharp:.1f} (at least {self._config.min_sharpness:g})"
        outcome = ""
        if shoot:
            outcome = self._shoot(crop, sharp, frame.time_s, has_face=self._faces is None or face is not None)
            line = f"{outcome}: {line}"
        if controls is not None:
            framed = picture if face is None else draw_verdict(picture, "face", [face], _FRAME_RGB)
            controls.show(framed, f"{self._counts()} – {line}")
        return outcome

    def _shoot(self, crop: RGBArray, sharp: float, time_s: float, *, has_face: bool) -> str:
        if not has_face:
            self._faceless += 1
            return "no face"
        if sharp < self._config.min_sharpness:
            self._blurred += 1
            self._best_blurred = max(sharp, self._best_blurred or 0.0)
            return "blurred"
        jpeg = to_jpeg(crop)
        digest = sha256(jpeg)
        if digest in self._digests:
            self._known += 1
            return "known"
        path = f"{self._config.label}/{self._config.group}/{self._number + 1:05d}.jpg"
        wall_s = self._start_s + time_s if self._is_live else 0.0
        self._diary.add(DiaryLine(what="shot", session=self._id, path=path, time_s=time_s, wall_s=wall_s))
        write_atomic(self._out / path, jpeg)
        self._number += 1
        self.shots += 1
        self._digests.add(digest)
        return "shot"

    def kept(self) -> str:
        """How many photos it has kept, and where."""
        return f"{count(self.shots, 'photo of this session is', 'photos of this session are')} kept in {self.folder}"

    def _counts(self) -> str:
        refused = f", {self._blurred} blurred" if self._blurred else ""
        refused += f", {self._faceless} without a face" if self._faceless else ""
        return f"{count(self._total, 'photo')}{refused}"

    def finish(self) -> Finished:
        """Write the rows of what was shot."""
        return self._diary.finish(self._id) if self._id else Finished(rows=0, splits={}, left_out=())

    def record(self, finished: Finished) -> CollectRecord:
        """What the session gave, and what to know of it."""
        known = list(cautions(read_samples(self._out)))
        if self._config.split and finished.rows:
            known.append(
                "both sides of this split show one session: the number says how well it is known, not how well others"
                " will be; test on other groups, too"
            )
            lacking = [name for name in block_names(self._config.split) if not finished.splits.get(name)]
            if lacking:
                known.append(f"no photo for {', '.join(lacking)}: too few shots for a gap of {self._config.gap_s:g} s")
        return CollectRecord(
            label=self._config.label,
            group=self._config.group,
            source=self._source.name,
            frames=self.frames,
            shots=self.shots,
            total=self._total,
            known=self._known,
            blurred=self._blurred,
            faceless=self._faceless,
            best_blurred=self._best_blurred,
            splits=finished.splits,
            left_out=len(finished.left_out),
            cautions=tuple(known),
        )


def _rgb(picture: RGBArray | YuvFrame) -> RGBArray:
    if isinstance(picture, YuvFrame):
        return np.asarray(picture.cut(Box(0, 0, *picture.size_wh)), dtype=np.uint8)
    return picture
