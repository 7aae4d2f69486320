"""An adb of a phone with Android 6 or older: one stream for both, CRLF, and 0 for whatever a command ends with."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from edgekit.devices.adb import attached
from edgekit.devices.parse import DeviceEntry, open_entries
from edgekit.errors import DeviceError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a stand-in for adb in shell")

# It runs what it is given on this machine. The linker warns before each program, as old ones do.
ADB = """\
#!/bin/bash
crlf() { sed 's/$/\\r/'; }
case "$1" in
  devices)
    printf '* daemon not running; starting now at tcp:5037\\n* daemon started successfully\\n'
    printf 'List of devices attached\\nOLD6\\tdevice\\n\\n'
    exit 0 ;;
esac
shift 2
verb="$1"; shift
case "$verb" in
  shell)
    { echo "WARNING: linker: app_process: unused DT entry" >&2; PATH="$DEVICE_PATH" /bin/sh -c "$*"; } \
      2>&1 | crlf
    exit 0 ;;
  push)
    to="${@: -1}"; mkdir -p "$to"; cp -L "${@:1:$#-1}" "$to" ;;
esac
"""

# A Python that says something on stderr before and among what it prints.
NOISY = """\
#!/bin/sh
echo "WARNING: linker: libpython: has text relocations" >&2
exec {python} "$@"
"""


@pytest.fixture
def old_adb(tmp_path, monkeypatch):
    """``old_adb()``: a device behind such an adb; ``python=False`` without a Python on it."""

    def make(*, python=True, folder=None):
        here, there = tmp_path / "bin", tmp_path / "there"
        for place in (here, there):
            place.mkdir(exist_ok=True)
        _program(here / "adb", ADB)
        if python:
            _program(there / "python3", NOISY.format(python=sys.executable))
        for name in ("sh", "mkdir", "mv", "cat", "rm", "df", "sed", "kill", "ls"):
            if not (there / name).exists():
                (there / name).symlink_to(f"/bin/{name}")
        monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("DEVICE_PATH", str(there))
        (device,) = open_entries([DeviceEntry(url="adb://OLD6", folder=str(folder or tmp_path / "phone"))])
        return device

    return make


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_it_is_found_behind_a_daemon_that_starts(old_adb):
    old_adb()
    assert attached() == {"OLD6": "device"}


def test_it_tells_what_it_is(old_adb):
    probe = old_adb().probe()
    assert probe.modules["numpy"].version
    assert probe.machine.cores >= 1


def test_photos_are_classified_there(old_adb, red_blue_file, red_photos):
    device = old_adb()
    model, *there = device.push([red_blue_file, *red_photos])
    rows = [json.loads(line) for line in device.run(["classify", model, *there])]
    assert [row["label"] for row in rows] == ["genuine"] * len(red_photos)


def test_what_fails_there_is_told_with_its_exit_code(old_adb, red_photos):
    device = old_adb()
    with pytest.raises(DeviceError, match=r"ended with exit code 2: (?s:.*)no such model file"):
        list(device.run(["classify", "/nowhere/model.tflite", *device.push(red_photos)]))


def test_a_phone_without_a_python(old_adb):
    with pytest.raises(DeviceError, match="no Python there"):
        old_adb(python=False).probe()


def test_a_folder_that_cannot_be_written(old_adb, red_photos, tmp_path):
    (tmp_path / "file").write_text("in the way")
    device = old_adb(folder=tmp_path / "file" / "phone")
    with pytest.raises(DeviceError, match=r"can't write to .*/file/phone: .*(Not a directory|exists|cannot)"):
        device.push(red_photos)
