from __future__ import annotations

import math

import pytest

from edgekit.convert.options import ConvertConfig
from edgekit.errors import RunError


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(ConvertConfig, {"max_drop": -0.1}, RunError, "max_drop must lie", id="negative-drop"),
        pytest.param(ConvertConfig, {"max_drop": 100.1}, RunError, "max_drop must lie", id="drop-over-100"),
        pytest.param(ConvertConfig, {"max_drop": math.nan}, RunError, "max_drop must lie", id="nan-drop"),
        pytest.param(
            ConvertConfig, {"stage": "qat", "precision": "float16"}, RunError, "trained for int8", id="qat-as-float16"
        ),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**options)
