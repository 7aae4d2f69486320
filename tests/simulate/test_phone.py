"""A phone's camera by OpenCV, against the simulator's own."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.simulate.cameras import CAMERAS, Shot, blur, take_photo
from edgekit.simulate.paper import bend
from edgekit.simulate.perspective import View
from edgekit.simulate.screens import SCREENS, form_image

phone = pytest.importorskip("edgekit.simulate.phone", reason="needs OpenCV")


class TestPhone:
    def test_blur_is_the_simulator_s(self):
        light = np.random.default_rng(0).random((40, 50, 3), dtype=np.float32)
        ours = phone.PhoneOptics().blur(light.copy(), sigma_px=0.8)
        np.testing.assert_allclose(ours, blur(light, sigma_px=0.8), atol=1e-5)

    def test_panels_are_the_simulator_s(self, photo):
        view = View(ratio=1.7, yaw_deg=5, pitch_deg=-4, roll_deg=2)
        arguments = {"screen": SCREENS["monitor-ips"], "view": view, "sigma_px": 0.5}
        ours, theirs = (
            form_image(np.random.default_rng(0), photo, optics=optics, **arguments)
            for optics in (phone.PhoneOptics(), None)
        )
        # Pillow and OpenCV interpolate between other numbers of places.
        assert np.abs(ours - theirs).mean() < 0.01 * theirs.mean()

    def test_developing_is_close_to_the_simulator_s_camera(self, photo):
        """Without reduction, sharpening and noise, the same light gives about the same photo."""

        camera = replace(CAMERAS["phone-a"], sharpening=0, shot_noise=0, read_noise=0, saturation=1, vignetting=0)
        light = photo.astype(np.float32) / 255
        shot = Shot(sigma_px=0.4)
        theirs = take_photo(np.random.default_rng(0), light, camera=camera, shot=shot)
        ours = phone.develop(
            np.random.default_rng(0), blur(light, sigma_px=0.4), camera=camera, shot=shot, size_wh=(160, 120),
            processing=phone.Processing(reduction="area", contrast_kept=0.5),
        )  # fmt: skip
        difference = np.abs(ours.astype(int) - theirs)[2:-2, 2:-2]
        assert difference.mean() < 1

    def test_two_taps_fold_a_fine_grid_down_and_area_does_not(self):
        light = np.full((240, 240, 3), 0.2, np.float32)
        light[:, ::2] = 0.6
        # Stripes that no mosaic can confuse: all colours alike, and each site sees its own.
        camera, shot = CAMERAS["phone-c"], Shot(sigma_px=0.3, noise_gain=0)
        kept = {
            how: phone.develop(
                np.random.default_rng(0),
                light,
                camera=camera,
                shot=shot,
                size_wh=(90, 90),
                processing=phone.Processing(reduction=how),
            )[..., 1].std()
            for how in ("two-taps", "area")
        }
        assert kept["two-taps"] > 2 * kept["area"]

    def test_flat_paper_loses_its_noise_and_edges_stay(self):
        light = np.full((240, 240, 3), 0.3, np.float32)
        light[:, 120:] = 0.1
        shot = Shot(sigma_px=0.4)
        noisy, smooth = (
            phone.develop(
                np.random.default_rng(0), light, camera=CAMERAS["phone-b"], shot=shot, size_wh=(120, 120),
                processing=phone.Processing(reduction="area", noise_levels=levels),
            )[..., 1].astype(float)
            for levels in (0, 6)
        )  # fmt: skip
        assert smooth[10:50, 10:50].std() < 0.6 * noisy[10:50, 10:50].std()
        rise = [one[:, 58:62].mean(axis=0) for one in (noisy, smooth)]
        assert np.ptp(rise[1]) > 0.9 * np.ptp(rise[0])

    @pytest.mark.parametrize(("sigma_px", "oversample"), [(0.4, 1.5), (1.0, 2.0), (0.5, 3.1)])
    def test_sharpening_gives_back_what_the_lens_lost(self, sigma_px, oversample):
        """A grating of four pixels of the file a period keeps its contrast, about."""
        side = round(160 * oversample / 2) * 2
        wave = 0.18 + 0.04 * np.sin(2 * np.pi * np.arange(side) / (4 * oversample))
        light = np.repeat(np.tile(wave.astype(np.float32), (side, 1))[..., None], 3, axis=2)
        camera = replace(CAMERAS["phone-c"], saturation=1, vignetting=0)
        contrasts = [
            phone.develop(
                np.random.default_rng(0), one, camera=camera, shot=Shot(sigma_px=sigma_px, noise_gain=0),
                size_wh=(160, 160), processing=phone.Processing(reduction="area", contrast_kept=1.0),
            )[60:100, 40:120, 1].std()
            for one in (phone.PhoneOptics().blur(light.copy(), sigma_px=sigma_px), light)
        ]  # fmt: skip
        unblurred = phone.tone_curve(camera.contrast)[
            np.clip(light[0, :, 1] / light.mean() * 0.22 * (phone.TONE_STEPS - 1), 0, phone.TONE_STEPS - 1).astype(int)
        ].std()
        assert contrasts[0] == pytest.approx(unblurred, rel=0.15)
        assert contrasts[1] > contrasts[0]


def test_a_hand_s_way_blurs_along_it_alone():
    light = np.zeros((40, 40, 3), np.float32)
    light[20, 20] = 1
    seen = phone.shake(light, way_px=(8.0, 0.0))[..., 0]
    assert seen.sum() == pytest.approx(1, abs=1e-4)
    assert np.flatnonzero(seen.any(axis=1)).tolist() == [20]
    assert np.ptp(np.flatnonzero(seen.any(axis=0))) == pytest.approx(8, abs=1)
    assert phone.shake(light, way_px=(0.0, 0.0)) is light


def test_the_far_side_of_a_tilted_plane_is_out_of_focus():
    light = np.random.default_rng(0).random((80, 80, 3), dtype=np.float32)
    seen = phone.defocus(light.copy(), slope=(5.0, 0.0), sigma_px=2.0)
    middle, side = (seen[:, part].std() / light[:, part].std() for part in (np.s_[37:43], np.s_[:6]))
    assert middle > 0.95
    assert side < 0.6


def test_bent_ink_keeps_its_columns():
    page = np.zeros((60, 80, 3), np.uint8)
    page[30] = 255
    seen = phone.bent(page, bend(np.random.default_rng(2), (80, 60), depth=0.1))[..., 0]
    heights = seen.argmax(axis=0)
    assert np.ptp(heights) >= 2
    assert (seen.max(axis=0) > 100).all()
