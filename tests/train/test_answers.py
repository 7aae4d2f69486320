from __future__ import annotations

import numpy as np
import pytest

from edgekit.contract import Contract
from edgekit.runtime.voting import sigmoid, softmax, vote_all
from edgekit.train.answers import vote_logits, votes_accuracy, votes_loss

LOGITS = np.random.default_rng(0).normal(0, 2, (5, 3, 2))
ONE, SEVERAL = np.array([0, 1, 1, 0, 1]), np.array([[0, 1], [1, 1], [1, 0], [0, 0], [1, 1]])


def contract(several):
    made = Contract(name="m", labels=("a", "b"), side_px=32, precision="int8", model_sha256="0" * 64)
    return made.with_multi_label((0.5, 0.5)) if several else made


@pytest.mark.parametrize("several", [False, True])
def test_logits_are_voted_on_as_by_a_new_contract(several):
    scores = (sigmoid if several else softmax)(LOGITS)
    found = vote_logits(LOGITS, SEVERAL if several else ONE)
    np.testing.assert_allclose(found, vote_all(scores, contract(several)).probabilities, rtol=1e-9)


def test_the_loss_of_several_labels_is_the_mean_of_two_classes_each():
    votes = vote_logits(LOGITS, SEVERAL)
    each = [votes_loss(np.stack([1 - said, said], axis=1), has) for said, has in zip(votes.T, SEVERAL.T, strict=True)]
    assert votes_loss(votes, SEVERAL) == pytest.approx(np.mean(each))


def test_the_accuracy_is_that_of_both_sides():
    votes = np.array([[0.9, 0.1], [0.9, 0.9], [0.1, 0.1], [0.1, 0.1], [0.9, 0.9]])
    # Of the first label one of three is missed and one of two is wrong; of the second none.
    assert votes_accuracy(votes, SEVERAL) == pytest.approx(((2 / 3 + 1 / 2) / 2 + (2 / 3 + 1) / 2) / 2)
    assert votes_accuracy(np.stack([1 - votes[:, 0], votes[:, 0]], axis=1), ONE) == pytest.approx((1 / 2 + 2 / 3) / 2)
