"""What a device's Python answers is not trusted."""

from __future__ import annotations

import json

import pytest

from edgekit.devices.remote import read_probe
from edgekit.errors import DeviceError


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
