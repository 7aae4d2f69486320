"""Files to the orientation that counts: cameras' own blocks, and blocks that are odd, damaged, or somewhere else."""

from __future__ import annotations

import struct
import zlib
from typing import Literal

from PIL import Image

from making.tools import Vector, Writer, check_script, encode, waves

Order = Literal["<", ">"]
WIDTH, MAKE, ORIENTATION, MODIFIED, INNER = 0x0100, 0x010F, 0x0112, 0x0132, 0x8769
BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, FLOAT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 11
PREFIX = b"Exif\0\0"
File = tuple[str, bytes, str]


def entry(order: Order, tag: int, kind: int, count: int, value: bytes) -> bytes:
    """One entry of a directory; ``value`` fills the last four bytes from the left."""
    return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")


def turn_entry(order: Order, turn: int, kind: int = SHORT, count: int = 1) -> bytes:
    code = {BYTE: "B", SHORT: "H", LONG: "I", SBYTE: "b", UNDEFINED: "B", SSHORT: "h", SLONG: "i", FLOAT: "f"}[kind]
    return entry(order, ORIENTATION, kind, count, struct.pack(order + code, turn))


def block(
    order: Order,
    *entries: bytes,
    behind: bytes = b"",
    at: int = 8,
    count: int | None = None,
    following: int = 0,
    head: bytes = b"",
) -> bytes:
    """EXIF as a TIFF: header, a gap, one directory, and what lies behind it."""
    mark = head or (b"II*\0" if order == "<" else b"MM\0*")
    start = mark + struct.pack(order + "I", at)
    number = struct.pack(order + "H", len(entries) if count is None else count)
    directory = number + b"".join(entries) + struct.pack(order + "I", following)
    return start.ljust(at, b"\0") + directory + behind


def plain_block(turn: int, order: Order = ">") -> bytes:
    return block(order, turn_entry(order, turn))


def segment(content: bytes, marker: int = 0xE1) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def picture() -> Image.Image:
    """No turn of it looks like another."""
    return Image.fromarray(waves(16, 8)).convert("L")


BARE = encode(picture(), "JPEG", quality=30, optimize=True)


def jpeg(*blocks: bytes) -> bytes:
    """A JPEG with APP1 segments of EXIF at its beginning."""
    return BARE[:2] + b"".join(segment(PREFIX + one) for one in blocks) + BARE[2:]


def before_scan(content: bytes) -> bytes:
    """A JPEG with something between its tables and its scan."""
    at = BARE.index(b"\xff\xda")
    return BARE[:at] + content + BARE[at:]


