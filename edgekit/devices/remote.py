"""What devices behind ssh and adb have in common: a shell, a Python, and files that are named by their hash."""

from __future__ import annotations

import base64
import json
import re
import shlex
import tempfile
import time
import zlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edgekit.devices.device import NetworkTimer
from edgekit.devices.process import Watched, run_to_end
from edgekit.devices.wheels import DeviceProbe, missing
from edgekit.errors import DeviceError
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, from_plain, write_json
from edgekit.runtime.payload import PAYLOAD_NAME, write_payload

_HERE = Path(__file__).resolve().parent
_AGENT = _HERE.parent / "runtime" / "agent"
# In the order in which they import each other.
_MACHINE_FILES = ("system", "sensors", "machine")
# Where a device's own words begin and end: login scripts may print theirs around them.
BEGIN, END = "edgekit-begin", "edgekit-end"
# How long a connection may take.
CONNECT_S = 10
_PYTHONS = ("python3", "python", "/data/data/com.termux/files/usr/bin/python3")
_EXIT_NO_PYTHON, _EXIT_KILLED = 77, 137
# Linux takes 128 kB in one word, adb 64 kB in all.
_MAX_ARGUMENT_BYTES = 8000
# Lines that login scripts may print before a device's own words.
MOST_GREETING = 1000
_MOST_TOLD = 100_000
# Of complaints that come among a device's rows, the last are kept for messages.
_KEPT_COMPLAINTS, _MOST_COMPLAINT = 5, 300
_RUN_FROM_FILE = (
    "import json,runpy,sys; sys.argv[1:] = json.load(open(sys.argv[1])); "
    "runpy.run_module('edgekit.runtime', run_name='__main__', alter_sys=True)"
)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a device is used; the keys of a device file.

    Attributes:
        python: The Python there; empty to look for one.
        folder: Folder on the device that files go to; empty for the transport's own.
        launcher: Words before the Python, such as an emulator's.
        emulated: Name of the emulator, for records; empty for real devices.
        environment: More variables for the Python's environment.
        ssh_config: Path of an ssh config instead of the user's own.
        native: Path of ``benchmark_model`` on the device.
    """

    python: str = ""
    folder: str = ""
    launcher: tuple[str, ...] = ()
    emulated: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    ssh_config: str = ""
    native: str = ""

    def python_environment(self, payload: str = "", separator: str = ":") -> dict[str, str]:
        """What the Python's environment has beside the device's own.

        Args:
            payload: Path of the runtime on the device; empty where it is not needed.
            separator: Character between paths in the device's ``PYTHONPATH``.
        """
        # The runtime starts itself anew to measure cold starts, which needs the same words before it.
        launcher = {"EDGEKIT_LAUNCHER": shlex.join(self.launcher)} if self.launcher else {}
        paths = [path for path in (payload, self.environment.get("PYTHONPATH", "")) if path]
        return {**launcher, **self.environment, **({"PYTHONPATH": separator.join(paths)} if paths else {})}


class Blob(NamedTuple):
    """A local file and what it is called on a device."""

    file: Path
    name: str
    size: int
    sha256: str


def blobs(files: Sequence[Path]) -> list[Blob]:
    """The files by their content.

    Raises:
        DeviceError: one can't be read.
    """
    found = []
    for file in files:
        try:
            digest, size = file_sha256(file), file.stat().st_size
        except OSError as failure:
            raise DeviceError(f"can't read {file}: {failure.strerror or failure}") from failure
        suffix = file.suffix.lower() if _SUFFIX.fullmatch(file.suffix) else ""
        found.append(Blob(file, digest + suffix, size, digest))
    return found


def remote_path(path: str) -> str:
    """A path for a POSIX shell; ``~/`` is the device's own home."""
    home, rest = ('"$HOME"/', path[2:]) if path.startswith("~/") else ("", path)
    return home + shlex.quote(rest)


def packed(source: str) -> str:
    """Python source as one line that any shell passes on unharmed."""
    text = base64.b64encode(zlib.compress(source.encode(), 9)).decode()
    return f'import base64,zlib;exec(zlib.decompress(base64.b64decode("{text}")))'


def probe_source(folder: str) -> str:
    """The program that tells what a device has."""
    sources = {
        f"edgekit.runtime.agent.{name}": (_AGENT / f"{name}.py").read_text(encoding="utf-8") for name in _MACHINE_FILES
    }
    given = {"__name__": "__main__", "machine_sources": sources, "folder": folder}
    return f"exec({(_HERE / 'sent' / 'probe.py').read_text(encoding='utf-8')!r}, {given!r})"


def receive_source() -> str:
    """The program that takes pushed files."""
    return (_HERE / "sent" / "receive.py").read_text(encoding="utf-8")


