"""Real servers on loopback: an sshd with devices of several kinds behind it, and an adbd."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import DeviceError
from edgekit.transports.parse import open_device

HERE = Path(__file__).resolve().parent


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"transports_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


servers = _module(HERE / "servers.py")


@pytest.fixture(scope="session")
def arm64() -> ModuleType:
    pytest.importorskip("fcntl", reason="arm64 runs under qemu on Linux alone")
    return _module(HERE.parent / "conformance" / "arm64.py")


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> list[Path]:
    """Eight red photos, no two alike."""
    folder = tmp_path_factory.mktemp("photos")
    files = []
    for number in range(8):
        pixels = np.full((60, 80, 3), (255, 0, 0), np.uint8)
        pixels[0, 0] = number
        files.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    return files


def processes_of(folder: Path) -> list[int]:
    """Processes that have a folder in their environment: those that a device started there."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if b"PYTHONPATH=" + os.fsencode(folder) in file.read_bytes():
                found.append(int(file.parent.name))
    return found


@pytest.fixture(scope="session")
def gone() -> Callable[[Path], bool]:
    """``gone(folder)``: whether no process of a device in that folder runs any more, within ten seconds."""

    def wait(folder):
        for _ in range(200):
            if not processes_of(folder):
                return True
            time.sleep(0.05)
        return False

    return wait


@pytest.fixture(scope="session")
def sshd(tmp_path_factory) -> Iterator[Any]:
    try:
        server = servers.Sshd(tmp_path_factory.mktemp("sshd"))
    except servers.Unavailable as reason:
        pytest.skip(str(reason))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def write_device() -> Callable[..., Path]:
    """``write_device(file, {"url": "local"})``"""
    return servers.write_device


@pytest.fixture
def ssh_device(sshd, tmp_path) -> Iterator[Callable[..., object]]:
    """``ssh_device("plain", python=…)``: a device of the sshd; its files go below tmp_path unless told otherwise."""
    opened = []

    def make(key="plain", **keys):
        given = {
            "url": f"ssh://{key}",
            "ssh_config": sshd.folder / "ssh_config",
            "python": sys.executable,
            "folder": tmp_path / "remote",
            **keys,
        }
        file = servers.write_device(tmp_path / f"{key}.toml", given)
        opened.append(open_device(str(file)))
        return opened[-1]

    yield make
    for device in opened:
        device.close()


@pytest.fixture(scope="session")
def adbd(tmp_path_factory, arm64) -> Iterator[Any]:
    try:
        server = servers.Adbd(tmp_path_factory.mktemp("adbd"), arm64.adbd_root())
    except (arm64.Unavailable, servers.Unavailable) as reason:
        pytest.skip(f"no adbd here: {reason}")
    server.connect()
    yield server
    server.stop()


@pytest.fixture
def adb_device(adbd, tmp_path, monkeypatch) -> Iterator[Callable[..., object]]:
    """``adb_device(python=…)``: the device of the adbd; its files go below tmp_path."""
    for name, value in adbd.environment.items():
        monkeypatch.setenv(name, value)

    def make(**keys):
        given = {"url": f"adb://{adbd.serial}", "python": sys.executable, "folder": tmp_path / "remote", **keys}
        return open_device(str(servers.write_device(tmp_path / "phone.toml", given)))

    yield make
    if f"{adbd.serial}\tdevice" not in adbd.adb("devices"):
        adbd.restart()


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> Path:
    """A Python without any package."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def fails_with() -> Callable[..., object]:
    """``with fails_with("text"):``: a DeviceError whose message has it."""
    return lambda *texts: pytest.raises(DeviceError, match="(?s)" + ".*".join(texts))


@pytest.fixture(scope="session")
def read_and_cut() -> Callable[..., None]:
    """``read_and_cut(lines, cut, into)``: read JSON lines into a list, and call ``cut`` after the third."""

    def read(lines, cut, into):
        for line in lines:
            into.append(json.loads(line))
            if len(into) == 3:
                cut()

    return read
