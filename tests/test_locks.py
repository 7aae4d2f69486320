"""One process at a time works in a place, with real processes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("filelock", reason="needs the data extra")

from filelock import FileLock

from edgekit.errors import DataError, EdgekitError, RunError
from edgekit.locks import LOCK_NAME, keeping, making_in, working_in, writing_in
from edgekit.progress import SILENT
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions, recover

HOLD = """
import sys
from pathlib import Path
from edgekit import locks
with getattr(locks, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""

LOCKS = {
    "working_in": (working_in, RunError, "another edgekit process works in"),
    "writing_in": (writing_in, DataError, "another import, session or split writes here; wait for its end"),
    "making_in": (making_in, DataError, "another edgekit process makes files here"),
    "keeping": (keeping, EdgekitError, "another edgekit process writes there"),
}
every_lock = pytest.mark.parametrize("name", LOCKS)


def place_of(name: str, folder: Path) -> Path:
    """What is locked: a folder, or a file in it that need not be there."""
    return folder / "model.local.lines.jsonl" if name == "keeping" else folder


@pytest.fixture
def name() -> str:
    return "working_in"


@pytest.fixture
def holder(name, tmp_path, repository):
    """A process that holds the lock until its stdin ends."""
    command = [sys.executable, "-c", HOLD, name, place_of(name, tmp_path)]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@every_lock
def test_a_second_process_is_told(name, holder, tmp_path):
    lock, error, message = LOCKS[name]
    with pytest.raises(error, match=message), lock(place_of(name, tmp_path)):
        pytest.fail("must not get here")
    holder.communicate(timeout=60)
    with lock(place_of(name, tmp_path)):
        pass


@every_lock
def test_a_killed_process_leaves_no_lock(name, holder, tmp_path):
    holder.kill()
    holder.wait(timeout=60)
    with LOCKS[name][0](place_of(name, tmp_path)):
        pass


@every_lock
def test_another_thread_is_told(name, tmp_path):
    lock, error, message = LOCKS[name]

    def ask():
        with lock(place_of(name, tmp_path)):
            return True

    with ThreadPoolExecutor(1) as thread:
        with lock(place_of(name, tmp_path)), pytest.raises(error, match=message):
            thread.submit(ask).result()
        assert thread.submit(ask).result()


def test_devices_do_not_wait_for_each_other(tmp_path):
    with keeping(tmp_path / "m.one.lines.jsonl"), keeping(tmp_path / "m.two.lines.jsonl"), writing_in(tmp_path):
        pass


@every_lock
def test_a_read_only_file_system_needs_no_lock(name, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with LOCKS[name][0](place_of(name, tmp_path)):
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


def test_one_process_may_ask_again(tmp_path):
    with working_in(tmp_path), working_in(tmp_path / "."):
        pass


def test_no_folder_is_made(tmp_path):
    with working_in(tmp_path / "none"):
        pass
    assert list(tmp_path.iterdir()) == []


@every_lock
def test_a_folder_that_cannot_be_locked(name, tmp_path):
    lock, error, _ = LOCKS[name]
    (tmp_path / (".model.local.lines.jsonl.lock" if name == "keeping" else ".edgekit.lock")).mkdir()
    with pytest.raises(error, match=r"can't be locked: .*make it writable or copy the"), lock(place_of(name, tmp_path)):
        pytest.fail("must not get here")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is read-only for root")
@every_lock
def test_a_read_only_folder(name, tmp_path):
    lock, error, _ = LOCKS[name]
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(error, match="can't be locked: Permission denied"), lock(place_of(name, tmp_path)):
            pytest.fail("must not get here")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("hold", [working_in, writing_in, making_in], ids=lambda hold: hold.__name__)
def test_what_a_link_leads_to_is_left_alone(tmp_path, hold):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / LOCK_NAME).symlink_to(precious)
    with pytest.raises(EdgekitError, match="must be a file, got a link; remove it"), hold(tmp_path / "folder"):
        pytest.fail("held through a link")
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(("hold", "goes_on"), [(writing_in, True), (making_in, True), (working_in, False)])
def test_a_drive_without_locks(tmp_path, monkeypatch, hold, goes_on):
    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    if goes_on:
        with hold(tmp_path):
            pass
    else:
        with pytest.raises(EdgekitError, match=r"can't be locked: .*; copy the run"), hold(tmp_path):
            pytest.fail("a run needs a lock")
