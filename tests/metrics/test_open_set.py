import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.metrics.open_set import OpenPhotos, auroc_and_fpr, open_set_of, rejecting_threshold
from edgekit.metrics.wording import open_set_said

KNOWN = np.array([0.1, 0.2, 0.3, 0.9])


@pytest.mark.parametrize(
    ("strange", "auroc", "fpr"),
    [
        pytest.param([0.95, 0.99], 1.0, 0.0, id="all-above"),
        pytest.param([0.05, 0.05], 0.0, 1.0, id="all-below"),
        # Each wins three of four, and 95 % of four known photos are all four.
        pytest.param([0.5, 0.6], 0.75, 1.0, id="between"),
        pytest.param([0.9, 0.9], 0.875, 1.0, id="ties-count-half"),
    ],
)
def test_how_far_scores_stand_apart(strange, auroc, fpr):
    assert auroc_and_fpr(KNOWN, np.array(strange)) == (pytest.approx(auroc), pytest.approx(fpr))


def test_one_known_photo_in_twenty_may_lie_beyond():
    known = np.arange(20) / 100
    assert auroc_and_fpr(known, np.array([0.185, 0.5]))[1] == 0
    assert auroc_and_fpr(known, np.array([0.175, 0.5]))[1] == 0.5


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(DataError, match="finite"):
        auroc_and_fpr(KNOWN, np.array([np.nan]))


@pytest.mark.parametrize(
    ("right", "most", "threshold"),
    [
        pytest.param([1, 1, 1, 1], 0.0, 0.95, id="nothing-may-be-lost"),
        pytest.param([1, 1, 1, 1], 0.25, 0.6, id="one-photo"),
        pytest.param([1, 1, 1, 1], 0.49, 0.6, id="not-quite-two"),
        pytest.param([1, 1, 1, 0], 0.0, 0.6, id="what-is-wrong-costs-nothing"),
        pytest.param([1, 1, 1, 1], 1.0, 0.05, id="all-may-be-lost"),
    ],
)
def test_the_lowest_threshold_that_costs_no_more(right, most, threshold):
    assert rejecting_threshold(KNOWN, np.array(right) / 4, most) == pytest.approx(threshold)


def test_photos_of_one_score_are_rejected_together():
    assert rejecting_threshold(np.array([0.2, 0.8, 0.8]), np.full(3, 1 / 3), 0.5) == pytest.approx(0.9)


def test_a_score_of_one_is_rejected_by_every_threshold():
    scores = np.array([0.2, 0.8, 1.0, 1.0])
    assert rejecting_threshold(scores, np.full(4, 0.25), 0.0) == 1.0
    assert rejecting_threshold(scores, np.full(4, 0.25), 0.5) == pytest.approx(0.9)
    # Wrong ones are lost for nothing.
    assert rejecting_threshold(scores, np.array([0.5, 0.5, 0, 0]), 0.0) == pytest.approx(0.9)


def _photos(*, strange=("dog", "dog", "ufo"), groups=None):
    score = np.array([0.1, 0.2, 0.3, 0.9, 0.2, 0.8, 0.9])[: 4 + len(strange)]
    called = np.array([0, 0, 1, 1, 1, 0, 0])[: len(score)]
    return OpenPhotos(
        labels=("a", "b"), truth=np.array([0, 0, 0, 1]), strange=strange, called=called, score=score, groups=groups
    )


def test_all_numbers_of_a_rule():
    found = open_set_of(_photos(), rule="energy", threshold=0.5, resamples=50)
    assert (found.known, found.unknown, found.rejected.errors, found.accepted.errors) == (4, 3, 1, 1)
    assert [(one.label, one.accepted.errors, one.accepted.n, one.called) for one in found.classes] == [
        ("dog", 1, 2, "b"),
        ("ufo", 0, 1, ""),
    ]
    # Of class a two of three are right; the one of b is, until it is called unknown.
    assert found.closed_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert found.open_accuracy == pytest.approx((2 / 3) / 2)
    assert found.cost.value == pytest.approx(found.closed_accuracy - found.open_accuracy)
    assert found.auroc.low <= found.auroc.value <= found.auroc.high
    assert dict(open_set_said(found))["unknown photos accepted"].endswith("of 3 photos")


def test_intervals_over_groups_are_never_narrower():
    groups = ("one", "one", "two", "two", "three", "three", "four")
    alone, grouped = (open_set_of(_photos(groups=one), rule="energy", threshold=0.5) for one in (None, groups))
    assert grouped.rejected.groups == 2
    assert grouped.auroc.high - grouped.auroc.low >= alone.auroc.high - alone.auroc.low


def test_without_strange_photos_the_cost_alone_is_told():
    found = open_set_of(_photos(strange=()), rule="distance", threshold=0.5, resamples=50)
    assert (found.auroc, found.fpr_at_95, found.accepted, found.classes) == (None, None, None, ())
    assert found.rejected.n == 4
    assert "open-set AUROC" not in dict(open_set_said(found))


def test_nothing_is_said_where_there_is_no_rule():
    assert open_set_said(None) == []
