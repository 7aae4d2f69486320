import subprocess
import sys

import pytest

from edgekit.terminal import captured_stderr

SCRIPT = """
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
        [sys.executable, "-c", SCRIPT.format(body=body)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.stderr.splitlines() == lines


def test_a_stderr_without_descriptor_is_left_alone(capsys):
    with captured_stderr():
        print("seen", file=sys.stderr)
    assert capsys.readouterr().err == "seen\n"
