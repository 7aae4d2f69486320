"""What parts add to an answer, on models whose answers can be worked out by hand."""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import Decision
from edgekit.errors import DataError, EdgekitError, PhotoError
from edgekit.explain.cover import covered, whole_cover
from edgekit.explain.occlusion import label_odds, occlusion
from edgekit.explain.options import OcclusionConfig
from edgekit.progress import Progress
from edgekit.runtime import Classifier
from edgekit.runtime.crops import Box


@pytest.fixture
def blue_in_red():
    """A red photo of 96x64 px whose blue square fills 24 px from (60, 12) on."""
    photo = np.full((64, 96, 3), (200, 20, 40), np.uint8)
    photo[12:36, 60:84] = (20, 20, 230)
    return photo


@pytest.fixture(params=["red_blue_file", "heads_file"])
def classifier(request):
    with Classifier.load(request.getfixturevalue(request.param), threads=2) as loaded:
        yield loaded


@pytest.fixture
def red_blue_classifier(red_blue_file):
    with Classifier.load(red_blue_file) as loaded:
        yield loaded


def middle(box):
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("cover", ["blur", "mean"])
def test_the_strongest_part_lies_in_the_thing(red_blue_classifier, blue_in_red, cover, fine):
    asked = OcclusionConfig(label="recapture", cells=96, cover=cover, fine=fine)
    found = occlusion(red_blue_classifier, blue_in_red, asked)
    x, y = middle(found.strongest())
    assert 60 <= x <= 84
    assert 12 <= y <= 36
    assert (found.label, found.size_wh) == ("recapture", (96, 64))


def test_what_speaks_for_one_label_speaks_against_the_other(red_blue_classifier, blue_in_red):
    maps = [
        occlusion(red_blue_classifier, blue_in_red, OcclusionConfig(label=label)) for label in ("genuine", "recapture")
    ]
    assert maps[0].log_odds == pytest.approx(-maps[1].log_odds, abs=1e-4)
    assert maps[0].base_log_odds == pytest.approx(-maps[1].base_log_odds, abs=1e-4)


@pytest.mark.parametrize("cover", ["blur", "mean"])
def test_a_part_costs_what_the_model_says_of_the_covered_photo(classifier, blue_in_red, cover):
    """Crops that a part doesn't touch are not scored again, which changes no number."""
    found = occlusion(classifier, blue_in_red, OcclusionConfig(cells=24, cover=cover))
    labels = classifier.contract.labels
    index = labels.index(found.label)
    photo = Image.fromarray(blue_in_red)
    side_px = 2 * float(max(np.diff(found.x_edges).mean(), np.diff(found.y_edges).mean()))
    hidden = whole_cover(photo, side_px, cover)

    def odds(picture):
        probabilities = classifier.classify(picture, stop_early=False).probabilities
        return label_odds(np.array(list(probabilities.values())), index)

    assert found.base_log_odds == pytest.approx(odds(photo), abs=1e-5)
    rows, columns = found.log_odds.shape
    for row, column in ((0, 0), (rows - 1, 2), (2, columns - 1), (1, 3)):
        corners = [(row + down, column + across) for down in (0, 1) for across in (0, 1)]
        falls = []
        for below, beside in corners:
            top, bottom = found.y_edges[max(0, below - 1)], found.y_edges[min(rows, below + 1)]
            left, right = found.x_edges[max(0, beside - 1)], found.x_edges[min(columns, beside + 1)]
            part = Box(int(left), int(top), int(right), int(bottom))
            falls.append(odds(photo) - odds(covered(photo, hidden, part)))
        assert found.log_odds[row, column] == pytest.approx(np.mean(falls), abs=1e-4)


def test_finer_cells_spread_what_the_larger_ones_found(red_blue_classifier, blue_in_red):
    coarse = occlusion(red_blue_classifier, blue_in_red, OcclusionConfig(cells=24))
    fine = occlusion(red_blue_classifier, blue_in_red, OcclusionConfig(cells=24, fine=True))
    rows, columns = coarse.log_odds.shape
    assert fine.log_odds.shape == fine.refined.shape == (2 * rows, 2 * columns)
    assert fine.log_odds.reshape(rows, 2, columns, 2).mean(axis=(1, 3)) == pytest.approx(coarse.log_odds)
    assert fine.refined.sum() == 4 * round(rows * columns / 4)
    assert not coarse.refined.any()
    assert fine.x_edges[::2].tolist() == coarse.x_edges.tolist()
    # Where nothing was refined, the four are alike.
    whole = ~fine.refined
    assert fine.log_odds[whole] == pytest.approx(np.repeat(np.repeat(coarse.log_odds, 2, 0), 2, 1)[whole])


