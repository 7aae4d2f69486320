"""Networks for one crop: a backbone, pooled taps, a linear layer per tap whose logits are added to a head's."""

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
from edgekit.train.head import HeadLayers
from edgekit.train.keras2 import keras, save_weights_to_hdf5_group
from edgekit.train.options import Features, NetworkConfig, TrainConfig

# What `auto` chooses from.
_CHOICES: tuple[Features, ...] = ("texture", "content")

# Prefixes of the layers whose outputs are logits or parts of them, or hidden units; no backbone's layer has one. Those
# of all heads but the first.
LOGIT_LAYERS = ("head_", "sum_", "hidden_")
_OTHERS, _DROP = "others_", "drop_head_"
_TOP = "hidden_logits"

MAX_WEIGHTS_BYTES = 512 * 1024 * 1024


def taps(config: NetworkConfig) -> tuple[str, ...]:
    """Names of the layers whose outputs are pooled; all that can be, before some are chosen."""
    known = config.known
    if not known.has_choice or config.features == "content":
        return known.content
    return known.texture if config.features == "texture" else (*known.texture, *known.content)


def build_network(config: NetworkConfig, classes: int, heads: int = 1, *, hidden: int = 0) -> keras.Model:
    """The whole network, with random weights: float32 (n, side, side, 3) normalised RGB → (n, classes) logits.

    With several heads the logits of all but the first are a second output, (n, (heads - 1) classes): each is linear in
    the same pooled taps, and they share an int8 scale with each other but not with the first. With hidden units, which
    come with one head alone, these are linear in the taps, and the logits in what ReLU leaves of them.
    """
    body = config.known.build(BodyShape(side_px=config.side_px, alpha=config.alpha))
    vectors = [_thinned(one, config) for name in taps(config) for one in _pooled(body.get_layer(name))]
    outputs = [_linear(vectors, hidden or classes, "")]
    if hidden:
        outputs = [keras.layers.Dense(classes, name=_TOP)(keras.layers.ReLU(name="hidden_relu")(outputs[0]))]
    if heads > 1:
        outputs.append(_linear(vectors, (heads - 1) * classes, _OTHERS))
    return keras.Model(body.input, outputs if heads > 1 else outputs[0], name=config.backbone)


def network_for(config: TrainConfig, classes: int) -> keras.Model:
    """The network of a training, with as many heads and hidden units as it asks for, and random weights.

    Raises:
        RunError: more of its last blocks are to be tuned than the part that is used has, or may have in the end.
    """
    network = build_network(config.network, classes, config.head_count, hidden=config.hidden_units)
    refuse_blocks(network, config)
    return network


def _linear(vectors: list[Any], units: int, prefix: str) -> Any:
    # Taps have different ranges. A Dense for each keeps an int8 scale for each; joined they would share one.
    names = [vector.node.layer.name.removeprefix(_DROP) for vector in vectors]
    parts = [
        keras.layers.Dense(units, name=f"head_{prefix}{name}")(one) for name, one in zip(names, vectors, strict=True)
    ]
    logits = parts[0]
    # One by one: TFLite's n-ary addition has no int8 kernel.
    for number, term in enumerate(parts[1:], start=1):
        logits = keras.layers.Add(name=f"sum_{prefix}{number}")([logits, term])
    return logits


def _thinned(vector: Any, config: NetworkConfig) -> Any:
    """A pooled tap with its dropout, where there is one."""
    if not config.dropout:
        return vector
    return keras.layers.Dropout(config.dropout, name=f"{_DROP}{vector.node.layer.name}")(vector)


def first_head_alone(network: keras.Model) -> keras.Model:
    """A network, or its fake-quantised twin, without the outputs of all heads but the first; weights are shared."""
    return keras.Model(network.input, network.outputs[0], name=network.name)


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


def pooled_taps(network: keras.Model) -> list[Any]:
    """The pooled taps of a network or its fake-quantised twin, one Keras tensor each, in the order of the heads."""
    return [layer.input for layer in _first(network)]


def pooled_features(network: keras.Model) -> keras.Model:
    """The part of a network up to its pooled taps: float32 (n, channels), side by side in the order of the heads."""
    # Joined as int8, all taps would get the scale of one, which clips the others. Halving has no fake quantization, so
    # it and what follows stay in float; powers of two change no bit.
    halves = [keras.layers.Rescaling(0.5)(tap) for tap in pooled_taps(network)]
    joined = keras.layers.Concatenate()(halves)
    return keras.Model(network.input, keras.layers.Rescaling(2.0, name="features")(joined), name="features")


def with_pooled_taps(network: keras.Model) -> keras.Model:
    """A network of one head, or its fake-quantised twin, whose pooled taps are outputs, too, behind the logits."""
    return keras.Model(network.input, [network.outputs[0], *pooled_taps(network)], name=network.name)


