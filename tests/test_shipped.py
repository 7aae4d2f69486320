"""Models by name: which are found, and that a name leads nowhere else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from PIL import Image

from edgekit.errors import EdgekitError
from edgekit.records import file_sha256
from edgekit.runtime import Classifier, read_bundle
from edgekit.shipped import is_model_name, model_file, shipped_file, shipped_folder, shipped_models
from edgekit.train.start_from import HEAD_NAME, read_start

NAMES = tuple(shipped_models())


def test_the_clone_has_models():
    assert {"grocery-lite0", "imagenet-lite0", "recapture-lite0"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
class TestEachModel:
    def test_it_classifies(self, name, tmp_path, plain_photo):
        photo = tmp_path / "photo.png"
        Image.fromarray(plain_photo(200, 30, 30)).save(photo)
        with Classifier.load(shipped_file(name)) as classifier:
            verdict = classifier.classify(photo)
            assert verdict.label in (*classifier.contract.labels, "retake", "unknown")
            assert sum(verdict.probabilities.values()) == pytest.approx(1, abs=1e-3)

    def test_it_is_the_one_that_its_record_tells_of(self, name):
        folder = shipped_folder(name)
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        contract = read_bundle(shipped_file(name)).contract
        assert (record["name"], record["model_sha256"]) == (name, file_sha256(shipped_file(name)))
        assert (record["classes"], record["crops"]) == (len(contract.labels), contract.plan.crops)
        assert record["told"]["make"]
        assert record["told"]["figures"]

    def test_its_folder_has_card_calibration_and_licences(self, name):
        folder = shipped_folder(name)
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        assert (folder / "card.md").is_file()
        assert json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
        texts = {file.name for file in (folder / "LICENSES").iterdir() if file.stat().st_size > 100}
        assert texts == set(record["told"]["licences"])

    def test_a_head_to_begin_from_is_the_models(self, name):
        folder = shipped_folder(name)
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        assert (folder / HEAD_NAME).exists() == record["begins"]
        if record["begins"]:
            start = read_start(folder)
            assert start.note.labels == read_bundle(shipped_file(name)).contract.labels


def test_imagenet_knows_a_palace():
    """The Summer Palace in Beijing, one of scikit-learn's sample photos."""
    datasets = pytest.importorskip("sklearn.datasets", reason="needs the data extra")
    with Classifier.load(shipped_file("imagenet")) as classifier:
        verdict = classifier.classify(datasets.load_sample_image("china.jpg"))
    assert verdict.label == "palace"
    assert len(verdict.probabilities) == 1000


def test_a_short_name_is_that_of_the_one_model_that_begins_so():
    assert shipped_folder("imagenet") == shipped_folder("imagenet-lite0")


@pytest.mark.parametrize("name", ["demo", "imagnet", "lite0", "..", "", "x" * 500])
def test_other_names_are_refused_with_those_that_there_are(name):
    with pytest.raises(EdgekitError, match=r"one that ships \(.*imagenet-lite0.*\), got '.*no such file"):
        shipped_folder(name)


def test_a_typo_is_guessed():
    with pytest.raises(EdgekitError, match="did you mean 'imagenet'"):
        shipped_folder("imagnet")


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("imagenet", True),
        ("imagenet-lite0", True),
        ("model.tflite", False),
        ("../imagenet-lite0", False),
        ("./imagenet", False),
        ("/etc", False),
        ("", False),
        ("-x", False),
        ("a--b", False),
        ("Imagenet", False),
        ("imagenet\n", False),
    ],
)
def test_what_is_written_as_a_name(text, is_name):
    assert is_model_name(text) == is_name
    if not is_name:
        assert str(model_file(text)) == os.path.normpath(text)


def test_a_file_of_that_name_is_the_file(tmp_path, monkeypatch, red_blue_file):
    monkeypatch.chdir(tmp_path)
    assert model_file("imagenet").name == "imagenet-lite0.tflite"
    (tmp_path / "imagenet").mkdir()
    assert model_file("imagenet").name == "imagenet-lite0.tflite"
    (tmp_path / "imagenet").rmdir()
    (tmp_path / "imagenet").write_bytes(red_blue_file.read_bytes())
    assert str(model_file("imagenet")) == "imagenet"


@pytest.mark.slow
def test_the_package_of_models_is_found_and_not_run(repository, tmp_path):
    """Built from models/, beside a copy of the package that lies in no clone."""
    pytest.importorskip("build", reason="needs the dev extra")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, repository / "models"]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        inside = {name.partition("/")[2] for name in archive.namelist() if name.startswith("edgekit_models/")}
        archive.extractall(site)
    assert {name for name in inside if name.endswith(".tflite")} == {f"{name}/{name}.tflite" for name in NAMES}
    assert {f"{name}/card.md" for name in NAMES} <= inside
    shutil.copytree(repository / "edgekit", site / "edgekit", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "edgekit_models" / "__init__.py").write_text("raise SystemExit('it was imported')", encoding="utf-8")
    code = "from edgekit.shipped import shipped_models; print(*shipped_models().values(), sep='\\n')"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == [str(site / "edgekit_models" / name) for name in NAMES]
