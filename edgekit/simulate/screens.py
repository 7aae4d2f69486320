"""Simulated recaptures: a photo shown on a screen or printed on paper, photographed again.

Nothing is painted on. The photo is resampled to the screen's raster, every screen pixel emits through its subpixels
(or every device dot is inked or bare), the camera looks at that plane in perspective, its lens and pixel aperture
integrate the light, and its mosaic samples it. Moiré, colour fringes, doubled noise and doubled JPEG come from that
chain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, get_args

import numpy as np
from PIL import Image, ImageFilter

from edgekit.arrays import ByteArray, Float32Array, RGBArray
from edgekit.errors import DataError
from edgekit.simulate.cameras import Camera, Light, Rgb, aim, blur, expose
from edgekit.simulate.halftone import clustered_thresholds, dispersed_thresholds, inked, lay_ink, separate
from edgekit.simulate.panels import STRUCTURES, Structure, panel_response
from edgekit.simulate.paper import uneven_light, with_fingers
from edgekit.simulate.perspective import (
    EDGES,
    Placement,
    ScreenEdge,
    View,
    cosine,
    place_screen,
    trace_rays,
    warp_window,
)
from edgekit.simulate.strips import ByRows, in_strips
from edgekit.simulate.surroundings import lamp, over, soft_share, within_room
from edgekit.simulate.textures import axes, smooth_rows, some_tint

ScreenKind: TypeAlias = Literal["laptop", "monitor", "tv", "tablet", "phone", "print"]
Halftone: TypeAlias = Literal["clustered-dots", "dispersed-dots", "solid"]
HALFTONES: tuple[str, ...] = get_args(Halftone)


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A display or a print.

    Attributes:
        name: Its name in manifests.
        kind: What a person would call it.
        structure: Its subpixels, or how its ink dots are laid; ``solid`` for ink without dots, or with dots too fine
            to be seen.
        ratio: Smallest and largest camera pixels per screen pixel (per device dot of a print), at the usual distances.
        gamma: From 8-bit level to light; prints with dots ignore it.
        white_rgb: Its white, or its paper.
        black: Light of a black pixel, as a share of white.
        gloss: How strongly it reflects the room, 0..1.
        banding: Strength of the bands that refresh or backlight modulation draw into a rolling shutter's photo.
        cell_dots: Device dots along a halftone cell; clustered dots only.
    """

    name: str
    kind: ScreenKind
    structure: Structure | Halftone
    ratio: tuple[float, float]
    gamma: float = 2.2
    white_rgb: Rgb = (1.0, 1.0, 1.0)
    black: float = 0.003
    gloss: float = 0.3
    banding: float = 0.0
    cell_dots: int = 8

    def __post_init__(self) -> None:
        """Check that the numbers make a screen."""
        if self.structure not in (*STRUCTURES, *HALFTONES):
            raise DataError(
                f"screen {self.name}: structure must be one of {STRUCTURES} or a halftone, got {self.structure!r};"
                " correct it"
            )
        if not 0.25 <= self.ratio[0] <= self.ratio[1] <= 8:
            raise DataError(
                f"screen {self.name}: ratio must rise within 0.25 to 8 camera pixels, got {self.ratio}; move it"
            )
        if not 0 <= self.black < 1 or not 0 <= self.gloss <= 1 or not 0 <= self.banding < 1:
            raise DataError(
                f"screen {self.name}: black, gloss and banding must be shares of 1,"
                f" got {self.black}, {self.gloss} and {self.banding}; correct them"
            )
        if not 4 <= self.cell_dots <= 32:
            raise DataError(f"screen {self.name}: cell_dots must be 4 to 32, got {self.cell_dots}; correct it")

    def emit(self, raster: RGBArray) -> Light:
        """Mean light of each pixel of a display, or of solid ink: (height, width, 3), linear, of RGB of that shape."""
        response = self.black + (1 - self.black) * (np.arange(256) / 255) ** self.gamma
        curves = (response[:, None] * np.array(self.white_rgb)).astype(np.float32)
        return np.stack([curves[raster[..., channel], channel] for channel in range(3)], axis=-1)


def choose_view(rng: np.random.Generator, *, screen: Screen) -> View:
    """Draw a hand-held view: most are nearly frontal and show the picture alone; one in eight has an edge in it."""
    ratio = float(np.exp(rng.uniform(*np.log(screen.ratio))))
    yaw, pitch = (float(np.clip(angle, -28, 28)) for angle in rng.normal(0, 9, 2))
    edge: ScreenEdge = "none"
    if rng.random() < 1 / 8:
        edge = EDGES[int(rng.integers(len(EDGES)))]
    return View(
        ratio=ratio,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=float(rng.normal(0, 3)),
        coverage=float(rng.uniform(0.78, 0.97)),
        offset=(float(rng.random()), float(rng.random())),
        edge=edge,
        glare=float(screen.gloss * rng.random() ** 2),
    )


