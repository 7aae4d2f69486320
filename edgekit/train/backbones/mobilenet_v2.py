"""``mobilenet_v2``: inverted residuals with linear bottlenecks, as keras.applications has them."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights

# The last of the blocks that have the same channels.
_STAGES = (2, 5, 9, 12, 15)


def _build(shape: BodyShape) -> Any:
    return _original(shape, None)


def _original(shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application

    return application("MobileNetV2", shape, weights, alpha=shape.alpha)


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for layer in layers:
        name = layer.removesuffix("_BN").removesuffix("_bn").removeprefix("bn_")
        if name.startswith("expanded_conv_"):
            name = f"expanded_conv/{name.removeprefix('expanded_conv_')}"
        elif name.startswith("block_"):
            _, number, kind = name.split("_")
            name = f"expanded_conv_{number}/{kind}"
        found[layer] = f"MobilenetV2/{'Conv' if name == 'Conv1' else name}"
    return found


MOBILENET_V2 = Backbone(
    name="mobilenet_v2",
    paper="Sandler et al. 2018",
    build=_build,
    any_width=True,
    texture=(
        "block_1_depthwise_relu",
        "block_3_expand_relu",
        "block_6_expand_relu",
        "block_10_expand_relu",
        "block_13_expand_relu",
    ),
    content=("out_relu",),
    blocks=(
        "Conv1_relu",
        "expanded_conv_project_BN",
        *(f"block_{number}_add" for number in _STAGES),
        "block_16_project_BN",
        "out_relu",
    ),
    published=PublishedWeights(licence="Apache-2.0", widths=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4), top1=71.3),
    original=_original,
    slim=_slim,
)
