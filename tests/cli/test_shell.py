"""The shell around the commands: help, exit codes, and what is not loaded to give them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import edgekit.runtime
from edgekit import __version__
from edgekit.__main__ import main
from edgekit.cli import app
from edgekit.errors import EdgekitError, pip_line

COMMANDS = [
    "adopt",
    "backbones",
    "bench",
    "clean",
    "compare",
    "convert",
    "crossval",
    "data audit",
    "data augment",
    "data collect",
    "data crops",
    "data import",
    "data layout",
    "data plan",
    "data recapture",
    "data show",
    "data simulate",
    "data split",
    "data status",
    "demo",
    "devices",
    "doctor",
    "evaluate",
    "explain",
    "finetune",
    "info",
    "predict",
    "qat",
    "recipes",
    "report",
    "runtime",
    "sweep",
    "tta",
    "tune",
    "web",
]
# Commands that stand in a file with others of their stage; all others have a file of their name.
FILE_OF = {
    "finetune": "train",
    "qat": "train",
    "convert": "train",
    "compare": "sweep",
    "doctor": "devices",
    "data import": "data.gather",
    "data collect": "data.gather",
    "data status": "data.plan",
    "data augment": "data.make",
    "data crops": "data.make",
    "data recapture": "data.make",
    "data layout": "data.audit",
    "data show": "data.audit",
    "data split": "data.audit",
}
HEAVY = {
    "rich",
    "numpy",
    "PIL",
    "imagehash",
    "regex",
    "tensorflow",
    "tf_keras",
    "matplotlib",
    "h5py",
    "flatbuffers",
    "ai_edge_litert",
    "cv2",
}

# Runs `edgekit …` in a process; afterwards what was imported stands on the last line of stderr.
SCRIPT = """
import sys
{before}
from edgekit.__main__ import main
sys.argv[0] = "edgekit"
try:
    main()
finally:
    if {list_imports}:
        print(*sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""

# An import of this package fails as it does where it is not installed.
BLOCKER = """
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def every_command():
    """All commands by their words; groups of commands are opened."""
    found = {}
    for name, command in get_command(app).commands.items():
        if command.deprecated:
            continue
        inside = getattr(command, "commands", None)
        found |= {name: command} if inside is None else {f"{name} {word}": one for word, one in inside.items()}
    return found


@pytest.fixture
def process(repository):
    """``process("info", "model.tflite")``: ``edgekit`` in a process of its own."""

    def run(*arguments, before="", list_imports=False):
        script = SCRIPT.format(before=before, list_imports=list_imports)
        command = [sys.executable, "-c", script, *map(str, arguments)]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def edgekit_here(monkeypatch, capsys):
    """The same in this process: exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def help_of():
    """``help_of("bench")``: the help of a command as wide plain text."""

    def help_of(*command):
        wide = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}
        result = CliRunner().invoke(app, [*command, "--help"], env=wide)
        assert result.exit_code == 0, result.output
        return re.sub(r"\x1b\[[0-9;]*m", "", result.output)

    return help_of


class TestHelp:
    def test_lists_every_command_and_an_example(self, help_of):
        assert "Put a photo classifier on a phone" in help_of()
        assert "Example: edgekit demo" in help_of()
        for command in COMMANDS:
            *groups, name = command.split()
            assert re.search(rf"\b{name}\b", help_of(*groups)), f"{command} must be listed"

    def test_a_command_in_its_former_place_warns(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        ran = CliRunner().invoke(app, ["simulate", str(tmp_path / "file" / "photos")])
        assert isinstance(ran.exception, EdgekitError)
        assert "The command 'simulate' is deprecated" in ran.stderr

    def test_no_command_is_left_out_of_these_tests(self):
        assert sorted(every_command()) == COMMANDS

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_has_an_example_that_starts_with_it(self, help_of, command):
        assert f"Example: edgekit {command}" in help_of(*command.split())

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_option_says_what_it_does(self, command):
        silent = [one.name for one in every_command()[command].params if not getattr(one, "help", None)]
        assert silent == []

    def test_the_examples_are_commands_that_parse(self, tmp_path, monkeypatch):
        """Each example, up to the point where its files would be read."""
        monkeypatch.chdir(tmp_path)
        root = get_command(app)
        for name, command in every_command().items():
            (line,) = re.findall(r"Example: edgekit (.+)", command.epilog)
            words = line.split()
            depth = len(name.split())
            assert words[:depth] == name.split()
            command.make_context(name, words[depth:], parent=root.make_context("edgekit", words))

    @pytest.mark.parametrize("command", COMMANDS)
    def test_a_command_stands_in_the_file_of_its_name(self, command):
        file = FILE_OF.get(command, command.replace(" ", "."))
        assert every_command()[command].callback.__module__ == f"edgekit.cli.{file}"

    def test_without_a_command_help_is_shown(self, edgekit_here):
        code, out, err = edgekit_here()
        assert code == 2
        assert "Usage: " in out + err

    def test_version(self, edgekit_here):
        assert edgekit_here("--version") == (0, f"edgekit {__version__}\n", "")

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param(["--help"], id="help"),
            pytest.param(["--version"], id="version"),
            pytest.param(["finetune", "--help"], id="help-of-a-command"),
            pytest.param(["data", "import", "--help"], id="help-of-a-group"),
        ],
    )
    def test_loads_nothing_heavy(self, process, arguments):
        ran = process(*arguments, list_imports=True)
        assert ran.returncode == 0
        imported = set(ran.stderr.splitlines()[-1].split())
        assert {"edgekit", "typer"} <= imported
        assert not imported & HEAVY


