"""Where facts about a machine come from: files of Linux and Android, and commands with a time limit.

Standard library alone, like ``sensors`` and ``machine``: hosts send the three to devices that have only Python.
"""

from __future__ import annotations

import glob
import os
import platform
import re
import subprocess
import sys

_MAX_TEXT = 256 * 1024
_MAX_ENTRIES = 256
_COMMAND_S = 2

CPU_FOLDER = "/sys/devices/system/cpu"
# What `machine` and `sensors` read, for those who fetch it from a device that has no Python.
FILES = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/loadavg",
    "/proc/device-tree/model",
    "/proc/device-tree/compatible",
    "/etc/os-release",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/devices/platform/soc/soc:firmware/get_throttled",
    f"{CPU_FOLDER}/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    f"{CPU_FOLDER}/cpu[0-9]*/cpufreq/scaling_governor",
    f"{CPU_FOLDER}/cpu[0-9]*/cpufreq/scaling_cur_freq",
    "/sys/class/thermal/thermal_zone[0-9]*/type",
    "/sys/class/thermal/thermal_zone[0-9]*/temp",
    "/sys/class/thermal/cooling_device[0-9]*/type",
    "/sys/class/thermal/cooling_device[0-9]*/cur_state",
    "/sys/class/hwmon/hwmon[0-9]*/name",
    "/sys/class/hwmon/hwmon[0-9]*/temp[0-9]*_input",
    "/sys/class/power_supply/*/type",
    "/sys/class/power_supply/*/capacity",
    "/sys/class/power_supply/*/status",
)


class System:
    """Where facts come from: files, and commands with a time limit.

    Args:
        root: Stands for ``/``.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")

    def read(self, path: str) -> str | None:
        """A small text file, without spaces around it; None where it can't be read or is empty."""
        try:
            with open(self._root + path, "rb") as file:
                text = file.read(_MAX_TEXT).decode(errors="replace").strip("\0 \t\r\n")
        except OSError:
            return None
        return text or None

    def find(self, pattern: str) -> list[str]:
        """Paths that match, numbers in the order of their value; not too many."""
        found = glob.glob(self._root + pattern)
        return sorted((path[len(self._root) :] for path in found), key=_by_number)[:_MAX_ENTRIES]

    def command(self, *words: str) -> str | None:
        """What a command prints; None where it is absent, fails or takes too long."""
        try:
            ran = subprocess.run(  # noqa: S603 (no shell, fixed words)
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_S, check=False
            )
        except (OSError, subprocess.SubprocessError):
            return None
        text = ran.stdout[:_MAX_TEXT].decode(errors="replace").strip()
        return text if text and not ran.returncode else None

    @property
    def architecture(self) -> str:
        """Architecture of the processor: ``x86_64``, ``aarch64``, ``armv7l``."""
        return platform.machine()

    @property
    def kernel(self) -> str:
        """Name and version of the kernel, such as ``Linux 6.1.0``."""
        return f"{platform.system()} {platform.release()}"

    @property
    def is_here(self) -> bool:
        """Whether this process runs on what is described; else it knows less."""
        return not self._root

    @property
    def is_mac(self) -> bool:
        """Whether this is macOS, where ``sysctl`` tells the facts."""
        return platform.system() == "Darwin" and self.is_here

    @property
    def is_android(self) -> bool:
        """Also in Termux, whose Python says that it is Linux."""
        return sys.platform == "android" or os.path.exists(self._root + "/system/build.prop")


def _by_number(path: str) -> list[tuple[int, str]]:
    return [(int(digits or 0), letters) for letters, digits in re.findall(r"([^\d]*)(\d*)", path)]


def parse_number(text: str | None) -> float | None:
    """A number from a text, None where it is none."""
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def is_x86(architecture: str) -> bool:
    """Whether a processor architecture is x86."""
    return architecture.lower() in ("x86_64", "amd64", "i686", "i386")


def is_foreign(where: System) -> bool:
    """Whether /proc/cpuinfo is another architecture's."""
    text = where.read("/proc/cpuinfo") or ""
    told = "x86" if re.search(r"^vendor_id\s*:", text, re.M) else "arm" if "CPU implementer" in text else None
    return told is not None and told != ("x86" if is_x86(where.architecture) else "arm")


def cpuinfo(where: System) -> list[dict[str, str]]:
    """One table a core, and on ARM one more of the whole board."""
    if is_foreign(where):
        return []
    tables: list[dict[str, str]] = [{}]
    for line in (where.read("/proc/cpuinfo") or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            tables[-1].setdefault(key.strip(), value.strip())
        elif not line.strip():
            tables.append({})
    return [table for table in tables if table]


def properties(where: System, *names: str) -> str | None:
    """Android's properties of these names with spaces between; None unless all are set."""
    if not where.is_android:
        return None
    values = [where.command("getprop", name) for name in names]
    told = [value for value in values if value and value.lower() != "unknown"]
    return " ".join(told) if len(told) == len(names) else None


def frequencies(where: System, name: str) -> dict[str, float]:
    """Clock of each core in MHz; sysfs has kHz."""
    found = {}
    for path in where.find(f"{CPU_FOLDER}/cpu[0-9]*/cpufreq/{name}"):
        khz = parse_number(where.read(path))
        if khz is not None:
            found[path.split("/")[5].removeprefix("cpu")] = khz / 1000
    return found
