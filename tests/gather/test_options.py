"""What may be asked of imports and sessions."""

from __future__ import annotations

import pytest

from edgekit.errors import DataError
from edgekit.gather.options import CollectConfig, ImportConfig, safe_name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"label": "a/b"}, "a label is also a folder", id="slash"),
        pytest.param({"label": ".."}, "a label is also a folder", id="dots"),
        pytest.param({"label": "con"}, "a label is also a folder", id="device"),
        pytest.param({"window_ms": 2000}, "window_ms must be 0 to every_ms", id="window"),
        pytest.param({"near_bits": 30}, "near_bits must be 0 to 12", id="bits"),
        pytest.param({"notes": (("path", "x"),)}, "one value each for some of", id="column"),
    ],
)
def test_imports_that_cannot_be(options, message):
    with pytest.raises(DataError, match=message):
        ImportConfig(**options)


def test_safe_names():
    assert safe_name("Google Pixel 8/../x\0") == "Google Pixel 8_.._x_"
    assert safe_name("..") == ""
    assert safe_name("NUL.txt") == "NUL.txt_"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"split": (80, 30)}, "make 100, got 80:30", id="sum"),
        pytest.param({"split": (100,)}, "two or three percentages", id="one"),
        pytest.param({"split": (100, 0)}, "two or three percentages", id="none"),
        pytest.param({"group": ""}, "a session needs a group", id="no-group"),
        pytest.param({"group": "../x"}, "a group is also a folder", id="outside"),
        pytest.param({"min_sharpness": float("nan")}, "min_sharpness must be 0 or more", id="nan"),
        pytest.param({"count": 0}, "count must be 1", id="count"),
    ],
)
def test_sessions_that_cannot_be(changes, message):
    with pytest.raises(DataError, match=message):
        CollectConfig(**{"label": "genuine", "group": "anna", "every_ms": 200, **changes})