def png(before: bytes = b"", behind: bytes = b"") -> bytes:
    """A PNG with chunks before and behind its pixels."""
    bare = encode(picture(), "PNG")
    first, last = bare.index(b"IDAT") - 4, bare.index(b"IEND") - 4
    return bare[:first] + before + bare[first:last] + behind + bare[last:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def webp(exif: bytes, flags: int = 8) -> bytes:
    """A WebP of the extended kind with a chunk of EXIF at its end; ``flags`` say that it is there (8)."""
    bare = encode(picture().convert("RGB"), "WEBP", lossless=True)
    head = struct.pack("<4sI4BHBHB", b"VP8X", 10, flags, 0, 0, 0, 15, 0, 7, 0)
    body = b"WEBP" + head + bare[12:] + struct.pack("<4sI", b"EXIF", len(exif)) + exif + b"\0" * (len(exif) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def cameras() -> list[File]:
    """What cameras and editors write."""
    files: list[File] = []
    for order, name in ((">", "mm"), ("<", "ii")):
        for turn in range(1, 9):
            why = f"catches orientation {turn} in {name.upper()} order that is not read, or read as another"
            files.append((f"{name}-{turn}.jpg", jpeg(plain_block(turn, order)), why))
    many = [
        entry(">", WIDTH, LONG, 1, struct.pack(">I", 4000)),
        entry(">", MAKE, ASCII, 6, struct.pack(">I", 62)),
        turn_entry(">", 6),
        entry(">", INNER, LONG, 1, struct.pack(">I", 68)),
    ]
    inner = struct.pack(">H", 1) + turn_entry(">", 3) + bytes(4)
    return [
        *files,
        ("bare.jpg", BARE, "catches a photo without EXIF that is turned"),
        (
            "among-others.jpg",
            jpeg(block(">", *many, behind=b"maker\0" + inner)),
            "catches the first entry taken, or an inner directory's",
        ),
        (
            "inner-only.jpg",
            jpeg(block(">", entry(">", INNER, LONG, 1, struct.pack(">I", 26)), behind=inner)),
            "catches an orientation in a directory within: it is none of the photo's",
        ),
        (
            "thumbnail-only.jpg",
            jpeg(block(">", entry(">", WIDTH, LONG, 1, b"\0\0\0\x10"), following=26, behind=inner)),
            "catches the thumbnail's orientation",
        ),
        (
            "directory-at-20.jpg",
            jpeg(block("<", turn_entry("<", 6), at=20)),
            "catches a directory that is looked for at byte 8",
        ),
        (
            "directory-at-9.jpg",
            jpeg(block("<", turn_entry("<", 6), at=9)),
            "catches a directory that must lie at an even byte",
        ),
        ("before-scan.jpg", before_scan(segment(PREFIX + plain_block(6))), "catches a search that ends at the tables"),
        (
            "fill-bytes.jpg",
            before_scan(b"\xff\xff\xff" + segment(PREFIX + plain_block(6))),
            "catches bytes that fill up before a marker",
        ),
        ("png.png", png(before=chunk(b"eXIf", plain_block(6))), "catches a PNG's EXIF that is ignored"),
        (
            "png-behind.png",
            png(behind=chunk(b"eXIf", plain_block(8, "<"))),
            "catches a search that ends at a PNG's pixels",
        ),
        (
            "png-prefix.png",
            png(before=chunk(b"eXIf", PREFIX + plain_block(6))),
            "catches a JPEG's prefix in a PNG, which some write",
        ),
        ("webp.webp", webp(plain_block(6)), "catches a WebP's EXIF that is ignored"),
        ("webp-prefix.webp", webp(PREFIX + plain_block(8, "<")), "catches a JPEG's prefix in a WebP, which some write"),
        ("webp-odd.webp", webp(plain_block(5) + b"\0"), "catches a chunk of odd length"),
    ]


def others() -> list[File]:
    """What says an orientation and does not count."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    return [
        (
            "xmp.jpg",
            before_scan(segment(b"http://ns.adobe.com/xap/1.0/\0" + xmp)),
            "catches XMP's word where EXIF has none",
        ),
        ("comment.jpg", before_scan(segment(PREFIX + plain_block(6), 0xFE)), "catches EXIF in a comment"),
        ("app2.jpg", before_scan(segment(PREFIX + plain_block(6), 0xE2)), "catches EXIF in another segment than APP1"),
        ("behind-end.jpg", BARE + segment(PREFIX + plain_block(6)), "catches what follows a JPEG's end"),
        (
            "inside-segment.jpg",
            before_scan(segment(b"x" + segment(PREFIX + plain_block(6)), 0xEC)),
            "catches a search for bytes instead of a walk from segment to segment",
        ),
        (
            "prefix-of-one-zero.jpg",
            before_scan(segment(b"Exif\0\xff" + plain_block(6))),
            "catches another prefix than Exif and two zeros",
        ),
        (
            "png-text.png",
            png(before=chunk(b"tEXt", b"Raw profile type exif\0\nexif\n26\n" + plain_block(6).hex().encode())),
            "catches EXIF as a PNG's text",
        ),
    ]


def odd() -> list[File]:
    """Types, counts and values that no camera writes."""
    long_row = struct.pack(">4H", 6, 3, 3, 3)
    return [
        (
            "long.jpg",
            jpeg(block(">", turn_entry(">", 6, LONG))),
            "catches a 32-bit orientation that is not read, or read from its first half",
        ),
        ("long-ii.jpg", jpeg(block("<", turn_entry("<", 6, LONG))), "catches a 32-bit orientation that is not read"),
        ("signed-short.jpg", jpeg(block(">", turn_entry(">", 6, SSHORT))), "catches signed integers that are not read"),
        ("signed-long.jpg", jpeg(block("<", turn_entry("<", 6, SLONG))), "catches signed integers that are not read"),
        ("signed-byte.jpg", jpeg(block(">", turn_entry(">", 6, SBYTE))), "catches signed bytes that are not read"),
        ("byte.jpg", jpeg(block(">", turn_entry(">", 6, BYTE))), "catches bytes, which are no number"),
        (
            "undefined.jpg",
            jpeg(block(">", turn_entry(">", 6, UNDEFINED))),
            "catches bytes without a type taken for a number",
        ),
        ("float.jpg", jpeg(block(">", turn_entry(">", 6, FLOAT))), "catches reals taken for integers"),
        ("text.jpg", jpeg(block(">", entry(">", ORIENTATION, ASCII, 2, b"6\0"))), "catches texts taken for numbers"),
        (
            "rational.jpg",
            jpeg(
                block(">", entry(">", ORIENTATION, RATIONAL, 1, struct.pack(">I", 26)), behind=struct.pack(">II", 6, 1))
            ),
            "catches fractions taken for integers",
        ),
        (
            "unknown-type.jpg",
            jpeg(block(">", entry(">", ORIENTATION, 99, 1, b"\0\6"))),
            "catches types that nobody knows",
        ),
        (
            "two-values.jpg",
            jpeg(block(">", entry(">", ORIENTATION, SHORT, 2, struct.pack(">HH", 6, 3)))),
            "catches a row of two: the first counts",
        ),
        (
            "four-values.jpg",
            jpeg(block(">", entry(">", ORIENTATION, SHORT, 4, struct.pack(">I", 26)), behind=long_row)),
            "catches a row that lies elsewhere: its first counts",
        ),
        ("no-value.jpg", jpeg(block(">", entry(">", ORIENTATION, SHORT, 0, b"\0\6"))), "catches a row of none"),
        ("zero.jpg", jpeg(plain_block(0)), "catches an orientation of 0"),
        ("nine.jpg", jpeg(plain_block(9)), "catches an orientation beyond 8"),
        ("shifted.jpg", jpeg(plain_block(0x0600)), "catches a number that is read from the other end"),
        ("minus.jpg", jpeg(block(">", turn_entry(">", -6, SSHORT))), "catches a sign that is ignored"),
        (
            "not-sorted.jpg",
            jpeg(block(">", turn_entry(">", 6), entry(">", WIDTH, LONG, 1, b"\0\0\0\x10"))),
            "catches entries that must be sorted",
        ),
        ("two-segments.jpg", jpeg(plain_block(6), plain_block(3)), "catches the second of two segments taken"),
        (
            "split.jpg",
            jpeg(plain_block(6)[:13], plain_block(6)[13:]),
            "catches a block that goes on in the next segment",
        ),
        ("empty-first.jpg", jpeg(b"", plain_block(6)), "catches a first segment with nothing in it taken for all"),
        ("prefix-twice.jpg", jpeg(PREFIX + plain_block(6)), "catches a prefix that stands twice"),
        (
            "mm-swapped.jpg",
            jpeg(block(">", turn_entry(">", 6), head=b"MM*\0")),
            "catches a 42 whose bytes are swapped: the first two bytes say the order",
        ),
        (
            "ii-swapped.jpg",
            jpeg(block("<", turn_entry("<", 6), head=b"II\0*")),
            "catches a 42 whose bytes are swapped: the first two bytes say the order",
        ),
    ]


def damaged() -> list[File]:
    """Blocks that are cut or lie: the pixels are whole and count as they are."""
    whole, lies = plain_block(6), entry(">", MODIFIED, ASCII, 1000, struct.pack(">I", 26))
    return [
        ("empty.jpg", jpeg(b""), "catches a block of nothing"),
        ("four-bytes.jpg", jpeg(b"MM\0*"), "catches a header that is cut"),
        ("header-only.jpg", jpeg(whole[:8]), "catches a directory that is not there"),
        ("cut-count.jpg", jpeg(whole[:9]), "catches a count that is cut"),
        ("cut-entry.jpg", jpeg(whole[:18]), "catches an entry that is cut in its value"),
        ("cut-behind-entry.jpg", jpeg(whole[:22]), "catches an end that is missing: the entry before it is whole"),
        (
            "more-entries.jpg",
            jpeg(block(">", turn_entry(">", 6), count=65535)),
            "catches a count beyond the block: the entries before its end are whole",
        ),
        ("no-entries.jpg", jpeg(block(">", turn_entry(">", 6), count=0)), "catches an entry beyond the count"),
        ("directory-beyond.jpg", jpeg(b"MM\0*\x7f\xff\xff\xf0" + whole[8:]), "catches a directory out of the block"),
        ("directory-negative.jpg", jpeg(b"MM\0*\xff\xff\xff\xf8" + whole[8:]), "catches an offset that wraps"),
        (
            "directory-in-header.jpg",
            jpeg(b"MM\0*\0\0\0\0" + whole[8:]),
            "catches a directory that is the header itself",
        ),
        (
            "value-beyond.jpg",
            jpeg(block(">", entry(">", ORIENTATION, SHORT, 4, b"\x7f\xff\xff\xf0"))),
            "catches a value out of the block",
        ),
        (
            "value-of-gigabytes.jpg",
            jpeg(block(">", entry(">", ORIENTATION, LONG, 0x7FFFFFFF, b"\0\0\0\x08"))),
            "catches a count whose bytes wrap or are set aside",
        ),
        (
            "neighbour-beyond.jpg",
            jpeg(block(">", turn_entry(">", 6), lies)),
            "catches an entry that lies and spoils the others",
        ),
        (
            "neighbour-unknown.jpg",
            jpeg(block(">", entry(">", WIDTH, 99, 7, b""), turn_entry(">", 6))),
            "catches a type that nobody knows and spoils the next",
        ),
        ("other-magic.jpg", jpeg(block(">", turn_entry(">", 6), head=b"MM\0)")), "catches another number than 42"),
        ("other-order.jpg", jpeg(block(">", turn_entry(">", 6), head=b"MI\0*")), "catches orders that nobody knows"),
        ("big-tiff.jpg", jpeg(block("<", turn_entry("<", 6), head=b"II+\0")), "catches BigTIFF, which EXIF is not"),
        (
            "cycle.jpg",
            jpeg(block(">", turn_entry(">", 6), following=8)),
            "catches directories that lead back to themselves",
        ),
        ("png-empty.png", png(before=chunk(b"eXIf", b"")), "catches a block of nothing"),
        ("webp-cut.webp", webp(plain_block(6)[:15]), "catches an entry that is cut"),
    ]


def exif(to: Writer) -> None:
    orientation = check_script().orientation
    vectors: list[Vector] = [
        {
            "name": name,
            "why": why,
            "tolerance": {"answers": 0},
            "photo": to.file(f"turn-{name}", content),
            "orientation": orientation(content),
        }
        for name, content, why in (*cameras(), *others(), *odd(), *damaged())
    ]
    to.manifest("exif", "Files to the EXIF orientation that counts, 1 to 8; 1 where none does.", vectors)
