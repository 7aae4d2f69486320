"""``edgekit devices`` and ``doctor``: what there is to measure on, and what is missing here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.metrics.wording import NOTHING

if TYPE_CHECKING:
    from edgekit.devices.parse import DeviceEntry
    from edgekit.devices.survey import DeviceReport
    from edgekit.runtime.agent.machine import Machine

DEVICE_FILE = Path("devices.toml")
_ANSWER_S = 30.0


def devices(
    device: Annotated[
        list[str] | None,
        typer.Argument(
            help="local, ssh://[user@]host[:port], adb://SERIAL or a .toml file. "
            "[default: this machine, attached phones, and ./devices.toml]",
        ),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Instead of ./devices.toml.")] = None,
    json: options.AsJson = False,
) -> None:
    """List devices: which can be reached, what they are, and what they lack."""
    from edgekit.devices.parse import open_entries, read_entries
    from edgekit.devices.survey import survey
    from edgekit.errors import DeviceError

    if device and file is not None:
        raise DeviceError(f"name devices or --file, not both; got {' '.join(device)} and {file}")
    entries = read_entries(device) if device else _everything(file)
    opened = open_entries(entries)
    for one in opened:
        one.answer_timeout_s = _ANSWER_S
    try:
        reports = survey(opened)
    finally:
        for one in opened:
            one.close()
    console.show(reports, _print_devices, json=json)
    if device and not all(report.reachable for report in reports):
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _everything(file: Path | None) -> list[DeviceEntry]:
    """This machine, what a file has, and attached phones that it doesn't have."""
    from edgekit.devices.adb import attached
    from edgekit.devices.parse import DeviceEntry, read_device_file
    from edgekit.errors import DeviceError

    chosen = file or (DEVICE_FILE if DEVICE_FILE.is_file() else None)
    listed = read_device_file(chosen) if chosen else []
    known = {entry.url for entry in listed} | {entry.name for entry in listed}
    found = ["local"]
    if shutil.which("adb") is None:
        console.note("adb is not installed here, so no phones are listed")
    else:
        try:
            found += [f"adb://{serial}" for serial in attached()]
        except DeviceError as failure:
            console.note(str(failure))
    return [*(DeviceEntry(url=url) for url in found if url not in known), *listed]


def _print_devices(reports: list[DeviceReport]) -> None:
    columns = ["device", "reachable", "SoC", "cores", "memory", "system", "governor", "temperature", "Python"]
    rows = [
        [
            report.name + (f" ({report.emulated})" if report.emulated else ""),
            "yes" if report.reachable else "no",
            *_machine_cells(report.machine),
            ", ".join([report.python, *report.interpreters]) if report.python else NOTHING,
        ]
        for report in reports
    ]
    console.print_table("Devices", columns, rows, rest="left")
    for report in reports:
        if report.problem:
            console.note(f"{report.name}: {report.problem}")


def _machine_cells(machine: Machine | None) -> list[str]:
    if machine is None:
        return [NOTHING] * 6
    state = machine.state
    hottest = state.hottest_c
    return [
        machine.soc or machine.name or NOTHING,
        _cores(machine),
        f"{machine.memory_mb} MB" if machine.memory_mb else NOTHING,
        f"{machine.system}, {machine.architecture}",
        ", ".join(state.governors) if state.governors else NOTHING,
        NOTHING if hottest is None else f"{hottest:.0f} °C" + (" throttled" if state.throttling else ""),
    ]


def _cores(machine: Machine) -> str:
    """``4 Cortex-A55 at 1.8 GHz + 2 Cortex-X1 at 2.8 GHz``, as far as it is known."""
    parts = []
    for cluster in machine.clusters or ():
        clock = f" at {cluster.max_mhz / 1000:.1f} GHz" if cluster.max_mhz else ""
        parts.append(f"{len(cluster.cores)}{' ' + cluster.core if cluster.core else ''}{clock}")
    return " + ".join(parts) or (str(machine.cores) if machine.cores else NOTHING)


def doctor(json: options.AsJson = False) -> None:
    """Look at this machine: can it run models, what is missing, and how to get it."""
    from edgekit.devices.doctor import check_up

    found = check_up()
    if json:
        console.print_json(found)
    else:
        cells = _machine_cells(found.machine)
        names = ["processor", "cores", "memory", "system", "governor", "temperature"]
        rows = [[name, cell] for name, cell in zip(names, cells, strict=True)]
        rows += [
            [one.name, f"{'works' if one.works else 'does not work' if one.installed else 'not installed'}: {one.told}"]
            for one in found.interpreters
        ]
        rows += [
            [f"extra {one.name}", f"lacks {', '.join(one.missing)}: {one.pip}" if one.missing else "installed"]
            for one in found.extras
        ]
        rows += [
            [one.name, one.path or f"not installed: {one.purpose}; apt-get install {one.package}"]
            for one in found.tools
        ]
        rows += [[one.purpose, f"{one.path}: {one.complaint or f'{one.free_mb} MB free'}"] for one in found.folders]
        console.print_table("This machine", ["what", "found"], rows, rest="left")
        console.note(found.processor)
        if found.problem:
            console.note(found.problem)
        if not found.can_run:
            console.note("nothing here can run a model")
    if not found.can_run:
        raise typer.Exit(console.EXIT_CHECK_FAILED)