def read_probe(line: str, name: str) -> DeviceProbe:
    """A device's answer, which is not trusted.

    Raises:
        DeviceError: it is none.
    """
    if len(line) > _MOST_TOLD:
        raise DeviceError(f"{name}: what it tells of itself must have at most {_MOST_TOLD} characters, got {len(line)}")
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as failure:
        raise DeviceError(f"{name}: its Python answered what is no JSON: {line[:200]!r}") from failure
    return from_plain(DeviceProbe, raw, where=f"{name}: what it tells of itself", error=DeviceError)


def disk_full(name: str, folder: str, free_mb: float | None, files: Sequence[Blob]) -> DeviceError:
    """The error of a device that has no room for what was to be sent."""
    room = "no room" if free_mb is None else f"{free_mb:.1f} MB free"
    needed_mb = sum(blob.size for blob in files) / 1e6
    return DeviceError(
        f"{name}: its disk is full: {folder} has {room}, {needed_mb:.1f} MB were to be sent; free space there, or name"
        " another folder in a device file (folder = …)"
    )


class PythonDevice(ABC):
    """A device whose Python is asked once what it has.

    Args:
        name: The device as the user wrote it.
        options: How the device is used: Python, folder, environment.

    Attributes:
        answer_timeout_s: How long that answer may take once there is a connection: a slow card reads a large numpy.
    """

    answer_timeout_s = 60.0

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.options = options
        self.emulated = options.emulated
        self._probe: DeviceProbe | None = None

    @abstractmethod
    def _ask(self) -> str:
        """Run ``sent/probe.py`` there; returns the line that it prints."""

    def probe(self) -> DeviceProbe:
        """Ask once what the device has, in one round trip.

        Raises:
            DeviceError: it can't be reached, or has no Python.
        """
        if self._probe is None:
            self._probe = read_probe(self._ask(), self.name)
        return self._probe

    def ready(self) -> DeviceProbe:
        """The device's probe, where it can run the runtime.

        Raises:
            DeviceError: it can't be reached, lacks a module, or its folder can't be written.
        """
        probe = self.probe()
        lacking = missing(probe)
        if lacking:
            raise DeviceError(f"{self.name}: {lacking}")
        return probe


