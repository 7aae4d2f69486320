"""The rows of a device, one by one; what they must say of a job is the ledger's to hold."""

from __future__ import annotations

import json

import pytest

from edgekit.bench.rows import ColdRow, EndRow, RepeatRow, parse_row
from edgekit.errors import DeviceError
from edgekit.records import plain
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.sensors import read_state


def test_a_cold_start_is_read_as_one():
    row = parse_row('{"type": "cold", "setting": 2, "cold_start_ms": 9.0, "first_ms": 4, "peak_memory_mb": null}')
    assert row == ColdRow(type="cold", setting=2, cold_start_ms=9.0, first_ms=4.0, peak_memory_mb=None)
    assert isinstance(row, ColdStart)


@pytest.mark.parametrize("kind", ["begin", "finish"])
def test_both_ends_of_a_repeat_have_the_same_row(kind):
    state = read_state()
    row = parse_row(json.dumps({"type": kind, "repeat": 1, "state": plain(state)}))
    assert row == RepeatRow(type=kind, repeat=1, state=state)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("hello", "must be JSON, got 'hello'", id="text"),
        pytest.param("[1]", "must be one of", id="list"),
        pytest.param('{"type": "edge"}', "must be one of .*'begin'.*'warm'", id="unknown"),
        pytest.param('{"type": "end"}', r"missing \['rows'\]", id="missing"),
        pytest.param('{"type": "end", "rows": NaN}', "must be JSON", id="nan"),
    ],
)
def test_what_is_no_row_is_refused(line, message):
    assert parse_row('{"type": "end", "rows": 3}') == EndRow(type="end", rows=3)
    with pytest.raises(DeviceError, match=message):
        parse_row(line)
