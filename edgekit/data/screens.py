"""Simulated recaptures: a photo shown on a screen or printed on paper, photographed again.

Nothing is painted on. The photo is resampled to the screen's raster, every screen pixel emits through its subpixels (or every
device dot is inked or bare), the camera looks at that plane in perspective, its lens and pixel aperture integrate the light,
and its mosaic samples it. Moiré, colour fringes, doubled noise and doubled JPEG come from that chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgekit.data.cameras import Camera, Light, Photo, Rgb, aim, blur, expose
from edgekit.data.halftone import clustered_thresholds, dispersed_thresholds, lay_ink, separate
from edgekit.data.panels import STRUCTURES, Structure, panel_response
from edgekit.data.textures import Plane, smooth_field
from edgekit.errors import DataError

Kind: TypeAlias = Literal["laptop", "monitor", "tv", "tablet", "phone", "print"]
Edge: TypeAlias = Literal["none", "left", "right", "top", "bottom"]
Halftone: TypeAlias = Literal["clustered-dots", "dispersed-dots"]
Matrix: TypeAlias = NDArray[np.float64]

# Focal length over picture width, as of a phone's main camera.
_FOCAL = 1.1


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A display or a print.

    Attributes:
        name: Its name in manifests.
        kind: What a person would call it.
        structure: Its subpixels, or how its ink dots are laid.
        ratio: Smallest and largest camera pixels per screen pixel (per device dot of a print), at the usual distances.
        gamma: From 8-bit level to light; prints ignore it.
        white_rgb: Its white, or its paper.
        black: Light of a black pixel, as a share of white.
        gloss: How strongly it reflects the room, 0..1.
        banding: Strength of the bands that refresh or backlight modulation draw into a rolling shutter's photo.
        cell_dots: Device dots along a halftone cell; clustered dots only.
    """

    name: str
    kind: Kind
    structure: Structure | Halftone
    ratio: tuple[float, float]
    gamma: float = 2.2
    white_rgb: Rgb = (1.0, 1.0, 1.0)
    black: float = 0.003
    gloss: float = 0.3
    banding: float = 0.0
    cell_dots: int = 8

    def __post_init__(self) -> None:
        if self.structure not in (*STRUCTURES, "clustered-dots", "dispersed-dots"):
            raise DataError(
                f"screen {self.name}: structure must be one of {STRUCTURES} or a halftone, got {self.structure!r}"
            )
        if not 0.25 <= self.ratio[0] <= self.ratio[1] <= 8:
            raise DataError(f"screen {self.name}: ratio must rise within 0.25 to 8 camera pixels, got {self.ratio}")
        if not 0 <= self.black < 1 or not 0 <= self.gloss <= 1 or not 0 <= self.banding < 1:
            raise DataError(f"screen {self.name}: black, gloss and banding must be shares of 1; check its numbers")
        if not 4 <= self.cell_dots <= 32:
            raise DataError(f"screen {self.name}: cell_dots must be 4 to 32, got {self.cell_dots}")

    @property
    def is_print(self) -> bool:
        """Whether it reflects light by ink on paper."""
        return self.structure in ("clustered-dots", "dispersed-dots")


@dataclass(frozen=True, kw_only=True)
class View:
    """How the camera looks at the screen.

    Attributes:
        ratio: Camera pixels per screen pixel in the middle of the picture.
        yaw_deg: Turn of the screen about its vertical axis.
        pitch_deg: Turn about its horizontal axis.
        roll_deg: Turn about the line of sight.
        coverage: Share of the shown photo that the picture spans, up to 1.
        offset: Where in the shown photo the picture lies: (0, 0) upper left to (1, 1) lower right.
        edge: The side on which the screen's bezel or the paper's margin is in the picture.
        glare: Reflected light, as a share of the screen's mean.
    """

    ratio: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    coverage: float = 0.9
    offset: tuple[float, float] = (0.5, 0.5)
    edge: Edge = "none"
    glare: float = 0.0

    def __post_init__(self) -> None:
        if not 0.25 <= self.ratio <= 8:
            raise DataError(f"view: ratio must be 0.25 to 8 camera pixels per screen pixel, got {self.ratio}")
        if max(abs(self.yaw_deg), abs(self.pitch_deg)) > 45:
            raise DataError(f"view: yaw and pitch must lie within 45 degrees, got {self.yaw_deg} and {self.pitch_deg}")
        if not 0.1 <= self.coverage <= 1 or not all(0 <= share <= 1 for share in self.offset):
            raise DataError(f"view: coverage must be 0.1 to 1 and offset 0 to 1, got {self.coverage} and {self.offset}")