def test_a_map_lies_in_pixels_of_the_whole_photo(red_blue):
    """Also where the model works on a smaller one."""
    photo = np.full((131, 151, 3), (200, 20, 40), np.uint8)
    photo[10:40, 90:120] = (20, 20, 230)
    plan = replace(red_blue.contract.plan, working_px=64)
    with Classifier(replace(red_blue, contract=replace(red_blue.contract, plan=plan))) as loaded:
        found = occlusion(loaded, photo, OcclusionConfig(cells=48, label="recapture"))
    assert found.size_wh == (151, 131)
    assert (found.x_edges[-1], found.y_edges[-1]) == (150, 130)
    x, y = middle(found.strongest())
    assert 90 <= x <= 120
    assert 10 <= y <= 40


def test_without_a_label_the_answered_one_is_watched(red_blue_classifier, plain_photo):
    assert occlusion(red_blue_classifier, plain_photo(250, 0, 0), OcclusionConfig(cells=9)).label == "genuine"
    found = occlusion(red_blue_classifier, plain_photo(0, 0, 250), OcclusionConfig(cells=9))
    assert (found.label, found.answer) == ("recapture", "recapture")


@pytest.mark.parametrize(("wide", "high"), [(400, 20), (20, 400), (60, 60)])
@pytest.mark.parametrize("cells", [9, 100, 900])
def test_about_so_many_cells_of_any_shape(red_blue_classifier, wide, high, cells):
    found = occlusion(red_blue_classifier, np.zeros((high, wide, 3), np.uint8), OcclusionConfig(cells=cells))
    assert found.log_odds.size <= max(cells * 1.3, 3 * cells**0.5 + 6, 3 * max(wide, high) / 4)
    assert min(found.log_odds.shape) >= 3
    assert np.diff(found.x_edges).min() >= 3


def test_an_unknown_label_names_the_closest(red_blue_classifier, plain_photo):
    with pytest.raises(DataError, match=r"genuine, recapture\), got 'genuin'; did you mean 'genuine'\?"):
        occlusion(red_blue_classifier, plain_photo(0, 0, 0), OcclusionConfig(label="genuin"))


@pytest.mark.parametrize("shape", [(11, 40), (40, 11)])
def test_a_photo_that_is_too_small_is_refused(red_blue_classifier, shape):
    with pytest.raises(PhotoError, match="at least 12 px wide and high"):
        occlusion(red_blue_classifier, np.zeros((*shape, 3), np.uint8), OcclusionConfig())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"cells": 8}, "9 to 2500, got 8"), ({"cells": 2501}, "got 2501"), ({"cover": "black"}, "blur or mean")],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(EdgekitError, match=message):
        OcclusionConfig(**options)


def test_it_ends_when_it_is_told_to(red_blue_classifier, plain_photo):
    answers = iter([False, False, True])
    with pytest.raises(CancelledError):
        occlusion(red_blue_classifier, plain_photo(9, 9, 9), OcclusionConfig(), stop=lambda: next(answers))


def test_progress_is_told_of_every_part(red_blue_classifier, plain_photo):
    class Counting(Progress):
        def __init__(self):
            self.totals, self.done = [], 0

        def begin(self, what, total):
            self.totals.append(total)

        def advance(self, steps=1, *, note=""):
            self.done += steps

    told = Counting()
    found = occlusion(red_blue_classifier, plain_photo(9, 9, 9), OcclusionConfig(cells=20, fine=True), progress=told)
    assert len(told.totals) == 2
    assert told.done == sum(told.totals) == found.votes - 1


def test_the_callers_photo_is_left_as_it_is(red_blue_classifier, blue_in_red):
    before = blue_in_red.copy()
    occlusion(red_blue_classifier, blue_in_red, OcclusionConfig(cells=9))
    assert np.array_equal(blue_in_red, before)


@pytest.fixture
def of_several(red_blue):
    """The same outputs, each told by itself, of which the first is called from a probability on that none has."""
    contract = replace(red_blue.contract, bona_fide=None, decision=Decision()).with_multi_label((0.999999, 0.1))
    with Classifier(replace(red_blue, contract=contract)) as loaded:
        yield loaded


def test_of_several_labels_the_likeliest_is_watched(of_several, blue_in_red):
    found = occlusion(of_several, blue_in_red, OcclusionConfig(cells=24))
    told = of_several.classify(blue_in_red)
    assert found.label == max(told.probabilities, key=told.probabilities.get) == "genuine"
    assert found.answer == told.label
    assert "genuine" not in told.labels
    share = told.probabilities["genuine"]
    assert found.base_log_odds == pytest.approx(np.log(share / (1 - share)), abs=1e-6)


def test_of_several_labels_another_may_be_watched(of_several, blue_in_red):
    found = occlusion(of_several, blue_in_red, OcclusionConfig(cells=96, label="recapture"))
    x, y = middle(found.strongest())
    assert 60 <= x <= 84
    assert 12 <= y <= 36


def test_log_odds_of_labels_that_exclude_nothing():
    votes = np.array([0.9, 0.8])
    assert label_odds(votes, 0, "any-of") == pytest.approx(np.log(9))
    assert label_odds(votes, 1, "any-of") == pytest.approx(np.log(4))
    assert np.isfinite([label_odds(np.array([0.0, 1.0]), index, "any-of") for index in (0, 1)]).all()
