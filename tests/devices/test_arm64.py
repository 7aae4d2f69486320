"""An arm64 Python under qemu as a device: here, and behind ssh."""

from __future__ import annotations

import json

import pytest
from fixtures.devices import open_device

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keys(arm64):
    """What a device file says of it."""
    try:
        machine = arm64.machine("tflite-runtime")
    except arm64.Unavailable as reason:
        pytest.skip(f"no arm64 here: {reason}")
    major, minor = arm64.find_qemu()[1]
    return {
        "python": machine.python,
        "launcher": machine.launcher,
        "environment": machine.environment,
        "emulated": f"qemu {major}.{minor}",
    }


def check(device, model_file, photo_file):
    machine = device.probe().machine
    assert machine.architecture == "aarch64"
    assert device.emulated.startswith("qemu ")
    # qemu 7 shows the host's /proc/cpuinfo, from which nothing may be concluded.
    assert machine.emulated or machine.clusters
    assert not any("avx" in name for name in machine.int8_instructions or ())
    assert device.probe().interpreters == ("tflite-runtime 2.14.0",)
    return device.push([model_file, photo_file])


def test_here(keys, write_device, red_blue_file, red_photos, tmp_path):
    file = write_device(tmp_path / "arm64.toml", {"url": "local", "folder": tmp_path, **keys})
    device = open_device(str(file))
    (row,) = [json.loads(line) for line in device.run(["classify", *check(device, red_blue_file, red_photos[0])])]
    assert (row["label"], row["interpreter"]) == ("genuine", "tflite-runtime 2.14.0")
    device.close()


def test_behind_ssh(keys, ssh_device, red_blue_file, red_photos):
    """With a cold start: the process that the runtime starts of itself goes through the emulator, too."""
    device = ssh_device(**keys)
    there = check(device, red_blue_file, red_photos[0])
    (row,) = [json.loads(line) for line in device.run(["time", *there, "--runs", "2", "--warmup", "0"])]
    assert row["interpreter"] == "tflite-runtime 2.14.0"
    assert row["cold_start_ms"] > row["first_ms"] > 0
