"""What a comparison writes."""

from __future__ import annotations

import pytest
from folded import wrong_at

from edgekit.records import from_plain, read_json
from edgekit.sweep.compare import compare_runs
from edgekit.sweep.record import CompareRecord
from edgekit.sweep.write import write_comparison

pytest.importorskip("scipy")

GOOD = wrong_at(0, 9)


def test_record_page_and_picture(crossval, tmp_path):
    pytest.importorskip("matplotlib")
    record = compare_runs([crossval("a", {("float", 5): GOOD}, latency={5: 3.0})])
    written = write_comparison(record, tmp_path / "out", title="One")
    assert [one.name for one in written] == ["compare.json", "compare.md", "compare.png"]
    assert from_plain(CompareRecord, read_json(written[0]), where="compare.json") == record
    assert written[1].read_text(encoding="utf-8").startswith("# One\n")
    assert written[2].read_bytes().startswith(b"\x89PNG")


def test_without_latencies_there_is_no_picture(crossval, tmp_path):
    record = compare_runs([crossval("a", {("float", 5): GOOD})])
    assert [one.name for one in write_comparison(record, tmp_path, title="One")] == ["compare.json", "compare.md"]
    assert not (tmp_path / "compare.png").exists()
