"""A phone's camera at its own resolution, and what the phone makes of it: by OpenCV, as millions of pixels take long.

The chain of ``cameras.py`` at the final size would draw a mosaic's and its noise's own pixels into the file. In a
phone's photo they are gone: the sensor has several pixels for each one that is kept. What is left of a screen's grid is
what beats with the sensor and with the reduction.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.simulate.cameras import METERED_MEAN, TONE_STEPS, Camera, Light, Shot, tone_curve
from edgekit.simulate.perspective import Placement
from edgekit.simulate.screens import Screen

Reduction: TypeAlias = Literal["area", "two-taps", "cubic", "lanczos"]
_REDUCTIONS: dict[Reduction, int] = {
    "area": cv2.INTER_AREA,
    # No low pass: what galleries and messengers do for speed. It folds a fine grid down to a coarse one.
    "two-taps": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
REDUCTIONS: tuple[Reduction, ...] = tuple(_REDUCTIONS)
_DEMOSAIC = {
    "RGGB": cv2.COLOR_BayerRGGB2RGB,
    "BGGR": cv2.COLOR_BayerBGGR2RGB,
    "GRBG": cv2.COLOR_BayerGRBG2RGB,
    "GBRG": cv2.COLOR_BayerGBRG2RGB,
}
_SHARPENED_PX = 0.9


class PhoneOptics:
    """``screens.Optics`` by OpenCV."""

    def blur(self, light: Light, *, sigma_px: float) -> Light:
        """Gaussian blur as by ``cameras.blur``, edges repeated."""
        radius = max(1, int(np.ceil(2.5 * sigma_px)))
        size = (2 * radius + 1, 2 * radius + 1)
        return np.asarray(cv2.GaussianBlur(light, size, sigma_px, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)

    def panel_light(self, photo: RGBArray, *, screen: Screen, placement: Placement) -> Light:
        """Mean light of each screen pixel as the camera sees it: (height, width, 3), linear."""
        light = screen.emit(np.asarray(placement.show(Image.fromarray(photo), resample=Image.Resampling.BICUBIC)))
        enlarged = placement.repeats
        if enlarged > 1:
            wh = (light.shape[1] * enlarged, light.shape[0] * enlarged)
            light = np.asarray(cv2.resize(light, wh, interpolation=cv2.INTER_NEAREST), dtype=np.float32)
        # From pixel centres to pixel centres.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        matrix = np.linalg.inv(half) @ np.diag([enlarged, enlarged, 1]) @ placement.matrix @ half
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpPerspective(light, matrix, placement.picture_wh, flags=flags)
        return np.asarray(seen, dtype=np.float32)


def develop(
    rng: np.random.Generator,
    light: Light,
    *,
    camera: Camera,
    shot: Shot,
    size_wh: tuple[int, int],
    reduction: Reduction,
) -> RGBArray:
    """Sensor, mosaic, tone curve at the sensor's resolution; then reduction, saturation and sharpening.

    Args:
        rng: Chance: the noise.
        light: (height, width, 3) linear, as the lens formed it; even sides.
        camera: The camera.
        shot: Exposure, balance, noise and sharpening of this one.
        size_wh: Width and height of the result.
        reduction: How it is reduced.

    Returns:
        (height, width, 3) RGB, sRGB-encoded.
    """
    mosaic = _sense(rng, light, camera=camera, shot=shot)
    rgb = cv2.cvtColor(mosaic, _DEMOSAIC[camera.bayer])
    toned = np.take(tone_curve(camera.contrast), np.minimum(rgb, TONE_STEPS - 1))
    pixels = cv2.resize(toned, size_wh, interpolation=_REDUCTIONS[reduction]).astype(np.float32)
    luma = cv2.transform(pixels, np.array([[0.25, 0.5, 0.25]], dtype=np.float32))
    detail = luma - cv2.GaussianBlur(luma, (0, 0), _SHARPENED_PX)
    grey = (1 - camera.saturation) * luma + camera.sharpening * shot.sharpening_gain * detail
    pixels = pixels * np.float32(camera.saturation) + grey[..., None].astype(np.float32)
    return np.asarray(np.clip(np.rint(pixels), 0, 255), dtype=np.uint8)


def _sense(rng: np.random.Generator, light: Light, *, camera: Camera, shot: Shot) -> NDArray[np.uint16]:
    """(height, width) noisy, white-balanced mosaic in steps of the tone curve."""
    height, width = light.shape[:2]
    metered = max(float(light[::8, ::8].mean()), 1e-6)
    gain = METERED_MEAN / metered * 2**shot.exposure_ev
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    mosaic = np.empty((height, width), dtype=np.uint16)
    veil = np.float32(shot.veil * metered)
    for site, channel in enumerate("RGB".index(colour) for colour in camera.bayer):
        part = np.s_[site // 2 :: 2, site % 2 :: 2]
        falloff = np.float32(camera.vignetting / 2) * (x[:, site % 2 :: 2] + y[site // 2 :: 2])
        signal = (light[part][..., channel] + veil) * np.float32(gain * camera.sensor_rgb[channel])
        signal -= signal * falloff
        noise = rng.standard_normal(signal.shape, dtype=np.float32)
        spread = np.maximum(signal, 0) * np.float32(camera.shot_noise) + np.float32(camera.read_noise**2)
        signal += noise * np.sqrt(spread * np.float32(shot.noise_gain))
        np.clip(signal, 0, 1, out=signal)
        signal *= np.float32(shot.balance_rgb[channel] / camera.sensor_rgb[channel] * (TONE_STEPS - 1))
        mosaic[part] = np.minimum(signal + np.float32(0.5), 65535)
    return mosaic
