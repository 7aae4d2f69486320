"""Which devices can be reached, and what they are: all asked at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edgekit.devices.adb import AdbDevice
from edgekit.devices.parse import AnyDevice
from edgekit.devices.wheels import missing
from edgekit.errors import DeviceError
from edgekit.runtime.agent.machine import Machine

_AT_ONCE = 16
_MAX_PROBLEM = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """One device.

    Attributes:
        reachable: Whether the device answered.
        problem: Why it can't be reached, or what keeps the runtime from working there; empty where nothing does.
        interpreters: Names and versions of the TFLite interpreters.
        free_mb: Free room for the device's folder, in megabytes; None where it is not known.
    """

    name: str
    kind: str
    emulated: str
    reachable: bool
    problem: str
    machine: Machine | None
    python: str
    interpreters: tuple[str, ...]
    free_mb: int | None


def survey(devices: Sequence[AnyDevice]) -> list[DeviceReport]:
    """Ask all; their order is kept, and one that fails is a report too."""
    if not devices:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(devices))) as pool:
        return list(pool.map(ask_device, devices))


def ask_device(device: AnyDevice) -> DeviceReport:
    """Ask one device."""
    probe = None
    try:
        probe = device.probe()
    except DeviceError as failure:
        problem = str(failure).removeprefix(f"{device.name}: ")
        machine = _without_python(device)
    else:
        lacking = missing(probe) or (f"can't write to {probe.folder}: {probe.complaint}" if probe.complaint else "")
        problem, machine = lacking[:_MAX_PROBLEM], probe.machine
    return DeviceReport(
        name=device.name,
        kind=device.kind,
        emulated=device.emulated,
        reachable=bool(probe or machine),
        problem=problem,
        machine=machine,
        python=probe.python if probe else "",
        interpreters=probe.interpreters if probe else (),
        free_mb=probe.free_bytes // 1_000_000 if probe and probe.free_bytes is not None else None,
    )


def _without_python(device: AnyDevice) -> Machine | None:
    """What a phone tells by its shell alone."""
    if not isinstance(device, AdbDevice):
        return None
    try:
        return device.machine()
    except DeviceError:
        return None
