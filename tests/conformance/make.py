"""Makes the conformance vectors: ``python tests/conformance/make.py [FOLDER]``. README.md beside it has the format.

Nothing is drawn by chance: noise is a hash of its name. Photos and expectations come from the Pillow and the
interpreter that constraints.txt pins; another Pillow may compress the photos to other bytes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import math
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

from edgekit.contract import Contract, CropPlan, Decision
from edgekit.records import plain
from edgekit.runtime import Plane, YuvFrame
from edgekit.runtime.crops import MIDDLE, Box, crop_boxes
from edgekit.runtime.photo import as_photo, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.voting import decide, vote

HERE = Path(__file__).resolve().parent
Vector = dict[str, Any]
EXACT = {"pixels": 0, "levels": 0}


def noise(name: str, *shape: int) -> np.ndarray:
    """uint8 of any shape, the same everywhere."""
    return np.frombuffer(hashlib.shake_256(name.encode()).digest(math.prod(shape)), np.uint8).reshape(shape)


def waves(width: int, height: int, period: int = 97) -> np.ndarray:
    """uint8 (height, width, 3), another slope in each channel: turns, mirrors and swaps all show, and it compresses."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    slopes = [3 * x + y, x + 4 * y, 2 * (x + height - y)]
    folded = [np.abs((slope + 31 * band) % (2 * period) - period) for band, slope in enumerate(slopes)]
    return np.stack([one * 255 // period for one in folded], axis=2).astype(np.uint8)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png(size_wh: tuple[int, int], *, depth: int, colour: int, rows: bytes, transparent: bytes = b"") -> bytes:
    """A PNG by its bytes, for what Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size_wh, depth, colour, 0, 0, 0))
    key = chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + header + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Writer:
    """Writes raw files and manifests into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir(parents=True, exist_ok=True)

    def file(self, name: str, content: bytes | np.ndarray) -> str:
        (self.folder / "data" / name).write_bytes(content if isinstance(content, bytes) else content.tobytes())
        return name

    def manifest(self, area: str, about: str, vectors: list[Vector]) -> None:
        names = [vector["name"] for vector in vectors]
        assert len(set(names)) == len(names), f"{area}: names must differ"
        # A vector a line: a change shows which one it is.
        lines = ",\n".join("  " + json.dumps(vector) for vector in vectors)
        head = json.dumps({"about": about, "made_with": f"Pillow {PIL.__version__}"})[:-1]
        (self.folder / f"{area}.json").write_text(f'{head}, "vectors": [\n{lines}\n]}}\n', encoding="utf-8")


# --- boxes

BOXES: list[tuple[Any, ...]] = [
    # name, plan, working_px, size_wh, side_px, options, why
    (
        "full-whole-multiple",
        "full",
        None,
        (448, 672),
        224,
        {"count": 1},
        "catches a full crop that is cut to a square instead of squashed",
    ),
    (
        "full-odd",
        "full",
        None,
        (4031, 3023),
        224,
        {"count": 1},
        "catches edges that are no multiple of their reduction, or width and height snapped by one factor",
    ),
    (
        "full-just-below-twice",
        "full",
        None,
        (447, 448),
        224,
        {"count": 1},
        "catches a reduction that is rounded to the nearest instead of down",
    ),
    (
        "full-smaller-than-side",
        "full",
        None,
        (100, 99),
        224,
        {"count": 1},
        "catches a reduction of 0 where a photo is smaller than the input",
    ),
    (
        "centre-odd",
        "centre",
        None,
        (1001, 778),
        96,
        {"count": 1},
        "catches a remainder of the centring that is rounded up",
    ),
    (
        "centre-portrait",
        "centre",
        None,
        (777, 1000),
        96,
        {"count": 1},
        "catches a centred square that takes the width for the shorter side's direction",
    ),
    (
        "native-ten",
        "native",
        None,
        (640, 480),
        96,
        {},
        "catches other constants or another start of the placement sequence, and x and y swapped",
    ),
    (
        "native-portrait",
        "native",
        None,
        (481, 641),
        96,
        {},
        "catches a placement range of size - side instead of size - side + 1",
    ),
    (
        "native-only-one-place",
        "native",
        None,
        (96, 96),
        96,
        {"count": 4},
        "catches a placement outside a photo that has room for one place only",
    ),
    (
        "native-many",
        "native",
        None,
        (1920, 1080),
        224,
        {"count": 64},
        "catches a sequence whose 32-bit fractions wrap late, are signed, or gather rounding",
    ),
    (
        "quarter-landscape",
        "1/4",
        None,
        (640, 480),
        96,
        {},
        "catches a fraction that is taken of the shorter side instead of the width",
    ),
    (
        "half-portrait",
        "1/2",
        None,
        (480, 640),
        96,
        {},
        "catches a fraction that is taken of the longer side instead of the width",
    ),
    (
        "third-rounds-down",
        "1/3",
        None,
        (1001, 999),
        32,
        {"count": 5},
        "catches a fraction that is rounded to the nearest",
    ),
    (
        "two-thirds-multiplies-first",
        "2/3",
        None,
        (500, 500),
        32,
        {"count": 3},
        "catches a fraction that divides before it multiplies, or goes through floating point",
    ),
    (
        "three-quarters-of-a-panorama",
        "3/4",
        None,
        (3000, 400),
        96,
        {"count": 4},
        "catches a crop that is higher than the photo",
    ),
    ("smallest-fraction", "1/999", None, (640, 480), 96, {"count": 3}, "catches a side of 0 pixels"),
    (
        "all-scales-8x8",
        "full+centre:native,1/4,1/2",
        None,
        (8, 8),
        224,
        {},
        "catches native crops that are larger than a tiny photo",
    ),
    (
        "all-scales-9x8",
        "full+centre:native,1/4,1/2",
        None,
        (9, 8),
        8,
        {},
        "catches boxes of a smallest photo at the smallest input",
    ),
    (
        "one-pixel",
        "full+centre:native,1/4",
        None,
        (1, 1),
        8,
        {"count": 4},
        "catches a geometry that divides by nothing where one pixel is left",
    ),
    (
        "one-column",
        "full+centre:native,1/4",
        None,
        (1, 9),
        8,
        {"count": 4},
        "catches a square that is taken of the longer side",
    ),
    (
        "one-row",
        "full+centre:native,1/4",
        None,
        (9, 1),
        8,
        {"count": 4},
        "catches a square that is taken of the longer side",
    ),
    (
        "extreme-wide",
        "full+centre:native,1/4",
        None,
        (20000, 9),
        224,
        {},
        "catches a reduction that is the same for both directions, or rounds a short side to 0",
    ),
    (
        "extreme-high",
        "full+centre:native,1/4",
        None,
        (9, 20000),
        224,
        {},
        "catches a reduction that is the same for both directions, or rounds a short side to 0",
    ),
    (
        "wider-than-a-double",
        "native",
        None,
        (8900008, 8),
        8,
        {"offset": (3421022623, 1 << 31), "count": 4},
        "catches products in floating point: places x fraction needs 56 bits, a double has 53",
    ),
    (
        "prefix-3",
        "full+centre:native,1/4",
        None,
        (1280, 720),
        96,
        {"count": 3},
        "catches crops that depend on how many are asked for",
    ),
    (
        "beyond-the-plan-15",
        "full+centre:native,1/4",
        None,
        (1280, 720),
        96,
        {"count": 15},
        "catches crops that depend on how many are asked for, and a cycle that stops at the plan's number",
    ),
    (
        "only-placed-crops-count",
        "native+full+1/4+centre:1/2,full,native",
        None,
        (800, 600),
        96,
        {},
        "catches a placement index that counts full and centred crops too",
    ),
    (
        "lead-longer-than-count",
        "full+centre+native+1/2:1/4",
        None,
        (800, 600),
        96,
        {"count": 2},
        "catches a lead that is scored whole whatever the count",
    ),
    (
        "offset-zero",
        "native",
        None,
        (640, 480),
        96,
        {"offset": (0, 0), "count": 6},
        "catches a start that ignores the offset",
    ),
    (
        "offset-largest",
        "native",
        None,
        (640, 480),
        96,
        {"offset": (2**32 - 1, 2**32 - 1), "count": 6},
        "catches an offset beyond 31 bits that is read as negative, and a first place beyond the edge",
    ),
    (
        "offset-uneven",
        "native",
        None,
        (640, 480),
        96,
        {"offset": (123456789, 3987654321), "count": 6},
        "catches x and y of the offset swapped",
    ),
    (
        "working-quarter",
        "full+centre:native,1/4",
        512,
        (4032, 3024),
        224,
        {},
        "catches boxes that are left in working pixels instead of the photo's own",
    ),
    (
        "working-odd",
        "full+centre:native,1/4",
        512,
        (4003, 3001),
        224,
        {},
        "catches a remainder of the shrink that is kept",
    ),
    (
        "working-just-twice",
        "centre:native",
        512,
        (1024, 1024),
        96,
        {"count": 3},
        "catches a limit that must be exceeded instead of reached",
    ),
    (
        "working-just-below-twice",
        "centre:native",
        512,
        (1023, 4000),
        96,
        {"count": 3},
        "catches a shrink that goes by the longer side, or rounds up",
    ),
    (
        "working-not-a-power",
        "centre:native",
        100,
        (799, 650),
        96,
        {"count": 3},
        "catches a shrink of 6 where only powers of two are meant",
    ),
    (
        "working-sixteenth",
        "full+centre:native,1/3",
        64,
        (1061, 1030),
        32,
        {},
        "catches a shrink that stops at the 8 of JPEG decoders",
    ),
    (
        "working-larger-than-photo",
        "full:native",
        2000,
        (640, 480),
        96,
        {"count": 3},
        "catches a working size that enlarges photos",
    ),
]


def boxes(to: Writer) -> None:
    vectors = []
    for name, scales, working, size, side, options, why in BOXES:
        plan = (
            CropPlan.parse(scales, working_px=working)
            if ":" in scales
            else CropPlan(cycle=(scales,), working_px=working)
        )
        found = crop_boxes(plan, size, side, count=options.get("count"), offset=options.get("offset", MIDDLE))
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": {"pixels": 0},
                "plan": plain(plan),
                "size_wh": list(size),
                "side_px": side,
                "count": options.get("count"),
                "offset": plain(options.get("offset")),
                "boxes": [list(box) for box in found],
            }
        )
    to.manifest("boxes", "Crop boxes from a photo's size.", vectors)


