from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.quantize.kernels import adapt_weights
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.train.keras2 import keras
from edgekit.train.network import freeze_normalisation
from edgekit.train.to_tflite import to_flatbuffer

pytestmark = [pytest.mark.host, pytest.mark.slow]


def convolutions(network):
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    return [layer for layer in network.layers if isinstance(layer, kinds)]


def rounded_to_nearest(layer):
    """The kernel as the converter quantises it: symmetric, by output channel."""
    (kernel,) = layer.get_weights()
    axes = (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (0, 1, 2)
    step = np.abs(kernel).max(axis=axes, keepdims=True) / 127
    return np.round(kernel / step) * step


def noise(network, truth, batches):
    """Deviation of the logits' error relative to their own."""
    logits = np.concatenate([network.predict_on_batch(batch) for batch in batches])
    return float((logits - truth).std() / truth.std())


def test_kernels_come_to_lie_on_their_grids(network, batches):
    adapt_weights(network, batches)
    for layer in convolutions(network):
        np.testing.assert_allclose(rounded_to_nearest(layer), layer.get_weights()[0], atol=1e-5)


def test_logits_change_less_than_with_nearest(network, batches):
    truth = np.concatenate([network.predict_on_batch(batch) for batch in batches])
    kept = network.get_weights()
    for layer in convolutions(network):
        layer.set_weights([rounded_to_nearest(layer)])
    to_nearest = noise(network, truth, batches)
    network.set_weights(kept)
    adapt_weights(network, batches)
    assert noise(network, truth, batches) < 0.8 * to_nearest


def test_it_needs_no_normalisation_behind(batches):
    """A convolution with a bias takes the mean error into that."""
    pixels = keras.Input((64, 64, 3))
    plain = keras.Model(pixels, keras.layers.Conv2D(8, 3, strides=2, padding="same")(pixels))
    before = plain.predict_on_batch(batches[0])
    adapt_weights(plain, batches)
    after = plain.predict_on_batch(batches[0])
    assert np.abs(after - before).max() > 0
    assert np.abs((after - before).mean(axis=(0, 1, 2))).max() < 0.05 * np.abs(after - before).max()


def test_a_constant_channel_with_a_bias_survives_the_converter(bytes_, batches):
    """Of weights near zero the converter makes a grid so fine that the bias overflows; see ``adapt._LEAST_WEIGHT``."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((64, 64, 3))
    layer = keras.layers.Conv2D(4, 1, use_bias=False)(pixels)
    layer = keras.layers.BatchNormalization(name="norm")(layer)
    model = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(layer))
    convolution = model.layers[1]
    kernel = convolution.get_weights()[0]
    kernel[..., 2] = 1e-9
    convolution.set_weights([kernel])
    gamma, beta, mean, variance = model.get_layer("norm").get_weights()
    model.get_layer("norm").set_weights([gamma, beta + 2.5, mean, variance])
    freeze_normalisation(model)
    expected = model.predict_on_batch(batches[0])
    adapt_weights(model, batches)
    run = ModelInterpreter(to_flatbuffer(model, "int8", bytes_), threads=1, scores="numbers")
    found = np.stack([run(crop) for crop in bytes_[:16]])
    assert expected[:, 2] == pytest.approx(2.5, abs=1e-4)
    assert found[:, 2] == pytest.approx(2.5, abs=0.05)
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_progress_says_how_long_it_takes_and_counts_the_crops_and_the_layers(network, batches):
    class Bar:
        total = done = 0
        expected_s = None

        def begin(self, what, total):
            self.total += total

        def expect(self, seconds):
            assert self.done == 0
            self.expected_s = seconds

        def advance(self, steps=1, *, note=""):
            self.done += steps

        def say(self, line):
            raise AssertionError(line)

    bar = Bar()
    adapt_weights(network, batches, progress=bar)
    steps = 32 + len(convolutions(network))
    assert (bar.total, bar.done) == (steps, steps)
    assert bar.expected_s > 0


def test_normalisation_without_a_scale_of_its_own_takes_the_mean_error(batches):
    """Inception's have none."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(pixels)
    plain = keras.Model(pixels, keras.layers.BatchNormalization(scale=False, name="norm")(x))
    before = plain.predict_on_batch(batches[0])
    adapt_weights(plain, batches)
    beta, mean, variance = plain.get_layer("norm").get_weights()
    assert np.abs(mean).max() > 0
    assert (beta.max(), variance.min()) == (0, 1)
    after = plain.predict_on_batch(batches[0])
    assert np.abs((after - before).mean(axis=(0, 1, 2))).max() < 0.1 * np.abs(after - before).max()
