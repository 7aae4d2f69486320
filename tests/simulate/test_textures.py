"""Fields, tints and surfaces of simulated scenes."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.simulate.textures import (
    axes,
    cloth,
    foliage,
    fractal,
    plaster,
    shade,
    smooth_field,
    some_tint,
    tiles,
    wood,
)


def test_axes_span_the_picture_and_broadcast_to_it():
    x, y = axes((5, 3), reach=0.5)
    assert (x.shape, y.shape, (x + y).shape) == ((1, 5), (3, 1), (3, 5))
    assert (x[0, 0], x[0, -1], y[1, 0]) == (-0.5, 0.5, 0)


def test_a_tint_takes_from_blue_what_it_gives_to_red():
    for seed in range(20):
        red, green, blue = some_tint(np.random.default_rng(seed), 0.15)
        assert green == 1
        assert 0.85 <= red <= 1.15
        assert red + blue == pytest.approx(2)


def test_noise_fills_its_range_around_the_middle():
    noise = fractal(np.random.default_rng(0), (96, 64))
    assert noise.shape == (64, 96)
    assert 0 <= noise.min() < 0.2
    assert 0.8 < noise.max() <= 1
    assert abs(noise.mean() - 0.5) < 0.05


def test_a_smooth_field_has_no_steps():
    field = smooth_field(np.random.default_rng(0), (96, 64))
    assert field.shape == (64, 96)
    assert np.abs(np.diff(field, axis=1)).max() < 0.1


def test_shades_stay_within_eight_bits():
    assert shade((100, 200, 3), 2.0) == (200, 255, 6)
    assert shade((100, 200, 3), 0.0) == (0, 0, 0)


@pytest.mark.parametrize(
    "paint", [wood, cloth, foliage, tiles, lambda rng, size: plaster(rng, size, colour=(9, 99, 9))]
)
def test_surfaces_have_the_size_that_was_wanted_and_follow_from_chance(paint):
    one, again, other = (paint(np.random.default_rng(seed), (80, 60)) for seed in (1, 1, 2))
    assert (one.mode, one.size) == ("RGB", (80, 60))
    assert one.tobytes() == again.tobytes() != other.tobytes()
