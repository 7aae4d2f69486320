"""A network's convolutions put on their int8 grids, judged by the crops that flow through them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.arrays import BoolArray, Float32Array, Float64Array
from edgekit.progress import SILENT, Progress
from edgekit.quantize import rounding, windows
from edgekit.quantize.adapted import AdaptedLayers, Rounded
from edgekit.quantize.rounding import Moments, MomentSum, mean_error, round_to_grid
from edgekit.quantize.windows import is_depthwise
from edgekit.records import sha256
from edgekit.scoring.keep import sources_sha256
from edgekit.terminal import held_back
from edgekit.train.keras2 import keras, tf
from edgekit.train.network import LOGIT_LAYERS

# Being stopped loses nothing; being killed loses this much.
_SAVE_SECONDS = 30.0
# The converter writes a bias in units of input scale times weight scale, in 32 bits, and clips what does not fit in
# silence. At an input scale of 1/128 that happens where a channel's largest weight, behind normalisation, is below 8e-6
# of its offset; such a channel is a constant.
_LEAST_WEIGHT = 3e-5
# For an estimate: what sums and rounding take beside the bare network and bare products. MobileNetV2 took 2.7 and 2.8
# times as much, a network of four layers 3.6 and 4.4.
_FLOW_FACTOR, _ROUND_FACTOR = 3.0, 3.0


def adapt_weights(
    network: keras.Model, batches: Sequence[Float32Array], *, folder: Path | None = None, progress: Progress = SILENT
) -> None:
    """Round every convolution's kernel so that its outputs change least; biases take what is left of the mean.

    The converter and tensorflow-model-optimization quantise kernels by channel and symmetrically, so they find these
    very integers. No label is used.

    Args:
        network: Changed in place.
        batches: float32 (n, side, side, 3) normalised crops.
        folder: Where what was computed for these weights and crops is looked for and kept, layer by layer, also when
            it is stopped; None keeps nothing.
        progress: Told of every step.
    """
    layers = [
        layer for layer in network.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D))
    ]
    groups = [_as_groups(layer, layer.get_weights()[0]) for layer in layers]
    kept = None if folder is None else AdaptedLayers(folder / _key(network, batches), [one.shape for one in groups])
    found = {} if kept is None else kept.layers()
    progress.begin("adapting weights to int8", sum(map(len, batches)) + len(layers))
    if not found:
        progress.expect(_foretold_s(network, groups, batches))
    sums = [] if len(found) == len(layers) else _measure(network, layers, batches, kept, progress)
    for number, (layer, own) in enumerate(zip(layers, groups, strict=True)):
        if number not in found:
            found[number] = _round(layer, own, sums[number].moments())
            if kept is not None:
                kept.write(number, found[number])
        progress.advance()
    # Only now: until the last is rounded, crops must flow through the float network.
    for number, layer in enumerate(layers):
        _put(layer, found[number])
    if kept is not None:
        kept.finish(progress)


def _foretold_s(network: keras.Model, groups: Sequence[Float32Array], batches: Sequence[Float32Array]) -> float:
    """About how many seconds it takes, by one step of crops through the network and a few products of matrices."""
    step = batches[0][: windows.CROPS]
    network(step, training=False)
    began = time.monotonic()
    network(step, training=False)
    step_s = time.monotonic() - began
    square = np.ones((256, 256))
    began = time.monotonic()
    for _ in range(10):
        square @ square
    per_product_s = (time.monotonic() - began) / (10 * 2 * 256**3)
    products = sum(one.shape[0] * one.shape[1] ** 2 * (one.shape[1] + 2 * one.shape[2]) for one in groups)
    steps = sum(map(len, batches)) / windows.CROPS
    return float(_FLOW_FACTOR * steps * step_s + _ROUND_FACTOR * products * per_product_s)


def _key(network: keras.Model, batches: Sequence[Float32Array]) -> str:
    """Names what rounding depends on: the weights behind which no head lies, the crops, and the code."""
    parts = [sources_sha256(sys.modules[__name__], rounding, windows), np.__version__, tf.__version__]
    for layer in network.layers:
        if not layer.name.startswith(LOGIT_LAYERS):
            parts += [layer.name, *(sha256(weight.tobytes()) for weight in layer.get_weights())]
    parts += [f"{one.shape} {sha256(one.tobytes())}" for one in batches]
    return sha256("\0".join(parts).encode())[:16]


def _measure(
    network: keras.Model,
    layers: Sequence[Any],
    batches: Sequence[Float32Array],
    kept: AdaptedLayers | None,
    progress: Progress,
) -> list[MomentSum]:
    """Moments of what each layer sees of the crops; what an earlier call came to is gone on with."""
    done, sums = (0, None) if kept is None else kept.read_sums()
    sums = sums or [MomentSum() for _ in layers]
    steps = list(map(len, windows.crops_in_steps(batches)))
    progress.advance(sum(steps[:done]))
    last, was = time.monotonic(), done
    try:
        for seen in windows.sampled_windows(network, layers, batches, first=done):
            # Not to be torn by Ctrl-C: sums of some layers would hold a step that others lack.
            with held_back():
                for total, own in zip(sums, seen, strict=True):
                    total.add(own)
                done += 1
            progress.advance(steps[done - 1])
            if kept is not None and time.monotonic() - last > _SAVE_SECONDS:
                kept.write_sums(done, sums)
                last, was = time.monotonic(), done
    finally:
        if kept is not None and done > was:
            kept.write_sums(done, sums)
    return sums


def _round(layer: Any, weights: Float32Array, moments: Moments) -> Rounded:
    """The rounded kernel of a layer, and what that adds to its mean output."""
    gain, offset = (one.reshape(len(weights), -1) for one in _gain_and_offset(layer, _normalisation_behind(layer)))
    rounded = round_to_grid(weights, moments)
    rounded = np.where(_is_constant(weights, gain, offset), _smallest_kernels(weights, gain, offset), rounded)
    return Rounded(weights=rounded.astype(np.float32), error=mean_error(weights, rounded, moments).astype(np.float32))


def _put(layer: Any, rounded: Rounded) -> None:
    kernel, *rest = layer.get_weights()
    error, follower = rounded.error.reshape(-1), _normalisation_behind(layer)
    if layer.use_bias:
        rest = [rest[0] - error]
    layer.set_weights([_as_kernel(layer, rounded.weights, kernel.shape), *rest])
    if follower is not None and not layer.use_bias:
        *gamma, beta, mean, variance = follower.get_weights()
        follower.set_weights([*gamma, beta, mean + error, variance])


def _normalisation_behind(layer: Any) -> Any:
    followers = (node.layer for node in layer.outbound_nodes)
    return next((one for one in followers if isinstance(one, keras.layers.BatchNormalization)), None)


def _gain_and_offset(layer: Any, normalisation: Any) -> tuple[Float32Array, Float32Array]:
    """What a convolution's outputs are multiplied by and what is added to them, bias and normalisation together."""
    bias = layer.get_weights()[1] if layer.use_bias else np.zeros(layer.output.shape[-1], np.float32)
    if normalisation is None:
        return np.ones_like(bias), bias
    # Inception's has no scale of its own.
    *gamma, beta, mean, variance = normalisation.get_weights()
    gain = (gamma[0] if gamma else 1.0) / np.sqrt(variance + normalisation.epsilon)
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
    if is_depthwise(layer):
        return np.asarray(kernel.reshape(height * width, inputs, outputs).transpose(1, 0, 2))
    return kernel.reshape(1, height * width * inputs, outputs)


def _as_kernel(layer: Any, groups: Float32Array, shape: tuple[int, ...]) -> Float32Array:
    table = groups.transpose(1, 0, 2) if is_depthwise(layer) else groups
    return np.asarray(table.reshape(shape), dtype=np.float32)
