from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.metrics.abstaining import asked_again, band_report, risk_coverage
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Resampling


def curve(wrong, certainty, **how):
    wrong = np.array(wrong, np.bool_)
    return risk_coverage(wrong, np.array(certainty, np.float64), Resampling.of(None, len(wrong)), band=None, **how)


def test_the_curve_written_out():
    found = curve([False, True, False, True], [9, 5, 7, 1])
    assert found.certainty == (9, 7, 5, 1)
    assert found.coverage == (0.25, 0.5, 0.75, 1)
    assert found.risk == (0, 0, pytest.approx(1 / 3), 0.5)
    assert found.aurc.value == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert found.aurc_by_chance == 0.5
    assert found.aurc_at_best == found.aurc.value


def test_photos_of_one_certainty_are_answered_together():
    found = curve([True, False, False], [1, 1, 1])
    assert (found.coverage, found.risk) == ((1,), (pytest.approx(1 / 3),))
    assert found.aurc.value == pytest.approx(1 / 3)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40), st.randoms())
def test_the_order_of_photos_does_not_matter_and_the_best_is_best(photos, random):
    shuffled = photos.copy()
    random.shuffle(shuffled)
    found, again = (curve([w for w, _ in some], [c for _, c in some]) for some in (photos, shuffled))
    assert found.aurc.value == pytest.approx(again.aurc.value)
    assert found.risk == pytest.approx(again.risk)
    assert found.risk[-1] == pytest.approx(np.mean([w for w, _ in photos]))
    assert found.aurc_at_best <= found.aurc.value + 1e-12


def test_many_photos_give_a_bounded_curve_with_both_ends():
    rng = np.random.default_rng(0)
    found = curve(rng.random(5000) < 0.1, rng.random(5000))
    assert len(found.coverage) <= 512 < found.points == 5000
    assert (found.coverage[0], found.coverage[-1]) == (1 / 5000, 1)
    assert found.aurc.low <= found.aurc.value <= found.aurc.high


def test_a_band_written_out():
    wrong, abstained = np.array([True, False, False, True, False]), np.array([True, True, False, False, False])
    found = band_report(wrong, abstained, Resampling.of(None, 5), abstain=(0.4, 0.6), floor=None)
    assert (found.abstained.errors, found.abstained.n) == (2, 5)
    assert (found.wrong.errors, found.wrong.n) == (1, 3)
    assert (found.wrong_of_abstained.errors, found.wrong_of_abstained.n) == (1, 2)


def test_a_contract_that_always_answers_has_no_band():
    nobody = np.zeros(3, np.bool_)
    assert band_report(nobody, nobody, Resampling.of(None, 3), abstain=None, floor=None) is None


def test_a_band_that_answers_nothing_has_no_rate_among_the_answered():
    found = band_report(np.array([True]), np.array([True]), Resampling.of(None, 1), abstain=(0.0, 1.0), floor=None)
    assert found.wrong is None


class TestAskedAgain:
    def judged(self, truth, predicted, groups=()):
        n = len(truth)
        return Judged(
            paths=tuple(map(str, range(n))),
            labels=("genuine", "recapture"),
            bona_fide="genuine",
            truth=np.array(truth),
            predicted=np.array(predicted),
            probabilities=np.full((n, 2), 0.5),
            certainty=np.ones(n),
            abstained=np.zeros(n, np.bool_),
            columns={"group": groups} if groups else {},
        )

    def test_written_out(self):
        judged = self.judged([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 0, 0], ["a", "b"] * 4)
        asked = [np.array([0, 0, 0, 1, 0, 0, 0, 1], bool), np.zeros(8, bool)]
        one, none = asked_again(judged, asked, [0.2, 0.1])
        assert (one.wanted, one.asked, none.asked) == (0.2, 0.25, 0)
        assert one.balanced_accuracy.value == pytest.approx((1 + 2 / 3) / 2)
        assert one.balanced_accuracy_of_asked == 0
        assert none.balanced_accuracy.value == pytest.approx((3 / 4 + 1 / 2) / 2)
        assert none.balanced_accuracy_of_asked is None
        assert one.balanced_accuracy.low <= one.balanced_accuracy.value <= one.balanced_accuracy.high

    def test_a_share_that_leaves_a_class_without_photos_is_left_out(self):
        judged = self.judged([0, 0, 1, 1], [0, 0, 1, 1])
        assert asked_again(judged, [np.array([1, 1, 0, 0], bool)], [0.5]) == ()
