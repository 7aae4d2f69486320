"""What numbers about int8 are made of, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.explain.error_gain import ErrorGain
from edgekit.explain.int8_layers import LayerNoise
from edgekit.explain.int8_record import Int8Record, Int8Variant, say_int8
from edgekit.explain.options import Int8Config
from edgekit.records import from_plain, plain


def gained(value):
    return None if value is None else ErrorGain(value=value, low=value - 0.1, high=value + 0.1)


def layer(name, own, cost, number=0):
    ratios = {"snr_db": 20.0, "own_snr_db": own, "cosine": 0.99}
    return LayerNoise(
        layer=name, operator="CONV_2D", number=number, range_used=0.5, clipped=0.0, cost=gained(cost), **ratios
    )


def variant(name, gain=None, *, size=1000, layers=(), error=0.3):
    return Int8Variant(
        name=name,
        layers=layers,
        model_bytes=size,
        latency_ms=2.0 + size / 10_000,
        log_odds_error=error,
        agreement=0.95,
        balanced_accuracy=0.9,
        gain=None if gain is None else ErrorGain(value=gain[0], low=gain[1], high=gain[2]),
    )


def record(kept=(), calibrations=()):
    return Int8Record(
        model="run-int8.tflite",
        model_sha256="0" * 64,
        stage="float",
        weights_sha256="1" * 64,
        config=Int8Config(),
        photos=40,
        validated_by="folds",
        calibrated=12,
        crops=3,
        calibration_crops=200,
        log_odds_spread=3.0,
        layers=(
            layer("stem", 30.0, 0.1, 1),
            layer("b9_project", 18.0, 0.25, 2),
            layer("flat", None, None, 3),
        ),
        worst=("b9_project", "stem"),
        worst_numbers=(2, 1),
        file=variant("int8"),
        float32=variant("float", (1.0, 1.0, 1.0), error=0.0),
        kept=kept,
        calibrations=calibrations,
        interpreter="litert 2.3.0",
        seconds=1.0,
        versions={},
    )


SURE = variant("b9_project in float", (0.4, 0.2, 0.6), size=5000, layers=("b9_project",))
UNSURE = variant("stem in float", (0.5, -0.1, 0.7), size=2000, layers=("stem",))


@pytest.mark.parametrize(
    ("kept", "calibrations", "told"),
    [
        pytest.param(
            (SURE, UNSURE), (), "b9_project in float takes away 40.0 % (20.0 % to 60.0 %)", id="the-best-sure"
        ),
        pytest.param((SURE,), (), "for 4 kB more and +0.40 ms a crop", id="its-price"),
        pytest.param((UNSURE,), (), "none of them, kept in float, surely takes away", id="none-is-sure"),
        pytest.param(
            (),
            (
                variant("200 other calibration crops", (0.1, -0.2, 0.2)),
                variant("800 calibration crops", (0.3, 0.1, 0.4)),
            ),
            "800 calibration crops would have done better",
            id="more-crops-help",
        ),
        pytest.param(
            (),
            (variant("200 other calibration crops", (0.1, -0.2, 0.2)),),
            "neither others nor more would surely have done",
            id="no-crops-help",
        ),
        pytest.param((), (), "0.300, 10.0 % of what they differ by themselves; 95.0 % keep", id="the-loss"),
        pytest.param((), (), "takes away error in b9_project (25.0 %), stem (10.0 %)", id="the-worst"),
        pytest.param((), (), "most noise is added by b9_project (18.0 dB), stem (30.0 dB)", id="the-noisiest"),
    ],
)
def test_what_the_numbers_mean_is_said(kept, calibrations, told):
    assert told in "\n".join(say_int8(record(kept, calibrations)))


def test_a_record_is_read_as_it_was_written():
    written = record((SURE, UNSURE))
    assert from_plain(Int8Record, plain(written), where="record") == written


def test_operators_of_one_layer_are_told_apart():
    layers = (layer("heads", 30.0, 0.1, 4), layer("heads", 25.0, 0.3, 7))
    told = say_int8(replace(record(), layers=layers, worst=("heads", "heads"), worst_numbers=(7, 4)))
    assert "in heads (30.0 %), heads (10.0 %)" in told[1]
