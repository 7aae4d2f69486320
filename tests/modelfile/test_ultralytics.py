from __future__ import annotations

import io
import json
import zipfile

import pytest
from fixtures.foreign import Kind, build

from edgekit.modelfile.foreign import examine_model
from edgekit.modelfile.ultralytics import read_ultralytics

TOLD = {"description": "YOLO11n-cls", "task": "classify", "imgsz": [8, 8], "names": {0: "a", 1: "b", 2: "c"}}


def exported(name, text):
    """A model with a file in the archive behind it, as the exporter appends it."""
    file = io.BytesIO(build(Kind()))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("metadata.json", json.dumps(TOLD), id="json"),
        pytest.param("temp_meta.txt", str(TOLD), id="former"),
    ],
)
def test_labels_and_normalisation_are_those_of_the_exporter(name, text):
    found = examine_model(exported(name, text))
    assert found.labels == {name: "a\nb\nc"}
    assert found.metadata is not None
    assert (found.metadata.mean, found.metadata.std) == ((0.0,), (255.0,))
    assert found.metadata.description == "exported by Ultralytics for the task classify"


def test_of_other_tasks_no_normalisation_is_said():
    found = read_ultralytics(exported("metadata.json", json.dumps(TOLD | {"task": "detect"})))
    assert found is not None
    assert found[0].mean == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("metadata.json", "[1]", id="a-list"),
        pytest.param("metadata.json", "{", id="no-json"),
        pytest.param("temp_meta.txt", "__import__('os').getcwd()", id="a-call"),
        pytest.param("temp_meta.txt", "(" * 10_000, id="nested"),
        pytest.param("temp_meta.txt", str(TOLD | {"more": "x" * 2_000_000}), id="too-long"),
        pytest.param("metadata.json", json.dumps({"names": {"0": "a"}}), id="without-a-task"),
        pytest.param("labels.txt", "a\nb\n", id="another-file"),
    ],
)
def test_what_is_not_theirs_is_left_alone(name, text):
    assert read_ultralytics(exported(name, text)) is None
