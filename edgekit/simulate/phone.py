"""A phone's camera at its own resolution, and what the phone makes of it: by OpenCV, as millions of pixels take long.

The chain of ``cameras.py`` at the final size would draw a mosaic's and its noise's own pixels into the file. In a
phone's photo they are gone: the sensor has several pixels for each one that is kept. What is left of a screen's grid is
what beats with the sensor and with the reduction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edgekit.arrays import RGBArray
from edgekit.simulate.cameras import METERED_MEAN, TONE_STEPS, Camera, Light, Shot, to_light, tone_curve
from edgekit.simulate.perspective import Placement
from edgekit.simulate.screens import Screen
from edgekit.simulate.strips import ByRows, filtered, in_strips
from edgekit.simulate.textures import Field

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
_MOST_SHARPENING = 2.5
# Less is not seen.
_LEAST_BLUR_PX = 0.3
# Light that bilinear interpolation of a mosaic spreads, as a Gaussian, in pixels of the sensor.
_MOSAIC_PX = 0.6
# Cycles per pixel of the file at which a phone sharpens until contrasts are what they should be.
_SHARP_AT = 0.25
# Lenses lose light towards the corners; phones put most of it back.
_VIGNETTING_LEFT = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """What a phone does with the sensor's picture.

    Attributes:
        reduction: How the picture is reduced to the file's size.
        noise_levels: Steps between neighbours, of 255, that are taken for noise and smoothed away; 0 keeps all.
        contrast_kept: Contrast of fine detail after sharpening, as a share of the scene's: 1 gives back what the lens
            lost, more draws halos.
    """

    reduction: Reduction
    noise_levels: float = 0.0
    contrast_kept: float = 1.0


class PhoneOptics:
    """``screens.Optics`` by OpenCV."""

    def blur(self, light: Light, *, sigma_px: float) -> Light:
        """Gaussian blur as by ``cameras.blur``, edges repeated, in place."""
        for rows, blurred in _blurred(light, sigma_px):
            light[rows] = blurred
        return light

    def panel_light(self, shown: RGBArray, *, screen: Screen, placement: Placement) -> Light:
        """Mean light of each screen pixel as the camera sees it: (height, width, 3), linear."""
        light = np.empty((*placement.picture_wh[::-1], 3), dtype=np.float32)
        for rows in in_strips(placement.picture_wh):
            light[rows] = _warped(shown, rows, screen=screen, placement=placement)
        return light


def _warped(shown: RGBArray, rows: slice, *, screen: Screen, placement: Placement) -> Light:
    """Some rows of the picture that a camera takes of a screen, which shows something in the placement's window."""
    seen, enlarged = placement.seen_by(rows, beside=2), placement.repeats
    light = screen.emit(shown[seen])
    if enlarged > 1:
        wh = (light.shape[1] * enlarged, light.shape[0] * enlarged)
        light = np.asarray(cv2.resize(light, wh, interpolation=cv2.INTER_NEAREST), dtype=np.float32)
    # From pixel centres to pixel centres.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = np.linalg.inv(half) @ np.diag([enlarged, enlarged, 1]) @ placement.part(rows, seen) @ half
    wh = (placement.picture_wh[0], rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(light, matrix, wh, flags=flags), dtype=np.float32)


