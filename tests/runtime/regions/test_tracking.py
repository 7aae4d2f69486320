"""Identities from frame to frame, and a steady answer for each."""

from __future__ import annotations

import math

import pytest

from edgekit.contract import Contract, CropPlan
from edgekit.errors import VideoError
from edgekit.runtime import Region, RegionsVerdict, RegionVerdict, Verdict
from edgekit.runtime.crops import Box
from edgekit.runtime.regions.tracking import KEPT_S, LEAST_OVERLAP, Tracker, overlap
from edgekit.runtime.timing import Milliseconds

CONTRACT = Contract(
    name="who", labels=("anna", "ben"), side_px=8, plan=CropPlan(), precision="float32", model_sha256="0" * 64
)
NO_TIME = Milliseconds(decode_ms=0, crop_ms=0, invoke_ms=0, vote_ms=0)


def frame(*faces: tuple[int, int, float]) -> RegionsVerdict:
    """Faces of 100 px at a place, each with Anna's probability."""
    found = []
    for left, top, anna in faces:
        region = Region(
            box=Box(left, top, left + 100, top + 100), score=0.9, middle_xy=(2 * left + 100, 2 * top + 100), side_px=100
        )
        verdict = Verdict(
            label="anna" if anna > 0.5 else "ben",
            score=max(anna, 1 - anna),
            probabilities={"anna": anna, "ben": 1 - anna},
            crops=(),
            ms=NO_TIME,
        )
        found.append(RegionVerdict(region=region, verdict=verdict))
    return RegionsVerdict(thing="face", size_wh=(640, 480), regions=tuple(found), decode_ms=0, detect_ms=0)


def numbers(tracker: Tracker, time_s: float, *faces: tuple[int, int, float]) -> list[int]:
    return [one.number for one in tracker.add(frame(*faces), time_s)]


def test_who_moves_keeps_a_number_and_who_comes_gets_the_next():
    tracker = Tracker(CONTRACT)
    assert numbers(tracker, 0.0, (0, 0, 0.9), (300, 0, 0.1)) == [1, 2]
    # The detector tells them in another order.
    assert numbers(tracker, 0.1, (320, 10, 0.1), (20, 0, 0.9)) == [2, 1]
    assert numbers(tracker, 0.2, (0, 300, 0.9), (20, 0, 0.9), (330, 10, 0.1)) == [3, 1, 2]


def test_the_larger_overlap_is_matched_first():
    tracker = Tracker(CONTRACT)
    numbers(tracker, 0.0, (0, 0, 0.5), (60, 0, 0.5))
    # The first box overlaps both; it is nearer to the second, which leaves the first to the other.
    assert numbers(tracker, 0.1, (45, 0, 0.5), (10, 0, 0.5)) == [2, 1]


@pytest.mark.parametrize(
    ("moved", "same"), [pytest.param(53, True, id="just-enough"), pytest.param(55, False, id="too-far")]
)
def test_what_overlaps_too_little_is_another(moved, same):
    assert (overlap(Box(0, 0, 100, 100), Box(moved, 0, 100 + moved, 100)) >= LEAST_OVERLAP) == same
    tracker = Tracker(CONTRACT)
    numbers(tracker, 0.0, (0, 0, 0.5))
    assert (numbers(tracker, 0.1, (moved, 0, 0.5)) == [1]) == same


def test_who_is_hidden_for_a_moment_comes_back():
    tracker = Tracker(CONTRACT)
    assert numbers(tracker, 0.0, (0, 0, 0.9)) == [1]
    assert numbers(tracker, 0.5) == []
    assert numbers(tracker, KEPT_S, (0, 0, 0.9)) == [1]
    assert numbers(tracker, KEPT_S + 1.01 * KEPT_S, (0, 0, 0.9)) == [2]


def test_each_has_an_answer_of_its_own_that_one_frame_does_not_change():
    tracker = Tracker(CONTRACT, tau_s=0.5)
    for step in range(10):
        tracker.add(frame((0, 0, 0.9), (300, 0, 0.1)), step / 10)
    anna, ben = tracker.add(frame((0, 0, 0.2), (300, 0, 0.1)), 1.0)
    assert (anna.seen.verdict.label, anna.steady.label, ben.steady.label) == ("ben", "anna", "ben")
    assert ben.steady.probabilities["ben"] == pytest.approx(0.9)


@pytest.mark.parametrize("time_s", [0.9, math.nan])
def test_times_must_not_go_backwards(time_s):
    tracker = Tracker(CONTRACT)
    tracker.add(frame(), 1.0)
    with pytest.raises(VideoError, match="the times of frames must not go backwards"):
        tracker.add(frame(), time_s)


def test_smoothing_out_of_range_is_refused_at_once():
    with pytest.raises(VideoError, match="smoothing must take"):
        Tracker(CONTRACT, tau_s=-1)


def test_boxes_without_an_area_overlap_nothing():
    assert overlap(Box(5, 5, 5, 5), Box(5, 5, 5, 5)) == 0
    assert overlap(Box(0, 0, 2, 2), Box(9, 9, 11, 11)) == 0
    assert overlap(Box(0, 0, 2, 2), Box(0, 0, 2, 2)) == 1
