"""An int8 file held against its run's float network."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.data.manifest import Sample
from edgekit.errors import RunError
from edgekit.explain import int8
from edgekit.explain.error_gain import ErrorGain
from edgekit.explain.int8 import explain_int8, worst_layers
from edgekit.explain.int8_layers import LayerNoise
from edgekit.explain.int8_record import Int8Record
from edgekit.explain.options import Int8Config
from edgekit.records import from_plain, plain
from edgekit.runtime.bundle import read_bundle
from edgekit.train.record import RunFolder

pytestmark = [pytest.mark.host, pytest.mark.slow]

QUICK = Int8Config(worst=2, photos=12, layer_crops=6, more=2)


@pytest.fixture(scope="module")
def found(small_run, small_model, dataset):
    """Of a qat stage that was trained whole, on photos that were held out."""
    return explain_int8(dataset, small_run, small_model, QUICK)


def test_float_is_the_measure(found):
    assert (found.float32.name, found.float32.log_odds_error, found.float32.agreement) == ("float", 0.0, 1.0)
    assert found.file.name == "int8"
    assert 0 < found.file.log_odds_error < found.log_odds_spread
    assert found.float32.gain.value == 1
    assert found.float32.model_bytes > found.file.model_bytes
    assert found.validated_by == "photos"


def test_every_layer_is_told_of_from_the_input_on(found, small_run):
    numbers = [one.number for one in found.layers]
    assert numbers == sorted(numbers)
    assert all(one.snr_db is None or one.snr_db > 0 for one in found.layers)
    assert set(found.worst) <= {one.layer for one in found.layers}


def test_layers_are_kept_in_float_in_turn_and_together(found):
    assert 1 <= len(found.worst) <= QUICK.worst
    each = found.kept[: len(found.worst)]
    assert [one.layers for one in each] == [(name,) for name in found.worst]
    assert all(one.model_bytes > found.file.model_bytes and one.latency_ms > 0 for one in found.kept)
    for together in found.kept[len(found.worst) :]:
        assert together.layers == found.worst
        assert together.model_bytes > max(one.model_bytes for one in each)


def test_other_calibration_crops_are_compared(found):
    assert [one.name for one in found.calibrations] == ["50 other calibration crops", "100 calibration crops"]
    assert all(one.gain is not None and one.log_odds_error > 0 for one in found.calibrations)


def test_the_record_is_read_as_it_was_written(found):
    assert from_plain(Int8Record, plain(found), where="record") == found


def test_where_all_photos_train_accuracy_is_out_of_fold(mobile_run, mobile_model, dataset):
    record = explain_int8(dataset, mobile_run, mobile_model, replace(QUICK, worst=1))
    assert record.validated_by == "folds"
    assert record.calibrated > 0
    assert len(record.kept) <= 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param(
            "red_blue_file", "must be an int8 file, got float32; `edgekit convert --int8` makes one", id="float"
        ),
        pytest.param("mobile_model", "must be made from the qat weights that .* has", id="of-another-run"),
    ],
)
def test_a_file_that_is_not_of_the_run_is_refused(request, small_run, dataset, tmp_path, file, message):
    model = shutil.copy(request.getfixturevalue(file), tmp_path / "model.tflite")
    with pytest.raises(RunError, match=message):
        explain_int8(dataset, RunFolder(root=small_run.root), model, QUICK)


def test_photos_are_grouped_as_the_run_had_them(small_run, small_model, dataset, monkeypatch):
    grouped, judged = replace(dataset), []

    def stop(seen, *_):
        judged.append(seen)
        raise KeyboardInterrupt

    monkeypatch.setattr(int8, "of_run", lambda *_: grouped)
    monkeypatch.setattr(int8, "_judging", stop)
    with pytest.raises(KeyboardInterrupt):
        explain_int8(dataset, small_run, small_model, QUICK)
    assert judged[0] is grouped


def test_an_answer_that_is_held_back_is_judged_by_its_label(red_blue_file):
    contract = read_bundle(red_blue_file).contract
    contract = contract.with_decision(replace(contract.decision, abstain=(0.1, 0.9)))
    samples = tuple(Sample(path=f"{label}.jpg", label=label) for label in contract.labels)
    judging = int8._Judging(samples=samples, targets=np.arange(2), rows=np.arange(2), folds=None)
    scores = np.array([[[0.6, 0.4]], [[0.4, 0.6]]])
    comparison = int8._Comparison(contract, judging, {"int8": scores, "float": scores})
    models, latency = {"int8": b"", "float": b""}, {"int8": 1.0, "float": 1.0}
    assert [one.balanced_accuracy for one in comparison.variants(models, latency, []).values()] == [1.0, 1.0]


def test_the_worst_are_those_that_surely_cost_most():
    def layer(name, cost, number):
        ratios = {"snr_db": 1, "own_snr_db": 1, "cosine": 1}
        gain = None if cost is None else ErrorGain(value=cost[0], low=cost[1], high=1)
        return LayerNoise(layer=name, operator="ADD", number=number, range_used=1, clipped=0, cost=gain, **ratios)

    costs = {"a": (0.1, 0.05), "b": None, "c": (0.4, -0.3), "d": (0.2, 0.1), "e": (-0.1, -0.2)}
    layers = [layer(name, cost, number) for number, (name, cost) in enumerate(costs.items())]
    assert [one.layer for one in worst_layers(layers, 2)] == ["d", "a"]
    assert [one.layer for one in worst_layers(layers, 9)] == ["d", "a", "c"]
