"""``efficientnet_b0``: inverted residuals with squeeze-and-excite and swish, as keras.applications has them."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights

# Its weights want (q / 255 - mean) / deviation, RGB.
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LAST_BLOCKS = ("1a_project_bn", "2b_add", "3b_add", "4c_add", "5c_add", "6d_add", "7a_project_bn")


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import behind_normalisation

    scale = [128 / 255 / deviation for deviation in _DEVIATIONS]
    offset = [(128 / 255 - mean) / deviation for mean, deviation in zip(_MEANS, _DEVIATIONS, strict=True)]
    return behind_normalisation(_original(shape, None), "stem_conv_pad", scale, offset)


def _original(shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application

    return application("EfficientNetB0", shape, weights)


EFFICIENTNET_B0 = Backbone(
    name="efficientnet_b0",
    paper="Tan and Le 2019",
    build=_build,
    texture=("block2a_activation", *(f"block{stage}a_expand_activation" for stage in (3, 4, 5, 6))),
    content=("top_activation",),
    blocks=("stem_activation", *(f"block{block}" for block in _LAST_BLOCKS), "top_activation"),
    published=PublishedWeights(licence="Apache-2.0", top1=77.1),
    qat="swish and squeeze-and-excite: their products have no fake quantization",
    original=_original,
)
