"""Variables of TF-Slim's checkpoints, for the layers of a backbone."""

from __future__ import annotations

import glob
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.errors import RunError
from edgekit.train.keras2 import keras, tf
from edgekit.train.weights_file import index_of

MAX_CHECKPOINT_BYTES = 2 * 1024 * 1024 * 1024
# A checkpoint also has what its optimiser kept; a network's own variables are fewer.
_MAX_VARIABLES = 100_000


class SlimCheckpoint:
    """A checkpoint of either version: one file, or an index and its data, called by what their names share.

    Args:
        path: ``inception_v4.ckpt``, whether that is a file or what ``.index`` and ``.data-00000-of-00001`` begin with.
        what: Names the network in messages.

    Raises:
        RunError: there is none, or it is damaged or too large.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what
        parts = [path, index_of(path), *path.parent.glob(f"{glob.escape(path.name)}.data-*")]
        size = sum(part.stat().st_size for part in parts if part.is_file())
        if size > MAX_CHECKPOINT_BYTES:
            raise RunError(f"{path} must have at most {MAX_CHECKPOINT_BYTES} bytes, got {size}; use another checkpoint")
        try:
            self._reader = tf.train.load_checkpoint(str(path))
            self._shapes: dict[str, list[int]] = self._reader.get_variable_to_shape_map()
            self._types: Mapping[str, Any] = self._reader.get_variable_to_dtype_map()
        except (tf.errors.OpError, ValueError, RuntimeError) as failure:
            raise RunError(f"{path} must be a TF-Slim checkpoint; it is damaged or none: {failure}") from failure
        if len(self._shapes) > _MAX_VARIABLES:
            raise RunError(f"{path} must have at most {_MAX_VARIABLES} variables, got {len(self._shapes)}")

    def arrays(self, layer: Any, scope: str) -> list[Float32Array]:
        """A layer's weights, in the order in which Keras keeps them.

        Raises:
            RunError: a variable is missing, of another shape or type, or not finite; the message names it.
        """
        return [
            self._array(f"{scope}/{name}", tuple(weight.shape))
            for name, weight in zip(_variables(layer), layer.weights, strict=True)
        ]

    def _array(self, name: str, shape: tuple[int, ...]) -> Float32Array:
        rule = f"{self._path} must hold weights for {self._what}"
        if name not in self._shapes:
            raise RunError(f"{rule}: it has no {name}; it is of another network")
        found = tuple(self._shapes[name])
        if found != shape:
            raise RunError(f"{rule}: {name} must have the shape {list(shape)}, got {list(found)}")
        if self._types[name] != tf.float32 or 4 * math.prod(found) > MAX_CHECKPOINT_BYTES:
            raise RunError(f"{rule}: {name} must be of float32, got {self._types[name].name}")
        try:
            array = np.asarray(self._reader.get_tensor(name), np.float32)
        except (tf.errors.OpError, ValueError, RuntimeError) as failure:
            raise RunError(f"{rule}: {name} can't be read: {failure}") from failure
        if not np.isfinite(array).all():
            raise RunError(f"{rule}: {name} must be finite, got NaN or infinity; use another file")
        return array


def _variables(layer: Any) -> list[str]:
    """What Slim calls a layer's weights, below the scope of the convolution."""
    if isinstance(layer, keras.layers.BatchNormalization):
        names = [*(("gamma",) if layer.scale else ()), "beta", "moving_mean", "moving_variance"]
        return [f"BatchNorm/{name}" for name in names]
    kernel = "depthwise_weights" if isinstance(layer, keras.layers.DepthwiseConv2D) else "weights"
    return [kernel, *(("biases",) if layer.use_bias else ())]
