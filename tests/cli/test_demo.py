"""The demo's own part: which stages it runs, which it takes from an earlier call, and what it says of their times."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
from judging import judged

from edgekit.__main__ import main
from edgekit.bench.conditions import Conditions
from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
from edgekit.cli import demo
from edgekit.metrics.classification import evaluation_of
from edgekit.records import read_json, write_json
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.job import Setting
from edgekit.runtime.timing import Latency

STAGES = ["data simulate", "finetune", "qat", "convert", "evaluate", "bench", "report"]
SECONDS = {
    "data simulate": 10.0,
    "finetune": 20.0,
    "qat": 30.0,
    "convert": 40.0,
    "evaluate": 5.0,
    "bench": 50.0,
    "report": 2.0,
}


def bench_record(right):
    """A benchmark of 100 photos, of which so many were told right."""
    truth = np.array([0, 1] * 50)
    predicted = np.where(np.arange(100) < right, truth, 1 - truth)
    evaluation = evaluation_of(judged(truth, predicted, ("genuine", "recapture")))
    millisecond = Latency(n=2, mean_ms=1.0, p50_ms=1.0, p90_ms=1.0, p95_ms=1.0, p99_ms=1.0)
    point = BenchPoint(
        crops=10,
        threads=1,
        latency={"total": millisecond},
        cold=ColdStart(cold_start_ms=1.0, first_ms=1.0, peak_memory_mb=None),
        evaluation=evaluation,
    )
    where = Conditions(
        device="",
        int8_instructions=None,
        system="",
        python="",
        cores=1,
        interpreter="",
        delegate="",
        warmup=0,
        timed_photos=2,
    )
    device = DeviceBench(
        device="local",
        kind="local",
        emulated="",
        no_latency="",
        conditions=where,
        throttling=None,
        repeats=(),
        points=(replace(point, crops=1), point),
        recommended=Setting(crops=10, threads=1, stops_early=False, interpreter="", delegate="default"),
    )
    return BenchRecord(
        model="demo-int8.tflite",
        model_bytes=1,
        file_sha256="",
        precision="int8",
        plan="native",
        data_sha256="",
        part="test",
        photos=100,
        caution="",
        budget_ms=30.0,
        quick=True,
        devices=(device,),
    )


class Stages:
    """Instead of the stages: what they would leave, and which were run."""

    def __init__(self, out):
        self.out, self.ran, self.right, self.stop_at = out, [], 100, ""

    def __call__(self, arguments):
        name = demo.command_of(arguments)
        self.ran.append(arguments)
        if name == self.stop_at:
            raise KeyboardInterrupt
        made = {
            "data simulate": {"photos/simulate.json": {}},
            "finetune": {"run/float.json": {"interrupted": False}},
            "qat": {"run/qat.json": {"interrupted": False}},
            "convert": {"demo-int8.tflite": {}, "demo-int8.json": {}},
            "evaluate": {"evaluation/evaluate.json": {}},
            "bench": {"demo-int8.bench.json": bench_record(self.right)},
            "report": {"report.html": {}},
        }
        for path, content in made[name].items():
            write_json(self.out / path, content)
        return demo.StageTime(command=f"edgekit {' '.join(arguments)}", seconds=SECONDS[name], peak_memory_mb=100.0)


@pytest.fixture
def stages(tmp_path, monkeypatch):
    fake = Stages(tmp_path / "demo")
    monkeypatch.setattr(demo, "_stage", fake)
    return fake


@pytest.fixture
def run_demo(stages, monkeypatch, capsys):
    """``run_demo("--overwrite")``: exit code, stdout, and the names of the stages that were run."""

    def run(*options):
        stages.ran.clear()
        monkeypatch.setattr(sys, "argv", ["edgekit", "demo", "--out", str(stages.out), *options])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, capsys.readouterr().out, [demo.command_of(arguments) for arguments in stages.ran]

    return run


def read(stages):
    return read_json(stages.out / "demo.json")


def test_all_stages_run_and_are_recorded(run_demo, stages):
    code, out, ran = run_demo()
    assert (code, ran) == (0, STAGES)
    record = read(stages)
    assert [demo.command_of(stage["command"].split()[1:]) for stage in record["stages"]] == STAGES
    assert (record["seconds"], record["peak_memory_mb"], record["balanced_accuracy"]) == (157.0, 100.0, 1.0)
    assert "balanced accuracy 100.0 % (target 95.0 %: reached)" in out
    assert "\n157 s, at most 100 MiB" in out


def test_a_re_run_measures_again_and_keeps_the_times_of_what_it_takes(run_demo, stages):
    run_demo()
    code, out, ran = run_demo()
    assert (code, ran) == (0, ["bench", "report"])
    assert [stage["seconds"] for stage in read(stages)["stages"]] == list(SECONDS.values())
    assert "\n157 s, at most" in out


@pytest.mark.parametrize("damage", ["absent", "cut-short", "of-other-stages", "older-than-the-results"])
def test_times_that_are_not_known_are_said_to_be_missing(run_demo, stages, damage):
    run_demo()
    record = stages.out / "demo.json"
    if damage == "absent":
        record.unlink()
    elif damage == "cut-short":
        record.write_text(record.read_text()[:40])
    elif damage == "of-other-stages":
        record.write_text(json.dumps({"stages": [{"name": "finetune"}]}))
    else:
        os.utime(record, (0, 0))
    code, out, ran = run_demo()
    assert (code, ran) == (0, ["bench", "report"])
    assert [stage["seconds"] for stage in read(stages)["stages"]] == [50.0, 2.0]
    assert "\n52 s without data simulate, finetune, qat, convert, evaluate, which an earlier call ran, at most" in out


def test_a_stopped_demo_goes_on(run_demo, stages):
    stages.stop_at = "qat"
    assert run_demo()[::2] == (130, STAGES[:3])
    stages.stop_at = ""
    code, _, ran = run_demo()
    assert (code, ran) == (0, ["qat", "convert", "evaluate", "bench", "report"])
    assert "--resume" in stages.ran[0]


def test_a_stage_that_ctrl_c_ended_runs_again_and_all_after_it(run_demo, stages):
    run_demo()
    write_json(stages.out / "run" / "float.json", {"interrupted": True})
    code, _, ran = run_demo()
    assert (code, ran) == (0, STAGES[1:])
    # The model of the old weights lies there.
    assert stages.ran[2][-1] == "--overwrite"


def test_a_record_without_its_model_is_replaced(run_demo, stages):
    run_demo()
    (stages.out / "demo-int8.tflite").unlink()
    run_demo()
    assert stages.ran[0][0] == "convert"
    assert stages.ran[0][-1] == "--overwrite"


def test_overwriting_runs_all(run_demo, stages):
    run_demo()
    assert run_demo("--overwrite")[2] == STAGES
    assert ["--overwrite" in arguments for arguments in stages.ran] == [False, True, True, True, False, False, False]


def test_a_missed_target_is_exit_code_1(run_demo, stages):
    stages.right = 90
    code, out, _ = run_demo()
    assert code == 1
    assert "balanced accuracy 90.0 % (target 95.0 %: MISSED)" in out
