"""One genuine photo, photographed again from a simulated screen or print: what is drawn, and how the file is made.

Both classes must come out of the same chain: a model that is trained on photos as they are against simulated ones
learns the simulator's lens, mosaic and JPEG, and nothing about screens. So ``rephotograph`` can also take the photo
itself as the scene, with the same camera, the same reduction to the final size and the same JPEG.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from edgekit.data.cameras import CAMERAS, Light, Photo, aim, to_light
from edgekit.data.pages import LAYOUTS, PRINTED, Layout, lay_out
from edgekit.data.perspective import View
from edgekit.data.phone import REDUCTIONS, PhoneOptics, Reduction, develop
from edgekit.data.screens import SCREENS, Screen, form_image
from edgekit.errors import DataError

ScreenName = Literal["lcd-rgb", "oled-pentile", "crt", "ips-monitor", "print-inkjet", "print-offset"]

# What each name stands for among the simulator's screens.
SCREEN_OF: Mapping[str, Screen] = MappingProxyType(
    {
        "lcd-rgb": SCREENS["laptop-tn"],
        "oled-pentile": SCREENS["phone-oled"],
        "crt": SCREENS["tv-crt"],
        "ips-monitor": SCREENS["monitor-ips"],
        "print-inkjet": SCREENS["print-inkjet"],
        "print-offset": SCREENS["print-magazine"],
    }
)

Range = tuple[float, float]

_PRINT_OVERSAMPLE = 1.4


@dataclass(frozen=True, slots=True, kw_only=True)
class RephotoConfig:
    """What is drawn for every recapture, each evenly from its range.

    Attributes:
        distance: Camera pixels per screen pixel, as a factor on what is usual for the screen: 2 is twice as near.
        angle_deg: Largest turn of the screen about each of its axes.
        focus_px: Blur besides the lens's own, in camera pixels.
        exposure_ev: Error of the automatic exposure, in stops.
        glare: Light of the room in the screen, as a share of the screen's mean.
        jpeg: Quality of the file.
        coverage: Share of the screen that the picture spans; above 1 the room around it is seen.
        layouts: What the screen shows around the photo, in turns by chance; prints know ``whole`` and ``page`` alone.
        fill: Share of the screen's width that the photo takes in a page or an app; of one side between black bars.
        room: Share of the recaptures behind whose screen another photo of the same group is seen; the others have an
            even wall.
        oversample: Camera pixels per pixel of the file, along one axis. Phones and messengers reduce photos, which
            turns a screen's grid into moiré; 1 keeps the camera's own.
    """

    distance: Range = (0.5, 1.2)
    angle_deg: float = 12.0
    focus_px: Range = (0.0, 1.2)
    exposure_ev: Range = (-0.7, 0.7)
    glare: Range = (0.0, 0.25)
    jpeg: Range = (70, 95)
    coverage: Range = (0.5, 1.8)
    layouts: tuple[Layout, ...] = LAYOUTS
    fill: Range = (0.5, 1.0)
    room: float = 0.5
    oversample: Range = (1.3, 2.0)

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, low, high in (
            ("distance", 0.2, 5),
            ("focus_px", 0, 4),
            ("exposure_ev", -4, 4),
            ("glare", 0, 2),
            ("jpeg", 1, 100),
            ("coverage", 0.1, 3),
            ("fill", 0.2, 1),
            ("oversample", 1, 4),
        ):
            smallest, largest = getattr(self, name)
            if not low <= smallest <= largest <= high:
                raise DataError(f"{name} must be a rising range within {low} to {high}, got {smallest}:{largest}")
        if not 0 <= self.angle_deg <= 45:
            raise DataError(f"angle_deg must be 0 to 45, got {self.angle_deg}")
        if not 0 <= self.room <= 1:
            raise DataError(f"room must be a share, 0 to 1, got {self.room}")
        if not self.layouts or any(one not in LAYOUTS for one in self.layouts):
            raise DataError(f"layouts must be among {', '.join(LAYOUTS)}, got {', '.join(self.layouts) or 'none'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was drawn for one photo, as the manifest notes it. The screen is empty for a photo of the scene itself."""

    screen: str
    camera: str
    distance: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    focus_px: float
    exposure_ev: float
    glare: float
    jpeg: int
    coverage: float
    layout: Layout
    fill: float
    room: bool
    oversample: float
    reduced_by: Reduction


