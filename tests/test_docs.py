"""Every number in README and docs is that of a committed record; nothing names a stranger's package."""

from __future__ import annotations

import ast
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import edgekit

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def results(repository):
    return repository / "docs" / "results"


def run(repository, *arguments):
    command = [sys.executable, repository / "docs" / "render.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


needs_every_record = pytest.mark.skipif(
    (ROOT / "PKG-INFO").exists(), reason="the source distribution leaves the largest records out"
)


@needs_every_record
def test_pages_agree_with_their_records(repository):
    checked = run(repository, "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_every_record
def test_a_page_that_differs_is_named(repository, tmp_path):
    for name in ("README.md", "docs", "models", "benchmarks"):
        source = repository / name
        copy = tmp_path / name
        for file in [source] if source.is_file() else [one for one in source.rglob("*") if one.is_file()]:
            target = copy if source.is_file() else copy / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    page = tmp_path / "README.md"
    page.write_text(
        re.sub(r"(begin demo -->\n)", r"\1An odd line.\n", page.read_text(encoding="utf-8")), encoding="utf-8"
    )
    checked = run(tmp_path, "--check")
    assert checked.returncode == 1
    assert checked.stdout.startswith("README.md does not agree with its record")
    assert run(tmp_path).returncode == 0
    assert "An odd line." not in page.read_text(encoding="utf-8")


def test_records_name_no_folder_of_the_machine_they_were_made_on(results):
    records = list(results.glob("*.json"))
    assert len(records) >= 3
    for record in records:
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', record.read_text(encoding="utf-8")):
            assert not re.search(r"(^|[\s=])(/[A-Za-z]|[A-Z]:\\)", text), f"{record.name}: {text}"


@pytest.fixture(scope="module")
def measured(results):
    return json.loads((results / "measured.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def stale():
    return runpy.run_path(str(ROOT / "docs" / "rendering" / "ages.py"))["stale"]


@needs_every_record
def test_every_record_says_what_it_measured_and_how_to_renew_it(measured, repository):
    folders = (repository / "docs" / "results", repository / "benchmarks" / "results")
    records = {file.relative_to(repository).as_posix(): file for folder in folders for file in folder.glob("*.json")}
    del records["docs/results/measured.json"]
    assert set(measured) == set(records)
    for name, file in records.items():
        assert measured[name]["renew"]
        told = json.loads(file.read_text(encoding="utf-8")).get("versions", {}).get("edgekit")
        # What a record itself says of it can't be overruled.
        assert told in (None, measured[name]["edgekit"]), name


def test_no_record_is_older_than_the_code_by_a_release(measured, stale):
    assert stale(measured, edgekit.__version__) == []


@pytest.mark.parametrize(
    ("version", "is_stale"),
    [("0.1.0", False), ("0.1.7", False), ("0.2.0", True), ("1.0.0", True), ("0.10.0", True), ("0.2.0rc1", True)],
)
def test_a_record_of_an_earlier_release_is_named_with_what_renews_it(stale, version, is_stale):
    one = {"docs/results/a.json": {"edgekit": "0.1.0", "renew": "make a"}}
    said = f"docs/results/a.json is of edgekit 0.1.0, the code is {version}: renew it by `make a`"
    assert stale(one, version) == ([said] if is_stale else [])


def test_the_cross_validation_is_one_of_this_version(results):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    from edgekit.crossval.record import CrossvalRecord
    from edgekit.records import from_plain, read_json

    record = from_plain(CrossvalRecord, read_json(results / "recapture.json"), where="recapture.json")
    assert {one.evaluation.report.n for one in record.variants} == {record.photos}


def test_the_shipped_model_is_the_one_that_was_measured(results, repository):
    from edgekit.records import file_sha256

    record = json.loads((results / "demo.json").read_text(encoding="utf-8"))
    assert file_sha256(repository / "models" / "demo-int8.tflite") == record["bench"]["file_sha256"]


# On PyPI, the name of the import is a package of somebody else: ``pip install edgekit`` up to the end of the command,
# and ``edgekit[extra]`` but in the name of the distribution or at the end of a path.
STRANGER = re.compile(
    r"\b(?:pip[0-9.]*|pipx|uvx?|poetry|pdm|conda)\s+(?:\w+\s+)?(?:install|download|wheel|add|run)\b[^`;&|#]*?"
    r"(?<![\w./-])edgekit(?![\w./-])|(?<![\w./-])edgekit\["
)


def strangers(text):
    return [found[0] for found in STRANGER.finditer(" ".join(text.split()))]


def strings(source):
    """Every string of a Python file, with its parts put together."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Constant, ast.JoinedStr)))
    return [ast.unparse(node) for node in nodes if isinstance(getattr(node, "value", ""), str)]


def present_changes(repository):
    return (repository / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]


@pytest.mark.parametrize(
    "line",
    [
        "pip install edgekit",
        "pip install 'edgekit[host]'",
        'pip install -q "edgekit [host]"',
        "uv pip install --upgrade edgekit==0.1.0",
        "python -m pip install\n  numpy edgekit",
        "pipx run edgekit",
        "it is in `edgekit[data]`",
        "f\"pip install 'edgekit[{extra}]'\"",
    ],
)
def test_a_line_for_a_strangers_package_is_found(line):
    assert strangers(line)


@pytest.mark.parametrize(
    "line",
    [
        "pip install '.[host]'",
        "pip install 'edgekit-vision[host]'",
        "pip install -e '/a/clone/of/edgekit[host]'",
        "pip install ./edgekit_vision-*.whl",
        "pip install '.[host]' in a clone of edgekit-vision",
        "`pip install .`, then `edgekit demo`",
        "pip install numpy; edgekit brings the rest",
        "without installing edgekit",
    ],
)
def test_a_line_for_ours_is_none(line):
    assert not strangers(line)


def test_no_page_names_a_strangers_package(repository):
    pages = [repository / "README.md", *(repository / "docs").rglob("*.md"), *(repository / "models").rglob("*.md")]
    pages += (repository / "benchmarks").rglob("*.md")
    assert len(pages) > 8
    found = {str(page): strangers(page.read_text(encoding="utf-8")) for page in pages}
    found["CHANGELOG.md"] = strangers(present_changes(repository))
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_no_source_names_a_strangers_package(repository):
    files = [*(repository / "edgekit").rglob("*"), repository / "pyproject.toml", repository / "Makefile"]
    texts = {file: file.read_text(encoding="utf-8") for file in files if file.is_file() and not _is_binary(file)}
    assert len(texts) > 200
    found = {}
    for file, text in texts.items():
        # Of code, strings are read as a whole and the rest by line.
        parts = [*text.splitlines(), *strings(text)] if file.suffix == ".py" else [text]
        found[str(file)] = [line for part in parts for line in strangers(part)]
    assert {name: lines for name, lines in found.items() if lines} == {}


def _is_binary(file):
    return file.suffix in (".pyc", ".tflite")


def test_no_help_names_a_strangers_package():
    typer = pytest.importorskip("typer", reason="needs the cli extra")
    from edgekit.cli import app

    root = typer.main.get_command(app)
    todo, seen = [("edgekit", root)], 0
    while todo:
        name, command = todo.pop()
        with command.make_context(name, [], resilient_parsing=True) as context:
            assert strangers(command.get_help(context)) == [], name
        todo += [(f"{name} {word}", one) for word, one in getattr(command, "commands", {}).items()]
        seen += 1
    assert seen > 20