# --- photos


def photo_files() -> list[tuple[str, bytes, int | None, str]]:
    """File name, content, working_px and why."""
    rgb = Image.fromarray(noise("photo", 9, 13, 3))
    grey = Image.fromarray(noise("grey", 9, 13))
    rgba = Image.frombytes("RGBA", (13, 9), noise("rgba", 9, 13, 4).tobytes())
    palette = Image.frombytes("P", (4, 2), bytes(range(4)) * 2)
    palette.putpalette([10, 20, 30, 40, 50, 60, 200, 210, 220, 1, 2, 3])
    frames = [Image.new("RGB", (9, 8), colour) for colour in ((200, 30, 10), (10, 30, 200))]
    deep = np.array([[0, 255, 256, 511, 4095, 32768, 65280, 65535]], ">u2")
    wave = Image.fromarray(waves(53, 37))
    files = [
        ("rgb.png", encode(rgb, "PNG"), None, "catches red and blue swapped, rows from the bottom, padded rows"),
        ("grey.png", encode(grey, "PNG"), None, "catches grey that fills one channel only"),
        (
            "bits.png",
            encode(grey.point(lambda level: 255 * (level > 100), "1"), "PNG"),
            None,
            "catches pixels of one bit that become 0 and 1 instead of 0 and 255",
        ),
        (
            "grey16.png",
            png((8, 1), depth=16, colour=0, rows=b"\0" + deep.tobytes()),
            None,
            "catches 16-bit grey that is clipped at 255, rounded, or read with its bytes swapped",
        ),
        (
            "grey16-key.png",
            png((2, 1), depth=16, colour=0, rows=b"\0\7\0\7\1", transparent=b"\7\0"),
            None,
            "catches a transparent level that is compared after it was cut to eight bits",
        ),
        ("palette.png", encode(palette, "PNG"), None, "catches palette indices taken for grey levels"),
        (
            "palette-alpha.png",
            encode(palette, "PNG", transparency=b"\xff\x00\x80\x40"),
            None,
            "catches the transparency of palette entries that is ignored",
        ),
        ("rgba.png", encode(rgba, "PNG"), None, "catches alpha that is dropped, or laid over black"),
        (
            "rgb-key.png",
            encode(rgb, "PNG", transparency=tuple(noise("photo", 9, 13, 3)[4, 6].tolist())),
            None,
            "catches one colour that stands for transparent and is kept",
        ),
        ("grey-alpha.png", encode(rgba.convert("LA"), "PNG"), None, "catches alpha of grey photos that is dropped"),
        ("rgb.bmp", encode(rgb, "BMP"), None, "catches BMP's blue first and its rows from the bottom"),
        (
            "animated.gif",
            encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100),
            None,
            "catches the last frame of an animation instead of the first",
        ),
        (
            "cmyk.tif",
            encode(Image.frombytes("CMYK", (8, 8), noise("ink", 8, 8, 4).tobytes()), "TIFF"),
            None,
            "catches ink that is taken for light",
        ),
        ("lossless.webp", encode(rgb, "WEBP", lossless=True), None, "catches a WebP decoder that goes through YUV"),
        (
            "exif-9.png",
            encode(rgb, "PNG", exif=turned(9)),
            None,
            "catches an orientation that does not exist and is obeyed",
        ),
        (
            "444.jpg",
            encode(wave, "JPEG", quality=90, subsampling=0),
            None,
            "catches another inverse DCT than libjpeg's",
        ),
        (
            "420.jpg",
            encode(wave, "JPEG", quality=85, subsampling=2),
            None,
            "catches chroma that is repeated instead of interpolated, and odd sizes",
        ),
        ("grey.jpg", encode(wave.convert("L"), "JPEG", quality=85), None, "catches a JPEG of one channel"),
        (
            "progressive.jpg",
            encode(wave, "JPEG", quality=85, progressive=True),
            None,
            "catches a progressive JPEG that is read no further than its first scan",
        ),
        ("cmyk.jpg", encode(wave.convert("CMYK"), "JPEG", quality=90), None, "catches Adobe's inverted ink"),
        (
            "exif-6.jpg",
            encode(wave, "JPEG", quality=85, exif=turned(6)),
            None,
            "catches a reader that ignores the EXIF orientation of cameras",
        ),
    ]
    files += [
        (
            f"exif-{turn}.png",
            encode(rgb, "PNG", exif=turned(turn)),
            None,
            f"catches a reader that ignores EXIF orientation {turn}, or turns or mirrors the other way",
        )
        for turn in range(2, 9)
    ]
    for factor, size, working in (
        (2, (149, 133), 64),
        (4, (301, 259), 64),
        (8, (531, 523), 64),
        (16, (1061, 1030), 64),
    ):
        picture = Image.fromarray(waves(*size, period=40 * factor))
        files.append(
            (
                f"working-{factor}.jpg",
                encode(picture, "JPEG", quality=80),
                working,
                f"catches a JPEG that is reduced by {factor} otherwise than by its decoder, and a partial last block",
            )
        )
    tall = Image.fromarray(waves(301, 263, period=41))
    files += [
        (
            "working-exif-6.jpg",
            encode(tall, "JPEG", quality=80, exif=turned(6)),
            64,
            "catches the rest of a block that is left at the wrong side of a photo that is turned",
        ),
        (
            "working-exif-3.png",
            encode(Image.fromarray(waves(149, 133)), "PNG", exif=turned(3)),
            64,
            "catches the rest of a block that is left at the wrong side of a photo that is turned",
        ),
        (
            "working.png",
            encode(Image.fromarray(waves(263, 301, period=11)), "PNG"),
            64,
            "catches blocks that are sampled instead of averaged, or means that are rounded down",
        ),
        (
            "working-enough.png",
            encode(Image.fromarray(waves(127, 140)), "PNG"),
            64,
            "catches a photo that is halved to less than its working size",
        ),
    ]
    return files


