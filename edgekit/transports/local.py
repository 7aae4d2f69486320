"""This machine as a device: the same runtime in a process of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.progress import SILENT, Progress


class LocalDevice:
    """This machine; nothing is copied."""

    name = "local"
    kind = "local"
    emulated = ""

    def push(self, files: Sequence[Path], *, progress: Progress = SILENT) -> list[str]:
        """The files' own paths."""
        progress.begin("pushing", len(files))
        progress.advance(len(files))
        return [str(file.resolve()) for file in files]

    def run(self, arguments: Sequence[str], *, idle_timeout_s: float = 120) -> Iterator[str]:
        """Run the runtime with this Python; see :class:`edgekit.transports.base.Device`."""
        return run_lines([sys.executable, "-m", "edgekit.runtime", *arguments], idle_timeout_s, name=self.name)

    def pull(self, remote: str, to: Path) -> None:
        """Copy a file."""
        try:
            shutil.copyfile(remote, to)
        except OSError as failure:
            raise DeviceError(f"{self.name}: can't read {remote}: {failure.strerror or failure}") from failure

    def close(self) -> None:
        """Nothing is left open."""


def run_lines(command: Sequence[str], idle_timeout_s: float, *, name: str) -> Iterator[str]:
    """Run a command and give its standard output line by line; it is killed when no line comes for so long.

    Raises:
        DeviceTimeout: it was silent for too long.
        DeviceError: it can't be started, or ended with another code than 0.
    """
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(  # noqa: S603 (no shell)
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                errors="replace",
            )
        except OSError as failure:
            raise DeviceError(f"{name}: can't start {command[0]}: {failure.strerror or failure}") from failure
        silent = threading.Event()

        def give_up() -> None:
            silent.set()
            process.kill()

        alarm = threading.Timer(idle_timeout_s, give_up)
        alarm.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                alarm.cancel()
                yield line.rstrip("\n")
                alarm = threading.Timer(idle_timeout_s, give_up)
                alarm.start()
            code = process.wait()
        finally:
            alarm.cancel()
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()
        if silent.is_set():
            raise DeviceTimeout(f"{name}: no answer for {idle_timeout_s:g} s; is the device busy or asleep?")
        if code:
            complaints.seek(0)
            said = complaints.read()[-2000:].decode(errors="replace").strip()
            raise DeviceError(f"{name}: {command[0]} ended with exit code {code}: {said or 'it said nothing'}")
