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
from edgekit.train.photo_heads import solve_logistic, solve_scale_ridge
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


def head_weights(dataset: Dataset, split: Split, config: TrainConfig) -> Float64Array | None:
    """(photos,) what each training photo counts for among those of its class; None where all count the same."""
    if config.weigh == "photos":
        return None
    samples = split.samples(dataset, "train")
    classes = np.array([dataset.labels.index(sample.label) for sample in samples])
    return group_weights([sample.group or sample.path for sample in samples], classes)
