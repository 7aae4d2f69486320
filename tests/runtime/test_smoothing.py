"""Smoothing over time, by examples that can be worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.contract import Contract, Decision, Unknown
from edgekit.errors import VideoError
from edgekit.runtime import Milliseconds, Verdict
from edgekit.runtime.smoothing import DEFAULT_TAU_S, Smoother

SHELF = Contract(
    name="shelf",
    labels=("genuine", "recapture"),
    bona_fide="genuine",
    side_px=8,
    precision="int8",
    model_sha256="0" * 64,
)
HALF_LIFE_S = DEFAULT_TAU_S * math.log(2)


def verdict(**probabilities):
    ms = Milliseconds(decode_ms=0.0, crop_ms=0.0, invoke_ms=0.0, vote_ms=0.0)
    return Verdict(label="genuine", score=0.5, probabilities=probabilities, crops=(), ms=ms)


def add(smoother, genuine, time_s):
    return smoother.add(np.array([genuine, 1 - genuine]), time_s)


@pytest.mark.parametrize("genuine", [0.8, 0.3])
def test_a_frame_may_be_a_verdict_or_its_probabilities(genuine):
    whole, by_label, bare = (Smoother(SHELF) for _ in range(3))
    for time_s, share in ((0.0, genuine), (0.2, 0.5)):
        # Not in the order of the labels: names tell which is which.
        named = {"recapture": 1 - share, "genuine": share}
        expected = add(bare, share, time_s)
        assert whole.add(verdict(**named), time_s) == by_label.add(named, time_s) == expected


@pytest.mark.parametrize("named", [{"genuine": 1.0}, {"genuine": 0.5, "other": 0.5}, {}])
def test_a_verdict_of_another_model_is_refused(named):
    for frame in (verdict(**named), named):
        with pytest.raises(VideoError, match=r"must have the labels \['genuine', 'recapture'\], got"):
            Smoother(SHELF).add(frame, 0.0)


class TestExamples:
    def test_the_first_frame_is_its_own_answer(self):
        answer = add(Smoother(SHELF), 0.8, 12.0)
        assert (answer.label, answer.score) == ("genuine", pytest.approx(0.8))
        assert answer.probabilities == pytest.approx({"genuine": 0.8, "recapture": 0.2})

    def test_after_a_half_life_old_and_new_count_the_same(self):
        smoother = Smoother(SHELF)
        add(smoother, 0.8, 0.0)
        # √(0.8 · 0.5) : √(0.2 · 0.5) = 2 : 1
        assert add(smoother, 0.5, HALF_LIFE_S).probabilities["genuine"] == pytest.approx(2 / 3)

    def test_one_odd_frame_changes_nothing_and_a_lasting_change_does(self):
        smoother = Smoother(SHELF)
        labels = [add(smoother, 0.01 if step == 10 else 0.99, step / 30).label for step in range(20)]
        assert labels == ["genuine"] * 20
        labels = [add(smoother, 0.01, (20 + step) / 30).label for step in range(30)]
        assert (labels[0], labels[-1]) == ("genuine", "recapture")
        assert labels == sorted(labels)

    def test_without_a_time_constant_each_frame_stands_by_itself(self):
        smoother = Smoother(SHELF, tau_s=0)
        assert add(smoother, 0.9, 0.0).score == pytest.approx(0.9)
        assert add(smoother, 0.2, 0.0).score == pytest.approx(0.8)

    def test_a_second_frame_of_the_same_time_has_no_weight(self):
        smoother = Smoother(SHELF)
        add(smoother, 0.9, 1.0)
        assert add(smoother, 0.1, 1.0).probabilities["genuine"] == pytest.approx(0.9)

    def test_the_contract_decides(self):
        band = dataclasses.replace(SHELF, decision=Decision(abstain=(0.25, 0.75)))
        smoother = Smoother(band)
        add(smoother, 0.99, 0.0)
        answer = add(smoother, 0.01, HALF_LIFE_S)
        assert (answer.label, answer.score) == ("retake", pytest.approx(0.5))

    def test_certain_frames_stay_finite(self):
        smoother = Smoother(SHELF)
        for step, genuine in enumerate([1.0, 0.0, 1.0]):
            answer = add(smoother, genuine, step / 30)
        assert answer.label == "genuine"
        assert all(math.isfinite(value) for value in answer.probabilities.values())


@settings(max_examples=60, deadline=None, database=None)
@given(
    steps=st.lists(st.floats(0.001, 5.0), min_size=1, max_size=8),
    first=st.floats(0.01, 0.99),
    then=st.floats(0.01, 0.99),
    tau_s=st.sampled_from([0.1, 0.5, 3.0]),
)
def test_time_counts_and_not_the_number_of_frames(steps, first, then, tau_s):
    """A constant picture ends at the same answer, whether it was seen in many frames or in one."""
    often, once = Smoother(SHELF, tau_s=tau_s), Smoother(SHELF, tau_s=tau_s)
    add(often, first, 0.0)
    add(once, first, 0.0)
    time_s = 0.0
    for step in steps:
        time_s += step
        last = add(often, then, time_s)
    answer = add(once, then, time_s)
    assert last.probabilities["genuine"] == pytest.approx(answer.probabilities["genuine"], rel=1e-6)
    assert sum(last.probabilities.values()) == pytest.approx(1)


class TestMistakes:
    @pytest.mark.parametrize("time_s", [0.9, math.nan, math.inf, -math.inf])
    def test_time_must_not_go_backwards(self, time_s):
        smoother = Smoother(SHELF)
        add(smoother, 0.9, 1.0)
        with pytest.raises(VideoError, match=r"the times of frames must not go backwards, got .* after 1\.0 s"):
            add(smoother, 0.9, time_s)

    @pytest.mark.parametrize("tau_s", [-0.1, math.nan, math.inf, 3601])
    def test_the_time_constant_is_bounded(self, tau_s):
        with pytest.raises(VideoError, match="smoothing must take 0 to 3600 seconds, got "):
            Smoother(SHELF, tau_s=tau_s)

    def test_as_many_probabilities_as_labels(self):
        with pytest.raises(VideoError, match="must have 2 probabilities, got 3"):
            Smoother(SHELF).add(np.array([0.2, 0.3, 0.5]), 0.0)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(SHELF, id="one-label"),
        pytest.param(replace(SHELF, bona_fide=None).with_multi_label((0.5, 0.5)), id="several-labels"),
    ],
)
def test_a_frame_of_no_numbers_is_refused_and_changes_nothing(contract, wrong):
    smoother, untouched = Smoother(contract), Smoother(contract)
    for one in (smoother, untouched):
        add(one, 0.8, 0.0)
    with pytest.raises(VideoError, match=r"a frame's probabilities must be finite, got .*; leave it out"):
        smoother.add(np.array([wrong, 0.5]), 0.1)
    assert add(smoother, 0.4, 0.2) == add(untouched, 0.4, 0.2)


def test_an_unknown_score_that_is_no_number_is_refused():
    smoother = Smoother(replace(SHELF, bona_fide=None).with_unknown(Unknown(rule="energy", threshold=0.5)))
    with pytest.raises(VideoError, match=r"must be finite, got .* unknown nan"):
        smoother.add(np.array([0.5, 0.5]), 0.0, unknown=math.nan)