class RemoteDevice(PythonDevice):
    """A device that has a POSIX shell, and a Python to be found; see the base."""

    kind = ""
    default_folder = ""
    # Whether what is said on stderr there may come on stdout, and exit codes not at all.
    mixes_streams = False
    _payload = ""

    @abstractmethod
    def _shell(self, script: str) -> list[str]:
        """The command here that runs a POSIX shell's script there."""

    @abstractmethod
    def _unreachable(self, code: int, said: str) -> DeviceError:
        """Why a script did not run to its end."""

    @abstractmethod
    def push(self, files: Sequence[Path], *, progress: Progress = SILENT) -> list[str]:
        """See :class:`edgekit.devices.device.Device`."""

    @property
    def network_timer(self) -> NetworkTimer | None:
        """See :class:`edgekit.devices.device.Device`."""
        return None

    @property
    def folder(self) -> str:
        """Where files go, as configured; the device's own home is not known before it was asked."""
        return self.options.folder or self.default_folder

    def _ask(self) -> str:
        python = self._with_python("-c", packed(probe_source(self.folder)))
        script = f"echo {BEGIN}; ({python}); c=$?; echo {END} $c; exit $c"
        code, output, said = run_to_end(self._shell(script), self._patience_s, name=self.name)
        if BEGIN not in output:
            raise self._unreachable(code, said)
        lines, code = ended(between(output.splitlines()), code)
        if self.mixes_streams:
            lines, said = _parted(lines, said)
        if code == _EXIT_NO_PYTHON:
            raise self._no_python()
        if "SyntaxError" in said:
            raise DeviceError(
                f"{self.name}: its Python is too old: the runtime needs 3.10; install one and name it in a device"
                " file (python = …)"
            )
        if code:
            raise DeviceError(f"{self.name}: its Python ended with exit code {code}: {said or 'it said nothing'}")
        if not lines:
            raise self._unreachable(code, said)
        return lines[-1]

    @property
    def _patience_s(self) -> float:
        """Seconds to wait from the order until the first answer."""
        return CONNECT_S + self.answer_timeout_s

    def _no_python(self) -> DeviceError:
        tried = " ".join(self.options.launcher[:1]) or self.options.python or ", ".join(_PYTHONS)
        return DeviceError(
            f"{self.name}: no Python there (tried {tried}); install one, or say where it is in a device file"
            f' (python = "/path/to/python3")'
        )

    def ready(self) -> DeviceProbe:
        """See the base; here also its folder must be one that can be written."""
        probe = super().ready()
        self._check_folder(probe)
        return probe

    def _check_folder(self, probe: DeviceProbe) -> None:
        if probe.complaint:
            raise DeviceError(
                f"{self.name}: can't write to {probe.folder}: {probe.complaint};"
                " name another in a device file (folder = …)"
            )

    def run(self, arguments: Sequence[str], *, idle_timeout_s: float = 120) -> Iterator[str]:
        """See :class:`edgekit.devices.device.Device`."""
        payload = self._push_payload()
        python = self._with_python(*self._runtime(arguments), payload=payload)
        # The process there ends with this one's stdin: when it is done, killed, or when the cable is pulled.
        script = (
            f"cd {shlex.quote(self.ready().folder)}; exec 3<&0; echo {BEGIN}; "
            f"(exec 3<&-; {python}) </dev/null & p=$!; "
            f"(cat <&3; kill -9 $p) >/dev/null 2>&1 & w=$!; exec 3<&-; "
            f"wait $p; c=$?; kill $w 2>/dev/null; echo {END} $c; exit $c"
        )
        began, last, before, since = False, "", 0, time.monotonic()
        complaints: deque[str] = deque(maxlen=_KEPT_COMPLAINTS)
        with Watched(self._shell(script), name=self.name, idle_timeout_s=idle_timeout_s, holds_stdin=True) as process:
            for line in process.lines():
                if line.startswith(f"{END} "):
                    last = line.removeprefix(f"{END} ")
                    # adbd ends when nobody there holds this pipe any more.
                    process.close_stdin()
                    break
                if began and self.mixes_streams and not line.startswith("{"):
                    complaints.append(line[:_MOST_COMPLAINT])
                elif began:
                    yield line
                began, before = began or line == BEGIN, before + 1
                if not began and (before > MOST_GREETING or time.monotonic() - since > idle_timeout_s):
                    raise DeviceError(
                        f"{self.name}: it says more than {MOST_GREETING} lines, or for more than {idle_timeout_s:g} s,"
                        " before it begins; what do its login scripts print?"
                    )
            code, said = process.end()
        said = "\n".join([*complaints, said]).strip()
        if not re.fullmatch("[0-9]{1,3}", last):
            raise self._unreachable(code, said)
        if int(last):
            raise self._failed(int(last), said)

    def _runtime(self, arguments: Sequence[str]) -> list[str]:
        """What Python is started with; many photos' names go ahead in a file."""
        if sum(map(len, arguments)) <= _MAX_ARGUMENT_BYTES:
            return ["-m", "edgekit.runtime", *arguments]
        with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
            file = Path(folder) / "arguments.json"
            write_json(file, list(arguments))
            return ["-c", _RUN_FROM_FILE, *self.push([file])]

    def _failed(self, code: int, said: str) -> DeviceError:
        # 128 + SIGKILL: nobody here sent it, for the connection held.
        why = said or ("killed there; did it run out of memory?" if code == _EXIT_KILLED else "it said nothing")
        return DeviceError(f"{self.name}: the runtime there ended with exit code {code}: {why}")

    def _push_payload(self) -> str:
        self.ready()
        if not self._payload:
            with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
                file = Path(folder) / PAYLOAD_NAME
                write_payload(file)
                (self._payload,) = self.push([file])
        return self._payload

    def _with_python(self, *arguments: str, payload: str = "") -> str:
        """A script that becomes the device's Python; exit code _EXIT_NO_PYTHON where there is none."""
        environment = self.options.python_environment(payload)
        exports = "".join(f"export {key}={shlex.quote(value)}; " for key, value in environment.items())
        words = " ".join(shlex.quote(argument) for argument in arguments)
        launcher = "".join(f"{shlex.quote(word)} " for word in self.options.launcher)
        pythons = [self.options.python] if self.options.python else list(_PYTHONS)
        # A launcher may start what lies where this shell can't see it.
        tries = "".join(
            f"command -v {shlex.quote(self.options.launcher[0]) if launcher else remote_path(python)} >/dev/null 2>&1"
            f" && exec {launcher}{remote_path(python)} {words}; "
            for python in pythons
        )
        return f"{exports}{tries}exit {_EXIT_NO_PYTHON}"

    def close(self) -> None:
        """See :class:`edgekit.devices.device.Device`."""


def ended(lines: Sequence[str], code: int) -> tuple[list[str], int]:
    """The lines before the mark that a script prints last, and its exit code; without one all lines, and ``code``."""
    for number, line in enumerate(lines):
        found = re.fullmatch(rf"{END} ([0-9]{{1,3}})", line)
        if found:
            return list(lines[:number]), int(found[1])
    return list(lines), code


def _parted(lines: Sequence[str], said: str) -> tuple[list[str], str]:
    """Where two streams came as one: JSON objects, and what was complained of."""
    others = [line[:_MOST_COMPLAINT] for line in lines if not line.startswith("{")]
    return [line for line in lines if line.startswith("{")], "\n".join([*others[-_KEPT_COMPLAINTS:], said]).strip()


def between(lines: Sequence[str]) -> list[str]:
    """The lines after the mark that a script prints first."""
    return list(lines[lines.index(BEGIN) + 1 :]) if BEGIN in lines else []
