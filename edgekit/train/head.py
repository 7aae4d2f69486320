"""What a head is that was solved on cached features, and how photos that it has not seen choose it. No TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.runtime.voting import softmax

_SCALES = np.logspace(-0.5, 2, 51)
# Pooled ReLU6 features below this deviation are of the order of their own int8 steps (6/255 before pooling).
# Standardised by less they would drown the head in rounding.
DEVIATION_FLOOR = 0.1
# A group of fewer photos weighs less than one: what it shows of its author is little.
_FULL_GROUP = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of photos, and what is known of them.

    Attributes:
        features: (photos, crops, channels) float32: the plan's crops first, then random ones.
        targets: (photos,) class indices; every class is there.
        folds: (photos,) numbers from 0: related photos have the same one, and without any fold every class is there.
        plan_crops: Number of the plan's crops, which inference takes.
        scales: (plan_crops,) the number of each crop's head, from 0, where scales have heads of their own; then there
            are no random crops. None: one head.
        weights: (photos,) what each counts for among those of its class; None: all the same.
    """

    features: Float32Array
    targets: Int64Array
    folds: Int64Array
    plan_crops: int
    scales: Int64Array | None = None
    weights: Float64Array | None = None

    @property
    def fixed(self) -> Float32Array:
        """Features of the plan's crops: (photos, plan_crops, channels)."""
        return self.features[:, : self.plan_crops]

    @property
    def counted(self) -> Float64Array:
        """(photos,) the weights, ones where there are none."""
        return np.ones(len(self.targets)) if self.weights is None else self.weights

    def shares(self, seen: np.ndarray) -> Float64Array:
        """(photos that are seen,) weights that sum to one, classes weighing the same."""
        targets, counted = self.targets[seen], self.counted[seen]
        totals = np.bincount(targets, weights=counted)
        return np.asarray(counted / (totals[targets] * (totals > 0).sum()))


def group_weights(groups: Sequence[str], targets: Int64Array) -> Float64Array:
    """(photos,) weights by which each group counts once in each class, and one of few photos for less.

    Args:
        groups: Group of each photo.
        targets: (photos,) class indices.
    """
    _, unit = np.unique(groups, return_inverse=True)
    _, cell, sizes = np.unique(unit * (targets.max() + 1) + targets, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / np.maximum(sizes, _FULL_GROUP)[cell])


class TopLayer(NamedTuple):
    """What makes logits of hidden units: kernel (units, classes) and bias (classes,)."""

    kernel: Float32Array
    bias: Float32Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadLayers:
    """Layers over raw features: linear, or a hidden one with ReLU below.

    Attributes:
        kernels: (heads, channels, units): classes, or hidden units.
        biases: (heads, units).
        means: (heads, channels) of the training features.
        top: The layer over hidden units; None where the head is linear.
    """

    kernels: Float32Array
    biases: Float32Array
    means: Float32Array
    top: TopLayer | None = None

    def logits(self, features: Float32Array, scales: Int64Array | None = None) -> Float32Array:
        """Logits of crops: (…, crops, channels) → (…, crops, classes).

        Args:
            features: Raw, of any crops where there is one head.
            scales: (crops,) the number of each crop's head; None: the first.
        """
        if scales is None:
            return self._of_head(0, features)
        classes = self.kernels.shape[2] if self.top is None else len(self.top.bias)
        found = np.empty((*features.shape[:-1], classes), np.float32)
        for scale in np.unique(scales):
            own = scales == scale
            found[..., own, :] = self._of_head(scale, features[..., own, :])
        return found

    def _of_head(self, number: int, features: Float32Array) -> Float32Array:
        linear = features @ self.kernels[number] + self.biases[number]
        if self.top is None:
            return np.asarray(linear)
        return np.asarray(np.maximum(linear, 0) @ self.top.kernel + self.top.bias)

    def scaled(self, by: float) -> HeadLayers:
        """With all logits so many times as large."""
        factor = np.float32(by)
        if self.top is None:
            return replace(self, kernels=self.kernels * factor, biases=self.biases * factor)
        return replace(self, top=TopLayer(self.top.kernel * factor, self.top.bias * factor))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadChoice:
    """How photos out of fold chose a head.

    Attributes:
        of: What was chosen.
        values: All that were tried.
        best: Place of the one with the smallest loss.
        losses: Loss of each: the log loss of the vote over crops, out of fold, classes weighing the same.
        accuracies: Balanced accuracy of each, out of fold.
        scale: What makes the best one's logits log-odds.
        out_of_fold: (photos, plan_crops, classes) its logits so scaled, of each photo by a head that has not seen its
            fold.
        shares: How much of the head that it began from each took; empty where it began from none.
    """

    of: Literal["penalty", "epochs"]
    values: tuple[float, ...]
    best: int
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    scale: float
    out_of_fold: Float32Array
    shares: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The one with the smallest loss."""
        return self.values[self.best]

    @classmethod
    def by_loss(
        cls, of: Literal["penalty", "epochs"], values: Sequence[float], logits: Float32Array, targets: Int64Array
    ) -> HeadChoice:
        """Choose by the loss.

        Args:
            of: What is chosen.
            values: What was tried.
            logits: (values, photos, plan_crops, classes) of photos that the heads had not seen, of any scale.
            targets: (photos,) class indices.
        """
        trials = [best_scale(one.mean(axis=1, dtype=np.float64), targets) for one in logits]
        best = int(np.argmin([one.loss for one in trials]))
        return cls(
            of=of,
            values=tuple(values),
            best=best,
            losses=tuple(one.loss for one in trials),
            accuracies=tuple(one.accuracy for one in trials),
            scale=trials[best].scale,
            out_of_fold=logits[best] * np.float32(trials[best].scale),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """A head that was solved on all photos, and how those out of fold chose it."""

    layers: HeadLayers
    choice: HeadChoice


class FoldTrial(NamedTuple):
    """What photos out of fold say of logits: the scale that makes them log-odds, then their loss and accuracy."""

    scale: float
    loss: float
    accuracy: float


def best_scale(logits: Float64Array, targets: Int64Array) -> FoldTrial:
    """The scale with the smallest log loss, classes weighing the same.

    Args:
        logits: (photos, classes), each photo's mean over its crops: the vote is the mean of log-probabilities, and
            before normalisation that is the mean of the logits.
        targets: (photos,) class indices.
    """
    losses = [balanced_log_loss(softmax(scale * logits), targets) for scale in _SCALES]
    best = int(np.argmin(losses))
    right = logits.argmax(axis=1) == targets
    accuracy = float(np.mean([right[targets == index].mean() for index in np.unique(targets)]))
    return FoldTrial(float(_SCALES[best]), losses[best], accuracy)
