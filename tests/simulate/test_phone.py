"""A phone's camera by OpenCV, against the simulator's own."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.simulate.cameras import CAMERAS, Shot, blur, take_photo
from edgekit.simulate.perspective import View
from edgekit.simulate.screens import SCREENS, form_image

phone = pytest.importorskip("edgekit.simulate.phone", reason="needs OpenCV")


class TestPhone:
    def test_blur_is_the_simulator_s(self):
        light = np.random.default_rng(0).random((40, 50, 3), dtype=np.float32)
        ours = phone.PhoneOptics().blur(light, sigma_px=0.8)
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

        camera = replace(CAMERAS["phone-a"], sharpening=0, shot_noise=0, read_noise=0, saturation=1)
        light = photo.astype(np.float32) / 255
        shot = Shot(sigma_px=0.4)
        theirs = take_photo(np.random.default_rng(0), light, camera=camera, shot=shot)
        ours = phone.develop(
            np.random.default_rng(0), blur(light, sigma_px=0.4), camera=camera, shot=shot, size_wh=(160, 120),
            reduction="area",
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
                np.random.default_rng(0), light, camera=camera, shot=shot, size_wh=(90, 90), reduction=how
            )[..., 1].std()
            for how in ("two-taps", "area")
        }
        assert kept["two-taps"] > 2 * kept["area"]
