"""What the first verdict costs a process that has just been started."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.bounds import NoLess
from edgekit.errors import InterpreterError, PhotoError

_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """A process of its own, from its start to its first verdict.

    Attributes:
        cold_start_ms: From the order to start Python until the verdict was read, in milliseconds.
        first_ms: The part of ``cold_start_ms`` that the classifier itself counted: from decoding to the vote; of a
            model of regions, to the vote on the last of them.
        peak_memory_mb: The most memory the process had, in MiB; None where the system does not tell.
    """

    cold_start_ms: NoLess
    first_ms: NoLess
    peak_memory_mb: NoLess | None


def cold_start(
    model: Path,
    photo: Path,
    *,
    crops: int | None = None,
    threads: int = 1,
    interpreter: str | None = None,
    delegate: str = "default",
) -> ColdStart:
    """Run ``python -m edgekit.runtime classify`` on one photo and take the time from outside.

    Raises:
        PhotoError: the photo can't be decoded.
        InterpreterError: the process failed or hung.
    """
    # What must go before a Python that this system can't start by itself, such as an emulator.
    launcher = shlex.split(os.environ.get("EDGEKIT_LAUNCHER", ""))
    command = [*launcher, sys.executable, "-m", "edgekit.runtime", "classify"]
    command += [str(model), str(photo), "--threads", str(threads)]
    command += ["--crops", str(crops)] if crops is not None else []
    command += ["--interpreter", interpreter] if interpreter else []
    command += ["--delegate", delegate] if delegate != "default" else []
    with tempfile.TemporaryFile() as complaints:
        began_ns = time.perf_counter_ns()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process:  # noqa: S603 (no shell)
            alarm = threading.Timer(_TIMEOUT_S, process.kill)
            alarm.start()
            try:
                line = process.stdout.readline() if process.stdout else b""
                elapsed_ms = (time.perf_counter_ns() - began_ns) / 1e6
                process.wait()
            finally:
                alarm.cancel()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
    if not line.endswith(b"\n"):
        reason = said[-500:] or f"no verdict within {_TIMEOUT_S} s"
        raise InterpreterError(f"{model}: a process of its own must give a verdict, got: {reason}")
    verdict = json.loads(line)
    if "error" in verdict:
        raise PhotoError(verdict["error"])
    return ColdStart(cold_start_ms=elapsed_ms, first_ms=_counted_ms(verdict), peak_memory_mb=verdict["peak_memory_mb"])


def _counted_ms(verdict: dict[str, Any]) -> float:
    """``total_ms`` of a verdict, or of the answers for all regions of a photo, as they come in JSON."""
    if "regions" not in verdict:
        return float(sum(verdict["ms"].values()))
    regions = sum(_counted_ms(one["verdict"]) for one in verdict["regions"])
    return float(verdict["decode_ms"] + verdict["detect_ms"] + regions)
