"""What is said first, and when a model passes."""

from __future__ import annotations

import pytest

from edgekit.bench.latency import Throttling
from edgekit.records import plain
from edgekit.report.benchmarks import photo_set
from edgekit.report.models import collect
from edgekit.report.tables import figures
from edgekit.report.verdict import headline, judge

THROTTLED = Throttling(ratio=1.4, low=1.3, high=1.5, verdict="throttled")


def test_the_verdict_says_what_failed_and_what_passed(shelf, hostile):
    (model,) = collect([shelf]).models
    verdict = judge(model)
    assert verdict.outcome == "no"
    assert verdict.line == f"Fails: budget of 30 ms on Slow <b>{hostile}"
    assert [check.outcome for check in verdict.checks] == ["yes", "no", "yes"]
    assert verdict.checks[0].detail.startswith("5 crops, 1 thread: p95 4.8 ms, median 4.0 ms")
    assert "Balanced accuracy" in verdict.sentences[0]
    assert "these photos also trained the model: the numbers flatter" in verdict.cautions


def test_a_budget_that_all_keep_passes(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw["devices"].pop())
    verdict = judge(collect([copied]).models[0])
    assert (verdict.outcome, verdict.line) == (
        "yes",
        "Passes: budget of 30 ms on Testboard 3; accuracy kept by the conversion",
    )


def few_photos(raw):
    """A benchmark of fewer photos that the model does worse on."""
    raw.update(photos=20, devices=raw["devices"][:1])
    for point in raw["devices"][0]["points"]:
        point["evaluation"]["balanced_accuracy"].update(value=0.5, low=0.4, high=0.6)


def test_accuracy_is_that_of_the_evaluation_and_latency_that_of_the_benchmark(copied, edit):
    edit(copied / "tiny.bench.json", few_photos)
    (model,) = collect([copied]).models
    tiles = {name: (value, more) for name, value, more in figures(model)}
    evaluation = model.evaluated[0].evaluation
    best = headline(model)
    assert (best.evaluation, best.photos) == (evaluation, photo_set(model.evaluated[0]))
    assert tiles["balanced accuracy"][0] == f"{100 * evaluation.balanced_accuracy.value:.1f} %"
    assert "24 photos" in tiles["balanced accuracy"][1]
    assert all("photos" in tiles[name][1] for name in ("APCER", "BPCER"))
    assert tiles["recommended setting"] == (
        "4.8 ms, 50.0 %",
        "p95 and balanced accuracy; Testboard 3, 5 crops, 1 thread",
    )
    said = judge(model).sentences
    assert "24 photos" in said[0]
    assert any(one.startswith("At the benchmark's point: balanced accuracy 50.0 %") for one in said)


def test_photos_that_training_saw_come_after_others(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(photos=5, data_sha256="f" * 64))
    assert headline(collect([copied]).models[0]).photos.number == 5


@pytest.mark.parametrize(("quick", "throttled"), [(True, False), (False, True), (True, True)])
def test_a_rough_benchmark_never_passes_plainly(copied, edit, quick, throttled):
    def change(raw):
        raw.update(quick=quick, devices=raw["devices"][:1])
        if throttled:
            raw["devices"][0]["throttling"] = plain(THROTTLED)

    edit(copied / "tiny.bench.json", change)
    verdict = judge(collect([copied]).models[0])
    assert verdict.outcome == "open"
    assert verdict.line == ("Passes, roughly: budget of 30 ms on Testboard 3. Passed: accuracy kept by the conversion")
    assert ("a quick benchmark" in verdict.checks[0].detail) == quick
    assert ("slowed down" in verdict.checks[0].detail) == throttled


def test_nothing_passes_while_a_check_is_open(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(budget_ms=None, devices=raw["devices"][:1]))
    verdict = judge(collect([copied]).models[0])
    assert (verdict.outcome, verdict.line) == (
        "open",
        "Open: latency on Testboard 3. Passed: accuracy kept by the conversion",
    )


@pytest.mark.parametrize(
    ("budget", "bounds", "line"),
    [
        pytest.param(5.0, (4.0, 6.0), "Undecided: budget of 5 ms", id="kept-by-a-hair"),
        pytest.param(2.0, (1.9, 2.9), "Undecided: budget of 2 ms", id="missed-by-a-hair"),
        pytest.param(2.0, (2.1, 2.9), "Fails: budget of 2 ms", id="missed"),
        pytest.param(7.0, (4.0, 6.0), "Passes: budget of 7 ms", id="kept"),
    ],
)
def test_a_budget_inside_the_interval_of_the_p95_is_undecided(copied, edit, budget, bounds, line):
    def change(raw):
        raw.update(budget_ms=budget, devices=raw["devices"][:1])
        for point in raw["devices"][0]["points"]:
            point["intervals"] = {"total": {"p95_ms": list(bounds)}}

    edit(copied / "tiny.bench.json", change)
    (model,) = collect([copied]).models
    assert judge(model).line.startswith(line)
    # Of the point that the verdict is about, latency and accuracy are said together.
    tile = next(one for one in figures(model) if "setting" in one[0])
    assert f"p95 {tile[1].partition(',')[0]}" in judge(model).checks[0].detail
    assert tile[2].rpartition("Testboard 3, ")[2] in judge(model).checks[0].detail


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        pytest.param(
            "tiny.json", lambda raw: raw["gate"].update(drop_points=3.0), "written with --allow-drop", id="gate"
        ),
        pytest.param(
            "run/float.json", lambda raw: raw.update(interrupted=True), "stopped before its end", id="training"
        ),
    ],
)
def test_other_failures_are_said(copied, edit, file, change, said):
    edit(copied / "tiny.bench.json", lambda raw: raw["devices"].pop())
    edit(copied / file, change)
    verdict = judge(collect([copied]).models[0])
    assert verdict.outcome == "no"
    assert said in " ".join(check.detail for check in verdict.checks)


def test_a_drop_that_may_be_chance_is_undecided(copied, edit):
    edit(copied / "tiny.json", lambda raw: raw["gate"].update(drop_points=3.0, least_drop_points=-1.5))
    checks = judge(collect([copied]).models[0]).checks
    gate = next(check for check in checks if check.what == "accuracy kept by the conversion")
    assert (gate.outcome, gate.said) == ("open", "undecided")
    assert "can't be told with so few photos: the 95 % lower bound" in gate.detail
    assert "--allow-drop" not in gate.detail


def test_a_run_alone_is_not_judged(shelf, page_of):
    (model,) = collect([shelf / "run"]).models
    assert judge(model).outcome == "open"
    assert "Not judged yet" in page_of(shelf / "run")


def test_an_emulated_device_has_accuracy_but_no_latency(copied, edit, page_of):
    def emulate(raw):
        raw["devices"] = raw["devices"][:1]
        device = raw["devices"][0]
        device.update(emulated="qemu 7.2", no_latency="emulated: times say nothing", recommended=None)
        for point in device["points"]:
            point.update(latency=None, cold=None)

    edit(copied / "tiny.bench.json", emulate)
    (model,) = collect([copied]).models
    assert judge(model).checks[0].outcome == "open"
    assert "emulated: times say nothing" in page_of(copied)
