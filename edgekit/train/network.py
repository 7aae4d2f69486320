"""Networks for one crop: a backbone, pooled taps, a linear head per tap whose logits are added."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgekit.arrays import Float32Array, Int64Array
from edgekit.errors import RunError
from edgekit.records import write_atomic
from edgekit.train.backbones.entry import BodyShape
from edgekit.train.keras2 import keras, save_weights_to_hdf5_group
from edgekit.train.options import Features, NetworkConfig

# What `auto` chooses from.
_CHOICES: tuple[Features, ...] = ("texture", "content")

# Prefixes of the layers whose outputs are logits or parts of them.
LOGIT_LAYERS = ("head_", "sum_")

MAX_WEIGHTS_BYTES = 512 * 1024 * 1024


def taps(config: NetworkConfig) -> tuple[str, ...]:
    """Names of the layers whose outputs are pooled; all that can be, before some are chosen."""
    known = config.known
    if not known.has_choice or config.features == "content":
        return known.content
    return known.texture if config.features == "texture" else (*known.texture, *known.content)


def build_network(config: NetworkConfig, classes: int) -> keras.Model:
    """The whole network, with random weights: float32 (n, side, side, 3) normalised RGB → (n, classes) logits."""
    body = config.known.build(BodyShape(side_px=config.side_px, alpha=config.alpha))
    # Taps have different ranges. A Dense for each keeps an int8 scale for each; joined they would share one.
    heads = [
        keras.layers.Dense(classes, name=f"head_{vector.node.layer.name}")(vector)
        for name in taps(config)
        for vector in _pooled(body.get_layer(name))
    ]
    logits = heads[0]
    # One by one: TFLite's n-ary addition has no int8 kernel.
    for number, term in enumerate(heads[1:], start=1):
        logits = keras.layers.Add(name=f"sum_{number}")([logits, term])
    return keras.Model(body.input, logits, name=config.backbone)


def _pooled(tap: Any) -> tuple[Any, ...]:
    """Mean and maximum of a tap over its area: how much of a texture there is, and whether it is anywhere.

    What has no area is taken as it is.
    """
    if len(tap.output.shape) == 2:
        return (tap.output,)
    mean = keras.layers.GlobalAveragePooling2D(name=f"mean_{tap.name}")(tap.output)
    # Pooling with a window of the whole area has an int8 kernel in every interpreter, reduction by maximum has not.
    largest = keras.layers.MaxPooling2D(tap.output.shape[1:3], name=f"area_{tap.name}")(tap.output)
    return mean, keras.layers.Flatten(name=f"max_{tap.name}")(largest)


def pooled_features(network: keras.Model) -> keras.Model:
    """The part of a network up to its pooled taps: float32 (n, channels), side by side in the order of the heads."""
    # Joined as int8, all taps would get the scale of one, which clips the others. Halving has no fake quantization, so
    # it and what follows stay in float; powers of two change no bit.
    halves = [keras.layers.Rescaling(0.5)(layer.input) for layer in _heads(network)]
    joined = keras.layers.Concatenate()(halves)
    return keras.Model(network.input, keras.layers.Rescaling(2.0, name="features")(joined), name="features")


def columns_of(network: keras.Model, config: NetworkConfig) -> dict[Features, Int64Array]:
    """Which of a network's pooled features each choice of layers takes, by its name."""
    names = [layer.name for layer in _heads(network)]
    widths = [layer.input.shape[-1] for layer in _heads(network)]
    ends = np.cumsum(widths)
    return {
        choice: np.concatenate(
            [
                np.arange(end - width, end)
                for name, width, end in zip(names, widths, ends, strict=True)
                if name.endswith(tuple(f"_{tap}" for tap in taps(replace(config, features=choice))))
            ]
        )
        for choice in _CHOICES
    }


def with_features(network: keras.Model, config: NetworkConfig) -> keras.Model:
    """A network that pools the layers that a configuration names, with the backbone's weights of another."""
    chosen = build_network(config, network.output_shape[-1])
    for layer in chosen.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return chosen


def _heads(network: keras.Model) -> list[Any]:
    return [layer for layer in network.layers if layer.name.startswith(("head_", "quant_head_"))]


