"""The network alone, timed by LiteRT's own tool on a phone that has no Python."""

from __future__ import annotations

from pathlib import Path

from edgekit.benchrecord import NativeBench, NativeTimed
from edgekit.conditions import device_name
from edgekit.config import BenchConfig
from edgekit.errors import DeviceError
from edgekit.progress import SILENT, Progress
from edgekit.transports.adb import AdbDevice
from edgekit.transports.native import MAX_RUN_S, NativeLatency


def native_bench(device: AdbDevice, model: Path, config: BenchConfig, *, progress: Progress = SILENT) -> NativeBench:
    """Time one inference with each number of threads, in turn, as often as a benchmark repeats.

    Raises:
        DeviceError: the phone can't be reached, its tool failed, or something is asked that the tool can't do.
    """
    _check(device, config)
    (remote,) = device.push([model], progress=progress)
    before = device.machine()
    progress.begin(f"timing the network on {device.name}", config.repeats * len(config.threads))
    told: dict[int, list[NativeLatency]] = {threads: [] for threads in config.threads}
    for repeat in range(config.repeats):
        # Every other repeat the other way round, so that a phone that warms up is no one's disadvantage.
        for threads in tuple(told)[:: -1 if repeat % 2 else 1]:
            told[threads].append(device.native_benchmark(remote, threads, config.runs, config.min_seconds))
            progress.advance()
    return NativeBench(
        device=device.name,
        name=device_name(before),
        tool=device.options.native,
        machine=before,
        after=device.machine().state,
        points=tuple(NativeTimed(threads=threads, repeats=tuple(runs)) for threads, runs in told.items()),
    )


def _check(device: AdbDevice, config: BenchConfig) -> None:
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