class TestMissingExtra:
    @pytest.mark.parametrize(
        ("package", "extra", "arguments"),
        [
            pytest.param("typer", "cli", ["--help"], id="typer"),
            pytest.param("rich", "cli", ["info", "{model}"], id="rich"),
            pytest.param("flatbuffers", "host", ["info", "{model}"], id="inside-a-command"),
            pytest.param("cv2", "video", ["predict", "{model}", "--video", "clip.mp4"], id="video"),
        ],
    )
    def test_answers_with_the_pip_line(self, process, red_blue_file, package, extra, arguments):
        arguments = [argument.format(model=red_blue_file) for argument in arguments]
        ran = process(*arguments, before=BLOCKER.format(package=package))
        line = f"{package} is not installed: {pip_line(extra)}"
        assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"error: {line}\n")

    def test_the_pis_camera_needs_no_opencv(self, process, red_blue_file):
        blocked = BLOCKER.format(package="cv2") + BLOCKER.format(package="picamera2")
        ran = process("predict", red_blue_file, "--picamera", before=blocked)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith("error: --picamera needs Picamera2")

    def test_a_broken_install_keeps_its_traceback(self, process):
        """Only a package that an extra installs is a missing extra."""
        ran = process("--help", before=BLOCKER.format(package="csv"))
        assert ran.returncode == 1
        assert ran.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'csv'"
        assert "pip install" not in ran.stderr


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["info", "{tmp}/none.tflite"], "error: {tmp}/none.tflite: no such model file", id="no-model"),
            pytest.param(
                ["predict", "{run}", "x.jpg"],
                "error: {run}: a model must be a file, got a folder; did you mean {run}/m.tflite?",
                id="run-folder",
            ),
            pytest.param(
                ["info", "{tmp}/empty"],
                "error: {tmp}/empty: a model must be a .tflite file, got a folder; name the file (it holds none)",
                id="empty-folder",
            ),
            pytest.param(["info", "{text}"], "error: {text}: a model must be a .tflite file, got", id="no-tflite"),
            pytest.param(["predict", "{model}", "{tmp}"], "error: {tmp} must hold photos, got none", id="no-photos"),
            pytest.param(["convert", "{long}"], "error: {long} holds no finished float stage", id="long-run"),
            pytest.param(
                ["evaluate", "{model}", "--data", "{long}"], "error: {long}: the data must be", id="long-data"
            ),
            pytest.param(
                [
                    "finetune",
                    "{tmp}/no-photos",
                    "--out",
                    "{tmp}/r",
                    "--backbone",
                    "mobilenet_v2",
                    "--weights",
                    "{tmp}/nope.h5",
                ],
                "error: --weights must be imagenet, none or a Keras HDF5 file or a TF-Slim checkpoint, got "
                "{tmp}/nope.h5: no such file",
                id="no-weights-before-photos",
            ),
            pytest.param(
                ["finetune", "{tmp}/no-photos", "--out", "{tmp}/r", "--val-fraction", "2"],
                "error: val_fraction must",
                id="options-before-photos",
            ),
            pytest.param(
                ["evaluate", "{run}", "--data", "{tmp}/no-photos"],
                "error: {run}: a model must be a file, got a folder; did you mean {run}/m.tflite?",
                id="run-folder-before-photos",
            ),
            pytest.param(["data", "simulate", "{long}"], "error: can't write {long}/", id="long-out"),
        ],
    )
    def test_what_the_user_can_act_on_is_one_line_and_exit_2(
        self, edgekit_here, tmp_path, red_blue_file, arguments, message
    ):
        text = tmp_path / "notes.txt"
        text.write_text("not a model")
        run = tmp_path / "run"
        run.mkdir()
        (tmp_path / "empty").mkdir()
        (run / "m.tflite").write_bytes(red_blue_file.read_bytes())
        names = {"long": tmp_path / ("x" * 300), "tmp": tmp_path, "text": text, "model": red_blue_file, "run": run}
        code, out, err = edgekit_here(*(argument.format(**names) for argument in arguments))
        assert (code, out) == (2, "")
        assert err.startswith(message.format(**names))
        assert err.count("\n") == 1

    def test_a_bug_keeps_its_traceback(self, monkeypatch, red_blue_file):
        def fail(*_):
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(edgekit.runtime, "read_bundle", fail)
        monkeypatch.setattr(sys, "argv", ["edgekit", "info", str(red_blue_file)])
        with pytest.raises(ZeroDivisionError, match="a bug"):
            main()

    def test_ctrl_c_is_one_line_and_exit_130(self, edgekit_here, monkeypatch, red_blue_file):
        def stop(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(edgekit.runtime, "read_bundle", stop)
        assert edgekit_here("info", red_blue_file) == (
            130, "", "stopped; run the same command again (with --resume where it has that) to go on\n",
        )  # fmt: skip
