"""What this machine has for edgekit: interpreters that were tried, extras, tools, room to write."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit.devices.local import LocalDevice
from edgekit.devices.process import run_lines
from edgekit.devices.wheels import INTERPRETERS, DeviceProbe, missing
from edgekit.errors import EXTRA_OF, DeviceError, pip_line
from edgekit.runtime.agent.machine import Machine

# A model of tests/models: red is genuine, blue is recapture.
TINY_MODEL = Path(__file__).with_name("tiny.tflite")
_TRY_S = 60
# A photo of 8 x 8 pixels in (255, 0, 0), as PNG.
_RED = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP8z4AdMDEMKQkAzUEBD7t4NqoAAAAASUVORK5CYII="
)
_TOOLS = {
    "ssh": ("measures on machines behind ssh", "openssh-client"),
    "adb": ("measures on phones", "adb"),
    "qemu-aarch64-static": ("runs the arm64 tests on a PC", "qemu-user-static"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterCheck:
    """One TFLite interpreter: whether it is here, and what it did with a tiny model in a process of its own."""

    name: str
    installed: bool
    works: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraCheck:
    """One optional dependency group; ``pip`` installs what is missing of it."""

    name: str
    missing: tuple[str, ...]
    pip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCheck:
    """One program of the system; ``path`` is empty where it is absent."""

    name: str
    path: str
    purpose: str
    package: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCheck:
    """A folder that edgekit writes to."""

    purpose: str
    path: str
    complaint: str
    free_mb: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything; ``can_run`` says whether any interpreter ran the tiny model."""

    can_run: bool
    machine: Machine | None
    problem: str
    processor: str
    interpreters: tuple[InterpreterCheck, ...]
    extras: tuple[ExtraCheck, ...]
    tools: tuple[ToolCheck, ...]
    folders: tuple[FolderCheck, ...]


def check_up() -> Checkup:
    """Look at everything; takes as long as the interpreters take to start.

    Raises:
        DeviceError: this Python can't be started a second time.
    """
    probe = LocalDevice().probe()
    interpreters = tuple(_try_interpreters(probe))
    return Checkup(
        can_run=any(one.works for one in interpreters),
        machine=probe.machine,
        problem=missing(probe) or "",
        processor=int8_advice(probe.machine),
        interpreters=interpreters,
        extras=tuple(_extras()),
        tools=tuple(
            ToolCheck(name=name, path=shutil.which(name) or "", purpose=purpose, package=package)
            for name, (purpose, package) in _TOOLS.items()
        ),
        folders=tuple(_folders()),
    )


def int8_advice(machine: Machine | None) -> str:
    """What the processor's instructions mean for int8 models, in a sentence."""
    found = machine.int8_instructions if machine is not None else None
    if found is None:
        return "This system does not tell whether its processor has 8-bit dot products, which make int8 models quick."
    if not found:
        return (
            "This processor has no 8-bit dot products (x86: VNNI, ARM: dotprod): int8 models may well be slower here"
            " than float ones. Measure on the device that you ship to."
        )
    return f"This processor has 8-bit dot products ({', '.join(found)}), which make int8 models quick."


def _try_interpreters(probe: DeviceProbe) -> Iterator[InterpreterCheck]:
    for wheels in INTERPRETERS:
        found = probe.modules.get(wheels.name)
        if found is None or found.broken:
            works = False
            told = f"pip install {wheels.package}" if wheels.fit(probe) else f"no wheel for {probe.platform} fits"
            told = f"{found.broken}; {told}" if found else told
        else:
            try:
                works, told = True, f"{found.version}: {_run_tiny(wheels.name)}"
            except DeviceError as failure:
                works, told = False, str(failure)
        yield InterpreterCheck(name=wheels.name, installed=found is not None, works=works, told=told)


def _run_tiny(interpreter: str) -> str:
    """Load the tiny model and classify a red photo, in a process of its own: what crashes must not end this one."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        photo = Path(folder) / "red.png"
        photo.write_bytes(_RED)
        arguments = ["classify", str(TINY_MODEL), str(photo), "--interpreter", interpreter]
        command = [sys.executable, "-m", "edgekit.runtime", *arguments]
        lines = list(run_lines(command, _TRY_S, name=interpreter))
    verdict = json.loads(lines[-1]) if lines else {}
    if verdict.get("label") != "genuine":
        raise DeviceError(f"{interpreter}: a red photo must be genuine to the tiny model, got {verdict.get('label')!r}")
    return f"loaded a model and classified a photo in {sum(verdict['ms'].values()):.1f} ms"


def _extras() -> Iterator[ExtraCheck]:
    for extra in dict.fromkeys(EXTRA_OF.values()):
        packages = [package for package, home in EXTRA_OF.items() if home == extra]
        # Python 3.11 has tomli's work in its own library.
        wanted = [package for package in packages if package != "tomli" or sys.version_info < (3, 11)]
        absent = tuple(package for package in wanted if importlib.util.find_spec(package) is None)
        yield ExtraCheck(name=extra, missing=absent, pip=pip_line(extra) if absent else "")


def _folders() -> Iterator[FolderCheck]:
    for purpose, path in (
        ("runs", Path.cwd()),
        ("temporary files", Path(tempfile.gettempdir())),
        ("pretrained weights", Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")),
    ):
        # A cache is made when it is first needed.
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        complaint, free_mb = "", None
        try:
            with tempfile.TemporaryFile(dir=there):
                free_mb = shutil.disk_usage(there).free // 1_000_000
        except OSError as failure:
            complaint = f"can't write there: {failure.strerror or failure}"
        yield FolderCheck(purpose=purpose, path=str(path), complaint=complaint, free_mb=free_mb)
