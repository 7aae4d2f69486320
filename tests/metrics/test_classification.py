from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.metrics as reference
from judging import bootstrap, judged

from edgekit.errors import DataError
from edgekit.metrics.attacks import roc_auc
from edgekit.metrics.classification import Evaluation, agreement, classification_report, evaluation_of
from edgekit.records import from_plain, to_json

EXACT = 1e-9
LABELS = ("genuine", "recapture")


def classified(seed, *, classes=2, n=200, absent=()):
    """Truth and predictions that agree in about two thirds; the truth lacks the absent classes."""
    rng = np.random.default_rng(seed)
    truth = rng.choice([c for c in range(classes) if c not in absent], n)
    return truth, np.where(rng.random(n) < 0.5, truth, rng.integers(classes, size=n))


def photos(**changes):
    """A recapture test set of 12 authors that differ in how hard they are."""
    n, rng = 240, np.random.default_rng(0)
    group = rng.integers(12, size=n)
    truth = rng.integers(2, size=n)
    score = truth * 1.2 + rng.normal(size=12)[group] * 0.5 + rng.normal(size=n) * 0.6
    given = {
        "truth": truth,
        "predicted": (score >= 0.6).astype(int),
        "labels": LABELS,
        "groups": [f"author {number}" for number in group],
        "kinds": [("screen", "print")[number] for number in rng.integers(2, size=n)],
        "attack_score": score,
        "bona_fide": "genuine",
    }
    return judged(**{**given, **changes})


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize(
    ("classes", "absent"),
    [
        pytest.param(2, (), id="two-classes"),
        pytest.param(7, (), id="seven-classes"),
        pytest.param(5, (1, 4), id="predicted-but-never-true"),
        pytest.param(2, (0,), id="one-true-class"),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_report_agrees_with_scikit_learn(seed, classes, absent):
    truth, predicted = classified(seed, classes=classes, absent=absent)
    ours = classification_report(truth, predicted, [f"class {c}" for c in range(classes)])
    macro = reference.precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
    each = reference.precision_recall_fscore_support(truth, predicted, labels=range(classes), zero_division=0)

    assert ours.n == 200
    assert ours.accuracy == pytest.approx(reference.accuracy_score(truth, predicted), abs=EXACT)
    assert ours.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(truth, predicted), abs=EXACT)
    assert (ours.macro_precision, ours.macro_recall, ours.macro_f1) == pytest.approx(macro[:3], abs=EXACT)
    for name, expected in zip(("precision", "recall", "f1", "support"), each, strict=True):
        assert [getattr(one, name) for one in ours.classes] == pytest.approx(list(expected), abs=EXACT)
    expected_confusion = reference.confusion_matrix(truth, predicted, labels=range(classes))
    assert np.array_equal(ours.confusion, expected_confusion)


def test_rows_of_the_confusion_are_the_truth():
    assert classification_report(np.array([0, 0, 1]), np.array([1, 1, 1]), LABELS).confusion == ((0, 2), (0, 1))


def test_a_class_that_nobody_has_seen_does_not_count():
    ours = classification_report(np.array([0, 1]), np.array([0, 1]), ["a", "b", "never"])
    assert (ours.macro_precision, ours.macro_recall, ours.macro_f1, ours.balanced_accuracy) == (1, 1, 1, 1)
    assert (ours.classes[2].precision, ours.classes[2].recall, ours.classes[2].support) == (0, 0, 0)


def test_a_photo_without_a_verdict_is_an_error_of_its_class_alone():
    ours = classification_report(np.array([0, 0, 1, 1]), np.array([0, -1, 1, -1]), LABELS)
    assert (ours.n, ours.abstained, ours.accuracy, ours.balanced_accuracy) == (4, 2, 0.5, 0.5)
    assert ours.macro_precision == 1.0
    assert ours.confusion == ((1, 0), (0, 1))
    assert [one.support for one in ours.classes] == [2, 2]


@pytest.mark.parametrize(
    ("truth", "predicted", "labels", "message"),
    [
        pytest.param([0, 2], [0, 1], LABELS, r"truth must lie in 0..1 for 2 labels, got 0..2", id="no-such-class"),
        pytest.param([0, -1], [0, 1], LABELS, r"truth must lie in 0..1", id="unknown-truth"),
        pytest.param([0, 1], [0, -2], LABELS, r"predicted must lie in -1..1", id="below-no-verdict"),
        pytest.param([0.0, 1.0], [0, 1], LABELS, "positions in the labels, got float64", id="floats"),
        pytest.param([0, 1], [0], LABELS, r"one class per photo, got \[2\] and \[1\]", id="lengths"),
        pytest.param([], [], LABELS, r"got \[0\] and \[0\]", id="no-photos"),
        pytest.param([0], [0], ["a", "a"], "distinct names", id="a-label-twice"),
        pytest.param([0], [0], [], "at least one", id="no-labels"),
        pytest.param([0], [0], "ab", "distinct names", id="a-string-is-no-list"),
    ],
)
def test_report_refuses(truth, predicted, labels, message):
    with pytest.raises(DataError, match=message):
        classification_report(np.array(truth), np.array(predicted), labels)


def test_agreement_counts_equal_answers_right_or_wrong():
    assert agreement(np.array([0, 1, -1, 2]), np.array([0, 2, -1, 2])) == 0.75


@pytest.mark.parametrize(("a", "b"), [([0, 1], [0]), ([], []), ([[0]], [[0]])])
def test_agreement_refuses(a, b):
    with pytest.raises(DataError, match="two classes for each photo"):
        agreement(np.array(a), np.array(b))


@pytest.mark.parametrize("grouped", [pytest.param(False, id="by-photo"), pytest.param(True, id="by-group")])
def test_intervals_are_those_of_the_plain_bootstrap(grouped):
    # The same draws, one resample at a time, with scikit-learn's numbers: proves the arithmetic on counts.
    p = photos() if grouped else photos(groups=None)
    evaluation = evaluation_of(p, resamples=60)

    def macro(position):
        return lambda index: reference.precision_recall_fscore_support(
            p.truth[index], p.predicted[index], average="macro", zero_division=0
        )[position]

    statistics = {
        "balanced_accuracy": lambda i: reference.balanced_accuracy_score(p.truth[i], p.predicted[i]),
        "precision": macro(0),
        "recall": macro(1),
        "f1": macro(2),
        "auc": lambda i: reference.roc_auc_score(p.truth[i], p.attack_score[i]),
    }
    for name, statistic in statistics.items():
        slow, fast = bootstrap(statistic, p.groups, len(p.truth), resamples=60), getattr(evaluation, name)
        assert (fast.value, fast.low, fast.high) == pytest.approx((slow.value, slow.low, slow.high), abs=EXACT), name
        assert fast.method == slow.method


def test_groups_that_happen_to_agree_are_no_certainty():
    """Two groups of 60 photos with one error each: drawing groups always gives the same share."""
    truth = np.arange(120) % 2
    groups = ["a"] * 60 + ["b"] * 60
    predicted = truth.copy()
    predicted[[3, 63]] ^= 1
    found = evaluation_of(judged(truth=truth, predicted=predicted, labels=["x", "y"], groups=groups))
    by_photo = evaluation_of(judged(truth=truth, predicted=predicted, labels=["x", "y"]))
    assert found.balanced_accuracy.method == "bootstrap over photos"
    assert found.balanced_accuracy.low == by_photo.balanced_accuracy.low < 0.97
    assert found.balanced_accuracy.high == by_photo.balanced_accuracy.high > 0.98
    assert set(found.by_group) == {"a", "b"}


def test_apcer_and_bpcer_are_wilsons_without_groups_and_bootstrapped_with():
    p = photos()
    is_attack, called = p.truth == 1, p.predicted == 1
    by_group = evaluation_of(p, resamples=60)
    kind = np.array(p.kinds) == by_group.attack.apcer_kind

    def bpcer(index):
        return called[index][~is_attack[index]].mean()

    def apcer(index):
        return 1 - called[index][is_attack[index] & kind[index]].mean()

    for name, statistic in (("apcer", apcer), ("bpcer", bpcer)):
        slow, fast = bootstrap(statistic, p.groups, 240, resamples=60), getattr(by_group, name)
        assert (fast.value, fast.low, fast.high) == pytest.approx((slow.value, slow.low, slow.high), abs=EXACT)
        assert fast.method == "group bootstrap"
    by_photo = evaluation_of(photos(groups=None), resamples=2)
    assert (by_photo.apcer.method, by_photo.bpcer.method) == ("wilson", "wilson")
    assert (by_photo.apcer.value, by_photo.bpcer.value) == (by_group.attack.apcer, by_group.attack.bpcer)


def test_a_second_evaluation_is_equal():
    assert evaluation_of(photos()) == evaluation_of(photos())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="everything"),
        pytest.param({"groups": None}, id="no-groups"),
        pytest.param({"groups": [""] * 240}, id="empty-groups"),
        pytest.param({"groups": ["one"] * 240}, id="one-group"),
        pytest.param({"groups": ["a", "b"] * 120, "truth": np.arange(240) % 2}, id="each-group-has-one-class"),
        pytest.param({"truth": np.zeros(240, int)}, id="no-attacks"),
        pytest.param({"truth": np.ones(240, int)}, id="only-attacks"),
        pytest.param({"kinds": None}, id="no-kinds"),
        pytest.param({"bona_fide": None}, id="no-attack-task"),
    ],
)
def test_every_evaluation_has_finite_intervals_and_can_be_read_back(changes):
    evaluation = evaluation_of(photos(**changes), resamples=50)
    assert from_plain(Evaluation, json.loads(to_json(evaluation)), where="evaluation") == evaluation


