"""Every number in README and docs is that of a committed record."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def results(repository):
    return repository / "docs" / "results"


def run(repository, *arguments):
    command = [sys.executable, repository / "docs" / "render.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pages_agree_with_their_records(repository):
    checked = run(repository, "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


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
