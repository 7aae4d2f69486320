"""Where things stand in a chart."""

from __future__ import annotations

import pytest

from edgekit.report.drawing import Frame, across, upward

FRAME = Frame(width=400, height=300, left=50, right=50, top=50, bottom=50)


def texts(axis, wanted=5):
    return [tick.text for tick in axis.ticks(lambda value: f"{value:g}", wanted)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"], id="shares"),
        pytest.param(0, 7.3, ["0", "2", "4", "6"], id="milliseconds"),
        pytest.param(0.94, 1.0, ["0.94", "0.96", "0.98", "1"], id="a-narrow-range"),
        pytest.param(0, 1e-3, ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.001"], id="tiny"),
        pytest.param(0, 5e6, ["0", "1e+06", "2e+06", "3e+06", "4e+06", "5e+06"], id="huge"),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert texts(across(FRAME, low, high)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(2, 30, ["2", "5", "10", "20"], id="a-decade"),
        pytest.param(0.5, 5000, ["1", "10", "100", "1000"], id="four-decades"),
    ],
)
def test_log_ticks_are_round(low, high, expected):
    assert texts(across(FRAME, low, high, "log")) == expected


def test_axes_lie_in_their_frame():
    x, y = across(FRAME, 0, 10), upward(FRAME, 0, 10)
    assert (x(0), x(5), x(10)) == (50, 200, 350)
    assert (y(0), y(5), y(10)) == (250, 150, 50)
    log = across(FRAME, 1, 100, "log")
    assert (log(1), log(10), log(100)) == (50, 200, 350)
    deviate = upward(FRAME, 0.01, 0.99, "deviate")
    assert deviate(0.5) == 150
    # What no deviate is known of stays at the edge.
    assert (deviate(0.0), deviate(1.0)) == (250, 50)
