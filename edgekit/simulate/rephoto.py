"""One genuine photo, photographed again from a simulated screen or print: what is drawn, and how the file is made.

Both classes must come out of the same chain: a model that is trained on photos as they are against simulated ones
learns the simulator's lens, mosaic and JPEG, and nothing about screens. So ``rephotograph`` can also take the photo
itself as the scene, with the same camera, the same reduction to the final size and the same JPEG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.errors import DataError
from edgekit.look.sheets import jpeg
from edgekit.simulate.cameras import CAMERAS, METERED_MEAN, Light, aim, untoned
from edgekit.simulate.options import DOTTED, PRINTED, PRINTS, RephotoConfig, ScreenLayout
from edgekit.simulate.pages import lay_out
from edgekit.simulate.paper import bend
from edgekit.simulate.perspective import View
from edgekit.simulate.phone import (
    REDUCTIONS,
    PhoneOptics,
    Processing,
    Reduction,
    behind,
    bent,
    defocus,
    finish,
    shake,
    take,
)
from edgekit.simulate.screens import SCREENS, Screen, form_image
from edgekit.simulate.strips import in_strips

# What each name stands for among the simulator's screens.
SCREEN_OF: Mapping[str, Screen] = MappingProxyType(
    {
        "lcd-rgb": SCREENS["laptop-tn"],
        "oled-pentile": SCREENS["phone-oled"],
        "crt": SCREENS["tv-crt"],
        "ips-monitor": SCREENS["monitor-ips"],
        "print-inkjet": SCREENS["print-inkjet"],
        "print-offset": SCREENS["print-magazine"],
        "print-plain": SCREENS["print-plain"],
        "print-laser": SCREENS["print-laser"],
        "print-photo": SCREENS["print-photo"],
    }
)

LEAST_PX = 8
# OpenCV counts pixels of what it bends and tilts in 16 bits.
_MOST_SHOWN_PX = 32_766

_PRINT_OVERSAMPLE = 1.4
_MATTE = 0.1
# Beyond it a screen of another shape would be a line, or larger than memory.
_LONG = 3.0
# A sensor of 12 megapixels over a photo of 1280 pixels, and what merging several exposures leaves of its noise.
_SENSOR_OVERSAMPLE = 3.1
_MERGED = (0.05, 0.4)
# Of 255: what phones smooth away, little by day and more at night.
_NOISE_LEVELS = (0.0, 4.0)
_CONTRAST_KEPT = (0.85, 1.2)
# Share of a photo's sides that a photo of its scene may lose: two photos are never framed alike.
_FRAMING = 0.06
# A phone makes the mean of a scene what it usually is, but goes only half of the way: paper stays bright.
_METERING = 0.5
# Chance of a plane that is not in focus everywhere, and its blur at the far edge in pixels of the file.
_TILTED, _FAR_PX = 0.25, 1.5
# How far ink moves on a sheet that bends, as a share of its height.
_BEND = 0.03
# A phone sets black to what is darkest in the picture, or nearly: this much of it is taken off.
_BLACK_POINT = (0.3, 1.0)
# Fog stays fog: no more than this share of the mean.
_MOST_BLACK = 0.2
# How often people show a photo so.
_USUAL: Mapping[ScreenLayout, float] = MappingProxyType(
    {"whole": 3, "page": 1, "letterbox": 2, "app": 2, "grid": 1, "text": 1, "article": 1, "cover": 1}
)
# An office printer's sheets are mostly text; photo paper has photos.
_USUAL_OF: Mapping[str, Mapping[ScreenLayout, float]] = MappingProxyType(
    {
        "print-laser": {"whole": 1, "page": 1, "text": 5, "article": 3, "cover": 1},
        "print-photo": {"whole": 4, "page": 1, "text": 0.1, "article": 0.1, "cover": 1},
        "print-plain": {"whole": 4, "page": 3, "text": 1, "article": 1, "cover": 1},
    }
)
# Messengers and cameras reduce with a low pass; what has none is rarer.
_HOW_OFTEN: Mapping[Reduction, float] = MappingProxyType({"area": 7, "two-taps": 1, "cubic": 1, "lanczos": 1})
# By the halving of their light at 30 (TN), 40 (IPS) and 60 degrees (OLED, CRT); paper is lit from outside.
_FALLOFF: Mapping[str, float] = MappingProxyType(
    {"laptop-tn": 4.8, "phone-oled": 1.0, "tv-crt": 1.0, "monitor-ips": 2.6}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was drawn for one photo, as the manifest notes it. The screen is empty for a photo of the scene itself.

    ``aspect`` is the screen's width over its height; 0 has the picture's own, and so have photos longer than 3:1.
    """

    screen: str
    camera: str
    distance: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    focus_px: float
    exposure_ev: float
    shake_px: float
    glare: float
    jpeg: int
    coverage: float
    layout: ScreenLayout
    fill: float
    aspect: float
    hand: bool
    dots: bool
    uneven: float
    lamp: float
    room: bool
    oversample: float
    reduced_by: Reduction
    long_side_px: int

    @property
    def may_end_inside(self) -> bool:
        """Whether something behind the screen can be seen; a phone's own shape leaves room in most pictures."""
        return self.coverage > 1 or (is_phone(self.screen) and self.aspect > 0)


