"""A network whose normalisation has seen crops, as a trained one has."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def bytes_():
    """Smooth crops, (n, side, side, 3) uint8: neighbouring pixels move together, as in photos."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (32, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def batches(bytes_):
    pixels = (bytes_.astype(np.float32) - 128) / 128
    return [pixels[:16], pixels[16:]]


@pytest.fixture(scope="module")
def moved(batches):
    """A network whose normalisation has seen crops, and its weights."""
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    from edgekit.train.keras2 import keras, tf
    from edgekit.train.network import build_network, freeze_normalisation
    from edgekit.train.options import NetworkConfig

    keras.utils.set_random_seed(0)
    network = build_network(NetworkConfig(backbone="mobilenet_v2", alpha=0.35, side_px=64, weights="none"), 2)
    see = tf.function(lambda crops: network(crops, training=True))
    for _ in range(60):
        see(batches[0])
    freeze_normalisation(network)
    return network, network.get_weights()


@pytest.fixture
def network(moved):
    network, weights = moved
    network.set_weights(weights)
    return network
