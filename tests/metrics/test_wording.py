from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest

from edgekit.metrics.intervals import Difference, Estimate
from edgekit.metrics.rates import Rate
from edgekit.metrics.wording import (
    interval,
    milliseconds,
    passing_said,
    percent,
    points,
    rate_interval,
    short_percent,
    signed_points,
    with_bounds,
)

# A share or an interval that is put together by hand: `{100 * share:.1f} %`, `({low:.1f}-{high:.1f})`.
BY_HAND = re.compile(r"\{100 \* [^}]*:\.?\d?[fg]\} %|:\.\d?f\}[-–]\{")


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, method="wilson")


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.9751, "97.5 %", id="a-share"),
        pytest.param(1.0, "100.0 %", id="all"),
        pytest.param(None, "–", id="nothing"),
        pytest.param(math.nan, "–", id="not-known"),
    ],
)
def test_a_percentage(share, expected):
    assert percent(share) == expected


def test_a_percentage_with_no_more_digits_than_it_needs():
    assert [short_percent(share) for share in (0.05, 0.0025, 0.95, 1)] == ["5 %", "0.25 %", "95 %", "100 %"]


@pytest.mark.parametrize(
    ("found", "options", "expected"),
    [
        pytest.param(estimate(0.852, 0.801, 0.897), {}, "85.2 % (80.1–89.7)", id="percent"),
        pytest.param(estimate(0.852, 0.801, 0.897), {"bare": True}, "85.2 (80.1–89.7)", id="the-title-says-percent"),
        pytest.param(estimate(0.9931, 0.98, 1.0), {"scale": 1.0}, "0.993 (0.980–1.000)", id="no-share"),
        pytest.param(estimate(0.852, math.nan, 0.897), {}, "85.2 %", id="without-bounds"),
        pytest.param(estimate(math.nan, 0.1, 0.2), {}, "–", id="not-known"),
        pytest.param(None, {}, "–", id="nothing"),
    ],
)
def test_an_interval(found, options, expected):
    assert interval(found, **options) == expected


def test_a_rate_is_said_with_its_interval_over_groups():
    photos, groups = estimate(0.5, 0.4, 0.6), estimate(0.5, 0.2, 0.8)
    over_both = Rate(errors=5, n=10, photos=photos, groups=3, grouped=groups)
    over_photos = Rate(errors=5, n=10, photos=photos, groups=0, grouped=None)
    assert rate_interval(over_both) == "50.0 % (20.0–80.0)"
    assert rate_interval(over_photos, bare=True) == "50.0 (40.0–60.0)"
    assert rate_interval(None) == "–"


def test_other_numbers_have_bounds_too():
    assert with_bounds(3.71, 3.52, 3.9) == "3.7 (3.5–3.9)"
    assert with_bounds(1.0123, 0.99, 1.03, digits=3) == "1.012 (0.990–1.030)"


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        pytest.param(3.71, None, "3.7 ms", id="short"),
        pytest.param(3.71, (3.52, 3.9), "3.7 ms (3.5–3.9)", id="with-bounds"),
        pytest.param(214.2, (209.9, 220.1), "214 ms (210–220)", id="long"),
        pytest.param(1900.0, (1850.0, 2100.0), "1.9 s (1.9–2.1)", id="bounds-have-the-unit-of-the-value"),
    ],
)
def test_a_latency(value, bounds, expected):
    assert milliseconds(value, bounds) == expected


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(None, "–", id="none"),
        pytest.param(Difference(value=0.012, low=-0.004, high=0.028), "+1.2 (−0.4 to +2.8)", id="both-ends"),
        pytest.param(Difference(value=-0.012, low=math.nan, high=math.nan), "−1.2", id="alone"),
        pytest.param(Difference(value=-0.0001, low=0, high=0.0004), "0.0 (0.0 to 0.0)", id="nothing"),
    ],
)
def test_a_difference_has_its_sign(found, said):
    assert signed_points(found) == said


def test_words_need_no_arrays():
    """``--help`` loads them."""
    code = "import sys, edgekit.metrics.wording; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nobody_else_puts_shares_and_intervals_together(repository):
    told = [repository / "edgekit" / folder for folder in ("audit", "cli", "evaluate", "figures", "report", "video")]
    files = sorted(file for folder in [*told, repository / "docs"] for file in folder.rglob("*.py"))
    found = [
        f"{file.relative_to(repository)}: {line.strip()}"
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if BY_HAND.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(("number", "said"), [(1, "1 point"), (1.0, "1 point"), (2.5, "2.5 points"), (0, "0 points")])
def test_points_have_their_number(number, said):
    assert points(number) == said


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        pytest.param(None, "", id="nobody-knows"),
        pytest.param(0.5, "", id="half"),
        pytest.param(0.817, "most unknown photos would still be accepted: 81.7 % of those here are.", id="most"),
    ],
)
def test_a_rule_that_catches_the_lesser_part_is_told(accepted, said):
    told = passing_said(accepted, "those here")
    assert told.startswith(said)
    assert bool(told) == bool(said)
