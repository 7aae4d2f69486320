from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from judging import judged

from edgekit.errors import DataError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"groups": ["a"] * 239}, "must be said of all 240 photos, got .*, 239", id="groups"),
        pytest.param({"kinds": ["a"]}, "must be said of all 240 photos, got .*, 1]", id="kinds"),
        pytest.param({"bona_fide": "shelf"}, "one of the labels .*, got 'shelf'", id="no-such-label"),
        pytest.param({"attack_score": np.full(240, math.nan)}, "finite numbers, .* 480 of them not", id="nan-scores"),
        pytest.param({"attack_score": np.zeros(3)}, "must be said of all 240 photos, got .* 3, 240", id="few-scores"),
        pytest.param({"labels": ("a", "b", "c")}, r"240 x 3 finite numbers, got \[240, 2\]", id="few-classes"),
        pytest.param({"predicted": np.full(240, 2)}, "predicted must lie in 0..1", id="no-such-class"),
        pytest.param({"predicted": np.full(240, -1)}, "predicted must lie in 0..1", id="no-verdict"),
    ],
)
def test_judged_photos_are_checked(changes, message):
    given = {
        "truth": np.arange(240) % 2,
        "predicted": np.arange(240) % 2,
        "labels": ("genuine", "recapture"),
        "groups": ["author"] * 240,
        "kinds": ["screen"] * 240,
        "attack_score": np.full(240, 0.5),
        "bona_fide": "genuine" if "labels" not in changes else None,
    }
    with pytest.raises(DataError, match=message):
        judged(**{**given, **changes})


def test_everything_must_be_said_of_every_photo():
    photos = judged([0, 1], [0, 1], ("genuine", "recapture"))
    with pytest.raises(DataError, match="must be said of all 2 photos"):
        replace(photos, certainty=np.zeros(3))


def test_who_is_an_attack_and_how_much_of_one():
    photos = judged(
        [0, 1, 1], [0, 0, 1], ("genuine", "recapture"), bona_fide="genuine", attack_score=np.array([0.1, 0.2, 0.9])
    )
    assert photos.right.tolist() == [True, False, True]
    assert (photos.is_attack.tolist(), photos.called_attack.tolist()) == ([False, True, True], [False, False, True])
    np.testing.assert_allclose(photos.attack_score, [0.1, 0.2, 0.9])


@pytest.mark.parametrize(("groups", "expected"), [(["a", "b"], ["a", "b"]), (["a", ""], None), (None, None)])
def test_groups_count_where_every_photo_has_one(groups, expected):
    assert judged([0, 1], [0, 1], ("cat", "dog"), groups=groups).groups == expected