def recapture(
    rng: np.random.Generator, photo: RGBArray, *, screen: Screen, camera: Camera, view: View | None = None
) -> RGBArray:
    """Show a photo and photograph it.

    Args:
        rng: Chance.
        photo: (height, width, 3) RGB, sRGB-encoded, even sides; best itself the decoded JPEG of another camera.
        screen: Where it is shown.
        camera: What photographs it.
        view: From where; drawn by ``choose_view`` when None.

    Returns:
        A photo of the same shape.

    Raises:
        DataError: the photo is not uint8 (height, width, 3) with even sides.
    """
    view = view or choose_view(rng, screen=screen)
    shot = aim(rng, camera=camera)
    light = form_image(rng, photo, screen=screen, view=view, sigma_px=shot.sigma_px)
    return expose(rng, light, camera=camera, shot=shot)


class Optics(Protocol):
    """The two steps of ``form_image`` that take longest, for those who have a faster library."""

    def blur(self, light: Light, *, sigma_px: float) -> Light:
        """Gaussian blur as by ``cameras.blur``, edges repeated; the light that is given may be changed."""

    def panel_light(self, shown: RGBArray, *, screen: Screen, placement: Placement) -> Light:
        """Mean light of each screen pixel as the camera sees it, without subpixels: (height, width, 3), linear.

        ``shown`` is the photo on the raster, in the placement's window.
        """


def form_image(
    rng: np.random.Generator,
    photo: RGBArray,
    *,
    screen: Screen,
    view: View,
    sigma_px: float,
    optics: Optics | None = None,
) -> Light:
    """The light that a lens forms on the sensor from a photo on a screen; arguments and errors as for ``recapture``.

    Args:
        rng: Chance.
        photo: What is shown.
        screen: Where.
        view: From where it is seen.
        sigma_px: Width of the lens's blur.
        optics: What blurs and warps; numpy and Pillow when None.

    Returns:
        (height, width, 3) linear light of the picture's size.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise DataError(f"a photo must be uint8 (height, width, 3), got {photo.dtype} {photo.shape}; decode it to RGB")
    use = optics or _PillowOptics()
    size_wh = view.picture_wh or (photo.shape[1], photo.shape[0])
    placement = place_screen(size_wh, view)
    # ruff's "in (…)" would not tell mypy that a panel remains.
    if screen.structure == "clustered-dots" or screen.structure == "dispersed-dots":  # noqa: PLR1714
        light = use.blur(_print_light(rng, photo, screen=screen, placement=placement), sigma_px=sigma_px)
    else:
        shown = np.asarray(placement.show(Image.fromarray(photo), resample=Image.Resampling.BICUBIC))
        # Of a print of 12 megapixels a quarter of a gigabyte, which nobody needs any more.
        del photo
        light = use.panel_light(shown, screen=screen, placement=placement)
        del shown
        light = use.blur(light, sigma_px=sigma_px)
        if screen.structure != "solid":
            _lay_structure(light, structure=screen.structure, placement=placement, sigma_px=sigma_px)
            light *= _bands(rng, size_wh, strength=screen.banding)
    paper = _light_sheet(rng, light, screen=screen, view=view) if screen.kind == "print" else None
    if view.falloff > 0:
        for rows in in_strips(size_wh):
            light[rows] *= (cosine(size_wh, view, rows) ** np.float32(view.falloff))[..., None]
    if view.lamp > 0:
        # Every fourth pixel is enough for a mean.
        on_screen = placement.inside_px(trace_rays(placement, slice(None, None, 4)))[:, ::4] > 0
        mean = float(light[::4, ::4].mean(where=on_screen[..., None])) if on_screen.any() else 0.0
        shining = lamp(rng, size_wh)
        for rows in in_strips(size_wh):
            light[rows] += (shining(rows) * np.float32(view.lamp * mean))[..., None]
    soft_px = 2 * sigma_px + 0.5
    if view.edge != "none":
        beyond = _surround(rng, screen)
        for rows in in_strips(size_wh):
            share = soft_share(placement.inside_px(trace_rays(placement, rows)), soft_px)
            light[rows] = over(beyond, light[rows], share)
    elif view.coverage > min(view.shape):
        light = within_room(rng, light, placement=placement, view=view, paper=paper, soft_px=soft_px)
        # A quarter of the light's memory.
        view = replace(view, room=None)
    if view.fingers:
        light = with_fingers(rng, light, fingers=view.fingers, soft_px=soft_px)
    return _reflect(rng, light, strength=view.glare)


def _light_sheet(rng: np.random.Generator, light: Light, *, screen: Screen, view: View) -> ByRows:
    """Light a print as it is curved, in place; the light of its margin, by rows."""
    bare = np.array(screen.white_rgb, dtype=np.float32)
    if view.uneven == 0:
        return lambda _: bare
    size_wh = light.shape[1], light.shape[0]
    lit = uneven_light(rng, size_wh, depth=view.uneven)
    for rows in in_strips(size_wh):
        light[rows] *= lit(rows)[..., None]
    return lambda rows: bare * lit(rows)[..., None]


def _lay_structure(light: Light, *, structure: Structure, placement: Placement, sigma_px: float) -> None:
    """Let a panel's structure shine through its mean light, in place."""
    height, width = light.shape[:2]
    # Along every line of the picture the scale rises, or falls.
    ends = [trace_rays(placement, slice(row, row + 1)).scale[0, [0, -1]] for row in (0, height - 1)]
    scales = float(np.min(ends)), float(np.max(ends))
    for rows in in_strips((width, height)):
        rays = trace_rays(placement, rows)
        light[rows] *= panel_response(structure, u=rays.u, v=rays.v, scale=rays.scale, sigma_px=sigma_px, scales=scales)


