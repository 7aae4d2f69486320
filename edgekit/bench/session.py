"""Runs a job on a device and keeps what it tells, so that a broken connection costs little: a re-run goes on.

Every line goes to a file before it counts for more. The file's first line names the job by a hash of all that it
depends on: the model's and the photos' contents, the settings, and the runtime itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO

from edgekit.bench.ledger import Ledger
from edgekit.devices.device import Device
from edgekit.errors import DeviceError, DeviceTimeout, EdgekitError
from edgekit.locks import keeping
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, is_stream, make_folder, plain, sha256, to_json
from edgekit.runtime.agent.job import BLOCK_RUNS, Job, Pace, Setting
from edgekit.runtime.payload import payload_bytes

_REPORTED = '{"type": "reported"}'
# More than any line that a ledger takes of a device.
_MAX_KEPT_LINE = 64 << 20
_MAX_COMPLAINT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to measure, with paths of this machine; see :class:`edgekit.runtime.agent.job.Job`.

    Attributes:
        classes: How many the model tells apart.
    """

    model: Path
    classes: int
    photos: tuple[Path, ...]
    crops: int
    timed: tuple[int, ...]
    settings: tuple[Setting, ...]
    pace: Pace
    seed: int = 0
    affinity: str = "all"

    def job(self, model: str, photos: Sequence[str]) -> Job:
        """The same with a device's paths."""
        return Job(
            model=model,
            photos=tuple(photos),
            crops=self.crops,
            timed=self.timed,
            settings=self.settings,
            pace=self.pace,
            seed=self.seed,
            affinity=self.affinity,
        )

    def sha256(self) -> str:
        """Of everything that the answer depends on, apart from the device."""
        contents = [file_sha256(file) for file in (self.model, *self.photos)]
        nameless = plain(self.job("", [""] * len(self.photos)))
        return sha256(to_json({"job": nameless, "files": contents, "runtime": sha256(payload_bytes())}).encode())


def lines_path(folder: Path, model: Path, device: Device) -> Path:
    """Where a device's lines are kept: ``model.local.lines.jsonl``."""
    name = re.sub(r"[^A-Za-z0-9.@-]+", "-", device.name)
    mark = "" if name == device.name else f"-{sha256(device.name.encode())[:6]}"
    return folder / f"{model.stem}.{name}{mark}.lines.jsonl"


def measure_on(
    device: Device,
    request: Request,
    *,
    lines: Path | None = None,
    idle_timeout_s: float = 120.0,
    progress: Progress = SILENT,
) -> Ledger:
    """Measure on one device, or go on where an earlier call stopped.

    Args:
        device: Which.
        request: What.
        lines: The file that the device's lines are kept in; None keeps none.
        idle_timeout_s: A device that is silent for so long is given up.
        progress: Told of every step.

    Raises:
        DeviceTimeout: it was silent for too long.
        DeviceError: it can't be reached, refuses the job, tells nonsense, or stops before the end.
        EdgekitError: the lines can't be kept, or another benchmark keeps its own there at this moment.
    """
    remote = device.push([request.model, *request.photos], progress=progress)
    job = request.job(remote[0], remote[1:])
    with _Kept(lines, request.sha256() if lines is not None else "", device.name) as kept:
        ledger = kept.replay(Ledger(job, request.classes), progress)
        done = ledger.done
        if ledger.is_complete:
            return ledger
        scores, starts = ledger.scores.shape[0] * ledger.scores.shape[1] if job.crops else 0, job.pace.cold_starts
        progress.begin(f"measuring on {device.name}", scores + len(job.settings) * (starts + job.pace.repeats))
        progress.advance(done.scored + done.cold_starts + done.repeats * len(job.settings))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "job.json"
            file.write_text(to_json(replace(job, done=done)), encoding="utf-8")
            (order,) = device.push([file])
            with contextlib.closing(_lines(device, order, idle_timeout_s)) as coming:
                for number, line in enumerate(coming):
                    told = _take(ledger, line, device.name, lines)
                    if number and told == "hello":
                        raise DeviceError(f"{device.name}: it must tell once what it is, it began anew")
                    # Each setting is warmed up once a repeat.
                    progress.advance(told in ("scores", "cold", "warm"))
                    kept.append(line)
        if not ledger.ended:
            raise DeviceError(f"{device.name}: it stopped before the end; run the same command again to go on")
    return ledger


