"""Camera frames in YUV 4:2:0, as Android's and the Pi's cameras give them; only what crops need becomes RGB.

BT.601 at full range, as in JPEG, by the integers of Pillow, which any port can repeat. With
``t(c, i) = trunc(c * 64 * (i - 128) + 0.5)`` and ``>>`` rounding down:

    R = clip(Y + (t(1.402, V) >> 6))
    G = clip(Y + ((t(-0.34414, U) + t(-0.71414, V)) >> 6))
    B = clip(Y + (t(1.772, U) >> 6))

A chroma sample serves its 2x2 pixels; nothing is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from PIL import Image

from edgekit.arrays import ByteArray
from edgekit.errors import PhotoError
from edgekit.runtime.crops import Box
from edgekit.runtime.limits import check_size

Layout = Literal["nv21", "nv12", "i420"]
Bytes = bytes | bytearray | memoryview | ByteArray

_LAYOUTS = get_args(Layout)
# Clockwise degrees → Pillow's turn, which counts the other way.
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


class Plane(NamedTuple):
    """One plane of a frame, as Android's ``Image.Plane`` gives it.

    Attributes:
        data: The bytes of the plane.
        row_stride: Bytes from one row to the next.
        pixel_stride: Bytes from one sample to the next: 1 where samples are side by side, 2 where U and V alternate.
        offset: Bytes before the first sample.
    """

    data: Bytes
    row_stride: int
    pixel_stride: int = 1
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class YuvFrame:
    """One frame. Its planes are views of the camera's buffers, which must stay as they are until the verdict.

    Attributes:
        y: uint8 (height, width).
        u: uint8 (ceil(height / 2), ceil(width / 2)).
        v: uint8, of the shape of ``u``.
        rotation: Clockwise degrees that make the picture upright: 0, 90, 180 or 270.

    Raises:
        PhotoError: planes that do not belong together, or another rotation.
    """

    y: ByteArray
    u: ByteArray
    v: ByteArray
    rotation: int = 0

    def __post_init__(self) -> None:
        """Check shapes and rotation."""
        if self.rotation not in (0, *_TURNS):
            raise PhotoError(f"a frame's rotation must be 0, 90, 180 or 270, got {self.rotation!r}")
        if any(plane.dtype != np.uint8 or plane.ndim != 2 for plane in (self.y, self.u, self.v)):
            raise PhotoError("the planes of a frame must be uint8 of two dimensions")
        half = tuple((length + 1) // 2 for length in self.y.shape)
        if self.u.shape != half or self.v.shape != half:
            raise PhotoError(
                f"the U and V planes of a {self.y.shape[1]}x{self.y.shape[0]} frame must have {half[1]}x{half[0]} "
                f"samples, got {self.u.shape[::-1]} and {self.v.shape[::-1]}"
            )
        check_size("frame", (self.y.shape[1], self.y.shape[0]))

    @classmethod
    def from_buffer(
        cls, data: Bytes, size_wh: tuple[int, int], layout: Layout, *, stride: int | None = None, rotation: int = 0
    ) -> YuvFrame:
        """A frame whose planes follow each other in one buffer.

        Args:
            data: Y, then V and U alternating (``nv21``), U and V alternating (``nv12``), or U, then V (``i420``).
            size_wh: Width and height as the sensor sees them.
            layout: Order of the chroma samples.
            stride: Bytes of a row of Y; the width when None. Rows of U and V have as many, half
                as many in ``i420``.
            rotation: Clockwise degrees that make the picture upright.

        Raises:
            PhotoError: an unknown layout, a stride below the width, or too few bytes.
        """
        if layout not in _LAYOUTS:
            raise PhotoError(f"a frame's layout must be one of {', '.join(_LAYOUTS)}, got {layout!r}")
        width, height = size_wh
        row = width if stride is None else stride
        start = row * height
        if layout == "i420":
            half = (row + 1) // 2
            planes = (Plane(data, half, 1, start), Plane(data, half, 1, start + half * ((height + 1) // 2)))
        else:
            # With an odd width the last pair still has two bytes.
            pairs = row + row % 2
            planes = (Plane(data, pairs, 2, start), Plane(data, pairs, 2, start + 1))
        u, v = planes if layout != "nv21" else planes[::-1]
        return cls.from_planes(size_wh, Plane(data, row), u, v, rotation=rotation)

    @classmethod
    def from_planes(cls, size_wh: tuple[int, int], y: Plane, u: Plane, v: Plane, *, rotation: int = 0) -> YuvFrame:
        """A frame in three planes, such as Android's YUV_420_888.

        Raises:
            PhotoError: strides below the samples they hold, or too few bytes.
        """
        width, height = size_wh
        check_size("frame", size_wh)
        half = (width + 1) // 2, (height + 1) // 2
        return cls(y=_view("Y", y, size_wh), u=_view("U", u, half), v=_view("V", v, half), rotation=rotation)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        height, width = self.y.shape
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def cut(self, box: Box) -> Image.Image:
        """The pixels of a box in the upright picture, RGB."""
        sensor_box = self._on_sensor(box)
        # Chroma comes in pairs of pixels, so from an even pixel on.
        even = Box(sensor_box.left & ~1, sensor_box.top & ~1, sensor_box.right, sensor_box.bottom)
        rows, columns = slice(even.top // 2, (even.bottom + 1) // 2), slice(even.left // 2, (even.right + 1) // 2)
        luma = Image.fromarray(np.ascontiguousarray(self.y[even.top : even.bottom, even.left : even.right]))
        chroma = (
            Image.fromarray(np.ascontiguousarray(plane[rows, columns].repeat(2, axis=0).repeat(2, axis=1)))
            for plane in (self.u, self.v)
        )
        bands = [luma, *(plane.crop((0, 0, *luma.size)) for plane in chroma)]
        picture = Image.merge("YCbCr", bands).convert("RGB")
        left, top = sensor_box.left - even.left, sensor_box.top - even.top
        if left or top:
            picture = picture.crop((left, top, *picture.size))
        return picture.transpose(_TURNS[self.rotation]) if self.rotation else picture

    def _on_sensor(self, box: Box) -> Box:
        """An upright box in the sensor's own coordinates."""
        height, width = self.y.shape
        left, top, right, bottom = box
        if self.rotation == 90:
            return Box(top, height - right, bottom, height - left)
        if self.rotation == 180:
            return Box(width - right, height - bottom, width - left, height - top)
        if self.rotation == 270:
            return Box(width - bottom, left, width - top, right)
        return box