def _blurred(light: Light, sigma_px: float) -> Iterator[tuple[slice, Light]]:
    """Strips of a light behind a Gaussian blur, each with its rows; those that were given may be changed meanwhile."""
    radius = max(1, int(np.ceil(2.5 * sigma_px)))
    size = (2 * radius + 1, 2 * radius + 1)

    def gaussian(block: Light) -> Light:
        return np.asarray(cv2.GaussianBlur(block, size, sigma_px, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)

    return filtered(light, radius, gaussian)


def behind(photo: RGBArray, size_wh: tuple[int, int], *, sigma_px: float) -> ByRows:
    """The light of a photo that is cut to a size and blurred, by rows.

    Args:
        photo: (height, width, 3) RGB, sRGB-encoded.
        size_wh: Width and height of the picture that it fills; it is cut to their shape in its middle.
        sigma_px: Width of the blur.
    """
    radius = max(1, int(np.ceil(2.5 * sigma_px)))

    @functools.cache
    def cut() -> RGBArray:
        """Not before it is seen: until then there is a page in memory."""
        found = np.empty((*size_wh[::-1], 3), dtype=np.uint8)
        for channel in range(3):
            # One by one, as Pillow holds four bytes for each pixel of three colours.
            plane = Image.fromarray(photo[..., channel])
            found[..., channel] = np.asarray(ImageOps.fit(plane, size_wh, Image.Resampling.BICUBIC))
        return found

    def at(rows: slice) -> Light:
        start = max(rows.start - radius, 0)
        light = PhoneOptics().blur(to_light(cut()[start : rows.stop + radius]), sigma_px=sigma_px)
        return light[rows.start - start : rows.stop - start]

    return at


def develop(
    rng: np.random.Generator,
    light: Light,
    *,
    camera: Camera,
    shot: Shot,
    size_wh: tuple[int, int],
    processing: Processing,
) -> RGBArray:
    """Sensor, mosaic, tone curve at the sensor's resolution; then reduction, denoising, saturation and sharpening.

    Args:
        rng: Chance: the noise.
        light: (height, width, 3) linear, as the lens formed it; even sides.
        camera: The camera.
        shot: Exposure, balance, noise and blur of this one.
        size_wh: Width and height of the result.
        processing: What else is done to it.

    Returns:
        (height, width, 3) RGB, sRGB-encoded.
    """
    toned = take(rng, light, camera=camera, shot=shot)
    return finish(toned, camera=camera, shot=shot, size_wh=size_wh, processing=processing)


def take(rng: np.random.Generator, light: Light, *, camera: Camera, shot: Shot) -> RGBArray:
    """Sensor, mosaic and tone curve: (height, width, 3) at the sensor's resolution; arguments as for ``develop``."""
    height, width = light.shape[:2]
    mosaic, curve = _sense(rng, light, camera=camera, shot=shot), tone_curve(camera.contrast)
    toned = np.empty((height, width, 3), dtype=np.uint8)
    for rows in in_strips((width, height)):
        # Colours come from neighbours; an even number of rows keeps the mosaic's phase.
        start = max(rows.start - 2, 0)
        rgb = cv2.cvtColor(mosaic[start : rows.stop + 2], _DEMOSAIC[camera.bayer])
        own = rgb[rows.start - start : rows.stop - start]
        toned[rows] = curve[np.minimum(own, TONE_STEPS - 1)]
    return toned


def finish(
    toned: RGBArray, *, camera: Camera, shot: Shot, size_wh: tuple[int, int], processing: Processing
) -> RGBArray:
    """Reduction, denoising, saturation and sharpening of what a sensor took; arguments and result as of ``develop``."""
    small = cv2.resize(toned, size_wh, interpolation=_REDUCTIONS[processing.reduction])
    if processing.noise_levels > 0:
        # Edges stand: what differs by more than noise does is not averaged. Flat paper loses its grain.
        small = cv2.bilateralFilter(small, 5, 2.5 * processing.noise_levels, 1.5)
    pixels = small.astype(np.float32)
    luma = cv2.transform(pixels, np.array([[0.25, 0.5, 0.25]], dtype=np.float32))
    detail = luma - cv2.GaussianBlur(luma, (0, 0), _SHARPENED_PX)
    strength = _sharpening(shot.sigma_px, toned.shape[1] / size_wh[0], contrast_kept=processing.contrast_kept)
    grey = (1 - camera.saturation) * luma + strength * detail
    pixels = pixels * np.float32(camera.saturation) + grey[..., None].astype(np.float32)
    return np.asarray(np.clip(np.rint(pixels), 0, 255), dtype=np.uint8)


def _sharpening(sigma_px: float, oversample: float, *, contrast_kept: float) -> float:
    """Strength of the unsharp mask that brings the contrast at ``_SHARP_AT`` to that share of the scene's.

    By the transfer functions of Gaussians (lens, mosaic, mask) and of a square pixel.
    """
    square = (2 * np.pi * _SHARP_AT) ** 2 / 2
    blurred = np.exp(-square * (sigma_px**2 + _MOSAIC_PX**2) / oversample**2) * np.sinc(_SHARP_AT)
    masked = 1 - np.exp(-square * _SHARPENED_PX**2)
    return float(np.clip((contrast_kept / blurred - 1) / masked, 0, _MOST_SHARPENING))


def shake(light: Light, *, way_px: tuple[float, float]) -> Light:
    """Blur along the way that a hand moves during the exposure.

    Args:
        light: (height, width, 3); changed in place.
        way_px: To the right and down, in pixels of the light.
    """
    across, down = way_px
    radius = int(np.ceil(max(abs(across), abs(down)) / 2))
    if radius == 0:
        return light
    steps = np.linspace(-0.5, 0.5, 8 * radius + 1)
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.float32)
    places = np.rint(radius + steps * down).astype(int), np.rint(radius + steps * across).astype(int)
    np.add.at(kernel, places, np.float32(1 / len(steps)))

    def shaken(block: Light) -> Light:
        return np.asarray(cv2.filter2D(block, -1, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)

    for rows, moved in filtered(light, radius, shaken):
        light[rows] = moved
    return light


def bent(page: RGBArray, places: Callable[[slice], tuple[Field, Field]]) -> RGBArray:
    """A page read at other places, bilinearly, edges repeated: (height, width, 3).

    Args:
        page: (height, width, 3).
        places: Columns and rows, (rows, width) each, of some rows.
    """
    seen = np.empty_like(page)
    for rows in in_strips((page.shape[1], len(page))):
        seen[rows] = cv2.remap(page, *places(rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen


def defocus(light: Light, *, slope: tuple[float, float], sigma_px: float) -> Light:
    """Blur that grows from the middle towards the far and the near side of a tilted plane.

    Args:
        light: (height, width, 3); changed in place.
        slope: How depth grows to the right and down; any scale.
        sigma_px: Width of the blur at the farthest edge.
    """
    steep = float(np.hypot(*slope))
    if sigma_px < _LEAST_BLUR_PX or steep == 0:
        return light
    height, width = light.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * np.float32(slope[0] / steep)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(slope[1] / steep)
    for rows, far in _blurred(light, sigma_px):
        share = (np.minimum(np.abs(x + y[rows]), 1) ** 2)[..., None]
        light[rows] += (far - light[rows]) * share
    return light


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
        seen, taken, across, down = light[part][..., channel], mosaic[part], x[:, site % 2 :: 2], y[site // 2 :: 2]
        for rows in in_strips((width // 2, height // 2)):
            falloff = np.float32(_VIGNETTING_LEFT * camera.vignetting / 2) * (across + down[rows])
            signal = (seen[rows] + veil) * np.float32(gain * camera.sensor_rgb[channel])
            signal -= signal * falloff
            noise = rng.standard_normal(signal.shape, dtype=np.float32)
            spread = np.maximum(signal, 0) * np.float32(camera.shot_noise) + np.float32(camera.read_noise**2)
            signal += noise * np.sqrt(spread * np.float32(shot.noise_gain))
            np.clip(signal, 0, 1, out=signal)
            signal *= np.float32(shot.balance_rgb[channel] / camera.sensor_rgb[channel] * (TONE_STEPS - 1))
            taken[rows] = np.minimum(signal + np.float32(0.5), 65535)
    return mosaic
