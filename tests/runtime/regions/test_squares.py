"""Squares around what was found, and their pixels, by integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import RegionPlan
from edgekit.errors import PhotoError
from edgekit.runtime import YuvFrame
from edgekit.runtime.crops import Box, shrink
from edgekit.runtime.photo import as_photo
from edgekit.runtime.regions.squares import ONE, Region, region_of, region_photo

SIZE_WH = (300, 200)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).integers(0, 256, (SIZE_WH[1], SIZE_WH[0], 3), dtype=np.uint8)


def plan(**changes) -> RegionPlan:
    return RegionPlan(detector="blazeface-short", detector_sha256="0" * 64, **changes)


def square(left: int, top: int, side: int, **turn) -> Region:
    """A region whose square, upright, has this left, top and side."""
    return Region(box=Box(0, 0, 1, 1), score=1.0, middle_xy=(2 * left + side, 2 * top + side), side_px=side, **turn)


def of(box, *, eyes=((0, 0), (10, 0)), **changes):
    points = np.zeros((6, 2))
    points[:2] = eyes
    return region_of(np.array(box, np.float64), points, 0.75, SIZE_WH, plan(**changes))


class TestRegionOf:
    def test_the_square_is_around_the_longer_side_with_its_margin(self):
        found = of((100.4, 50, 140.4, 100), margin=0.25)
        assert found == Region(box=Box(100, 50, 141, 100), score=0.75, middle_xy=(241, 150), side_px=75, cos=ONE, sin=0)

    def test_the_box_is_cut_at_the_edges_and_the_square_is_not(self):
        found = of((-20, -10, 60, 70), margin=0.0)
        assert (found.box, found.middle_xy, found.side_px) == (Box(0, 0, 60, 70), (40, 60), 80)

    @pytest.mark.parametrize(
        ("box", "changes"),
        [
            pytest.param((100, 50, 123, 60), {}, id="smaller-than-24-px"),
            pytest.param((100, 50, 123, 60), {"least_px": 24}, id="said-so"),
            pytest.param((100, 50, 107, 57), {"least_px": 1, "margin": 0.0}, id="a-square-smaller-than-a-photo"),
            pytest.param((-60, 0, 20, 80), {}, id="middle-left-of-the-photo"),
            pytest.param((280, 0, 320, 40), {}, id="middle-at-the-right-edge"),
            pytest.param((0, 180, 40, 260), {}, id="middle-below-the-photo"),
        ],
    )
    def test_what_is_no_region(self, box, changes):
        assert of(box, **changes) is None

    @pytest.mark.parametrize(
        ("eyes", "degrees"),
        [
            pytest.param(((0, 0), (10, 0)), 0, id="level"),
            pytest.param(((0, 0), (10, 10)), 45, id="clockwise"),
            pytest.param(((0, 10), (10, 0)), -45, id="counter-clockwise"),
            pytest.param(((10, 0), (0, 0)), 180, id="upside-down"),
            pytest.param(((5, 5), (5, 5)), 0, id="on-one-spot"),
        ],
    )
    def test_eyes_turn_the_square(self, eyes, degrees):
        found = of((100, 50, 140, 90), eyes=eyes, align="eyes")
        angle = math.radians(degrees)
        assert (found.cos, found.sin) == (round(ONE * math.cos(angle)), round(ONE * math.sin(angle)))
        assert (of((100, 50, 140, 90), eyes=eyes).cos, of((100, 50, 140, 90), eyes=eyes).sin) == (ONE, 0)


class TestUpright:
    def test_inside_it_is_what_is_there(self, pixels):
        found = region_photo(as_photo(pixels), square(30, 40, 50), None)
        assert (found.size_wh, found.shrink) == ((50, 50), 1)
        np.testing.assert_array_equal(found.picture, pixels[40:90, 30:80])

    @pytest.mark.parametrize("place", [(-20, -10), (270, 170), (-20, 170), (280, -30)])
    def test_beyond_the_edges_they_are_repeated(self, pixels, place):
        left, top = place
        around = np.pad(pixels, ((100, 100), (100, 100), (0, 0)), mode="edge")
        found = region_photo(as_photo(pixels), square(left, top, 60), None)
        np.testing.assert_array_equal(found.picture, around[top + 100 : top + 160, left + 100 : left + 160])

    def test_a_square_larger_than_the_photo(self, pixels):
        found = region_photo(as_photo(pixels), square(-100, -100, 500), None)
        np.testing.assert_array_equal(found.picture, np.pad(pixels, ((100, 200), (100, 100), (0, 0)), mode="edge"))

    def test_it_is_halved_as_a_photo_is(self, pixels):
        found = region_photo(as_photo(pixels), square(33, 47, 131), 64)
        # Blocks begin at the photo's corner, and the side is cut to a multiple.
        assert (found.size_wh, found.shrink) == ((130, 130), shrink((131, 131), 64))
        blocks = np.asarray(Image.fromarray(pixels).reduce(2))
        np.testing.assert_array_equal(found.picture, blocks[23 : 23 + 65, 16 : 16 + 65])

    def test_arrays_images_and_frames_are_cut_alike(self, pixels):
        yuv = YuvFrame.from_buffer(np.full(300 * 200 * 3 // 2, 90, np.uint8), SIZE_WH, "nv21")
        whole = np.asarray(yuv.cut(Box(0, 0, *SIZE_WH)))
        for turn in ({}, {"cos": ONE * 4 // 5, "sin": ONE * 3 // 5}):
            region = square(-9, 100, 120, **turn)
            image, array = (region_photo(as_photo(one), region, 32) for one in (Image.fromarray(pixels), pixels))
            np.testing.assert_array_equal(image.picture, array.picture)
            frame, same = (region_photo(as_photo(one), region, 32) for one in (yuv, whole))
            np.testing.assert_array_equal(frame.picture, same.picture)


class TestTurned:
    @pytest.mark.parametrize(
        ("cos", "sin", "quarters"),
        [pytest.param(0, ONE, 1, id="90"), pytest.param(-ONE, 0, 2, id="180"), pytest.param(0, -ONE, 3, id="270")],
    )
    def test_by_quarters_it_is_exact(self, pixels, cos, sin, quarters):
        found = region_photo(as_photo(pixels), square(100, 60, 50, cos=cos, sin=sin), None)
        # A square that is turned clockwise shows its content turned back.
        np.testing.assert_array_equal(found.picture, np.rot90(pixels[60:110, 100:150], quarters))

    def test_by_any_angle_it_is_the_bilinear_mean(self, pixels):
        angle, side = math.radians(20), 40
        region = square(100, 60, side, cos=round(ONE * math.cos(angle)), sin=round(ONE * math.sin(angle)))
        found = np.asarray(region_photo(as_photo(pixels), region, None).picture)
        offsets = np.arange(side) + 0.5 - side / 2
        down, across = np.meshgrid(offsets, offsets, indexing="ij")
        x = 120 + across * math.cos(angle) - down * math.sin(angle) - 0.5
        y = 80 + across * math.sin(angle) + down * math.cos(angle) - 0.5
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        right, below = (x - left)[..., np.newaxis], (y - top)[..., np.newaxis]
        upper = pixels[top, left] * (1 - right) + pixels[top, left + 1] * right
        lower = pixels[top + 1, left] * (1 - right) + pixels[top + 1, left + 1] * right
        # Steps of 1/256 between pixels that differ by 255 at most, and one rounding.
        assert np.abs(found - (upper * (1 - below) + lower * below)).max() < 2.5

    def test_beyond_the_edges_they_are_repeated(self, pixels):
        region = square(-40, -40, 80, cos=ONE * 4 // 5, sin=ONE * 3 // 5)
        found = np.asarray(region_photo(as_photo(pixels), region, None).picture)
        around = np.pad(pixels, ((200, 0), (200, 0), (0, 0)), mode="edge")
        same = square(160, 160, 80, cos=region.cos, sin=region.sin)
        np.testing.assert_array_equal(found, region_photo(as_photo(around), same, None).picture)

    def test_large_ones_come_in_strips_that_fit(self, pixels):
        turn = {"cos": ONE * 4 // 5, "sin": ONE * 3 // 5}
        large = np.asarray(region_photo(as_photo(pixels), square(50, 0, 199, **turn), None).picture)
        small = np.asarray(region_photo(as_photo(pixels), square(140, 90, 19, **turn), None).picture)
        np.testing.assert_array_equal(large[90:109, 90:109], small)


def test_a_strip_that_is_too_narrow_for_its_blocks_still_gives_one():
    found = region_photo(as_photo(np.full((8, 4000, 3), 7, np.uint8)), square(-1000, -3000, 6000), 64)
    assert found.size_wh == (6000, 6000)
    assert set(np.asarray(found.picture).ravel()) == {7}


def test_a_square_with_too_many_pixels_is_refused(pixels):
    with pytest.raises(PhotoError, match=r"a region: a photo must have 1 to 80000000 pixels, got 9999x9999; use"):
        region_photo(as_photo(pixels), square(0, 0, 9999), None)
