"""Files that are no photos, or no whole ones."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from edgekit.errors import PhotoError
from edgekit.runtime.kinds import what_instead
from edgekit.runtime.photo import read_photo
from making.tools import Vector, Writer, encode, noise, png, waves

# Name, content, why.
File = tuple[str, bytes, str]


def wave() -> Image.Image:
    return Image.fromarray(waves(53, 37))


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def brands(*names: bytes) -> bytes:
    return box(b"ftyp", names[0] + bytes(4) + b"".join(names)) + box(b"mdat", noise("mdat", 64).tobytes())


def tiff(*entries: tuple[int, int, int]) -> bytes:
    """A little TIFF's first directory: tags of one 16- or 32-bit value."""
    rows = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4 + 64)


def damaged() -> list[File]:
    """Pictures that break off."""
    jpeg = encode(wave(), "JPEG", quality=85)
    progressive = encode(wave(), "JPEG", quality=85, progressive=True)
    whole, grey = encode(wave(), "PNG"), encode(wave().convert("L"), "PNG")
    webp, gif = encode(wave(), "WEBP", lossless=True), encode(wave(), "GIF")
    scan, pixels = jpeg.index(b"\xff\xda"), whole.index(b"IDAT")
    return [
        ("jpeg-half.jpg", jpeg[: (scan + len(jpeg)) // 2], "catches a JPEG that breaks off and is filled up with grey"),
        ("jpeg-before-scan.jpg", jpeg[:scan], "catches a JPEG that breaks off before its first pixel"),
        ("jpeg-in-header.jpg", jpeg[:40], "catches a JPEG that breaks off in its header"),
        ("jpeg-start.jpg", jpeg[:3], "catches a JPEG of three bytes"),
        ("jpeg-start-and-end.jpg", b"\xff\xd8\xff\xd9", "catches a JPEG of nothing"),
        (
            "progressive-half.jpg",
            progressive[: len(progressive) * 2 // 3],
            "catches a progressive JPEG that misses its last scans, and is shown unsharp",
        ),
        ("png-half.png", whole[: (pixels + len(whole)) // 2], "catches a PNG that breaks off and is filled up"),
        ("png-header.png", whole[:33], "catches a PNG without pixels"),
        (
            "png-checksum.png",
            whole[: pixels + 4] + bytes([whole[pixels + 4] ^ 255]) + whole[pixels + 5 :],
            "catches a PNG whose pixels' checksum is wrong",
        ),
        (
            "png-short-rows.png",
            png((8, 8), depth=8, colour=0, rows=b"\0" * 9 * 3),
            "catches a PNG whose data end before its last row",
        ),
        ("png-grey-half.png", grey[: len(grey) * 2 // 3], "catches a PNG that breaks off and is filled up"),
        ("webp-half.webp", webp[: len(webp) // 2], "catches a WebP that breaks off"),
        ("gif-half.gif", gif[: len(gif) // 2], "catches a GIF that breaks off"),
    ]


def beyond() -> list[File]:
    """Whole pictures that take too much, by their headers."""
    bits = png((16000, 5001), depth=1, colour=0, rows=b"")
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(2001)) for _ in range(5001)) + rows.flush()
    body = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    start = bits.index(b"IDAT") - 4
    large = bits[:start] + body + bits[-12:]
    jpeg = bytearray(encode(wave(), "JPEG", quality=85))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
    return [
        ("png-80-megapixels.png", large, "catches a photo of more than 80 megapixels, before memory is set aside"),
        (
            "jpeg-4-gigapixels.jpg",
            bytes(jpeg),
            "catches a JPEG that says it has gigapixels, before memory is set aside",
        ),
        ("png-no-pixels.png", png((0, 8), depth=8, colour=0, rows=b"\0" * 8), "catches a photo of no width"),
    ]


def others() -> list[File]:
    """What lies where photos lie."""
    page = b"\n <!DOCTYPE html><html><title>404</title></html>"
    return [
        ("empty.jpg", b"", "catches a file without content"),
        ("zeros.jpg", bytes(512), "catches a file that was copied in part"),
        ("page.jpg", page, "catches a page in the place of a download"),
        ("page-with-mark.jpg", b"\xef\xbb\xbf" + page, "catches a byte order mark before a page"),
        ("text.txt", b"see you tomorrow", "catches a text"),
        ("json.json", b'{"error": "not found"}', "catches a server's answer"),
        ("pointer.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "catches a pointer to a photo"),
        ("data.txt", b"data:image/jpeg;base64,/9j/4AAQ", "catches a photo as text"),
        (
            "drawing.svg",
            b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
            "catches a drawing, which browsers would draw",
        ),
        ("document.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "catches a document"),
        ("archive.zip", b"PK\x03\x04" + bytes(26), "catches an archive"),
        ("video.mp4", brands(b"isom", b"isom", b"avc1"), "catches a video"),
        ("photo.heic", brands(b"heic", b"mif1", b"heic"), "catches a HEIC that is none, or that no reader here reads"),
        ("photo.avif", brands(b"avif", b"mif1", b"avif"), "catches an AVIF that is none"),
        ("raw.cr3", brands(b"crx ", b"crx ", b"isom"), "catches a camera's raw file"),
        ("raw.cr2", b"II*\0\x10\0\0\0CR\2\0" + bytes(64), "catches a camera's raw file, which begins as a TIFF"),
        (
            "raw.dng",
            tiff((50706, 4, 0x00000401), (254, 4, 1), (256, 4, 8), (257, 4, 8)),
            "catches a camera's raw file, whose preview would be read",
        ),
        ("raw.raf", b"FUJIFILMCCD-RAW 0201" + bytes(64), "catches a camera's raw file"),
        ("photo.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(64), "catches formats that not every platform reads"),
        ("photo.jxl", b"\xff\x0a" + bytes(64), "catches formats that not every platform reads"),
        ("icon.ico", b"\0\0\1\0\1\0" + bytes(64), "catches an icon, which browsers would show"),
        ("sound.webp", b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), "catches another file of RIFF's kind than a WebP"),
        ("noise.bin", noise("no photo at all", 256).tobytes(), "catches bytes of no format"),
    ]


def refusals(to: Writer) -> None:
    vectors: list[Vector] = []
    for name, content, why in (*damaged(), *beyond(), *others()):
        kind = what_instead(content)[0].partition(" that begins")[0] if (name, content, why) in others() else None
        try:
            read_photo(content)
        except PhotoError as refusal:
            # What needs a reader that some have says so.
            kind = kind if kind is not None and kind in str(refusal) else None
        else:
            raise AssertionError(f"refusals/{name} is read")
        tolerance = {"answers": 0}
        vectors.append(
            {"name": name, "why": why, "tolerance": tolerance, "photo": to.file(f"no-{name}", content), "what": kind}
        )
    to.manifest("refusals", "Files that are no photos, or no whole ones, and what the message calls them.", vectors)