def is_phone(screen: str) -> bool:
    """Whether a key of SCREEN_OF is a phone."""
    return screen in SCREEN_OF and SCREEN_OF[screen].kind == "phone"


def draw(rng: np.random.Generator, *, screen: str, config: RephotoConfig) -> Drawn:
    """Draw how one photo is taken.

    Args:
        rng: Chance.
        screen: A key of SCREEN_OF, or an empty string to take the scene itself.
        config: The ranges.
    """
    names = sorted(CAMERAS)
    ratio = SCREEN_OF[screen].ratio if screen else (1.0, 1.0)
    usual = float(np.exp(rng.uniform(*np.log(ratio))))
    oversample = float(rng.uniform(*config.oversample))
    layouts = config.layouts
    dots = screen in DOTTED and bool(rng.random() < config.dots)
    if screen in PRINTS:
        layouts = tuple(one for one in layouts if one in PRINTED)
    if dots:
        # There are more dots than camera pixels, and each is drawn.
        oversample = min(oversample, _PRINT_OVERSAMPLE)
    near = usual * rng.uniform(*config.distance)
    yaw, pitch = rng.uniform(-config.angle_deg, config.angle_deg, 2)
    return Drawn(
        screen=screen,
        camera=names[int(rng.integers(len(names)))],
        # Ink without dots has no raster that the camera could come near to.
        distance=round(float(np.clip(near, 0.25, 8)), 3) if dots or screen not in PRINTS else 1.0,
        yaw_deg=round(float(yaw), 2),
        pitch_deg=round(float(pitch), 2),
        roll_deg=round(float(np.clip(rng.normal(0, 3), -10, 10)), 2),
        focus_px=round(float(rng.uniform(*config.focus_px)), 3),
        exposure_ev=round(float(rng.uniform(*config.exposure_ev)), 3),
        shake_px=round(float(config.shake_px[0] + np.ptp(config.shake_px) * rng.random() ** 3), 3),
        glare=round(float(rng.uniform(*config.glare)) * (_glossy(screen) if screen in PRINTS else 1.0), 3),
        jpeg=round(rng.uniform(*config.jpeg)),
        coverage=round(float(rng.uniform(*config.coverage)), 3),
        layout=_draw_layout(rng, layouts, _USUAL_OF.get(screen, _USUAL)),
        fill=round(float(rng.uniform(*config.fill)), 3),
        aspect=_draw_aspect(rng, screen, config.phones),
        hand=bool(rng.random() < config.hand * (1.0 if is_phone(screen) else 0.5 * (screen in PRINTS))),
        dots=dots,
        uneven=round(float(rng.random()), 3) if screen in PRINTS else 0.0,
        lamp=_draw_lamp(rng, screen, config.lamp),
        room=bool(rng.random() < config.room),
        oversample=round(oversample, 3),
        reduced_by=_draw_reduction(rng),
        long_side_px=config.long_side_px,
    )


def _draw_layout(
    rng: np.random.Generator, layouts: tuple[ScreenLayout, ...], usual: Mapping[ScreenLayout, float]
) -> ScreenLayout:
    shares = np.array([usual[one] for one in layouts])
    return layouts[int(rng.choice(len(layouts), p=shares / shares.sum()))]


def _draw_reduction(rng: np.random.Generator) -> Reduction:
    shares = np.array([_HOW_OFTEN[one] for one in REDUCTIONS])
    return REDUCTIONS[int(rng.choice(len(REDUCTIONS), p=shares / shares.sum()))]


def _glossy(screen: str) -> float:
    """How strongly a print reflects the room, against glass."""
    return float(SCREEN_OF[screen].gloss / SCREEN_OF["oled-pentile"].gloss)


def _draw_aspect(rng: np.random.Generator, screen: str, phones: float) -> float:
    """A phone's, upright or lying; a wide screen's for half of the others."""
    tall, lies, own = rng.uniform(16 / 9, 21 / 9), rng.random() < 0.25, rng.random()
    if not screen or screen in PRINTS:
        return 0.0
    if is_phone(screen):
        return round(float(tall if lies else 1 / tall), 3) if own < phones else 0.0
    if SCREEN_OF[screen].structure == "shadow-mask":
        return round(4 / 3, 3) if own < 0.5 else 0.0
    return round(16 / 10 if lies else 16 / 9, 3) if own < 0.5 else 0.0


