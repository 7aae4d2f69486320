"""Puts four runs into docs/results/conformance.json: ``python tests/conformance/record.py``.

They are those that test_machines.py and job.py (`make arm64`) left in build/conformance: two architectures, two
interpreters.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "build" / "conformance"
RECORD = ROOT / "docs" / "results" / "conformance.json"
MACHINES = [(machine, name) for machine in ("x86_64", "aarch64") for name in ("litert", "tflite-runtime")]

AGAIN = "run pytest tests/conformance/test_machines.py and make arm64"


def run_file(machine: str, interpreter: str) -> Path:
    return RUNS / f"{machine}-{interpreter}.json"


def merged() -> dict[str, Any]:
    """The record of all four runs.

    Raises:
        ValueError: one is missing, failed, or is about other vectors than the rest.
    """
    runs = []
    for machine, interpreter in MACHINES:
        file = run_file(machine, interpreter)
        if not file.exists():
            raise ValueError(f"{file.relative_to(ROOT)} is missing: {AGAIN}")
        runs.append(json.loads(file.read_text(encoding="utf-8")))
    if failures := [one["complaint"] for run in runs for one in run["failures"]]:
        raise ValueError("\n".join(failures))
    fingerprints = {run["vectors_sha256"] for run in runs}
    if len(fingerprints) != 1:
        raise ValueError(f"the four runs are about different vectors: {AGAIN}")
    kept = [{name: value for name, value in run.items() if name not in ("failures", "vectors_sha256")} for run in runs]
    return {"vectors_sha256": fingerprints.pop(), "runs": kept}


def main() -> int:
    """Write the record; returns the exit code."""
    try:
        record = merged()
    except ValueError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
