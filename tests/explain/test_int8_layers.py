"""int8 beside float, operator by operator, on models whose answers can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from models.make import GAIN, RED_BLUE, SIDE_PX, float_logits, int8_logits

from edgekit.explain.int8_layers import layer_of, measure_layers
from edgekit.modelfile.flatbuffer import append_softmax

LAYERS = ("stem", "stem_relu", "mean", "logits")


def crops(count=20, low=0, high=256):
    return np.random.default_rng(0).integers(low, high, (count, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def measured(weights, pixels):
    models = (append_softmax(one(weights)) for one in (int8_logits, float_logits))
    return {one.layer: one for one in measure_layers(*models, pixels, LAYERS)}


def test_weights_that_int8_holds_leave_the_rounding_of_the_output():
    found = measured(RED_BLUE, crops())
    assert list(found) == ["mean", "logits"]
    # Steps of 0.1 have a deviation of 0.1 / sqrt(12); means of 64 pixels lie near each other.
    flat = crops().reshape(20, -1, 3).mean(axis=1) / 255 @ RED_BLUE.T
    noise = ((np.rint(flat / 0.1) * 0.1 - flat) ** 2).sum()
    expected = 10 * np.log10((flat**2).sum() / noise)
    assert found["logits"].snr_db == pytest.approx(expected, abs=1.5)
    assert found["logits"].cosine == pytest.approx(1, abs=0.1)
    assert found["mean"].clipped == found["logits"].clipped == 0


def test_a_range_that_is_too_small_clips():
    # Logits of int8 end at 12.7.
    white = np.full((4, SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    weights = np.array([[GAIN, GAIN, GAIN], [0, 0, 0]], np.float32)
    found = measured(weights, white)
    assert found["logits"].clipped == 0.5
    assert measured(RED_BLUE, crops())["logits"].range_used < 0.5


def test_what_a_layer_adds_itself_is_told_from_what_came_in():
    found = measured(RED_BLUE, crops(low=100, high=156))
    # The mean's rounding comes in from before; with it taken as given, less is left.
    assert found["logits"].own_snr_db != found["logits"].snr_db
    assert found["mean"].own_snr_db == pytest.approx(found["mean"].snr_db, abs=1e-3)


def test_the_layer_whose_weights_int8_can_not_hold_costs_most():
    # A weight of half a step becomes zero; red and blue are alike, so that green alone counts.
    weights = np.array([[40, 0.15, -40], [-40, -0.15, 40]], np.float32)
    pixels = np.full((10, SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    pixels[..., 1] = np.linspace(0, 255, 10)[:, None, None]
    found = measured(weights, pixels)
    assert found["logits"].cost.value > 0.8
    assert abs(found["mean"].cost.value) < 0.1


def test_without_an_error_nothing_costs():
    black = np.zeros((2, SIDE_PX, SIDE_PX, 3), np.uint8)
    assert {one.cost for one in measured(RED_BLUE, black).values()} == {None}


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        pytest.param("net/stem_relu/Relu6;net/stem/Conv2D1", "stem_relu", id="the-last-of-what-was-fused"),
        pytest.param("net/quant_stem/Conv2D", "stem", id="of-a-fake-quantised-twin"),
        pytest.param("StatefulPartitionedCall:0", "logits", id="the-output"),
    ],
)
def test_layers_are_named_as_the_network_names_them(name, layer):
    assert layer_of(name, LAYERS) == layer
