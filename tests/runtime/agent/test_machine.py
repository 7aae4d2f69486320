"""What machines say of themselves, in the forms that their kernels have; and this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.records import from_plain, plain
from edgekit.runtime.agent import machine as machine_module
from edgekit.runtime.agent.machine import Machine, int8_instructions, processor, read_machine, usable_cores
from edgekit.runtime.agent.system import System

CPU = "sys/devices/system/cpu"


class Made(System):
    """A machine of files below a folder, with another architecture than this one's."""

    def __init__(self, root, architecture, commands=None):
        super().__init__(str(root))
        self._architecture, self._commands = architecture, commands or {}

    @property
    def architecture(self):
        return self._architecture

    def command(self, *words):
        return self._commands.get(" ".join(words))


def arm_core(number, part):
    features = "fp asimd evtstrm aes crc32" + (" asimddp" if part == "0xd0b" else "")
    return (
        f"processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\n"
        f"CPU part\t: {part}\n\n"
    )


def test_a_raspberry_pi(raspberry):
    told = read_machine(Made(raspberry, "aarch64", {"vcgencmd get_throttled": "throttled=0x50005"}))
    assert (told.name, told.soc) == ("Raspberry Pi 4 Model B Rev 1.4", "brcm,bcm2711")
    assert told.system == "Debian GNU/Linux 12 (bookworm)"
    assert (told.cores, told.memory_mb, told.int8_instructions) == (4, 3793, ())
    assert plain(told.clusters) == [{"cores": [0, 1, 2, 3], "core": "Cortex-A72", "max_mhz": 1800.0}]
    assert (told.virtual, told.emulated) == (None, False)
    state = told.state
    assert (state.clocks_mhz, state.governors, state.load) == ((600.0,) * 4, ("ondemand",), 0.52)
    assert (state.hottest_c, state.throttling) == (48.7, ("under-voltage", "throttled"))
    assert (state.battery_percent, state.battery) == (None, None)


def test_a_phone_with_big_and_little_cores(write):
    root = write(
        {
            "proc/cpuinfo": "".join(arm_core(n, "0xd05" if n < 6 else "0xd0b") for n in range(8)),
            "system/build.prop": "",
            **{f"{CPU}/cpu{n}/cpufreq/cpuinfo_max_freq": f"{1800000 if n < 6 else 2200000}" for n in range(8)},
            "sys/class/thermal/thermal_zone0/type": "soc",
            "sys/class/thermal/thermal_zone0/temp": "35100",
            "sys/class/thermal/thermal_zone1/type": "broken",
            "sys/class/thermal/thermal_zone1/temp": "-274000",
            "sys/class/thermal/thermal_zone10/type": "cpu-big",
            "sys/class/thermal/thermal_zone10/temp": "61300",
            "sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0",
            "sys/class/thermal/cooling_device0/cur_state": "3",
            "sys/class/thermal/cooling_device1/type": "thermal-cpufreq-1",
            "sys/class/thermal/cooling_device1/cur_state": "0",
            "sys/class/thermal/cooling_device2/type": "backlight",
            "sys/class/thermal/cooling_device2/cur_state": "9",
        }
    )
    commands = {
        "getprop ro.product.manufacturer": "Google",
        "getprop ro.product.model": "Pixel 6",
        "getprop ro.soc.manufacturer": "Google",
        "getprop ro.soc.model": "GS101",
        "getprop ro.build.version.release": "14",
        "dumpsys battery": "Current Battery Service state:\n  AC powered: false\n"
        "  status: 3\n  level: 43\n  scale: 50\n",
    }
    told = read_machine(Made(root, "aarch64", commands))
    assert (told.name, told.soc, told.system) == ("Google Pixel 6", "Google GS101", "Android 14")
    assert [(one.cores, one.core, one.max_mhz) for one in told.clusters] == [
        ((0, 1, 2, 3, 4, 5), "Cortex-A55", 1800.0),
        ((6, 7), "Cortex-A76", 2200.0),
    ]
    assert told.int8_instructions == ("asimddp",)
    assert [(one.sensor, one.celsius) for one in told.state.temperatures] == [("soc", 35.1), ("cpu-big", 61.3)]
    assert told.state.throttling == ("thermal-cpufreq-0 cooled by 3 steps",)
    assert (told.state.battery_percent, told.state.battery) == (86.0, "discharging")


