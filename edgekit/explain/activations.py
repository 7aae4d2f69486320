"""What a network has learnt and what it sees, as pictures: filters of its first layer, activations of any layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.arrays import Float32Array, Int64Array, RGBArray
from edgekit.errors import RunError
from edgekit.explain.float_network import FloatNetwork, layer_named
from edgekit.scoring.source import normalise
from edgekit.train.keras2 import keras

_COLOURS = 3


def first_filters(subject: FloatNetwork) -> tuple[str, Float32Array]:
    """The layer that sees pixels, and its kernels: float32 (filters, height, width, 3), RGB.

    Raises:
        RunError: it is no convolution of a colour picture.
    """
    layer: Any = next((one for one in subject.network.layers if one.weights and "kernel" in one.weights[0].name), None)
    if not isinstance(layer, keras.layers.Conv2D) or layer.weights[0].shape[2] != _COLOURS:
        kind = "no layer with kernels" if layer is None else f"{layer.name} ({type(layer).__name__})"
        raise RunError(f"the first layer must be a convolution of RGB to be drawn, got {kind}")
    kernels: Float32Array = layer.get_weights()[0]
    return layer.name, kernels.transpose(3, 0, 1, 2)


def filter_picture(kernel: Float32Array) -> RGBArray:
    """A filter by itself: uint8 (height, width, 3); grey is zero, its largest weight is 0 or 255."""
    peak = float(np.abs(kernel).max()) or 1.0
    found: RGBArray = np.rint(127.5 + 127.5 * kernel / peak).astype(np.uint8)
    return found


def activations(subject: FloatNetwork, layer: str, crop: RGBArray) -> Float32Array:
    """What a layer makes of a crop.

    Args:
        subject: The network.
        layer: Name of a layer.
        crop: uint8 (side, side, 3), RGB.

    Returns:
        float32 (height, width, channels); a vector is (1, 1, channels).

    Raises:
        RunError: no such layer.
    """
    network = keras.Model(subject.network.input, layer_named(subject, layer).output)
    found: Float32Array = network(normalise(crop[None]), training=False).numpy()[0]
    return found if found.ndim == _COLOURS else found.reshape(1, 1, -1)


def strongest(maps: Float32Array) -> Int64Array:
    """Numbers of channels, the one with the largest mean activation first; of equals the lower number."""
    return np.argsort(-maps.mean(axis=(0, 1)), kind="stable")


def map_picture(channel: Float32Array) -> RGBArray:
    """One channel of (height, width) by itself: uint8 (height, width, 3), from its smallest, black, to its largest."""
    low, high = float(channel.min()), float(channel.max())
    # What is the same everywhere shows its size alone: black for zero, white for more.
    grey = (channel - low) / (high - low) if high > low else np.full_like(channel, float(high > 0))
    return np.repeat(np.rint(255 * grey).astype(np.uint8)[..., None], _COLOURS, axis=2)
