from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import DataError
from edgekit.metrics.breakdown import MAX_LISTED_MISTAKES, Detail, class_table, detail
from edgekit.metrics.classification import classification_report, evaluation_of
from edgekit.metrics.judged import Judged
from edgekit.records import from_plain, to_json

EXACT = 1e-9


def judged(n=90, *, labels=("genuine", "recapture"), bona_fide="genuine", **changes):
    """Photos that are called right about three times of four."""
    rng = np.random.default_rng(0)
    truth = rng.integers(len(labels), size=n)
    logits = rng.normal(size=(n, len(labels))) + 1.5 * np.eye(len(labels))[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ordered = np.sort(logits, axis=1)
    given = {
        "paths": tuple(f"{number:03d}.jpg" for number in range(n)),
        "labels": labels,
        "bona_fide": bona_fide,
        "truth": truth,
        "predicted": probabilities.argmax(axis=1),
        "probabilities": probabilities,
        "certainty": ordered[:, -1] - ordered[:, -2],
        "abstained": np.zeros(n, np.bool_),
        "columns": {"group": [f"a{number % 6}" for number in range(n)], "kind": ["tv"] * n},
    }
    return Judged(**{**given, **changes})


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_the_table_is_scikit_learns_classification_report(photos):
    truth, predicted = (np.array(column) for column in zip(*photos, strict=True))
    labels = ["a", "b", "c", "d"]
    ours = class_table(classification_report(truth, predicted, labels))
    seen = sorted({*truth.tolist(), *predicted.tolist()})
    theirs = reference.classification_report(
        truth, predicted, labels=seen, target_names=[labels[at] for at in seen], output_dict=True, zero_division=0
    )
    # With every class that occurs among the labels, the micro average is the accuracy.
    assert ours.accuracy == pytest.approx(theirs["accuracy"], abs=EXACT)
    lines = {one.label: one for one in (*ours.classes, ours.macro, ours.weighted)}
    for name, expected in theirs.items():
        if name == "accuracy":
            continue
        found = lines[name]
        assert (found.precision, found.recall, found.f1, found.support) == pytest.approx(
            tuple(expected[key] for key in ("precision", "recall", "f1-score", "support")), abs=EXACT
        )
    assert np.array_equal(
        classification_report(truth, predicted, labels).confusion,
        reference.confusion_matrix(truth, predicted, labels=range(4)),
    )


def test_a_detail_survives_json():
    found = detail(judged())
    assert from_plain(Detail, json.loads(to_json(found)), where="detail") == found


def test_parts_speak_of_the_same_photos():
    photos = judged()
    found = detail(photos)
    wrong = int((photos.truth != photos.predicted).sum())
    assert found.photos == 90
    assert found.all_mistakes == len(found.mistakes) == wrong
    assert found.risk.risk[-1] == pytest.approx(wrong / 90)
    assert found.attacks.overall.errors + found.attacks.bpcer.errors == wrong
    assert sum(map(sum, found.confusion)) == 90
    assert found.slices.columns == ("group",)


def test_mistakes_come_most_certain_first_with_what_is_known():
    photos = judged()
    found = detail(photos).mistakes
    assert [one.certainty for one in found] == sorted((one.certainty for one in found), reverse=True)
    first = found[0]
    at = photos.paths.index(first.path)
    assert first.truth == photos.labels[photos.truth[at]] != first.predicted
    assert first.score == pytest.approx(photos.probabilities[at, 1])
    assert (first.group, first.kind) == (photos.columns["group"][at], "tv")


def test_photos_that_a_rule_for_unknown_takes_are_mistakes():
    three = {"labels": ("cat", "dog", "owl"), "bona_fide": None}
    closed = judged(**three)
    taken = np.arange(90) % 9 == 0
    score = np.where(taken, 0.9, 0.1)
    found = detail(judged(**three, predicted=np.where(taken, -1, closed.predicted), unknown=score))
    before = detail(closed)
    assert (found.unknown, sum(map(sum, found.confusion))) == (10, 80)
    assert found.all_mistakes == before.all_mistakes + int(closed.right[taken].sum())
    assert {(one.predicted, one.score) for one in found.mistakes if one.score == 0.9} == {("unknown", 0.9)}
    assert (found.risk, found.reliability) == (before.risk, before.reliability)
    assert found.table.accuracy < before.table.accuracy
    assert from_plain(Detail, json.loads(to_json(found)), where="detail") == found
    with pytest.raises(DataError, match="details of 90 photos must be of so many"):
        replace(found, unknown=9)


def test_without_a_rule_every_photo_has_a_label():
    with pytest.raises(DataError, match="predicted must lie in"):
        judged(predicted=np.full(90, -1))


def test_mistakes_are_bounded():
    n = MAX_LISTED_MISTAKES + 50
    photos = judged(n)
    found = detail(judged(n, predicted=1 - photos.truth), resamples=10)
    assert (len(found.mistakes), found.all_mistakes) == (MAX_LISTED_MISTAKES, n)


def test_other_tasks_have_no_attacks():
    found = detail(judged(labels=("cat", "dog", "owl"), bona_fide=None, columns={}))
    assert found.attacks is None
    assert found.reliability.of == "top probability"
    assert len(found.confusion) == 3
    assert found.slices.found == ()
    assert all(one.score <= 1 and one.group == "" for one in found.mistakes)


def test_one_class_alone_has_no_attack_numbers():
    photos = judged()
    found = detail(judged(truth=np.zeros(90, np.int64), predicted=photos.predicted))
    assert found.attacks is None
    assert found.reliability.of == "attack score"


def test_a_single_photo_is_enough():
    found = detail(judged(1))
    assert (found.photos, found.risk.coverage) == (1, (1,))


def test_slices_are_of_known_columns():
    assert detail(judged(), slices=["group"], resamples=10).slices.columns == ("group",)
    with pytest.raises(DataError, match=r"columns that the photos have, \['group', 'kind'\], got 'screen'"):
        detail(judged(), slices=["screen"])


@pytest.mark.parametrize("changes", [{}, {"columns": {"kind": ["tv", "", "print"] * 30}}], ids=["groups", "no-groups"])
def test_the_headline_and_the_detail_say_the_same(changes):
    photos = judged(**changes)
    headline, found = evaluation_of(photos), detail(photos)
    assert (headline.report.classes, headline.report.confusion) == (found.table.classes, found.confusion)
    assert (headline.auc, headline.eer) == (found.attacks.auc, found.attacks.eer.value)
    assert (headline.apcer, headline.bpcer) == (found.attacks.kinds[0].apcer.estimate, found.attacks.bpcer.estimate)
    assert (headline.attack.apcer_kind, headline.attack.acer) == (found.attacks.worst_kind, found.attacks.acer.value)
    assert headline.bpcer20 == found.attacks.at_apcer[0].bpcer.value
