"""Simulated cameras: light on the sensor to an 8-bit photo and its JPEG file.

One model for both classes: lens blur, vignetting, exposure, Bayer mosaic, shot and read noise, white balance,
demosaicing, sharpening, tone curve, JPEG. What a photo's *file* looks like is therefore the camera's, whatever the
photo shows. The noise model (variance = read² + gain × signal) is that of Foi et al. 2008, "Practical Poissonian-
Gaussian noise modeling and fitting for single-image raw-data".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np

from edgekit.arrays import Float32Array, RGBArray
from edgekit.errors import DataError
from edgekit.look.colours import to_linear, to_srgb
from edgekit.look.sheets import jpeg
from edgekit.simulate.strips import by_table

Light: TypeAlias = Float32Array
Rgb: TypeAlias = tuple[float, float, float]

_LIGHT_OF_LEVEL = to_linear(np.arange(256, dtype=np.float32) / 255)
TONE_STEPS = 4096
_UNSHARP_SIGMA_PX = 0.8
# Where auto-exposure puts the mean of the scene, as a share of the full well.
METERED_MEAN = 0.22


@dataclass(frozen=True, kw_only=True)
class Camera:
    """What one camera model does to light.

    Attributes:
        name: Its name in manifests.
        lens_sigma_px: Gaussian width of the lens's blur at best focus.
        defocus_px: Largest further width that a hand-held shot's focus error adds.
        vignetting: Light lost in the corners, 0..1.
        shot_noise: Variance per unit of signal (full well 1).
        read_noise: Standard deviation in the dark.
        sensor_rgb: Relative sensitivity of the three colours; white balance undoes it.
        bayer: Colours of the mosaic's upper left 2x2 photosites, by rows.
        sharpening: Strength of the unsharp mask on luma.
        saturation: 1 keeps colours.
        contrast: Strength of the S-curve, 0 to 1.
        jpeg_quality: As libjpeg counts it.
        jpeg_subsampling: Chroma resolution.
    """

    name: str
    lens_sigma_px: float
    defocus_px: float
    vignetting: float
    shot_noise: float
    read_noise: float
    sensor_rgb: Rgb
    bayer: Literal["RGGB", "BGGR", "GRBG", "GBRG"]
    sharpening: float
    saturation: float
    contrast: float
    jpeg_quality: int
    jpeg_subsampling: Literal["4:4:4", "4:2:2", "4:2:0"]

    def __post_init__(self) -> None:
        """Check that the numbers make a camera."""
        if not 0.1 <= self.lens_sigma_px <= 4 or not 0 <= self.defocus_px <= 4:
            raise DataError(
                f"camera {self.name}: lens_sigma_px must be 0.1 to 4 and defocus_px 0 to 4,"
                f" got {self.lens_sigma_px} and {self.defocus_px}; correct them"
            )
        if not 0 <= self.vignetting < 1:
            raise DataError(f"camera {self.name}: vignetting must be from 0 up to 1, got {self.vignetting}; correct it")
        if min(self.sensor_rgb) <= 0 or min(self.shot_noise, self.read_noise) < 0:
            raise DataError(
                f"camera {self.name}: sensor_rgb must be positive and noise not negative,"
                f" got {self.sensor_rgb}, {self.shot_noise} and {self.read_noise}; correct them"
            )
        if not 1 <= self.jpeg_quality <= 100:
            raise DataError(f"camera {self.name}: jpeg_quality must be 1 to 100, got {self.jpeg_quality}; correct it")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What differs from shot to shot.

    Attributes:
        sigma_px: Gaussian width of the whole blur: lens and focus error.
        exposure_ev: Error of the automatic exposure, in stops.
        balance_rgb: Error of the automatic white balance, as gains.
        veil: Stray light, as a share of the mean.
        noise_gain: Factor on the noise's variance: a dim room makes the camera amplify.
        sharpening_gain: Factor on the camera's sharpening, which follows the scene too.
    """

    sigma_px: float
    exposure_ev: float = 0.0
    balance_rgb: Rgb = (1.0, 1.0, 1.0)
    veil: float = 0.0
    noise_gain: float = 1.0
    sharpening_gain: float = 1.0


def aim(rng: np.random.Generator, *, camera: Camera) -> Shot:
    """Draw a shot: focus, exposure and white-balance errors, stray light, noise. The same for all kinds of scenes."""
    # Most shots are in focus; the cube makes large errors rare.
    defocus = camera.defocus_px * float(rng.random()) ** 3
    warmth, green = rng.normal(0, 0.07), rng.normal(0, 0.025)
    return Shot(
        sigma_px=float(np.hypot(camera.lens_sigma_px, defocus)),
        exposure_ev=float(rng.normal(0, 0.45)),
        balance_rgb=(float(np.exp(warmth)), float(np.exp(green)), float(np.exp(-warmth))),
        veil=float(rng.uniform(0, 0.18)),
        noise_gain=float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))),
        sharpening_gain=float(rng.uniform(0.4, 1.7)),
    )


