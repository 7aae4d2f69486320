from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from ai_edge_litert.interpreter import Interpreter

from edgekit.errors import RunError
from edgekit.quantize.fakequant import copy_back, quantised
from edgekit.quantize.ranges import calibrate
from edgekit.train.keras2 import keras
from edgekit.train.to_tflite import to_flatbuffer

pytestmark = [pytest.mark.host, pytest.mark.slow]

CHANNELS = 8


@pytest.fixture(scope="module")
def network():
    """A depthwise convolution whose channels differ a thousandfold, which its normalisation undoes."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    layer = keras.layers.Conv2D(CHANNELS, 1, use_bias=False)(pixels)
    layer = keras.layers.BatchNormalization()(layer)
    layer = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(layer)
    layer = keras.layers.BatchNormalization(name="norm")(layer)
    layer = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU(6.0)(layer))
    model = keras.Model(pixels, keras.layers.Dense(2, name="head_x")(layer))
    scales = np.geomspace(0.01, 10, CHANNELS)
    (kernel,) = model.get_layer("depthwise").get_weights()
    model.get_layer("depthwise").set_weights([kernel * scales[:, None]])
    gamma, beta, mean, variance = model.get_layer("norm").get_weights()
    model.get_layer("norm").set_weights([gamma / scales, beta, mean, variance])
    for one in model.layers:
        one.trainable = False
    return model


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).uniform(-1, 1, (16, 16, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def twin(network, batch):
    model = quantised(network)
    calibrate(model, network, [batch])
    return model


def test_every_depthwise_channel_has_a_range_of_its_own(network, twin):
    (kernel,) = network.get_layer("depthwise").get_weights()
    found = {w.name.split(":")[0].rpartition("_")[2]: w.numpy() for w in twin.get_layer("quant_depthwise").weights[1:]}
    np.testing.assert_allclose(found["max"], np.abs(kernel).max(axis=(0, 1, 3)))
    np.testing.assert_allclose(found["min"], -found["max"])


def test_what_is_frozen_in_a_network_is_frozen_in_its_twin(network, twin):
    assert twin.trainable_weights == []
    part = keras.models.clone_model(network)
    for layer in part.layers:
        layer.trainable = layer.name in ("depthwise", "head_x")
    found = [weight.name for weight in quantised(part).trainable_weights]
    assert len(found) == 3
    assert all("depthwise" in name or "head_x" in name for name in found)


def test_small_channels_are_not_rounded_away(network, twin, batch):
    logits, faked = (model.predict_on_batch(batch) for model in (network, twin))
    assert np.abs(faked - logits).max() < 0.1 * logits.std()


def test_the_converter_keeps_the_integers(network, twin):
    (kernel,) = network.get_layer("depthwise").get_weights()
    model = Interpreter(model_content=to_flatbuffer(twin, "int8", None))
    model.allocate_tensors()
    (found,) = (one for one in model.get_tensor_details() if tuple(one["shape"]) == (1, 3, 3, CHANNELS))
    step = np.abs(kernel).max(axis=(0, 1), keepdims=True) / 127
    assert len(found["quantization_parameters"]["scales"]) == CHANNELS
    np.testing.assert_array_equal(model.get_tensor(found["index"])[0], np.round(kernel / step)[..., 0])


def test_an_operation_without_a_layer_is_refused():
    pixels = keras.Input((32, 32, 3))
    with pytest.raises(RunError, match=r"add is an operation without a layer; use post-training `edgekit convert"):
        quantised(keras.Model(pixels, keras.layers.Dense(2)(keras.layers.Flatten()(pixels + 3.0))))


def test_what_the_library_cannot_quantise_is_refused():
    pixels = keras.Input((32, 32, 3))
    odd = keras.layers.LayerNormalization()(pixels)
    with pytest.raises(RunError, match=r"can't be trained quantised: .*; use post-training `edgekit convert --int8`"):
        quantised(keras.Model(pixels, keras.layers.Dense(2)(keras.layers.Flatten()(odd))))


def test_weights_come_back_without_fake_quantization(network, twin, batch):
    plain = keras.models.clone_model(network)
    copy_back(twin, plain)
    np.testing.assert_allclose(plain.predict_on_batch(batch), network.predict_on_batch(batch), atol=1e-5)
