"""What the tools share: where things lie, and how another program is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
ROOT = HOME.parent
TARGET = HOME / "target"
CONFORMANCE = ROOT / "tests" / "conformance"

ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
NATIVE_LIBRARY = "libtensorflowlite_jni.so"
MIN_SDK, TARGET_SDK = 24, 35
TIMEOUT_S = 900

# Programs, and what installs them on Debian and Ubuntu.
_PACKAGE_OF = {
    "java": "openjdk-17-jdk-headless",
    "javac": "openjdk-17-jdk-headless",
    "keytool": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "aapt2": "aapt",
    "zipalign": "zipalign",
    "apksigner": "apksigner",
    "gcc": "gcc",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "qemu-aarch64-static": "qemu-user-static",
    "readelf": "binutils",
}


class Unavailable(Exception):
    """This machine lacks something that the task needs; the message says what, and what installs it."""


def need(*programs: str) -> None:
    """Hold that programs are installed.

    Raises:
        Unavailable: one is absent.
    """
    for program in programs:
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed: apt-get install {_PACKAGE_OF.get(program, program)}")


def run(
    *command: str | Path,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    timeout_s: int = TIMEOUT_S,
) -> str:
    """Run a program to its end: what it printed.

    Raises:
        Unavailable: it is not installed.
        SystemExit: it failed; with the last lines that it printed.
    """
    need(str(command[0]))
    ran = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=timeout_s,
    )
    if ran.returncode != 0:
        said = "\n".join(ran.stdout.strip().splitlines()[-30:])
        raise SystemExit(f"{Path(command[0]).name} failed with exit code {ran.returncode}:\n{said}")
    return ran.stdout


def write(path: Path, content: str | bytes) -> None:
    """Write a file as a whole or not at all; one that already has this content keeps its time."""
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.chmod(name, 0o644)
    os.replace(name, path)


def is_newer(made: Path, sources: Sequence[Path]) -> bool:
    """Whether a file is there and no source of it has changed since."""
    return made.is_file() and all(one.stat().st_mtime <= made.stat().st_mtime for one in sources)


def main(work: Callable[[], int | None]) -> None:
    """Run a script's work and exit: 3 where this machine lacks something, which is told and is no failure."""
    try:
        sys.exit(work() or 0)
    except Unavailable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(3)