def test_a_laptop(write):
    root = write(
        {
            "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some Laptop CPU\n"
            "cpu MHz\t\t: 800.5\nflags\t\t: fpu sse avx2 avx_vnni\n\n",
            "sys/class/dmi/id/sys_vendor": "LENOVO\n",
            "sys/class/dmi/id/product_name": "20XW\n",
            "sys/class/hwmon/hwmon2/name": "coretemp\n",
            "sys/class/hwmon/hwmon2/temp1_input": "51000\n",
            "sys/class/power_supply/AC/type": "Mains\n",
            "sys/class/power_supply/BAT0/type": "Battery\n",
            "sys/class/power_supply/BAT0/capacity": "77\n",
            "sys/class/power_supply/BAT0/status": "Charging\n",
        }
    )
    told = read_machine(Made(root, "x86_64"))
    assert (told.name, told.soc, told.int8_instructions, told.virtual) == (
        "LENOVO 20XW",
        "Some Laptop CPU",
        ("avx_vnni",),
        False,
    )
    assert (told.state.clocks_mhz, told.state.hottest_c) == ((800.5,), 51.0)
    assert (told.state.battery_percent, told.state.battery) == (77.0, "charging")
    assert told.state.throttling is None


def test_nothing_is_guessed_from_the_processor_of_an_emulators_host(write):
    root = write(
        {"proc/cpuinfo": "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t: avx512_vnni\ncpu MHz\t: 2400\n\n"}
    )
    told = read_machine(Made(root, "aarch64"))
    assert told.emulated
    assert (told.soc, told.int8_instructions, told.clusters, told.virtual) == (None, None, None, None)
    assert told.state.clocks_mhz is None


def test_what_can_not_be_read_is_none(tmp_path):
    told = read_machine(Made(tmp_path, "riscv64"))
    kept = {name for name, value in plain(told).items() if value is not None}
    assert kept == {"architecture", "system", "kernel", "emulated", "state"}
    assert set(plain(told.state).values()) == {None}


@pytest.mark.parametrize("junk", ["", "\0\0", "what\n: :\n", "processor: x\nFeatures\n", "MemTotal: many kB"])
def test_junk_in_files_is_not_an_error(write, junk):
    root = write(
        dict.fromkeys(["proc/cpuinfo", "proc/meminfo", "proc/loadavg", f"{CPU}/cpu0/cpufreq/scaling_cur_freq"], junk)
    )
    told = read_machine(Made(root, "aarch64"))
    assert (told.memory_mb, told.state.load, told.state.clocks_mhz) == (None, None, None)


class TestHere:
    def test_it_comes_back_from_json(self):
        told = read_machine()
        assert from_plain(Machine, json.loads(json.dumps(plain(told))), where="machine") == told
        assert told.python == ".".join(map(str, sys.version_info[:3]))
        assert told.usable_cores == usable_cores()

    def test_records_have_the_words_that_they_had(self):
        assert processor()
        told = int8_instructions()
        assert told is None or set(told) <= machine_module.DOT_PRODUCTS

    def test_the_command(self):
        ran = subprocess.run(
            [sys.executable, "-m", "edgekit.runtime", "machine"], capture_output=True, text=True, check=True
        )
        assert from_plain(Machine, json.loads(ran.stdout), where="machine").architecture

    def test_it_needs_the_standard_library_alone(self):
        """Its three files work without edgekit and numpy around them, as the probe sends them."""
        folder = Path(machine_module.__file__).parent
        for name in ("system", "sensors", "machine"):
            source = (folder / f"{name}.py").read_text(encoding="utf-8")
            imported = {line.split()[1] for line in source.splitlines() if line.startswith(("from ", "import "))}
            own = {f"edgekit.runtime.agent.{one}" for one in ("system", "sensors")}
            assert {one for one in imported if one.partition(".")[0] not in sys.stdlib_module_names} <= own
