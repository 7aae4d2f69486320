"""Weights rounded to int8 so that a layer's output changes least, not each weight by itself. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float64Array

# Symmetric int8 without -128, as TFLite quantises weights.
_LARGEST = 127
_SWEEPS = 5
# Share of the mean variance that is added to each input's: inputs that never moved may move on other photos.
_DAMPING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Means and covariances of a layer's inputs.

    Attributes:
        mean: (groups, inputs).
        covariance: (groups, inputs, inputs).
    """

    mean: Float64Array
    covariance: Float64Array


class MomentSum:
    """Adds up inputs of a layer, a batch at a time.

    Attributes:
        count: Positions so far.
        total: (groups, inputs) float64, their sum; of shape () before the first.
        products: (groups, inputs, inputs) float64, the sum of their products.
    """

    def __init__(self) -> None:
        self.count = 0
        self.total: Float64Array = np.zeros(())
        self.products: Float64Array = np.zeros(())

    def add(self, inputs: NDArray[np.floating]) -> None:
        """Count inputs, (groups, positions, inputs)."""
        # BLAS takes products of many groups only in this order in memory.
        rows = inputs if len(inputs) == 1 else np.ascontiguousarray(inputs.transpose(0, 2, 1)).transpose(0, 2, 1)
        self.count += rows.shape[1]
        self.total = self.total + rows.sum(axis=1, dtype=np.float64)
        # Products in the inputs' own precision, sums of them in double: a call has few positions, and calls are many.
        self.products = self.products + rows.transpose(0, 2, 1) @ rows

    def moments(self) -> Moments:
        """Mean and covariance of what was added."""
        mean = self.total / self.count
        return Moments(mean=mean, covariance=self.products / self.count - mean[:, :, None] * mean[:, None, :])


def round_to_grid(weights: NDArray[np.floating], moments: Moments) -> Float64Array:
    """Round weights to the int8 grid of their output channel, minimising the variance of the output's error.

    Rounding to nearest minimises the error of each weight; its sum over correlated inputs can be large (a high-pass
    kernel whose rounded weights no longer add up to zero lets brightness through). The variance of the output's error
    is ``d' C d`` for rounding errors d and covariance C of the inputs: the objective of AdaRound (Nagel et al. 2020,
    "Up or Down?", eq. 13), descended coordinate by coordinate over integers, from nearest. The mean of the error is not
    counted; a bias takes it (see ``mean_error``).

    Args:
        weights: (groups, inputs, outputs); each output channel's largest magnitude defines its grid.
        moments: Means and covariances of the inputs.

    Returns:
        float64 of the same shape: integers from -127 to 127 times a step per output channel. The largest weight of a
        channel stays, so that whoever quantises these weights again finds the same grid.
    """
    wide = weights.astype(np.float64)
    peak = np.abs(wide).max(axis=1, keepdims=True)
    step = np.where(peak > 0, peak, 1.0) / _LARGEST
    pinned = np.abs(wide) >= peak
    covariance = _damped(moments.covariance)
    levels = np.round(wide / step)
    slope = covariance @ (levels * step - wide)
    for _ in range(_SWEEPS):
        before = levels.copy()
        for index in range(wide.shape[1]):
            # Along one coordinate the objective is a parabola with its minimum here.
            shift = np.round(-slope[:, index] / (covariance[:, index, index, None] * step[:, 0]))
            moved = (levels[:, index] + np.where(pinned[:, index], 0, shift)).clip(-_LARGEST, _LARGEST)
            change = (moved - levels[:, index]) * step[:, 0]
            levels[:, index] = moved
            slope += covariance[:, :, index, None] * change[:, None, :]
        if np.array_equal(levels, before):
            break
    return np.asarray(levels * step)


def mean_error(weights: NDArray[np.floating], rounded: Float64Array, moments: Moments) -> Float64Array:
    """What rounding adds to a layer's mean output, (groups, outputs).

    Subtracting it from the bias is bias correction (Nagel et al. 2019, "Data-free quantization", §4.2).
    """
    return np.asarray(np.einsum("gi,gio->go", moments.mean, rounded - weights))


def _damped(covariance: Float64Array) -> Float64Array:
    inputs = covariance.shape[1]
    variance = np.trace(covariance, axis1=1, axis2=2) / inputs
    # A layer whose inputs never move has no preference; with any positive variance nearest is the minimum.
    extra = np.where(variance > 0, _DAMPING * variance, 1.0)
    return covariance + extra[:, None, None] * np.eye(inputs)
