"""Pieces of graphs, and what keras.applications builds brought to one form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.train.backbones.entry import BodyShape
from edgekit.train.keras2 import keras

# What Keras makes of a layer's class for a name: Conv2D → conv2d, ReLU → re_lu.
_WORDS = (re.compile(r"(.)([A-Z][a-z0-9]+)"), re.compile(r"([a-z])([A-Z])"))


def with_classifier(body: Any, classes: int) -> Any:
    """A body with a classifier of its own behind its pooled or flat output: logits; without, for 0 classes."""
    if not classes:
        return body
    vector = body.output
    if len(vector.shape) == 4:
        vector = keras.layers.GlobalAveragePooling2D(name="top_mean")(vector)
    return keras.Model(body.input, keras.layers.Dense(classes, name="top_classes")(vector), name=body.name)


def conv_norm(x: Any, channels: int, kernel: int | tuple[int, int], name: str, **how: Any) -> Any:
    """A convolution without bias and its normalisation, ``NAME`` and ``NAME_norm``."""
    scale, epsilon = how.pop("scale", True), how.pop("epsilon", 1e-3)
    x = keras.layers.Conv2D(channels, kernel, use_bias=False, name=name, **{"padding": "same", **how})(x)
    return keras.layers.BatchNormalization(epsilon=epsilon, scale=scale, name=f"{name}_norm")(x)


def application(name: str, shape: BodyShape, weights: str | None, **how: Any) -> Any:
    """A network of keras.applications; its classifier, where there is one, gives logits."""
    return getattr(keras.applications, name)(
        input_shape=(shape.side_px, shape.side_px, 3),
        include_top=bool(shape.classes),
        classes=shape.classes or 1000,
        classifier_activation=None,
        weights=weights,
        **how,
    )


def renumbered(model: Any, *, swap: Callable[[Any, str], Any] | None = None) -> Any:
    """The model made anew: names that Keras counted up count from 1 in this model, whatever was built before.

    Args:
        model: A functional model; its weights are not taken over.
        swap: Another layer for a layer and its new name, or None for one of the same kind.
    """
    names = _names_of(model)

    def made(layer: Any) -> Any:
        other = None if swap is None else swap(layer, names[layer.name])
        if other is not None:
            return other
        return type(layer).from_config({**layer.get_config(), "name": names[layer.name]})

    pixels = keras.Input(model.input_shape[1:], name="pixels")
    return keras.models.clone_model(model, input_tensors=[pixels], clone_function=made)


def _names_of(model: Any) -> dict[str, str]:
    """New names by old ones."""
    counts: Counter[str] = Counter()
    found = {}
    numbered = [(layer.name, _number(layer)) for layer in model.layers]
    for name, (stem, number) in sorted(numbered, key=lambda one: one[1]):
        counts[stem] += 1
        found[name] = name if number < 0 else f"{stem}_{counts[stem]}"
    return found


def _number(layer: Any) -> tuple[str, int]:
    """A name's stem and the number that Keras counted up; -1 where the name was given."""
    if type(layer).__name__ == "TFOpLambda":
        stem = layer.name.rpartition("_")[0] if re.search(r"_\d+$", layer.name) else layer.name
    else:
        stem = type(layer).__name__
        for pattern in _WORDS:
            stem = pattern.sub(r"\1_\2", stem)
        stem = stem.lower()
    match = re.fullmatch(re.escape(stem) + r"(?:_(\d+))?", layer.name)
    return (layer.name, -1) if match is None else (stem, int(match[1] or 0))


def behind_normalisation(body: Any, first: str, scale: Sequence[float], offset: Sequence[float]) -> Any:
    """A body from its layer ``first`` on, which is given ``pixels * scale + offset``, channel by channel.

    A convolution of one pixel does that, ``normalise``, which every quantizer knows; it is not trained.
    """
    pixels = keras.Input(body.input_shape[1:], name="pixels")
    start = keras.layers.Conv2D(
        3,
        1,
        name="normalise",
        trainable=False,
        kernel_initializer=keras.initializers.Constant(np.diag(scale)[None, None].tolist()),
        bias_initializer=keras.initializers.Constant(list(offset)),
    )
    rest = keras.Model(body.get_layer(first).input, body.output)
    return renumbered(keras.Model(pixels, rest.call(start(pixels)), name=body.name))
