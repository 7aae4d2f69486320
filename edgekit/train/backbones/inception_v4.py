"""``inception_v4``: the same three kinds of blocks over and over; layers are called as Slim's scopes."""

from __future__ import annotations

from typing import Any

from edgekit.train.backbones.entry import Backbone, BodyShape

# A branch is a row of convolutions (channels, kernel and place in Slim's name); a pool comes first where it is said.
_Convolution = tuple[int, int, int, str]
_Branch = tuple[_Convolution, ...]
_A: tuple[_Branch, ...] = (
    ((96, 1, 1, "0a"),),
    ((64, 1, 1, "0a"), (96, 3, 3, "0b")),
    ((64, 1, 1, "0a"), (96, 3, 3, "0b"), (96, 3, 3, "0c")),
    ((96, 1, 1, "0b"),),
)
_B: tuple[_Branch, ...] = (
    ((384, 1, 1, "0a"),),
    ((192, 1, 1, "0a"), (224, 1, 7, "0b"), (256, 7, 1, "0c")),
    ((192, 1, 1, "0a"), (192, 7, 1, "0b"), (224, 1, 7, "0c"), (224, 7, 1, "0d"), (256, 1, 7, "0e")),
    ((128, 1, 1, "0b"),),
)
_C: tuple[_Branch, ...] = (
    ((256, 1, 1, "0a"),),
    ((384, 1, 1, "0a"),),
    ((384, 1, 1, "0a"), (448, 3, 1, "0b"), (512, 1, 3, "0c")),
    ((256, 1, 1, "0b"),),
)
# The two ends that branches 1 and 2 of the last kind fork into.
_FORKS = {1: ((256, 1, 3, "0b"), (256, 3, 1, "0c")), 2: ((256, 1, 3, "0d"), (256, 3, 1, "0e"))}
# Branches that halve the picture with their last convolution; beside them a pool does.
_HALF_A: tuple[_Branch, ...] = (((384, 3, 3, "1a"),), ((192, 1, 1, "0a"), (224, 3, 3, "0b"), (256, 3, 3, "1a")))
_HALF_B: tuple[_Branch, ...] = (
    ((192, 1, 1, "0a"), (192, 3, 3, "1a")),
    ((256, 1, 1, "0a"), (256, 1, 7, "0b"), (320, 7, 1, "0c"), (320, 3, 3, "1a")),
)
_STEM_PAIR: tuple[_Branch, ...] = (
    ((64, 1, 1, "0a"), (96, 3, 3, "1a")),
    ((64, 1, 1, "0a"), (64, 1, 7, "0b"), (64, 7, 1, "0c"), (96, 3, 3, "1a")),
)


def _conv(x: Any, convolution: _Convolution, scope: str, **how: Any) -> Any:
    from edgekit.train.backbones.graph import conv_norm
    from edgekit.train.keras2 import keras

    channels, rows, columns, place = convolution
    name = f"{scope}Conv2d_{place}_{rows}x{columns}"
    x = conv_norm(x, channels, (rows, columns), name, scale=False, **how)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _row(x: Any, branch: _Branch, scope: str, **last: Any) -> Any:
    for convolution in branch[:-1]:
        x = _conv(x, convolution, scope)
    return _conv(x, branch[-1], scope, **last)


def _pool(x: Any, scope: str) -> Any:
    from edgekit.train.keras2 import keras

    return keras.layers.MaxPooling2D(3, 2, name=f"{scope}MaxPool_1a_3x3")(x)


def _joined(branches: list[Any], name: str) -> Any:
    from edgekit.train.keras2 import keras

    return keras.layers.Concatenate(name=name)(branches)


def _block(x: Any, name: str, branches: tuple[_Branch, ...]) -> Any:
    """Four branches; the last begins with a mean over three pixels."""
    from edgekit.train.keras2 import keras

    made = []
    for number, branch in enumerate(branches):
        scope = f"{name}/Branch_{number}/"
        start = x
        if number == len(branches) - 1:
            start = keras.layers.AveragePooling2D(3, 1, padding="same", name=f"{scope}AvgPool_0a_3x3")(x)
        end = _row(start, branch, scope)
        forks = _FORKS.get(number, ()) if branches is _C else ()
        made += [_conv(end, fork, scope) for fork in forks] or [end]
    return _joined(made, name)


def _halved(x: Any, name: str, branches: tuple[_Branch, ...]) -> Any:
    made = [
        _row(x, branch, f"{name}/Branch_{number}/", strides=2, padding="valid")
        for number, branch in enumerate(branches)
    ]
    return _joined([*made, _pool(x, f"{name}/Branch_2/")], name)


def _build(shape: BodyShape) -> Any:
    from edgekit.train.backbones.graph import with_classifier
    from edgekit.train.keras2 import keras

    pixels = keras.Input((shape.side_px, shape.side_px, 3), name="pixels")
    x = _conv(pixels, (32, 3, 3, "1a"), "", strides=2, padding="valid")
    x = _conv(x, (32, 3, 3, "2a"), "", padding="valid")
    x = _conv(x, (64, 3, 3, "2b"), "")
    scope = "Mixed_3a/Branch_{}/"
    halves = [_pool(x, scope.format(0)), _conv(x, (96, 3, 3, "0a"), scope.format(1), strides=2, padding="valid")]
    x = _joined(halves, "Mixed_3a")
    pair = [_row(x, branch, f"Mixed_4a/Branch_{at}/", padding="valid") for at, branch in enumerate(_STEM_PAIR)]
    x = _joined(pair, "Mixed_4a")
    scope = "Mixed_5a/Branch_{}/"
    halves = [_conv(x, (192, 3, 3, "1a"), scope.format(0), strides=2, padding="valid"), _pool(x, scope.format(1))]
    x = _joined(halves, "Mixed_5a")
    for letter in "bcde":
        x = _block(x, f"Mixed_5{letter}", _A)
    x = _halved(x, "Mixed_6a", _HALF_A)
    for letter in "bcdefgh":
        x = _block(x, f"Mixed_6{letter}", _B)
    x = _halved(x, "Mixed_7a", _HALF_B)
    for letter in "bcd":
        x = _block(x, f"Mixed_7{letter}", _C)
    return with_classifier(keras.Model(pixels, x, name="inception_v4"), shape.classes)


def _slim(layers: tuple[str, ...]) -> dict[str, str]:
    return {layer: f"InceptionV4/{layer.removesuffix('_norm')}" for layer in layers}


INCEPTION_V4 = Backbone(
    name="inception_v4",
    paper="Szegedy et al. 2016",
    build=_build,
    side_px=299,
    least_px=75,
    texture=("Conv2d_2b_3x3_relu", "Mixed_4a", "Mixed_5e", "Mixed_6d", "Mixed_6h"),
    content=("Mixed_7d",),
    blocks=("Conv2d_2b_3x3_relu", *(f"Mixed_{block}" for block in ("3a", "4a", "5a", "5e", "6a", "6h", "7a", "7d"))),
    slim=_slim,
)