def load_weights(network: keras.Model, path: Path, *, what: str) -> None:
    """Load a Keras HDF5 weights file.

    Raises:
        RunError: absent, too large, not HDF5, damaged, or made for another architecture.
    """
    try:
        size = path.stat().st_size
    except OSError as failure:
        raise RunError(f"{path}: can't read the weights: {failure.strerror}") from failure
    if size > MAX_WEIGHTS_BYTES or not h5py.is_hdf5(path):
        raise RunError(
            f"{path} must be a Keras HDF5 file of at most {MAX_WEIGHTS_BYTES} bytes, got {size} bytes of another kind"
        )
    try:
        _check_hdf5(path)
        network.load_weights(str(path))
    except (ValueError, KeyError, OSError, TypeError, IndexError, AttributeError, RuntimeError) as failure:
        raise RunError(
            f"{path} must hold weights for {what}; it was made for another architecture or is damaged: {failure}"
        ) from failure
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise RunError(f"{path} must hold finite weights for {what}, got NaN or infinity; use another file")


def _check_hdf5(path: Path) -> None:
    """Hold that a file is all there is: HDF5 can point to other files, and claim any size.

    Raises:
        ValueError: links, data kept elsewhere, or more of it than a file of weights may have.
    """
    claimed = 0
    with h5py.File(path, "r") as file:
        waiting: list[h5py.Group] = [file]
        while waiting:
            group = waiting.pop()
            for name in group:
                kind = type(group.get(name, getlink=True))
                if kind is not h5py.HardLink:
                    raise ValueError(f"{group.name}/{name} must not be a link, got {kind.__name__}")
                item = group[name]
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                    continue
                if item.external or item.is_virtual:
                    raise ValueError(f"{item.name} is kept in another file, which weights must not be")
                claimed += item.size * item.dtype.itemsize
                if claimed > MAX_WEIGHTS_BYTES:
                    raise ValueError(f"its data must take at most {MAX_WEIGHTS_BYTES} bytes, {item.name} claims more")


def set_head(network: keras.Model, kernel: Float32Array, bias: Float32Array, mean: Float32Array) -> None:
    """Put one linear head over all pooled taps into the per-tap layers.

    Each tap's logits are centred: int8 would spend its levels on offsets that cancel when they are added.

    Args:
        network: Changed in place.
        kernel: (sum of channels, classes).
        bias: (classes,).
        mean: (sum of channels,) of the features.
    """
    heads = _heads(network)
    start = 0
    for layer in heads:
        rows = slice(start, start + layer.input.shape[-1])
        share = (bias + mean @ kernel) / len(heads)
        layer.set_weights([kernel[rows], share - mean[rows] @ kernel[rows]])
        start = rows.stop


def head_of(network: keras.Model) -> tuple[Float32Array, Float32Array]:
    """The one linear head that the per-tap layers make together: kernel (channels, classes) and bias (classes,)."""
    parts = [[weight.numpy() for weight in layer.trainable_weights] for layer in _heads(network)]
    return np.concatenate([kernel for kernel, _ in parts]), np.sum([bias for _, bias in parts], axis=0)


def copy_head(network: keras.Model, model: keras.Model) -> None:
    """Copy the head's weights into the network's fake-quantised twin, whose layers have other weights besides."""
    for source, target in zip(_heads(network), _heads(model), strict=True):
        for weight, twin in zip(source.trainable_weights, target.trainable_weights, strict=True):
            if weight.shape != twin.shape:
                raise RunError(
                    f"{target.name} must have the weights of {source.name}, got {twin.shape} for {weight.shape}"
                )
            twin.assign(weight)


def freeze_normalisation(network: keras.Model) -> None:
    """Keep batch normalisation at its trained statistics: batches of few photos would shift them."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def save_weights(network: keras.Model, path: Path) -> None:
    """Write Keras HDF5 weights whole or not at all.

    Raises:
        EdgekitError: the disk is full, the folder is read-only, …; the old file stays.
    """
    write_atomic(path, weights_content(network))


def weights_content(network: keras.Model) -> bytes:
    """A network's weights as the content of a Keras HDF5 file."""
    # In memory: the HDF5 library crashes the process when a disk is full.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        save_weights_to_hdf5_group(file, network)
    return buffer.getvalue()
