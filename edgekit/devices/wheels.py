"""What a device's Python lacks, which wheels exist for it, and the pip line to run there."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from edgekit.runtime.agent.machine import Machine

Version = tuple[int, int]

# What the payload's sources need.
OLDEST_PYTHON: Version = (3, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """An installed module: its version, or why it can't be imported."""

    version: str = ""
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProbe:
    """What a device told of its Python; see ``probe.py``.

    Attributes:
        bits: Word length of the Python, 32 or 64: a 64-bit kernel may well run a 32-bit system.
        libc: ``glibc 2.36``; empty for musl and Android's bionic.
        abi: The tag of its extension modules (``cpython-311-aarch64-linux-gnu``).
        is_managed: Whether pip installs only into virtual environments there.
        folder: Folder that pushed files lie in.
        complaint: Why nothing can be written there; None where it can.
        modules: Modules by name; None where one is absent, and all empty for a Python that is too old.
    """

    python: str
    executable: str
    implementation: str
    bits: int
    architecture: str
    system: str
    libc: str
    abi: str
    is_android: bool
    is_managed: bool
    folder: str
    complaint: str | None
    free_bytes: int | None
    modules: dict[str, Module | None]
    machine: Machine | None

    @property
    def version(self) -> Version:
        """Version of the Python, such as ``(3, 11)``."""
        return _version(self.python) or (0, 0)

    @property
    def interpreters(self) -> tuple[str, ...]:
        """The TFLite interpreters that are installed, with versions."""
        found = {name: self.modules.get(name) for name in ("litert", "tflite-runtime")}
        return tuple(f"{name} {one.version}" for name, one in found.items() if one is not None and not one.broken)

    @property
    def platform(self) -> str:
        """``linux-aarch64``, ``linux-armv7l``, ``linux-musl-x86_64``, ``android-aarch64``, ``darwin-arm64`` …."""
        machine = self.architecture.lower()
        if self.bits == 32:
            machine = {"aarch64": "armv7l", "x86_64": "i686"}.get(machine, machine)
        if self.is_android:
            return f"android-{machine}"
        if self.system == "Linux" and not self.libc.startswith("glibc"):
            return f"linux-musl-{machine}"
        return f"{self.system.lower()}-{machine}"

    @property
    def glibc(self) -> Version | None:
        """Version of glibc, such as ``(2, 36)``; None without glibc."""
        return _version(self.libc, before="glibc ")


def _version(text: str, *, before: str = "") -> Version | None:
    found = re.match(rf"{before}(\d{{1,4}})\.(\d{{1,4}})(?!\d)", text)
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheels:
    """What a package index has of an interpreter."""

    package: str
    name: str
    pythons: tuple[Version, Version]
    platforms: tuple[str, ...]
    glibc: Version

    def fit(self, probe: DeviceProbe) -> bool:
        """Whether one of them can be installed there."""
        return (
            probe.implementation == "CPython"
            and self.pythons[0] <= probe.version <= self.pythons[1]
            and probe.platform in self.platforms
            and (probe.glibc is None or probe.glibc >= self.glibc)
        )

    def __str__(self) -> str:
        oldest, newest = (".".join(map(str, version)) for version in self.pythons)
        libc = ".".join(map(str, self.glibc))
        where = ", ".join(self.platforms)
        return f"{self.package}: CPython {oldest} to {newest} on {where} (Linux: glibc {libc} or newer)"


# As the index had them when this was written.
INTERPRETERS = (
    Wheels(
        package="ai-edge-litert",
        name="litert",
        pythons=((3, 10), (3, 14)),
        platforms=("linux-x86_64", "linux-aarch64", "darwin-arm64", "windows-amd64"),
        glibc=(2, 27),
    ),
    Wheels(
        package="tflite-runtime",
        name="tflite-runtime",
        pythons=((3, 9), (3, 11)),
        platforms=("linux-x86_64", "linux-aarch64", "linux-armv7l"),
        glibc=(2, 34),
    ),
)
_BASE = {"numpy": "numpy>=1.23", "pillow": "pillow>=10.1"}


def missing(probe: DeviceProbe) -> str | None:
    """What keeps the runtime from working with that Python, and what to do about it; None where nothing does."""
    system = f"{probe.platform}{', ' + probe.libc if probe.libc else ''}"
    where = f"Python {probe.python:.40} ({probe.executable:.200}, {system:.100})"
    if probe.version < OLDEST_PYTHON:
        return f"{where} is too old: the runtime needs 3.10; install one and name it in a device file (python = …)"
    broken = [f"{name} ({one.broken})" for name, one in probe.modules.items() if one is not None and one.broken]
    if broken:
        return f"{where} can't import {', '.join(broken)}; reinstall there: {install_line(probe, list(_BASE.values()))}"
    lacking = [name for name in _BASE if probe.modules.get(name) is None]
    needs = [_BASE[name] for name in lacking]
    if not probe.interpreters:
        lacking.append("a TFLite interpreter")
        fitting = next((one for one in INTERPRETERS if one.fit(probe)), None)
        if fitting is None:
            exist = "; ".join(str(one) for one in INTERPRETERS)
            hint = ". On phones, a Debian in Termux takes those of linux-aarch64" if probe.is_android else ""
            return f"{where} lacks {' and '.join(lacking)}, and no wheel of one fits it. There are – {exist}{hint}"
        needs.append(fitting.package)
        if fitting.name == "tflite-runtime":
            # It was compiled against numpy 1.
            needs = [*(one for one in needs if not one.startswith("numpy")), "numpy<2"]
    if not lacking:
        return None
    return f"{where} lacks {' and '.join(lacking)}; run there: {install_line(probe, needs)}"


def install_line(probe: DeviceProbe, packages: list[str]) -> str:
    """What to type on the device."""
    wanted = " ".join(shlex.quote(package) for package in packages)
    if probe.is_managed:
        made = "~/edgekit-venv"
        return (
            f"{shlex.quote(probe.executable)} -m venv {made} && {made}/bin/pip install {wanted}"
            f' (and name it in a device file: python = "{made}/bin/python")'
        )
    return f"{shlex.quote(probe.executable)} -m pip install {wanted}"
