"""The public surface: what `edgekit` exports, and that docs/api.md lists it and its example runs."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys

import pytest

import edgekit
from edgekit.errors import MissingExtra


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.host
@pytest.mark.parametrize("name", edgekit.__all__)
def test_every_name_is_a_documented_function(name):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    function = getattr(edgekit, name)
    assert inspect.isfunction(function)
    assert function.__name__ == name
    assert inspect.getdoc(function)


def test_no_name_is_that_of_a_package(repository):
    folders = {file.parent.name for file in (repository / "edgekit").glob("*/__init__.py")}
    assert not folders & set(edgekit.__all__)


def test_names_complete():
    assert set(edgekit.__all__) <= set(dir(edgekit))
    assert not hasattr(edgekit, "nothing")


def test_importing_the_package_loads_the_standard_library_alone():
    script = "import sys; before = {*sys.modules}; import edgekit; dir(edgekit); print(*({*sys.modules} - before))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    tops = {name.partition(".")[0] for name in ran.stdout.split()}
    assert tops - set(sys.stdlib_module_names) == {"edgekit"}


def test_the_page_lists_exactly_what_is_exported(page):
    """Their signatures and first lines are rendered from the sources, which tests/test_docs.py holds."""
    assert sorted(re.findall(r"^### `(\w+)`$", page, re.M)) == sorted(edgekit.__all__)


def test_the_readme_leads_there(repository):
    assert "(docs/api.md)" in (repository / "README.md").read_text(encoding="utf-8")


@pytest.mark.host
@pytest.mark.slow
def test_the_example_runs(page, author_photos, tmp_path):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    (example,) = re.findall(r"^```python\n(from pathlib.*?)^```$", page, re.M | re.S)
    shutil.copytree(author_photos, tmp_path / "photos")
    shutil.copy(author_photos / "genuine" / "author0-0.png", tmp_path / "photo.jpg")
    ran = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lost, accuracy, recommended, verdict = ran.stdout.splitlines()
    assert re.fullmatch(r"lost by int8: -?[0-9.]+ points of 12 validation photos", lost)
    assert float(accuracy.removeprefix("balanced accuracy on the test part: ")) > 0.8
    assert recommended.startswith("recommended here: ")
    assert verdict.split()[0] in ("genuine", "recapture")


def test_a_function_whose_package_is_absent_answers_with_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "filelock", None)
    monkeypatch.delitem(sys.modules, "edgekit.gather.importing", raising=False)
    monkeypatch.delitem(sys.modules, "edgekit.locks", raising=False)
    monkeypatch.delitem(sys.modules, "edgekit.gather.journal", raising=False)
    with pytest.raises(MissingExtra, match=r"filelock is not installed: pip install .*\[data\]"):
        _ = edgekit.import_photos
