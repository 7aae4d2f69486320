"""What probes do to a photo."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the video extra")

from edgekit.explain import alter
from edgekit.explain.background import background_of
from edgekit.runtime.crops import Box


@pytest.fixture
def disc():
    """An orange disc of 40 px on a noisy green ground, 120x90 px."""
    noise = np.random.default_rng(5).integers(-12, 13, (90, 120, 3))
    y, x = np.mgrid[:90, :120]
    inside = (x - 60) ** 2 + (y - 45) ** 2 < 20**2
    pixels = np.where(inside[..., np.newaxis], (230, 130, 20), (40, 120, 60)) + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.fixture
def inside():
    y, x = np.mgrid[:90, :120]
    return (x - 60) ** 2 + (y - 45) ** 2 < 20**2


def levels(picture):
    return np.asarray(picture).astype(float)


CHANGES = {
    "grey": alter.greyed,
    "contrast": lambda photo: alter.contrasted(photo, 0.5),
    "blur": lambda photo: alter.softened(photo, 0.02),
    "downscale": lambda photo: alter.downscaled(photo, 4),
    "jpeg": lambda photo: alter.compressed(photo, 50),
    "parts": lambda photo: alter.parts_covered(photo, [Box(5, 5, 30, 30), Box(60, 20, 70, 40)], "blur"),
    "rest": lambda photo: alter.rest_covered(photo, [Box(5, 5, 30, 30), Box(60, 20, 70, 40)], "mean"),
    "overlay": lambda photo: alter.overlaid(photo, Image.new("RGB", (30, 30), "blue"), 0.25),
    "backdrop": lambda photo: alter.rebacked(photo, Image.new("RGB", (30, 30), "blue")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_gives_a_new_photo_of_the_same_size_again_and_again(disc, name):
    before = disc.copy()
    found = [CHANGES[name](disc) for _ in range(2)]
    assert found[0].size == disc.size
    assert found[0].mode == "RGB"
    assert np.array_equal(*map(levels, found))
    assert not np.array_equal(levels(found[0]), levels(disc))
    assert np.array_equal(levels(disc), levels(before))


def test_grey_has_no_colour(disc):
    assert np.ptp(levels(alter.greyed(disc)), axis=2).max() == 0


def test_contrast_moves_levels_from_the_mean(disc):
    spread = [levels(alter.contrasted(disc, factor)).std() for factor in (0.5, 1.0, 1.5)]
    assert spread[0] == pytest.approx(spread[1] / 2, rel=0.1)
    assert spread[2] > 1.2 * spread[1]


def test_blur_and_size_take_the_noise(disc):
    def noise(picture):
        return levels(picture)[2:20, 2:20].std(axis=(0, 1)).mean()

    assert noise(alter.softened(disc, 0.025)) < noise(alter.softened(disc, 0.01)) < 0.8 * noise(disc)
    assert noise(alter.downscaled(disc, 4)) < noise(alter.downscaled(disc, 2)) < 0.8 * noise(disc)


def test_a_thing_is_told_from_its_background(disc, inside):
    background = background_of(np.asarray(disc))
    assert background is not None
    assert (background == ~inside).mean() > 0.97


@pytest.mark.parametrize("colour", [(120, 120, 120), (0, 0, 0)])
def test_of_one_colour_no_thing_can_be_told(colour):
    assert background_of(np.full((60, 80, 3), colour, np.uint8)) is None


def test_another_backdrop_leaves_the_thing(disc, inside):
    found = levels(alter.rebacked(disc, Image.new("RGB", (200, 50), (20, 20, 220))))
    away = np.zeros_like(inside)
    away[:10] = away[-10:] = True
    assert np.abs(found - levels(disc))[45, 60].max() == 0
    assert found[away].mean(axis=0) == pytest.approx((20, 20, 220), abs=4)
    assert alter.rebacked(Image.new("RGB", (60, 60)), disc) is None


def test_an_overlay_mixes_levels():
    mixed = alter.overlaid(Image.new("RGB", (20, 20), (200, 0, 0)), Image.new("RGB", (9, 30), (0, 100, 0)), 0.25)
    assert levels(mixed)[10, 10] == pytest.approx((150, 25, 0), abs=1)


def test_the_rest_of_a_photo_is_covered_and_its_parts_are_not(disc):
    parts = [Box(5, 5, 30, 30), Box(20, 20, 70, 40)]
    hidden, rest = (np.asarray(change(disc, parts, "mean")) for change in (alter.parts_covered, alter.rest_covered))
    inside = np.zeros(hidden.shape[:2], bool)
    for part in parts:
        inside[part.top : part.bottom, part.left : part.right] = True
    pixels, mean = np.asarray(disc), rest[0, 0]
    assert (rest[inside] == pixels[inside]).all()
    assert (rest[~inside] == mean).all()
    assert (hidden[~inside] == pixels[~inside]).all()
    assert (hidden[inside] == mean).all()
    assert alter.rest_covered(disc, [Box(0, 0, *disc.size)], "mean") is None
