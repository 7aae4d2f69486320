"""``cnn3``: three convolutions and two dense layers, of which the head is the second, to train from scratch."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape

_CHANNELS = (32, 32, 64)
_DENSE = 64


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import with_classifier
    from edgekit.train.keras2 import keras

    pixels = layer = keras.Input((shape.side_px, shape.side_px, 3), name="pixels")
    for number, channels in enumerate(_CHANNELS, start=1):
        layer = keras.layers.Conv2D(channels, 3, padding="same", name=f"conv_{number}")(layer)
        layer = keras.layers.ReLU(name=f"relu_{number}")(layer)
        layer = keras.layers.MaxPooling2D(2, name=f"pool_{number}")(layer)
    layer = keras.layers.Dense(_DENSE, name="dense_1")(keras.layers.Flatten(name="flat")(layer))
    layer = keras.layers.ReLU(name="dense_1_relu")(layer)
    return with_classifier(keras.Model(pixels, layer, name="cnn3"), shape.classes)


CNN3 = Backbone(
    name="cnn3",
    paper="Chollet 2016, 'Building powerful image classification models using very little data'",
    build=_build,
    side_px=160,
    content=("dense_1_relu",),
    blocks=("pool_1", "pool_2", "pool_3", "dense_1_relu"),
)
