"""Sheets of paper: uneven light, bends, fingers."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.simulate.paper import bend, uneven_light, with_fingers
from edgekit.simulate.strips import WHOLE

SIZE_WH = (120, 90)


def test_light_is_missing_by_no_more_than_asked_for():
    for seed in range(12):
        deep, none = (uneven_light(np.random.default_rng(seed), SIZE_WH, depth=depth)(WHOLE) for depth in (1.0, 0.0))
        assert deep.shape == (90, 120)
        assert deep.dtype == np.float32
        assert 0 < deep.min() < deep.max() <= 1
        assert (none == 1).all()


def test_a_sheet_bends_by_a_share_of_its_height():
    flat_columns, flat_rows = bend(np.random.default_rng(0), SIZE_WH, depth=0.0)(WHOLE)
    assert (flat_columns == np.arange(120)).all()
    assert (flat_rows == np.arange(90)[:, None]).all()
    _, rows = bend(np.random.default_rng(0), SIZE_WH, depth=0.1)(WHOLE)
    moved = np.abs(rows - np.arange(90)[:, None])
    assert 1 < moved.max() <= 0.1 * 90
    assert 0 <= rows.min() <= rows.max() <= 89


@pytest.mark.parametrize("seed", range(6))
def test_fingers_come_from_a_side_and_darken_what_is_beside_them(seed):
    paper = np.full((90, 120, 3), 0.8, np.float32)
    seen = with_fingers(np.random.default_rng(seed), paper.copy(), fingers=2, soft_px=1.0)
    assert seen.shape == paper.shape
    assert seen.min() >= 0
    changed = np.abs(seen - paper).max(axis=2) > 0.02
    assert 0.01 < changed.mean() < 0.7
    border = np.concatenate([changed[0], changed[-1], changed[:, 0], changed[:, -1]])
    assert border.any()
    # Skin is redder than paper.
    assert (seen[..., 0] - seen[..., 2]).max() > 0.03
