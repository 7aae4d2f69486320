"""A network's convolutions put on their int8 grids, judged by the crops that flow through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.arrays import BoolArray, Float32Array, Float64Array
from edgekit.progress import SILENT, Progress
from edgekit.quantize.rounding import MomentSum, mean_error, round_to_grid
from edgekit.train.keras2 import keras, tf

# Positions per crop whose inputs are counted, and crops per step; all activations of a step are in memory.
_POSITIONS = 400
_CROPS = 8
# The converter writes a bias in units of input scale times weight scale, in 32 bits, and clips what does not fit in
# silence. At an input scale of 1/128 that happens where a channel's largest weight, behind normalisation, is below 8e-6
# of its offset; such a channel is a constant.
_LEAST_WEIGHT = 3e-5


def adapt_weights(network: keras.Model, batches: Sequence[Float32Array], *, progress: Progress = SILENT) -> None:
    """Round every convolution's kernel so that its outputs change least; biases take what is left of the mean.

    The converter and tensorflow-model-optimization quantise kernels by channel and symmetrically, so they find these
    very integers. No label is used.

    Args:
        network: Changed in place.
        batches: float32 (n, side, side, 3) normalised crops.
        progress: Told of every step.
    """
    layers = [
        layer for layer in network.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D))
    ]
    watch = keras.Model(network.input, [layer.input for layer in layers])
    sums = [MomentSum() for _ in layers]
    rng = np.random.default_rng(0)
    progress.begin("adapting weights to int8", sum(map(len, batches)))
    for crops in batches:
        for start in range(0, len(crops), _CROPS):
            step = crops[start : start + _CROPS]
            inputs = watch.predict_on_batch(step)
            for layer, own, total in zip(layers, inputs if len(layers) > 1 else [inputs], sums, strict=True):
                total.add(_positions(rng, layer, own))
            progress.advance(len(step))
    for layer, total in zip(layers, sums, strict=True):
        _adapt(layer, total)


def _is_depthwise(layer: Any) -> bool:
    return isinstance(layer, keras.layers.DepthwiseConv2D)


def _positions(rng: np.random.Generator, layer: Any, inputs: Float32Array) -> Float32Array:
    """What some of a convolution's windows see: (groups, positions, inputs); depthwise channels are groups."""
    height, width = layer.kernel_size
    if (height, width) == (1, 1):
        windows = inputs[:, :: layer.strides[0], :: layer.strides[1]]
    else:
        windows = tf.image.extract_patches(
            inputs, [1, height, width, 1], [1, *layer.strides, 1], [1, *layer.dilation_rate, 1], layer.padding.upper()
        ).numpy()
    flat = windows.reshape(-1, height * width, inputs.shape[-1])
    some = flat[rng.choice(len(flat), min(len(flat), _POSITIONS * len(inputs)), replace=False)]
    return np.asarray(some.transpose(2, 0, 1) if _is_depthwise(layer) else some.reshape(1, len(some), -1))


def _adapt(layer: Any, total: MomentSum) -> None:
    kernel, *rest = layer.get_weights()
    followers = (node.layer for node in layer.outbound_nodes)
    follower = next((one for one in followers if isinstance(one, keras.layers.BatchNormalization)), None)
    moments = total.moments()
    weights = _as_groups(layer, kernel)
    gain, offset = (one.reshape(len(weights), -1) for one in _gain_and_offset(layer, follower))
    rounded = round_to_grid(weights, moments)
    rounded = np.where(_is_constant(weights, gain, offset), _smallest_kernels(weights, gain, offset), rounded)
    error = mean_error(weights, rounded, moments).reshape(-1).astype(np.float32)
    if layer.use_bias:
        rest = [rest[0] - error]
    layer.set_weights([_as_kernel(layer, rounded, kernel.shape), *rest])
    if follower is not None and not layer.use_bias:
        gamma, beta, mean, variance = follower.get_weights()
        follower.set_weights([gamma, beta, mean + error, variance])


def _gain_and_offset(layer: Any, normalisation: Any) -> tuple[Float32Array, Float32Array]:
    """What a convolution's outputs are multiplied by and what is added to them, bias and normalisation together."""
    bias = layer.get_weights()[1] if layer.use_bias else np.zeros(layer.output.shape[-1], np.float32)
    if normalisation is None:
        return np.ones_like(bias), bias
    gamma, beta, mean, variance = normalisation.get_weights()
    gain = gamma / np.sqrt(variance + normalisation.epsilon)
    return np.abs(gain), beta + (bias - mean) * gain


def _is_constant(weights: Float32Array, gain: Float32Array, offset: Float32Array) -> BoolArray:
    """(groups, 1, outputs): whether a kernel is next to nothing beside its offset."""
    largest = np.abs(weights).max(axis=1) * gain
    return np.asarray((gain > 0) & (largest < _LEAST_WEIGHT * np.abs(offset)))[:, np.newaxis]


def _smallest_kernels(weights: Float32Array, gain: Float32Array, offset: Float32Array) -> Float64Array:
    """Kernels of one weight each, where the largest was, just large enough for the offset to fit."""
    place = np.arange(weights.shape[1])[:, np.newaxis] == np.abs(weights).argmax(axis=1)[:, np.newaxis]
    smallest = _LEAST_WEIGHT * np.abs(offset) / np.where(gain > 0, gain, 1)
    return np.where(place, smallest[:, np.newaxis], 0.0)


def _as_groups(layer: Any, kernel: Float32Array) -> Float32Array:
    """(height, width, inputs, outputs) to (groups, inputs of one output, outputs)."""
    height, width, inputs, outputs = kernel.shape
    if _is_depthwise(layer):
        return np.asarray(kernel.reshape(height * width, inputs, outputs).transpose(1, 0, 2))
    return kernel.reshape(1, height * width * inputs, outputs)


def _as_kernel(layer: Any, groups: Float64Array, shape: tuple[int, ...]) -> Float32Array:
    table = groups.transpose(1, 0, 2) if _is_depthwise(layer) else groups
    return np.asarray(table.reshape(shape), dtype=np.float32)
