from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the host extra")

from edgekit.errors import DataError
from edgekit.simulate.options import RephotoConfig
from edgekit.simulate.perspective import View, cosine, place_screen, trace_rays
from edgekit.simulate.rephoto import SCREEN_OF, draw, rephotograph
from edgekit.simulate.screens import SCREENS, form_image
from edgekit.simulate.surroundings import draw_hand, lamp

SIZE_WH = (120, 160)


def rng(seed=0):
    return np.random.default_rng(seed)


def plain(**changes):
    """A phone seen from the front, with nothing but the photo on it."""
    drawn = draw(rng(), screen="oled-pentile", config=RephotoConfig(oversample=(1, 1), glare=(0, 0)))
    return replace(
        drawn, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, layout="whole", aspect=0.5, coverage=1.2, hand=False, lamp=0.0,
        room=False, **changes,
    )  # fmt: skip


class TestShape:
    def test_corners_are_round_and_sides_are_where_they_were(self):
        placement = place_screen(SIZE_WH, View(ratio=1.0, coverage=1.4))
        rays = trace_rays(placement)
        square, rounded = placement.inside_px(rays), placement.inside_px(rays, corner=0.2)
        cut_off = (square > 0) & (rounded < 0)
        radius = 0.2 * min(placement.raster_wh)
        assert cut_off.sum() == pytest.approx((4 - np.pi) * radius**2, rel=0.15)
        middle = SIZE_WH[1] // 2
        np.testing.assert_array_equal(square[middle], rounded[middle])

    @pytest.mark.parametrize("shape", [(0.5, 1.0), (1.0, 0.4)])
    def test_a_screen_has_a_shape_of_its_own(self, shape):
        placement = place_screen(SIZE_WH, View(ratio=1.0, shape=shape, coverage=1.0))
        wide, high = placement.raster_wh
        assert wide / high == pytest.approx(SIZE_WH[0] * shape[0] / (SIZE_WH[1] * shape[1]), rel=0.08)

    @pytest.mark.parametrize(
        "wrong",
        [{"shape": (0.0, 1.0)}, {"corner": 0.6}, {"falloff": -1.0}, {"lamp": -0.1}],
        ids=lambda one: next(iter(one)),
    )
    def test_a_view_that_cannot_be_is_refused(self, wrong):
        with pytest.raises(DataError, match=next(iter(wrong))):
            View(ratio=1.0, **wrong)

    def test_phones_are_upright_or_lie_and_prints_have_the_picture_s_shape(self):
        config = RephotoConfig()
        aspects = {screen: {draw(rng(s), screen=screen, config=config).aspect for s in range(80)} - {0.0} for screen in
                   ("oled-pentile", "lcd-rgb", "crt", "print-inkjet", "")}  # fmt: skip
        phones = aspects["oled-pentile"]
        assert all(16 / 9 <= max(one, 1 / one) <= 21 / 9 + 0.01 for one in phones)
        assert sum(one < 1 for one in phones) > sum(one > 1 for one in phones) > 0
        assert aspects["lcd-rgb"] == {1.6, 1.778}
        assert aspects["crt"] == {1.333}
        assert aspects["print-inkjet"] == aspects[""] == set()

    @pytest.mark.parametrize("size_wh", [(100, 1000), (200, 400), (1000, 100)])
    def test_no_shape_and_no_angle_looks_past_the_horizon(self, size_wh):
        """A screen that runs to the horizon would have more pixels than memory holds."""
        placement = place_screen(size_wh, View(ratio=1.0, yaw_deg=5, pitch_deg=45, roll_deg=3, coverage=1.0))
        assert max(placement.raster_wh) < 12 * max(size_wh)

    def test_only_phones_are_held_and_only_glass_and_gloss_reflect(self):
        config = RephotoConfig(hand=1.0, lamp=1.0)
        drawn = {screen: draw(rng(), screen=screen, config=config) for screen in (*SCREEN_OF, "")}
        assert [screen for screen, one in drawn.items() if one.hand] == ["oled-pentile"]
        assert {screen for screen, one in drawn.items() if not one.lamp} == {"print-inkjet", ""}

    @pytest.mark.parametrize("layout", ["whole", "letterbox"])
    def test_what_is_on_a_phone_is_not_stretched(self, layout):
        """A square in the photo is a square on a phone that is held the other way."""
        photo = np.full((120, 160, 3), 40, np.uint8)
        photo[50:70, 70:90] = (250, 30, 30)
        drawn = replace(plain(), coverage=1.0, layout=layout, fill=0.5, focus_px=0.0)
        seen = np.asarray(Image.open(io.BytesIO(rephotograph(rng(3), photo, drawn=drawn)))).astype(int)
        red = seen[..., 0] - seen[..., 1] > 60
        high, wide = (np.ptp(np.flatnonzero(red.any(axis=axis))) for axis in (1, 0))
        assert high > 8
        assert high == pytest.approx(wide, abs=3)

    @pytest.mark.parametrize("screen", ["oled-pentile", "lcd-rgb"])
    @pytest.mark.parametrize("shape", [(20, 600), (600, 20)], ids=["wide", "high"])
    def test_panoramas_are_shown_too(self, screen, shape):
        photo = np.full((*shape, 3), 90, np.uint8)
        config = RephotoConfig(oversample=(1, 1), phones=1.0)
        aspects, brightest = set(), []
        for seed in range(6):
            drawn = draw(rng(seed), screen=screen, config=config)
            aspects.add(drawn.aspect)
            seen = Image.open(io.BytesIO(rephotograph(rng(seed), photo, drawn=drawn)))
            assert seen.size == shape[::-1]
            brightest.append(np.asarray(seen).max())
        assert len(aspects) > 1
        # Of a dark app or far from the middle a piece may be dark.
        assert np.median(brightest) > 60


