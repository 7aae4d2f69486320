"""The command line in this process."""

from __future__ import annotations

import sys

import pytest

from edgekit.__main__ import main


@pytest.fixture
def edgekit_here(monkeypatch, capfd):
    """Run a command in this process: exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, *capfd.readouterr()

    return run
