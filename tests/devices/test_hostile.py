"""Devices that answer nonsense, floods or nothing: one error within the time limit, and nothing that grows."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from edgekit.devices.native import parse_native
from edgekit.devices.parse import read_device_file
from edgekit.devices.process import run_lines, run_to_end
from edgekit.devices.remote import read_probe
from edgekit.devices.survey import ask_device
from edgekit.errors import DeviceError, DeviceTimeout

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and process groups are POSIX's")


def python(source):
    return [sys.executable, "-c", source]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("while 1: print('x' * 100000, end='')", id="no-line-end"),
        pytest.param("while 1: print('x' * 1000)", id="lines"),
    ],
)
def test_an_answer_without_end(source):
    with pytest.raises(DeviceError, match="its answer has more than"):
        run_to_end(python(source), 30, name="it")


def test_a_line_without_end():
    with pytest.raises(DeviceError, match="a line of its answer has more than"):
        list(run_lines(python("while 1: print('x' * 100000, end='')"), 30, name="it"))


def test_complaints_without_end():
    source = "import sys\nwhile 1: sys.stderr.write('oh no' * 100000)"
    with pytest.raises(DeviceError, match=r"complains without end.*oh no"):
        run_to_end(python(source), 60, name="it")


def test_a_line_that_drips_is_silence():
    source = "import time\nwhile 1: print('x', end='', flush=True); time.sleep(0.1)"
    with pytest.raises(DeviceTimeout):
        list(run_lines(python(source), 1, name="it"))


def test_what_a_wrapper_left_behind_holds_nobody_up():
    began = time.monotonic()
    with pytest.raises(DeviceTimeout):
        run_to_end(["sh", "-c", "sleep 60 & sleep 60"], 1, name="it")
    assert time.monotonic() - began < 20


def test_a_line_that_breaks_off_is_none():
    assert list(run_lines(python("print('whole'); print('bro', end='')"), 30, name="it")) == ["whole"]


def test_a_command_with_a_nul():
    with pytest.raises(DeviceError, match="can't start"):
        run_to_end(["echo", "a\0b"], 5, name="it")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("[" * 90_000, "no JSON", id="deep"),
        pytest.param("[" * 200_000, "at most 100000 characters", id="long"),
        pytest.param("[]", "must be an object", id="list"),
        pytest.param(json.dumps({f"key{n}": 1 for n in range(5000)}), "unknown", id="keys"),
    ],
)
def test_probes_that_are_none(line, complaint):
    with pytest.raises(DeviceError, match=complaint) as told:
        read_probe(line, "it")
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"free_bytes": 10**400}, id="huge-number"),
        pytest.param({"python": f"{'9' * 5000}.{'9' * 5000}"}, id="huge-version"),
        pytest.param({"modules": {}, "executable": "x" * 50_000}, id="long-path"),
    ],
)
def test_probes_that_lie_are_reported_in_short(tmp_path, write_device, changed):
    from fixtures.devices import open_device

    there = tmp_path / "python"
    there.write_text(
        f"#!{sys.executable}\nimport json, subprocess, sys\n"
        f"told = json.loads(subprocess.run([{sys.executable!r}, *sys.argv[1:]], stdout=-1).stdout)\n"
        f"print(json.dumps(told | {changed!r}))\n"
    )
    there.chmod(0o755)
    device = open_device(str(write_device(tmp_path / "it.toml", {"url": "local", "python": there})))
    problem = ask_device(device).problem
    assert 0 < len(problem) <= 2000


class TestNative:
    def summary(self, mean="4000", count="5", rest=""):
        return (
            f"count={count} curr=4000{rest}\n"
            f"Inference timings in us: Init: 1, First inference: 1, Warmup (avg): 1, Inference (avg): {mean}\n"
        )

    @pytest.mark.parametrize("mean", ["nan", "-5", "1e999", "1e300", "0"])
    def test_times_that_are_none(self, mean):
        with pytest.raises(DeviceError, match="must count runs and their times"):
            parse_native(self.summary(mean), name="phone")

    def test_no_runs(self):
        with pytest.raises(DeviceError, match="must count runs and their times"):
            parse_native(self.summary(count="0"), name="phone")

    def test_a_flood_of_letters_takes_no_time(self):
        began = time.monotonic()
        assert parse_native(self.summary(rest=" " + "a" * 150_000), name="phone").n == 5
        assert time.monotonic() - began < 5


class TestDeviceFile:
    def test_pipes_and_devices(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.toml")
        (tmp_path / "zero.toml").symlink_to("/dev/zero")
        for name in ("pipe.toml", "zero.toml"):
            with pytest.raises(DeviceError, match="must be a file, got a pipe or a device"):
                read_device_file(tmp_path / name)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("a = " + "[" * 50_000, "must be TOML"),
            ("[[device]]\nurl = 'ssh://x'\nssh_config = \"a\\u0000b\"", "must be printable"),
            ("[[device]]\nurl = 'local'\nemulated = \"\\u001b[31m\"", "must be printable"),
            (f"[[device]]\nurl = 'local'\nname = '{'n' * 101}'", "at most 100 characters"),
        ],
    )
    def test_mistakes(self, tmp_path, text, complaint):
        (tmp_path / "it.toml").write_text(text)
        with pytest.raises(DeviceError, match=complaint):
            read_device_file(tmp_path / "it.toml")

    def test_a_home_that_nobody_has(self, tmp_path):
        (tmp_path / "it.toml").write_text("[[device]]\nurl = 'ssh://x'\nssh_config = '~nobody-at-all/config'")
        (entry,) = read_device_file(tmp_path / "it.toml")
        assert entry.ssh_config.endswith("~nobody-at-all/config")