def photos(to: Writer) -> None:
    vectors = []
    for name, content, working, why in photo_files():
        photo = read_photo(content, working)
        picture = np.asarray(photo.picture)
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": EXACT,
                "photo": to.file(name, content),
                "working_px": working,
                "size_wh": list(photo.size_wh),
                "shrink": photo.shrink,
                "picture_wh": [picture.shape[1], picture.shape[0]],
                "picture": to.file(f"{name}.rgb", picture),
            }
        )
    to.manifest("photos", "Files to upright RGB at the working size.", vectors)


# --- frames


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


# --- tensors

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


# --- votes

PAD = ("genuine", "print", "screen")
VOTES: list[tuple[Any, ...]] = [
    # name, labels, bona_fide, decision, scores, why
    (
        "mean-log",
        "ab",
        None,
        {},
        [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]],
        "catches an arithmetic mean where a geometric one is meant",
    ),
    (
        "mean",
        "ab",
        None,
        {"vote": "mean"},
        [[0.99, 0.01], [0.4, 0.6], [0.4, 0.6]],
        "catches a geometric mean where an arithmetic one is meant",
    ),
    (
        "votes-differ",
        "ab",
        None,
        {},
        [[0.999, 0.001], [0.3, 0.7], [0.3, 0.7], [0.3, 0.7]],
        "catches a majority of crops",
    ),
    (
        "mean-log-is-normalised",
        "abc",
        None,
        {},
        [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]],
        "catches a geometric mean that does not sum to 1",
    ),
    (
        "temperature",
        "ab",
        None,
        {"temperature": 0.25},
        [[0.6, 0.4], [0.55, 0.45]],
        "catches a temperature that multiplies, or is ignored",
    ),
    (
        "temperature-mean",
        "ab",
        None,
        {"vote": "mean", "temperature": 2.0},
        [[0.9, 0.1], [0.3, 0.7]],
        "catches a temperature that is applied after the mean",
    ),
    (
        "zero",
        "ab",
        None,
        {},
        [[1.0, 0.0], [1e-36, 1.0]],
        "catches the logarithm of 0, and another floor than the smallest normal float32",
    ),
    (
        "subnormal",
        "ab",
        None,
        {},
        [[1.0, 1e-42], [1e-36, 1.0]],
        "catches subnormal scores that are kept: the floor is the smallest normal float32",
    ),
    (
        "saturated",
        "abc",
        None,
        {},
        [[1.0, 1e-20, 1e-30], [1e-30, 1e-8, 1.0], [1e-20, 1e-18, 1e-20]],
        "catches powers that overflow or vanish in float32",
    ),
    ("tie", "abc", None, {}, [[0.25, 0.5, 0.5]], "catches the last of equal labels instead of the first"),
    ("one-crop", "ab", None, {}, [[0.3, 0.7]], "catches a vote of one crop that is changed"),
    (
        "not-summing-to-1",
        "ab",
        None,
        {"vote": "mean"},
        [[0.5, 0.25], [0.25, 0.75]],
        "catches scores that are not normalised before the mean",
    ),
    (
        "threshold-reached",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        [[0.5, 0.5]],
        "catches a threshold that must be exceeded",
    ),
    (
        "threshold-not-reached",
        PAD[:2],
        "genuine",
        {"threshold": 0.75},
        [[0.3, 0.7]],
        "catches the most probable label where a threshold decides",
    ),
    (
        "threshold-low",
        PAD[:2],
        "genuine",
        {"threshold": 0.1},
        [[0.8, 0.2]],
        "catches the most probable label where a threshold decides",
    ),
    (
        "attacks-add-up",
        PAD,
        "genuine",
        {"threshold": 0.5},
        [[0.4, 0.35, 0.25]],
        "catches the largest attack instead of the sum of all",
    ),
    (
        "attack-is-named",
        PAD,
        "genuine",
        {"threshold": 0.3},
        [[0.6, 0.1, 0.3]],
        "catches the bona fide label for a photo over the threshold",
    ),
    (
        "bona-fide-in-the-middle",
        ("print", "genuine", "screen"),
        "genuine",
        {"threshold": 0.3},
        [[0.1, 0.6, 0.3]],
        "catches the index of an attack label that is not shifted by the bona fide one",
    ),
    (
        "tiny-attack",
        PAD,
        "genuine",
        {"threshold": 1e-20},
        [[1.0, 1e-20, 2e-20]],
        "catches an attack score of 1 - p, which is 0",
    ),
    ("no-threshold", PAD, "genuine", {}, [[0.4, 0.35, 0.25]], "catches a threshold of one half that nobody set"),
    (
        "abstain",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "abstain": (0.4, 0.6)},
        [[0.45, 0.55]],
        "catches a retake that is not asked for",
    ),
    (
        "abstain-from-low",
        PAD[:2],
        "genuine",
        {"threshold": 0.7, "abstain": (0.5, 0.8)},
        [[0.5, 0.5]],
        "catches a band without its lower end",
    ),
    (
        "abstain-below-high",
        PAD[:2],
        "genuine",
        {"threshold": 0.4, "abstain": (0.2, 0.5)},
        [[0.5, 0.5]],
        "catches a band with its upper end",
    ),
    ("floor", "abc", None, {"floor": 0.6}, [[0.5, 0.3, 0.2]], "catches an unknown that gets a label"),
    ("floor-reached", "ab", None, {"floor": 0.5}, [[0.5, 0.5]], "catches a floor that must be exceeded"),
    (
        "floor-before-abstain",
        PAD,
        "genuine",
        {"floor": 0.6, "threshold": 0.5, "abstain": (0.4, 0.6)},
        [[0.5, 0.25, 0.25]],
        "catches the rules in another order: floor, band, threshold",
    ),
    (
        "floor-after-vote",
        "ab",
        None,
        {"floor": 0.7},
        [[0.95, 0.05], [0.3, 0.7]],
        "catches a floor that is held against single crops",
    ),
    (
        "stops-at-once",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (2.0, 1.0)},
        [[0.99, 0.01], [0.1, 0.9], [0.1, 0.9]],
        "catches crops that are scored although the answer is plain",
    ),
    (
        "stops-after-two",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (5.0, 1.0)},
        [[0.9, 0.1], [0.9, 0.1], [0.01, 0.99]],
        "catches bounds of another number of crops, or on probabilities instead of log-odds",
    ),
    (
        "never-stops",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (9.0, 9.0)},
        [[0.9, 0.1], [0.9, 0.1], [0.01, 0.99]],
        "catches an end before the bound is reached",
    ),
    (
        "bound-is-exceeded-not-reached",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (0.0, 9.0)},
        [[0.5, 0.5], [0.6, 0.4], [0.6, 0.4]],
        "catches an end where the distance equals the bound",
    ),
    (
        "stop-by-the-nearest-cut",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "abstain": (0.02, 0.1), "early_stop": (1.0, 4.0)},
        [[0.95, 0.05], [0.9, 0.1], [0.2, 0.8]],
        "catches a distance to the threshold alone: the band's ends are answers' limits too",
    ),
    (
        "stop-by-the-threshold",
        PAD[:2],
        "genuine",
        {"threshold": 0.9, "early_stop": (1.0, 9.0)},
        [[0.2, 0.8], [0.2, 0.8], [0.05, 0.95]],
        "catches a distance to one half where the threshold is elsewhere",
    ),
    (
        "stop-by-the-second-label",
        "abc",
        None,
        {"early_stop": (1.0, 1.0)},
        [[0.5, 0.4, 0.1], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]],
        "catches a distance to the last label instead of the second",
    ),
    (
        "stop-after-temperature",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "temperature": 0.1, "early_stop": (3.0, 9.0)},
        [[0.6, 0.4], [0.4, 0.6], [0.4, 0.6]],
        "catches a distance that is taken before the temperature",
    ),
]


