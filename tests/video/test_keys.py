"""Single keys of a terminal, which is given back as it was."""

from __future__ import annotations

import io
import os
import sys
import time

import pytest

from edgekit.video.keys import TerminalKeys
from edgekit.video.preview import QUIT, SHOOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals are POSIX's")


def test_keys_without_waiting(monkeypatch):
    import termios

    ours, theirs = os.openpty()
    with os.fdopen(ours, "wb", buffering=0) as hand, open(theirs, encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(terminal)
        with TerminalKeys() as keys:
            assert keys.is_on
            assert keys.poll() == ""
            hand.write(b" xq")
            time.sleep(0.1)
            assert [keys.poll() for _ in range(4)] == [SHOOT, "", QUIT, ""]
        assert termios.tcgetattr(terminal) == before


def test_without_a_terminal_there_are_none(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    with TerminalKeys() as keys:
        assert not keys.is_on
        assert keys.poll() == ""
