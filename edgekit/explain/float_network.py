"""The float network that is looked at: a run's, or a backbone's with the weights that its publishers trained."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from edgekit.bounds import Counted
from edgekit.errors import RunError, likeliest
from edgekit.explain.network_name import find_network
from edgekit.quantize.qat import load_stage
from edgekit.train.backbones.entry import Backbone, BodyShape
from edgekit.train.keras2 import keras
from edgekit.train.options import NetworkConfig
from edgekit.train.pretrained import load_backbone

# How many names that are like the one that came are offered.
_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatNetwork:
    """A float network.

    Attributes:
        name: The run's folder or the backbone, as it was named.
        network: float32 (n, side, side, 3) RGB as ``(q - 128) / 128`` in.
        weights_sha256: Of the run's file of weights, or of a backbone's weights in Keras' order.
    """

    name: str
    network: keras.Model
    weights_sha256: str

    @property
    def side_px(self) -> int:
        """Side of the square input."""
        return int(self.network.input_shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerShape:
    """A layer of the float network.

    Attributes:
        name: As Keras has it.
        kind: The layer's class.
        shape: Height, width and channels of its output for one crop, or its length alone.
        weights: How many numbers it has learnt or keeps.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weights: Counted


def read_float_network(name: str) -> FloatNetwork:
    """The network of a run's folder, or of a backbone.

    Raises:
        RunError: as by `find_network`, or weights that can't be had.
    """
    found = find_network(name)
    if isinstance(found, Backbone):
        config = NetworkConfig(backbone=name, side_px=found.side_px)
        network = found.build(BodyShape(side_px=config.side_px, alpha=config.alpha))
        load_backbone(network, config)
        digest = hashlib.sha256()
        for array in network.get_weights():
            digest.update(array.tobytes())
        return FloatNetwork(name=name, network=network, weights_sha256=digest.hexdigest())
    record = found.read("float")
    return FloatNetwork(name=name, network=load_stage(found, record, "float"), weights_sha256=record.weights_sha256)


def layers_of(subject: FloatNetwork) -> tuple[LayerShape, ...]:
    """All layers from the input on, with the shapes of what they give."""
    return tuple(
        LayerShape(
            name=layer.name,
            kind=type(layer).__name__,
            shape=shape_of(layer),
            weights=int(layer.count_params()),
        )
        for layer in subject.network.layers
    )


def shape_of(layer: Any) -> tuple[int, ...]:
    """Shape of a layer's output for one crop."""
    return tuple(int(length) for length in layer.output.shape[1:])


def layer_named(subject: FloatNetwork, name: str) -> Any:
    """A layer of the network.

    Raises:
        RunError: there is none of that name; the closest ones are offered.
    """
    names = [layer.name for layer in subject.network.layers]
    if name in names:
        return subject.network.get_layer(name)
    near = likeliest(name, names, most=_NEAR) or f"; it begins with {', '.join(names[:_NEAR])}"
    raise RunError(f"{subject.name} has no layer {name!r} among its {len(names)}{near} (`--layers` lists them all)")
