"""``edgekit doctor``: what it finds here, with a broken numpy, and without tools."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from PIL import Image

from edgekit.devices import doctor
from edgekit.errors import EXTRA_OF, DeviceError, pip_line
from edgekit.runtime.agent.machine import read_machine


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
        assert "apt-get install openssh-client" in " ".join(output.split())

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
