"""``mobilenet_v1``: depthwise separable convolutions, as keras.applications has them."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights

_BLOCKS = 13


def _build(shape: BodyShape) -> Any:
    return _original(shape, None)


def _original(shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application

    return application("MobileNet", shape, weights, alpha=shape.alpha)


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for layer in layers:
        name = layer.removesuffix("_bn")
        kind, _, number = name.rpartition("_")
        scope = {"conv_dw": f"Conv2d_{number}_depthwise", "conv_pw": f"Conv2d_{number}_pointwise"}.get(kind, "Conv2d_0")
        found[layer] = f"MobilenetV1/{scope}"
    return found


MOBILENET_V1 = Backbone(
    name="mobilenet_v1",
    paper="Howard et al. 2017",
    build=_build,
    any_width=True,
    texture=("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_9_relu", "conv_pw_11_relu"),
    content=("conv_pw_13_relu",),
    blocks=("conv1_relu", *(f"conv_pw_{number}_relu" for number in range(1, _BLOCKS + 1))),
    published=PublishedWeights(licence="Apache-2.0", widths=(0.25, 0.5, 0.75, 1.0), top1=70.4),
    original=_original,
    slim=_slim,
)