def _draw_lamp(rng: np.random.Generator, screen: str, share: float) -> float:
    """Its light, as a share of the screen's mean; matte paper and the scene itself have no glass."""
    strength, has_one = float(np.exp(rng.uniform(np.log(0.3), np.log(4.0)))), rng.random() < share
    reflects = screen in SCREEN_OF and SCREEN_OF[screen].gloss > _MATTE
    return round(strength, 3) if has_one and reflects else 0.0


def rephotograph(rng: np.random.Generator, photo: RGBArray, *, drawn: Drawn, room: RGBArray | None = None) -> bytes:
    """Take a photo of a photo, or of its scene.

    Args:
        rng: Chance: noise, reflections, the page around the photo.
        photo: (height, width, 3) RGB, sRGB-encoded.
        drawn: From ``draw``.
        room: RGB like the photo, of any size: what lies behind a screen that ends inside the picture; a wall when None.

    Returns:
        A JPEG of the photo's own size, or of ``long_side_px``, odd sides cut to even, without metadata.

    Raises:
        DataError: the photo is too small, or too long for a screen.
    """
    if min(photo.shape[:2]) < LEAST_PX:
        raise DataError(
            f"a photo that is shown on a screen must have {LEAST_PX} pixels or more on each side, got "
            f"{photo.shape[1]}x{photo.shape[0]}; remove it"
        )
    camera = CAMERAS[drawn.camera]
    usual = aim(rng, camera=camera)
    size_wh = _file_size(photo, drawn.long_side_px)
    # Cameras have even sides.
    native_wh = (round(size_wh[0] * drawn.oversample / 2) * 2, round(size_wh[1] * drawn.oversample / 2) * 2)
    sigma_px = float(np.hypot(camera.lens_sigma_px, drawn.focus_px))
    if drawn.screen:
        light = _of_screen(rng, photo, drawn=drawn, sigma_px=sigma_px, native_wh=native_wh, room=room)
    else:
        light = PhoneOptics().blur(_of_scene(rng, photo, native_wh), sigma_px=sigma_px)
    light = _hand_held(rng, light, drawn=drawn)
    seen = light[::8, ::8].copy()
    if drawn.screen:
        # The scene itself has had its black point set by the camera that took it.
        darkest = min(rng.uniform(*_BLACK_POINT) * float(np.percentile(seen, 1)), _MOST_BLACK * float(seen.mean()))
        light -= np.float32(darkest)
        np.maximum(light, 0, out=light)
    shot = replace(
        usual,
        # The black point would take it off again.
        veil=0.0,
        # Of the many sensor pixels for each one of the file, few are simulated: the mean of all has less noise.
        noise_gain=usual.noise_gain * (drawn.oversample / _SENSOR_OVERSAMPLE) ** 2 * float(rng.uniform(*_MERGED)),
        sigma_px=sigma_px,
        exposure_ev=drawn.exposure_ev + _METERING * float(np.log2(max(float(seen.mean()), 1e-4) / METERED_MEAN)),
    )
    processing = Processing(
        reduction=drawn.reduced_by,
        noise_levels=float(rng.uniform(*_NOISE_LEVELS)),
        contrast_kept=float(rng.uniform(*_CONTRAST_KEPT)),
    )
    toned = take(rng, light, camera=camera, shot=shot)
    # Of 12 megapixels a gigabyte, which what follows can have.
    del light
    developed = finish(toned, camera=camera, shot=shot, size_wh=size_wh, processing=processing)
    return jpeg(developed, drawn.jpeg, subsampling=camera.jpeg_subsampling)


