"""Ctrl-C, SIGTERM and SIGHUP, sent to real processes at chosen moments: exit code 128 + signal, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals between processes")

# Runs `edgekit …` and has Ctrl-C come when a module is first asked for, in the midst of the imports before it.
SCRIPT = """
import os, signal, sys
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupter())
from edgekit.__main__ import main
sys.argv[0] = "edgekit"
main()
"""
STOPPED = "stopped; run the same command again (with --resume where it has that) to go on\n"


@pytest.fixture
def interrupted(repository):
    """``interrupted("typer", "info", "m.tflite")``: Ctrl-C when that module is imported."""

    def run(module, *arguments):
        command = [sys.executable, "-c", SCRIPT.format(module=module), *map(str, arguments)]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.mark.parametrize("module", ["typer", "edgekit.cli.train", "edgekit.contract"])
@pytest.mark.parametrize("command", ["finetune", "data simulate"])
def test_while_the_program_loads(interrupted, module, command):
    ran = interrupted(module, *command.split(), "--help")
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


@pytest.mark.host
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "module"), [("qat", "tensorflow"), ("finetune", "tf_keras"), ("qat", "edgekit.quantize.fakequant")]
)
def test_while_a_stage_loads(interrupted, command, module, tmp_path, request):
    more = ["--out", tmp_path / "run", "--backbone", "small_cnn"] if command == "finetune" else []
    for label in ("genuine", "recapture") if command == "finetune" else ():
        # It looks at the photos before it loads what takes seconds.
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (32, 32), (40 * number, 9, 9)).save(tmp_path / "photos" / label / f"{number}.png")
    of = tmp_path / "photos"
    if command == "qat":
        pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
        of = request.getfixturevalue("run_copy")("float").root
    ran = interrupted(module, command, of, *more)
    assert ran.returncode == 130, ran.stderr
    assert ran.stderr.endswith(STOPPED)
    assert "Traceback" not in ran.stderr


def test_where_a_shell_has_it_ignored_it_stays_ignored(repository):
    """As for a job in the background, which Ctrl-C is not meant for."""
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + SCRIPT.format(module="typer")
    command = [sys.executable, "-c", script, "--version"]
    ran = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.fixture
def simulating(repository, tmp_path):
    """``edgekit data simulate`` with two workers, in a process group of its own, as a terminal gives it."""
    command = [sys.executable, "-m", "edgekit", "data", "simulate", tmp_path / "photos", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def wait_until(met, process):
    until = time.monotonic() + 90
    while not met():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stop", "moment", "to_all"),
    [
        pytest.param(signal.SIGINT, "workers-start", True, id="ctrl-c-while-workers-start"),
        pytest.param(signal.SIGINT, "photos-come", True, id="ctrl-c-while-photos-come"),
        pytest.param(signal.SIGTERM, "workers-start", True, id="a-service-manager-while-workers-start"),
        pytest.param(signal.SIGTERM, "photos-come", True, id="a-service-manager-while-photos-come"),
        pytest.param(signal.SIGTERM, "photos-come", False, id="kill-while-photos-come"),
        pytest.param(signal.SIGHUP, "photos-come", True, id="the-terminal-closes-while-photos-come"),
    ],
)
def test_while_photos_are_simulated(simulating, tmp_path, stop, moment, to_all):
    """On a terminal a signal goes to the workers, too: those that still load and those at work."""
    children = Path(f"/proc/{simulating.pid}/task/{simulating.pid}/children")
    if moment == "photos-come":
        wait_until(lambda: any((tmp_path / "photos").rglob("*.jpg")), simulating)
    elif not children.exists():
        pytest.skip("this system does not tell of a process's children")
    else:
        # The first is Python's own resource tracker.
        wait_until(lambda: len(children.read_text().split()) >= 2, simulating)
    (os.killpg if to_all else os.kill)(simulating.pid, stop)
    out, err = simulating.communicate(timeout=120)
    assert simulating.returncode == 128 + stop, err
    assert out == ""
    assert err.endswith(STOPPED)
    assert "Traceback" not in err
    assert not list((tmp_path / "photos").rglob("*.part"))


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_stops_nothing(repository, tmp_path):
    script = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SCRIPT.format(module='typer')}"
    script = script.replace("SIGINT)\nsys", "SIGHUP)\nsys")
    command = [sys.executable, "-c", script.replace("signal.SIGINT", "signal.SIGHUP"), "--version"]
    ran = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