def is_print(screen: str) -> bool:
    """Whether a key of SCREEN_OF is a print."""
    return screen in SCREEN_OF and SCREEN_OF[screen].kind == "print"


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
    if is_print(screen):
        layouts = tuple(one for one in layouts if one in PRINTED)
        # There are more dots than camera pixels, and each is drawn.
        oversample = min(oversample, _PRINT_OVERSAMPLE)
    yaw, pitch = rng.uniform(-config.angle_deg, config.angle_deg, 2)
    return Drawn(
        screen=screen,
        camera=names[int(rng.integers(len(names)))],
        distance=round(float(np.clip(usual * rng.uniform(*config.distance), 0.25, 8)), 3),
        yaw_deg=round(float(yaw), 2),
        pitch_deg=round(float(pitch), 2),
        roll_deg=round(float(np.clip(rng.normal(0, 3), -10, 10)), 2),
        focus_px=round(float(rng.uniform(*config.focus_px)), 3),
        exposure_ev=round(float(rng.uniform(*config.exposure_ev)), 3),
        glare=round(float(rng.uniform(*config.glare)), 3),
        jpeg=round(rng.uniform(*config.jpeg)),
        coverage=round(float(rng.uniform(*config.coverage)), 3),
        layout=layouts[int(rng.integers(len(layouts)))],
        fill=round(float(rng.uniform(*config.fill)), 3),
        room=bool(rng.random() < config.room),
        oversample=round(oversample, 3),
        reduced_by=REDUCTIONS[int(rng.integers(len(REDUCTIONS)))],
    )


def rephotograph(rng: np.random.Generator, photo: Photo, *, drawn: Drawn, room: Photo | None = None) -> bytes:
    """Take a photo of a photo, or of its scene.

    Args:
        rng: Chance: noise, reflections, the page around the photo.
        photo: (height, width, 3) RGB, sRGB-encoded.
        drawn: From ``draw``.
        room: RGB like the photo, of any size: what lies behind a screen that ends inside the picture; a wall when None.

    Returns:
        A JPEG of the photo's own size, odd sides cut to even, without metadata.
    """
    camera = CAMERAS[drawn.camera]
    shot = replace(
        aim(rng, camera=camera),
        sigma_px=float(np.hypot(camera.lens_sigma_px, drawn.focus_px)),
        exposure_ev=drawn.exposure_ev,
    )
    size_wh = (photo.shape[1] // 2 * 2, photo.shape[0] // 2 * 2)
    # Cameras have even sides.
    native_wh = (round(size_wh[0] * drawn.oversample / 2) * 2, round(size_wh[1] * drawn.oversample / 2) * 2)
    if drawn.screen:
        light = _of_screen(rng, photo, drawn=drawn, sigma_px=shot.sigma_px, native_wh=native_wh, room=room)
    else:
        scene = np.asarray(Image.fromarray(photo).resize(native_wh, Image.Resampling.BICUBIC))
        light = PhoneOptics().blur(to_light(scene), sigma_px=shot.sigma_px)
    developed = develop(rng, light, camera=camera, shot=shot, size_wh=size_wh, reduction=drawn.reduced_by)
    buffer = io.BytesIO()
    Image.fromarray(developed).save(buffer, "JPEG", quality=drawn.jpeg, subsampling=camera.jpeg_subsampling)
    return buffer.getvalue()


def _of_screen(
    rng: np.random.Generator,
    photo: Photo,
    *,
    drawn: Drawn,
    sigma_px: float,
    native_wh: tuple[int, int],
    room: Photo | None,
) -> Light:
    paper = is_print(drawn.screen)
    page = lay_out(rng, Image.fromarray(photo), native_wh, layout=drawn.layout, fill=drawn.fill, paper=paper)
    behind = None
    # It stands farther away than the screen, which is in focus.
    away_px = float(rng.uniform(0, 6)) if drawn.room else 0.0
    if room is not None:
        whole = ImageOps.fit(Image.fromarray(room), native_wh, Image.Resampling.BICUBIC)
        behind = PhoneOptics().blur(to_light(np.asarray(whole)), sigma_px=sigma_px + away_px)
    view = View(
        ratio=drawn.distance,
        yaw_deg=drawn.yaw_deg,
        pitch_deg=drawn.pitch_deg,
        roll_deg=drawn.roll_deg,
        coverage=drawn.coverage,
        offset=(float(rng.random()), float(rng.random())),
        glare=drawn.glare,
        room=behind,
    )
    screen = SCREEN_OF[drawn.screen]
    return form_image(rng, np.asarray(page), screen=screen, view=view, sigma_px=sigma_px, optics=PhoneOptics())
