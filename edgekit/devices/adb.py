"""A phone behind ``adb``: by a Python on it, or by LiteRT's native tool."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from edgekit.devices.dump import ENDED, Dump, dump_script
from edgekit.devices.native import NativeLatency, native_arguments, parse_native
from edgekit.devices.process import run_to_end
from edgekit.devices.remote import BEGIN, END, Blob, Options, RemoteDevice, between, blobs, disk_full, ended
from edgekit.errors import DeviceError
from edgekit.progress import SILENT, Progress
from edgekit.runtime.agent.machine import Machine, read_machine

_ASK_S = 15
# A batch is one call of adb: large enough to be quick, small enough for a bar to move.
_BATCH_FILES, _BATCH_BYTES = 64, 16_000_000
_SLOWEST_BYTES_A_S = 50_000
# Names of 64 digits and a suffix, within what adb takes in one command.
_HASHED_FILES, _HASHED_BYTES = 400, 256_000_000
_SLOWEST_HASHED_BYTES_A_S = 2_000_000
_NATIVE_S = 600
_DEVICE_LINE = re.compile(
    r"^(\S+)\s+(device|offline|unauthorized|authorizing|connecting|recovery|sideload|no permissions)"
)
_STATES = {
    "offline": "it is offline: unplug it and plug it in again, or adb reconnect offline",
    "unauthorized": "this computer isn't allowed yet: unlock the phone and confirm the question there",
    "no permissions": "this user may not use the USB device: see udev rules for Android",
}


def attached() -> dict[str, str]:
    """The devices that adb sees, by serial number, and the state of each.

    Raises:
        DeviceError: adb is not installed or does not answer.
    """
    code, output, said = run_to_end(["adb", "devices"], _ASK_S, name="adb")
    if code:
        raise DeviceError(f"adb: can't list devices: {said or output.strip()}")
    found = [match for line in output.splitlines()[1:] if (match := _DEVICE_LINE.match(line))]
    return {match[1]: match[2] for match in found}


class AdbDevice(RemoteDevice):
    """An Android device, by USB or network.

    Args:
        name: The device as the user wrote it.
        options: How the device is used: Python, folder, environment.
        serial: Serial number of the device, or ``host:port``.
    """

    kind = "adb"
    # Android 6 and older have one stream for both, and adb gives 0 for whatever a command ends with.
    mixes_streams = True
    default_folder = "/data/local/tmp/edgekit"

    def __init__(self, name: str, options: Options, serial: str) -> None:
        super().__init__(name, options)
        self._serial = serial

    def _adb(self, *words: str) -> list[str]:
        return ["adb", "-s", self._serial, *words]

    def _shell(self, script: str) -> list[str]:
        return self._adb("shell", script)

    def _unreachable(self, code: int, said: str) -> DeviceError:
        # What runs there writes to the same stderr.
        own = [line.strip() for line in said.splitlines() if line.startswith(("adb: ", "error: "))]
        words = own[-1] if own else f"adb ended with exit code {code}"
        return DeviceError(
            f"{self.name}: the connection broke ({words}); is the cable in? `adb devices` must list {self._serial};"
            " run again to go on"
        )

    def _no_python(self) -> DeviceError:
        return DeviceError(
            f"{super()._no_python()}. Termux keeps its Python to itself: reach that by ssh (docs/devices.md)."
            ' Without any, native = "/data/local/tmp/benchmark_model" times the network alone'
        )

    @property
    def network_timer(self) -> AdbDevice | None:
        """The device itself, where its device file names a native tool and no Python."""
        return self if self.options.native and not self.options.python else None

    @property
    def tool(self) -> str:
        """The native tool of the device file."""
        return self.options.native

    def check_attached(self) -> None:
        """Look whether adb has the device.

        Raises:
            DeviceError: it has not, or may not use it.
        """
        found = attached()
        state = found.get(self._serial)
        if state is None:
            listed = ", ".join(found) or "none"
            raise DeviceError(
                f"{self.name}: adb has no device {self._serial} (attached: {listed}); plug it in and switch on"
                " USB debugging, or adb connect HOST:PORT"
            )
        if state != "device":
            raise DeviceError(f"{self.name}: {_STATES.get(state, f'its state is {state!r}, not device')}")

    def _ask(self) -> str:
        self.check_attached()
        return super()._ask()

    def machine(self) -> Machine:
        """What the device is, also without a Python there.

        Raises:
            DeviceError: it can't be reached.
        """
        self.check_attached()
        code, output, said = run_to_end(self._shell(f"echo {BEGIN}; {dump_script()}"), self._patience_s, name=self.name)
        lines = between(output.splitlines())
        if ENDED not in lines:
            raise self._unreachable(code, said)
        return read_machine(Dump("\n".join(lines)))

    def push(self, files: Sequence[Path], *, progress: Progress = SILENT) -> list[str]:
        """See :class:`edgekit.devices.device.Device`: ``adb push``, in batches."""
        self.check_attached()
        wanted = blobs(files)
        unique = {blob.name: blob for blob in wanted}.values()
        known = self._known(unique, progress)
        missing = [blob for blob in unique if blob.name not in known]
        progress.begin(f"pushing to {self.name} (kB)", sum(blob.size for blob in missing) // 1000)
        sent = 0
        with tempfile.TemporaryDirectory(prefix="edgekit-") as stage:
            for batch in _batches(missing, _BATCH_FILES, _BATCH_BYTES):
                self._push_batch(batch, Path(stage))
                before, sent = sent, sent + sum(blob.size for blob in batch)
                progress.advance(sent // 1000 - before // 1000, note=f"{sent / 1e6:.1f} MB")
        return [f"{self.folder}/blobs/{blob.name}" for blob in wanted]

    def _known(self, wanted: Iterable[Blob], progress: Progress) -> set[str]:
        """The names of those that are there already, and are what their names say."""
        names = self._names()
        there = [blob for blob in wanted if blob.name in names]
        known: set[str] = set()
        progress.begin(f"looking at what {self.name} has (kB)", sum(blob.size for blob in there) // 1000)
        for batch in _batches(there, _HASHED_FILES, _HASHED_BYTES):
            hashed = self._hashed(batch)
            if hashed is None:
                progress.say(f"{self.name} has no sha256sum: files that are there already are pushed again")
                return set()
            known |= {blob.name for blob in batch if hashed.get(blob.name) == blob.sha256}
            progress.advance(sum(blob.size for blob in batch) // 1000)
        return known

    def _hashed(self, batch: list[Blob]) -> dict[str, str] | None:
        """The SHA-256 of files there, by name; None where nothing can tell."""
        names = " ".join(blob.name for blob in batch)
        script = (
            f"cd {shlex.quote(self.folder)}/blobs && echo {BEGIN} && if command -v sha256sum >/dev/null 2>&1; "
            f"then sha256sum {names} 2>/dev/null; echo {END}; else echo edgekit-none; fi"
        )
        limit_s = _ASK_S + sum(blob.size for blob in batch) / _SLOWEST_HASHED_BYTES_A_S
        code, output, said = run_to_end(self._shell(script), limit_s, name=self.name)
        lines = between(output.splitlines())
        if "edgekit-none" in lines:
            return None
        if END not in lines:
            raise self._unreachable(code, said)
        found = (line.partition(" ") for line in lines)
        return {name.strip(" *"): digest for digest, _, name in found}

    def _names(self) -> set[str]:
        """The names of all files that are there already."""
        folder = shlex.quote(self.folder)
        script = (
            f"mkdir -p {folder}/blobs {folder}/incoming && cd {folder}/blobs && echo {BEGIN} && "
            'for f in *; do echo "$f"; done'
        )
        code, output, said = run_to_end(self._shell(script), _ASK_S, name=self.name)
        if BEGIN not in output:
            complaint = said or _complaint(output)
            if not complaint:
                raise self._unreachable(code, said)
            raise DeviceError(
                f"{self.name}: can't write to {self.folder}: {complaint}; name another in a device file (folder = …)"
            )
        return set(between(output.splitlines()))

    def _push_batch(self, batch: list[Blob], stage: Path) -> None:
        staged = []
        for blob in batch:
            link = stage / blob.name
            try:
                link.symlink_to(blob.file.resolve())
            except OSError:
                # Windows lets few users make links.
                shutil.copyfile(blob.file, link)
            staged.append(str(link))
        incoming, kept = f"{self.folder}/incoming", f"{self.folder}/blobs"
        limit_s = _ASK_S + sum(blob.size for blob in batch) / _SLOWEST_BYTES_A_S
        code, output, said = run_to_end(self._adb("push", *staged, f"{incoming}/"), limit_s, name=self.name)
        if code:
            raise self._push_failed(f"{said}\n{output}", batch)
        names = " ".join(f"{shlex.quote(incoming)}/{blob.name}" for blob in batch)
        script = f"mv -f {names} {shlex.quote(kept)}/ && echo {BEGIN}"
        code, output, said = run_to_end(self._shell(script), _ASK_S, name=self.name)
        if BEGIN not in output:
            raise self._unreachable(code, said)

    def _push_failed(self, said: str, batch: list[Blob]) -> DeviceError:
        lines = [line for line in said.splitlines() if "error" in line.lower()]
        words = (lines[-1] if lines else said.strip())[-300:]
        if "no space left" in said.lower() or "file too large" in said.lower():
            return disk_full(self.name, self.folder, self._free_mb(), batch)
        if self._serial not in attached():
            return self._unreachable(1, words)
        return DeviceError(f"{self.name}: can't push to {self.folder}: {words}")

    def _free_mb(self) -> float | None:
        # What was begun is in the way of what is asked.
        folder = shlex.quote(self.folder)
        _, output, _ = run_to_end(self._shell(f"rm -rf {folder}/incoming; df -k {folder}"), _ASK_S, name=self.name)
        found = re.search(r"\s(\d+)\s+\d+%", output)
        return int(found[1]) / 1000 if found else None

    def time_network(self, model: str, threads: int, runs: int, min_seconds: float) -> NativeLatency:
        """Run LiteRT's ``benchmark_model``; see :class:`edgekit.devices.device.NetworkTimer`."""
        if not self.options.native:
            raise DeviceError(f'{self.name}: say where the tool is in a device file (native = "/data/local/tmp/…")')
        self.check_attached()
        tool = shlex.quote(self.options.native)
        words = " ".join(shlex.quote(word) for word in native_arguments(model, threads, runs, min_seconds))
        run = f"if [ -x {tool} ]; then {tool} {words} 2>&1; else echo edgekit-none; fi"
        script = f"echo {BEGIN}; {run}; c=$?; echo {END} $c; exit $c"
        code, output, said = run_to_end(self._shell(script), _NATIVE_S, name=self.name)
        lines, code = ended(between(output.splitlines()), code)
        if "edgekit-none" in lines:
            raise DeviceError(f"{self.name}: {self.options.native} is not there, or no program (adb shell chmod +x)")
        if not lines:
            raise self._unreachable(code, said)
        if code:
            raise DeviceError(f"{self.name}: benchmark_model ended with exit code {code}: {' '.join(lines)[-300:]}")
        told = parse_native("\n".join(lines), name=self.name)
        if told.n < runs:
            raise DeviceError(f"{self.name}: {runs} runs were asked for, benchmark_model made {told.n}; ask for fewer")
        return told


def _complaint(output: str) -> str:
    """What a shell said where both its streams are one, without the linker's warnings."""
    lines = [line.strip() for line in output.splitlines() if not line.startswith("WARNING: linker")]
    return " ".join(filter(None, lines))[-300:]


def _batches(files: list[Blob], most_files: int, most_bytes: int) -> Iterator[list[Blob]]:
    batch: list[Blob] = []
    for blob in files:
        if batch and (len(batch) == most_files or sum(one.size for one in batch) + blob.size > most_bytes):
            yield batch
            batch = []
        batch.append(blob)
    if batch:
        yield batch
