"""Photos, arrays and frames to the model's input."""

from __future__ import annotations

from typing import Any

from PIL import Image

from edgekit.contract import CropPlan
from edgekit.records import plain
from edgekit.runtime import YuvFrame
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor
from making.frames import packed
from making.tools import EXACT, Vector, Writer, encode, noise, turned, waves

TENSORS: list[tuple[Any, ...]] = [
    # name, kind of source, size_wh, plan, working_px, side_px, why
    ("copied", "noise", (8, 8), "full", None, 8, "catches a filter that touches pixels which need none"),
    ("native", "noise", (40, 31), "native", None, 16, "catches native crops that are resampled: moiré is lost"),
    ("reduced-2", "noise", (16, 16), "full", None, 8, "catches a mean of 2x2 that is rounded down, or sampled"),
    ("reduced-3", "noise", (24, 24), "full", None, 8, "catches a mean of 3x3 that is rounded down, or sampled"),
    ("reduced-5x2", "noise", (40, 16), "full", None, 8, "catches one reduction for both directions"),
    ("reduced-7x11", "noise", (56, 88), "full", None, 8, "catches means in 8-bit steps instead of whole sums"),
    (
        "resized-down",
        "noise",
        (15, 15),
        "full",
        None,
        8,
        "catches a bilinear filter without antialiasing, as OpenCV's, Android's and TensorFlow's are",
    ),
    ("resized-up", "noise", (9, 9), "full", None, 16, "catches pixel centres at whole numbers (align_corners)"),
    (
        "reduced-and-resized",
        "noise",
        (39, 39),
        "full",
        None,
        8,
        "catches a resize without the whole reduction before it",
    ),
    (
        "squashed-wide",
        "noise",
        (61, 11),
        "full",
        None,
        8,
        "catches height before width, and one rounding for both passes",
    ),
    (
        "squashed-high",
        "noise",
        (11, 61),
        "full",
        None,
        8,
        "catches height before width, and one rounding for both passes",
    ),
    ("up-and-down", "noise", (21, 9), "full", None, 12, "catches a filter that is as wide in both directions"),
    (
        "extreme-wide",
        "noise",
        (300, 9),
        "full+centre:native,1/4",
        None,
        8,
        "catches a short side that is reduced to nothing",
    ),
    (
        "extreme-high",
        "noise",
        (9, 300),
        "full+centre:native,1/4",
        None,
        8,
        "catches a short side that is reduced to nothing",
    ),
    ("tiny", "noise", (8, 8), "full+centre:native,1/4", None, 32, "catches photos that are smaller than the input"),
    (
        "all-scales-odd",
        "waves",
        (101, 77),
        "full+centre:native,1/2,1/4",
        None,
        16,
        "catches boxes that do not end at whole blocks",
    ),
    (
        "working-2",
        "waves",
        (149, 133),
        "full:native,1/2",
        64,
        16,
        "catches an array that is not brought to its working size",
    ),
    (
        "working-4",
        "png",
        (261, 256),
        "centre:native,1/2",
        64,
        16,
        "catches boxes of working pixels that are cut from the photo",
    ),
    (
        "file-png",
        "png",
        (101, 77),
        "full+centre:native,1/2",
        None,
        16,
        "catches a file that is cut otherwise than an array",
    ),
    (
        "file-jpeg-working",
        "jpeg",
        (531, 523),
        "full+centre:native,1/2",
        64,
        24,
        "catches a JPEG that is not decoded at a reduced scale",
    ),
    (
        "file-jpeg-working-turned",
        "turned",
        (301, 263),
        "full:native,1/4",
        64,
        24,
        "catches boxes that are placed before the photo is turned",
    ),
    (
        "frame-turned",
        "frame",
        (64, 48),
        "full+centre:native,1/2",
        None,
        16,
        "catches boxes that are placed on the sensor",
    ),
    (
        "frame-working",
        "frame",
        (190, 145),
        "centre:native",
        64,
        16,
        "catches a frame that is not brought to its working size",
    ),
]


def tensors(to: Writer) -> None:
    vectors = []
    for name, kind, size, scales, working, side, why in TENSORS:
        crops = {"full": 1}.get(scales, 5)
        plan = CropPlan.parse(scales, crops=crops, working_px=working)
        spec, source = tensor_source(to, name, kind, size)
        photo = as_photo(source, working)
        found = crop_boxes(plan, photo.size_wh, side)
        cut = b"".join(to_tensor(photo, box, side).tobytes() for box in found)
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": EXACT,
                "source": spec,
                "plan": plain(plan),
                "side_px": side,
                "boxes": [list(box) for box in found],
                "tensors": to.file(f"{name}.tensors.rgb", cut),
            }
        )
    to.manifest("tensors", "Photos, arrays and frames to the model's input.", vectors)


def tensor_source(to: Writer, name: str, kind: str, size: tuple[int, int]) -> tuple[Vector, Any]:
    """How a manifest names a source, and the source."""
    width, height = size
    if kind == "frame":
        data = packed(name, "nv21", size, None)
        spec = {"file": to.file(f"{name}.yuv", data), "size_wh": size, "layout": "nv21", "stride": None, "rotation": 90}
        return {"frame": spec}, YuvFrame.from_buffer(data, size, "nv21", rotation=90)
    if kind in ("noise", "waves"):
        pixels = noise(name, height, width, 3) if kind == "noise" else waves(width, height, period=23)
        return {"array": to.file(f"{name}.rgb", pixels), "size_wh": list(size)}, pixels
    image = Image.fromarray(waves(width, height, period=61))
    if kind == "png":
        return {"photo": to.file(f"{name}.png", content := encode(image, "PNG"))}, content
    options = {"exif": turned(8)} if kind == "turned" else {}
    return {"photo": to.file(f"{name}.jpg", content := encode(image, "JPEG", quality=80, **options))}, content
