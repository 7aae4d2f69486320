"""``inception_resnet_v2``: Inception's branches as residuals, as keras.applications has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights
from edgekit.train.backbones.inception_names import scopes_of_counted

if TYPE_CHECKING:
    from edgekit.train.backbones.entry import LayerWeights

_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_MIXED = {
    "Mixed_5b": (("1x1",), ("0a_1x1", "0b_5x5"), ("0a_1x1", "0b_3x3", "0c_3x3"), ("0b_1x1",)),
    "Repeat/block35": (("1x1",), ("0a_1x1", "0b_3x3"), ("0a_1x1", "0b_3x3", "0c_3x3")),
    "Mixed_6a": (("1a_3x3",), ("0a_1x1", "0b_3x3", "1a_3x3")),
    "Repeat_1/block17": (("1x1",), ("0a_1x1", "0b_1x7", "0c_7x1")),
    "Mixed_7a": (("0a_1x1", "1a_3x3"), ("0a_1x1", "1a_3x3"), ("0a_1x1", "0b_3x3", "1a_3x3")),
    "Repeat_2/block8": (("1x1",), ("0a_1x1", "0b_1x3", "0c_3x1")),
}
_REPEATS = {"Repeat/block35": 10, "Repeat_1/block17": 20, "Repeat_2/block8": 9}
# What a residual is multiplied by; the last block's is taken as it is.
_SCALES = {"block35": 0.17, "block17": 0.1, "block8": 0.2}
_LAST = "block8_10_conv"


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import application, renumbered
    from edgekit.train.keras2 import keras

    def added(layer: Any, name: str) -> Any:
        # Scaling is the convolution's: an addition alone is known to every quantizer.
        return keras.layers.Add(name=name) if type(layer).__name__ == "CustomScaleLayer" else None

    network = renumbered(application("InceptionResNetV2", shape, None), swap=added)
    scaled = _scaled({layer.name: layer.get_weights() for layer in network.layers if _factor(layer.name) != 1})
    for name, arrays in scaled.items():
        network.get_layer(name).set_weights(arrays)
    return network


def _original(shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application, renumbered

    found = application("InceptionResNetV2", shape, weights)
    named = renumbered(found)
    if weights is not None:
        named.set_weights(found.get_weights())
    return named


def _factor(layer: str) -> float:
    found = re.fullmatch(r"(block\d+)_\d+_conv", layer)
    return 1.0 if found is None or layer == _LAST else _SCALES[found[1]]


def _scaled(weights: LayerWeights) -> LayerWeights:
    return {name: [one * _factor(name) for one in arrays] for name, arrays in weights.items()}


def _places() -> list[tuple[str, tuple[tuple[str, ...], ...]]]:
    """Slim's scopes in order, each with its branches."""
    found = []
    for scope, branches in _MIXED.items():
        repeats = _REPEATS.get(scope, 0)
        found += [(f"{scope}_{number}", branches) for number in range(1, repeats + 1)] or [(scope, branches)]
    return [*found, ("Block8", _MIXED["Repeat_2/block8"])]


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    scopes = [*_STEM]
    for scope, branches in _places():
        scopes += [f"{scope}/Branch_{branch}/Conv2d_{one}" for branch, convs in enumerate(branches) for one in convs]
    found = scopes_of_counted(layers, [f"InceptionResnetV2/{scope}" for scope in scopes])
    for layer in layers:
        up = re.fullmatch(r"(block\d+)_(\d+)_conv", layer)
        if layer == _LAST:
            found[layer] = "InceptionResnetV2/Block8/Conv2d_1x1"
        elif up is not None:
            repeat = next(scope for scope in _REPEATS if scope.endswith(up[1]))
            found[layer] = f"InceptionResnetV2/{repeat}_{up[2]}/Conv2d_1x1"
        elif layer in ("conv_7b", "conv_7b_bn"):
            found[layer] = "InceptionResnetV2/Conv2d_7b_1x1"
    return found


INCEPTION_RESNET_V2 = Backbone(
    name="inception_resnet_v2",
    paper="Szegedy et al. 2016",
    build=_build,
    side_px=299,
    least_px=75,
    texture=("activation_3", "activation_5", "mixed_5b", "block35_10_ac", "block17_10_ac"),
    content=("conv_7b_ac",),
    blocks=(
        "activation_5",
        "mixed_5b",
        "block35_10_ac",
        "mixed_6a",
        "block17_20_ac",
        "mixed_7a",
        "block8_9_ac",
        "conv_7b_ac",
    ),
    published=PublishedWeights(licence="Apache-2.0", top1=80.3),
    original=_original,
    from_keras=_scaled,
    slim=_slim,
    from_slim=_scaled,
)
