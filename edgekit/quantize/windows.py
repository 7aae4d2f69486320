"""What convolutions see of crops: the windows at a sample of places, taken inside the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array, Int64Array
from edgekit.train.keras2 import keras, tf

# Crops per step; all activations of a step are in memory.
CROPS = 8
# Places per crop that a convolution is looked at. A depthwise kernel has nine inputs, others up to a thousand.
_PLACES = 100
_DEPTHWISE_PLACES = 32


def is_depthwise(layer: Any) -> bool:
    """Whether each of a convolution's outputs sees one channel alone."""
    return isinstance(layer, keras.layers.DepthwiseConv2D)


def sampled_windows(
    network: keras.Model, layers: Sequence[Any], batches: Sequence[Float32Array], *, first: int = 0
) -> Iterator[list[Float32Array]]:
    """What some windows of convolutions hold, in steps of at most ``CROPS`` crops; the same places in each call.

    Args:
        network: The network that crops flow through.
        layers: Its convolutions.
        batches: float32 (n, side, side, 3) normalised crops.
        first: The step to begin with.

    Yields:
        For each layer float32 (groups, places, inputs); channels of a depthwise convolution are groups.
    """
    watch = keras.Model(network.input, [layer.input for layer in layers])
    pixels = [_pixels_of_windows(layer) for layer in layers]

    def take(crops: Any, places: list[Any]) -> list[Any]:
        inputs = watch(crops, training=False)
        found = []
        for own, chosen in zip(inputs if len(layers) > 1 else [inputs], places, strict=True):
            flat = tf.reshape(own, (-1, own.shape[-1]))
            # -1 stands for padding, which is zero.
            found.append(tf.gather(flat, tf.maximum(chosen, 0)) * tf.cast(chosen >= 0, tf.float32)[..., tf.newaxis])
        return found

    taken = tf.function(take, reduce_retracing=True)
    for number, step in enumerate(crops_in_steps(batches)):
        if number < first:
            continue
        places = [
            _choose(np.random.default_rng([number, index]), layer, own, len(step))
            for index, (layer, own) in enumerate(zip(layers, pixels, strict=True))
        ]
        windows = [one.numpy() for one in taken(tf.constant(step), [tf.constant(one) for one in places])]
        yield [
            own.transpose(2, 0, 1) if is_depthwise(layer) else own.reshape(1, len(own), -1)
            for layer, own in zip(layers, windows, strict=True)
        ]


def crops_in_steps(batches: Sequence[Float32Array]) -> Iterator[Float32Array]:
    """The crops of all batches, ``CROPS`` at a time."""
    for crops in batches:
        for start in range(0, len(crops), CROPS):
            yield crops[start : start + CROPS]


def _pixels_of_windows(layer: Any) -> Int64Array:
    """(windows, places in a window): the pixels of a crop that each of a layer's windows covers; -1 for padding."""
    height, width = layer.input.shape[1:3]
    numbers = tf.reshape(tf.range(1, height * width + 1), (1, height, width, 1))
    kernel, strides, rates = ([1, *pair, 1] for pair in (layer.kernel_size, layer.strides, layer.dilation_rate))
    patches = tf.image.extract_patches(numbers, kernel, strides, rates, layer.padding.upper()).numpy()
    return np.asarray(patches.reshape(-1, patches.shape[-1]), np.int64) - 1


def _choose(rng: np.random.Generator, layer: Any, pixels: Int64Array, crops: int) -> Int64Array:
    """Pixels, counted over all crops of a step, of some of a layer's windows: (windows, places in a window)."""
    count, area = len(pixels) * crops, int(layer.input.shape[1] * layer.input.shape[2])
    places = _DEPTHWISE_PLACES if is_depthwise(layer) else _PLACES
    chosen = rng.choice(count, min(count, places * crops), replace=False, shuffle=False)
    crop, window = np.divmod(chosen, len(pixels))
    covered = pixels[window]
    return np.where(covered < 0, -1, covered + area * crop[:, np.newaxis])
