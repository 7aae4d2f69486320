"""``vgg16``: thirteen convolutions of three pixels and three dense layers, as keras.applications has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights

if TYPE_CHECKING:
    from edgekit.train.backbones.entry import LayerWeights

# Its weights want colours less these means, of 0 to 255, RGB.
_MEANS = (123.68, 116.779, 103.939)
_FIRST = "block1_conv1"
_BLOCKS = ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3))


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import behind_normalisation

    offset = [(128 - mean) / 128 for mean in _MEANS]
    return behind_normalisation(_original(shape, None), _FIRST, (1, 1, 1), offset)


def _original(shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application

    return application("VGG16", shape, weights)


def _from_keras(weights: LayerWeights) -> LayerWeights:
    """Keras' are for BGR, as Caffe had it."""
    kernel, bias = weights[_FIRST]
    return _from_slim({**weights, _FIRST: [kernel[:, :, ::-1], bias]})


def _from_slim(weights: LayerWeights) -> LayerWeights:
    """Slim's are for RGB; both want steps of 1, where the graph has steps of 1/128."""
    kernel, bias = weights[_FIRST]
    return {**weights, _FIRST: [kernel * 128, bias]}


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for layer in layers:
        block, _, conv = layer.partition("_conv")
        if conv:
            number = block.removeprefix("block")
            found[layer] = f"vgg_16/conv{number}/conv{number}_{conv}"
    return found


VGG16 = Backbone(
    name="vgg16",
    paper="Simonyan and Zisserman 2014, configuration D",
    build=_build,
    texture=tuple(f"block{block}_conv{count}" for block, count in _BLOCKS[:-1]),
    content=("block5_pool",),
    blocks=tuple(f"block{block}_pool" for block, _ in _BLOCKS),
    published=PublishedWeights(licence="CC BY 4.0", top1=71.3),
    original=_original,
    from_keras=_from_keras,
    slim=_slim,
    from_slim=_from_slim,
)
