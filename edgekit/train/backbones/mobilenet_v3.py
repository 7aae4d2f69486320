"""``mobilenet_v3_small`` and ``_large``, and their minimalistic versions, as keras.applications has them.

The minimalistic ones have neither squeeze-and-excite nor hard-swish.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights

_REFUSED = "hard-swish and squeeze-and-excite: sums and products with constants have no fake quantization"
# The last block of the same channels; the block before which the picture is halved; the first with hard-swish; blocks.
_SMALL = ((2, 5, 7, 10), (1, 3, 6, 8), 3, 11)
_LARGE = ((0, 2, 5, 9, 11, 14), (1, 3, 6, 10, 12), 6, 15)


def _original(name: str, minimalistic: bool, shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application, renumbered

    found = application(name, shape, weights, alpha=shape.alpha, minimalistic=minimalistic, include_preprocessing=False)
    if weights is None:
        return renumbered(found)
    named = renumbered(found)
    named.set_weights(found.get_weights())
    return named


def _build(name: str, minimalistic: bool, shape: BodyShape) -> Any:
    return _original(name, minimalistic, shape, None)


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    return {layer: f"MobilenetV3/{layer.removesuffix('/BatchNorm')}" for layer in layers}


def _expanded(block: int, first_swish: int, *, minimalistic: bool, squeezed: bool) -> str:
    """The activation behind a block's expansion, whose name Keras counts up; stem and block 0 have one each."""
    if minimalistic:
        return f"re_lu_{2 * block + 1}"
    if block >= first_swish:
        return f"multiply_{2 + 2 * (block - first_swish)}"
    # Squeeze-and-excite of block 0 takes another one.
    return f"re_lu_{2 * block + 1 + squeezed}"


def _entry(size: str, minimalistic: bool, top1: float) -> Backbone:
    ends, halved, first_swish, blocks = _SMALL if size == "small" else _LARGE
    stem = "re_lu_1" if minimalistic else "multiply_1"
    top = _expanded(blocks, first_swish, minimalistic=minimalistic, squeezed=False)
    expanded = [_expanded(block, first_swish, minimalistic=minimalistic, squeezed=size == "small") for block in halved]
    model = f"MobileNetV3{size.capitalize()}"
    first = () if size == "large" else ("expanded_conv/project/BatchNorm",)
    return Backbone(
        name=f"mobilenet_v3_{size}{'_minimalistic' if minimalistic else ''}",
        paper="Howard et al. 2019",
        build=partial(_build, model, minimalistic),
        any_width=True,
        texture=(*((stem,) if size == "small" else ()), *expanded),
        content=(top,),
        blocks=(stem, *first, *(f"expanded_conv{f'_{block}' if block else ''}/Add" for block in ends), top),
        published=PublishedWeights(licence="Apache-2.0", widths=(1.0,) if minimalistic else (0.75, 1.0), top1=top1),
        qat="" if minimalistic else _REFUSED,
        original=partial(_original, model, minimalistic),
        slim=_slim,
    )


MOBILENET_V3 = (
    _entry("small", False, 68.1),
    _entry("large", False, 75.6),
    _entry("small", True, 61.9),
    _entry("large", True, 72.3),
)
