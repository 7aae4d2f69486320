"""Runs a job on a device and keeps what it tells, so that a broken connection costs little: a re-run goes on.

Every line goes to a file before it counts for more. The file's first line names the job by a hash of all that it
depends on: the model's and the photos' contents, the settings, and the runtime itself.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from edgekit.bench.ledger import Ledger
from edgekit.contract import Contract
from edgekit.devices.device import Device
from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.locks import keeping
from edgekit.progress import SILENT, Progress
from edgekit.records import Lines, file_sha256, make_folder, plain, sha256, to_json
from edgekit.runtime.agent.job import BLOCK_RUNS, Job
from edgekit.runtime.payload import payload_bytes

_REPORTED = b'{"type": "reported"}'
_MAX_COMPLAINT = 1000
# Beside the work that a row tells of: loading a model, starting a process, the steps of a pause, a run that is not
# counted, a slow network.
_BETWEEN_ROWS_S = 10.0
_SLOWER = 3.0


def lines_path(folder: Path, model: Path, device: Device) -> Path:
    """Where a device's lines are kept: ``model.local.lines.jsonl``."""
    name = re.sub(r"[^A-Za-z0-9.@-]+", "-", device.name)
    mark = "" if name == device.name else f"-{sha256(device.name.encode())[:6]}"
    return folder / f"{model.stem}.{name}{mark}.lines.jsonl"


def measure_on(
    device: Device,
    job: Job,
    contract: Contract,
    *,
    lines: Path | None = None,
    idle_timeout_s: float = 120.0,
    progress: Progress = SILENT,
) -> Ledger:
    """Measure on one device, or go on where an earlier call stopped.

    Args:
        device: The device that measures.
        job: What is measured, with paths of this machine.
        contract: That of the job's model: what its scores must be.
        lines: The file that the device's lines are kept in; None keeps none.
        idle_timeout_s: A device that is silent for so long is given up.
        progress: Told of every step.

    Raises:
        DeviceTimeout: it was silent for too long.
        DeviceError: it can't be reached, refuses the job, tells nonsense, or stops before the end.
        EdgekitError: the lines can't be kept, or another benchmark keeps its own there at this moment.
    """
    files = [Path(job.model), *map(Path, job.photos)]
    model, *photos = device.push(files, progress=progress)
    fingerprint = _fingerprint(job, files) if lines is not None else ""
    job = replace(job, model=model, photos=tuple(photos))
    ledger = Ledger(job, contract)
    with _held_lines(lines) as kept:
        if kept is not None:
            header = json.dumps({"type": "header", "job": fingerprint, "device": device.name})
            _replay(kept, header.encode(), ledger, progress)
        done = ledger.done
        if ledger.is_complete:
            return ledger
        total, so_far = (one.scored + one.cold_starts + one.repeats * len(job.settings) for one in (job.whole, done))
        progress.begin(f"measuring on {device.name}", total)
        progress.advance(so_far)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "job.json"
            file.write_text(to_json(replace(job, done=done)), encoding="utf-8")
            (order,) = device.push([file])
            with contextlib.closing(_lines(device, order, idle_timeout_s)) as coming:
                patience = _Patience(device.name, idle_timeout_s)
                for number, line in enumerate(coming):
                    told = _take(ledger, line, device.name, lines)
                    patience.spend(ledger.claimed_s)
                    if number and told == "hello":
                        raise DeviceError(f"{device.name}: it must tell once what it is, it began anew")
                    # Each setting is warmed up once a repeat.
                    progress.advance(told in ("scores", "cold", "warm"))
                    if kept is not None:
                        kept.append(line.encode(errors="replace"))
        if not ledger.ended:
            raise DeviceError(f"{device.name}: it stopped before the end; run the same command again to go on")
    return ledger


class _Patience:
    """How long a device may tell of its work: not much longer than its own rows say that the work took.

    Each row must come in time, and there are only so many. But rows that always come at the last moment make a
    measurement of minutes one of weeks.

    Args:
        name: The device, for messages.
        idle_timeout_s: What one row may take, whatever it says.
    """

    def __init__(self, name: str, idle_timeout_s: float) -> None:
        self._name, self._idle_timeout_s = name, idle_timeout_s
        self._since, self._claimed_s = time.monotonic(), 0.0
        self._allowed_s = idle_timeout_s

    def spend(self, claimed_s: float) -> None:
        """Take note of a row that came now.

        Args:
            claimed_s: Seconds that all rows so far account for.

        Raises:
            DeviceTimeout: it has taken far longer than that.
        """
        more_s = min(max(0.0, claimed_s - self._claimed_s), self._idle_timeout_s)
        self._claimed_s = claimed_s
        self._allowed_s += _SLOWER * more_s + _BETWEEN_ROWS_S
        took_s = time.monotonic() - self._since
        if took_s > self._allowed_s:
            raise DeviceTimeout(
                f"{self._name}: it has been at work for {took_s:.0f} s and accounts for {claimed_s:.0f} s of them; is "
                "it busy with something else? Run the same command again to go on"
            )


def _fingerprint(job: Job, files: Sequence[Path]) -> str:
    """Of everything that the answer depends on, apart from the device: wherever the files lie."""
    nameless = plain(replace(job, model="", photos=("",) * len(job.photos)))
    contents = [file_sha256(file) for file in files]
    return sha256(to_json({"job": nameless, "files": contents, "runtime": sha256(payload_bytes())}).encode())


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
    with _held_lines(lines) as kept:
        assert kept is not None
        kept.append(_REPORTED)


@contextlib.contextmanager
def _held_lines(path: Path | None) -> Generator[Lines | None]:
    """The file of a device's lines, which no other benchmark uses meanwhile; without a path, nothing."""
    if path is None:
        yield None
        return
    make_folder(path.parent)
    with keeping(path):
        yield Lines(path)


def _replay(kept: Lines, header: bytes, ledger: Ledger, progress: Progress) -> None:
    """Tell a new ledger what the file holds of the same job; what else it holds is dropped."""
    size, rows = 0, iter(kept)
    if next(rows, b"") == header + b"\n" and deque(kept, maxlen=1)[0] != _REPORTED + b"\n":
        size = len(header) + 1
        for row in rows:
            try:
                ledger.take(row.decode(errors="replace").rstrip("\n"))
            except DeviceError:
                progress.say(f"{kept.path}: a line is damaged; what follows it is measured again")
                break
            size += len(row)
    if ledger.sessions:
        done = ledger.done
        progress.say(f"going on from {kept.path}: {done.scored} scores and {done.repeats} repeats are there")
    kept.cut(size)
    if not size:
        kept.append(header)