class _PillowOptics:
    def blur(self, light: Light, *, sigma_px: float) -> Light:
        return blur(light, sigma_px=sigma_px)

    def panel_light(self, shown: RGBArray, *, screen: Screen, placement: Placement) -> Light:
        emitted = screen.emit(shown)
        enlarged = placement.repeats
        drawn_wh = (placement.window_wh[0] * enlarged, placement.window_wh[1] * enlarged)
        light = np.empty((*placement.picture_wh[::-1], 3), dtype=np.float32)
        for channel in range(3):
            plane = Image.fromarray(emitted[..., channel]).resize(drawn_wh, Image.Resampling.NEAREST)
            seen = warp_window(plane, placement.matrix, placement.picture_wh, enlarged=enlarged)
            light[..., channel] = np.asarray(seen)
        return light


def _print_light(rng: np.random.Generator, photo: RGBArray, *, screen: Screen, placement: Placement) -> Light:
    """Light from an evenly lit print, dots and all: (height, width, 3), linear."""
    if screen.structure == "clustered-dots":
        thresholds = clustered_thresholds(screen.cell_dots)
    else:
        tile = dispersed_thresholds()
        thresholds = tuple(np.roll(tile, tuple(rng.integers(0, tile.shape[0], 2)), axis=(0, 1)) for _ in range(4))
    # One ink after the other: near by there are sixteen dots for each pixel of the camera.
    dots = np.zeros(placement.window_wh[::-1], dtype=np.uint8)
    for number, (ink, tile) in enumerate(zip(separate(photo).split(), thresholds, strict=True)):
        lay_ink(dots, np.asarray(placement.show(ink, resample=Image.Resampling.BILINEAR)), number, thresholds=tile)
    width, height = placement.picture_wh
    light = np.empty((height, width, 3), dtype=np.float32)
    for rows in in_strips(placement.picture_wh):
        seen = _dots_seen(dots, rows, placement=placement)
        fibres = 1 + np.float32(0.012) * rng.standard_normal(seen.shape[:2], dtype=np.float32)
        seen += np.float32(255 * screen.black)
        seen *= np.array(screen.white_rgb, dtype=np.float32) / 255
        light[rows] = seen * fibres[..., None]
    return light


def _dots_seen(dots: ByteArray, rows: slice, *, placement: Placement) -> Float32Array:
    """Reflectance, 0 to 255, that some rows of the picture see of the window's dots: (rows, width, 3)."""
    dots_per_pixel = placement.area**0.5
    # The camera pixel's aperture, less what one bilinear sample (one dot wide) integrates.
    radius = max((dots_per_pixel - 1) / 2, 0.0)
    part = placement.seen_by(rows, beside=2 + math.ceil(radius))
    ink = inked(dots[part])
    enlarged = 1 if dots_per_pixel > 1 else 2
    if dots_per_pixel > 1:
        ink = ink.filter(ImageFilter.BoxBlur(radius))
    else:
        ink = ink.resize((ink.width * enlarged, ink.height * enlarged), Image.Resampling.NEAREST)
    size_wh = placement.picture_wh[0], rows.stop - rows.start
    return np.asarray(warp_window(ink, placement.part(rows, part), size_wh, enlarged=enlarged)).astype(np.float32)


def _bands(rng: np.random.Generator, size_wh: tuple[int, int], *, strength: float) -> Light:
    """Horizontal brightness bands (height, 1, 1) of a modulated backlight under a rolling shutter."""
    rows = np.arange(size_wh[1], dtype=np.float32)[:, None, None]
    periods, phase = rng.uniform(0.5, 6), rng.uniform(0, 2 * np.pi)
    depth = strength * rng.random()
    wave = np.cos(rows * np.float32(2 * np.pi * periods / size_wh[1]) + np.float32(phase))
    return np.asarray(1 + np.float32(depth) * wave)


