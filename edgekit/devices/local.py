"""This machine as a device: the same runtime in a process of its own, by this Python or by another."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgekit.devices.process import run_lines, run_to_end
from edgekit.devices.remote import Options, PythonDevice, packed, probe_source
from edgekit.errors import DeviceError
from edgekit.progress import SILENT, Progress
from edgekit.runtime.payload import PAYLOAD_NAME, write_payload


class LocalDevice(PythonDevice):
    """This machine; photos and models are not copied.

    Args:
        name: The device as the user wrote it.
        options: Another Python, an emulator before it, more of its environment.
    """

    kind = "local"
    network_timer = None

    def __init__(self, name: str = "local", options: Options | None = None) -> None:
        super().__init__(name, options or Options())
        self._python = os.path.expanduser(self.options.python) or sys.executable
        self._private = ""

    def push(self, files: Sequence[Path], *, progress: Progress = SILENT) -> list[str]:
        """The files' own paths."""
        progress.begin("pushing", len(files))
        progress.advance(len(files))
        return [str(file.resolve()) for file in files]

    def _ask(self) -> str:
        command = [*self.options.launcher, self._python, "-c", packed(probe_source(self.options.folder))]
        code, output, said = run_to_end(command, self.answer_timeout_s, name=self.name, environment=self._environment())
        lines = output.splitlines()
        if code or not lines:
            raise DeviceError(f"{self.name}: {command[0]} ended with exit code {code}: {said or 'it said nothing'}")
        return lines[-1]

    def run(self, arguments: Sequence[str], *, idle_timeout_s: float = 120) -> Iterator[str]:
        """Run the runtime; see :class:`edgekit.devices.device.Device`."""
        command = [*self.options.launcher, self._python, "-m", "edgekit.runtime", *arguments]
        if not self._is_own:
            self.ready()
        return run_lines(command, idle_timeout_s, name=self.name, environment=self._environment(with_payload=True))

    @property
    def _is_own(self) -> bool:
        """Whether the Python is this one, which has edgekit."""
        return not (self.options.python or self.options.launcher)

    def _environment(self, *, with_payload: bool = False) -> dict[str, str] | None:
        if self._is_own:
            return {**os.environ, **self.options.environment} if self.options.environment else None
        # This Python's own settings mislead another one.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
        if with_payload and not self._private:
            self._private = tempfile.mkdtemp(prefix="edgekit-")
            write_payload(Path(self._private) / PAYLOAD_NAME)
        payload = str(Path(self._private) / PAYLOAD_NAME) if with_payload else ""
        return {**kept, **self.options.python_environment(payload, os.pathsep)}

    def close(self) -> None:
        """Remove what was written for another Python."""
        if self._private:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = ""
