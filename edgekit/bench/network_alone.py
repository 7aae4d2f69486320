"""The network alone, on phones without a Python: one inference by a program of theirs, no photo, no accuracy."""

from __future__ import annotations

from pathlib import Path

from edgekit.bench.conditions import device_name
from edgekit.bench.options import BenchConfig
from edgekit.bench.record import NativeBench, NativeTimed
from edgekit.devices.device import Device, NetworkTimer
from edgekit.devices.native import MAX_RUN_S, NativeLatency
from edgekit.errors import DeviceError
from edgekit.progress import SILENT, Progress


def time_alone(
    device: Device, timer: NetworkTimer, model: Path, config: BenchConfig, *, progress: Progress = SILENT
) -> NativeBench:
    """Time one inference with each number of threads, in turn, as often as a benchmark repeats.

    Args:
        device: The device that the network runs on.
        timer: The device's own program that times a network.
        model: Path of the model file.
        config: Threads, runs, seconds and repeats.
        progress: Told of every run of the program.

    Raises:
        DeviceError: the device can't be reached, its program failed, or something is asked that it can't do.
    """
    _check(device, config)
    (remote,) = device.push([model], progress=progress)
    before = timer.machine()
    progress.begin(f"timing the network on {device.name}", config.repeats * len(config.threads))
    timed: dict[int, list[NativeLatency]] = {threads: [] for threads in config.threads}
    for repeat in range(config.repeats):
        # Every other repeat the other way round, so that a phone that warms up is no one's disadvantage.
        for threads in tuple(timed)[:: -1 if repeat % 2 else 1]:
            timed[threads].append(timer.time_network(remote, threads, config.runs, config.min_seconds))
            progress.advance()
    return NativeBench(
        device=device.name,
        name=device_name(before),
        tool=timer.tool,
        machine=before,
        after=timer.machine().state,
        points=tuple(NativeTimed(threads=threads, repeats=tuple(runs)) for threads, runs in timed.items()),
    )


def _check(device: Device, config: BenchConfig) -> None:
    """Hold that nothing is asked for that the tool would pass over in silence."""
    if device.emulated:
        raise DeviceError(
            f"{device.name}: {device.emulated} takes its own time, and the native tool tells nothing else"
        )
    asked = {
        "--affinity": config.affinity != "all",
        "--cool-down": config.cool_down,
        "--delegate": config.delegates != ("default",),
        "--interpreter": config.interpreters,
        "--budget-ms": config.budget_ms is not None,
        f"--min-seconds above {MAX_RUN_S}": config.min_seconds > MAX_RUN_S,
    }
    unknown = [name for name, given in asked.items() if given]
    if unknown:
        raise DeviceError(
            f"{device.name}: the native tool knows no {', '.join(unknown)}; leave that out, or name a Python in the "
            "device file (python = …)"
        )
