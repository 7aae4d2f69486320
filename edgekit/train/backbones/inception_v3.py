"""``inception_v3``: branches of factorised convolutions, as keras.applications has them."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape, PublishedWeights
from edgekit.train.backbones.inception_names import scopes_of_counted

_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_SQUARE = (("0a_1x1",), ("0a_1x1", "0b_5x5"), ("0a_1x1", "0b_3x3", "0c_3x3"), ("0b_1x1",))
# Slim names two convolutions of its second block otherwise than those of its neighbours, and one of its reduction.
_SECOND = (("0a_1x1",), ("0b_1x1", "_1_0c_5x5"), ("0a_1x1", "0b_3x3", "0c_3x3"), ("0b_1x1",))
_HALVED = (("1a_1x1",), ("0a_1x1", "0b_3x3", "1a_1x1"))
_LONG = (
    ("0a_1x1",),
    ("0a_1x1", "0b_1x7", "0c_7x1"),
    ("0a_1x1", "0b_7x1", "0c_1x7", "0d_7x1", "0e_1x7"),
    ("0b_1x1",),
)
_HALVED_AGAIN = (("0a_1x1", "1a_3x3"), ("0a_1x1", "0b_1x7", "0c_7x1", "1a_3x3"))
_SPLIT = (("0a_1x1",), ("0a_1x1", "0b_1x3", "0b_3x1"), ("0a_1x1", "0b_3x3", "0c_1x3", "0d_3x1"), ("0b_1x1",))
_SPLIT_LAST = (("0a_1x1",), ("0a_1x1", "0b_1x3", "0c_3x1"), ("0a_1x1", "0b_3x3", "0c_1x3", "0d_3x1"), ("0b_1x1",))
_MIXED = {
    "5b": _SQUARE,
    "5c": _SECOND,
    "5d": _SQUARE,
    "6a": _HALVED,
    "6b": _LONG,
    "6c": _LONG,
    "6d": _LONG,
    "6e": _LONG,
    "7a": _HALVED_AGAIN,
    "7b": _SPLIT,
    "7c": _SPLIT_LAST,
}


def _build(shape: BodyShape) -> Any:
    return _original(shape, None)


def _original(shape: BodyShape, weights: str | None) -> Any:
    from edgekit.train.backbones.graph import application, renumbered

    found = application("InceptionV3", shape, weights)
    named = renumbered(found)
    if weights is not None:
        named.set_weights(found.get_weights())
    return named


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    scopes = list(_STEM)
    for block, branches in _MIXED.items():
        for branch, convolutions in enumerate(branches):
            for one in convolutions:
                conv = f"Conv{one}" if one.startswith("_") else f"Conv2d_{one}"
                scopes.append(f"Mixed_{block}/Branch_{branch}/{conv}")
    return scopes_of_counted(layers, [f"InceptionV3/{scope}" for scope in scopes])


INCEPTION_V3 = Backbone(
    name="inception_v3",
    paper="Szegedy et al. 2015",
    build=_build,
    side_px=299,
    least_px=75,
    # The stem's convolutions before each halving, then mixed ones.
    texture=("activation_3", "activation_5", "mixed2", "mixed5", "mixed7"),
    content=("mixed10",),
    blocks=("activation_5", *(f"mixed{number}" for number in range(11))),
    published=PublishedWeights(licence="Apache-2.0", top1=77.9),
    original=_original,
    slim=_slim,
)
