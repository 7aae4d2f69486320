"""Filters and activations as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures.networks import COLOURS, GREEN, RED, SIDE_PX, tiny_network, tiny_subject

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.explain.activations import activations, filter_picture, first_filters, map_picture, strongest
from edgekit.explain.float_network import FloatNetwork
from edgekit.train.keras2 import keras

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def subject():
    return tiny_subject()


def test_filters_are_those_of_the_layer_that_sees_pixels(subject):
    layer, kernels = first_filters(subject)
    assert layer == "colours"
    np.testing.assert_array_equal(kernels[:, 0, 0], COLOURS.T)


def test_a_network_that_begins_otherwise_has_no_such_filters():
    pixels = keras.Input((SIDE_PX, SIDE_PX, 3))
    network = keras.Model(pixels, keras.layers.Dense(2, name="first")(keras.layers.Flatten()(pixels)))
    with pytest.raises(RunError, match=r"must be a convolution of RGB to be drawn, got first \(Dense\)"):
        first_filters(FloatNetwork(name="dense", network=network, weights_sha256=""))


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        pytest.param([0.0, 0.0, 0.0], [128, 128, 128], id="nothing-is-grey"),
        pytest.param([0.02, -0.02, 0.0], [255, 0, 128], id="the-largest-weight-is-an-end"),
        pytest.param([4.0, 2.0, -2.0], [255, 191, 64], id="whatever-its-size"),
    ],
)
def test_a_filter_is_stretched_by_itself(kernel, expected):
    assert filter_picture(np.array([[kernel]], np.float32))[0, 0].tolist() == expected


@pytest.mark.parametrize("layer", ["colours", "seen", "mean"])
def test_the_strongest_channel_of_a_red_photo_is_red(subject, layer):
    crop = np.full((SIDE_PX, SIDE_PX, 3), (255, 128, 128), np.uint8)
    maps = activations(subject, layer, crop)
    assert maps.shape == ((1, 1, 3) if layer == "mean" else (SIDE_PX, SIDE_PX, 3))
    assert strongest(maps)[0] == RED
    assert maps[0, 0, RED] == pytest.approx(127 / 128)


def test_of_channels_alike_the_lower_number_comes_first(subject):
    grey = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    assert strongest(activations(subject, "seen", grey)).tolist() == [RED, GREEN, 2]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        pytest.param([[-1.0, 1.0]], [0, 255], id="smallest-to-largest"),
        pytest.param([[0.0, 0.0]], [0, 0], id="nothing"),
        pytest.param([[3.0, 3.0]], [255, 255], id="the-same-everywhere"),
    ],
)
def test_a_map_goes_from_black_to_white(channel, expected):
    assert map_picture(np.array(channel, np.float32))[0, :, 0].tolist() == expected


def test_the_network_is_left_as_it_was():
    network = tiny_network()
    before = [one.copy() for one in network.get_weights()]
    activations(FloatNetwork(name="x", network=network, weights_sha256=""), "seen", np.zeros((16, 16, 3), np.uint8))
    for one, now in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, now)
