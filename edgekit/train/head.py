"""A linear head, solved exactly: class-balanced ridge regression on standardised features. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.runtime.voting import softmax
from edgekit.train.feed import class_weights

# Relative to the mean variance of the features; the validation photos choose.
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
_SCALES = np.logspace(-0.5, 2, 51)
# Pooled ReLU6 features below this deviation are of the order of their own int8 steps (6/255 before pooling).
# Standardised by less they would drown the head in rounding.
_DEVIATION_FLOOR = 0.1
_PHOTOS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of photos and their classes: (photos, crops, channels) float32 and (photos,) class indices."""

    features: Float32Array
    targets: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """A linear head for raw features.

    Attributes:
        kernel: (channels, classes).
        bias: (classes,).
        mean: (channels,) of the training features.
        penalty: The one with the smallest validation loss.
        losses: Validation loss of each penalty: the log loss of the vote over crops, classes weighing the same.
        accuracies: Balanced accuracy of each penalty on the validation photos.
    """

    kernel: Float32Array
    bias: Float32Array
    mean: Float32Array
    penalty: float
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]

    def logits(self, features: Float32Array) -> Float32Array:
        """Logits of features: (…, channels) → (…, classes)."""
        return np.asarray(features @ self.kernel + self.bias)


def solve_head(
    train: FeatureSet, validation: FeatureSet, classes: int, *, penalties: Sequence[float] = PENALTIES
) -> Head:
    """Solve the head for every penalty and keep the one that validation photos like best.

    Ridge regression on one-hot targets has a closed form, so there is nothing to stop early and no seed. Its outputs
    are scaled to log-odds on the validation photos.

    Args:
        train: Fixed and random crops of training photos.
        validation: Crops of validation photos as inference takes them.
        classes: Number of classes.
        penalties: Penalties to try, relative to the mean variance of the features.
    """
    channels = train.features.shape[2]
    mean, deviation, moments, answers, share = _moments(train, classes)
    ridge = float(np.trace(moments)) / channels
    candidates = []
    for penalty in penalties:
        solved = np.linalg.solve(moments + penalty * ridge * np.eye(channels, dtype=np.float32), answers)
        kernel = (solved / deviation[:, np.newaxis]).astype(np.float32)
        bias = (share - 1 / classes - mean @ kernel).astype(np.float32)
        candidates.append(_scaled(kernel, bias, validation))
    losses = tuple(one.loss for one in candidates)
    best = int(np.argmin(losses))
    return Head(
        kernel=candidates[best].kernel,
        bias=candidates[best].bias,
        mean=mean,
        penalty=penalties[best],
        losses=losses,
        accuracies=tuple(one.accuracy for one in candidates),
    )


class _Moments(NamedTuple):
    mean: Float32Array
    deviation: Float32Array
    moments: Float32Array
    answers: Float32Array
    share: Float32Array


def _moments(train: FeatureSet, classes: int) -> _Moments:
    """Class-balanced mean and deviation of the features, and what ridge regression needs of the standardised ones.

    Added up a few photos at a time: the table of all crops is large enough once.
    """
    photos, crops, channels = train.features.shape
    weights = class_weights(train.targets, classes).astype(np.float64)[train.targets]
    weights /= weights.sum() * crops
    onehot = np.eye(classes)[train.targets]
    share = crops * (weights @ onehot)
    parts = [slice(start, start + _PHOTOS_AT_ONCE) for start in range(0, photos, _PHOTOS_AT_ONCE)]
    mean = np.zeros(channels)
    for part in parts:
        mean += weights[part] @ train.features[part].sum(axis=1, dtype=np.float64)
    products, answers = np.zeros((channels, channels)), np.zeros((channels, classes))
    for part in parts:
        centred = (train.features[part] - mean.astype(np.float32)).reshape(-1, channels)
        weighted = centred * np.repeat(weights[part], crops).astype(np.float32)[:, np.newaxis]
        products += weighted.T @ centred
        answers += weighted.T @ np.repeat(onehot[part] - share, crops, axis=0).astype(np.float32)
    deviation = np.sqrt(np.diag(products) + _DEVIATION_FLOOR**2)
    return _Moments(
        *(
            one.astype(np.float32)
            for one in (
                mean,
                deviation,
                products / (deviation[:, np.newaxis] * deviation),
                answers / deviation[:, np.newaxis],
                share,
            )
        )
    )


class _Scaled(NamedTuple):
    kernel: Float32Array
    bias: Float32Array
    loss: float
    accuracy: float


def _scaled(kernel: Float32Array, bias: Float32Array, validation: FeatureSet) -> _Scaled:
    """The kernel and bias with the scale that has the smallest validation loss."""
    # The vote is the mean of log-probabilities; before normalisation that is the mean of the logits.
    logits = np.asarray(validation.features @ kernel + bias, dtype=np.float64).mean(axis=1)
    scale, loss = best_scale(logits, validation.targets)
    right = logits.argmax(axis=1) == validation.targets
    accuracy = float(np.mean([right[validation.targets == index].mean() for index in np.unique(validation.targets)]))
    return _Scaled(kernel * np.float32(scale), bias * np.float32(scale), loss, accuracy)


def best_scale(logits: Float64Array, targets: Int64Array) -> tuple[float, float]:
    """The factor of logits with the smallest log loss, classes weighing the same, and that loss.

    Args:
        logits: (photos, classes).
        targets: (photos,) class indices.
    """
    losses = [balanced_log_loss(softmax(scale * logits), targets) for scale in _SCALES]
    best = int(np.argmin(losses))
    return float(_SCALES[best]), losses[best]
