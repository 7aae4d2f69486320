"""A pinhole camera before a plane: which part of a shown photo's raster each camera pixel sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from edgekit.arrays import Float64Array
from edgekit.errors import DataError
from edgekit.simulate.strips import WHOLE, ByRows
from edgekit.simulate.textures import Field

ScreenEdge: TypeAlias = Literal["none", "left", "right", "top", "bottom"]
Matrix: TypeAlias = Float64Array

# Focal length over picture width, as of a phone's main camera, and at least over height: a phone held upright has the
# same lens, and a panorama is made by turning, not by looking far askance.
_FOCAL = 1.1
_LEAST_FOCAL = 0.8
# Raster pixels around what is seen, so that interpolation stays inside.
_MARGIN = 2
# With an edge in view, this share of the picture lies beyond it.
_BEYOND = 0.12
_DIRECTIONS: dict[ScreenEdge, tuple[int, int]] = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
EDGES: tuple[ScreenEdge, ...] = tuple(_DIRECTIONS)


@dataclass(frozen=True, kw_only=True)
class View:
    """How the camera looks at the screen.

    Attributes:
        ratio: Camera pixels per screen pixel (per device dot of a print) in the middle of the picture.
        yaw_deg: Turn of the screen about its vertical axis.
        pitch_deg: Turn about its horizontal axis.
        roll_deg: Turn about the line of sight.
        coverage: Share of the shown photo that the picture spans; above the smaller number of ``shape`` the screen
            ends inside the picture on all sides, or on those that ``offset`` leaves.
        offset: Where in the shown photo the picture lies: (0, 0) upper left to (1, 1) lower right.
        edge: The side on which the screen's bezel or the paper's margin is in the picture.
        glare: Reflected light, as a share of the screen's mean.
        shape: Width and height of the screen over those of the picture, before ``coverage``: (1, 1) has its shape.
        corner: Radius of the screen's corners, as a share of its shorter side.
        falloff: Exponent of the cosine, between the line of sight and the screen's normal, with which its light falls
            off: 0 looks the same from everywhere.
        hand: Whether a hand holds a screen that ends inside the picture.
        lamp: Light of a lamp's mirror image in the glass, as a share of the screen's mean; 0 for none.
        uneven: How uneven the light on paper is, from its curl and from shadows; 0 is even, 1 is deep.
        fingers: How many fingers lie on a print.
        picture_wh: Width and height of the picture; None for those of what is shown.
        room: Linear light, RGB, of the picture's rows: what lies behind a screen that ends inside the picture; None for
            a wall.
    """

    ratio: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    coverage: float = 0.9
    offset: tuple[float, float] = (0.5, 0.5)
    edge: ScreenEdge = "none"
    glare: float = 0.0
    shape: tuple[float, float] = (1.0, 1.0)
    corner: float = 0.0
    falloff: float = 0.0
    hand: bool = False
    lamp: float = 0.0
    uneven: float = 0.0
    fingers: int = 0
    picture_wh: tuple[int, int] | None = None
    room: ByRows | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the ranges in which the model of the optics holds."""
        if not 0.25 <= self.ratio <= 8:
            raise DataError(f"view: ratio must be 0.25 to 8 camera pixels per screen pixel, got {self.ratio}; move it")
        if max(abs(self.yaw_deg), abs(self.pitch_deg)) > 45:
            raise DataError(
                f"view: yaw and pitch must lie within 45 degrees, got {self.yaw_deg} and {self.pitch_deg}; tilt it less"
            )
        if not 0.1 <= self.coverage <= 3 or not all(0 <= share <= 1 for share in self.offset):
            raise DataError(
                f"view: coverage must be 0.1 to 3 and offset 0 to 1, got {self.coverage} and {self.offset}; correct it"
            )
        if min(self.glare, self.falloff, self.lamp, self.fingers) < 0 or not 0 <= self.uneven <= 1:
            raise DataError(
                "view: glare, falloff, lamp and fingers must not be negative, and uneven must be 0 to 1, got "
                f"{self.glare}, {self.falloff}, {self.lamp}, {self.fingers} and {self.uneven}; correct it"
            )
        if not all(0.1 <= share <= 10 for share in self.shape) or not 0 <= self.corner <= 0.5:
            raise DataError(
                f"view: shape must be 0.1 to 10 and corner 0 to 0.5, got {self.shape} and {self.corner}; correct it"
            )


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a shown photo lies before the camera.

    Attributes:
        matrix: 3x3 homography from camera pixels to pixels of the window.
        raster_wh: Width and height of the whole photo in screen pixels.
        window: The seen part of that raster: left, top, right, bottom; right and bottom are exclusive.
        picture_wh: Width and height of the camera's picture.
    """

    matrix: Matrix
    raster_wh: tuple[int, int]
    window: tuple[int, int, int, int]
    picture_wh: tuple[int, int]

    @property
    def window_wh(self) -> tuple[int, int]:
        """Width and height of the window in screen pixels."""
        left, top, right, bottom = self.window
        return right - left, bottom - top

    @property
    def area(self) -> float:
        """Screen pixels per camera pixel, by area, in the picture's middle or near it."""
        return float(abs(np.linalg.det(self.matrix)))

    @property
    def repeats(self) -> int:
        """How often to repeat a raster's pixels, which are flat squares, so that there is one for each camera pixel.

        Then bilinear sampling integrates a pixel's edge over one camera pixel.
        """
        return max(1, round(float(self.area**-0.5)))

    def show(self, photo: Image.Image, *, resample: Image.Resampling) -> Image.Image:
        """Resample the photo to the raster, and keep the window of it."""
        across, down = photo.width / self.raster_wh[0], photo.height / self.raster_wh[1]
        left, top, right, bottom = self.window
        return photo.resize(self.window_wh, resample, box=(left * across, top * down, right * across, bottom * down))

    def seen_by(self, rows: slice, *, beside: int) -> slice:
        """The rows of the window that some rows of the picture see, and so many on both sides; one row at least."""
        width, most = self.picture_wh[0], self.window_wh[1]
        corners = self.matrix @ [[0, width, 0, width], [rows.start, rows.start, rows.stop, rows.stop], [1, 1, 1, 1]]
        v = corners[1] / corners[2]
        top = min(max(int(np.floor(v.min())) - beside, 0), most - 1)
        return slice(top, min(max(int(np.ceil(v.max())) + beside, top + 1), most))

    def part(self, rows: slice, seen: slice) -> Matrix:
        """The homography from pixels of some rows of the picture to those of some rows of the window."""
        of_part, to_part = (np.array([[1, 0, 0], [0, 1, move], [0, 0, 1]]) for move in (rows.start, -seen.start))
        return np.asarray(to_part @ self.matrix @ of_part)

    def inside_px(self, seen: Rays, *, corner: float = 0.0) -> Field:
        """How many camera pixels each one lies inside the photo's nearest edge; negative beyond it. (height, width).

        Args:
            seen: What every camera pixel sees.
            corner: Radius of the corners, as a share of the shorter side.
        """
        u, v = seen.u + np.float32(self.window[0]), seen.v + np.float32(self.window[1])
        nearest = np.minimum(np.minimum(u, self.raster_wh[0] - u), np.minimum(v, self.raster_wh[1] - v))
        if corner > 0:
            radius = np.float32(corner * min(self.raster_wh))
            across = radius - np.minimum(u, self.raster_wh[0] - u)
            down = radius - np.minimum(v, self.raster_wh[1] - v)
            round_part = radius - np.hypot(across, down)
            nearest = np.where((across > 0) & (down > 0), round_part, nearest)
        return np.asarray(nearest * seen.scale, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Rays:
    """What camera pixels' centres see; (rows, width) each.

    Attributes:
        u: Column in the window.
        v: Row in the window.
        scale: Camera pixels per screen pixel there.
        placement: Where the screen lies.
    """

    u: Field
    v: Field
    scale: Field
    placement: Placement


def place_screen(size_wh: tuple[int, int], view: View) -> Placement:
    """Put the shown photo before the camera.

    Args:
        size_wh: Width and height of the camera's picture.
        view: From where the camera looks.
    """
    width, height = size_wh
    to_plane = _to_plane(size_wh, view)
    corners = to_plane @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], dtype=np.float64)
    plane = corners[:2] / corners[2]
    low, span = plane.min(axis=1), np.ptp(plane, axis=1)
    zoom = max(span[0] / width, span[1] / height) / view.coverage
    raster = np.ceil(np.array(size_wh) * zoom * view.shape) + 2 * _MARGIN
    origin = _MARGIN + (raster - 2 * _MARGIN - span) * view.offset
    if view.edge != "none":
        direction = np.array(_DIRECTIONS[view.edge])
        past = np.where(direction > 0, raster - (1 - _BEYOND) * span, -_BEYOND * span)
        origin = np.where(direction != 0, past, origin)
    first = np.maximum(np.floor(origin) - _MARGIN, 0)
    last = np.minimum(np.ceil(origin + span) + _MARGIN, raster)
    shift = np.eye(3)
    shift[:2, 2] = origin - low - first
    matrix = shift @ to_plane
    return Placement(
        matrix=matrix / matrix[2, 2],
        raster_wh=(int(raster[0]), int(raster[1])),
        window=(int(first[0]), int(first[1]), int(last[0]), int(last[1])),
        picture_wh=size_wh,
    )


