"""Ink dots on paper."""

import numpy as np
import pytest

from edgekit.simulate.halftone import clustered_thresholds, dispersed_thresholds, lay_ink


@pytest.mark.parametrize("level", [30, 128, 225])
@pytest.mark.parametrize(
    "thresholds", [clustered_thresholds(6), (dispersed_thresholds(),) * 4], ids=["offset", "inkjet"]
)
def test_ink_covers_what_the_tone_asks_for(level, thresholds):
    coverage = np.zeros((408, 408, 4), np.uint8)
    coverage[..., 3] = level
    dots = np.asarray(lay_ink(coverage, thresholds=thresholds))[..., 0]
    assert set(np.unique(dots)) <= {8, 255}
    assert (dots == 8).mean() == pytest.approx(level / 255, abs=0.02)
