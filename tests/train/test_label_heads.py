from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from fixtures.several import TRAINED

from edgekit.progress import SILENT
from edgekit.runtime.voting import softmax
from edgekit.train.head import FeatureSet
from edgekit.train.label_heads import solve_labels, told_of_labels
from edgekit.train.solve import label_solver

LABELS = ("a", "b", "c")


@pytest.fixture
def marks():
    return (np.random.default_rng(5).random((60, 3)) < (0.5, 0.3, 0.2)).astype(np.int64)


@pytest.fixture
def train(marks):
    """Three crops of 60 photos with 12 features, a few of which tell each label."""
    rng = np.random.default_rng(6)
    features = rng.normal(0, 1, (60, 3, 12)) + (marks @ rng.normal(0, 1.2, (3, 12)))[:, np.newaxis]
    folds = np.arange(60) % 4
    return FeatureSet(features=features.astype(np.float32), targets=marks, folds=folds, plan_crops=2)


@pytest.mark.parametrize(("kind", "photos"), [("ridge", 60), ("ridge", 60_000), ("logistic", 60)])
def test_each_label_is_solved_as_a_head_of_two_classes(train, marks, kind, photos):
    solve = label_solver(replace(TRAINED, head=kind), photos)
    head, penalties = solve_labels(train, marks, solve, None, SILENT)
    assert head.layers.kernels.shape == (1, 12, 3)
    assert head.choice.out_of_fold.shape == (60, 2, 3)
    assert len(penalties) == 3
    alone = solve(replace(train, targets=marks[:, 1]), 2)
    assert penalties[1] == alone.choice.value
    odds = head.layers.logits(train.fixed)[..., 1]
    of_two = softmax(alone.layers.logits(train.fixed).astype(np.float64))
    np.testing.assert_allclose(odds, np.log(of_two[..., 1] / of_two[..., 0]), rtol=1e-3, atol=1e-3)
    assert head.choice.losses[head.choice.best] == min(head.choice.losses) < np.log(2)


def test_groups_weigh_the_same_where_they_are_to(train, marks):
    solve = label_solver(TRAINED, 60)
    groups = ["large" if number % 3 else f"small{number}" for number in range(60)]
    plain, _ = solve_labels(train, marks, solve, None, SILENT)
    weighed, _ = solve_labels(train, marks, solve, groups, SILENT)
    assert np.abs(plain.layers.kernels - weighed.layers.kernels).max() > 1e-3


def test_what_is_told_of_labels(marks):
    votes = np.where(marks > 0, 0.8, 0.3)
    told = told_of_labels(LABELS, marks, votes, (0.1, 0.3, 1.0))
    assert [one.label for one in told] == list(LABELS)
    assert [one.photos for one in told] == marks.sum(axis=0).tolist()
    assert [one.average_precision for one in told] == [1.0] * 3
    assert all(0.3 < one.threshold < 0.8 for one in told)
    assert [one.penalty for one in told] == [0.1, 0.3, 1.0]
