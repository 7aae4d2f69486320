import numpy as np
import pytest

from edgekit.train.head import FeatureSet, HeadChoice, HeadLayers, TopLayer, group_weights


def test_groups_count_once_in_each_class_and_small_ones_for_less():
    groups, targets = ["a"] * 8 + ["b"] * 12 + ["c"] * 3, np.array([0] * 8 + [0] * 10 + [1] * 2 + [1] * 3)
    weights = group_weights(groups, targets)
    totals = [weights[rows].sum() for rows in (slice(0, 8), slice(8, 18), slice(18, 20), slice(20, 23))]
    np.testing.assert_allclose(totals, [1, 1, 2 / 6, 3 / 6])


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 3.0, 1.0, 1.0])], ids=["photos", "weights"])
def test_shares_sum_to_one_and_classes_weigh_the_same(weights):
    targets = np.array([0, 0, 0, 2, 2])
    of = FeatureSet(
        features=np.zeros((5, 1, 1), np.float32), targets=targets, folds=targets, plan_crops=1, weights=weights
    )
    for seen in (np.ones(5, bool), np.array([True, True, False, True, False])):
        shares = of.shares(seen)
        np.testing.assert_allclose([shares[targets[seen] == index].sum() for index in (0, 2)], 0.5)
    if weights is not None:
        assert of.shares(np.ones(5, bool))[1] == pytest.approx(2 * of.shares(np.ones(5, bool))[0])


@pytest.mark.parametrize("top", [None, TopLayer(np.ones((3, 2), np.float32), np.ones(2, np.float32))])
def test_logits_of_scaled_layers_are_so_many_times_as_large(top):
    rng = np.random.default_rng(0)
    kernels, biases, means = (rng.normal(size=size).astype(np.float32) for size in ((1, 4, 3), (1, 3), (1, 4)))
    layers = HeadLayers(kernels=kernels, biases=biases, means=means, top=top)
    crops = rng.normal(size=(5, 2, 4)).astype(np.float32)
    np.testing.assert_allclose(layers.scaled(3).logits(crops), 3 * layers.logits(crops), rtol=1e-4, atol=1e-5)
    hidden = crops @ kernels[0] + biases[0]
    expected = hidden if top is None else np.maximum(hidden, 0).sum(axis=2, keepdims=True) + np.ones(2)
    np.testing.assert_allclose(layers.logits(crops), expected, rtol=1e-5, atol=1e-5)


def test_the_smallest_loss_is_chosen_and_brought_to_log_odds():
    rng = np.random.default_rng(0)
    targets = np.arange(200) % 2
    right = np.where(targets == 1, 1.0, -1.0)
    said = [right * strength + rng.normal(size=200) for strength in (0.1, 1.0, 0.5)]
    logits = np.stack([np.stack([-one, one], axis=1)[:, np.newaxis] for one in said]).astype(np.float32)
    choice = HeadChoice.by_loss("penalty", (3.0, 2.0, 1.0), 0.1 * logits, targets)
    assert (choice.best, choice.value, choice.of) == (1, 2.0, "penalty")
    np.testing.assert_allclose(choice.out_of_fold, 0.1 * logits[1] * choice.scale, rtol=1e-6)
    # Scores of +-1 with a deviation of one have log-odds of twice the score, which is the difference of both logits.
    assert choice.scale == pytest.approx(10, rel=0.3)
    assert choice.losses[1] < choice.losses[2] < choice.losses[0]