def choose_view(rng: np.random.Generator, *, screen: Screen) -> View:
    """Draw a hand-held view: most are nearly frontal and show nothing but the picture; one in eight has an edge in it."""
    ratio = float(np.exp(rng.uniform(*np.log(screen.ratio))))
    yaw, pitch = (float(np.clip(angle, -28, 28)) for angle in rng.normal(0, 9, 2))
    edge: Edge = "none"
    if rng.random() < 1 / 8:
        edges: tuple[Edge, ...] = ("left", "right", "top", "bottom")
        edge = edges[int(rng.integers(4))]
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
    rng: np.random.Generator, photo: Photo, *, screen: Screen, camera: Camera, view: View | None = None
) -> Photo:
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
        DataError: the photo is not uint8 (height, width, 3).
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise DataError(f"a photo must be uint8 (height, width, 3), got {photo.dtype} {photo.shape}")
    seen = choose_view(rng, screen=screen) if view is None else view
    shot = aim(rng, camera=camera)
    size_wh = (photo.shape[1], photo.shape[0])
    matrix, raster_wh = _place(size_wh, seen)
    if screen.is_print:
        light = _print_light(rng, photo, screen=screen, matrix=matrix, raster_wh=raster_wh)
        light = blur(light, sigma_px=shot.sigma_px)
        u, v, scale = _lookup(matrix, size_wh)
    else:
        light = blur(_content_light(photo, screen=screen, matrix=matrix, raster_wh=raster_wh), sigma_px=shot.sigma_px)
        u, v, scale = _lookup(matrix, size_wh)
        assert screen.structure != "clustered-dots" and screen.structure != "dispersed-dots"
        light *= panel_response(screen.structure, u=u, v=v, scale=scale, sigma_px=shot.sigma_px)
        light *= _bands(rng, size_wh, strength=screen.banding)
    if seen.edge != "none":
        inside = np.minimum(np.minimum(u, raster_wh[0] - u), np.minimum(v, raster_wh[1] - v)) * scale
        share = np.clip(inside / np.float32(2 * shot.sigma_px + 0.5) + 0.5, 0, 1)[..., None]
        light = light * share + _surround(rng, screen) * (1 - share)
    return expose(rng, _reflect(rng, light, strength=seen.glare), camera=camera, shot=shot)


def _place(size_wh: tuple[int, int], view: View) -> tuple[Matrix, tuple[int, int]]:
    """Where the shown photo lies.

    Returns:
        A 3x3 homography from camera pixels to pixels of the shown photo's raster, and that raster's width and height.
    """
    width, height = size_wh
    yaw, pitch, roll = np.radians([view.yaw_deg, view.pitch_deg, view.roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    focal = _FOCAL * width
    # A plane through (0, 0, distance): its x and y axes and its origin, seen by a pinhole.
    pose = about_z @ about_x @ about_y
    pose[:, 2] = (0, 0, focal / view.ratio)
    lens = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    to_plane = np.linalg.inv(lens @ pose)
    corners = to_plane @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], dtype=np.float64)
    plane = corners[:2] / corners[2]
    low, span = plane.min(axis=1), np.ptp(plane, axis=1)
    zoom = max(span[0] / width, span[1] / height) / view.coverage
    # Two more pixels each way keep the interpolation inside the raster.
    raster_wh = int(np.ceil(width * zoom)) + 4, int(np.ceil(height * zoom)) + 4
    origin = 2 + (np.array(raster_wh) - 4 - span) * view.offset
    beyond = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}.get(view.edge)
    if beyond is not None:
        past = np.where(np.array(beyond) > 0, np.array(raster_wh) - 0.88 * span, -0.12 * span)
        origin = np.where(np.array(beyond) != 0, past, origin)
    shift = np.array([[1, 0, origin[0] - low[0]], [0, 1, origin[1] - low[1]], [0, 0, 1]])
    matrix = shift @ to_plane
    return matrix / matrix[2, 2], raster_wh


