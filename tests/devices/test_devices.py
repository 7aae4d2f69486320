"""``edgekit devices`` and ``doctor`` with real servers, and with a broken numpy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace

import pytest
from PIL import Image
from typer.testing import CliRunner

from edgekit.cli import app
from edgekit.devices import doctor
from edgekit.devices.local import LocalDevice
from edgekit.errors import EXTRA_OF, DeviceError, pip_line
from edgekit.runtime.agent.machine import read_machine


@pytest.fixture
def edgekit(tmp_path, monkeypatch):
    """``edgekit("devices")`` in an empty folder: exit code, output and notes."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        ran = CliRunner().invoke(app, words)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran.exit_code, ran.stdout, ran.stderr

    return run


@pytest.fixture
def two_hosts(sshd, tmp_path):
    """A device file: one that can be reached, one that can't."""
    common = f'python = "{sys.executable}"\nssh_config = "{sshd.folder}/ssh_config"\nfolder = "{tmp_path}/remote"\n'
    (tmp_path / "devices.toml").write_text(
        f'[[device]]\nname = "kitchen"\nurl = "ssh://plain"\n{common}'
        f'[[device]]\nname = "cellar"\nurl = "ssh://closed"\n{common}'
    )
    return tmp_path / "devices.toml"


@pytest.fixture
def no_adb(monkeypatch, tmp_path):
    """A PATH with ssh alone."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").symlink_to("/usr/bin/ssh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_this_machine_alone(edgekit, no_adb):
    code, output, notes = edgekit("devices", "--json")
    (told,) = json.loads(output)
    assert (code, told["name"], told["reachable"], told["problem"]) == (0, "local", True, "")
    assert told["machine"]["cores"] >= 1
    assert told["interpreters"]
    assert "adb is not installed" in notes


def test_a_file_in_the_folder_is_read(edgekit, two_hosts, no_adb):
    code, output, _ = edgekit("devices", "--json")
    told = {one["name"]: one for one in json.loads(output)}
    assert (code, list(told)) == (0, ["local", "kitchen", "cellar"])
    assert [one["reachable"] for one in told.values()] == [True, True, False]
    assert told["kitchen"]["machine"]["memory_mb"] == told["local"]["machine"]["memory_mb"]
    assert "refused" in told["cellar"]["problem"]


def test_a_device_that_was_asked_for_must_answer(edgekit, two_hosts):
    code, output, notes = edgekit("devices", str(two_hosts))
    assert code == 1
    assert "kitchen" in output
    assert "cellar: can't be reached by ssh" in notes


def test_phones_are_found(edgekit, adb_device, adbd):
    # The fixture leads adb to the test's own server; that phone has no Python in its PATH.
    adb_device()
    code, output, _ = edgekit("devices", "--json")
    here, phone = json.loads(output)
    assert (code, phone["name"], phone["kind"]) == (0, f"adb://{adbd.serial}", "adb")
    assert phone["reachable"]
    assert "no Python there" in phone["problem"]
    assert phone["machine"]["memory_mb"] == here["machine"]["memory_mb"]
    assert edgekit("devices", f"adb://{adbd.serial}")[0] == 0
    assert edgekit("devices", "adb://R58M")[0] == 1


def test_both_ways_to_choose(edgekit, two_hosts):
    with pytest.raises(DeviceError, match="not both"):
        edgekit("devices", "local", "--file", str(two_hosts))


class TestDoctor:
    def test_this_machine_runs_a_model(self, edgekit):
        code, output, _ = edgekit("doctor", "--json")
        told = json.loads(output)
        working = [one for one in told["interpreters"] if one["works"]]
        assert (code, told["can_run"], told["problem"]) == (0, True, "")
        assert all("classified a photo in" in one["told"] for one in working)
        assert all(not one["complaint"] and one["free_mb"] > 0 for one in told["folders"])

    def test_its_table(self, edgekit):
        code, output, notes = edgekit("doctor")
        assert code == 0
        assert "8-bit dot products" in notes
        assert all(f"extra {extra}" in output for extra in EXTRA_OF.values())

    def test_a_broken_numpy(self, repository, tmp_path):
        """As on a Raspberry Pi without libopenblas."""
        complaint = "libopenblas.so.0: cannot open shared object file"
        (tmp_path / "numpy.py").write_text(f"raise ImportError({complaint!r})\n")
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{repository}"}
        command = [sys.executable, "-m", "edgekit", "doctor"]
        ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 1, ran.stderr
        assert f"can't import numpy ({complaint})" in ran.stderr
        assert "-m pip install" in ran.stderr
        assert "nothing here can run a model" in ran.stderr

    def test_missing_tools_and_extras_have_their_lines(self, edgekit, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setattr(doctor, "EXTRA_OF", {"a_package_that_is_not": "host", "json": "cli"})
        _, output, _ = edgekit("doctor")
        assert f"lacks a_package_that_is_not: {pip_line('host')}" in output
        assert "apt-get install openssh-client" in output

    def test_a_folder_that_can_not_be_written(self, monkeypatch):
        monkeypatch.setenv("KERAS_HOME", "/proc/keras")
        assert "can't write there" in {one.purpose: one for one in doctor._folders()}["pretrained weights"].complaint

    def test_the_tiny_model_is_one_of_the_tests(self, red_blue_file):
        assert doctor.TINY_MODEL.read_bytes() == red_blue_file.read_bytes()
        assert doctor.TINY_MODEL.stat().st_size < 3000

    def test_a_wrong_verdict_is_no_working_interpreter(self, monkeypatch, tmp_path):
        Image.new("RGB", (8, 8), (0, 0, 255)).save(tmp_path / "blue.png")
        monkeypatch.setattr(doctor, "_RED", (tmp_path / "blue.png").read_bytes())
        with pytest.raises(DeviceError, match="a red photo must be genuine to the tiny model, got 'recapture'"):
            doctor._run_tiny("litert")


@pytest.mark.parametrize(
    ("instructions", "says"),
    [(None, "does not tell"), ((), "may well be slower"), (("asimddp",), r"dot products \(asimddp\)")],
)
def test_what_the_processor_means_for_int8(instructions, says):
    assert re.search(says, doctor.int8_advice(replace(read_machine(), int8_instructions=instructions)))


def test_asking_this_machine_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    probe = LocalDevice().probe()
    assert (probe.folder, probe.complaint) == (str(tmp_path), None)
    assert probe.free_bytes > 0
    assert list(tmp_path.iterdir()) == []
