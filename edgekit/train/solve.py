"""Which way of solving a head a configuration means, and what each photo counts for in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from edgekit.arrays import Float32Array, Float64Array
from edgekit.data.dataset import Dataset
from edgekit.data.splits import Split
from edgekit.train.head import FeatureSet, Head, group_weights
from edgekit.train.mlp import solve_mlp
from edgekit.train.options import HeadKind, TrainConfig
from edgekit.train.photo_heads import LABEL_PENALTIES, MAX_SOLVED_PHOTOS, solve_logistic, solve_scale_ridge
from edgekit.train.ridge import solve_ridge
from edgekit.train.start_from import solve_from


def solve_head(train: FeatureSet, classes: int, config: TrainConfig, start: Float32Array | None) -> Head:
    """Solve the head that a configuration asks for.

    Args:
        train: Crops of the training photos; with numbers of heads where scales have their own.
        classes: Number of classes.
        config: The kind of head, and the seed of what is drawn.
        start: (heads, channels, classes) kernels that it begins from; None from nothing.
    """
    if start is not None:
        return solve_from(train, start)
    solvers: dict[HeadKind, Callable[[FeatureSet, int], Head]] = {
        "ridge": solve_ridge if train.scales is None else solve_scale_ridge,
        "logistic": solve_logistic,
        "mlp": partial(solve_mlp, seed=config.seed),
    }
    return solvers[config.head](train, classes)


def label_solver(config: TrainConfig, photos: int) -> Callable[[FeatureSet, int], Head]:
    """What solves the head of one label, where a photo may have several: by photos, as that many heads are solved.

    For a head of all crops that is as good (the mean of a linear head's logits is its logit of the mean), and takes a
    hundredth of the time; of very many photos crops are cheaper.

    Args:
        config: The kind of head, ``ridge`` or ``logistic``.
        photos: How many train.
    """
    if config.head == "logistic":
        return solve_logistic
    return partial(solve_scale_ridge, penalties=LABEL_PENALTIES) if photos <= MAX_SOLVED_PHOTOS else solve_ridge


def head_weights(dataset: Dataset, split: Split, config: TrainConfig) -> Float64Array | None:
    """(photos,) what each training photo counts for among those of its class; None where all count the same."""
    if config.weigh == "photos":
        return None
    samples = split.samples(dataset, "train")
    classes = np.array([dataset.labels.index(sample.label) for sample in samples])
    return group_weights([sample.group or sample.path for sample in samples], classes)
