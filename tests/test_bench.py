import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.bench import (
    BenchPoint,
    BenchRecord,
    Setting,
    bench,
    measure_latency,
    pareto_points,
    recommend,
)
from edgekit.config import BenchConfig, EvaluateConfig
from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError, InterpreterError
from edgekit.evaluate import evaluate
from edgekit.metrics import Predictions, evaluate_predictions
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.coldstart import ColdStart
from edgekit.runtime.timing import Latency

COLD = ColdStart(cold_start_ms=1.0, first_ms=1.0, peak_memory_mb=None)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Photos whose first crops mislead: half of each is in the other class's colour."""
    root = tmp_path_factory.mktemp("photos")
    for name, colour, other in (("genuine", (230, 0, 20), (20, 0, 230)), ("recapture", (20, 0, 230), (230, 0, 20))):
        (root / name).mkdir()
        for number in range(6):
            pixels = np.full((48, 64, 3), colour, np.uint8)
            pixels[:, 20 : 20 + 6 * number] = other
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return load_dataset(root)


@pytest.fixture(scope="module")
def model(tmp_path_factory, red_blue_file):
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    shutil.copy(red_blue_file, path)
    return path


@pytest.fixture(scope="module")
def record(model, dataset):
    return bench(model, dataset, BenchConfig(tta=(1, 3, 4), threads=(1, 2), runs=3, warmup=1))


class TestBench:
    def test_every_point_was_measured(self, record):
        assert [(point.crops, point.threads) for point in record.points] == [
            (crops, threads) for threads in (1, 2) for crops in (1, 3, 4)
        ]
        for point in record.points:
            assert set(point.latency) == {"decode", "crop", "invoke", "vote", "total"}
            assert all(stage.n == 3 for stage in point.latency.values())
            total = point.latency["total"]
            assert 0 < total.p50_ms <= total.p95_ms <= total.p99_ms
            assert point.cold.cold_start_ms > point.cold.first_ms > 0

    def test_conditions_stand_beside_the_numbers(self, record, dataset):
        assert record.conditions.device
        assert record.conditions.cores >= 1
        assert record.conditions.interpreter.split()[0] in ("litert", "tflite-runtime")
        assert (record.conditions.warmup, record.conditions.timed_photos) == (1, 3)
        assert (record.photos, record.part, record.data_sha256) == (12, "all", dataset.sha256)

    def test_accuracy_of_fewer_crops_is_that_of_the_first_crops(self, record, model, dataset):
        for point in record.points:
            assert point.evaluation == evaluate(model, dataset, EvaluateConfig(crops=point.crops)).evaluation
        assert len({point.evaluation.balanced_accuracy.value for point in record.points}) > 1

    def test_the_record_is_read_as_it_was_written(self, record, tmp_path):
        write_json(tmp_path / "bench.json", record)
        assert from_plain(BenchRecord, read_json(tmp_path / "bench.json"), where="bench") == record

    def test_a_recommendation_is_one_of_the_points(self, record):
        assert (record.recommended_crops, record.recommended_threads) in {(p.crops, p.threads) for p in record.points}

    def test_an_interpreter_that_is_not_here_is_named(self, model, dataset):
        with pytest.raises(InterpreterError, match="an interpreter must be one of"):
            bench(model, dataset, BenchConfig(tta=(1,), threads=(1,), runs=2, interpreter="abacus"))


class TestMeasureLatency:
    def test_photos_repeat_when_there_are_fewer_than_runs(self, red_blue, dataset):
        photos = [dataset.path_of(dataset.samples[0])]
        _, times = measure_latency(red_blue, photos, BenchConfig(tta=(1, 2), threads=(1,), runs=4, warmup=0))
        assert {point: len(spent) for point, spent in times.items()} == {Setting(1, 1): 4, Setting(2, 1): 4}

    def test_without_photos_there_is_nothing_to_time(self, red_blue):
        with pytest.raises(DataError, match="at least one photo"):
            measure_latency(red_blue, [], BenchConfig())


def point(crops, p95_ms, right, *, threads=1):
    """A point with a p95 and this many right answers of 20."""
    latency = Latency(n=2, mean_ms=p95_ms, p50_ms=p95_ms, p90_ms=p95_ms, p95_ms=p95_ms, p99_ms=p95_ms)
    truth = np.repeat([0, 1], 10)
    predicted = np.where(np.arange(20) < right, truth, 1 - truth)
    evaluation = evaluate_predictions(Predictions(truth=truth, predicted=predicted, labels=("a", "b")), resamples=10)
    return BenchPoint(crops=crops, threads=threads, latency={"total": latency}, cold=COLD, evaluation=evaluation)


POINTS = [point(1, 5, 14), point(3, 10, 16), point(5, 20, 18), point(10, 40, 18)]


@pytest.mark.parametrize(
    ("points", "budget_ms", "crops"),
    [
        pytest.param(POINTS, None, 5, id="the-faster-of-equals"),
        pytest.param(POINTS, 20, 5, id="exactly-the-budget"),
        pytest.param(POINTS, 19.9, 3, id="just-under"),
        pytest.param(POINTS, 4.9, None, id="nothing-fits"),
        pytest.param([*POINTS, point(7, 30, 17)], None, 5, id="more-crops-may-be-worse"),
        pytest.param([], None, None, id="no-points"),
    ],
)
def test_recommend(points, budget_ms, crops):
    best = recommend(points, budget_ms)
    assert (best.crops if best else None) == crops


def test_threads_are_a_series_of_their_own():
    points = pareto_points([POINTS[0], replace(POINTS[0], threads=2)])
    assert [(one.label, one.series) for one in points] == [("k=1", "1 thread"), ("k=1", "2 threads")]
