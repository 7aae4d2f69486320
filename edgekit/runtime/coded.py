"""How much work and memory a coded picture takes to decode, by its headers: what is too much is refused before.

The size in pixels alone says too little: a progressive JPEG goes through all of its pixels once a scan and holds all
of its coefficients, a TIFF holds a whole strip besides the picture, and a file may be nothing but headers.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from edgekit.errors import PhotoError
from edgekit.runtime.kinds import first_directory
from edgekit.runtime.limits import MAX_BLOCKS, MAX_SCANNED_PIXELS, MAX_SCANS, MAX_SEGMENTS, check_size

# A JPEG's next marker, as libjpeg finds it: not stuffed, no filling, none that stands alone (TEM, restarts, SOI).
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_SCAN, _END = 0xDA, 0xD9
# Markers of frames, and what is special about them; baseline, extended and progressive ones have nothing.
_FRAMES = {0xC0: "", 0xC1: "", 0xC2: "", 0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical"} | {
    0xC7: "hierarchical",
    0xC9: "arithmetic-coded",
    0xCA: "arithmetic-coded",
    0xCB: "lossless",
    0xCD: "hierarchical",
    0xCE: "hierarchical",
    0xCF: "hierarchical",
    0xF7: "lossless (JPEG-LS)",
}
_PROGRESSIVE = {0xC2, 0xCA}
_COEFFICIENT_BYTES = 2
# TIFF's tags: size, bits, compression, strips and tiles.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _STRIPS, _SAMPLES, _STRIP_ROWS = 256, 257, 258, 259, 273, 277, 278
_PLANES, _TILE_WIDTH, _TILE_HEIGHT, _TILES = 284, 322, 323, 324
_PHOTOMETRIC, _SAMPLE_FORMAT = 262, 339
_UNCOMPRESSED, _JPEGS = 1, (6, 7)
# What Pillow brings to 0..255 as it is meant; of other depths it keeps the lowest bits, or the highest only.
_TIFF_BITS = (1, 2, 4, 8, 16)
_MIN_IS_WHITE, _UNSIGNED = 0, 1
_SAMPLE_KINDS = {_UNSIGNED: "", 2: "signed ", 3: "floating-point "}
# Samples of a pixel by a PNG's colour type, and the passes of an interlaced one: x and y of the first pixel, and steps.
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_WHOLE, _ADAM7 = (
    ((0, 0, 1, 1),),
    (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
        *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
    ),
)
_INFLATED_BYTES = 1 << 20
# What decoders hold for each pixel beside the picture, in bytes; tests/runtime/test_decoding.py measures it. WebP: two
# canvases of four channels and a copy; HEIC and AVIF: planes, colours, and a copy.
_HELD_PER_PX = {"WEBP": 12, "HEIC": 8, "AVIF": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegOutline:
    """What a JPEG's headers say.

    Attributes:
        size_wh: Width and height in pixels, as they are stored.
        bits: Bits of a sample.
        special: What most decoders don't read: "lossless", "arithmetic-coded", "hierarchical"; empty for the rest.
        scans: How often the coded data go through the picture, or a part of its channels or bits.
        coefficient_bytes: Bytes of coefficients that a decoder holds; 0 where it needs no more than a few rows.
        is_whole: Whether the end of the picture is marked.
    """

    size_wh: tuple[int, int]
    bits: int
    special: str
    scans: int
    coefficient_bytes: int
    is_whole: bool

    @property
    def fault(self) -> str:
        """What of it explains that a decoder refuses it, and what to do; empty where nothing does."""
        if self.special:
            return f"it is a {self.special} JPEG; save it as an ordinary one"
        if self.bits not in (0, 8):
            return f"it is a JPEG of {self.bits} bits a sample (a {self.bits}-bit JPEG); save it with 8"
        return "" if self.is_whole else "it breaks off before the end of its picture; copy it again"


def outline_jpeg(content: bytes, name: str) -> JpegOutline:
    """Go through a JPEG's segments, without decoding anything.

    Raises:
        PhotoError: more than MAX_SCANS scans or MAX_SEGMENTS segments, or more scans of so many pixels than
            MAX_SCANNED_PIXELS.
    """
    scans, segments, at, is_whole = 0, 0, 2, False
    marker, frame, components_in_scan = 0, b"", 0
    # From segment to segment: what looks like a scan inside one (a preview, a profile), or after the end, is none.
    while (found := _JPEG_MARKER.search(content, at)) is not None:
        code, body = found[0][1], found.end()
        if code == _END:
            is_whole = True
            break
        scans, segments = scans + (code == _SCAN), segments + 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            raise PhotoError(
                f"{name}: a JPEG must have at most {MAX_SCANS} scans and {MAX_SEGMENTS} segments, got {scans} scans in"
                f" the first {segments} segments; save it anew"
            )
        if code in _FRAMES and not frame:
            marker, frame = code, content[body + 2 : body + 2 + 6 + 3 * 4]
        if code == _SCAN and not components_in_scan:
            components_in_scan = int.from_bytes(content[body + 2 : body + 3], "big")
        # After the marker stands the length of its segment, itself included; coded data follow that of a scan.
        at = body + max(2, int.from_bytes(content[body : body + 2], "big"))
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if scans * width * height > MAX_SCANNED_PIXELS:
        got = "1 scan" if scans == 1 else f"{scans} scans"
        raise PhotoError(
            f"{name}: the scans of a JPEG must go through at most {MAX_SCANNED_PIXELS} pixels in all, got {got}"
            f" of {width}x{height}; save it anew, not progressive, or smaller"
        )
    components = frame[5] if len(frame) > 5 else 0
    coefficients = _coefficients(frame[6 : 6 + 3 * components], width * height)
    is_held = marker in _PROGRESSIVE or components_in_scan < components
    return JpegOutline(
        size_wh=(width, height),
        bits=frame[0] if frame else 0,
        special=_FRAMES.get(marker, ""),
        scans=scans,
        coefficient_bytes=_COEFFICIENT_BYTES * coefficients if is_held else 0,
        is_whole=is_whole,
    )


def _coefficients(components: bytes, pixels: int) -> int:
    """How many coefficients all channels have: a subsampled one has fewer than the picture has pixels."""
    factors = [(one >> 4) * (one & 15) for one in components[1::3]]
    return pixels * sum(factors) // max(1, *factors, 1)


def held_bytes(kind: str, content: bytes, size_wh: tuple[int, int], name: str) -> int:
    """Bytes that a decoder holds besides the picture that it gives.

    Args:
        kind: The format, as ``picture_format`` says.
        content: Content of the file.
        size_wh: Width and height of the picture as it is stored, in pixels.
        name: Name of the photo, for messages.

    Raises:
        PhotoError: a JPEG whose scans are too much work.
    """
    if kind == "JPEG":
        return outline_jpeg(content, name).coefficient_bytes
    if kind == "TIFF":
        return _largest_piece(content)
    return _HELD_PER_PX.get(kind, 0) * size_wh[0] * size_wh[1]


def check_blocks(kind: str, content: bytes, name: str) -> None:
    """Bound the pieces of a file, each of which costs its reader time and memory, however little is in it.

    Raises:
        PhotoError: more than MAX_BLOCKS, or a GIF's frame, a WebP's canvas or a TIFF's tile of more than MAX_PIXELS.
    """
    if kind == "PNG":
        blocks = _chunks(content, 8, 12)
    elif kind == "WEBP":
        if content[12:16] == b"VP8X" and len(content) >= 30:
            # Before its reader refuses it by a limit of its own.
            width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
            check_size(name, (width, height), remedy="; save it smaller")
        blocks = _riff_chunks(content)
    elif kind == "GIF":
        blocks = _gif_blocks(content, name)
    elif kind == "TIFF":
        found = _entries(content)
        check_size(name, (max(1, found.get(_TILE_WIDTH, 1)), max(1, found.get(_TILE_HEIGHT, 1))))
        blocks = max((one.number for one in first_directory(content) if one.tag in (_STRIPS, _TILES)), default=0)
    else:
        return
    if blocks > MAX_BLOCKS:
        raise PhotoError(
            f"{name}: a {kind} must have at most {MAX_BLOCKS} chunks, strips or tiles, got more; save it anew"
        )


def check_samples(kind: str, content: bytes, name: str) -> None:
    """Hold that what a TIFF's numbers mean is agreed on: others would be decoded to black, white or noise.

    Raises:
        PhotoError: other than 1, 2, 4, 8 or 16 bits, signed or floating-point numbers, or white as 0 of 16 bits.
    """
    if kind != "TIFF":
        return
    found = _entries(content)
    bits, form = found.get(_BITS, 1), found.get(_SAMPLE_FORMAT, _UNSIGNED)
    inverted = bits == 16 and found.get(_PHOTOMETRIC) == _MIN_IS_WHITE
    if bits not in _TIFF_BITS or form != _UNSIGNED or inverted:
        got = f"{bits} {_SAMPLE_KINDS.get(form, 'undefined ')}bits{', in which 0 is white' if inverted else ''}"
        raise PhotoError(
            f"{name}: a TIFF must have 1, 2, 4, 8 or 16 unsigned bits a sample, got {got}; save it with 8 bits"
        )


def png_is_whole(content: bytes) -> bool:
    """Whether the data of a PNG's picture unpack to all of its rows; to do so takes a third of the time to decode it.

    Pillow's decoder takes data that end in good order for whole, however few they are.
    """
    width, height, bits, colours, _, _, interlaced = struct.unpack_from(">IIBBBBB", content, content.index(b"IHDR") + 4)
    pixel_bits = bits * _PNG_SAMPLES.get(colours, 0)
    missing = 0
    for left, top, step_x, step_y in _ADAM7 if interlaced else _WHOLE:
        columns, rows = -(-max(0, width - left) // step_x), -(-max(0, height - top) // step_y)
        # A byte before each row says how it is filtered.
        missing += rows * (1 + (columns * pixel_bits + 7) // 8) if columns else 0
    inflating, at = zlib.decompressobj(), 8
    while at + 12 <= len(content) and missing > 0 and not inflating.eof:
        length = int.from_bytes(content[at : at + 4], "big")
        coded = content[at + 8 : at + 8 + length] if content[at + 4 : at + 8] == b"IDAT" else b""
        while coded and missing > 0 and not inflating.eof:
            missing -= len(inflating.decompress(coded, _INFLATED_BYTES))
            coded = inflating.unconsumed_tail
        at += 12 + length
    return missing <= 0


def _entries(content: bytes) -> dict[int, int]:
    return {entry.tag: entry.value for entry in first_directory(content)}


def _largest_piece(content: bytes) -> int:
    """Bytes of a TIFF's largest strip or tile, which libtiff holds unpacked."""
    found = _entries(content)
    if found.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED:
        return 0
    width, height = found.get(_WIDTH, 0), found.get(_HEIGHT, 0)
    pixels = width * min(height, found.get(_STRIP_ROWS, height))
    if _TILE_WIDTH in found:
        pixels = found[_TILE_WIDTH] * found.get(_TILE_HEIGHT, 0)
    samples = found.get(_SAMPLES, 1) if found.get(_PLANES, 1) == 1 else 1
    # JPEGs inside are unpacked to four channels.
    return pixels * max(4 if found[_COMPRESSION] in _JPEGS else 1, samples * found.get(_BITS, 1) // 8)


def _chunks(content: bytes, at: int, overhead: int) -> int:
    count = 0
    while at + overhead <= len(content) and count <= MAX_BLOCKS:
        at += overhead + int.from_bytes(content[at : at + 4], "big")
        count += 1
    return count


def _riff_chunks(content: bytes) -> int:
    count, at = 0, 12
    while at + 8 <= len(content) and count <= MAX_BLOCKS:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
        count += 1
    return count


def _gif_blocks(content: bytes, name: str) -> int:
    """Blocks before the first frame, whose size may be more than the screen's."""
    flags = content[10] if len(content) > 10 else 0
    count, at = 0, 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while content[at : at + 1] == b"!" and count <= MAX_BLOCKS:
        at += 2
        while at < len(content) and content[at] and count <= MAX_BLOCKS:
            at += 1 + content[at]
            count += 1
        at, count = at + 1, count + 1
    if content[at : at + 1] == b"," and at + 9 <= len(content):
        left, top, width, height = struct.unpack_from("<4H", content, at + 1)
        check_size(name, (max(1, left + width), max(1, top + height)))
    return count
