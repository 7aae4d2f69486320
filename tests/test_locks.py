"""One process at a time in a run's folder, with real processes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("filelock", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.locks import working_in
from edgekit.progress import SILENT
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions, recover

HOLD = """
import sys
from pathlib import Path
from edgekit.locks import working_in
with working_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path, repository):
    """A process that works in the folder until its stdin ends."""
    command = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told(holder, tmp_path):
    with pytest.raises(RunError, match="another edgekit process works in"), working_in(tmp_path):
        pytest.fail("must not get here")
    holder.communicate(timeout=60)
    with working_in(tmp_path):
        pass


def test_a_killed_process_leaves_no_lock(holder, tmp_path):
    holder.kill()
    holder.wait(timeout=60)
    with working_in(tmp_path):
        pass


def test_what_another_process_put_aside_is_not_recovered(holder, tmp_path):
    (tmp_path / ".float.json.old").write_text("{}")
    with pytest.raises(RunError, match="another edgekit process"):
        recover(RunFolder(root=tmp_path), SILENT)
    with (
        pytest.raises(RunError, match="another edgekit process"),
        RunOptions().replacing(RunFolder(root=tmp_path), "float"),
    ):
        pytest.fail("must not get here")
    assert (tmp_path / ".float.json.old").exists()


def test_one_process_may_ask_again_but_not_from_another_thread(tmp_path):
    def ask():
        with working_in(tmp_path):
            return True

    with ThreadPoolExecutor(1) as thread:
        with working_in(tmp_path):
            with working_in(tmp_path / "."):
                pass
            assert ask()
            with pytest.raises(RunError, match="another edgekit process"):
                thread.submit(ask).result()
        assert thread.submit(ask).result()


def test_no_folder_is_made(tmp_path):
    with working_in(tmp_path / "none"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_locked(tmp_path):
    (tmp_path / ".edgekit.lock").mkdir()
    with pytest.raises(RunError, match=r"can't be locked: .*make it writable or copy the run"), working_in(tmp_path):
        pytest.fail("must not get here")
