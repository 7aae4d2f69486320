"""Commands of edgekit in processes of their own: how much memory they take, and what kills do to them."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """``edgekit …``, without its output."""
    command = [sys.executable, "-m", "edgekit", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finish(process: subprocess.Popen[bytes]) -> float:
    """Wait for it; what no process of it exceeded, in MiB of resident memory.

    A process begins with what its parent had, so that this is an upper bound.
    """
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{process.args!r} failed with exit code {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / (1 << 20 if platform.system() == "Darwin" else 1 << 10)


def run_with_kills(*arguments: object, journal: Path, growth: int, kills: int) -> int:
    """Run a command with so many kills on the way, each after its journal grew by so many bytes, then to its end.

    Returns:
        How many kills came before the command had ended by itself.
    """
    landed = 0
    for _ in range(kills):
        process = start(*arguments)
        wanted = (journal.stat().st_size if journal.exists() else 0) + growth
        while process.poll() is None and (not journal.exists() or journal.stat().st_size < wanted):
            time.sleep(0.02)
        landed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    finish(start(*arguments))
    return landed