def _surround(rng: np.random.Generator, screen: Screen) -> Light:
    """Colour of what lies beyond the picture: a dark bezel, or the paper's margin."""
    if screen.kind == "print":
        return np.array(screen.white_rgb, dtype=np.float32)
    return np.full(3, rng.choice([0.004, 0.02, 0.25]), dtype=np.float32)


def _reflect(rng: np.random.Generator, light: Light, *, strength: float) -> Light:
    """Add the room's soft reflection, an even veil and one or two blobs of light, in place."""
    height, width = light.shape[:2]
    veil = smooth_rows(rng, (width, height), cells=2)
    x, y = axes((width, height))
    blobs = []
    for _ in range(int(rng.integers(0, 3))):
        (at_x, at_y), wide = rng.uniform(-1, 1, 2), rng.uniform(0.15, 0.5)
        across = np.exp(-(((x - np.float32(at_x)) / np.float32(wide)) ** 2))
        down = np.exp(-(((y - np.float32(at_y)) / np.float32(wide)) ** 2))
        blobs.append((np.float32(rng.uniform(0.5, 2.5)) * across, down))
    mean = np.float32(strength * float(light[::4, ::4].mean()))
    tint = some_tint(rng, 0.15) * mean
    for rows in in_strips((width, height)):
        field = 0.3 + 0.7 * veil(rows)
        for across, down in blobs:
            field += across * down[rows]
        light[rows] += field[..., None] * tint
    return light


# In the order of Screen's fields.
_TABLE: tuple[tuple[Any, ...], ...] = (
    ("laptop-tn", "laptop", "stripe", (1.5, 2.8), 2.2, (0.93, 1.0, 1.08), 0.012, 0.3, 0.04, 8),
    ("laptop-ips", "laptop", "chevron", (1.65, 2.9), 2.2, (1.0, 1.0, 0.97), 0.005, 0.3, 0.0, 8),
    ("monitor-ips", "monitor", "chevron", (1.5, 3.0), 2.2, (0.98, 1.0, 1.03), 0.003, 0.15, 0.0, 8),
    ("monitor-va", "monitor", "split-va", (1.5, 3.0), 2.3, (1.0, 1.0, 1.0), 0.001, 0.15, 0.0, 8),
    ("tv-va", "tv", "split-va", (1.5, 3.3), 2.4, (0.9, 1.0, 1.12), 0.001, 0.3, 0.0, 8),
    ("tv-crt", "tv", "shadow-mask", (1.3, 3.2), 2.5, (1.0, 1.0, 1.0), 0.01, 0.5, 0.35, 8),
    ("tablet-ips", "tablet", "stripe", (1.65, 2.8), 2.2, (1.02, 1.0, 0.95), 0.003, 0.5, 0.0, 8),
    ("tablet-oled", "tablet", "rgb-oled", (1.5, 2.7), 2.2, (1.0, 1.0, 1.0), 0.0002, 0.5, 0.08, 8),
    ("phone-oled", "phone", "diamond-pentile", (1.15, 2.2), 2.2, (1.0, 1.0, 1.0), 0.0002, 0.5, 0.1, 8),
    ("phone-lcd", "phone", "wide-stripe", (1.5, 2.6), 2.2, (0.95, 1.0, 1.06), 0.003, 0.5, 0.0, 8),
    ("print-inkjet", "print", "dispersed-dots", (0.45, 0.8), 2.2, (0.86, 0.86, 0.84), 0.02, 0.06, 0.0, 8),
    ("print-newspaper", "print", "clustered-dots", (0.55, 0.85), 2.2, (0.68, 0.66, 0.6), 0.06, 0.02, 0.0, 6),
    ("print-poster", "print", "clustered-dots", (0.5, 0.75), 2.2, (0.8, 0.8, 0.78), 0.03, 0.2, 0.0, 6),
    ("print-plain", "print", "solid", (1.0, 1.0), 2.0, (0.84, 0.84, 0.84), 0.06, 0.02, 0.0, 8),
    ("print-laser", "print", "solid", (1.0, 1.0), 2.2, (0.85, 0.85, 0.86), 0.03, 0.05, 0.0, 8),
    ("print-photo", "print", "solid", (1.0, 1.0), 2.2, (0.9, 0.9, 0.88), 0.012, 0.25, 0.0, 8),
    ("print-magazine", "print", "clustered-dots", (0.48, 0.7), 2.2, (0.85, 0.85, 0.84), 0.015, 0.15, 0.0, 5),
)
_FIELDS = tuple(field.name for field in fields(Screen))
SCREENS: Mapping[str, Screen] = MappingProxyType(
    {row[0]: Screen(**dict(zip(_FIELDS, row, strict=True))) for row in _TABLE}
)
