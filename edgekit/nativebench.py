"""The network alone, timed by LiteRT's own tool on a phone that has no Python."""

from __future__ import annotations

from pathlib import Path

from edgekit.benchrecord import NativeBench, NativeTimed
from edgekit.conditions import device_name
from edgekit.config import BenchConfig
from edgekit.progress import SILENT, Progress
from edgekit.transports.adb import AdbDevice
from edgekit.transports.native import NativeLatency


def native_bench(device: AdbDevice, model: Path, config: BenchConfig, *, progress: Progress = SILENT) -> NativeBench:
    """Time one inference with each number of threads, in turn, as often as a benchmark repeats.

    Raises:
        DeviceError: the phone can't be reached, or its tool failed.
    """
    (remote,) = device.push([model], progress=progress)
    before = device.machine()
    progress.begin(f"timing the network on {device.name}", config.repeats * len(config.threads))
    told: dict[int, list[NativeLatency]] = {threads: [] for threads in config.threads}
    for repeat in range(config.repeats):
        # Every other repeat the other way round, so that a phone that warms up is no one's disadvantage.
        for threads in tuple(told)[:: -1 if repeat % 2 else 1]:
            told[threads].append(device.native_benchmark(remote, threads, config.runs))
            progress.advance()
    return NativeBench(
        device=device.name,
        name=device_name(before),
        tool=device.options.native,
        machine=before,
        after=device.machine().state,
        points=tuple(NativeTimed(threads=threads, repeats=tuple(runs)) for threads, runs in told.items()),
    )