@pytest.mark.parametrize(
    "groups", [pytest.param([""] * 240, id="none"), pytest.param(["a"] * 239 + [""], id="not-all")]
)
def test_empty_group_names_are_no_groups(groups):
    evaluation = evaluation_of(photos(groups=groups), resamples=50)
    assert evaluation == evaluation_of(photos(groups=None), resamples=50)
    assert evaluation.balanced_accuracy.method == "bootstrap"
    assert (evaluation.by_group, evaluation.worst_group, evaluation.mean_over_groups) == ({}, "", None)


def test_what_one_class_cannot_tell_is_left_out():
    genuine = evaluation_of(photos(truth=np.zeros(240, int)), resamples=50)
    assert (genuine.attack, genuine.apcer, genuine.auc, genuine.eer, genuine.bpcer20) == (None,) * 5
    assert genuine.bpcer.value == 1 - genuine.report.accuracy
    attacks = evaluation_of(photos(truth=np.ones(240, int)), resamples=50)
    assert (attacks.attack, attacks.bpcer) == (None, None)
    assert attacks.apcer is not None


def test_no_error_is_no_certainty():
    truth = photos().truth
    perfect = evaluation_of(photos(predicted=truth, attack_score=truth.astype(float)), resamples=50)
    for estimate in (perfect.balanced_accuracy, perfect.auc):
        assert (estimate.value, estimate.high, estimate.method) == (1.0, 1.0, "wilson over groups")
        # Twelve authors without an error: Wilson's bound for 12 of 12.
        assert estimate.low == pytest.approx(0.7575, abs=1e-4)
    assert (perfect.apcer.low, perfect.apcer.high) == pytest.approx((0.0, 0.2425), abs=1e-4)


