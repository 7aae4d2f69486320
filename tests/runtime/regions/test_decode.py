"""Outputs to boxes, and of overlapping boxes one; worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgekit.runtime.regions.anchors import AnchorGrid
from edgekit.runtime.regions.decode import Detections, decode_rows, suppress

# Four anchors, in the middles of four cells of 50 px.
GRID = AnchorGrid(side_px=100, strides=((50, 1),))


def rows(**changes: list[float]) -> np.ndarray:
    """Rows for four anchors, each a box of 20 by 10 px at its anchor, all points there, too."""
    found = np.zeros((4, 16), np.float32)
    found[:, 2:4] = 20, 10
    for name, values in changes.items():
        found[int(name[1:]), : len(values)] = values
    return found


def decode(logits: list[float], least: float = 0.5, **changes: list[float]) -> Detections:
    return decode_rows(rows(**changes), np.array(logits, np.float32), GRID, least_score=least)


def test_a_row_is_in_pixels_from_its_anchor():
    found = decode([-9, 0.5, -9, -9], r1=[5, -10, 30, 20, 1, 2, -3, -4])
    np.testing.assert_allclose(found.scores, [1 / (1 + math.exp(-0.5))])
    # The anchor lies at 75, 25; the box's middle at 80, 15.
    np.testing.assert_allclose(found.boxes, [[0.65, 0.05, 0.95, 0.25]], atol=1e-6)
    np.testing.assert_allclose(found.points[0, :3], [[0.76, 0.27], [0.72, 0.21], [0.75, 0.25]], atol=1e-6)


@pytest.mark.parametrize(
    ("logits", "changes", "kept"),
    [
        pytest.param([1, -1, 1, -1], {}, 2, id="a-half-is-the-limit"),
        pytest.param([0, 0, 0, 0], {}, 4, id="at-the-limit"),
        pytest.param([1e30, -1e30, 1000, -1000], {}, 2, id="neither-overflows"),
        pytest.param([math.nan, 1, 1, 1], {}, 3, id="a-score-that-is-none"),
        pytest.param([1] * 4, {"r0": [math.nan], "r1": [0, 0, math.inf]}, 2, id="a-box-that-is-none"),
        pytest.param([1] * 4, {"r0": [0, 0, 0, 5], "r3": [0, 0, 5, -1]}, 2, id="without-an-area"),
    ],
)
def test_what_is_left_out(logits, changes, kept):
    found = decode(logits, **changes)
    assert len(found.scores) == len(found.boxes) == len(found.points) == kept
    assert ((found.scores >= 0.5) & (found.scores <= 1)).all()


def test_boxes_leave_the_picture_by_its_side_at_most():
    found = decode([1, -9, -9, -9], r0=[0, 0, 1e30, 1e30])
    np.testing.assert_array_equal(found.boxes, [[-1, -1, 2, 2]])


def detections(*boxes: tuple[float, float, float, float, float]) -> Detections:
    """Boxes of left, top, right, bottom, score; each point is the box's upper left corner."""
    values = np.array(boxes, np.float64).reshape(-1, 5)
    points = np.repeat(values[:, np.newaxis, :2], 6, axis=1)
    return Detections(boxes=values[:, :4], points=points, scores=values[:, 4])


def test_overlapping_boxes_are_joined_by_their_scores():
    found = suppress(detections((0, 0, 10, 10, 0.6), (2, 0, 12, 10, 0.9), (50, 50, 60, 60, 0.7)), iou=0.3, most=9)
    # Intersection 80, union 120. The surest comes first and keeps its score; edges are means by score.
    np.testing.assert_allclose(found.boxes, [[1.2, 0, 11.2, 10], [50, 50, 60, 60]])
    np.testing.assert_allclose(found.points[0], [[1.2, 0]] * 6)
    assert found.scores.tolist() == [0.9, 0.7]


@pytest.mark.parametrize(
    ("iou", "left"), [pytest.param(0.66, 1, id="more-than-the-limit"), pytest.param(2 / 3, 2, id="at-the-limit")]
)
def test_only_what_overlaps_by_more_is_joined(iou, left):
    assert len(suppress(detections((0, 0, 10, 10, 0.6), (2, 0, 12, 10, 0.9)), iou=iou, most=9).scores) == left


def test_a_chain_is_joined_to_its_surest_alone():
    chain = detections((0, 0, 10, 10, 0.5), (4, 0, 14, 10, 0.9), (8, 0, 18, 10, 0.6), (12, 0, 22, 10, 0.8))
    found = suppress(chain, iou=0.3, most=9)
    # The surest takes its two neighbours; what overlaps only these stays.
    assert found.scores.tolist() == [0.9, 0.8]


def test_of_equal_scores_the_first_row_comes_first_and_the_surest_are_kept():
    same = detections((0, 0, 1, 1, 0.7), (5, 5, 6, 6, 0.7), (9, 9, 10, 10, 0.8))
    np.testing.assert_array_equal(suppress(same, iou=0.3, most=2).boxes, [[9, 9, 10, 10], [0, 0, 1, 1]])


def test_of_nothing_nothing_is_left():
    found = suppress(detections(), iou=0.3, most=3)
    assert (found.boxes.shape, found.points.shape, found.scores.shape) == ((0, 4), (0, 6, 2), (0,))


def test_an_overlap_of_all_of_it_is_itself():
    # With a limit of 1 nothing overlaps by more, not even a box itself: it must end all the same.
    assert len(suppress(detections((0, 0, 1, 1, 0.7), (0, 0, 1, 1, 0.7)), iou=1.0, most=9).scores) == 2
