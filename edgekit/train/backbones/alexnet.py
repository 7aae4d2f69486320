"""``alexnet``: five convolutions and three dense layers, of which the head is the third."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape

# Channels, kernel, stride, padding; a pool behind each of these numbers.
_CONVOLUTIONS = ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))
_POOLED = (1, 2, 5)
_DENSE = 4096


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import with_classifier
    from edgekit.train.keras2 import keras

    layers = keras.layers
    pixels = layer = keras.Input((shape.side_px, shape.side_px, 3), name="pixels")
    for number, (channels, kernel, stride, around) in enumerate(_CONVOLUTIONS, start=1):
        layer = layers.ZeroPadding2D(around, name=f"pad_{number}")(layer)
        layer = layers.Conv2D(channels, kernel, strides=stride, name=f"conv_{number}")(layer)
        layer = layers.ReLU(name=f"relu_{number}")(layer)
        if number in _POOLED:
            layer = layers.MaxPooling2D(3, 2, name=f"pool_{number}")(layer)
    layer = layers.Flatten(name="flat")(layer)
    for number in (6, 7):
        layer = layers.Dropout(0.5, name=f"drop_{number}")(layer)
        layer = layers.ReLU(name=f"relu_{number}")(layers.Dense(_DENSE, name=f"dense_{number}")(layer))
    return with_classifier(keras.Model(pixels, layer, name="alexnet"), shape.classes)


ALEXNET = Backbone(
    name="alexnet",
    paper="Krizhevsky 2014, 'One weird trick for parallelizing convolutional neural networks': one tower, no "
    "normalisation across channels",
    build=_build,
    least_px=64,
    texture=("relu_1", "relu_2", "relu_3", "relu_5"),
    content=("relu_7",),
    blocks=("pool_1", "pool_2", "relu_3", "relu_4", "pool_5", "relu_6", "relu_7"),
)
