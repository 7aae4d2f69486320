"""Takes a photo's metadata out without touching a pixel: place, owner, serial numbers, thumbnails, colour profiles.

JPEG, PNG and WebP are rewritten piece by piece, HEIC and AVIF are blanked where they lie (``strip_heif``); the coded
picture stays as it is, bit by bit. Of EXIF the orientation is kept, since pixels are turned by it. Other formats hold
metadata among their pixels and become PNG, which loses nothing of what ``read_photo`` sees.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator

from PIL import Image

from edgekit.errors import PhotoError
from edgekit.gather.strip_heif import blank_metadata
from edgekit.runtime.kinds import HEAD_BYTES, picture_format
from edgekit.runtime.photo import decode
from edgekit.runtime.readers import DECODER_ERRORS, explain, open_picture

_ORIENTATION = 0x0112
# Where the next marker stands in coded data: 0xFF that is not stuffed, no restart, no filling.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JFIF, _ADOBE = 0xE0, 0xEE
_EOI, _SOS = 0xD9, 0xDA
_PNG = b"\x89PNG\r\n\x1a\n"
# What pixels depend on; transparency (tRNS) is laid over white.
_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
_WEBP_ICC, _WEBP_EXIF, _WEBP_XMP = 0x20, 0x08, 0x04
# What Pillow raises on damaged tags, besides what it does on damaged files.
_EXIF_ERRORS: tuple[type[BaseException], ...] = (*DECODER_ERRORS, LookupError, ArithmeticError, PhotoError)


def strip(content: bytes) -> tuple[bytes, str]:
    """A photo's file without metadata.

    Args:
        content: Content of the photo's file, whatever its name says.

    Returns:
        The new content, and the ending its format goes by (".jpg").

    Raises:
        PhotoError: no format that edgekit reads, or one that breaks off.
    """
    kind = picture_format(content[:HEAD_BYTES])
    if not kind:
        # Says what it is instead.
        open_picture(content, f"{len(content)} bytes").close()
    rewrite, suffix = _FORMATS[kind]
    try:
        return rewrite(content), suffix
    except (struct.error, IndexError, ValueError) as failure:
        raise PhotoError(explain(kind, content, failure, f"{len(content)} bytes")) from failure


def orientation_of(content: bytes) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none."""
    value = exif_of(content).get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_of(content: bytes) -> Image.Exif:
    """EXIF as far as Pillow can read it; empty where there is none or it is damaged."""
    exif = Image.Exif()
    try:
        with open_picture(content, "EXIF") as opened:
            exif.load(opened.info.get("exif", b""))
            # Damaged tags fail when they are looked at.
            dict(exif)
    except _EXIF_ERRORS:
        return Image.Exif()
    return exif


def _only_orientation(content: bytes) -> bytes:
    """EXIF that says the orientation and nothing else, as TIFF; empty for upright photos."""
    turn = orientation_of(content)
    return b"" if turn == 1 else b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", _ORIENTATION, 3, 1, turn, 0, 0)


def _strip_jpeg(content: bytes) -> bytes:
    exif = _only_orientation(content)
    pieces = [content[:2]]
    for marker, piece in _jpeg_pieces(content):
        metadata = 0xE0 <= marker <= 0xEF or marker == 0xFE
        # Adobe's segment says how colours are coded; JFIF's comes first or not at all.
        if metadata and not (marker == _ADOBE and piece[4:9] == b"Adobe") and piece[4:9] != b"JFIF\0":
            continue
        if marker != _JFIF and exif:
            pieces.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif)
            exif = b""
        # A JFIF thumbnail is a small copy of what the photo was before somebody edited it.
        pieces.append(_bare_jfif(piece) if marker == _JFIF else piece)
    return b"".join(pieces)


def _bare_jfif(piece: bytes) -> bytes:
    if len(piece) < 18:
        raise ValueError("a short JFIF segment")
    return b"\xff\xe0\x00\x10" + piece[4:16] + b"\0\0"


def _jpeg_pieces(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Segments up to the end of the picture, each scan with its coded data; what follows is another picture."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError(f"no marker at byte {at}")
        while content[at + 1] == 0xFF:
            at += 1
        marker = content[at + 1]
        if marker == _EOI:
            yield marker, content[at : at + 2]
            return
        (length,) = struct.unpack_from(">H", content, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(content):
            raise ValueError(f"a segment breaks off at byte {at}")
        if marker == _SOS:
            found = _MARKER.search(content, end)
            if found is None:
                raise ValueError("the picture breaks off")
            end = found.start()
        yield marker, content[at:end]
        at = end


def _strip_png(content: bytes) -> bytes:
    exif = _only_orientation(content)
    pieces, at = [_PNG], len(_PNG)
    while True:
        (length,) = struct.unpack_from(">I", content, at)
        name, end = content[at + 4 : at + 8], at + 12 + length
        if end > len(content):
            raise ValueError(f"a chunk breaks off at byte {at}")
        if name == b"IDAT" and exif:
            body = b"eXIf" + exif
            pieces.append(struct.pack(">I", len(exif)) + body + struct.pack(">I", zlib.crc32(body)))
            exif = b""
        if name in _PNG_KEPT:
            pieces.append(content[at:end])
        if name == b"IEND":
            return b"".join(pieces)
        at = end


def _strip_webp(content: bytes) -> bytes:
    exif = _only_orientation(content)
    (size,) = struct.unpack_from("<I", content, 4)
    if 8 + size > len(content):
        raise ValueError("the file breaks off")
    pieces, at = list[bytes](), 12
    while at + 8 <= 8 + size:
        name, (length,) = content[at : at + 4], struct.unpack_from("<I", content, at + 4)
        end = at + 8 + length + length % 2
        chunk = content[at:end]
        if len(chunk) < 8 + length:
            raise ValueError(f"a chunk breaks off at byte {at}")
        if name == b"VP8X":
            flags = chunk[8] & ~(_WEBP_ICC | _WEBP_XMP | _WEBP_EXIF) | (_WEBP_EXIF if exif else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if name in _WEBP_KEPT:
            pieces.append(chunk)
        at = end
    if exif:
        pieces.append(b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2))
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _to_png(content: bytes) -> bytes:
    written = io.BytesIO()
    # A new image: info would carry comments and EXIF along.
    picture = decode(content)
    Image.frombytes("RGB", picture.size, picture.tobytes()).save(written, format="PNG")
    return written.getvalue()


# How each format is stripped, and what it is then called.
_FORMATS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "JPEG": (_strip_jpeg, ".jpg"),
    "PNG": (_strip_png, ".png"),
    "WEBP": (_strip_webp, ".webp"),
    "HEIC": (blank_metadata, ".heic"),
    "AVIF": (blank_metadata, ".avif"),
    "TIFF": (_to_png, ".png"),
    "GIF": (_to_png, ".png"),
    "BMP": (_to_png, ".png"),
}
