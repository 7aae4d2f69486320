"""``kill -9`` at twenty moments of each long command: run again, it ends as one that nobody disturbed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fixtures.runs import write_photos

pytestmark = [
    pytest.mark.host,
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="Windows has no signals between processes"),
]

MOMENTS = 20
# What it took, when it was made, and how much of an import a re-run found done.
UNEQUAL = {"seconds", "created", "stored", "known"}
# Journals, in the order in which workers came to their ends.
SERVING = {".journal", ".jsonl"}
SMALL = ("--backbone", "small_cnn", "--side", "32", "--weights", "none", "--crops", "3")
HEAD, WHOLE = (*SMALL, "--tune", "head"), (*SMALL, "--tune", "all", "--epochs", "3")


@pytest.fixture(scope="module")
def call(repository):
    """``call(words, folder)``: the command in a folder; killed after so many seconds, if any are given."""

    def run(words, folder, *, kill_after_s=None):
        environment = {**os.environ, "PYTHONPATH": str(repository)}
        with subprocess.Popen(
            [sys.executable, "-m", "edgekit", *words],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                _, said = process.communicate(timeout=kill_after_s or 600)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return None, ""
        return process.returncode, said

    return run


@pytest.fixture(scope="module")
def start(tmp_path_factory, call, red_blue_file):
    """A folder with photos, more photos to import, a fine-tuned run, one that is quantised, and a model."""
    root = tmp_path_factory.mktemp("start")
    write_photos(root / "photos")
    shutil.copytree(root / "photos", root / "camera", ignore=shutil.ignore_patterns("manifest.csv"))
    shutil.copy(red_blue_file, root / "model.tflite")
    for words in (
        ("finetune", "photos", "--out", "solved", *HEAD),
        ("finetune", "photos", "--out", "quantised", *WHOLE),
    ):
        assert call(words, root)[0] == 0
    shutil.copytree(root / "quantised", root / "whole")
    assert call(("qat", "quantised", "--epochs", "1"), root)[0] == 0
    return root


def plain(raw):
    """A record without what differs from run to run."""
    if isinstance(raw, dict):
        return {key: plain(value) for key, value in raw.items() if key not in UNEQUAL}
    return [plain(one) for one in raw] if isinstance(raw, list) else raw


def tree(folder: Path) -> dict[str, object]:
    """All that a folder holds, but for what only serves going on."""
    found: dict[str, object] = {}
    files = (one for one in folder.rglob("*") if one.is_file() and one.suffix not in SERVING)
    for file in sorted(one for one in files if not one.name.startswith(".edgekit")):
        name = file.relative_to(folder).as_posix()
        content = file.read_bytes()
        found[name] = plain(json.loads(content)) if file.suffix == ".json" else hashlib.sha256(content).hexdigest()
    return found


def judged(folder: Path) -> dict[str, object]:
    """Of a benchmark all but times: what was asked for, what was found right, and which files there are."""
    (record,) = folder.glob("*.bench.json")
    (device,) = json.loads(record.read_text())["devices"]
    points = [(one["crops"], one["threads"], one["evaluation"], sorted(one["latency"])) for one in device["points"]]
    return {"points": points, "files": sorted(one.name for one in folder.iterdir())}


COMMANDS = [
    pytest.param(("finetune", "photos", "--out", "out", *HEAD), "out", ("--resume",), tree, id="finetune"),
    pytest.param(("finetune", "photos", "--out", "out", *WHOLE), "out", ("--resume",), tree, id="finetune-whole"),
    pytest.param(("qat", "solved"), "solved", ("--resume",), tree, id="qat"),
    pytest.param(("qat", "whole", "--epochs", "3"), "whole", ("--resume",), tree, id="qat-whole"),
    # A file that was whole when the kill came is refused without this, which is what the message says.
    pytest.param(
        ("convert", "quantised", "--int8", "--out", "out/m.tflite"), "out", ("--overwrite",), tree, id="convert"
    ),
    pytest.param(
        (
            "bench",
            "model.tflite",
            "--data",
            "photos",
            "--crops",
            "1,3",
            "--threads",
            "1",
            "--runs",
            "20",
            "--out",
            "out",
        ),
        "out",
        (),
        judged,
        id="bench",
    ),
    pytest.param(("data", "crops", "photos", "out", "--crops", "20", "--shard", "4"), "out", (), tree, id="crops"),
    pytest.param(("data", "import", "camera", "--out", "out"), "out", (), tree, id="import"),
]


@pytest.mark.parametrize(("words", "out", "again", "outcome"), COMMANDS)
def test_what_is_killed_ends_as_if_nothing_had_been(start, call, tmp_path, words, out, again, outcome):
    # Records name the photos' folder: every trial has the same one.
    place = tmp_path / "place"
    shutil.copytree(start, place)
    began = time.monotonic()
    code, said = call(words, place)
    took_s = time.monotonic() - began
    assert code == 0, said
    expected = outcome(place / out)
    killed = 0
    # Loading takes the first third, when there is nothing to lose.
    for moment in np.random.default_rng(14).uniform(0.25, 1.0, MOMENTS):
        shutil.rmtree(place)
        shutil.copytree(start, place)
        code, said = call(words, place, kill_after_s=moment * took_s)
        if code is None:
            killed += 1
            code, said = call((*words, *again), place)
        assert code == 0, (moment, said)
        assert outcome(place / out) == expected, moment
    assert killed > MOMENTS // 3
