"""How a machine is doing: clocks, temperatures, throttling, battery, load. What can't be read is None."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.runtime.agent.system import CPU_FOLDER, System, cpuinfo, frequencies, parse_number

# Of the Raspberry Pi's firmware: what holds now. The same bits 16 higher say that it once did.
_PI_FLAGS = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}
# android.os.BatteryManager.
_ANDROID_BATTERY = {"2": "charging", "3": "discharging", "4": "not charging", "5": "full"}
# Sensors that are broken or absent tell such things as -274 or 250.
_PLAUSIBLE_C = (-40.0, 150.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """Temperature of one sensor, in °C."""

    sensor: str
    celsius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a machine is doing at this moment.

    Attributes:
        clocks_mhz: The present clock of each core in MHz, in order of the cores.
        governors: Names of the policies that choose the clocks; more than one where clusters differ.
        throttling: What slows the machine now (``under-voltage``); empty where it tells that nothing does.
        battery_percent: None also where there is no battery.
        battery: ``charging``, ``discharging``, ``not charging`` or ``full``.
        load: Mean number of processes that wanted to run, over the last minute.
    """

    clocks_mhz: tuple[float, ...] | None
    governors: tuple[str, ...] | None
    temperatures: tuple[Temperature, ...] | None
    throttling: tuple[str, ...] | None
    battery_percent: float | None
    battery: str | None
    load: float | None

    @property
    def hottest_c(self) -> float | None:
        """The highest of the temperatures."""
        return max((one.celsius for one in self.temperatures or ()), default=None)


def read_state(system: System | None = None) -> State:
    """Read what changes: clocks, temperatures, throttling, battery and load."""
    where = system or System()
    battery_percent, battery = _battery(where)
    governors = [where.read(path) for path in where.find(f"{CPU_FOLDER}/cpu[0-9]*/cpufreq/scaling_governor")]
    load = (where.read("/proc/loadavg") or "").split()
    return State(
        clocks_mhz=_clocks(where),
        governors=tuple(dict.fromkeys(one for one in governors if one)) or None,
        temperatures=_temperatures(where),
        throttling=_throttling(where),
        battery_percent=battery_percent,
        battery=battery,
        load=parse_number(load[0]) if load else None,
    )


def _clocks(where: System) -> tuple[float, ...] | None:
    now = tuple(frequencies(where, "scaling_cur_freq").values())
    told = [parse_number(table.get("cpu MHz")) for table in cpuinfo(where)]
    return now or tuple(mhz for mhz in told if mhz is not None) or None


def _temperatures(where: System) -> tuple[Temperature, ...] | None:
    zones, name = where.find("/sys/class/thermal/thermal_zone[0-9]*/temp"), "type"
    if not zones:
        zones, name = where.find("/sys/class/hwmon/hwmon[0-9]*/temp[0-9]*_input"), "name"
    temperatures = []
    for path in zones:
        folder, milli_c = path.rpartition("/")[0], parse_number(where.read(path))
        if milli_c is not None and _PLAUSIBLE_C[0] <= (celsius := round(milli_c / 1000, 1)) <= _PLAUSIBLE_C[1]:
            sensor = where.read(f"{folder}/{name}") or folder.rpartition("/")[2]
            temperatures.append(Temperature(sensor=sensor, celsius=celsius))
    return tuple(temperatures) or None


def _throttling(where: System) -> tuple[str, ...] | None:
    told = where.read("/sys/devices/platform/soc/soc:firmware/get_throttled")
    if told is None and "raspberry" in (where.read("/proc/device-tree/model") or "").lower():
        told = (where.command("vcgencmd", "get_throttled") or "").partition("=")[2]
    slowed, readable = [], False
    if told and re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", told):
        readable = True
        slowed += [name for bit, name in _PI_FLAGS.items() if int(told, 16) >> bit & 1]
    for path in where.find("/sys/class/thermal/cooling_device[0-9]*/cur_state"):
        kind, level = where.read(f"{path.rpartition('/')[0]}/type") or "", parse_number(where.read(path))
        if level is not None and kind.lower().startswith(("cpufreq", "thermal-cpufreq", "processor", "cpu")):
            readable = True
            slowed += [f"{kind} cooled by {level:g} steps"] if level > 0 else []
    return tuple(slowed) if readable else None


def _battery(where: System) -> tuple[float | None, str | None]:
    if where.is_android:
        told = dict(re.findall(r"^\s*(level|scale|status): (\d+)$", where.command("dumpsys", "battery") or "", re.M))
        scale = int(told.get("scale", "100"))
        if "level" in told and scale:
            return 100 * int(told["level"]) / scale, _ANDROID_BATTERY.get(told.get("status", ""))
    for path in where.find("/sys/class/power_supply/*/capacity"):
        folder = path.rpartition("/")[0]
        if where.read(f"{folder}/type") == "Battery":
            return parse_number(where.read(path)), (where.read(f"{folder}/status") or "").lower() or None
    return None, None
