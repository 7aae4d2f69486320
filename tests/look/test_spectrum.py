"""Spectra: numbers that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import DataError
from edgekit.look.colours import blurred
from edgekit.look.spectrum import power_spectrum, radial_profile, whitened


@pytest.mark.parametrize("period", [4, 8, 10])
def test_a_lattice_stands_as_a_peak_where_its_period_says(period, lattice):
    power = power_spectrum(lattice(period), side_px=160)
    row, column = np.unravel_index(np.argmax(whitened(power)), power.shape)
    assert abs(row - 80) <= 1
    assert abs(abs(column - 80) - 160 / period) <= 1
    assert whitened(power).max() > 12


def test_blur_takes_high_frequencies_and_a_turned_photo_turns_its_spectrum(lattice):
    picture = lattice(4)
    before = radial_profile(power_spectrum(picture), 16)
    after = radial_profile(power_spectrum(blurred(picture, 3)), 16)
    assert (before[8:] - after[8:]).min() > 15
    one, other = (power_spectrum(p, side_px=128) for p in (picture.crop((0, 0, 128, 128)),
                  picture.crop((0, 0, 128, 128)).transpose(Image.Transpose.TRANSPOSE)))  # fmt: skip
    np.testing.assert_allclose(one, other.T, rtol=1e-6, atol=1e-6)


def test_a_photo_too_small_for_a_spectrum_is_refused():
    with pytest.raises(DataError, match="at least 16x16 px, got 12x200"):
        power_spectrum(Image.new("RGB", (12, 200)))
