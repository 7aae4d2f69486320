"""``edgekit compare`` reads the runs that a report reads, by the same reader."""

from __future__ import annotations

import json

import pytest

from edgekit.records import read_json
from edgekit.sweep.compare import compare_runs

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
pytestmark = pytest.mark.host


def test_a_run_has_a_row_for_each_number_of_crops_that_was_timed(shelf):
    record = compare_runs([shelf])
    bench = read_json(shelf / "tiny.bench.json")["devices"][0]
    timed = [one for one in bench["points"] if one["latency"] and not one["stops_early"] and one["threads"] == 1]
    rows = {row.crops: row for row in record.rows}
    assert {row.run for row in record.rows} == {"tiny"}
    assert set(rows) >= {one["crops"] for one in timed}
    for one in timed:
        row = rows[one["crops"]]
        assert row.latency_ms == one["latency"]["total"]["p50_ms"]
        assert row.accuracy.value == one["evaluation"]["balanced_accuracy"]["value"]
        assert row.device.startswith("Testboard 3, ")
        assert row.is_pareto is not None
    assert all(row.training_seconds is not None and row.network and row.macs for row in record.rows)


def test_what_the_gate_saw_has_no_interval(shelf):
    gate = json.loads((shelf / "tiny.json").read_text(encoding="utf-8"))["gate"]
    row = compare_runs([shelf]).rows[0]
    assert row.drop.value == pytest.approx(gate["drop_points"] / 100)
    assert row.drop.low != row.drop.low


def test_cautions_of_its_records_are_told(shelf):
    assert compare_runs([shelf]).cautions
