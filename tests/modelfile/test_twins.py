"""Float operators beside int8 ones and in their place, on models whose answers can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models.make import GAIN, RED_BLUE, SIDE_PX, THREE_COLOURS, float_logits, int8_logits

from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import describe
from edgekit.modelfile.twins import pair_operators, with_float_twins
from edgekit.runtime.interpreter import open_interpreter

# A weight far below one int8 step of the largest.
FINE = np.array([[GAIN, 0.02, -GAIN], [-GAIN, -0.02, GAIN]], np.float32)
COLOUR = (200, 100, 190)


def run(flatbuffer, *tensors):
    """The logits of a photo of one colour, and tensors inside."""
    model = open_interpreter(flatbuffer, plain=True, keep_tensors=True)
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], np.full((1, SIDE_PX, SIDE_PX, 3), COLOUR, np.uint8))
    model.invoke()
    return [model.get_tensor(index)[0] for index in (model.get_output_details()[0]["index"], *tensors)]


def test_operators_are_paired_in_their_order():
    pairs = pair_operators(int8_logits(RED_BLUE), float_logits(RED_BLUE))
    assert [(pair.operator, pair.name) for pair in pairs] == [("MEAN", "mean"), ("FULLY_CONNECTED", "logits")]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        pytest.param(
            lambda: float_logits(THREE_COLOURS), r"must give what it gives .* \[1, 3\], got \[1, 2\]", id="shape"
        ),
        pytest.param(
            (Path(__file__).parents[1] / "models" / "conv_int8.tflite").read_bytes,
            "must be of one network to be compared",
            id="operators",
        ),
    ],
)
def test_models_of_other_networks_are_refused(other, message):
    with pytest.raises(ContractError, match=message):
        pair_operators(int8_logits(RED_BLUE), other())


def test_a_layer_in_float_computes_with_float_weights():
    int8, plain = int8_logits(FINE), float_logits(FINE)
    pairs = pair_operators(int8, plain)
    kept = with_float_twins(int8, plain, pairs[1:], in_place=True)
    assert describe(kept.flatbuffer).arithmetic["FULLY_CONNECTED"] == {"float32": 1}
    exact = FINE @ (np.array(COLOUR) / 255)
    (before,), (after,) = run(int8), run(kept.flatbuffer)
    # The output's scale is 0.1, so that what is exact still comes in such steps.
    np.testing.assert_allclose(after, np.rint(exact / 0.1) * 0.1, atol=1e-5)
    assert np.abs(after - exact).max() <= np.abs(before - exact).max()


def test_int8_weights_that_nothing_reads_take_no_room():
    int8, plain = int8_logits(RED_BLUE), float_logits(RED_BLUE)
    pairs = pair_operators(int8, plain)
    kept, beside = (with_float_twins(int8, plain, pairs[1:], in_place=one).flatbuffer for one in (True, False))
    types = describe(kept).tensors
    assert len(kept) < len(beside) + 200
    assert types["float32"] > describe(int8).tensors["float32"]


def test_twins_beside_change_nothing_and_can_be_read():
    int8, plain = int8_logits(FINE), float_logits(FINE)
    pairs = pair_operators(int8, plain)
    twins = with_float_twins(int8, plain, pairs, in_place=False)
    logits, mean, own = run(twins.flatbuffer, *(twins.tensors[pair.number] for pair in pairs))
    np.testing.assert_array_equal(logits, run(int8)[0])
    np.testing.assert_allclose(mean, np.array(COLOUR) / 255, atol=1e-6)
    np.testing.assert_allclose(own, FINE @ (np.array(COLOUR) / 255), atol=1e-5)
