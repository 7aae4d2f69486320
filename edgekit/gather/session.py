"""The diary of capture sessions: every shot with its time, noted before it is stored.

So a session that was killed still gets its rows.

A split is made in blocks of time. Photos of one session that follow each other look alike, so they must not stand on
both sides: each block is one stretch, and shots close behind another block belong to none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgekit.data.manifest import SPLITS, Sample
from edgekit.data.update import update_manifest
from edgekit.errors import DataError
from edgekit.gather.journal import parse_lines, to_line
from edgekit.gather.options import SETTABLE, CollectConfig
from edgekit.records import Lines

DIARY_NAME = ".edgekit-collect.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiaryLine:
    """One line: a session begins, a shot was stored, or the session's rows were written.

    Attributes:
        what: Kind of the line: ``begin``, ``shot`` or ``end``.
        session: Number of the session.
        label: Class of the session's shots.
        group: Group of the session's shots.
        notes: More columns of the session's rows.
        split: Percentages of the blocks of time, one a split; empty where there are none.
        gap_s: Shots within so many seconds after another block belong to none.
        guard_s: Shots before this time belong to none either: they are close to an earlier session.
        source: Name of the camera or video.
        path: Path of the shot in the data folder.
        time_s: Time of the shot in seconds from the start of the source.
        wall_s: Time of a camera's shot in seconds since 1970.
    """

    what: Literal["begin", "shot", "end"]
    session: int
    label: str = ""
    group: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    split: tuple[int, ...] = ()
    gap_s: float = 0.0
    guard_s: float = 0.0
    source: str = ""
    path: str = ""
    time_s: float = 0.0
    wall_s: float = 0.0

    def __post_init__(self) -> None:
        """Check what rows and blocks are made of: the file may have been edited."""
        if not set(self.notes) <= set(SETTABLE):
            raise DataError(f"notes must be of {', '.join(SETTABLE)}, got {sorted(self.notes)}; remove the line")
        if self.split and (len(self.split) not in (2, 3) or min(self.split) < 0 or sum(self.split) != 100):
            raise DataError(f"a split must be two or three percentages, got {self.split}; remove the line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The rows of a session.

    Attributes:
        rows: Number of photos that were listed.
        splits: Number of photos of each split.
        left_out: Number of photos too close to another block; they lie in the folder and are not listed.
    """

    rows: int
    splits: dict[str, int]
    left_out: tuple[str, ...]


class Diary:
    """The diary of a data folder, which the caller holds by ``locks.writing_in``.

    Raises:
        DataError: a line is none of a diary.
        EdgekitError: the file can't be used.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # A line that broke off is no shot: its photo was not stored yet.
        self._file = Lines(root / DIARY_NAME)
        self.lines = list(parse_lines(DiaryLine, self._file))
        begun = {line.session for line in self.lines if line.what == "begin"}
        if lost := sorted({line.session for line in self.lines} - begun):
            raise DataError(
                f"{self._file.path}: every session must begin, got lines of {lost}, which don't; remove them"
            )

    def add(self, line: DiaryLine) -> None:
        """Note a line down.

        Raises:
            EdgekitError: the disk is full.
        """
        self._file.append(to_line(line))
        self.lines.append(line)

    def begin(self, config: CollectConfig, source: str, now_s: float | None) -> int:
        """Start a session.

        Args:
            config: Options of the session.
            source: The camera's or video's name.
            now_s: Seconds since 1970, for a camera; None for a video, whose time is its own.

        Returns:
            Its number.
        """
        number = max((line.session for line in self.lines), default=0) + 1
        self.add(
            DiaryLine(
                what="begin",
                session=number,
                label=config.label,
                group=config.group,
                notes=dict(config.notes),
                split=config.split or (),
                gap_s=config.gap_s,
                guard_s=self._guard(config, source, now_s),
                source=source,
            )
        )
        return number

    def _guard(self, config: CollectConfig, source: str, now_s: float | None) -> float:
        """Until when shots are neighbours of an earlier session of the same group."""
        sessions = {
            line.session: line
            for line in self.lines
            if line.what == "begin" and (line.label, line.group) == (config.label, config.group)
        }
        shots = [line for line in self.lines if line.what == "shot" and line.session in sessions]
        if now_s is not None:
            return max((line.wall_s + config.gap_s - now_s for line in shots if line.wall_s), default=0.0)
        same = [line.time_s for line in shots if not line.wall_s and sessions[line.session].source == source]
        return max(same) + config.gap_s if same else 0.0

    def unfinished(self) -> list[int]:
        """Sessions whose rows were never written: their process was killed."""
        ended = {line.session for line in self.lines if line.what == "end"}
        return sorted({line.session for line in self.lines} - ended)

    def finish(self, session: int) -> Finished:
        """Write a session's rows into the manifest.

        Raises:
            EdgekitError: the manifest can't be written.
        """
        begun = next(line for line in self.lines if line.what == "begin" and line.session == session)
        shots = [line for line in self.lines if line.what == "shot" and line.session == session]
        shots = [shot for shot in shots if (self._root / shot.path).is_file()]
        parts = to_blocks([line.time_s for line in shots], begun)
        rows = []
        for shot, part in zip(shots, parts, strict=True):
            if part is not None:
                # A group may not stand on two sides, and blocks of one session are as much alike as a session is.
                group = f"{begun.group}.{part}" if part else begun.group
                rows.append(Sample(path=shot.path, label=begun.label, group=group, split=part, **begun.notes))
        if rows:
            update_manifest(self._root, rows, unlisted={line.path for line in self.lines if line.what == "shot"})
        self.add(DiaryLine(what="end", session=session))
        left = tuple(shot.path for shot, part in zip(shots, parts, strict=True) if part is None)
        return Finished(rows=len(rows), splits=dict(Counter(row.split for row in rows if row.split)), left_out=left)


def block_names(split: Sequence[int]) -> tuple[str, ...]:
    """The splits that two or three percentages are for."""
    return SPLITS if len(split) == len(SPLITS) else ("train", "test")


def to_blocks(times_s: Sequence[float], begun: DiaryLine) -> list[str | None]:
    """The split of each shot: an empty string without one, None for shots that are close to another block.

    Args:
        times_s: Times of the shots in seconds, ascending.
        begun: The session's first line, with the percentages and the gaps.
    """
    if not begun.split:
        return [""] * len(times_s)
    inside = [at for at, time_s in enumerate(times_s) if time_s >= begun.guard_s]
    parts: list[str | None] = [None] * len(times_s)
    first, share = 0, 0
    ended_s: float | None = None
    for name, percent in zip(block_names(begun.split), begun.split, strict=True):
        share += percent
        last = round(len(inside) * share / 100)
        block = [at for at in inside[first:last] if ended_s is None or times_s[at] >= ended_s + begun.gap_s]
        for at in block:
            parts[at] = name
        if inside[first:last]:
            # From the last that is listed: what lies in the gap is nobody's neighbour.
            ended_s = times_s[block[-1]] if block else ended_s
        first = last
    return parts
