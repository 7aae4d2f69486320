"""On which cores the work runs: on phones and many boards some are two or three times as fast as others."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from edgekit.errors import InterpreterError
from edgekit.runtime.agent.machine import Cluster

_MAX_CORE = 1023
_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


def check_affinity(asked: str) -> None:
    """Hold the form: ``all``, ``big``, ``little``, or core numbers such as ``0,4-7``.

    Raises:
        InterpreterError: it is none of these.
    """
    if asked not in ("all", "big", "little"):
        _numbers(asked)


def pin(asked: str, clusters: Sequence[Cluster] | None) -> tuple[int, ...] | None:
    """Keep this process, and those that it starts, on some cores. Threads that run already stay where they are.

    Args:
        asked: See :func:`check_affinity`. ``little`` is the slowest kind of cores, ``big`` are all others.
        clusters: The machine's clusters of cores; None where they are not known.

    Returns:
        The cores that may be used; None where the system does not tell.

    Raises:
        InterpreterError: no such cores, or a system that can't be asked for them.
    """
    check_affinity(asked)
    if not hasattr(os, "sched_setaffinity"):
        if asked != "all":
            raise InterpreterError(f"this system can't keep a process on cores, asked for {asked!r}; use all")
        return None
    if asked != "all":
        cores = _kind(asked, clusters or ()) if asked in ("big", "little") else _numbers(asked)
        try:
            os.sched_setaffinity(0, cores)
        except (OSError, ValueError) as failure:
            raise InterpreterError(f"can't use the cores {asked}: {failure}") from failure
        if os.sched_getaffinity(0) != cores:
            kept = sorted(os.sched_getaffinity(0))
            raise InterpreterError(f"the cores {asked} were asked for, this system gives {kept} alone")
    return tuple(sorted(os.sched_getaffinity(0)))


def _kind(asked: str, clusters: Sequence[Cluster]) -> set[int]:
    clocks = sorted({cluster.max_mhz for cluster in clusters if cluster.max_mhz is not None})
    if len(clocks) < 2:
        raise InterpreterError(f"this machine does not tell fast cores from slow ones, asked for {asked!r}; name cores")
    little = asked == "little"
    return {
        core
        for one in clusters
        if one.max_mhz is not None and (one.max_mhz == clocks[0]) == little
        for core in one.cores
    }


def _numbers(asked: str) -> set[int]:
    found: set[int] = set()
    for part in asked.split(","):
        match = _RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 0 <= first <= last <= _MAX_CORE:
            raise InterpreterError(f"cores must be all, big, little, or numbers such as 0,4-7, got {asked!r:.80}")
        found.update(range(first, last + 1))
    return found