def _lines(device: Device, order: str, idle_timeout_s: float) -> Generator[str]:
    try:
        yield from device.run(["measure", order], idle_timeout_s=idle_timeout_s)
    except DeviceTimeout as silence:
        raise DeviceTimeout(
            f"{silence} It tells nothing while it runs {BLOCK_RUNS} verdicts: a slow one needs a larger --timeout or "
            "fewer --crops; run the same command again to go on"
        ) from silence


def _take(ledger: Ledger, line: str, name: str, lines: Path | None) -> str:
    try:
        return ledger.take(line)
    except DeviceError as mistake:
        anew = f"; delete {lines} to begin anew" if lines is not None and ledger.sessions else ""
        raise DeviceError(f"{name}: {str(mistake)[:_MAX_COMPLAINT]}{anew}") from mistake


def mark_reported(lines: Path) -> None:
    """Say that a file's lines went into a report: the next benchmark measures anew."""
    with _Kept(lines, "", "") as kept:
        kept.append(_REPORTED)


class _Kept:
    """The file of a device's lines; without a path, nothing."""

    def __init__(self, path: Path | None, job: str, device: str) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._held = contextlib.ExitStack()
        self._header = json.dumps({"type": "header", "job": job, "device": device})

    def __enter__(self) -> _Kept:
        if self._path is not None:
            make_folder(self._path.parent)
            # What a link leads to is not this file, and what doesn't match the job is cut off.
            if self._path.is_symlink() or is_stream(self._path):
                raise EdgekitError(f"{self._path} must be a file, got a link, a pipe or a device; remove it")
            self._held.enter_context(keeping(self._path))
            try:
                self._file = self._path.open("a+b")
            except OSError as failure:
                self._held.close()
                raise self._failed(failure) from failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as full:
            # What it couldn't write was told when it was appended.
            if error is None:
                raise self._failed(full) from full
        finally:
            self._held.close()

    def replay(self, ledger: Ledger, progress: Progress) -> Ledger:
        """Tell a new ledger what the file holds of the same job; what else it holds is dropped."""
        if self._file is None:
            return ledger
        first = self._header.encode() + b"\n"
        kept = 0
        if not self._is_reported():
            self._file.seek(0)
            if self._file.readline(len(first) + 1) == first:
                kept = len(first) + self._replay_rows(ledger, self._file, progress)
        if ledger.sessions:
            done = ledger.done
            progress.say(f"going on from {self._path}: {done.scored} scores and {done.repeats} repeats are there")
        try:
            self._file.truncate(kept)
        except OSError as failure:
            raise self._failed(failure) from failure
        if not kept:
            self.append(self._header)
        return ledger

    def _is_reported(self) -> bool:
        assert self._file is not None
        end = _REPORTED.encode() + b"\n"
        self._file.seek(max(0, os.fstat(self._file.fileno()).st_size - len(end)))
        return self._file.read() == end

    def _replay_rows(self, ledger: Ledger, file: IO[bytes], progress: Progress) -> int:
        """Tell a ledger the rows; returns the bytes of those that it took."""
        kept = 0
        while line := file.readline(_MAX_KEPT_LINE):
            try:
                # A line that a killed process did not finish has no end.
                ledger.take(line.decode(errors="replace").rstrip("\n") if line.endswith(b"\n") else "")
            except DeviceError:
                progress.say(f"{self._path}: a line is damaged; what follows it is measured again")
                break
            kept += len(line)
        return kept

    def append(self, line: str) -> None:
        """Keep a line, now."""
        if self._file is None:
            return
        try:
            self._file.write(line.encode(errors="replace") + b"\n")
            self._file.flush()
        except OSError as failure:
            raise self._failed(failure) from failure

    def _failed(self, failure: OSError) -> EdgekitError:
        return EdgekitError(
            f"can't keep a device's lines in {self._path}: {failure.strerror or failure}; free space or choose another"
            " folder"
        )
