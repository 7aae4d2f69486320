from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.quantize.windows import crops_in_steps, sampled_windows
from edgekit.train.keras2 import keras

pytestmark = [pytest.mark.host, pytest.mark.slow]


def network_of(layer, side=8):
    pixels = keras.Input((side, side + 2, 3))
    return keras.Model(pixels, layer(pixels))


@pytest.fixture
def crops():
    return np.random.default_rng(0).uniform(-1, 1, (2, 8, 10, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("strides", "padding", "size"),
    [(1, "same", 3), (2, "same", 3), (2, "valid", 3), (2, "same", 1), (1, "valid", 5)],
)
def test_windows_are_what_a_convolution_sees(crops, strides, padding, size):
    """A convolution's outputs are its kernel times its windows, which are few enough here to be taken all."""
    layer = keras.layers.Conv2D(4, size, strides=strides, padding=padding, use_bias=False)
    network = network_of(layer)
    ((seen,),) = sampled_windows(network, [layer], [crops])
    expected = network.predict_on_batch(crops).reshape(-1, 4)
    assert seen.shape == (1, len(expected), size * size * 3)
    found = seen[0] @ layer.get_weights()[0].reshape(-1, 4)
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=1e-5)


def test_channels_of_a_depthwise_convolution_are_groups(crops):
    layer = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)
    network = network_of(layer)
    ((seen,),) = sampled_windows(network, [layer], [crops])
    expected = network.predict_on_batch(crops).reshape(-1, 3)
    assert seen.shape == (3, len(expected), 9)
    found = np.einsum("gpk,kg->pg", seen, layer.get_weights()[0].reshape(9, 3))
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=1e-5)


def test_many_places_are_sampled_and_the_same_in_each_call():
    layer = keras.layers.Conv2D(4, 1, use_bias=False)
    network = network_of(layer, side=62)
    crops = np.random.default_rng(0).uniform(-1, 1, (20, 62, 64, 3)).astype(np.float32)
    first = [own for (own,) in sampled_windows(network, [layer], [crops])]
    assert [own.shape for own in first] == [(1, 800, 3), (1, 800, 3), (1, 400, 3)]
    (last,) = (own for (own,) in sampled_windows(network, [layer], [crops], first=2))
    np.testing.assert_array_equal(last, first[2])


def test_batches_are_gone_through_in_steps():
    batches = [np.zeros((20, 1, 1, 3), np.float32), np.zeros((3, 1, 1, 3), np.float32)]
    assert [len(step) for step in crops_in_steps(batches)] == [8, 8, 4, 3]
