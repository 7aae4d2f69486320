"""Ink dots on paper."""

import numpy as np
import pytest

from edgekit.simulate.halftone import clustered_thresholds, dispersed_thresholds, inked, lay_ink


@pytest.mark.parametrize("level", [30, 128, 225])
@pytest.mark.parametrize("thresholds", [clustered_thresholds(6)[3], dispersed_thresholds()], ids=["offset", "inkjet"])
def test_ink_covers_what_the_tone_asks_for(level, thresholds):
    dots = np.zeros((408, 408), np.uint8)
    lay_ink(dots, np.full((408, 408), level, np.uint8), 3, thresholds=thresholds)
    seen = np.asarray(inked(dots))[..., 0]
    assert set(np.unique(seen)) <= {8, 255}
    assert (seen == 8).mean() == pytest.approx(level / 255, abs=0.02)
