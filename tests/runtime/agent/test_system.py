"""Where facts come from: commands have a time limit."""

from __future__ import annotations

import os

from edgekit.runtime.agent.system import System


def test_commands_are_bounded(tmp_path, monkeypatch):
    (tmp_path / "slow").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "bad").write_text("#!/bin/sh\necho something; exit 3\n")
    for name in ("slow", "bad"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("edgekit.runtime.agent.system._COMMAND_S", 0.2)
    assert [System().command(name) for name in ("slow", "bad", "absent")] == [None, None, None]
