"""The command line, as a user has it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from edgekit.cli import app


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
