"""The document against the server that it describes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from served import TOKEN, photo, serving

from edgekit.scoring.predictions import Prediction
from edgekit.serve.openapi import api_document, api_page, schema_of
from edgekit.serve.options import ServeConfig


@pytest.fixture(scope="module")
def document():
    return api_document(ServeConfig(), ("genuine", "recapture"))


def test_rows_are_described_as_they_are(document, served):
    schema = document["paths"]["/v1/classify"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    (row,) = served.classify(photo(), boxes="true").json()
    assert set(row) == set(schema["items"]["properties"])
    assert set(row["boxes"][0]) == set(schema["items"]["properties"]["boxes"]["items"]["properties"])
    assert "boxes" not in schema["items"]["required"]
    told = schema_of(Prediction)["properties"]
    assert told["crops"] == {"type": ["integer", "null"], "description": "Number of crops that were scored."}
    assert told["probabilities"]["additionalProperties"] == {"type": "number"}


def test_a_query_is_described_with_its_bounds(document):
    parameters = {one["name"]: one["schema"] for one in document["paths"]["/v1/classify"]["post"]["parameters"]}
    assert parameters["crops"] == {"type": "integer", "minimum": 1, "maximum": 32}
    assert parameters["boxes"] == {"type": "boolean", "default": False}


def test_a_token_is_asked_for_where_there_is_one(document):
    assert "security" not in document
    with_token = api_document(ServeConfig(token=TOKEN), ("genuine", "recapture"))
    assert with_token["security"] == [{"bearer": []}]
    assert with_token["paths"]["/healthz"]["get"]["security"] == []


def test_the_page_tells_all_of_it_without_scripts(document):
    class Reader(HTMLParser):
        tags: list[str]

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)

    reader = Reader()
    reader.tags = []
    page = api_page(document)
    reader.feed(page)
    assert not {"script", "iframe", "style"} & set(reader.tags)
    for path in document["paths"]:
        assert path in page


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="needs the dev extra")
@pytest.mark.parametrize("token", ["", TOKEN])
def test_schemathesis_finds_nothing(red_blue_file, token, tmp_path):
    """Requests that the document allows, and such that it does not, each answered as it says."""
    hooks = {"SCHEMATHESIS_HOOKS": "photo_strategies", "PYTHONPATH": str(Path(__file__).parent)}
    with serving(red_blue_file, token=token) as served:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.address}openapi.json", "--checks", "all"]
        command += ["--max-examples", "15", "--seed", "1", "--suppress-health-check", "all", "--no-color"]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        command += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **hooks}, cwd=tmp_path
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        metrics = served.ask.get("/metrics", headers=headers).text
    # It got as far as verdicts, and no further than refusals.
    assert 'route="/v1/classify",status="200"' in metrics
    assert 'status="500"' not in metrics
