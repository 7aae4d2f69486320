from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.train.head import FeatureSet
from edgekit.train.mlp import solve_mlp
from edgekit.train.options import HIDDEN_UNITS
from edgekit.train.ridge import solve_ridge

pytestmark = [pytest.mark.host, pytest.mark.slow]


def ring(seed, count=120, crops=5):
    """Two classes that no line tells apart: one inside, one around it."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, (count, crops)), 1 + 2 * targets[:, np.newaxis]
    features = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
    features = 5 + 3 * (features + 0.2 * rng.normal(size=features.shape))
    return FeatureSet(
        features=features.astype(np.float32), targets=targets, folds=np.arange(count) // 2 % 3, plan_crops=4
    )


def right(head, of):
    return float((head.layers.logits(of.fixed).mean(axis=1).argmax(axis=1) == of.targets).mean())


def test_it_bends_where_a_line_does_not():
    train, other = ring(0), ring(1)
    head = solve_mlp(train, 2, epochs=(8, 24))
    assert right(head, other) > 0.95
    assert right(solve_ridge(train, 2), other) < 0.8
    assert head.choice.of == "epochs"
    assert head.choice.value in (8, 24)
    assert max(head.choice.accuracies) > 0.9


def test_shapes_and_seeds():
    train = replace(ring(0, count=60), targets=np.arange(60) % 3)
    one, same, other = (solve_mlp(train, 3, seed=seed, epochs=(1, 2)) for seed in (0, 0, 1))
    assert one.layers.kernels.shape == (1, 2, HIDDEN_UNITS)
    assert one.layers.top.kernel.shape == (HIDDEN_UNITS, 3)
    assert one.choice.out_of_fold.shape == (60, 4, 3)
    np.testing.assert_array_equal(one.layers.kernels, same.layers.kernels)
    assert not np.allclose(one.layers.kernels, other.layers.kernels)


def test_photos_of_more_weight_are_believed():
    """Each photo says one thing, and its double, which weighs ten times as much, the opposite."""
    rng = np.random.default_rng(0)
    once = rng.normal(size=(60, 1, 2)).astype(np.float32)
    features, called = np.concatenate([once, once]), (once[:, 0, 0] > 0).astype(np.int64)
    targets = np.concatenate([called, 1 - called])
    weights = np.repeat([10.0, 1.0], 60)
    train = FeatureSet(features=features, targets=targets, folds=np.arange(120) % 60 % 3, plan_crops=1, weights=weights)
    logits = solve_mlp(train, 2, epochs=(16,)).layers.logits(once).mean(axis=1)
    assert (logits.argmax(axis=1) == called).mean() > 0.9
