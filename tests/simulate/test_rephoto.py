"""One photo, photographed again."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from recaptured import plain, rng

from edgekit.errors import DataError
from edgekit.simulate.options import PRINTS, SCREEN_NAMES, RephotoConfig
from edgekit.simulate.perspective import View, place_screen
from edgekit.simulate.rephoto import SCREEN_OF, draw, rephotograph

pytest.importorskip("cv2", reason="needs the host extra")


def test_phones_are_upright_or_lie_and_prints_have_the_picture_s_shape():
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
def test_no_shape_and_no_angle_looks_past_the_horizon(size_wh):
    """A screen that runs to the horizon would have more pixels than memory holds."""
    placement = place_screen(size_wh, View(ratio=1.0, yaw_deg=5, pitch_deg=45, roll_deg=3, coverage=1.0))
    assert max(placement.raster_wh) < 12 * max(size_wh)


def test_only_phones_are_held_and_only_prints_touched_and_only_glass_and_gloss_reflect():
    config = RephotoConfig(hand=1.0, lamp=1.0)
    drawn = {screen: draw(rng(), screen=screen, config=config) for screen in (*SCREEN_OF, "")}
    assert all(not one.hand for screen, one in drawn.items() if screen not in ("oled-pentile", *PRINTS))
    assert drawn["oled-pentile"].hand
    assert {screen for screen, one in drawn.items() if not one.lamp} == {
        "print-inkjet",
        "print-plain",
        "print-laser",
        "",
    }


@pytest.mark.parametrize("layout", ["whole", "letterbox"])
def test_what_is_on_a_phone_is_not_stretched(layout):
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
def test_panoramas_are_shown_too(screen, shape):
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


SMALL = RephotoConfig(oversample=(1.2, 1.4))


def _fine(content):
    """Strength of the finest detail of a JPEG: the mean step between neighbours, in levels."""
    with Image.open(io.BytesIO(content)) as opened:
        grey = np.asarray(opened.convert("L"), dtype=float)
    return float(np.abs(np.diff(grey, axis=1)).mean())


def test_every_name_stands_for_a_screen_and_prints_for_paper():
    assert tuple(SCREEN_OF) == SCREEN_NAMES
    assert {name for name, screen in SCREEN_OF.items() if screen.kind == "print"} == set(PRINTS)


def test_dots_are_seen_near_by_alone():
    photo = np.full((240, 320, 3), (150, 110, 90), np.uint8)
    config = RephotoConfig(coverage=(0.6, 0.6), layouts=("whole",), glare=(0, 0), hand=0.0, shake_px=(0, 0))
    found = {}
    for dots in (0.0, 1.0):
        drawn = draw(rng(1), screen="print-offset", config=replace(config, dots=dots))
        assert drawn.dots == bool(dots)
        found[dots] = _fine(rephotograph(rng(2), photo, drawn=drawn))
    assert found[1.0] > 2 * found[0.0]


def test_files_may_have_fewer_pixels_than_their_photos(photo):
    for screen in ("", "print-plain", "ips-monitor"):
        drawn = draw(rng(), screen=screen, config=replace(SMALL, long_side_px=96))
        with Image.open(io.BytesIO(rephotograph(rng(1), photo, drawn=drawn))) as opened:
            assert opened.size == (96, 72)
        # It is never enlarged.
        with Image.open(io.BytesIO(rephotograph(rng(1), photo, drawn=replace(drawn, long_side_px=999)))) as opened:
            assert opened.size == (160, 120)


@pytest.mark.parametrize("screen", ["print-plain", "lcd-rgb"])
def test_photos_too_long_for_opencv_are_refused_in_words(screen):
    photo = np.full((8, 20_000, 3), 90, np.uint8)
    drawn = replace(draw(rng(), screen=screen, config=SMALL), oversample=2.0, aspect=0.0)
    with pytest.raises(DataError, match=r"at most 32766 .* got 40000 for 20000x8; use a smaller --long-side"):
        rephotograph(rng(1), photo, drawn=drawn)


def test_a_photo_of_the_scene_has_about_the_photo_s_light_and_colours(photo):
    """Over many shots: a camera's tones are undone before another's are laid on."""
    config = replace(SMALL, shake_px=(0, 0))
    seen = []
    for seed in range(24):
        content = rephotograph(rng(seed), photo, drawn=draw(rng(seed), screen="", config=config))
        seen.append(np.asarray(Image.open(io.BytesIO(content))).astype(float))
    mean = np.mean([one.mean() for one in seen])
    spread = np.mean([one.std() for one in seen])
    assert mean == pytest.approx(photo.mean(), rel=0.12)
    assert spread == pytest.approx(photo.std(), rel=0.15)


class TestOnePhoto:
    @pytest.mark.parametrize("screen", [*SCREEN_OF, ""])
    def test_the_result_has_the_photo_s_size(self, photo, screen):
        drawn = draw(np.random.default_rng(0), screen=screen, config=SMALL)
        with Image.open(io.BytesIO(rephotograph(np.random.default_rng(1), photo, drawn=drawn))) as opened:
            assert opened.size == (160, 120)
            assert opened.format == "JPEG"
            assert not opened.getexif()

    def test_the_seed_decides(self, photo):
        drawn = draw(np.random.default_rng(0), screen="ips-monitor", config=SMALL)
        one, two, other = (rephotograph(np.random.default_rng(seed), photo, drawn=drawn) for seed in (1, 1, 2))
        assert one == two != other

    def test_odd_sides_lose_a_row(self, photo):
        drawn = draw(np.random.default_rng(0), screen="crt", config=SMALL)
        content = rephotograph(np.random.default_rng(1), photo[:-1, :-1], drawn=drawn)
        with Image.open(io.BytesIO(content)) as opened:
            assert opened.size == (158, 118)

    def test_a_screen_leaves_its_grid_and_the_scene_does_not(self, photo):
        """Everything else alike: camera, shot, reduction, JPEG."""
        from dataclasses import replace

        config = RephotoConfig(
            distance=(1, 1), angle_deg=3, focus_px=(0, 0), exposure_ev=(0, 0), glare=(0, 0), jpeg=(95, 95),
            coverage=(0.9, 0.9), fill=(1, 1), oversample=(1, 1),
        )  # fmt: skip
        drawn = replace(draw(np.random.default_rng(0), screen="lcd-rgb", config=config), camera="phone-c")
        of_screen = rephotograph(np.random.default_rng(1), photo, drawn=drawn)
        of_scene = rephotograph(np.random.default_rng(1), photo, drawn=replace(drawn, screen=""))
        assert _fine(of_screen) > 1.5 * _fine(of_scene)

    def test_what_is_drawn_stays_in_its_range(self):
        config = RephotoConfig(glare=(0.1, 0.2), jpeg=(80, 82), coverage=(1.1, 1.2))
        for seed in range(200):
            drawn = draw(np.random.default_rng(seed), screen="oled-pentile", config=config)
            assert 0.1 <= drawn.glare <= 0.2
            assert 80 <= drawn.jpeg <= 82
            assert 1.1 <= drawn.coverage <= 1.2
            assert abs(drawn.yaw_deg) <= config.angle_deg


def test_a_room_is_seen_around_the_screen(photo):
    drawn = draw(np.random.default_rng(0), screen="oled-pentile", config=SMALL)
    drawn = replace(drawn, coverage=1.8, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, layout="whole", glare=0.0)
    green = np.full_like(photo, (0, 250, 0))
    with_room, wall = (
        np.asarray(Image.open(io.BytesIO(rephotograph(np.random.default_rng(6), photo, drawn=drawn, room=room))))
        for room in (green, None)
    )
    # The photo on the screen has no green of that kind, and a wall is nearly grey.
    greenest = [
        (one[..., 1].astype(int) - one.max(axis=2, where=[True, False, True], initial=0)) for one in (with_room, wall)
    ]
    assert (greenest[0] > 40).mean() > 0.05 > (greenest[1] > 40).mean()
