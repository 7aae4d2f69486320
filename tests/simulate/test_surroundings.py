from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the host extra")

from recaptured import plain, rng

from edgekit.simulate.options import RephotoConfig
from edgekit.simulate.perspective import View, place_screen, trace_rays
from edgekit.simulate.rephoto import draw, rephotograph
from edgekit.simulate.screens import SCREENS, form_image
from edgekit.simulate.strips import WHOLE
from edgekit.simulate.surroundings import draw_hand, lamp

SIZE_WH = (120, 160)


class TestLight:
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
            seen = lamp(rng(seed), SIZE_WH)(WHOLE)
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
        hand = draw_hand(rng(seed), placement, level=1.0, soft_px=1.0)(rays, WHOLE)
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