def _lookup(matrix: Matrix, size_wh: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """Raster coordinates of every camera pixel's centre, and camera pixels per raster pixel there: (height, width) each."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    x = np.arange(size_wh[0])[None, :] + 0.5
    y = np.arange(size_wh[1])[:, None] + 0.5
    depth = ((g * x + i) + h * y).astype(np.float32)
    u = ((a * x + c) + b * y).astype(np.float32) / depth
    v = ((d * x + f) + e * y).astype(np.float32) / depth
    # The determinant of a homography's Jacobian is det(matrix) / depth³: raster area per camera pixel.
    scale = np.sqrt(np.abs(depth) ** 3 / np.float32(abs(np.linalg.det(matrix))))
    return u, v, scale


def _warp(plane: Image.Image, matrix: Matrix, size_wh: tuple[int, int], *, enlarged: int = 1) -> Image.Image:
    """Sample a raster (drawn ``enlarged`` times as large) where the camera's pixels look."""
    coefficients = np.diag([enlarged, enlarged, 1]) @ matrix
    return plane.transform(
        size_wh, Image.Transform.PERSPECTIVE, tuple(coefficients.ravel()[:8]), resample=Image.Resampling.BILINEAR
    )


def _content_light(photo: Photo, *, screen: Screen, matrix: Matrix, raster_wh: tuple[int, int]) -> Light:
    """Mean light of each screen pixel as the camera sees it, without subpixels: (height, width, 3), linear."""
    size_wh = (photo.shape[1], photo.shape[0])
    raster = np.asarray(Image.fromarray(photo).resize(raster_wh, Image.Resampling.BICUBIC))
    per_pixel = 1 / np.sqrt(abs(np.linalg.det(matrix)))
    # A pixel is a flat square: with about one repeat per camera pixel, bilinear sampling integrates its edge over one.
    enlarged = max(1, round(float(per_pixel)))
    response = screen.black + (1 - screen.black) * (np.arange(256) / 255) ** screen.gamma
    light = np.empty(photo.shape, dtype=np.float32)
    for channel in range(3):
        curve = (response * screen.white_rgb[channel]).astype(np.float32)
        plane = Image.fromarray(curve[raster[..., channel]])
        if enlarged > 1:
            plane = plane.resize((raster_wh[0] * enlarged, raster_wh[1] * enlarged), Image.Resampling.NEAREST)
        light[..., channel] = np.asarray(_warp(plane, matrix, size_wh, enlarged=enlarged))
    return light


def _print_light(
    rng: np.random.Generator, photo: Photo, *, screen: Screen, matrix: Matrix, raster_wh: tuple[int, int]
) -> Light:
    """Light from an evenly lit print: (height, width, 3), linear."""
    size_wh = (photo.shape[1], photo.shape[0])
    coverage = np.asarray(separate(Image.fromarray(photo)).resize(raster_wh, Image.Resampling.BILINEAR))
    if screen.structure == "clustered-dots":
        thresholds = clustered_thresholds(screen.cell_dots)
    else:
        tile = dispersed_thresholds()
        thresholds = tuple(np.roll(tile, tuple(rng.integers(0, tile.shape[0], 2)), axis=(0, 1)) for _ in range(4))
    ink = Image.fromarray(lay_ink(coverage, thresholds=thresholds))
    dots_per_pixel = np.sqrt(abs(np.linalg.det(matrix)))
    enlarged = 1
    if dots_per_pixel > 1:
        # The camera pixel's aperture: what one bilinear sample (one dot wide) leaves out.
        ink = ink.filter(ImageFilter.BoxBlur(float((dots_per_pixel - 1) / 2)))
    else:
        enlarged = 2
        ink = ink.resize((raster_wh[0] * 2, raster_wh[1] * 2), Image.Resampling.NEAREST)
    paper = np.array(screen.white_rgb, dtype=np.float32) / 255
    light = np.asarray(_warp(ink, matrix, size_wh, enlarged=enlarged)).astype(np.float32)
    fibres = 1 + np.float32(0.012) * rng.standard_normal(light.shape[:2], dtype=np.float32)
    return (light + np.float32(255 * screen.black)) * paper * fibres[..., None]


def _bands(rng: np.random.Generator, size_wh: tuple[int, int], *, strength: float) -> Light:
    """Horizontal brightness bands (height, 1, 1) of a modulated backlight under a rolling shutter."""
    rows = np.arange(size_wh[1], dtype=np.float32)[:, None, None]
    periods, phase = rng.uniform(0.5, 6), rng.uniform(0, 2 * np.pi)
    depth = strength * rng.random()
    return 1 + np.float32(depth) * np.cos(rows * np.float32(2 * np.pi * periods / size_wh[1]) + np.float32(phase))


def _surround(rng: np.random.Generator, screen: Screen) -> Light:
    """Colour of what lies beyond the picture: a dark bezel, or the paper's margin."""
    if screen.is_print:
        return np.array(screen.white_rgb, dtype=np.float32)
    return np.full(3, rng.choice([0.004, 0.02, 0.25]), dtype=np.float32)


def _reflect(rng: np.random.Generator, light: Light, *, strength: float) -> Light:
    """Add the room's soft reflection: an even veil and one or two blobs of light."""
    height, width = light.shape[:2]
    field = 0.3 + 0.7 * smooth_field(rng, (width, height), cells=2)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    for _ in range(int(rng.integers(0, 3))):
        (at_x, at_y), wide = rng.uniform(-1, 1, 2), rng.uniform(0.15, 0.5)
        along = np.exp(-(((x - np.float32(at_x)) / np.float32(wide)) ** 2))
        field += np.float32(rng.uniform(0.5, 2.5)) * along * np.exp(-(((y - np.float32(at_y)) / np.float32(wide)) ** 2))
    warmth = rng.uniform(-0.15, 0.15)
    tint = np.array([1 + warmth, 1, 1 - warmth], dtype=np.float32) * np.float32(
        strength * float(light[::4, ::4].mean())
    )
    return light + field[..., None] * tint


def _presets(*screens: Screen) -> Mapping[str, Screen]:
    return MappingProxyType({screen.name: screen for screen in screens})


SCREENS: Mapping[str, Screen] = _presets(
    Screen(name="laptop-tn", kind="laptop", structure="stripe", ratio=(1.15, 2.4), white_rgb=(0.93, 1.0, 1.08), black=0.012, banding=0.04),
    Screen(name="laptop-ips", kind="laptop", structure="chevron", ratio=(1.1, 2.3), white_rgb=(1.0, 1.0, 0.97), black=0.005),
    Screen(name="monitor-ips", kind="monitor", structure="chevron", ratio=(1.2, 2.8), white_rgb=(0.98, 1.0, 1.03), gloss=0.15),
    Screen(name="monitor-va", kind="monitor", structure="split-va", ratio=(1.2, 2.8), gamma=2.3, black=0.001, gloss=0.15),
    Screen(name="tv-va", kind="tv", structure="split-va", ratio=(1.3, 3.2), gamma=2.4, white_rgb=(0.9, 1.0, 1.12), black=0.001),
    Screen(name="tv-crt", kind="tv", structure="shadow-mask", ratio=(1.3, 3.2), gamma=2.5, black=0.01, gloss=0.5, banding=0.35),
    Screen(name="tablet-ips", kind="tablet", structure="stripe", ratio=(1.1, 2.0), white_rgb=(1.02, 1.0, 0.95), gloss=0.5),
    Screen(name="phone-oled", kind="phone", structure="diamond-pentile", ratio=(1.1, 2.2), black=0.0002, gloss=0.5, banding=0.1),
    Screen(name="phone-lcd", kind="phone", structure="wide-stripe", ratio=(1.1, 2.0), white_rgb=(0.95, 1.0, 1.06), gloss=0.5),
    Screen(name="tablet-oled", kind="tablet", structure="rgb-oled", ratio=(1.1, 2.2), black=0.0002, gloss=0.5, banding=0.08),
    Screen(
        name="print-inkjet", kind="print", structure="dispersed-dots", ratio=(0.75, 1.4), white_rgb=(0.86, 0.86, 0.84),
        black=0.02, gloss=0.06,
    ),
    Screen(
        name="print-poster", kind="print", structure="clustered-dots", ratio=(0.45, 0.7), white_rgb=(0.8, 0.8, 0.78),
        black=0.03, gloss=0.2, cell_dots=8,
    ),
    Screen(
        name="print-newspaper", kind="print", structure="clustered-dots", ratio=(0.5, 0.8), white_rgb=(0.68, 0.66, 0.6),
        black=0.06, gloss=0.02,
    ),
    Screen(
        name="print-magazine", kind="print", structure="clustered-dots", ratio=(0.4, 0.62), white_rgb=(0.85, 0.85, 0.84),
        black=0.015, gloss=0.15, cell_dots=7,
    ),
)  # fmt: skip
