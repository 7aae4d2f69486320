"""One model on this machine, behind a real sshd, behind a real adbd, and on arm64 under qemu, in one benchmark.

The servers run on loopback and stand in for a Raspberry Pi and a phone: they show that transports, resuming and
accuracies hold, and their latencies are left out. Photos are those that the model never saw.

    python benchmarks/devices.py model.tflite photos --out docs/results/devices.json
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from edgekit.bench.benchmark import benchmark
from edgekit.bench.options import BenchConfig
from edgekit.cli import console
from edgekit.cli.bench import print_bench
from edgekit.data.dataset import load_dataset
from edgekit.devices.parse import AnyDevice, open_devices
from edgekit.errors import EdgekitError
from edgekit.records import write_json

TESTS = Path(__file__).resolve().parents[1] / "tests"


def module(path: Path) -> ModuleType:
    """A file of the tests as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@contextlib.contextmanager
def stand_ins(folder: Path, interpreter: str) -> Iterator[list[AnyDevice]]:
    """Devices behind servers of this machine, and an emulated one behind the same sshd."""
    servers, arm64 = module(TESTS / "fixtures" / "servers.py"), module(TESTS / "conformance" / "arm64.py")
    machine, (major, minor) = arm64.machine(interpreter), arm64.find_qemu()[1]
    for name in ("sshd", "adbd"):
        (folder / name).mkdir()
    with contextlib.ExitStack() as opened:
        sshd = servers.Sshd(folder / "sshd")
        opened.callback(sshd.stop)
        adbd = servers.Adbd(folder / "adbd", arm64.adbd_root())
        opened.callback(adbd.stop)
        os.environ |= adbd.environment
        adbd.connect()
        ssh: dict[str, Any] = {"url": "ssh://plain", "ssh_config": sshd.folder / "ssh_config"}
        here = {"python": sys.executable}
        there = {"python": machine.python, "launcher": machine.launcher, "environment": machine.environment}
        tables = {
            "ssh": {**ssh, **here, "emulated": "this machine behind sshd on loopback"},
            "adb": {"url": f"adb://{adbd.serial}", **here, "emulated": "this machine behind adbd on loopback"},
            "arm64": {**ssh, **there, "emulated": f"qemu {major}.{minor} behind sshd on loopback"},
        }
        files = [
            str(servers.write_device(folder / f"{name}.toml", {"name": name, "folder": folder / name, **keys}))
            for name, keys in tables.items()
        ]
        devices = open_devices(files)
        for device in devices:
            opened.callback(device.close)
        yield devices


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--interpreter", default="litert", help="of arm64 (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=BenchConfig().repeats)
    options = parser.parse_args()
    config = BenchConfig(repeats=options.repeats, timeout_s=600)
    try:
        with tempfile.TemporaryDirectory() as folder, console.progress() as progress:
            dataset = load_dataset(options.photos, progress=progress)
            with stand_ins(Path(folder), options.interpreter) as devices:
                record = benchmark(
                    options.model, dataset, config, devices=[*open_devices(["local"]), *devices], progress=progress
                )
    except EdgekitError as mistake:
        sys.exit(f"error: {mistake}")
    write_json(options.out, record)
    print_bench(record)


if __name__ == "__main__":
    main()
