"""What a device is asked to measure, as a file: strict and bounded, since hosts are strangers to it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit.contract import MAX_CROPS, MAX_THREADS
from edgekit.errors import EdgekitError
from edgekit.records import from_plain, read_json
from edgekit.runtime.agent.affinity import check_affinity
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.interpreter import check_delegate

FORMAT = 2
MAX_PHOTOS = 100_000
MAX_SETTINGS = 512
# Timed runs of one setting in one go, before the next one's turn.
BLOCK_RUNS = 10
# What apps have besides the delegates of this runtime, which refuses it when it opens a model.
APP_DELEGATES = ("gpu",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One way to run a model.

    Attributes:
        crops: Crops of each photo; where verdicts stop early, at most.
        threads: Crops that are scored at the same time.
        stops_early: Whether the contract's bounds may end a verdict before its last crop.
        interpreter: ``litert`` or ``tflite-runtime``, in results with its version; None takes the first installed one.
        delegate: See ``ModelInterpreter``; apps on phones have APP_DELEGATES, too.
    """

    crops: int
    threads: int
    stops_early: bool = False
    interpreter: str | None = None
    delegate: str = "default"

    @property
    def asked(self) -> int | None:
        """What ``classify`` is asked for: an exact number, or the contract's own with its early end."""
        return None if self.stops_early else self.crops

    @property
    def engine(self) -> tuple[str | None, str]:
        """Interpreter and delegate, on which scores depend."""
        return self.interpreter, self.delegate


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an earlier session of the same job has already told, from the start in each case.

    Attributes:
        scored: Photos that were scored, counted through all engines.
        cold_starts: Cold starts that were measured, counted through all settings.
        repeats: Repeats that came to their end.
    """

    scored: int = 0
    cold_starts: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a device measures of one model.

    Attributes:
        model: Path of the model file on the device.
        photos: Paths of the photos on the device, in the order in which they are scored.
        crops: Crops of each photo that are scored; smaller numbers of crops use the first of them. 0 scores nothing.
        timed: Positions of the photos that settings are timed on, in turn.
        settings: The ways to run the model that are timed.
        seed: Seed of the order in which settings are timed.
        affinity: Cores to run on, see ``affinity.check_affinity``.
    """

    format: int = FORMAT
    model: str
    photos: tuple[str, ...]
    crops: int
    timed: tuple[int, ...]
    settings: tuple[Setting, ...]
    pace: Pace
    seed: int = 0
    affinity: str = "all"
    done: Done = Done()

    def __post_init__(self) -> None:
        """Check ranges and positions."""
        if self.format != FORMAT:
            raise EdgekitError(f"a job must have format {FORMAT}, got {self.format}; host and device need one version")
        _check_count("photos", len(self.photos), 1, MAX_PHOTOS)
        _check_count("settings", len(self.settings), 1, MAX_SETTINGS)
        _check_count("timed", len(self.timed), 1, MAX_PHOTOS)
        _check_count("crops", self.crops, 0, MAX_CROPS)
        _check_count("seed", self.seed, 0, 2**32 - 1)
        for position in self.timed:
            _check_count("a position in timed", position, 0, len(self.photos) - 1)
        if len(set(self.settings)) != len(self.settings):
            raise EdgekitError("a job's settings must differ, got one twice")
        for setting in self.settings:
            _check_count("crops", setting.crops, 1, MAX_CROPS)
            _check_count("threads", setting.threads, 1, MAX_THREADS)
            if setting.delegate not in APP_DELEGATES:
                check_delegate(setting.delegate)
        check_affinity(self.affinity)
        for name, limit in asdict(self.whole).items():
            _check_count(f"done.{name}", getattr(self.done, name), 0, limit)

    @property
    def engines(self) -> tuple[tuple[str | None, str], ...]:
        """Interpreters and delegates of the settings, each once."""
        return tuple(dict.fromkeys(setting.engine for setting in self.settings))

    @property
    def whole(self) -> Done:
        """The numbers of a job that is finished."""
        scored = len(self.engines) * len(self.photos) if self.crops else 0
        return Done(scored=scored, cold_starts=len(self.settings) * self.pace.cold_starts, repeats=self.pace.repeats)


def block_photos(job: Job, block: int) -> list[int]:
    """Positions of the photos of one block; its first run is on the photo before them and is not counted."""
    first = block * BLOCK_RUNS
    return [job.timed[run % len(job.timed)] for run in range(first, first + BLOCK_RUNS)]


def read_job(path: Path) -> Job:
    """Read a job file, strictly.

    Raises:
        EdgekitError: no such file, another format, unknown keys, values out of range.
    """
    return from_plain(Job, read_json(path), where=str(path), error=EdgekitError)


def _check_count(name: str, value: float, least: int, most: int) -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise EdgekitError(f"a job's {name} must be {least} to {most}, got {value}")
