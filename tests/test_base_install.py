"""What is published: a wheel and a source distribution; and what the wheel gives without extras, the runtime alone."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
import tarfile
import zipfile

import pytest
from PIL import Image

from edgekit import __version__

pytestmark = pytest.mark.slow

# Nothing that is published needs a larger file.
MAX_FILE_BYTES = 100_000
# But one table: texts of contracts, some of them as long as such a text may be. A record of many authors. And models,
# which the wheel leaves out.
LARGER = {
    "tests/conformance/contracts.json": 140_000,
    "docs/results/recapture.json": 160_000,
    "models/grocery-lite0/grocery-lite0.tflite": 5_000_000,
    "models/grocery-lite0/head.npz": 130_000,
    "models/imagenet-lite0/imagenet-lite0.tflite": 6_000_000,
    "models/recapture-lite0/head.npz": 130_000,
    "models/recapture-lite0/recapture-lite0.tflite": 1_500_000,
}

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


def build(folder, *arguments):
    """``python -m build`` with the build backend that is installed here; returns what it made, by ending."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return {file.suffix: file for file in folder.iterdir()}


@pytest.fixture(scope="module")
def built(repository, tmp_path_factory):
    """What would be uploaded: the source distribution, and the wheel that was built from it."""
    pytest.importorskip("build", reason="needs the dev extra")
    return build(tmp_path_factory.mktemp("a folder"), repository)


@pytest.fixture(scope="module")
def wheel(built):
    return built[".whl"]


@pytest.fixture(scope="module")
def sources(built):
    """Size of every file of the source distribution, by its path in the repository."""
    with tarfile.open(built[".gz"]) as archive:
        return {member.name.partition("/")[2]: member.size for member in archive.getmembers()}


@pytest.fixture(scope="module")
def installed(wheel, environment, repository):
    """The Python of an environment into which only the wheel was installed."""
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


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """The wheel's edgekit, whichever these tests are run with."""
    monkeypatch.delenv("PYTHONPATH", raising=False)


@pytest.fixture(scope="module")
def red_photo(tmp_path_factory):
    photo = tmp_path_factory.mktemp("photos") / "red.jpg"
    Image.new("RGB", (64, 48), (250, 5, 5)).save(photo)
    return photo


def test_the_wheel_is_as_large_as_the_readme_says(wheel, repository):
    record = json.loads((repository / "docs" / "results" / "package.json").read_text(encoding="utf-8"))
    # Beyond that `python benchmarks/package.py --out docs/results/package.json` renews it.
    assert wheel.stat().st_size == pytest.approx(record["wheel_bytes"], rel=0.1)


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
    allowed = {"edgekit", "edgekit.arrays", "edgekit.bounds", "edgekit.errors", "edgekit.records", "edgekit.contract"}
    assert {name for name in told["modules"] if not name.startswith("edgekit.runtime")} == allowed


def test_the_host_command_answers_with_a_pip_line_that_works(installed, wheel, tmp_path):
    ran = subprocess.run([installed.parent / "edgekit"], cwd=tmp_path, capture_output=True, text=True, check=False)
    line = f"pip install {shlex.quote(f'{wheel}[cli]')}"
    assert ran.stderr.strip() == f"error: typer is not installed: {line}"
    assert ran.returncode == 2
    run_pip(installed, *shlex.split(line)[1:], "--dry-run", "--no-deps", "--no-index", "--quiet")


def test_the_index_would_take_them(built):
    command = [sys.executable, "-m", "twine", "check", "--strict", *built.values()]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {file.name for file in built.values()} == {
        f"edgekit_vision-{__version__}-py3-none-any.whl",
        f"edgekit_vision-{__version__}.tar.gz",
    }


def test_the_wheel_is_the_package_and_nothing_else(wheel, repository):
    with zipfile.ZipFile(wheel) as archive:
        sizes = {one.filename: one.file_size for one in archive.infolist()}
    notes = f"edgekit_vision-{__version__}.dist-info"
    package = {file for file in (repository / "edgekit").rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert {name for name in sizes if not name.startswith(notes)} == {
        file.relative_to(repository).as_posix() for file in package
    }
    assert {name: size for name, size in sizes.items() if size > MAX_FILE_BYTES} == {}
    assert {"edgekit/py.typed", "edgekit/devices/tiny.tflite", f"{notes}/licenses/LICENSE"} <= sizes.keys()


def test_the_sources_are_what_builds_and_passes_the_tests(sources, repository):
    assert {name: size for name, size in sources.items() if size > LARGER.get(name, MAX_FILE_BYTES)} == {}
    assert {name for name in sources if name.startswith(("calibration/", "build/", "runs/", ".venv"))} == set()
    whole = ("edgekit", "tests", "docs", "benchmarks", "models")
    files = {file for folder in whole for file in (repository / folder).rglob("*") if file.is_file()}
    files |= {
        repository / name for name in ("pyproject.toml", "constraints.txt", "Makefile", "README.md", "CHANGELOG.md")
    }
    lacking = {file.relative_to(repository).as_posix() for file in files if file.suffix != ".pyc"} - sources.keys()
    assert lacking <= {"docs/results/devices.json", "docs/results/tta.json"}


def test_the_sources_build_the_wheel_of_the_repository(wheel, repository, tmp_path):
    straight = build(tmp_path, "--wheel", repository)[".whl"]
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(straight) as theirs:
        assert sorted(ours.namelist()) == sorted(theirs.namelist())
        assert [name for name in ours.namelist() if ours.read(name) != theirs.read(name)] == []


def test_the_wheel_brings_the_report_templates(installed, repository, tmp_path):
    script = "from importlib.resources import files\n"
    script += "print(*(f.name for f in (files('edgekit.report') / 'templates').iterdir()))"
    ran = subprocess.run([installed, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    ours = (repository / "edgekit" / "report" / "templates").iterdir()
    assert sorted(ran.stdout.split()) == sorted(file.name for file in ours)