def take_photo(rng: np.random.Generator, radiance: Light, *, camera: Camera, shot: Shot | None = None) -> RGBArray:
    """Take a photo.

    Args:
        rng: Chance.
        radiance: (height, width, 3) linear light, RGB, any positive scale; both sides even.
        camera: The camera.
        shot: Its focus, exposure and balance; drawn by ``aim`` when None.

    Returns:
        (height, width, 3) RGB, sRGB-encoded, as it goes into the JPEG encoder.

    Raises:
        DataError: a shape the mosaic can't cover.
    """
    shot = shot or aim(rng, camera=camera)
    return expose(rng, blur(radiance, sigma_px=shot.sigma_px), camera=camera, shot=shot)


def expose(rng: np.random.Generator, light: Light, *, camera: Camera, shot: Shot) -> RGBArray:
    """Sensor and signal processing alone, for light that a lens has already formed into an image; as ``take_photo``."""
    if light.ndim != 3 or light.shape[2] != 3 or light.shape[0] % 2 or light.shape[1] % 2:
        raise DataError(f"light must be (height, width, 3) with even sides, got {light.shape}; crop it")
    rgb = _demosaic(_sense(rng, light, camera=camera, shot=shot), bayer=camera.bayer)
    luma = 0.25 * rgb[..., 0] + 0.5 * rgb[..., 1] + 0.25 * rgb[..., 2]
    # Unsharp mask on luma, so that colour noise isn't sharpened; it adds to all colours alike.
    detail = luma - blur(luma[..., None], sigma_px=_UNSHARP_SIGMA_PX)[..., 0]
    grey = np.float32(1 - camera.saturation) * luma + np.float32(camera.sharpening * shot.sharpening_gain) * detail
    rgb *= np.float32(camera.saturation)
    rgb += grey[..., None]
    rgb *= np.float32(TONE_STEPS - 1)
    np.clip(rgb, 0, TONE_STEPS - 1, out=rgb)
    return np.take(tone_curve(camera.contrast), rgb.astype(np.uint16))


def encode_jpeg(photo: RGBArray, *, camera: Camera) -> bytes:
    """The photo as the camera stores it: its own quality and chroma subsampling, no metadata."""
    return jpeg(photo, camera.jpeg_quality, subsampling=camera.jpeg_subsampling)


def to_light(photo: RGBArray) -> Light:
    """8-bit sRGB to linear light, 0..1, of the same shape."""
    return by_table(_LIGHT_OF_LEVEL, photo)


def untoned(photo: RGBArray, *, camera: Camera) -> Light:
    """The linear light, 0..1, that a camera's tone curve made an 8-bit photo of; of the same shape."""
    curve = tone_curve(camera.contrast).astype(np.float64)
    light = np.interp(np.arange(256), curve, np.arange(TONE_STEPS) / (TONE_STEPS - 1))
    return by_table(light.astype(np.float32), photo)


def blur(light: Light, *, sigma_px: float) -> Light:
    """Gaussian blur of (height, width, channels), edges repeated."""
    radius = max(1, int(np.ceil(2.5 * sigma_px)))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2).astype(np.float32)
    taps /= taps.sum()
    return _convolve(_convolve(light, taps=taps, axis=0), taps=taps, axis=1)


def _convolve(light: Light, *, taps: Light, axis: int) -> Light:
    """Symmetric taps along one axis: the two sides are added first, which halves the multiplications."""
    radius = len(taps) // 2
    margins = [(0, 0)] * light.ndim
    margins[axis] = (radius, radius)
    # (…, taps) views of the light, moved along the axis.
    moved = np.lib.stride_tricks.sliding_window_view(np.pad(light, margins, mode="edge"), len(taps), axis=axis)
    total = moved[..., radius] * taps[radius]
    pair = np.empty_like(total)
    for step in range(1, radius + 1):
        np.add(moved[..., radius - step], moved[..., radius + step], out=pair)
        pair *= taps[radius + step]
        total += pair
    return np.asarray(total)


