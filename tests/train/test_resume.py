"""A folder in use, and a call that is killed while it replaces what lies there: nothing may be lost or mixed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from edgekit.errors import RunError
from edgekit.locks import LOCK_NAME
from edgekit.progress import SILENT, Progress
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions, recover

OVERWRITE = RunOptions(overwrite=True)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that would clean up runs any more."""


class Lines(Progress):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.fixture
def kill(monkeypatch):
    """``kill(3)``: the fourth step on the disk is the last but none; ``kill(None)`` lets all pass."""
    real = {name: getattr(Path, name) for name in ("replace", "unlink", "write_text")}
    left = None

    def step(name):
        def run(path, *args, **kwargs):
            nonlocal left
            if left is not None:
                if left == 0:
                    raise Killed
                left -= 1
            return real[name](path, *args, **kwargs)

        return run

    for name in real:
        monkeypatch.setattr(Path, name, step(name))

    def after(steps):
        nonlocal left
        left = steps

    return after


def fill(folder, *names):
    folder.root.mkdir(parents=True)
    for name in names:
        (folder.root / name).write_text(f"old {name}")


def content(folder):
    return {path.name: path.read_text() for path in folder.root.iterdir() if path.name != LOCK_NAME}


def overwrite(folder, stage, *, files=("weights", "state", "record"), fail=False):
    with OVERWRITE.replacing(folder, stage):
        for file in files:
            path = getattr(folder, file)(stage)
            path.write_text(f"new {path.name}")
        if fail:
            raise ValueError


OLD = {
    "finished": ("float.json", "float.h5", "float.state.json"),
    "solved-head": ("float.json", "float.h5"),
    "with-qat": ("float.json", "float.h5", "float.state.json", "qat.json", "qat.h5", "qat.state.json"),
    "heads-with-qat": ("float.json", "float.h5", "qat.json", "qat.h5"),
    "stopped-without-record": ("float.h5", "float.state.json"),
}


@pytest.mark.parametrize("fail", [False, True], ids=["goes-well", "fails"])
@pytest.mark.parametrize("files", [("weights", "state", "record"), ("weights", "record")], ids=["whole", "head"])
@pytest.mark.parametrize(
    ("stage", "old"),
    [
        *[pytest.param("float", names, id=f"float-{name}") for name, names in OLD.items()],
        pytest.param("qat", OLD["with-qat"], id="qat"),
        pytest.param("qat", OLD["heads-with-qat"], id="qat-of-heads"),
    ],
)
def test_a_kill_at_any_step_leaves_the_old_run_or_the_new_one(tmp_path, kill, stage, old, files, fail):
    numbers = itertools.count()

    def trial(steps, steps_of_recovery):
        """Whether the call, and then its recovery, came to their ends."""
        folder = RunFolder(root=tmp_path / str(next(numbers)))
        kill(None)
        fill(folder, *old)
        before = content(folder)
        kept = {name: text for name, text in before.items() if stage == "qat" and name.startswith("float")}
        paths = [getattr(folder, file)(stage) for file in files]
        after = kept | {path.name: f"new {path.name}" for path in paths}
        ended = recovered = True
        kill(steps)
        try:
            overwrite(folder, stage, files=files, fail=fail)
        except Killed:
            ended = False
        except ValueError:
            pass
        kill(steps_of_recovery)
        try:
            recover(folder, SILENT)
        except Killed:
            recovered = False
        kill(None)
        recover(folder, SILENT)
        assert content(folder) in (before, after), (steps, steps_of_recovery)
        return ended, recovered

    for steps in itertools.count():
        for steps_of_recovery in itertools.count():
            ended, recovered = trial(steps, steps_of_recovery)
            if recovered:
                break
        if ended:
            break
    assert steps > 5


def test_what_was_put_aside_comes_back_and_that_is_said(tmp_path, kill):
    folder, told = RunFolder(root=tmp_path / "run"), Lines()
    fill(folder, *OLD["with-qat"])
    before = content(folder)
    # All six files are aside and the new weights are written.
    kill(7)
    with pytest.raises(Killed):
        overwrite(folder, "float")
    kill(None)
    assert ".float.h5.old" in content(folder)
    recover(folder, told)
    assert content(folder) == before
    assert told.lines == [
        f"{folder.root}: an earlier --overwrite was killed; the float stage it was to replace is back"
    ]


def test_what_a_whole_run_replaced_is_deleted_and_that_is_said(tmp_path, kill):
    folder, told = RunFolder(root=tmp_path / "run"), Lines()
    fill(folder, *OLD["finished"])
    kill(6)
    with pytest.raises(Killed):
        overwrite(folder, "float")
    kill(None)
    assert {"float.json", ".float.h5.old"} <= set(content(folder))
    recover(folder, told)
    assert content(folder) == {name: f"new {name}" for name in OLD["finished"]}
    assert [line.partition(": ")[2] for line in told.lines] == [
        "an earlier --overwrite was killed at its end; what it replaced is deleted now"
    ]


def test_where_nothing_was_killed_nothing_is_said(tmp_path):
    folder, told = RunFolder(root=tmp_path / "run"), Lines()
    recover(folder, told)
    fill(folder, *OLD["with-qat"])
    before = content(folder)
    recover(folder, told)
    assert (content(folder), told.lines) == (before, [])


def test_going_on_and_starting_again_contradict_each_other():
    with pytest.raises(RunError, match=r"--resume\) or started again \(--overwrite\), got both; leave one of them out"):
        RunOptions(resume=True, overwrite=True)


def test_what_the_run_left_half_written_goes_and_what_others_write_stays(tmp_path):
    folder = RunFolder(root=tmp_path / "run")
    fill(folder, *OLD["finished"])
    folder.calibration.mkdir()
    halves = [".float.h5.0123abcd.part", ".qat.last-epoch.npz.0123abcd.part", "calibration/.0001.png.0123abcd.part"]
    others = [".run-int8.tflite.0123abcd.part", ".float.h5.part", "float.h5.0123abcd.part"]
    for name in (*halves, *others):
        (folder.root / name).write_text("half")
    recover(folder, SILENT)
    assert [name for name in halves if (folder.root / name).exists()] == []
    assert [name for name in others if not (folder.root / name).exists()] == []
