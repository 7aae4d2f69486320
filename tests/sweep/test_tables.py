"""How a comparison reads."""

from __future__ import annotations

import pytest
from folded import wrong_at

from edgekit.crossval.record import CrossvalRecord
from edgekit.records import from_plain, plain, read_json
from edgekit.sweep.compare import compare_runs
from edgekit.sweep.record import CompareRecord, CompareRow, SweepRecord
from edgekit.sweep.tables import comparison_page, comparison_table, network_table

pytest.importorskip("scipy")

GOOD, POOR = wrong_at(0, 9), wrong_at(0, 1, 2, 9, 10, 20)


def test_a_row_says_all_that_is_on_record(crossval):
    first = crossval("first", {("float", 5): GOOD, ("int8 PTQ", 5): POOR}, latency={5: 20.04})
    second = crossval("second", {("float", 5): GOOD, ("int8 PTQ", 5): GOOD}, latency={5: 31.0})
    columns, rows = comparison_table(compare_runs([first, second]))
    assert columns == [
        *("run", "crops", "model", "balanced accuracy", "lost to int8", "more than first", "AUC", "worst group"),
        *("file", "multiplications a crop", "p50 ms", "training", "Pareto"),
    ]
    poor, good = (dict(zip(columns, row, strict=True)) for row in rows)
    assert poor["run"] == "first (trained from scratch)"
    assert (poor["crops"], poor["model"], poor["more than first"]) == ("5", "int8 PTQ", "–")
    assert poor["balanced accuracy"].startswith("87.5 (")
    assert poor["lost to int8"].startswith("+8.3 (")
    assert good["lost to int8"] == "0.0 (0.0 to 0.0)"
    assert good["more than first"].startswith("+8.3 (")
    assert poor["worst group"] == "62.5 (author0)"
    assert (poor["file"], poor["multiplications a crop"]) == ("400 kB", "37 M")
    assert (poor["p50 ms"], poor["training"], poor["Pareto"]) == ("20.0", "30 s", "yes")


def test_columns_that_no_record_fills_are_left_out(crossval):
    columns, _ = comparison_table(compare_runs([crossval("only", {("float", 5): GOOD})]))
    assert "p50 ms" not in columns
    assert "lost to int8" not in columns
    assert "more than only" not in columns


def test_a_network_stands_once_with_its_note(crossval):
    runs = [crossval("a", {("float", 1): GOOD, ("float", 5): GOOD})]
    assert network_table(compare_runs(runs)) == (["run", "network"], [["a", "small_cnn, 96 px, from scratch"]])
    columns, rows = network_table(compare_runs(runs, notes={"a": "ours"}))
    assert (columns, rows[0][2]) == (["run", "network", "note"], "ours")


def test_a_page_has_what_must_be_said_beside_the_numbers(crossval):
    page = comparison_page(compare_runs([crossval("a|b", {("float", 5): GOOD}, told=False)]), "Two | runs")
    assert page.startswith("# Two | runs\n\n48 unseen photos; percent and points")
    assert "| a\\|b (trained from scratch) |" in page
    assert "## What is not on record" in page


def test_a_run_without_accuracy_is_said_to_have_none():
    row = CompareRow(run="a", network="", is_pretrained=None, variant="int8", crops=5)
    page = comparison_page(CompareRecord(rows=(row,), cautions=("odd",)), "One")
    assert "no accuracies on record" in page
    assert "- Caution: odd" in page


def test_a_sweep_as_documents_show_it(crossval, repository, monkeypatch):
    """What docs/render.py makes of a record, whether one is committed or not."""
    monkeypatch.syspath_prepend(str(repository / "docs"))
    from rendering.sweeps import backbones

    root = crossval("lite", {("float", 5): GOOD, ("int8 PTQ", 5): POOR}, latency={5: 20.0})
    record = SweepRecord(
        title="Backbones",
        data_sha256="d" * 64,
        photos=48,
        groups=6,
        folds=3,
        comparison=compare_runs([root]),
        failed={"vgg16": "no weights"},
        conditions=from_plain(CrossvalRecord, read_json(root / "crossval.json"), where="it").conditions,
        versions={},
    )
    page = backbones(plain(record))
    assert page.startswith("Backbones: 48 photos of 6 groups, each by a model of 3 folds that never saw its group;")
    assert "Latency is of one thread, on 2 cores of an a chip" in page
    assert "| lite (trained from scratch) | 5 | int8 PTQ | 87.5 (" in page
    assert page.endswith("Failed: vgg16: no weights.")