def test_attacks_of_one_author_give_a_wide_interval():
    p = photos()
    authors = np.where(p.truth == 1, "forger", p.groups)
    evaluation = evaluation_of(photos(groups=list(authors)), resamples=50)
    assert evaluation.apcer.method == "wilson over groups"
    assert evaluation.apcer.high - evaluation.apcer.low > 0.5


def test_groups_are_reported_one_by_one():
    rows = [("easy", 0, 0)] * 10 + [("easy", 1, 1)] * 10 + [("hard", 0, 1)] * 6 + [("hard", 1, 1)] * 6
    rows += [("tiny", 1, 0)]
    groups, truth, predicted = (list(column) for column in zip(*rows, strict=True))
    evaluation = evaluation_of(
        judged(truth=np.array(truth), predicted=np.array(predicted), labels=LABELS, groups=groups), resamples=50
    )
    assert {g: (one.n, one.balanced_accuracy) for g, one in evaluation.by_group.items()} == {
        "easy": (20, 1.0),
        "hard": (12, 0.5),
        "tiny": (1, 0.0),
    }
    # One photo makes no headline.
    assert evaluation.worst_group == "hard"
    assert evaluation.mean_over_groups == pytest.approx(0.5)


def test_eer_and_bpcer20_come_from_the_score():
    evaluation = evaluation_of(photos(), resamples=50)
    p = photos()
    assert evaluation.auc.value == roc_auc(p.truth == 1, p.attack_score)
    assert 0 < evaluation.eer < evaluation.bpcer20 < 1


def test_evaluation_refuses_no_resamples():
    with pytest.raises(DataError, match="0 resamples"):
        evaluation_of(photos(), resamples=0)


def test_resamples_without_a_class_say_nothing_of_the_mean_over_classes():
    """Two groups hold all attacks, half of them found: drawing neither must not report the genuine photos alone."""
    truth = np.repeat([1, 1, 0, 0, 0, 0, 0], 20)
    groups = np.repeat([f"g{number}" for number in range(7)], 20).tolist()
    place = np.arange(140) % 20
    predicted = np.where(truth == 1, place < 10, place == 0).astype(np.int64)
    evaluation = evaluation_of(judged(truth=truth, predicted=predicted, labels=("genuine", "attack"), groups=groups))
    assert evaluation.balanced_accuracy.value == pytest.approx((0.5 + 0.95) / 2)
    # The genuine recall alone is 0.95; photos drawn one by one reach about 0.8.
    assert evaluation.balanced_accuracy.high < 0.85
