"""What makes a step: an optimizer, whose head may learn faster than its backbone, and the rate of each step."""

from __future__ import annotations

import math
from typing import Any

from edgekit.train.keras2 import keras
from edgekit.train.network import is_of_head
from edgekit.train.options import FitConfig

MOMENTUM = 0.9


class _TwoRates:
    """Mixed into an optimizer, it multiplies the rate of some variables.

    Scaling their gradients would change nothing: Adam and RMSprop divide by the gradients' size.
    """

    faster: frozenset[Any] = frozenset()
    multiple = 1.0

    # Keras looks for the last parameter by its name.
    def _resource_apply_dense(self, grad: Any, var: Any, apply_state: Any = None) -> Any:
        if apply_state and var.ref() in self.faster:
            apply_state = {
                place: {**numbers, "lr_t": numbers["lr_t"] * self.multiple} for place, numbers in apply_state.items()
            }
        return super()._resource_apply_dense(grad, var, apply_state)  # type: ignore[misc]


class _Adam(_TwoRates, keras.optimizers.legacy.Adam):  # type: ignore[misc]
    pass


class _RMSprop(_TwoRates, keras.optimizers.legacy.RMSprop):  # type: ignore[misc]
    pass


class _SGD(_TwoRates, keras.optimizers.legacy.SGD):  # type: ignore[misc]
    pass


def make_optimizer(network: keras.Model, config: FitConfig, rate: float) -> Any:
    """An optimizer for a network: its backbone learns at a rate, its head at a multiple of it.

    Args:
        network: The network that is going to be compiled with it.
        config: Which optimizer, and the multiple.
        rate: The backbone's rate.
    """
    optimizer: Any
    if config.optimizer == "adam":
        optimizer = _Adam(rate)
    elif config.optimizer == "rmsprop":
        optimizer = _RMSprop(rate)
    else:
        optimizer = _SGD(rate, momentum=MOMENTUM)
    head = (weight for layer in network.layers if is_of_head(layer.name) for weight in layer.trainable_weights)
    optimizer.faster = frozenset(weight.ref() for weight in head)
    optimizer.multiple = config.head_rate
    return optimizer


def cosine_rate(config: FitConfig, step: int, steps_per_epoch: int) -> float:
    """The rate of a step, counted from 0, of a ``cosine`` schedule.

    A line from 0, which no step has, to ``learning_rate`` over the warm-up, then half a cosine down to ``least_rate``
    (Loshchilov and Hutter 2016, "SGDR", equation 5, without restarts).
    """
    rising, steps = config.warmup_epochs * steps_per_epoch, config.epochs * steps_per_epoch
    if step < rising:
        return config.learning_rate * (step + 1) / (rising + 1)
    done = (step - rising) / max(1, steps - rising)
    falling = (1 + math.cos(math.pi * min(done, 1.0))) / 2
    return config.end_rate + (config.learning_rate - config.end_rate) * falling


class CosineRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets each step's rate; it depends on the step's number alone, so that a fit that was stopped goes on exactly."""

    def __init__(self, config: FitConfig, steps_per_epoch: int) -> None:
        super().__init__()
        self.config, self.steps_per_epoch = config, steps_per_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras names them)
        """Take note of the epoch."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Set the rate of the step that comes."""
        rate = cosine_rate(self.config, self._epoch * self.steps_per_epoch + batch, self.steps_per_epoch)
        keras.backend.set_value(self.model.optimizer.learning_rate, rate)