def _to_plane(size_wh: tuple[int, int], view: View) -> Matrix:
    """Homography from camera pixels to screen pixels, counted from where the line of sight meets the plane."""
    width, height = size_wh
    focal = _focal(size_wh)
    # Columns of the pose: the plane's x axis, its y axis, and its origin at the viewing distance.
    pose = _turned(view)
    pose[:, 2] = (0, 0, focal / view.ratio)
    lens = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return np.asarray(np.linalg.inv(lens @ pose))


def _focal(size_wh: tuple[int, int]) -> float:
    """Focal length in camera pixels."""
    return max(_FOCAL * size_wh[0], _LEAST_FOCAL * size_wh[1])


def _turned(view: View) -> Matrix:
    """The screen's axes, as columns, as the camera sees them: across, down, away."""
    yaw, pitch, roll = np.radians([view.yaw_deg, view.pitch_deg, view.roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def cosine(size_wh: tuple[int, int], view: View, rows: slice = WHOLE) -> Field:
    """Of the angle between each camera pixel's line of sight and the screen's normal; (rows, width)."""
    width, height = size_wh
    focal = np.float32(_focal(size_wh))
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2) / focal
    y = (np.arange(height, dtype=np.float32)[rows, None] + 0.5 - height / 2) / focal
    normal = _turned(view)[:, 2].astype(np.float32)
    along = np.abs(x * normal[0] + y * normal[1] + normal[2])
    return np.asarray(along / np.sqrt(x * x + y * y + 1), dtype=np.float32)


def trace_rays(placement: Placement, rows: slice = WHOLE) -> Rays:
    """Find what every camera pixel's centre sees, in some rows of the picture."""
    size_wh = placement.picture_wh
    (a, b, c), (d, e, f), (g, h, i) = placement.matrix
    x = np.arange(size_wh[0])[None, :] + 0.5
    y = np.arange(size_wh[1])[rows, None] + 0.5
    depth = ((g * x + i) + h * y).astype(np.float32)
    u = ((a * x + c) + b * y).astype(np.float32) / depth
    v = ((d * x + f) + e * y).astype(np.float32) / depth
    # The determinant of a homography's Jacobian is det(matrix) / depth³: raster area per camera pixel.
    scale = np.sqrt(depth * depth * np.abs(depth) / np.float32(placement.area))
    return Rays(u=u, v=v, scale=scale, placement=placement)


def warp_window(plane: Image.Image, matrix: Matrix, size_wh: tuple[int, int], *, enlarged: int = 1) -> Image.Image:
    """Sample the window (drawn ``enlarged`` times as large) bilinearly where the camera's pixels look; 0 beyond it.

    Args:
        plane: The window, or a part of it.
        matrix: From pixels of the picture, or of a part of it, to those of the window.
        size_wh: Width and height of the result.
        enlarged: How often the window's pixels are repeated.
    """
    coefficients = np.diag([enlarged, enlarged, 1]) @ matrix / matrix[2, 2]
    data = tuple(float(value) for value in coefficients.ravel()[:8])
    return plane.transform(size_wh, Image.Transform.PERSPECTIVE, data, resample=Image.Resampling.BILINEAR)
