"""A job that tests run and change, and machines made of files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.runtime.agent.job import Job, Setting
from edgekit.runtime.agent.pace import Pace


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Five photos with a colour gradient each, so that crops differ."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(5):
        pixels = rng.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 48)).save(folder / f"{number}.png")
    return tuple(str(folder / f"{number}.png") for number in range(5))


FAST = Pace(warmup_runs=1, warmup_s=0, min_runs=20, min_s=0, repeats=2, cold_starts=1)


ONE, TWO, PLAIN = Setting(crops=1, threads=1), Setting(crops=4, threads=2), Setting(crops=1, threads=1, delegate="none")


@pytest.fixture
def job(red_blue_file, photos):
    return Job(model=str(red_blue_file), photos=photos, crops=4, timed=(0, 3, 4), settings=(ONE, TWO), pace=FAST)


CPU = "sys/devices/system/cpu"


@pytest.fixture
def write(tmp_path):
    def write(files):
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return write


def arm_core(number, part):
    features = "fp asimd evtstrm aes crc32" + (" asimddp" if part == "0xd0b" else "")
    return (
        f"processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\n"
        f"CPU part\t: {part}\n\n"
    )


@pytest.fixture
def raspberry(write):
    """A Raspberry Pi 4."""
    return write(
        {
            "proc/cpuinfo": "".join(arm_core(n, "0xd08") for n in range(4))
            + "Hardware\t: BCM2835\nRevision\t: d03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
            "proc/meminfo": "MemTotal:        3884376 kB\nMemFree:  100 kB\n",
            "proc/loadavg": "0.52 0.58 0.59 1/467 1234\n",
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian"\n',
            **{f"{CPU}/cpu{n}/cpufreq/cpuinfo_max_freq": "1800000\n" for n in range(4)},
            **{f"{CPU}/cpu{n}/cpufreq/scaling_cur_freq": "600000\n" for n in range(4)},
            **{f"{CPU}/cpu{n}/cpufreq/scaling_governor": "ondemand\n" for n in range(4)},
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "48686\n",
        }
    )
