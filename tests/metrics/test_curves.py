from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import DataError
from edgekit.metrics.attacks import bpcer_at_apcer, equal_error_rate, roc_auc
from edgekit.metrics.curves import APCER_LIMITS, AttackDetail, attack_detail, score_curve
from edgekit.metrics.rates import Resampling
from edgekit.records import from_plain, to_json

EXACT = 1e-9


def scored(seed, *, n=200, levels=None):
    """Attacks that score higher; with levels, scores that tie."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    truth[:2] = True, False
    score = rng.normal(size=n) + 1.3 * truth
    return truth, score if levels is None else np.round(score * levels) / levels


def average_precision(truth, score):
    once = Resampling.of(None, len(truth), resamples=1)
    return attack_detail(truth, score > 0, score, [""] * len(truth), once).average_precision.value


cases = pytest.mark.parametrize(
    ("n", "levels"),
    [(200, None), (200, 2), (200, 1), (2, None), (3, 1), (17, 3), (5, 1), (2000, 4)],
    ids=str,
)
small = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40).filter(
    lambda photos: len({truth for truth, _ in photos}) == 2
)


@cases
@pytest.mark.parametrize("seed", range(3))
def test_the_curve_is_scikit_learns(seed, n, levels):
    truth, score = scored(seed, n=n, levels=levels)
    curve = score_curve(truth, score, most=10**6)
    fpr, tpr, thresholds = reference.roc_curve(truth, score, drop_intermediate=False)
    np.testing.assert_allclose(curve.bpcer, fpr, atol=EXACT)
    np.testing.assert_allclose(1 - np.array(curve.apcer), tpr, atol=EXACT)
    assert curve.threshold[0] is None
    np.testing.assert_array_equal(np.array(curve.threshold[1:]), thresholds[1:])
    fpr, fnr, _ = reference.det_curve(truth, score)
    points = set(zip(np.round(curve.bpcer, 12), np.round(curve.apcer, 12), strict=True))
    assert points >= set(zip(np.round(fpr, 12), np.round(fnr, 12), strict=True))


@cases
@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_are_scikit_learns(seed, n, levels):
    truth, score = scored(seed, n=n, levels=levels)
    curve = score_curve(truth, score, most=10**6)
    precision, recall, thresholds = reference.precision_recall_curve(truth, score)
    np.testing.assert_allclose(curve.precision[::-1], precision, atol=EXACT)
    np.testing.assert_allclose(1 - np.array(curve.apcer[::-1]), recall, atol=EXACT)
    np.testing.assert_array_equal(np.array(curve.threshold[:0:-1]), thresholds)
    assert average_precision(truth, score) == pytest.approx(reference.average_precision_score(truth, score), abs=EXACT)
    assert np.trapezoid(1 - np.array(curve.apcer), curve.bpcer) == pytest.approx(
        reference.roc_auc_score(truth, score), abs=EXACT
    )


@settings(deadline=None)
@given(small)
def test_areas_of_few_photos_with_ties_are_scikit_learns(photos):
    truth, score = np.array([t for t, _ in photos]), np.array([float(s) for _, s in photos])
    assert average_precision(truth, score) == pytest.approx(reference.average_precision_score(truth, score), abs=EXACT)
    assert roc_auc(truth, score) == pytest.approx(reference.roc_auc_score(truth, score), abs=EXACT)


class TestThinning:
    @settings(deadline=None)
    @given(st.integers(0, 10**6), st.integers(60, 400), st.sampled_from([None, 3, 20]), st.integers(8, 60))
    def test_no_threshold_that_any_cost_would_choose_is_lost(self, seed, n, levels, most):
        truth, score = scored(seed, n=n, levels=levels)
        every, few = score_curve(truth, score, most=10**6), score_curve(truth, score, most=most)
        for weight in np.linspace(0.01, 0.99, 25):
            costs = [
                min(weight * a + (1 - weight) * b for a, b in zip(c.apcer, c.bpcer, strict=True)) for c in (every, few)
            ]
            assert costs[0] == pytest.approx(costs[1], abs=EXACT)

    @pytest.mark.parametrize("n", [10_000, 513 * 3])
    def test_large_sets_give_at_most_512_points(self, n):
        truth, score = scored(0, n=n)
        curve = score_curve(truth, score)
        assert len(curve.threshold) <= 512 < curve.cuts == n + 1
        assert (curve.apcer[0], curve.bpcer[0], curve.apcer[-1], curve.bpcer[-1]) == (1, 0, 0, 1)
        assert list(curve.bpcer) == sorted(curve.bpcer)
        assert list(curve.apcer) == sorted(curve.apcer, reverse=True)

    def test_points_on_a_straight_line_go_first(self):
        """A score that parts the classes has two straight lines, whatever the number of photos."""
        truth = np.arange(4000) >= 2000
        curve = score_curve(truth, np.arange(4000.0))
        assert list(zip(curve.bpcer, curve.apcer, strict=True)) == [(0, 1), (0, 0), (1, 0)]

    def test_what_remains_of_a_curve_lies_on_it(self):
        truth, score = scored(3, n=5000)
        every, few = score_curve(truth, score, most=10**6), score_curve(truth, score)
        assert set(zip(few.threshold, few.apcer, few.bpcer, few.precision, strict=True)) <= set(
            zip(every.threshold, every.apcer, every.bpcer, every.precision, strict=True)
        )


def width(estimate):
    return estimate.high - estimate.low


def detail_of(truth, score, *, groups=None, kinds=None, threshold=0.6):
    n = len(truth)
    return attack_detail(truth, score >= threshold, score, kinds or ["screen"] * n, Resampling.of(groups, n))


class TestAttackDetail:
    def test_values_are_those_of_the_plain_functions(self):
        truth, score = scored(1, n=300)
        found = detail_of(truth, score)
        assert found.eer.value == equal_error_rate(truth, score)[0]
        assert found.auc.value == roc_auc(truth, score)
        assert [one.bpcer.value for one in found.at_apcer] == [bpcer_at_apcer(truth, score, a)[0] for a in APCER_LIMITS]
        tn, fp, fn, tp = reference.confusion_matrix(truth, score >= 0.6).ravel()
        assert (found.bpcer.errors, found.bpcer.n) == (fp, tn + fp)
        assert (found.overall.errors, found.overall.n) == (fn, fn + tp)
        assert found.acer.value == pytest.approx((fn / (fn + tp) + fp / (tn + fp)) / 2, abs=EXACT)

    @pytest.mark.parametrize("levels", [None, 2])
    def test_resamples_are_judged_as_a_set_of_photos_would_be(self, levels):
        """The fast way with weights gives what repeating the photos gives."""
        from edgekit.metrics.curves import _statistics

        truth, score = scored(2, n=60, levels=levels)
        rng = np.random.default_rng(0)
        weights = rng.integers(0, 3, size=(20, 60))
        for row, found in zip(weights, _statistics(truth, score, weights).T, strict=True):
            again_truth, again_score = np.repeat(truth, row), np.repeat(score, row)
            expected = [
                equal_error_rate(again_truth, again_score)[0],
                roc_auc(again_truth, again_score),
                reference.average_precision_score(again_truth, again_score),
                *(bpcer_at_apcer(again_truth, again_score, limit)[0] for limit in APCER_LIMITS),
            ]
            assert found == pytest.approx(expected, abs=EXACT)

    def test_intervals_hold_their_values_and_groups_widen_them(self):
        truth, score = scored(4, n=240)
        score = score + 3 * truth * np.repeat(np.random.default_rng(1).random(size=8), 30)
        groups = [f"author {number // 30}" for number in range(240)]
        alone, grouped = detail_of(truth, score), detail_of(truth, score, groups=groups)
        for one in (alone, grouped):
            for name in ("acer", "eer", "auc", "average_precision"):
                estimate = getattr(one, name)
                assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert alone.bpcer.grouped is None
        assert grouped.bpcer.groups == 8
        assert width(grouped.bpcer.estimate) >= width(alone.bpcer.photos)
        assert width(grouped.auc) > width(alone.auc)

    def test_kinds_come_worst_first_and_rare_ones_last(self):
        truth = np.array([False] * 10 + [True] * 32)
        kinds = [""] * 10 + ["tv"] * 20 + ["print"] * 10 + ["poster"] * 2
        score = np.array([0.0] * 10 + [1.0] * 19 + [0.0] + [1.0] * 6 + [0.0] * 4 + [0.0] * 2)
        found = detail_of(truth, score, kinds=kinds)
        assert [(one.kind, one.apcer.errors, one.apcer.n) for one in found.kinds] == [
            ("print", 4, 10),
            ("tv", 1, 20),
            ("poster", 2, 2),
        ]
        assert found.worst_kind == "print"
        assert found.acer.value == pytest.approx(0.2)

    def test_attacks_too_few_for_a_limit_are_told(self):
        truth, score = scored(0, n=60)
        assert [one.supported for one in detail_of(truth, score).at_apcer] == [True, False]

    def test_a_perfect_score_has_an_interval_all_the_same(self):
        truth = np.arange(20) >= 10
        found = detail_of(truth, truth * 1.0)
        assert (found.eer.value, found.auc.value) == (0, 1)
        assert found.eer.high > 0.05
        assert found.bpcer.photos.high == pytest.approx(0.2775, abs=1e-3)

    def test_a_record_survives_json(self):
        truth, score = scored(0)
        found = detail_of(truth, 1 / (1 + np.exp(-score)), groups=[str(n % 7) for n in range(200)])
        assert from_plain(AttackDetail, json.loads(to_json(found)), where="detail") == found
        assert {field.name for field in fields(found.curve)} == {"threshold", "apcer", "bpcer", "precision", "cuts"}

    @pytest.mark.parametrize("truth", [[True, True], [False, False]])
    def test_one_class_alone_is_refused(self, truth):
        truth = np.array(truth)
        with pytest.raises(DataError, match="both classes"):
            detail_of(truth, np.zeros(2))
        with pytest.raises(DataError, match="both classes"):
            score_curve(truth, np.zeros(2))

    def test_scores_that_are_no_numbers_are_refused(self):
        with pytest.raises(DataError, match="finite"):
            score_curve(np.array([True, False]), np.array([np.nan, 1.0]))
