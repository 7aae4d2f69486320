"""The cheats' folds and scores."""

from __future__ import annotations

import numpy as np

from edgekit.audit.models import held_out_scores, labels_matter, linear_scores, make_folds

Y = np.arange(48) % 2
UNIT = np.arange(48) // 8


def test_every_photo_is_scored_once_and_never_with_its_group():
    folds = make_folds(Y, UNIT, 5, 0)
    assert sorted(np.concatenate([score for _, score in folds]).tolist()) == list(range(48))
    assert all(not set(UNIT[fit]) & set(UNIT[score]) for fit, score in folds)


def test_labels_decide_folds_only_where_a_group_has_one_class():
    assert not labels_matter(Y, UNIT)
    assert labels_matter(UNIT % 2, UNIT)
    assert labels_matter(Y, None)


def test_both_cheats_find_what_tells_and_many_labellings_give_what_one_does():
    x = np.stack([Y + 0.1 * np.sin(np.arange(48)), np.cos(np.arange(48))], axis=1)
    folds = make_folds(Y, UNIT, 5, 0)
    for cheat in ("tree", "linear"):
        assert (held_out_scores(x, Y, folds, cheat).argmax(axis=1) == Y).all()
    both = linear_scores(x, np.stack([Y, 1 - Y]), folds)
    np.testing.assert_allclose(both[0], held_out_scores(x, Y, folds, "linear"))