class TestLight:
    def test_the_cosine_is_one_before_the_camera_and_falls_to_the_sides(self):
        straight = cosine(SIZE_WH, View(ratio=1.0))
        assert straight[80, 60] == pytest.approx(1, abs=1e-3)
        # The focal length is 1.1 widths.
        assert straight[80, 0] == pytest.approx(1.1 / np.hypot(1.1, 0.5), abs=1e-2)
        turned = cosine(SIZE_WH, View(ratio=1.0, yaw_deg=30.0))
        assert turned[80, 60] == pytest.approx(np.cos(np.radians(30)), abs=1e-2)
        assert abs(turned[80, 0] - turned[80, -1]) > 0.2

    def test_light_that_falls_off_darkens_the_corners(self):
        white = np.full((160, 120, 3), 255, np.uint8)
        even, falling = (
            form_image(rng(), white, screen=SCREENS["monitor-ips"], view=View(ratio=2.0, falloff=p), sigma_px=0.6)
            for p in (0.0, 2.6)
        )
        corner, middle = np.s_[:20, :20], np.s_[70:90, 50:70]
        assert falling[corner].mean() / even[corner].mean() < 0.75
        assert falling[middle].mean() / even[middle].mean() > 0.97

    def test_a_lamp_is_small_and_bright(self):
        for seed in range(20):
            seen = lamp(rng(seed), SIZE_WH)
            assert seen.shape == (160, 120)
            assert seen.dtype == np.float32
            assert 0 <= seen.min() <= seen.max() <= 1
            assert seen.mean() < 0.5
            assert seen.max() > 0.9

    def test_fog_stays_fog(self):
        """A phone sets black to what is darkest, but does not stretch what has no dark to begin with."""
        fog = np.clip(rng().normal(180, 4, (120, 160, 3)), 0, 255).astype(np.uint8)
        drawn = draw(rng(1), screen="", config=RephotoConfig(exposure_ev=(0, 0)))
        for seed in range(4):
            seen = np.asarray(Image.open(io.BytesIO(rephotograph(rng(seed), fog, drawn=drawn))).convert("L"))
            assert np.percentile(seen, 2) > 0.5 * seen.mean()

    def test_its_image_is_in_the_photo(self):
        grey = np.full((160, 120, 3), 90, np.uint8)
        without, with_lamp = (
            form_image(rng(4), grey, screen=SCREENS["phone-oled"], view=View(ratio=2.0, lamp=strength), sigma_px=0.6)
            for strength in (0.0, 4.0)
        )
        assert with_lamp.max() > 2 * without.max()


class TestHand:
    @pytest.mark.parametrize("seed", range(6))
    def test_fingers_reach_over_the_edges_and_leave_most_of_the_screen(self, seed):
        placement = place_screen(SIZE_WH, View(ratio=1.0, coverage=1.6, shape=(0.6, 1.0)))
        rays = trace_rays(placement)
        hand = draw_hand(rng(seed), rays, level=1.0, soft_px=1.0)
        assert hand.light.shape == (160, 120, 3)
        assert hand.light.min() >= 0
        for share in (hand.behind, hand.front):
            assert share.shape == (160, 120)
            assert 0 <= share.min() <= share.max() <= 1
        inside = placement.inside_px(rays) > 0
        assert hand.front[~inside].max() > 0.5
        assert hand.front[inside].mean() < 0.3

    def test_it_is_in_the_photo_where_it_was_drawn(self):
        photo = np.full((160, 120, 3), 120, np.uint8)
        bare, held = (rephotograph(rng(2), photo, drawn=plain() if not hand else replace(plain(), hand=True))
                      for hand in (False, True))  # fmt: skip
        difference = np.abs(
            np.asarray(Image.open(io.BytesIO(bare))).astype(int) - np.asarray(Image.open(io.BytesIO(held)))
        )
        assert (difference.max(axis=2) > 30).mean() > 0.05
