"""Colours that can be told apart, and that can be read on what they stand on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgekit.look.colours import to_linear
from edgekit.look.palette import distinct_colours, to_oklab

FIRST = ("#0072b2", "#d55e00", "#000000")


def luminance(colour):
    """Relative luminance by WCAG 2."""
    return to_linear(np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(("number", "apart"), [(2, 0.2), (12, 0.1), (40, 0.05), (100, 0.03)])
def test_none_comes_twice_and_all_are_apart(number, apart):
    colours = distinct_colours(number, FIRST)
    assert colours[:3] == FIRST[:number]
    assert len(set(colours)) == number
    nearest = min(np.linalg.norm(to_oklab(one) - to_oklab(two)) for one, two in itertools.combinations(colours, 2))
    assert nearest >= apart


@pytest.mark.parametrize(
    ("lightness", "background"),
    [pytest.param((0.3, 0.54), 1.0, id="on white"), pytest.param((0.7, 0.9), 0.014, id="on a dark panel")],
)
def test_text_in_them_can_be_read(lightness, background):
    for colour in distinct_colours(60, lightness=lightness):
        light, dark = sorted((luminance(colour), background), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour


def test_oklab_is_that_of_its_author():
    # https://bottosson.github.io/posts/oklab: sRGB's red.
    assert to_oklab("#ff0000") == pytest.approx([0.6279554, 0.2248631, 0.1258463], abs=1e-4)
