"""Gradient ascent on a network whose filters are known."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures.networks import GREEN, NOTHING, RED, tiny_subject

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.explain.ascent import dream, excite
from edgekit.explain.float_network import FloatNetwork
from edgekit.explain.options import DreamConfig, ExciteConfig
from edgekit.train.keras2 import keras

pytestmark = [pytest.mark.host, pytest.mark.slow]

# A picture so small climbs slowly at the usual rate.
QUICK = ExciteConfig(steps=60, rate=0.5, jitter_px=2)


@pytest.fixture(scope="module")
def subject():
    return tiny_subject()


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(90, 160, (40, 72, 3), dtype=np.uint8)


@pytest.mark.parametrize("layer", ["colours", "seen"])
@pytest.mark.parametrize("number", [RED, GREEN])
def test_a_filter_gets_its_colour(subject, layer, number):
    picture, before, after = excite(subject, layer, number, QUICK)
    assert (picture.shape, picture.dtype) == ((16, 16, 3), np.uint8)
    means = picture.reshape(-1, 3).mean(axis=0)
    assert np.argmax(means) == number
    # The best that there is: one colour at its largest, the others at their smallest.
    assert before < 0.3 < after <= 2.0


def test_a_unit_of_a_vector_is_a_filter_too(subject):
    _, before, after = excite(subject, "mean", RED, QUICK)
    assert after > before


def test_the_seed_decides(subject):
    first, again, other = (
        excite(subject, "colours", RED, ExciteConfig(steps=5, jitter_px=2, seed=seed))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


@pytest.mark.parametrize(
    ("layer", "number", "message"),
    [
        pytest.param("seen", 3, "seen has the filters 0 to 2, got 3", id="number"),
        pytest.param("sen", 0, r"did you mean 'seen'\?", id="layer"),
        pytest.param("colours", NOTHING, "doesn't answer to any of 5 pictures", id="no-weights"),
    ],
)
def test_what_can_not_be_excited_is_refused(subject, layer, number, message):
    with pytest.raises(RunError, match=message):
        excite(subject, layer, number, QUICK)


def test_a_dream_has_more_of_what_the_layer_sees(subject, photo):
    quick = DreamConfig(octaves=2, steps=4, jitter_px=4)
    found, again = (dream(subject, "colours", photo, quick) for _ in range(2))
    np.testing.assert_array_equal(found, again)
    assert (found.shape, found.dtype) == (photo.shape, np.uint8)
    # Grey says nothing to these filters, so colours part.
    assert np.ptp(found.astype(int), axis=2).mean() > np.ptp(photo.astype(int), axis=2).mean() + 2


def test_a_large_photo_is_dreamt_of_smaller(subject, photo):
    found = dream(subject, "colours", photo, DreamConfig(octaves=1, steps=1, jitter_px=4, longest_px=64))
    assert found.shape == (36, 64, 3)


def test_a_layer_without_an_area_has_no_dream(subject, photo):
    with pytest.raises(RunError, match=r"mean has no area, got the shape \[3\]"):
        dream(subject, "mean", photo, DreamConfig())


def test_a_photo_without_an_area_at_the_layer_has_no_dream(photo):
    pixels = keras.Input((16, 16, 3))
    shrunk = keras.layers.Conv2D(2, 3, strides=2, name="first")(pixels)
    network = keras.Model(pixels, keras.layers.Conv2D(2, 3, name="second")(shrunk))
    subject = FloatNetwork(name="runs/valid", network=network, weights_sha256="0" * 64)
    quick = DreamConfig(octaves=2, octave_scale=2, steps=1, jitter_px=1)
    assert dream(subject, "second", photo[:14, :14], quick).shape == (14, 14, 3)
    for side in (12, 4):
        with pytest.raises(RunError, match=f"second must have an area .* {side // 2}x{side // 2} px of a photo of"):
            dream(subject, "second", photo[:side, :side], quick)
