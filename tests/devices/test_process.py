"""Commands that answer nonsense, floods or nothing: one error within the time limit, and nothing that grows."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from edgekit.devices.process import run_lines, run_to_end
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


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_what_a_launcher_started_is_ended_with_it(tmp_path):
    """A shell that does not become the program: killed alone, it would leave one that holds the pipe."""
    began = time.monotonic()
    script = f"sleep 60 & echo $! > {tmp_path}/number; wait; true"
    with pytest.raises(DeviceTimeout, match="no answer for 1 s"):
        list(run_lines(["/bin/sh", "-c", script], 1.0, name="hanging"))
    assert time.monotonic() - began < 30
    number = int((tmp_path / "number").read_text())
    for _ in range(100):
        if not Path(f"/proc/{number}/cmdline").exists() or not Path(f"/proc/{number}/cmdline").read_bytes():
            break
        time.sleep(0.1)
    else:
        pytest.fail("what the launcher started still runs")