def _view(name: str, plane: Plane, size_wh: tuple[int, int]) -> ByteArray:
    width, height = size_wh
    data = _flat(name, plane.data)
    if plane.pixel_stride < 1 or plane.row_stride < (width - 1) * plane.pixel_stride + 1 or plane.offset < 0:
        raise PhotoError(
            f"rows of the {name} plane must hold {width} samples, got a row stride of {plane.row_stride}, a pixel "
            f"stride of {plane.pixel_stride} and an offset of {plane.offset} bytes"
        )
    needed = plane.offset + (height - 1) * plane.row_stride + (width - 1) * plane.pixel_stride + 1
    if needed > len(data):
        raise PhotoError(f"the {name} plane of a frame must have {needed} bytes, got {len(data)}")
    strides = (plane.row_stride, plane.pixel_stride)
    view: ByteArray = np.ndarray((height, width), np.uint8, buffer=data, offset=plane.offset, strides=strides)
    return view


def _flat(name: str, data: Bytes) -> ByteArray:
    if not isinstance(data, np.ndarray):
        return np.frombuffer(data, np.uint8) if len(data) else np.zeros(0, np.uint8)
    if data.dtype != np.uint8 or not data.flags.c_contiguous:
        raise PhotoError(f"the {name} plane of a frame must be one piece of uint8, got {data.dtype} in strides")
    return data.reshape(-1)