def _file_size(photo: RGBArray, long_side_px: int) -> tuple[int, int]:
    height, width = photo.shape[:2]
    share = min(1.0, long_side_px / max(width, height)) if long_side_px else 1.0
    return max(2, int(width * share) // 2 * 2), max(2, int(height * share) // 2 * 2)


def _of_scene(rng: np.random.Generator, photo: RGBArray, native_wh: tuple[int, int]) -> Light:
    """What stood before the camera that took the photo: its framing changed, a camera's tones and colours undone.

    Without that a photo of the scene would have the contrast and the colours of two cameras.
    """
    names = sorted(CAMERAS)
    took = CAMERAS[names[int(rng.integers(len(names)))]]
    height, width = photo.shape[:2]
    kept = 1 - _FRAMING * rng.random()
    left, top = (whole * (1 - kept) * rng.random() for whole in (width, height))
    box = (left, top, left + kept * width, top + kept * height)
    seen = np.asarray(Image.fromarray(photo).resize(native_wh, Image.Resampling.BICUBIC, box=box))
    light = untoned(seen, camera=took)
    for rows in in_strips(native_wh):
        luma = light[rows] @ np.array([0.25, 0.5, 0.25], dtype=np.float32)
        light[rows] = np.maximum(luma[..., None] + (light[rows] - luma[..., None]) / np.float32(took.saturation), 0)
    return light


def _hand_held(rng: np.random.Generator, light: Light, *, drawn: Drawn) -> Light:
    """The blur of a hand that moves, and of a plane that is not everywhere in focus."""
    turn = rng.uniform(0, 2 * np.pi)
    way = drawn.shake_px * drawn.oversample
    light = shake(light, way_px=(way * float(np.cos(turn)), way * float(np.sin(turn))))
    tilted, far_px = rng.random() < _TILTED, _FAR_PX * drawn.oversample * float(rng.random()) ** 2
    if not tilted:
        return light
    turned = (drawn.yaw_deg, drawn.pitch_deg) if drawn.screen else (float(np.sin(turn)), float(np.cos(turn)))
    return defocus(light, slope=turned, sigma_px=far_px)


def _of_screen(
    rng: np.random.Generator,
    photo: RGBArray,
    *,
    drawn: Drawn,
    sigma_px: float,
    native_wh: tuple[int, int],
    room: RGBArray | None,
) -> Light:
    paper = drawn.screen in PRINTS
    screen = SCREEN_OF[drawn.screen]
    if paper and not drawn.dots:
        screen = replace(screen, structure="solid")
    shape = _shape(native_wh, drawn.aspect, whole=is_phone(drawn.screen))
    shown_wh = max(2, round(native_wh[0] * shape[0])), max(2, round(native_wh[1] * shape[1]))
    if max(*native_wh, *shown_wh) > _MOST_SHOWN_PX:
        raise DataError(
            f"a photo on a screen must have at most {_MOST_SHOWN_PX} of its camera's pixels on each side, got "
            f"{max(*native_wh, *shown_wh)} for {photo.shape[1]}x{photo.shape[0]}; use a smaller --long-side"
        )
    # The page is nobody's but `form_image`'s, which lets go of it.
    return form_image(
        rng,
        _page(rng, photo, shown_wh, drawn=drawn),
        screen=screen,
        view=_view(rng, drawn, native_wh, sigma_px=sigma_px, room=room),
        sigma_px=sigma_px,
        optics=PhoneOptics(),
    )


def _page(rng: np.random.Generator, photo: RGBArray, shown_wh: tuple[int, int], *, drawn: Drawn) -> RGBArray:
    """What is shown: (height, width, 3)."""
    paper = drawn.screen in PRINTS
    page = np.asarray(lay_out(rng, Image.fromarray(photo), shown_wh, layout=drawn.layout, fill=drawn.fill, paper=paper))
    return bent(page, bend(rng, shown_wh, depth=_BEND * drawn.uneven)) if paper else page


def _view(
    rng: np.random.Generator, drawn: Drawn, native_wh: tuple[int, int], *, sigma_px: float, room: RGBArray | None
) -> View:
    phone = is_phone(drawn.screen)
    # It stands farther away than the screen, which is in focus.
    away_px = float(rng.uniform(0, 6)) if drawn.room else 0.0
    return View(
        ratio=drawn.distance,
        yaw_deg=drawn.yaw_deg,
        pitch_deg=drawn.pitch_deg,
        roll_deg=drawn.roll_deg,
        coverage=drawn.coverage,
        offset=(float(rng.random()), float(rng.random())),
        glare=drawn.glare,
        shape=_shape(native_wh, drawn.aspect, whole=phone),
        corner=float(rng.uniform(0.02, 0.14)) if phone and drawn.aspect else 0.0,
        falloff=_FALLOFF.get(SCREEN_OF[drawn.screen].name, 0.0),
        hand=drawn.hand and phone,
        uneven=drawn.uneven,
        fingers=int(rng.integers(1, 4)) if drawn.hand and drawn.screen in PRINTS else 0,
        lamp=drawn.lamp,
        picture_wh=native_wh,
        room=None if room is None else behind(room, native_wh, sigma_px=sigma_px + away_px),
    )


def _shape(size_wh: tuple[int, int], aspect: float, *, whole: bool) -> tuple[float, float]:
    """Width and height of a screen over those of the picture.

    Args:
        size_wh: Of the picture.
        aspect: Of the screen, width over height; 0 for the picture's own.
        whole: The screen fits into the picture at a coverage of 1; otherwise the picture fits into the screen.
    """
    if not aspect or max(size_wh) > _LONG * min(size_wh):
        return 1.0, 1.0
    wider = aspect * size_wh[1] / size_wh[0]
    if (wider > 1) == whole:
        return 1.0, round(1 / wider, 4)
    return round(wider, 4), 1.0
