"""The unit and the container file of docs/serving.md, as far as they hold without a registry and without root."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the cli extra")

import typer.main

from edgekit.cli import app
from edgekit.serve.options import ServeConfig


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "serving.md").read_text(encoding="utf-8")


def block(page, language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return found


@pytest.fixture(scope="module")
def unit(page):
    return block(page, "ini")


@pytest.fixture(scope="module")
def steps(page):
    """The container file's instructions, each with what follows it; of both stages."""
    lines = block(page, "dockerfile").replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


def told(steps, name):
    return [what for instruction, what in steps if instruction == name]


def test_both_start_a_command_that_there_is(unit, steps):
    """Every option that is named is one of the command's, and takes as many words as it is given."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(unit)
    (entry,) = told(steps, "ENTRYPOINT")
    commands = typer.main.get_command(app).commands
    for words in (shlex.split(parser["Service"]["ExecStart"]), json.loads(entry)):
        assert Path(words[0]).name == "edgekit"
        context = commands[words[1]].make_context("serve", words[2:])
        assert str(context.params["model"]).endswith("model.tflite")
    assert context.params["host"] == "0.0.0.0"


def test_the_container_asks_where_the_server_listens(steps):
    (health,), (port,) = told(steps, "HEALTHCHECK"), told(steps, "EXPOSE")
    asked = json.loads(health.removeprefix("CMD "))
    assert int(port) == ServeConfig().port
    assert f"http://localhost:{port}/healthz" in asked[-1]
    compile(asked[-1], "health", "exec")


def test_the_container_runs_as_nobody_and_reads_its_model(steps):
    assert told(steps, "USER") == ["65534:65534"]
    assert "--chmod=644 model.tflite /model.tflite" in told(steps, "COPY")


@pytest.mark.slow
def test_what_the_container_copies_is_what_it_installs(steps, repository, tmp_path, monkeypatch):
    """The build's commands, with what is installed here in place of a package index."""
    if find_spec("hatchling") is None:
        pytest.skip("needs the dev extra")
    source, place = tmp_path / "src", tmp_path / "edgekit"
    for what in told(steps, "COPY"):
        *names, to = what.split()
        if to.startswith("/src"):
            for name in names:
                target = tmp_path / to.lstrip("/")
                if (repository / name).is_dir():
                    shutil.copytree(repository / name, target)
                else:
                    target.mkdir(exist_ok=True)
                    shutil.copy(repository / name, target)
    (commands,) = told(steps, "RUN")
    commands = commands.replace("/src", str(source)).replace("/opt/edgekit", str(place))
    # pip reads this one as its opposite.
    for name, value in {"NO_DEPS": "1", "NO_INDEX": "1", "NO_BUILD_ISOLATION": "0"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PYTHONPATH", str(Path(find_spec("hatchling").origin).parents[1]))
    for command in commands.split("&&"):
        words = [sys.executable if word == "python3" else word for word in shlex.split(command)]
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert os.access(place / "bin" / "edgekit", os.X_OK)
    assert list(place.glob("lib/python*/site-packages/edgekit/serve/page/index.html"))


def test_systemd_has_nothing_to_say_of_the_unit(unit, tmp_path):
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("needs systemd-analyze")
    # The command must be there: any that is.
    unit = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", unit, flags=re.MULTILINE)
    (tmp_path / "edgekit-serve.service").write_text(unit, encoding="utf-8")
    ran = subprocess.run(
        [verify, "verify", tmp_path / "edgekit-serve.service"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
