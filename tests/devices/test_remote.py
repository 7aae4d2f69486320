"""What a device's Python answers is not trusted."""

from __future__ import annotations

import json
import sys

import pytest

from edgekit.devices.process import Watched
from edgekit.devices.remote import blobs, read_probe
from edgekit.devices.send import Sender
from edgekit.errors import DeviceError
from edgekit.progress import SILENT


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("[" * 90_000, "no JSON", id="deep"),
        pytest.param("[" * 200_000, "at most 100000 characters", id="long"),
        pytest.param("[]", "must be an object", id="list"),
        pytest.param(json.dumps({f"key{n}": 1 for n in range(5000)}), "unknown", id="keys"),
    ],
)
def test_probes_that_are_none(line, complaint):
    with pytest.raises(DeviceError, match=complaint) as told:
        read_probe(line, "it")
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize(
    ("says", "complaint"),
    [
        pytest.param("print('hi')", "says more than 1001 lines", id="a-greeting-without-end"),
        pytest.param("print('{}')", "says more than 1001 lines", id="objects-without-end"),
        pytest.param("print('{\"whole\": 0}')", "says more than 1001 lines", id="one-file-for-ever"),
    ],
)
def test_a_push_ends_where_a_device_talks_without_end(says, complaint, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    command = [sys.executable, "-uc", f"while True: {says}"]
    with (
        Watched(command, name="it", idle_timeout_s=20, holds_stdin=True) as process,
        pytest.raises(DeviceError, match=complaint),
    ):
        Sender(process, "there", blobs([tmp_path / "photo.jpg"])).send(SILENT)
