"""The loss that choices on validation photos go by."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.metrics.reliability import balanced_log_loss


@pytest.mark.parametrize(
    ("probabilities", "targets", "expected"),
    [
        pytest.param([[0.5, 0.5]], [0], np.log(2), id="no-idea"),
        pytest.param([[0.5, 0.5], [0.5, 0.5], [0, 1]], [0, 0, 1], np.log(2) / 2, id="classes-count-the-same"),
        pytest.param([[1, 0]], [1], -np.log(1e-7), id="a-blunder-is-bounded"),
        pytest.param([[1 / 3, 1 / 3, 1 / 3]], [2], np.log(3), id="absent-classes-do-not-count"),
    ],
)
def test_balanced_log_loss(probabilities, targets, expected):
    assert balanced_log_loss(np.array(probabilities, dtype=np.float64), np.array(targets)) == pytest.approx(expected)