def columns_of(network: keras.Model, config: NetworkConfig) -> dict[Features, Int64Array]:
    """Which of a network's pooled features each choice of layers takes, by its name."""
    names = [layer.name for layer in _first(network)]
    widths = [layer.input.shape[-1] for layer in _first(network)]
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
    classes, *others = (int(one.shape[-1]) for one in network.outputs)
    hidden = sum(int(layer.input.shape[-1]) for layer in _top(network))
    chosen = build_network(config, classes, 1 + sum(others) // classes, hidden=hidden)
    for layer in chosen.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return chosen


def is_of_head(name: str) -> bool:
    """Whether a layer of this name, of a network or of its fake-quantised twin, is one of a head's."""
    return name.removeprefix("quant_").startswith(LOGIT_LAYERS)


def _heads(network: keras.Model) -> list[Any]:
    """The linear layers, those of the first head before those of all others, and the one over hidden units."""
    return [*_first(network), *_others(network), *_top(network)]


def _top(network: keras.Model) -> list[Any]:
    return [layer for layer in network.layers if layer.name in (_TOP, f"quant_{_TOP}")]


def _first(network: keras.Model) -> list[Any]:
    others = _others(network)
    linear = (layer for layer in network.layers if layer.name.startswith(("head_", "quant_head_")))
    return [layer for layer in linear if layer not in others]


def _others(network: keras.Model) -> list[Any]:
    prefixes = (f"head_{_OTHERS}", f"quant_head_{_OTHERS}")
    return [layer for layer in network.layers if layer.name.startswith(prefixes)]


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


def set_heads(network: keras.Model, head: HeadLayers) -> None:
    """Put heads over all pooled taps into the per-tap layers.

    Each tap's logits are centred: int8 would spend its levels on offsets that cancel when they are added.

    Args:
        network: Changed in place.
        head: As many heads and hidden units as the network has.

    Raises:
        RunError: the head is one of other features, heads, hidden units or classes.
    """
    _check_head(network, head)
    kernels, biases, means = head.kernels, head.biases, head.means
    for layers, which in ((_first(network), slice(0, 1)), (_others(network), slice(1, None))):
        start = 0
        for layer in layers:
            rows = slice(start, start + layer.input.shape[-1])
            own = kernels[which, rows]
            shares = (biases[which] + np.einsum("hc,hck->hk", means[which], kernels[which])) / len(layers)
            shares = shares - np.einsum("hc,hck->hk", means[which, rows], own)
            layer.set_weights([own.transpose(1, 0, 2).reshape(own.shape[1], -1), shares.reshape(-1)])
            start = rows.stop
    if head.top is not None:
        _top(network)[0].set_weights(list(head.top))


def _check_head(network: keras.Model, head: HeadLayers) -> None:
    classes, *others = (int(one.shape[-1]) for one in network.outputs)
    hidden = [int(layer.input.shape[-1]) for layer in _top(network)]
    channels = sum(int(layer.input.shape[-1]) for layer in _first(network))
    wanted = [*(hidden or [classes]), classes, channels, 1 + sum(others) // classes]
    units = head.kernels.shape[2]
    given = [units, units if head.top is None else len(head.top.bias), head.kernels.shape[1], len(head.kernels)]
    if wanted != given:
        names = ("units", "classes", "features", "heads")
        need, got = (", ".join(map("{} {}".format, counts, names)) for counts in (wanted, given))
        raise RunError(f"a head of this network must have {need}, got {got}; take one that was solved for it")


def head_of(network: keras.Model) -> tuple[Float32Array, Float32Array]:
    """The first linear head that the per-tap layers make together: kernel (channels, classes) and bias (classes,)."""
    parts = [[weight.numpy() for weight in layer.trainable_weights] for layer in _first(network)]
    return np.concatenate([kernel for kernel, _ in parts]), np.sum([bias for _, bias in parts], axis=0)


def heads_of(network: keras.Model) -> Float32Array:
    """Kernels (heads, channels, classes) of all linear heads, the first before the others."""
    first, _ = head_of(network)
    rest = [layer.trainable_weights[0].numpy() for layer in _others(network)]
    kernels = first[np.newaxis]
    if rest:
        joined = np.concatenate(rest).reshape(len(first), -1, first.shape[1])
        kernels = np.concatenate([kernels, joined.transpose(1, 0, 2)])
    return np.asarray(kernels, np.float32)


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


def freeze(network: keras.Model, config: TrainConfig) -> None:
    """Keep batch normalisation as it is, and all that lies below the last blocks, where those alone are tuned.

    Args:
        network: Changed in place; its fake-quantised twin, if it is made afterwards, trains the same.
        config: What it was built by, and what is tuned.

    Raises:
        RunError: it has fewer blocks.
    """
    refuse_blocks(network, config)
    if config.tuned_blocks is not None:
        below = _blocks(network, config.network)
        kept = set().union(*below[: len(below) - config.tuned_blocks])
        for layer in _body(network):
            layer.trainable = layer.name not in kept
    freeze_normalisation(network)


def refuse_blocks(network: keras.Model, config: TrainConfig) -> None:
    """Hold that a network has as many blocks as are to be tuned, whichever of its layers are chosen in the end.

    Raises:
        RunError: it has fewer.
    """
    if config.tuned_blocks is None:
        return
    chooses = config.network.chooses_features
    for choice in _CHOICES if chooses else (config.network.features,):
        there = len(_blocks(network, replace(config.network, features=choice)))
        if config.tuned_blocks > there:
            used = f"that --features {choice} uses, which auto may choose" if chooses else "that is used"
            remedy = "name --features, or use --tune all" if chooses else "use --tune all for all of them"
            raise RunError(
                f"--tune last:N must be at most the {there} blocks of the part of {network.name} {used}, got "
                f"{config.tune}; {remedy}"
            )


def _body(network: keras.Model) -> list[Any]:
    return [layer for layer in network.layers if layer.weights and not is_of_head(layer.name)]


def _blocks(network: keras.Model, config: NetworkConfig) -> list[set[str]]:
    """The names of the layers up to the end of each block, in the part that a choice of layers uses.

    What lies behind the last block that is whole is one, too.
    """
    used = set().union(*(_below(network, tap) for tap in taps(config)))
    below = [_below(network, name) for name in config.known.blocks if name in used]
    body = {layer.name for layer in _body(network)} & used
    return below if below and body <= below[-1] else [*below, body]


def _below(network: keras.Model, name: str) -> set[str]:
    """The names of a layer and of all that it is computed from."""
    return {layer.name for layer in keras.Model(network.input, network.get_layer(name).output).layers}


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
