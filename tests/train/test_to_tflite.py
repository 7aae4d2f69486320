import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.modelfile import flatbuffer as lite
from edgekit.modelfile.twins import pair_operators
from edgekit.runtime.interpreter import ModelInterpreter, open_interpreter
from edgekit.runtime.verify.model import check_classifier
from edgekit.scoring.source import normalise
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network
from edgekit.train.options import NetworkConfig
from edgekit.train.to_tflite import CALIBRATED, to_flatbuffer

pytestmark = [pytest.mark.host, pytest.mark.slow]

PRECISIONS = ("int8", "float32", "float16", "dynamic", "int16x8")


@pytest.fixture(scope="module")
def network():
    """Random weights, but normalisation with the statistics of some crops."""
    keras.utils.set_random_seed(0)
    network = build_network(NetworkConfig(backbone="small_cnn", side_px=32, weights="none"), 3)
    for _ in range(40):
        network(normalise(crops(16)), training=True)
    return network


def crops(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def converted(network):
    return {
        precision: to_flatbuffer(network, precision, crops(50) if precision in CALIBRATED else None)
        for precision in PRECISIONS
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_bytes_go_in_and_floats_come_out(converted, precision):
    check_classifier(converted[precision], side_px=32, classes=3)


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [
        pytest.param("float32", 1e-5, id="float32"),
        pytest.param("float16", 5e-3, id="float16"),
        pytest.param("dynamic", 0.1, id="dynamic"),
        pytest.param("int16x8", 0.1, id="int16x8"),
        pytest.param("int8", 0.2, id="int8"),
    ],
)
def test_logits_are_those_of_the_network(network, converted, precision, tolerance):
    model = ModelInterpreter(converted[precision], scores="numbers")
    expected = network.predict_on_batch(normalise(crops(8, seed=1)))
    found = np.array([model(crop) for crop in crops(8, seed=1)])
    assert np.abs(found - expected).max() <= tolerance * np.ptp(expected)


@pytest.mark.parametrize(
    ("precision", "share"),
    [pytest.param("int8", 0.5, id="int8"), pytest.param("float16", 0.7, id="float16"), pytest.param("dynamic", 0.6)],
)
def test_smaller_weights_make_smaller_files(converted, precision, share):
    assert len(converted[precision]) < share * len(converted["float32"])


def test_in_int8_a_byte_is_its_own_quantised_value(converted):
    assert lite.input_quantization(converted["int8"]) == (1 / 128, 128)


def test_int8_computes_in_int8(converted):
    inside = lite.describe(converted["int8"])
    assert inside.not_int8 == ()
    assert inside.arithmetic["CONV_2D"] == {"int8": 4}
    assert {"CONV_2D", "FULLY_CONNECTED"} <= set(inside.operators)


def test_the_same_crops_give_the_same_bytes(network, converted):
    assert to_flatbuffer(network, "int8", crops(50)) == converted["int8"]


def test_more_than_ten_outputs_stay_in_the_networks_order():
    """As words, output_10 stands before output_2."""
    pixels = keras.Input((32, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(pixels)
    numbers = range(12)
    network = keras.Model(pixels, [keras.layers.Rescaling(1.0, offset=10.0 * number)(mean) for number in numbers])
    model = open_interpreter(to_flatbuffer(network, "float32", None))
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], crops(1))
    model.invoke()
    found = [model.get_tensor(one["index"]).mean() for one in model.get_output_details()]
    assert np.rint(np.array(found) / 10).tolist() == list(numbers)


def test_a_float_model_may_take_what_the_network_takes(network, converted):
    flatbuffer = to_flatbuffer(network, "float32", None, normalised=True)
    model = open_interpreter(flatbuffer)
    model.allocate_tensors()
    batch = normalise(crops(1, seed=1))
    model.set_tensor(model.get_input_details()[0]["index"], batch)
    model.invoke()
    found = model.get_tensor(model.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, network.predict_on_batch(batch), atol=1e-5)
    # For bytes the division by 128 is in the first weights; int8 is made from those without it.
    pairs = pair_operators(converted["int8"], flatbuffer)
    assert pairs[0].operator == "CONV_2D"
