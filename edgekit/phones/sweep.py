"""A benchmark that a phone exported: its job, photos and rows, held against each other before any row counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.contract import Contract
from edgekit.errors import DataError, EdgekitError
from edgekit.phones.captures import NamedModel
from edgekit.phones.export import (
    HEAD_NAME,
    MAX_TEXT_BYTES,
    ROWS_OF_PHOTOS,
    Export,
    check_names,
    check_sha256,
    check_time,
    open_export,
    parse_object,
)
from edgekit.records import file_sha256, sha256
from edgekit.runtime.agent.job import FORMAT, Job, Setting
from edgekit.runtime.agent.pace import Pace

JOB_NAME = "job.json"
ROWS_NAME = "rows.jsonl"
_PHOTOS = "photos"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepHead:
    """``export.json`` of a benchmark; ``job`` is the SHA-256 of the bytes of ``job.json``."""

    schema: Literal[1]
    kind: Literal["bench"]
    platform: Literal["android", "web"]
    app: str
    device: str
    created: str
    quick: bool
    job: str

    def __post_init__(self) -> None:
        """Check names, time and hash."""
        check_names(app=self.app, device=self.device)
        check_time(created=self.created)
        check_sha256(job=self.job)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptPhoto:
    """One photo: its path in the export and the SHA-256 of its file."""

    path: str
    sha256: str

    def __post_init__(self) -> None:
        """Check the hash; paths are held against the export's members."""
        check_sha256(sha256=self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptSetting:
    """One way to run the model, as :class:`edgekit.runtime.agent.job.Setting` with an app's own interpreter."""

    crops: int
    threads: int
    stops_early: bool
    delegate: Literal["default", "xnnpack", "none", "gpu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptPace:
    """As :class:`edgekit.runtime.agent.pace.Pace`; an app can't start itself anew, so it has no cold starts."""

    warmup_runs: int
    warmup_s: float
    min_runs: int
    min_s: float
    repeats: int
    cool_down_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptJob:
    """What an app measured, as :class:`edgekit.runtime.agent.job.Job` without places on a disk."""

    format: int
    model: NamedModel
    photos: tuple[SweptPhoto, ...]
    crops: int
    timed: tuple[int, ...]
    settings: tuple[SweptSetting, ...]
    pace: SweptPace
    seed: int

    def __post_init__(self) -> None:
        """Check what a job of this machine would have to hold, too."""
        if self.format != FORMAT:
            raise DataError(f"format must be {FORMAT}, got {self.format}; update edgekit, or the app")
        if self.pace.repeats < 1:
            raise DataError(f"a sweep must have repeats, got {self.pace.repeats}")
        try:
            self.to_job(Path())
        except EdgekitError as mistake:
            raise DataError(str(mistake)) from mistake

    def to_job(self, folder: Path) -> Job:
        """The same for a device that has its photos in a folder, and the model under its own name there."""
        pace = self.pace
        return Job(
            format=self.format,
            model=str(folder / self.model.name),
            photos=tuple(str(folder / photo.path) for photo in self.photos),
            crops=self.crops,
            timed=self.timed,
            settings=tuple(
                Setting(crops=one.crops, threads=one.threads, stops_early=one.stops_early, delegate=one.delegate)
                for one in self.settings
            ),
            pace=Pace(
                warmup_runs=pace.warmup_runs,
                warmup_s=pace.warmup_s,
                min_runs=pace.min_runs,
                min_s=pace.min_s,
                repeats=pace.repeats,
                cold_starts=0,
                cool_down_s=pace.cool_down_s,
            ),
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A benchmark that an app made.

    Attributes:
        path: The zip file.
        head: Who made it, and when.
        job: What was measured.
        folder: The photos with their manifest, a data folder.
        rows: What the app told, a line each, without the header.
    """

    path: Path
    head: SweepHead
    job: SweptJob
    folder: Path
    rows: tuple[str, ...]

    @property
    def device(self) -> str:
        """What the device is called in records: ``android://Google Pixel 7``."""
        return f"{self.head.platform}://{self.head.device}"


def read_sweep(path: Path, folder: Path) -> Sweep:
    """Read the export of a benchmark and unpack its photos.

    Args:
        path: The zip file.
        folder: An empty folder for the photos and their manifest.

    Raises:
        DataError: no such export, or one whose job, photos and rows do not belong together.
    """
    texts = (HEAD_NAME, JOB_NAME, ROWS_OF_PHOTOS, ROWS_NAME)
    with open_export(path, "bench", folders=(_PHOTOS,), texts=texts) as export:
        head = export.record(SweepHead, export.text(HEAD_NAME), HEAD_NAME)
        if sha256(export.content(JOB_NAME)) != head.job:
            raise export.wrong(f"{HEAD_NAME} is of another job than {JOB_NAME}")
        job = export.record(SweptJob, export.text(JOB_NAME), JOB_NAME)
        rows = _rows(export, head)
        _unpack_photos(export, job, folder)
    return Sweep(path=path, head=head, job=job, folder=folder, rows=rows)


def _rows(export: Export, head: SweepHead) -> tuple[str, ...]:
    """The rows, of this job and no other."""
    first, *rows = export.lines(ROWS_NAME) or [""]
    try:
        header = parse_object(first)
    except DataError:
        header = first
    if header != {"type": "header", "job": head.job}:
        raise export.wrong(f"the first line of {ROWS_NAME} must name this job, {head.job[:12]}…, got {first!r:.120}")
    return tuple(rows)


def _unpack_photos(export: Export, job: SweptJob, folder: Path) -> None:
    paths = [photo.path for photo in job.photos]
    if len(set(paths)) != len(paths):
        raise export.wrong(f"{JOB_NAME} must name each photo once")
    export.refuse_others(f"the photos must be those of {JOB_NAME}", paths, export.photos(_PHOTOS))
    export.rows_of(paths, folder)
    export.unpack(paths, folder)
    for photo in job.photos:
        if file_sha256(folder / photo.path) != photo.sha256:
            raise export.wrong(f"{photo.path} is not the photo that {JOB_NAME} names by its SHA-256")


def check_sweep(sweep: Sweep, contract: Contract, file_sha256: str, model: Path) -> None:
    """Hold that a sweep is of a model, and asks nothing of it that its contract does not have.

    Args:
        sweep: What an app measured.
        contract: The model's contract.
        file_sha256: SHA-256 of the model's whole file.
        model: Its path, for messages.

    Raises:
        DataError: it is of another model, has too few crops or too many scores, or an early end that the contract has
            no bounds for.
    """
    job = sweep.job
    if job.model.sha256 != file_sha256:
        raise DataError(
            f"{sweep.path}: was measured with {job.model.name} ({job.model.sha256[:12]}…), got {model} "
            f"({file_sha256[:12]}…); name the very file that the app had"
        )
    least = max(contract.plan.crops, *(one.crops for one in job.settings))
    if job.crops < least:
        raise DataError(f"{sweep.path}: {JOB_NAME} must score {least} crops or more, got {job.crops}; export it again")
    told = len({one.delegate for one in job.settings}) * len(job.photos) * job.crops * contract.outputs
    # A score has a digit and a comma at least. Room for all is made before the first row is read.
    if 2 * told > MAX_TEXT_BYTES:
        raise DataError(
            f"{sweep.path}: {JOB_NAME} must ask for no more scores than {MAX_TEXT_BYTES} bytes of rows can hold, got"
            f" {told}; measure fewer photos or crops"
        )
    for one in job.settings:
        if one.stops_early and (contract.decision.early_stop is None or one.crops != contract.plan.crops):
            raise DataError(
                f"{sweep.path}: a setting that stops early must have the {contract.plan.crops} crops of a contract with"
                f" bounds, got {one.crops}; export it again"
            )
