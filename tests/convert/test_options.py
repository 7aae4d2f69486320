from __future__ import annotations

import pytest

from edgekit.convert.options import ConvertConfig
from edgekit.errors import RunError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"max_drop": -0.1}, "must lie in 0 to 100 points, got -0.1", id="below"),
        pytest.param({"max_drop": 101}, "must lie in 0 to 100 points, got 101", id="above"),
        pytest.param({"max_drop": float("nan")}, "must lie in 0 to 100 points", id="nan"),
        pytest.param({"stage": "qat", "precision": "float16"}, "trained for int8, got float16", id="qat-of-floats"),
    ],
)
def test_what_can_not_be_converted_is_refused(change, message):
    with pytest.raises(RunError, match=message):
        ConvertConfig(**change)
