"""What is missing on a device, and which wheels there are for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixtures.devices import open_device

from edgekit.devices.remote import read_probe
from edgekit.devices.wheels import Module, missing
from edgekit.errors import DeviceError


@pytest.fixture(scope="module")
def complete():
    """What this Python tells of itself, which has everything."""
    probe = open_device("local").probe()
    return replace(probe, executable="/usr/bin/python3", modules={**probe.modules, "litert": Module(version="2.3.0")})


@pytest.fixture(scope="module")
def empty(complete):
    nothing = dict.fromkeys(complete.modules)
    return replace(
        complete, python="3.11.2", system="Linux", architecture="aarch64", libc="glibc 2.36", bits=64, modules=nothing
    )


def test_nothing(complete):
    assert missing(complete) is None
    assert complete.interpreters[0] == "litert 2.3.0"


@pytest.mark.parametrize(
    ("change", "platform", "wants"),
    [
        ({}, "linux-aarch64", "ai-edge-litert"),
        ({"architecture": "x86_64"}, "linux-x86_64", "ai-edge-litert"),
        ({"system": "Darwin", "architecture": "arm64", "libc": ""}, "darwin-arm64", "ai-edge-litert"),
        # A 64-bit kernel below a 32-bit Raspberry Pi OS.
        ({"bits": 32}, "linux-armv7l", "tflite-runtime 'numpy<2'"),
    ],
)
def test_the_pip_line(empty, change, platform, wants):
    probe = replace(empty, **change)
    assert probe.platform == platform
    needs = missing(probe)
    assert "lacks numpy and pillow and a TFLite interpreter" in needs
    assert needs.endswith(wants)


@pytest.mark.parametrize(
    ("change", "platform"),
    [
        ({"libc": ""}, "linux-musl-aarch64"),
        ({"is_android": True, "libc": ""}, "android-aarch64"),
        ({"bits": 32, "python": "3.13.1"}, "linux-armv7l"),
        ({"architecture": "armv6l", "bits": 32}, "linux-armv6l"),
        ({"python": "3.15.0"}, "linux-aarch64"),
        ({"libc": "glibc 2.24"}, "linux-aarch64"),
        ({"implementation": "PyPy"}, "linux-aarch64"),
        ({"system": "Darwin", "architecture": "x86_64"}, "darwin-x86_64"),
    ],
)
def test_no_wheel_fits(empty, change, platform):
    probe = replace(empty, **change)
    assert probe.platform == platform
    told = missing(probe)
    assert "no wheel of one fits" in told
    assert "ai-edge-litert: CPython 3.10 to 3.14 on linux-x86_64, linux-aarch64, darwin-arm64" in told
    assert "tflite-runtime: CPython 3.9 to 3.11 on linux-x86_64, linux-aarch64, linux-armv7l" in told


def test_debians_own_python_takes_packages_in_a_virtual_environment_alone(empty):
    told = missing(replace(empty, is_managed=True))
    assert "/usr/bin/python3 -m venv ~/edgekit-venv && ~/edgekit-venv/bin/pip install" in told
    assert 'python = "~/edgekit-venv/bin/python"' in told


def test_a_broken_numpy(complete):
    probe = replace(complete, modules={**complete.modules, "numpy": Module(broken="libopenblas.so.0: no such file")})
    assert "can't import numpy (libopenblas.so.0: no such file); reinstall there" in missing(probe)


def test_numbers_that_no_version_has(complete):
    strange = replace(complete, python="9" * 5000 + ".1", libc="glibc 2." + "9" * 5000)
    assert (strange.version, strange.glibc) == ((0, 0), None)
    assert "is too old" in missing(strange)


def test_an_old_python(complete):
    assert "is too old: the runtime needs 3.10" in missing(replace(complete, python="3.9.2", modules={}, machine=None))


@pytest.mark.parametrize("line", ["", "null", "[]", '{"python": 3}', "\x1b[31m", "[" * 100_000])
def test_answers_that_are_none(line):
    with pytest.raises(DeviceError, match=r"^kitchen: "):
        read_probe(line, "kitchen")
