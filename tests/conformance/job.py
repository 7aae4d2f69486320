"""The arm64 job of ``make test``: the vectors on arm64 with both interpreters, one line for each.

Leaves what check.py printed for record.py. Exit code 1 where a vector fails; where this machine can't be arm64 (no
qemu, no packages) the line says why, and that is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import arm64
import record

MACHINE = "aarch64"


def run(interpreter: str) -> tuple[str, bool]:
    """Run the vectors with an interpreter: what to tell of it, and whether all is well."""
    began = time.monotonic()
    try:
        ran = arm64.check(interpreter)
        emulator = ".".join(map(str, arm64.find_qemu()[1]))
    except arm64.Unavailable as reason:
        return f"skipped: {reason}", True
    except subprocess.TimeoutExpired as late:
        return f"FAILED: no answer after {late.timeout:.0f} s", False
    try:
        told = json.loads(ran.stdout.splitlines()[-1])
        failures = [one["complaint"] for one in told["failures"]]
        name, machine = told["interpreter"], told["architecture"]
        vectors = sum(area["vectors"] for area in told["areas"].values())
    except (IndexError, ValueError, KeyError, TypeError):
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-20:]
        return "\n".join([f"FAILED: exit code {ran.returncode} and no answer", *said]), False
    if machine != MACHINE or not name.startswith(f"{interpreter} "):
        return f"FAILED: must run {interpreter} on {MACHINE}, ran {name} on {machine}", False
    if failures or ran.returncode != 0 or vectors == 0:
        return "\n".join(
            [f"FAILED: {len(failures)} of {vectors} vectors (exit code {ran.returncode})", *failures]
        ), False
    file = record.run_file(MACHINE, interpreter)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"emulator": f"qemu {emulator}", **told}), encoding="utf-8")
    return f"{name} under qemu {emulator}: {vectors} vectors passed in {time.monotonic() - began:.0f} s", True


def main() -> int:
    """Run both interpreters; returns the exit code."""
    well = True
    for interpreter in ("litert", "tflite-runtime"):
        line, good = run(interpreter)
        print(f"arm64, {interpreter}: {line}", flush=True)
        well = well and good
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
