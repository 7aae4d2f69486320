"""What ``pip install edgekit`` gives without extras: the runtime, and nothing of the host."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from PIL import Image

pytestmark = pytest.mark.slow

HOST_PACKAGES = ["tensorflow", "tf_keras", "keras", "typer", "rich", "matplotlib", "h5py", "sklearn", "cv2", "jinja2"]

SCRIPT = """
import importlib.util, json, sys
from edgekit.runtime import Classifier
with Classifier.load(sys.argv[1]) as classifier:
    label = classifier.classify(sys.argv[2]).label
host = json.loads(sys.argv[3])
print(json.dumps({
    "label": label,
    "file": sys.modules["edgekit"].__file__,
    "imported": [name for name in host if name in sys.modules],
    "installed": [name for name in host if importlib.util.find_spec(name)],
    "modules": sorted(name for name in sys.modules if name.startswith("edgekit")),
}))
"""


def run_pip(python, *arguments):
    """Run pip; where it fails, its own words are the failure."""
    ran = subprocess.run([python, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def installed(environment, repository, tmp_path_factory):
    """The Python of an environment into which only the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    run_pip(sys.executable, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, repository)
    (wheel,) = folder.glob("edgekit-*.whl")
    constraints = repository / "constraints.txt"
    pins = ["--constraint", constraints] if constraints.exists() else []
    inputs = [repository / "pyproject.toml", *pins[1:]]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in inputs)).hexdigest()
    python = environment("base", key=key)
    quiet = ["install", "--quiet", "--disable-pip-version-check"]
    run_pip(python, *quiet, *pins, wheel)
    # In an environment that was kept, the same version may be of older code.
    run_pip(python, *quiet, "--no-deps", "--force-reinstall", wheel)
    return python


@pytest.fixture(scope="module")
def red_photo(tmp_path_factory):
    photo = tmp_path_factory.mktemp("photos") / "red.jpg"
    Image.new("RGB", (64, 48), (250, 5, 5)).save(photo)
    return photo


def test_the_command_of_the_runtime_classifies(installed, red_blue_file, red_photo, tmp_path):
    command = [installed, "-m", "edgekit.runtime", "classify", red_blue_file, red_photo]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (row,) = [json.loads(line) for line in ran.stdout.splitlines()]
    assert (row["label"], row["photo"]) == ("genuine", str(red_photo))
    assert row["score"] > 0.99


def test_classifying_imports_nothing_of_the_host(installed, red_blue_file, red_photo, tmp_path):
    command = [installed, "-c", SCRIPT, red_blue_file, red_photo, json.dumps(HOST_PACKAGES)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["label"] == "genuine"
    assert (told["imported"], told["installed"]) == ([], [])
    assert str(installed.parent.parent) in told["file"]
    allowed = {"edgekit", "edgekit.arrays", "edgekit.errors", "edgekit.records", "edgekit.contract"}
    assert {name for name in told["modules"] if not name.startswith("edgekit.runtime")} == allowed


def test_the_host_command_answers_with_the_pip_line(installed, tmp_path):
    ran = subprocess.run([installed.parent / "edgekit"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stderr.strip() == "error: typer is not installed: pip install 'edgekit[cli]'"
    assert ran.returncode == 2


def test_the_wheel_brings_the_report_templates(installed, repository, tmp_path):
    script = "from importlib.resources import files\n"
    script += "print(*(f.name for f in (files('edgekit.report') / 'templates').iterdir()))"
    ran = subprocess.run([installed, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    ours = (repository / "edgekit" / "report" / "templates").iterdir()
    assert sorted(ran.stdout.split()) == sorted(file.name for file in ours)
