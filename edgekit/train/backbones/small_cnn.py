"""``small_cnn``: four strided convolutions to train from scratch."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape

_LAYERS = ((16, 3), (32, 3), (48, 3), (64, 3))
_LAST = f"relu_{len(_LAYERS)}"


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import with_classifier
    from edgekit.train.keras2 import keras

    pixels = layer = keras.Input((shape.side_px, shape.side_px, 3), name="pixels")
    for number, (channels, kernel) in enumerate(_LAYERS, start=1):
        layer = keras.layers.Conv2D(channels, kernel, strides=2, padding="same", use_bias=False, name=f"conv_{number}")(
            layer
        )
        layer = keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{number}")(layer)
        layer = keras.layers.ReLU(6.0, name=f"relu_{number}")(layer)
    return with_classifier(keras.Model(pixels, layer, name="small_cnn"), shape.classes)


SMALL_CNN = Backbone(
    name="small_cnn",
    paper="edgekit's own",
    build=_build,
    content=(_LAST,),
    blocks=tuple(f"relu_{number}" for number in range(1, len(_LAYERS) + 1)),
)
