"""What numbers in records may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from edgekit.bounds import Counted, NoLess, Share
from edgekit.errors import RunError
from edgekit.records import from_plain


@dataclass(frozen=True, kw_only=True)
class Numbers:
    accuracy: Share = 0.0
    seconds: NoLess = 0.0
    photos: Counted = 0
    eer: Share | None = None
    risk: tuple[Share, ...] = ()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        pytest.param({"accuracy": 1}, "", id="all"),
        pytest.param({"accuracy": 1 + 1e-9}, "", id="a-sum-of-floats"),
        pytest.param({"accuracy": None}, "", id="nobody-can-tell"),
        pytest.param({"accuracy": 1.01}, r"numbers: accuracy must be 0 to 1, got 1\.01", id="above-all"),
        pytest.param({"accuracy": -0.01}, "accuracy must be 0 to 1", id="below-nothing"),
        pytest.param({"seconds": 1e300}, "", id="long"),
        pytest.param({"seconds": -1}, r"seconds must be 0 or more, got -1\.0", id="before-it-began"),
        pytest.param({"photos": -1}, "photos must be 0 or more, got -1", id="fewer-than-none"),
        pytest.param({"photos": 1.5}, "photos must be int", id="half-a-photo"),
        pytest.param({"eer": None}, "", id="none"),
        pytest.param({"eer": 2.0}, "eer must be 0 to 1", id="optional"),
        pytest.param({"risk": [0.1, 7]}, r"risk\[1\] must be 0 to 1, got 7\.0", id="one-of-many"),
    ],
)
def test_numbers_of_records(given, complaint):
    if complaint:
        with pytest.raises(RunError, match=complaint):
            from_plain(Numbers, given, where="numbers")
        return
    found = from_plain(Numbers, given, where="numbers")
    ((name, value),) = given.items()
    assert getattr(found, name) == value or (value is None and math.isnan(getattr(found, name) or math.nan))
