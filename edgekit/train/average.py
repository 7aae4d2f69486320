"""An average of a network's weights over steps, which is validated and kept in place of the weights themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.errors import RunError
from edgekit.train.keras2 import keras, tf


class Average(keras.callbacks.Callback):  # type: ignore[misc]
    """An exponential moving average of what a network trains (Polyak and Juditsky 1992, as TensorFlow has it).

    What it holds of its own at step n is ``min(decay, (1 + n) / (10 + n))``. Statistics of batches are averages
    already, and stay as they are.

    Args:
        network: A compiled network; the average begins with its weights.
        decay: The most that is kept at each step; 0: the average is the weights, and nothing is done.
    """

    def __init__(self, network: keras.Model, decay: float) -> None:
        super().__init__()
        self._weights = list(network.trainable_weights) if decay else []
        self._averages = [tf.Variable(weight, trainable=False) for weight in self._weights]

        def update(step: Any) -> None:
            kept = tf.minimum(tf.constant(decay, tf.float32), (1 + step) / (10 + step))
            for weight, average in zip(self._weights, self._averages, strict=True):
                average.assign(kept * average + (1 - kept) * weight)

        self._update = tf.function(update)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras names them)
        """Take the weights that the step has made into the average."""
        if self._weights:
            self._update(tf.cast(self.model.optimizer.iterations, tf.float32))

    def swap(self) -> None:
        """Put the average into the network and the network's weights into its place, or back again."""
        for weight, average in zip(self._weights, self._averages, strict=True):
            held = weight.numpy()
            weight.assign(average)
            average.assign(held)

    def held(self) -> Float32Array:
        """(values,) what lies in the average's place, one weight after another: while swapped, the weights."""
        return np.concatenate([np.empty(0, np.float32), *(one.numpy().ravel() for one in self._averages)])

    def start_from(self, weights: Float32Array) -> None:
        """Set what the network trains to values as ``held`` had them; the average stays.

        Raises:
            RunError: they are of another network.
        """
        sizes = [int(np.prod(one.shape)) for one in self._weights]
        if sum(sizes) != weights.size:
            raise RunError(
                f"what was averaged must be the {sum(sizes)} values that the network trains, got {weights.size}; use "
                "--overwrite to start again"
            )
        parts = np.split(weights, np.cumsum(sizes)[:-1]) if sizes else []
        for weight, part in zip(self._weights, parts, strict=True):
            weight.assign(part.reshape(weight.shape))