def _sense(rng: np.random.Generator, light: Light, *, camera: Camera, shot: Shot) -> Light:
    """(height, width) mosaic, noisy, white-balanced, 0..about 1."""
    height, width = light.shape[:2]
    metered = max(float(light[::4, ::4].mean()), 1e-6)
    gain = METERED_MEAN / metered * 2**shot.exposure_ev
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    falloff = np.float32(gain) * (1 - np.float32(camera.vignetting / 2) * (x**2 + y**2))
    signal = np.empty((height, width), dtype=np.float32)
    veil = np.float32(shot.veil * metered)
    sites = [(np.s_[n // 2 :: 2, n % 2 :: 2], "RGB".index(colour)) for n, colour in enumerate(camera.bayer)]
    for part, channel in sites:
        signal[part] = (light[..., channel][part] + veil) * falloff[part] * np.float32(camera.sensor_rgb[channel])
    noise = rng.standard_normal((height, width), dtype=np.float32)
    variance = np.maximum(signal, 0) * np.float32(camera.shot_noise) + np.float32(camera.read_noise**2)
    noise *= np.sqrt(variance * np.float32(shot.noise_gain))
    signal += noise
    np.clip(signal, 0, 1, out=signal)
    for part, channel in sites:
        signal[part] *= np.float32(shot.balance_rgb[channel] / camera.sensor_rgb[channel])
    return signal


def _demosaic(mosaic: Light, *, bayer: str) -> Light:
    """Bilinear: every missing colour is the mean of its two or four nearest photosites."""
    height, width = mosaic.shape
    padded = np.pad(mosaic, 1, mode="reflect")

    def at(dy: int, dx: int, site: int) -> Light:
        top, left = 1 + site // 2 + dy, 1 + site % 2 + dx
        return padded[top : top + height - 1 : 2, left : left + width - 1 : 2]

    rgb = np.empty((height, width, 3), dtype=np.float32)
    for site, colour in enumerate(bayer):
        part = rgb[site // 2 :: 2, site % 2 :: 2]
        beside = (at(0, -1, site) + at(0, 1, site)) * np.float32(0.5)
        above = (at(-1, 0, site) + at(1, 0, site)) * np.float32(0.5)
        if colour == "G":
            in_row = bayer[site ^ 1]
            part[..., 0], part[..., 2] = (beside, above) if in_row == "R" else (above, beside)
            part[..., 1] = at(0, 0, site)
            continue
        corners = (at(-1, -1, site) + at(-1, 1, site) + at(1, -1, site) + at(1, 1, site)) * np.float32(0.25)
        own, other = (0, 2) if colour == "R" else (2, 0)
        part[..., own], part[..., 1], part[..., other] = at(0, 0, site), (beside + above) * np.float32(0.5), corners
    return rgb


def tone_curve(contrast: float) -> RGBArray:
    """(4096,) from linear light to 8 bits: the sRGB curve, then an S-curve."""
    linear = np.arange(TONE_STEPS, dtype=np.float64) / (TONE_STEPS - 1)
    encoded = to_srgb(linear)
    curved = encoded + contrast * (encoded * encoded * (3 - 2 * encoded) - encoded)
    return np.asarray(np.rint(255 * curved), dtype=np.uint8)


# In the order of Camera's fields.
_TABLE: tuple[tuple[Any, ...], ...] = (
    ("phone-a", 0.38, 0.5, 0.25, 0.0006, 0.006, (0.6, 1.0, 0.7), "RGGB", 0.7, 1.15, 0.35, 92, "4:2:0"),
    ("phone-b", 0.42, 0.63, 0.35, 0.0012, 0.01, (0.55, 1.0, 0.65), "GRBG", 1.1, 1.25, 0.5, 85, "4:2:0"),
    ("phone-c", 0.34, 0.44, 0.15, 0.0004, 0.004, (0.7, 1.0, 0.6), "BGGR", 0.4, 1.05, 0.2, 95, "4:4:4"),
    ("phone-d", 0.4, 0.57, 0.3, 0.0009, 0.008, (0.62, 1.0, 0.72), "RGGB", 0.9, 1.1, 0.6, 88, "4:2:0"),
    ("compact", 0.4, 0.5, 0.2, 0.0005, 0.005, (0.65, 1.0, 0.8), "GBRG", 0.5, 1.0, 0.3, 93, "4:2:2"),
    ("phone-e", 0.4, 0.57, 0.28, 0.0008, 0.007, (0.58, 1.0, 0.68), "GRBG", 0.8, 1.2, 0.4, 90, "4:2:0"),
    ("phone-f", 0.37, 0.5, 0.2, 0.0006, 0.006, (0.66, 1.0, 0.62), "BGGR", 0.6, 1.1, 0.3, 94, "4:2:2"),
    ("phone-g", 0.41, 0.57, 0.32, 0.001, 0.008, (0.57, 1.0, 0.75), "RGGB", 1.0, 1.15, 0.45, 87, "4:2:0"),
    ("rugged-tablet", 0.41, 0.5, 0.25, 0.0007, 0.007, (0.64, 1.0, 0.66), "GBRG", 0.6, 1.05, 0.25, 91, "4:2:0"),
)
_FIELDS = tuple(field.name for field in fields(Camera))
CAMERAS: Mapping[str, Camera] = MappingProxyType(
    {row[0]: Camera(**dict(zip(_FIELDS, row, strict=True))) for row in _TABLE}
)
