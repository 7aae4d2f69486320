"""What may go to a terminal, and a stdout that takes nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.terminal import EXIT_BROKEN_PIPE, captured_stderr, printable


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        pytest.param("Käse [1].jpg", False, "Käse [1].jpg", id="letters-stay"),
        pytest.param("\x1b[2Jgone", False, "\\x1b[2Jgone", id="escape-sequence"),
        pytest.param("\u202egpj.exe", False, "\\u202egpj.exe", id="text-that-runs-backwards"),
        pytest.param("one\ntwo", False, "one\\ntwo", id="a-name-of-two-lines"),
        pytest.param("one\n  two\r", True, "one\n  two\\r", id="a-message-of-two-lines"),
        pytest.param("caf\udce9", False, "caf\\udce9", id="no-unicode"),
    ],
)
def test_printable(text, lines, expected):
    assert printable(text, lines=lines) == expected


@pytest.fixture(params=["edgekit", "edgekit.runtime"])
def command(request, red_blue_file, tmp_path, plain_photo):
    """Either command line, classifying a photo."""
    from PIL import Image

    photo = tmp_path / "red.png"
    Image.fromarray(plain_photo(255, 0, 0)).save(photo)
    verb = ["predict", "--json"] if request.param == "edgekit" else ["classify"]
    return [sys.executable, "-m", request.param, *verb, str(red_blue_file), str(photo)]


def test_a_reader_that_leaves_ends_the_work_without_a_word(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert "error" not in err.lower()
    assert "Traceback" not in err
    assert process.returncode == EXIT_BROKEN_PIPE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_behind_stdout_is_a_mistake(command):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert "error: can't write the output: No space left on device; free space or send it elsewhere" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
    assert ran.returncode == 2


NATIVE_OUTPUT = """
import os, sys
from edgekit.terminal import captured_stderr
print("before", file=sys.stderr)
try:
    with captured_stderr():
        os.write(2, b"native chatter\\n")
        {body}
except ValueError:
    print("failed", file=sys.stderr)
print("after", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        pytest.param("pass", ["before", "after"], id="held-back"),
        pytest.param("raise ValueError", ["before", "native chatter", "failed", "after"], id="shown-after-a-failure"),
    ],
)
def test_what_native_code_writes(body, lines):
    ran = subprocess.run(
        [sys.executable, "-c", NATIVE_OUTPUT.format(body=body)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.stderr.splitlines() == lines


def test_a_stderr_without_descriptor_is_left_alone(capsys):
    with captured_stderr():
        print("seen", file=sys.stderr)
    assert capsys.readouterr().err == "seen\n"


STREAMS = [
    pytest.param("<&-", 0, "", id="no-stdin"),
    pytest.param(">&-", 2, "error: can't write the output: stdout is closed", id="no-stdout"),
    pytest.param("2>&-", 0, "", id="no-stderr"),
    pytest.param("<&- >&- 2>&-", 2, "", id="none-at-all"),
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device and a POSIX shell")
@pytest.mark.parametrize(("streams", "code", "said"), STREAMS)
def test_a_stream_that_was_closed_before_the_start(command, streams, code, said):
    line = ["sh", "-c", f'"$@" {streams}', "sh", *command]
    ran = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in ran.stderr
    assert said in ran.stderr
    assert ran.returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device and a POSIX shell")
def test_a_table_for_a_closed_stdout(red_blue_file):
    line = ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-m", "edgekit", "info", str(red_blue_file)]
    ran = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert ran.stderr == "error: can't write the output: stdout is closed; free space or send it elsewhere\n"
    assert ran.returncode == 2


LOSES_IT = """
import os, signal, sys
from edgekit.terminal import end_as_interrupted, exit_code_of_stop, stop_if_asked

class Tidy:
    def __del__(self):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        for _ in range(10_000):
            pass

end_as_interrupted()
stop_if_asked()
Tidy()
try:
    stop_if_asked()
except KeyboardInterrupt:
    sys.exit(exit_code_of_stop())
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_python_loses_is_remembered(name, code):
    found = subprocess.run(
        [sys.executable, "-c", LOSES_IT, name], check=False, capture_output=True, text=True, timeout=60
    )
    assert "Exception ignored in" in found.stderr
    assert found.returncode == code
