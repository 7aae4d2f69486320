"""What probes move, from votes that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from edgekit.contract import Decision
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.options import DataReading
from edgekit.explain.probe_votes import votes_of


def data(*labels, several, group=""):
    samples = tuple(
        Sample(path=f"{number}.png", label=label, group=group and f"{group}{number}")
        for number, label in enumerate(labels)
    )
    return Dataset(
        root=Path("photos"),
        samples=samples,
        labels=("genuine", "recapture"),
        bad=(),
        sha256="",
        reading=DataReading(multi_label=several),
    )


@pytest.fixture
def several(red_blue):
    return replace(red_blue.contract, bona_fide=None, decision=Decision()).with_multi_label((0.5, 0.5))


def test_one_label_is_right_or_wrong(red_blue):
    dataset = data("genuine", "recapture", "recapture", several=False)
    votes = np.array([[[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [[0.4, 0.6], [0.2, 0.8], [0.0, 0.0]]])
    changed = np.array([[True, True, True], [True, True, False]])
    found = votes_of(red_blue.contract, dataset, dataset.samples, votes, changed)
    assert (found.measure, found.score, found.right, found.chance) == ("accuracy", pytest.approx(0.8), 1.0, 0.5)
    whole, classes = found.effect(1)
    assert (whole.photos, whole.accuracy) == (2, 0.5)
    assert whole.score_change.value == pytest.approx(-0.25)
    assert classes["genuine"].score == pytest.approx(0.4)
    assert classes["recapture"].photos == 1


@pytest.mark.parametrize("group", ["", "shop"])
def test_several_labels_are_ranked(several, group):
    dataset = data("genuine|recapture", "genuine", "recapture", "none", several=True, group=group)
    untouched = [[0.9, 0.8], [0.8, 0.2], [0.1, 0.7], [0.3, 0.1]]
    # Of the two photos that have the first label one falls below the photo of none.
    probed = [[0.9, 0.8], [0.2, 0.2], [0.1, 0.7], [0.3, 0.1]]
    found = votes_of(several, dataset, dataset.samples, np.array([untouched, probed]), np.ones((2, 4), dtype=np.bool_))
    assert found.measure == "mean average precision"
    assert found.right == 1.0
    assert found.chance == 0.5
    assert found.score == pytest.approx((0.9 + 0.8 + 0.8 + 0.7) / 4)
    whole, labels = found.effect(1)
    assert whole.photos == 3
    assert whole.score_change.value == pytest.approx(-0.6 / 4)
    assert labels["genuine"].score_change.value == pytest.approx(-0.3)
    assert labels["genuine"].accuracy == pytest.approx((1 + 2 / 3) / 2)
    assert whole.accuracy_change.value == pytest.approx((labels["genuine"].accuracy - 1) / 2)
    assert whole.accuracy_change.low <= whole.accuracy_change.value <= whole.accuracy_change.high
    assert labels["recapture"].accuracy_change.value == 0


def test_photos_that_were_left_out_tell_nothing(several):
    dataset = data("genuine", "recapture", "none", several=True)
    votes = np.full((2, 3, 2), 0.5)
    changed = np.array([[True, True, True], [False, True, True]])
    whole, labels = votes_of(several, dataset, dataset.samples, votes, changed).effect(1)
    assert list(labels) == ["recapture"]
    assert whole.photos == 1
    changed[1] = [False, False, True]
    assert votes_of(several, dataset, dataset.samples, votes, changed).effect(1) == (None, {})
