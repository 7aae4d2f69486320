from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from edgekit.errors import DataError
from edgekit.metrics.attacks import attack_report, best_threshold, bpcer_at_apcer, equal_error_rate, roc_auc

EXACT = 1e-9


def scores(seed, *, n=300, decimals=2):
    """Overlapping scores of both classes; few decimals make many ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.35
    return truth, np.round(rng.normal(truth * 1.2, 1.0), decimals)


def balanced_accuracy(truth, score, threshold):
    called = score >= threshold
    return (called[truth].mean() + (~called[~truth]).mean()) / 2


def table(**kinds):
    """Photos by kind as (passed, caught); ``genuine`` as (let through, called attacks)."""
    is_attack, called, names = [], [], []
    for kind, (passed, caught) in kinds.items():
        is_attack += [kind != "genuine"] * (passed + caught)
        called += [False] * passed + [True] * caught
        names += ["" if kind == "nameless" else kind] * (passed + caught)
    return np.array(is_attack), np.array(called), names


def test_the_worst_kind_is_the_headline():
    report = attack_report(*table(genuine=(18, 2), screen=(1, 39), printed=(3, 7)), bona_fide="shelf")
    assert report.bona_fide == "shelf"
    assert (report.attacks, report.bona_fides) == (50, 20)
    assert (report.apcer, report.apcer_kind) == (pytest.approx(0.3), "printed")
    assert {kind: (one.value, one.n) for kind, one in report.apcer_by_kind.items()} == {
        "printed": (pytest.approx(0.3), 10),
        "screen": (pytest.approx(0.025), 40),
    }
    assert report.apcer_overall == pytest.approx(0.08)
    assert report.bpcer == pytest.approx(0.1)
    assert report.acer == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("kinds", "headline"),
    [
        pytest.param({"screen": (1, 19), "poster": (2, 1)}, "screen", id="a-rare-kind-is-no-headline"),
        pytest.param({"screen": (1, 5), "poster": (2, 1)}, "poster", id="unless-all-are-rare"),
        pytest.param({"screen": (1, 19), "nameless": (5, 15)}, "unknown", id="nameless-attacks-are-unknown"),
        pytest.param({"screen": (2, 18), "poster": (4, 36)}, "poster", id="of-equals-the-more-frequent"),
    ],
)
def test_headline_kind(kinds, headline):
    report = attack_report(*table(genuine=(10, 0), **kinds))
    assert report.apcer_kind == headline
    assert report.apcer == report.apcer_by_kind[headline].value
    assert len(report.apcer_by_kind) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(table(genuine=(3, 1)), "0 attacks and 4 bona fide", id="no-attacks"),
        pytest.param(table(screen=(3, 1)), "4 attacks and 0 bona fide", id="no-bona-fide"),
        pytest.param(([True, False], [True], ["", ""]), "got 2, 1 and 2", id="lengths"),
        pytest.param(
            ([1, 0], [True, True], ["", ""]), "is_attack must be one bool per photo, got int64", id="integers"
        ),
    ],
)
def test_attack_report_refuses(arguments, message):
    with pytest.raises(DataError, match=message):
        attack_report(*arguments)


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("seed", range(5))
def test_auc_agrees_with_scikit_learn(seed, decimals):
    truth, score = scores(seed, decimals=decimals)
    assert roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=EXACT)


def test_auc_of_one_class_is_not_defined():
    assert math.isnan(roc_auc(np.array([True, True]), np.array([0.1, 0.2])))


def test_scores_of_any_size_are_ordered():
    assert roc_auc(np.array([True, False]), np.array([1e308, -1e308])) == 1


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("seed", range(5))
def test_eer_is_the_crossing_on_scikit_learns_roc_curve(seed, decimals):
    truth, score = scores(seed, decimals=decimals)
    bpcer, hits, _ = roc_curve(truth, score, drop_intermediate=False)

    # The curve as a path, since at one BPCER it can rise straight up.
    path = np.linspace(0, 1, len(bpcer))
    low, high = 0.0, 1.0
    for _ in range(60):
        at = (low + high) / 2
        low, high = (at, high) if np.interp(at, path, 1 - hits) > np.interp(at, path, bpcer) else (low, at)
    rate, threshold = equal_error_rate(truth, score)
    assert rate == pytest.approx(np.interp(at, path, bpcer), abs=EXACT)

    gap = abs((score[truth] < threshold).mean() - (score[~truth] >= threshold).mean())
    assert gap == pytest.approx(np.abs(1 - hits - bpcer).min(), abs=EXACT)


@pytest.mark.parametrize("target", [0.0, 0.01, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_bpcer_at_apcer_is_the_lowest_that_keeps_the_target(seed, target):
    truth, score = scores(seed, decimals=1)
    bpcer, threshold = bpcer_at_apcer(truth, score, target)
    assert (score[truth] < threshold).mean() <= target
    assert (score[~truth] >= threshold).mean() == bpcer
    bpcers, hits, _ = roc_curve(truth, score, drop_intermediate=False)
    assert bpcer == pytest.approx(bpcers[1 - hits <= target + EXACT].min(), abs=EXACT)


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_reaches_the_highest_balanced_accuracy(seed, decimals):
    truth, score = scores(seed, decimals=decimals)
    found = balanced_accuracy(truth, score, best_threshold(truth, score))
    candidates = [*np.unique(score), np.inf]
    assert found == max(balanced_accuracy(truth, score, cut) for cut in candidates)


@pytest.mark.parametrize(
    ("bona_fides", "attacks", "threshold"),
    [
        pytest.param([0.125, 0.25], [0.75, 1.0], 0.5, id="middle-of-the-gap"),
        pytest.param([0.125, 0.25, 0.75], [0.375, 0.875, 1.0], 0.3125, id="equally-wide-takes-the-lower"),
        pytest.param([0.125, 0.25, 0.5], [0.375, 0.875, 1.0], 0.6875, id="the-wider-of-two"),
        pytest.param([0.0, 0.5], [0.5, 1.0], 0.5, id="one-range-across-a-tie"),
        pytest.param([0.5, 0.5], [0.5], 0.5, id="constant-calls-all-attacks"),
        pytest.param([0.75, 1.0], [0.25, 0.5], 0.25, id="inverted-calls-all-attacks"),
        pytest.param([1.0], [np.nextafter(1.0, 2.0)], np.nextafter(1.0, 2.0), id="neighbouring-floats"),
        pytest.param([-1e308], [1e308], 0.0, id="no-overflow"),
    ],
)
def test_best_threshold_table(bona_fides, attacks, threshold):
    truth = np.array([False] * len(bona_fides) + [True] * len(attacks))
    score = np.array(bona_fides + attacks)
    assert best_threshold(truth, score) == threshold
    shuffled = np.random.default_rng(0).permutation(len(score))
    assert best_threshold(truth[shuffled], score[shuffled]) == threshold


@pytest.mark.parametrize("function", [roc_auc, equal_error_rate, best_threshold])
@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        pytest.param([True, False], [0.1, np.nan], "must be finite, got nan for photo 1", id="nan"),
        pytest.param([True, False], [np.inf, 0.0], "must be finite, got inf for photo 0", id="infinite"),
        pytest.param([True, False], [0.1], r"2 numbers, one per photo, got float64 \[1\]", id="lengths"),
        pytest.param([True, False], ["a", "b"], "2 numbers, one per photo, got <U1", id="strings"),
        pytest.param([1, 0], [0.1, 0.2], "truth must be one bool per photo, got int64", id="integers"),
        pytest.param([], [], "truth must be one bool per photo, got float64", id="empty"),
    ],
)
def test_scores_are_checked(function, truth, score, message):
    with pytest.raises(DataError, match=message):
        function(np.array(truth), np.array(score))


@pytest.mark.parametrize("function", [equal_error_rate, best_threshold, lambda t, s: bpcer_at_apcer(t, s, 0.1)])
def test_operating_points_need_both_classes(function):
    with pytest.raises(DataError, match="2 attacks and 0 bona fide"):
        function(np.array([True, True]), np.array([0.1, 0.2]))


@pytest.mark.parametrize("target", [-0.1, 1.5, math.nan])
def test_bpcer_at_apcer_refuses_targets(target):
    with pytest.raises(DataError, match=f"must lie in 0..1, got {target}"):
        bpcer_at_apcer(np.array([True, False]), np.array([0.1, 0.2]), target)
