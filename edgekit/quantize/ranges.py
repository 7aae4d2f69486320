"""Ranges of activations for fake quantization, measured on crops instead of waiting for moving averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.train.keras2 import keras, tf
from edgekit.train.network import LOGIT_LAYERS

ActivationRange = tuple[float, float]

# What ``feed.normalise`` gives: scale 1/128 and zero point 128, so that a uint8 pixel is its own quantised value.
INPUT_RANGE: ActivationRange = (-1.0, 127.0 / 128.0)

# Logits are few per crop, so a sample of crops misses their tails, and a clipped partial logit can't be made up for.
_LOGIT_HEADROOM = 2.0

# Prefix of the wrappers that tensorflow-model-optimization puts around layers.
_WRAPPED = "quant_"


def calibrate(
    model: keras.Model, network: keras.Model, batches: Iterable[Float32Array], *, logits_alone: bool = False
) -> None:
    """Set every range of a fake-quantised model from its float twin.

    tensorflow-model-optimization starts activations at -6..6 and moves them by a thousandth a step, which suits
    long training. Here the range of a layer is the mean over batches of its smallest and its largest output; that of
    logits is twice their extremes over all batches.

    Args:
        model: ``fakequant.quantised`` of the network; its weights' ranges are set, too.
        network: The float network with the same weights.
        batches: float32 (n, side, side, 3) normalised crops.
        logits_alone: Leave all other activations' ranges, which do not depend on the head.
    """
    every = [layer for layer in model.layers if layer.name.startswith(_WRAPPED) and _activation_ranges(layer)]
    layers = [layer for layer in every if _is_logits(layer) or not logits_alone]
    # A call in training mode moves them all a little.
    kept = [(weight, weight.numpy()) for layer in every if layer not in layers for weight in _activation_ranges(layer)]
    twins = [network.get_layer(layer.name.removeprefix(_WRAPPED)).output for layer in layers]
    watch = keras.Model(network.input, [[tf.reduce_min(twin), tf.reduce_max(twin)] for twin in twins])
    extremes = []
    for number, crops in enumerate(batches):
        if number == 0:
            # Ranges of weights are those of the last call in training mode, whatever crops it sees.
            model(crops[:1], training=True)
        extremes.append(np.asarray(watch.predict_on_batch(crops), dtype=np.float64))
    lows, highs = np.moveaxis(np.stack(extremes), 2, 0)
    for number, layer in enumerate(layers):
        if _is_logits(layer):
            low, high = _LOGIT_HEADROOM * lows[:, number].min(), _LOGIT_HEADROOM * highs[:, number].max()
        else:
            low, high = lows[:, number].mean(), highs[:, number].mean()
        # Zero must be representable, or padding would not be zero.
        _set(layer, (min(float(low), 0.0), max(float(high), 0.0)))
    for weight, value in kept:
        weight.assign(value)
    fix_input(model)


def fix_input(model: keras.Model) -> None:
    """Set the input's range to that of ``feed.normalise``, which moving averages would only come near."""
    (layer,) = (layer for layer in model.layers if type(layer).__name__ == "QuantizeLayer")
    _set(layer, INPUT_RANGE)


def _is_logits(layer: Any) -> bool:
    return bool(layer.name.removeprefix(_WRAPPED).startswith(LOGIT_LAYERS))


def _end(weight: Any) -> str:
    """``min`` or ``max`` for the ends of a range, else something longer: the last word of a weight's name."""
    return str(weight.name.partition(":")[0].rpartition("_")[2])


def _activation_ranges(layer: Any) -> list[Any]:
    """The two ends of the range of a layer's output; none where it is not quantised. Kernels have their own."""
    return [weight for weight in layer.weights if _end(weight) in ("min", "max") and "kernel" not in weight.name]


def _set(layer: Any, ends: ActivationRange) -> None:
    values = dict(zip(("min", "max"), ends, strict=True))
    for weight in _activation_ranges(layer):
        weight.assign(values[_end(weight)])
