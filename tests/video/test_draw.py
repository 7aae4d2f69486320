"""The picture with its verdict."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.runtime import YuvFrame
from edgekit.runtime.crops import Box
from edgekit.video.draw import ATTACK, GENUINE, NEUTRAL, UNSURE, colour_of, draw_verdict


@pytest.mark.parametrize(
    ("label", "bona_fide", "colour"),
    [
        ("genuine", "genuine", GENUINE),
        ("recapture", "genuine", ATTACK),
        ("retake", "genuine", UNSURE),
        ("unknown", None, UNSURE),
        ("cat", None, NEUTRAL),
    ],
)
def test_colours(label, bona_fide, colour):
    assert colour_of(label, bona_fide) == colour


def test_boxes_lie_on_their_outermost_pixels(plain_photo):
    photo = plain_photo(0, 0, 0)
    drawn = draw_verdict(photo, "genuine", [Box(10, 30, 50, 50)], GENUINE)
    assert (drawn.shape, drawn.dtype) == (photo.shape, np.uint8)
    for y, x in ((30, 10), (30, 49), (49, 10), (49, 49)):
        assert tuple(drawn[y, x]) == GENUINE
    for y, x in ((29, 10), (30, 50), (50, 10), (31, 11)):
        assert tuple(drawn[y, x]) == (0, 0, 0)
    assert not photo.any(), "the frame itself stays as it was"


def test_there_is_text_on_the_band(plain_photo):
    empty, written = (draw_verdict(plain_photo(9, 9, 9), line, [], ATTACK) for line in ("", "recapture  97.3 %"))
    assert tuple(empty[0, 0]) == tuple(written[0, 0]) == ATTACK
    assert (empty != written).any(axis=2).sum() > 30


def test_a_cameras_frame_is_drawn_upright():
    y, chroma = np.full((48, 64), 76, np.uint8), np.full((24, 32), 128, np.uint8)
    frame = YuvFrame(y=y, u=chroma, v=chroma, rotation=90)
    drawn = draw_verdict(frame, "", [], GENUINE)
    assert drawn.shape == (64, 48, 3)
    assert tuple(drawn[-1, -1]) == (76, 76, 76)
