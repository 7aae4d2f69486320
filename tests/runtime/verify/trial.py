"""Runs model files whose paths come in lines, each by two delegates and each in a process of its own that may die.

A plain script: it forks before any interpreter has threads. Prints a JSON object for each run.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.runtime.classifier import Classifier
from edgekit.runtime.interpreter import BACKENDS, installed_backends

# One GB, and a time in which the machine may be busy with other things.
MAX_MB, MAX_S = 1000.0, 30
DELEGATES = ("default", "none")
PHOTO = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def classify(file: str, delegate: str) -> str:
    """What a user meets: probabilities, or an error that says something."""
    try:
        with Classifier.load(file, delegate=delegate) as classifier:
            verdict = classifier.classify(PHOTO, crops=2)
    except EdgekitError as mistake:
        return f"EdgekitError: {mistake}"
    for crop in verdict.crops:
        scores = np.array(crop.probabilities)
        if not (scores.min() >= 0 and scores.max() <= 1 and abs(scores.sum() - 1) <= 1e-3):
            return f"no probabilities: {crop.probabilities}"
    return "probabilities"


def child(file: str, delegate: str, to: int) -> None:
    signal.alarm(MAX_S)
    try:
        said = classify(file, delegate)
    except BaseException as failure:  # noqa: BLE001 (whatever it is, it is the finding)
        said = f"{type(failure).__name__}: {failure}"
    os.write(to, said.encode()[:4000])
    os._exit(0)


def run(file: str, delegate: str) -> dict[str, object]:
    """Fork, run, and say how it ended."""
    source, to = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(source)
        child(file, delegate, to)
    os.close(to)
    with os.fdopen(source, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, usage = os.wait4(pid, 0)
    memory_mb, seconds = usage.ru_maxrss / 1024, time.monotonic() - began
    ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else said or f"exit {os.WEXITSTATUS(status)}"
    return {
        "delegate": delegate,
        "ended": ended,
        "is_right": (ended == "probabilities" or ended.startswith("EdgekitError: ")) and memory_mb <= MAX_MB,
        "memory_mb": round(memory_mb, 1),
        "seconds": round(seconds, 3),
    }


def main() -> None:
    """Read paths until there are no more."""
    # What would take all of the machine's memory fails alone.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    importlib.import_module(BACKENDS[installed_backends()[0]][0])
    for line in sys.stdin:
        for delegate in DELEGATES:
            print(json.dumps(run(line.rstrip("\n"), delegate)), flush=True)


if __name__ == "__main__":
    main()
