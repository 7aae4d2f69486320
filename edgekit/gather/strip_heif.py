"""Blanks the metadata of a HEIC or AVIF file where it lies: EXIF and XMP are items with extents of their own.

The file keeps its length, so that no offset in it moves and the coded picture stays as it is. Both are turned by
properties of the picture (``irot``, ``imir``); what its EXIF says of that is not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# An EXIF item: where its TIFF header begins, then a header with a directory of no entries and no next one.
_NO_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
_MAX_ITEMS = 100_000


def blank_metadata(content: bytes) -> bytes:
    """A HEIC or AVIF file whose EXIF says nothing and whose XMP is blank.

    Raises:
        ValueError: the boxes don't fit into each other, or a struct.error where they break off.
    """
    meta = next((body for name, body in _boxes(content, 0, len(content)) if name == b"meta"), None)
    if meta is None:
        raise ValueError("no meta box")
    # The first four bytes are its version and flags.
    inner = dict(_boxes(content, meta[0] + 4, meta[1]))
    if b"iinf" not in inner or b"iloc" not in inner:
        raise ValueError("no items")
    kinds = dict(_item_kinds(content, *inner[b"iinf"]))
    result = bytearray(content)
    for item, start, length in _extents(content, inner[b"iloc"], inner.get(b"idat")):
        if kinds.get(item) not in (b"Exif", b"mime", b"uri "):
            continue
        if start + length > len(content):
            raise ValueError(f"item {item} breaks off")
        blank = _NO_EXIF if kinds[item] == b"Exif" and length >= len(_NO_EXIF) else b""
        result[start : start + length] = blank.ljust(length, b"\0" if kinds[item] == b"Exif" else b" ")
    for start, stop in _profiles(content, inner.get(b"iprp")):
        # Renamed, not taken out: items name their properties by position.
        result[start - 4 : stop] = b"free".ljust(stop - start + 4, b"\0")
    return bytes(result)


def _profiles(content: bytes, properties: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    """Where the bodies of ICC profiles lie; a display's profile may hold its serial number."""
    for name, (start, stop) in _boxes(content, *(properties or (0, 0))):
        if name == b"ipco":
            for kind, (body, end) in _boxes(content, start, stop):
                if kind == b"colr" and content[body : body + 4] in (b"prof", b"rICC"):
                    yield body, end


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name, and where the body starts and ends, of each box in a stretch."""
    at = start
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, body)
            body += 8
        stop = end if size == 0 else at + size
        if stop < body or stop > end:
            raise ValueError(f"the box {name!r} at byte {at} doesn't fit")
        yield name, (body, stop)
        at = stop


def _item_kinds(content: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    version = content[start]
    entries = start + (6 if version == 0 else 8)
    for name, (body, stop) in _boxes(content, entries, end):
        if name != b"infe" or content[body] < 2:
            continue
        # Version 2 has numbers of 16 bits, version 3 of 32; a protection index stands between number and kind.
        item, kind = struct.unpack_from(">H2x4s" if content[body] == 2 else ">I2x4s", content, body + 4)
        if stop - body < 12:
            raise ValueError("a short item")
        yield item, kind


def _number(content: bytes, at: int, width: int) -> tuple[int, int]:
    """A number of 0, 2, 4 or 8 bytes, and where the next one stands."""
    if at + width > len(content):
        raise ValueError("the items' places break off")
    return int.from_bytes(content[at : at + width], "big"), at + width


def _extents(content: bytes, place: tuple[int, int], data: tuple[int, int] | None) -> Iterator[tuple[int, int, int]]:
    """Item, first byte and length of each stretch that an item lies in."""
    at = place[0]
    version, sizes = content[at], struct.unpack_from(">H", content, at + 4)[0]
    offset_width, length_width = sizes >> 12, sizes >> 8 & 15
    base_width, index_width = sizes >> 4 & 15, (sizes & 15) if version else 0
    number_width = 4 if version == 2 else 2
    count, at = _number(content, at + 6, number_width)
    if count > _MAX_ITEMS:
        raise ValueError(f"{count} items")
    for _ in range(count):
        item, at = _number(content, at, number_width)
        method, at = _number(content, at, 2 if version else 0)
        # Then the number of the file that the data lies in, which is this one.
        _, at = _number(content, at, 2)
        base, at = _number(content, at, base_width)
        extents, at = _number(content, at, 2)
        for _ in range(extents):
            _, at = _number(content, at, index_width)
            offset, at = _number(content, at, offset_width)
            length, at = _number(content, at, length_width)
            start = base + offset
            if method & 15 == 1:
                if data is None:
                    raise ValueError("an item lies in a box that is absent")
                start += data[0]
            yield item, start, length
