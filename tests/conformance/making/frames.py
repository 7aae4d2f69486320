"""Cameras' buffers to RGB."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.runtime import Plane, YuvFrame
from edgekit.runtime.crops import Box
from making.tools import EXACT, Vector, Writer, noise


def packed(name: str, layout: str, size_wh: tuple[int, int], stride: int | None) -> bytes:
    """A camera's buffer; what pads its rows is noise."""
    (width, height), row = size_wh, stride or size_wh[0]
    half_w, half_h = (width + 1) // 2, (height + 1) // 2

    def rows(plane: np.ndarray, length: int) -> bytes:
        out = noise(f"{name} padding", len(plane), length).copy()
        out[:, : plane.shape[1]] = plane
        return out.tobytes()

    y, u, v = (
        noise(f"{name} {c}", *shape) for c, shape in zip("yuv", ((height, width), *[(half_h, half_w)] * 2), strict=True)
    )
    if layout == "i420":
        return rows(y, row) + rows(u, (row + 1) // 2) + rows(v, (row + 1) // 2)
    pairs = np.stack((v, u) if layout == "nv21" else (u, v), axis=2).reshape(half_h, -1)
    return rows(y, row) + rows(pairs, row + row % 2)


FRAMES: list[tuple[Any, ...]] = [
    # name, layout, size_wh, stride, rotation, boxes, why
    ("nv21", "nv21", (16, 12), None, 0, None, "catches U and V swapped in Android's own order"),
    ("nv12", "nv12", (16, 12), None, 0, None, "catches U and V swapped in the order of the Pi and of iOS"),
    ("i420", "i420", (16, 12), None, 0, None, "catches planes that are taken for pairs"),
    ("nv21-stride", "nv21", (14, 10), 32, 0, None, "catches a row stride that is ignored: the padding is noise"),
    ("nv12-stride", "nv12", (14, 10), 17, 0, None, "catches an odd row stride, whose pairs need one byte more"),
    (
        "i420-stride",
        "i420",
        (14, 10),
        19,
        0,
        None,
        "catches a chroma stride of half the width instead of half the stride",
    ),
    ("nv21-odd", "nv21", (15, 11), None, 0, None, "catches chroma sizes of odd frames that are rounded down"),
    ("i420-odd", "i420", (15, 11), 15, 0, None, "catches chroma sizes of odd frames that are rounded down"),
    ("one-pixel", "nv12", (1, 1), None, 0, None, "catches a frame without a whole block of chroma"),
    ("one-row", "i420", (9, 1), None, 0, None, "catches a frame without a whole block of chroma"),
    ("rotated-90", "nv21", (16, 10), None, 90, None, "catches a rotation that goes counter-clockwise"),
    ("rotated-180", "nv21", (16, 10), None, 180, None, "catches a half turn that mirrors"),
    ("rotated-270", "nv21", (16, 10), None, 270, None, "catches a rotation that goes counter-clockwise"),
    ("rotated-90-odd", "nv12", (15, 9), 20, 90, None, "catches a stride that is turned with the picture"),
    (
        "odd-corners",
        "nv21",
        (20, 16),
        None,
        0,
        [(3, 5, 10, 12), (2, 4, 9, 11), (19, 15, 20, 16), (0, 0, 1, 1)],
        "catches a crop from an odd pixel whose chroma is shifted by one",
    ),
    (
        "odd-corners-90",
        "nv21",
        (19, 15),
        None,
        90,
        [(3, 5, 10, 12), (0, 0, 7, 7), (14, 18, 15, 19)],
        "catches a box that is cut before the frame is turned",
    ),
    (
        "odd-corners-180",
        "i420",
        (19, 15),
        None,
        180,
        [(3, 5, 10, 12), (0, 0, 7, 7), (18, 14, 19, 15)],
        "catches a box that is cut before the frame is turned",
    ),
    (
        "odd-corners-270",
        "nv12",
        (19, 15),
        None,
        270,
        [(3, 5, 10, 12), (0, 0, 7, 7), (14, 18, 15, 19)],
        "catches a box that is cut before the frame is turned",
    ),
]


def frames(to: Writer) -> None:
    vectors = []

    def add(name: str, why: str, frame: YuvFrame, spec: Vector, wanted: Any = None) -> None:
        cut = [Box(*box) for box in wanted or [(0, 0, *frame.size_wh)]]
        pixels = b"".join(np.asarray(frame.cut(box)).tobytes() for box in cut)
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": EXACT,
                "frame": spec,
                "size_wh": list(frame.size_wh),
                "boxes": [list(box) for box in cut],
                "pixels": to.file(f"{name}.frame.rgb", pixels),
            }
        )

    for name, layout, size, stride, rotation, wanted, why in FRAMES:
        data = packed(name, layout, size, stride)
        frame = YuvFrame.from_buffer(data, size, layout, stride=stride, rotation=rotation)
        spec = {
            "file": to.file(f"{name}.yuv", data),
            "size_wh": size,
            "layout": layout,
            "stride": stride,
            "rotation": rotation,
        }
        add(name, why, frame, spec, wanted)

    # Every pair of U and V in steps of 5, at Y that clip and do not.
    chroma = np.arange(0, 256, 5, dtype=np.uint8)
    u, v = np.repeat(chroma[:, None], len(chroma), axis=1), np.repeat(chroma[None], len(chroma), axis=0)
    y = np.tile(np.array([[0, 77], [128, 255]], np.uint8), (len(chroma), len(chroma)))
    size = (y.shape[1], y.shape[0])
    add(
        "every-colour",
        "catches BT.709 or video range, floating point, rounding to the nearest, and missing clipping",
        YuvFrame(y=y, u=u, v=v),
        {
            "file": to.file("every-colour.yuv", y.tobytes() + u.tobytes() + v.tobytes()),
            "size_wh": size,
            "layout": "i420",
            "stride": None,
            "rotation": 0,
        },
    )

    # Android's YUV_420_888: V starts one byte before U in the same memory, and the last row ends with its last sample.
    size, row = (14, 10), 24
    luma, pairs = noise("android y", 10 * row), noise("android uv", 4 * row + 14)
    data = luma.tobytes() + pairs.tobytes()
    views = {
        "y": {"start": 0, "length": 10 * row, "row_stride": row, "pixel_stride": 1, "offset": 0},
        "u": {"start": len(luma) + 1, "length": len(pairs) - 1, "row_stride": row, "pixel_stride": 2, "offset": 0},
        "v": {"start": len(luma), "length": len(pairs) - 1, "row_stride": row, "pixel_stride": 2, "offset": 0},
    }
    offsets = {name: {**view, "start": 0, "length": len(data), "offset": view["start"]} for name, view in views.items()}
    for name, named, why in (
        ("android-planes", views, "catches a pixel stride that is ignored, and a last row that is read to its padding"),
        ("android-offsets", offsets, "catches a plane's offset that is ignored"),
    ):
        parts = [
            (data[one["start"] :][: one["length"]], one["row_stride"], one["pixel_stride"], one["offset"])
            for one in named.values()
        ]
        frame = YuvFrame.from_planes(size, *(Plane(*part) for part in parts), rotation=90)
        spec = {"file": to.file(f"{name}.yuv", data), "size_wh": size, "planes": named, "rotation": 90}
        add(name, why, frame, spec)
    to.manifest("frames", "Camera frames in YUV 4:2:0 to upright RGB.", vectors)
