"""Masks as the command line has them."""

from __future__ import annotations

import pytest

from edgekit.errors import DataError, EdgekitError
from edgekit.explain.options import Mask, ProbesConfig


@pytest.mark.parametrize(
    ("text", "size_wh", "edges"),
    [
        pytest.param("10,20,30,40", (100, 80), (10, 20, 40, 60), id="pixels"),
        pytest.param("0,0,100,80", (100, 80), (0, 0, 100, 80), id="all-of-it"),
        pytest.param("0.1,0.25,0.5,0.5", (100, 80), (10, 20, 60, 60), id="shares"),
        pytest.param("0,0,1,1.0", (100, 80), (0, 0, 100, 80), id="a-point-makes-shares"),
        pytest.param("0,0,1,1", (100, 80), (0, 0, 1, 1), id="without-a-point-pixels"),
        pytest.param("0.5,0.5,0.001,0.001", (100, 80), (50, 40, 51, 41), id="never-empty"),
        pytest.param(" 1, 2, 3, 4 ", (100, 80), (1, 2, 4, 6), id="spaces"),
    ],
)
def test_a_mask_lies_where_it_says(text, size_wh, edges):
    mask = Mask.parse(text)
    assert mask.edges_in(size_wh, name="a.jpg") == edges
    assert Mask.parse(str(mask)) == mask or "1.0" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("1,2,3", "x,y,w,h in pixels", id="three"),
        pytest.param("a,b,c,d", "got 'a,b,c,d'", id="words"),
        pytest.param("-1,0,5,5", "x,y,w,h in pixels", id="negative"),
        pytest.param("nan,0.1,0.1,0.1", "x,y,w,h in pixels", id="nan"),
        pytest.param("1,1,0,5", "a width and a height above 0", id="no-width"),
        pytest.param("0.5,0.5,0.6,0.1", "must lie in the photo", id="beyond"),
        pytest.param("0.5,1.5,0.1,0.1", "must lie in the photo", id="far-beyond"),
    ],
)
def test_what_is_no_mask_is_refused(text, message):
    with pytest.raises(EdgekitError, match=message):
        Mask.parse(text)


def test_a_mask_beyond_a_photo_names_it():
    with pytest.raises(DataError, match=r"got 90,0,20,20 for a\.jpg of 100x80 px"):
        Mask.parse("90,0,20,20").edges_in((100, 80), name="a.jpg")


@pytest.mark.parametrize(
    ("options", "message"), [({"per_class": 0}, "--per-class must be 1"), ({"cover": "fog"}, "got 'fog'")]
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(EdgekitError, match=message):
        ProbesConfig(**options)
