from __future__ import annotations

import pytest
from folded import write_crossval


@pytest.fixture
def crossval(tmp_path):
    """``crossval("name", {("float", 5): classes}, latency={5: 20.0})``: the folder of a cross-validation."""
    return lambda name, answers, **how: write_crossval(tmp_path / name, answers, **how)
