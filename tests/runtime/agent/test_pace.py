"""How long a device may be asked to time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.errors import EdgekitError
from edgekit.runtime.agent.pace import Pace

FAST = Pace(warmup_runs=1, warmup_s=0, min_runs=20, min_s=0, repeats=2, cold_starts=1)


@pytest.mark.parametrize("change", [{"min_runs": 1}, {"repeats": 101}, {"min_s": 3601}, {"cool_to_c": 900}])
def test_a_pace_out_of_range_is_refused(change):
    with pytest.raises(EdgekitError, match=next(iter(change))):
        replace(FAST, **change)