def votes(to: Writer) -> None:
    vectors = []
    for name, labels, bona_fide, choices, rows, why in VOTES:
        decision = Decision(**choices)
        contract = {
            "name": name,
            "labels": list(labels),
            "bona_fide": bona_fide,
            "side_px": 8,
            "precision": "int8",
            "schema": 1,
            "model_sha256": "0" * 64,
            "plan": plain(CropPlan(crops=len(rows))),
            "decision": plain(decision),
        }
        # The same number in float32 and float64.
        scores = np.array(rows, np.float32)
        read = Contract.from_json(json.dumps(contract))
        used = check_script().crops_used(scores, read)
        voted = vote(scores[:used], decision)
        label, score = decide(voted, read)
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": {"answers": 0, "probability": 1e-12},
                "contract": contract,
                "scores": scores.astype(np.float64).tolist(),
                "verdict": {"label": label, "score": score, "probabilities": voted.tolist(), "crops": used},
            }
        )
    to.manifest("votes", "Scores of crops to a verdict, and how many crops it takes.", vectors)


# --- scores

# One step, and what float32 probabilities leave of its exactness.
SCORES = {"steps": 1.001}
# A model of floats has no steps; 1/256 is the step of the 8-bit probabilities that other tools write.
FLOAT_STEP = {"of": "outputs", "size": 1 / 256}
MODELS: list[tuple[Any, ...]] = [
    (
        "red_blue",
        "tests/models/red_blue.tflite",
        8,
        FLOAT_STEP,
        "catches red and blue swapped, a missing softmax, and input that is scaled twice",
    ),
    (
        "three_colours",
        "tests/models/three_colours.tflite",
        8,
        FLOAT_STEP,
        "catches green out of its place, a missing softmax, and input that is scaled twice",
    ),
    (
        "logits_int8",
        "tests/models/logits_int8.tflite",
        8,
        {"of": "outputs", "size": 0.1},
        "catches int8 arithmetic that rounds or saturates otherwise, and logits that are taken for probabilities",
    ),
    (
        "conv_int8",
        "tests/models/conv_int8.tflite",
        96,
        {"of": "logits", "size": 0.12427002191543579},
        "catches int8 convolutions that are computed wrong, as an emulator or a delegate may do without saying so",
    ),
]


def scores(to: Writer) -> None:
    vectors = []
    checker = check_script().Checker(to.folder)
    for name, file, side, step, why in MODELS:
        inputs = [np.full((side, side, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255), (140, 60, 120))]
        inputs = [noise(f"{name} {n}", side, side, 3) for n in range(2)] + (
            [waves(side, side, 19)] if side > 8 else inputs
        )
        model = checker.model(file)
        found = np.stack([model(one) for one in inputs]).astype("<f4")
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": SCORES,
                "model": file,
                "inputs": to.file(f"{name}.inputs.rgb", np.stack(inputs)),
                "scores": to.file(f"{name}.scores.f32", found),
                "step": step,
            }
        )
    to.manifest("scores", "The model's input to its output, by the interpreter.", vectors)


def check_script() -> Any:
    """check.py beside this file."""
    spec = importlib.util.spec_from_file_location("conformance_check", HERE / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_all(folder: Path) -> None:
    """Write every vector into a folder."""
    to = Writer(folder)
    for area in (boxes, photos, tensors, frames, votes, scores):
        area(to)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
