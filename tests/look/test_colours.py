"""Histograms of colour and luminance."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.look.colours import histograms


def test_histograms_are_shares_of_each_channel(plain_photo):
    shares = histograms(Image.fromarray(plain_photo(255, 0, 7)))
    assert [int(row.argmax()) for row in shares] == [255, 0, 7, 77]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
