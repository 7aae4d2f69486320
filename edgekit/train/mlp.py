"""A head with a hidden layer, trained by Keras on cached features; photos that folds leave out choose for how long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.train.head import DEVIATION_FLOOR, FeatureSet, Head, HeadChoice, HeadLayers, TopLayer
from edgekit.train.keras2 import keras
from edgekit.train.options import HIDDEN_UNITS

# Numbers of epochs; photos that a fold leaves out choose.
EPOCHS = (2, 4, 8, 16, 32)
_DROPOUT = 0.3
_LEARNING_RATE = 1e-3
_BATCH = 64
# An epoch sees so many crops of each photo, drawn anew each time.
_CROPS_PER_EPOCH = 4
_PHOTOS_AT_ONCE = 64


def solve_mlp(train: FeatureSet, classes: int, *, seed: int = 0, epochs: Sequence[int] = EPOCHS) -> Head:
    """Train on all photos, for as many epochs as are best for photos that a head has not seen.

    Dense, ReLU, dropout (Srivastava et al. 2014), dense, by Adam on the log loss of crops, classes weighing the same.
    Each fold is judged, after each number of epochs, by a head that was trained on the others.

    Args:
        train: Fixed and random crops of the training photos.
        classes: Number of classes.
        seed: Of first weights, crops and dropout.
        epochs: Numbers of epochs to try, in rising order.
    """
    logits = np.empty((len(epochs), *train.fixed.shape[:2], classes), np.float32)
    for fold in np.unique(train.folds):
        held_out = train.folds == fold
        growing = _Growing(train, np.flatnonzero(~held_out), classes, seed)
        for number, wanted in enumerate(epochs):
            logits[number, held_out] = growing.after(wanted).logits(train.fixed[held_out])
    choice = HeadChoice.by_loss("epochs", epochs, logits, train.targets)
    whole = _Growing(train, np.arange(len(train.targets)), classes, seed)
    return Head(layers=whole.after(int(choice.value)).scaled(choice.scale), choice=choice)


class _Growing:
    """A head of some photos, that is trained epoch by epoch."""

    def __init__(self, train: FeatureSet, rows: Int64Array, classes: int, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.train, self.rows, self.epochs = train, rows, 0
        self.rng = np.random.default_rng(seed)
        share = train.shares(rows)
        # A mean weight of one keeps the size of Adam's steps.
        self.weights = (share * len(rows)).astype(np.float32)
        self.mean, self.deviation = _standard(train.features, rows, share)
        self.model = keras.Sequential(
            [
                keras.layers.Input(train.features.shape[2:]),
                keras.layers.Dense(HIDDEN_UNITS, activation="relu"),
                keras.layers.Dropout(_DROPOUT),
                keras.layers.Dense(classes),
            ]
        )
        self.model.compile(
            keras.optimizers.Adam(_LEARNING_RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )

    def after(self, epochs: int) -> HeadLayers:
        """The head for raw features after so many epochs, at least as many as before."""
        while self.epochs < epochs:
            self._epoch()
        kernel, bias, *top = self.model.get_weights()
        kernel = kernel / self.deviation[:, np.newaxis]
        return HeadLayers(
            kernels=kernel[np.newaxis],
            biases=(bias - self.mean @ kernel)[np.newaxis],
            means=self.mean[np.newaxis],
            top=TopLayer(*top),
        )

    def _epoch(self) -> None:
        crops = self.train.features.shape[1]
        draws = min(_CROPS_PER_EPOCH, crops)
        # Without replacement within a photo.
        drawn = self.rng.permuted(np.tile(np.arange(crops), (len(self.rows), 1)), axis=1)[:, :draws]
        places = np.stack([np.repeat(np.arange(len(self.rows)), draws), drawn.ravel()], axis=1)
        self.rng.shuffle(places)
        for start in range(0, len(places), _BATCH):
            photos, of_crops = places[start : start + _BATCH].T
            rows = self.rows[photos]
            seen = (self.train.features[rows, of_crops] - self.mean) / self.deviation
            self.model.train_on_batch(seen, self.train.targets[rows], sample_weight=self.weights[photos])
        self.epochs += 1


def _standard(features: Float32Array, rows: Int64Array, share: Float64Array) -> tuple[Float32Array, Float32Array]:
    """(channels,) mean and deviation over the crops of photos; a few photos at a time, as their table is large."""
    parts = [slice(start, start + _PHOTOS_AT_ONCE) for start in range(0, len(rows), _PHOTOS_AT_ONCE)]
    mean = sum(share[part] @ features[rows[part]].mean(axis=1, dtype=np.float64) for part in parts)
    square = sum(share[part] @ ((features[rows[part]] - mean) ** 2).mean(axis=1) for part in parts)
    return np.asarray(mean, np.float32), np.asarray(np.sqrt(square + DEVIATION_FLOOR**2), np.float32)
