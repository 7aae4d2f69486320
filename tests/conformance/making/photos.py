"""Photo files to upright RGB at the working size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.runtime.photo import read_photo
from making.tools import EXACT, Writer, encode, noise, png, turned, waves

File = tuple[str, bytes, int | None, str]
# What ports refuse and Python reads: they must get opaque pixels, in the colours of screens.
PORTS_REFUSE = (
    "grey16-key.png",
    "palette-alpha.png",
    "rgba.png",
    "rgb-key.png",
    "grey-alpha.png",
    "alpha.webp",
    "cmyk.tif",
    "cmyk.jpg",
)


def photo_files() -> list[File]:
    """File name, content, working_px and why."""
    return [*pictures(), *jpegs(), *turns(), *reduced()]


def small() -> Image.Image:
    return Image.fromarray(noise("photo", 9, 13, 3))


def pictures() -> list[File]:
    """Modes and formats other than JPEG."""
    rgb = small()
    grey = Image.fromarray(noise("grey", 9, 13))
    rgba = Image.frombytes("RGBA", (13, 9), noise("rgba", 9, 13, 4).tobytes())
    opaque = rgb.copy()
    opaque.putalpha(255)
    palette = Image.frombytes("P", (4, 2), bytes(range(4)) * 2)
    palette.putpalette([10, 20, 30, 40, 50, 60, 200, 210, 220, 1, 2, 3])
    frames = [Image.new("RGB", (9, 8), colour) for colour in ((200, 30, 10), (10, 30, 200))]
    deep = np.array([[0, 255, 256, 511, 4095, 32768, 65280, 65535]], ">u2")
    return [
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
        ("alpha.webp", encode(rgba, "WEBP", lossless=True, exact=True), None, "catches a WebP's alpha that is dropped"),
        ("rgba-opaque.png", encode(opaque, "PNG"), None, "catches screenshots refused: all of their alpha is opaque"),
        ("opaque.webp", encode(opaque, "WEBP", lossless=True), None, "catches alpha that is opaque and refused"),
        (
            "palette-opaque.png",
            encode(palette, "PNG", transparency=b"\xff" * 4),
            None,
            "catches a palette whose entries are all opaque and refused",
        ),
        (
            "palette-unused-alpha.png",
            encode(palette, "PNG", transparency=b"\xff" * 4 + b"\0"),
            None,
            "catches a transparent entry that no pixel has",
        ),
        (
            "rgb-unused-key.png",
            encode(rgb, "PNG", transparency=(1, 2, 3)),
            None,
            "catches a transparent colour that no pixel has",
        ),
        (
            "rgba-reduced.png",
            encode(Image.fromarray(np.dstack([waves(149, 133), np.full((133, 149), 255, np.uint8)])), "PNG"),
            64,
            "catches colours of opaque pixels that change on their way through alpha",
        ),
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
    ]


def jpegs() -> list[File]:
    wave = Image.fromarray(waves(53, 37))
    return [
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


def turns() -> list[File]:
    return [
        (
            f"exif-{turn}.png",
            encode(small(), "PNG", exif=turned(turn)),
            None,
            f"catches a reader that ignores EXIF orientation {turn}, or turns or mirrors the other way",
        )
        for turn in range(2, 9)
    ]


def reduced() -> list[File]:
    """Photos larger than their working size."""
    files: list[File] = []
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
                "ports": "refuse" if name in PORTS_REFUSE else "read",
                "working_px": working,
                "size_wh": list(photo.size_wh),
                "shrink": photo.shrink,
                "picture_wh": [picture.shape[1], picture.shape[0]],
                "picture": to.file(f"{name}.rgb", picture),
            }
        )
    to.manifest("photos", "Files to upright RGB at the working size.", vectors)
