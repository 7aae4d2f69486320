"""A device is three verbs: push, run, close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from edgekit.devices.native import NativeLatency
from edgekit.progress import SILENT, Progress
from edgekit.runtime.agent.machine import Machine


class NetworkTimer(Protocol):
    """What times the network alone, where the runtime can't run: no photo, no crop, no vote."""

    @property
    def tool(self) -> str:
        """Path of the program that times the network, for records."""

    def machine(self) -> Machine:
        """What the device is, and how it is doing now.

        Raises:
            DeviceError: it can't be reached.
        """

    def time_network(self, model: str, threads: int, runs: int, min_seconds: float) -> NativeLatency:
        """Time one inference after another.

        Args:
            model: Path that ``push`` gave the model.
            threads: Threads of one inference.
            runs: Number of timed runs, at least.
            min_seconds: Seconds of timed runs, at least; at most ``MAX_RUN_S``.

        Raises:
            DeviceError: there is no such program, it failed, or ran less often than it was asked to.
            DeviceTimeout: it took too long.
        """


class Device(Protocol):
    """Something that the runtime runs on. What its vendor's tools complain of becomes a DeviceError."""

    @property
    def name(self) -> str:
        """As the user named it (``local``, ``ssh://pi@kitchen``, ``adb://R58M``), for records and messages."""

    @property
    def kind(self) -> str:
        """``local``, ``ssh`` or ``adb``."""

    @property
    def emulated(self) -> str:
        """What emulates it (``qemu 7.2``), or empty. An emulated device's latencies say nothing."""

    @property
    def network_timer(self) -> NetworkTimer | None:
        """What is to be asked in place of ``run``; None where the runtime runs."""

    def push(self, files: Sequence[Path], *, progress: Progress = SILENT) -> list[str]:
        """Copy files to the device, each content once: a file whose hash is there already is not sent again.

        Returns:
            Where each lies there, in a form that ``run`` takes as an argument.

        Raises:
            DeviceError: it can't be reached, its disk is full, …
        """

    def run(self, arguments: Sequence[str], *, idle_timeout_s: float = 120) -> Iterator[str]:
        """Run ``python -m edgekit.runtime ARGUMENTS`` there and give its standard output line by line, as it comes.

        Raises:
            DeviceTimeout: no line came for so long; the process there is ended.
            DeviceError: no Python, no interpreter, the process failed (with what it said), the connection broke, …
        """

    def close(self) -> None:
        """End what was started there. Pushed files stay, for the next run."""
