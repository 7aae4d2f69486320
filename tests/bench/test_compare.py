from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import judged

from edgekit.bench.compare import check_comparable, compare_benchmarks
from edgekit.bench.conditions import Conditions
from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
from edgekit.errors import EdgekitError
from edgekit.metrics.classification import evaluation_of
from edgekit.runtime.agent.machine import read_machine
from edgekit.runtime.timing import Latency


def machine(**state):
    """This one, with a state that is told."""
    here = read_machine()
    return replace(here, state=replace(here.state, **state))


WHERE = Conditions(
    device="a chip",
    int8_instructions=(),
    system="Linux x86_64",
    python="3.11.7",
    cores=2,
    interpreter="litert 2.3.0",
    delegate="XNNPACK",
    warmup=5,
    timed_photos=50,
    machine=machine(governors=("performance",), battery="full", temperatures=None, throttling=None),
)


def point(ms, half_width, *, right=90, crops=1):
    """A point whose p50 and p95 have such an interval, and of whose 100 photos so many are told right."""
    truth = np.array([0, 1] * 50)
    predicted = np.where(np.arange(100) < right, truth, 1 - truth)
    bounds = (ms - half_width, ms + half_width)
    return BenchPoint(
        crops=crops,
        threads=1,
        interpreter="litert 2.3.0",
        delegate="XNNPACK",
        latency={"total": Latency(n=50, mean_ms=ms, p50_ms=ms, p90_ms=ms, p95_ms=ms, p99_ms=ms)},
        intervals={"total": dict.fromkeys(("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms"), bounds)},
        cold=None,
        evaluation=evaluation_of(judged(truth, predicted, ("a", "b")), resamples=200),
    )


def record(*points, where=WHERE, data="d"):
    device = DeviceBench(
        device="local",
        kind="local",
        emulated="",
        no_latency="",
        conditions=where,
        throttling=None,
        repeats=(),
        points=points,
        recommended=None,
    )
    return BenchRecord(
        model="m.tflite",
        model_bytes=1,
        file_sha256="",
        precision="int8",
        plan="native",
        data_sha256=data,
        part="test",
        photos=100,
        caution="",
        budget_ms=None,
        quick=False,
        devices=(device,),
    )


def verdicts(old, new, **options):
    return {change.what: change.verdict for change in compare_benchmarks(record(old), record(new), **options)}


class TestCompare:
    @pytest.mark.parametrize(
        ("old", "new", "verdict"),
        [
            pytest.param((10, 0.5), (12, 0.5), "worse", id="slower-beyond-doubt"),
            pytest.param((10, 0.5), (10.8, 0.1), "same", id="within-the-tolerance"),
            pytest.param((10, 2.0), (12, 2.0), "same", id="intervals-touch"),
            pytest.param((10, 0.5), (8, 0.5), "better", id="faster"),
        ],
    )
    def test_intervals_decide(self, old, new, verdict):
        found = verdicts(point(*old), point(*new))
        assert (found["p50_ms"], found["p95_ms"], found["balanced accuracy"]) == (verdict, verdict, "same")

    def test_the_tolerance_can_be_chosen(self):
        assert verdicts(point(10, 0.1), point(12, 0.1), tolerance=0.25)["p50_ms"] == "same"
        assert verdicts(point(10, 0.1), point(10.5, 0.1), tolerance=0.02)["p50_ms"] == "worse"

    def test_accuracy_counts_too(self):
        assert verdicts(point(10, 1), point(10, 1, right=60))["balanced accuracy"] == "worse"

    def test_points_of_one_alone_are_left_out(self):
        found = compare_benchmarks(record(point(10, 1), point(30, 1, crops=5)), record(point(10, 1)))
        assert {change.point for change in found} == {"1 crop, 1 thread, litert 2.3.0"}

    def test_points_without_latency_compare_accuracies(self):
        bare = replace(point(10, 1), latency=None, intervals=None)
        assert set(verdicts(bare, bare)) == {"balanced accuracy"}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"device": "another chip"}, "device was a chip, is another chip", id="device"),
            pytest.param({"python": "3.12.0"}, "python was 3.11.7", id="python"),
            pytest.param({"affinity": "big"}, "affinity was all, is big", id="affinity"),
            pytest.param({"cores": 4}, "cores was 2, is 4", id="cores"),
            pytest.param({"quick": True}, "quick was False, is True", id="quick"),
            pytest.param({"machine": replace(WHERE.machine, soc="x")}, "chip was", id="chip"),
            pytest.param(
                {"machine": machine(governors=("powersave",), battery="full", temperatures=None, throttling=None)},
                "governor was .*performance.* is .*powersave",
                id="governor",
            ),
            pytest.param(
                {
                    "machine": machine(
                        governors=("performance",), battery="discharging", temperatures=None, throttling=None
                    )
                },
                "battery was full, is discharging",
                id="charger",
            ),
        ],
    )
    def test_other_conditions_are_refused_by_name(self, change, message):
        new = record(point(10, 1), where=replace(WHERE, **change))
        with pytest.raises(EdgekitError, match=f"measured alike.*local: .*{message}"):
            compare_benchmarks(record(point(10, 1)), new)

    def test_other_photos_are_refused(self):
        with pytest.raises(EdgekitError, match="the data was d, is e"):
            compare_benchmarks(record(point(10, 1)), record(point(10, 1), data="e"))

    def test_other_devices_are_refused(self):
        with pytest.raises(EdgekitError, match=r"the list of devices was \['local'\], is \['ssh://pi'\]"):
            check_comparable(record(point(10, 1)), data_sha256="d", devices=["ssh://pi"])

    def test_where_only_the_network_was_timed_nothing_can_be_compared(self):
        alone = replace(record(point(10, 1)), devices=())
        with pytest.raises(EdgekitError, match="phones that time the network alone are not compared"):
            compare_benchmarks(alone, alone)

    def test_another_delegate_is_refused(self):
        with pytest.raises(EdgekitError, match=r"ran on litert 2.3.0 \(XNNPACK\), runs on litert 2.3.0 \(none\)"):
            compare_benchmarks(record(point(10, 1)), record(replace(point(10, 1), delegate="none")))

    def test_nothing_in_common_is_refused(self):
        with pytest.raises(EdgekitError, match="a point in common"):
            compare_benchmarks(record(point(10, 1)), record(point(10, 1, crops=5)))
