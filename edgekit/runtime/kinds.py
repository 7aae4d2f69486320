"""What a file is, by its first bytes. Its name says nothing: phones, mail and websites rename what they pass on.

Standard library only, and cheap: a folder of 100,000 files is looked through so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

# Where all that tells kinds apart lies, a TIFF's first directory included in what cameras write.
HEAD_BYTES = 4096

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"MM*\0", b"II\0*", b"MM\0+", b"II+\0")
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"heif"}
# A picture that doesn't say how it is coded, and what videos may name beside it.
_PICTURE_BRANDS = {b"mif1", b"msf1", b"mif2", b"miaf"}
# Tags of TIFF's first directory, and values of two of them.
_SUBFILE, _PHOTOMETRIC, _INNER_DIRECTORIES, _DNG_VERSION = 254, 262, 330, 50706
_COLOUR_FILTERS, _LINEAR_RAW = 32803, 34892
# Bytes of a value by its type: bytes, 16, 32 and 64 bits, and directories.
_TIFF_WIDTHS = {1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8}

_RAW = "a camera's raw file", "export it as JPEG"
_OTHER_PICTURE = "save it as JPEG"
_PACKED = "unpack it, or give it to edgekit data import"
_AGAIN = "download the photo itself again"
# What begins so, what that is, and what to do about it.
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer", "fetch the photo with git lfs pull"),
    (b"/annex/objects/", "a git-annex pointer", "fetch the photo with git annex get"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", _OTHER_PICTURE),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _OTHER_PICTURE),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", _OTHER_PICTURE),
    (b"\xff\x0a", "a JPEG XL picture", _OTHER_PICTURE),
    (b"II\xbc", "a JPEG XR picture", _OTHER_PICTURE),
    (b"8BPS", "a Photoshop document", _OTHER_PICTURE),
    (b"gimp xcf", "a GIMP document", _OTHER_PICTURE),
    (b"v/1\x01", "an OpenEXR picture", _OTHER_PICTURE),
    (b"#?RADIANCE", "a Radiance picture", _OTHER_PICTURE),
    (b"\0\0\x01\0", "an icon", _OTHER_PICTURE),
    (b"DDS ", "a DirectDraw surface", _OTHER_PICTURE),
    (b"qoif", "a QOI picture", _OTHER_PICTURE),
    (b"IIRO", *_RAW),
    (b"IIRS", *_RAW),
    (b"MMOR", *_RAW),
    (b"IIU\0", *_RAW),
    (b"FUJIFILMCCD-RAW", *_RAW),
    (b"FOVb", *_RAW),
    (b"\0MRM", *_RAW),
    (b"PK\x03\x04", "a zip archive", _PACKED),
    (b"PK\x05\x06", "an empty zip archive", "pack the photos again"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ\0", "an xz file", "unpack it"),
    (b"(\xb5/\xfd", "a Zstandard file", "unpack it"),
    (b"%PDF", "a PDF document", "export its pictures as JPEG"),
    (b"%!PS", "a PostScript document", "export its pictures as JPEG"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", "export its pictures as JPEG"),
    (b"\xd0\xcf\x11\xe0", "a Microsoft Office document", "export its pictures as JPEG"),
    (b"{\\rtf", "an RTF document", "export its pictures as JPEG"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video", "give it to edgekit data import"),
    (b"\0\0\x01\xba", "an MPEG video", "give it to edgekit data import"),
    (b"FLV\x01", "a Flash video", "convert it"),
    (b"ID3", "a sound file", "remove it"),
    (b"OggS", "an Ogg file", "remove it"),
    (b"fLaC", "a sound file", "remove it"),
    (b"bplist00", "a property list of Apple's", "remove it, or let the cloud download the photo"),
    (b"\0\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)", "remove it"),
    (b"L\0\0\0\x01\x14\x02\0", "a shortcut of Windows", "copy the photo that it leads to"),
    (b"[InternetShortcut]", "a shortcut to a website", _AGAIN),
    (b"SQLite format 3\0", "an SQLite database", "remove it"),
    (b"\x89HDF", "an HDF5 file", "remove it"),
    (b"\x93NUMPY", "a NumPy array", _OTHER_PICTURE),
    (b"\x7fELF", "a program", "remove it"),
    (b"MZ", "a program", "remove it"),
    (b"data:image/", "a data URI (text)", "decode its base64"),
    (b"/9j/", "a JPEG in base64 (text)", "decode its base64"),
    (b"iVBORw0KGgo", "a PNG in base64 (text)", "decode its base64"),
    (b"MIME-Version:", "an e-mail", "save its attachment"),
)
# Text that may have blanks and a byte order mark in front, in lower case.
_TEXT_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"<!doctype html", "an HTML page", _AGAIN),
    (b"<html", "an HTML page", _AGAIN),
    (b"<head", "an HTML page", _AGAIN),
    (b"<svg", "an SVG drawing", "export it as PNG"),
    (b"<?xml", "an XML text", _AGAIN),
    (b"<error", "an XML text", _AGAIN),
    (b"{", "a JSON text", _AGAIN),
    (b"[{", "a JSON text", _AGAIN),
    (b"http/1.", "a server's answer with its headers", _AGAIN),
)


def picture_format(head: bytes) -> str:
    """The format of a picture that edgekit can read, by the first HEAD_BYTES of its file.

    Returns:
        JPEG, PNG, WEBP, BMP, TIFF, GIF, HEIC or AVIF; nothing for all else, cameras' raw files included.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head.startswith(_TIFF_STARTS):
        return "" if _is_raw(head) else "TIFF"
    return _format_of_brands(_brands(head))


def what_instead(content: bytes) -> tuple[str, str]:
    """What a file is that ``picture_format`` knows no format of, in words, and what to do about it."""
    head = content[:HEAD_BYTES]
    if not content:
        return "an empty file", _AGAIN
    if not head.strip(b"\0"):
        is_blank = not content.strip(b"\0")
        return ("nothing but zeros" if is_blank else "zeros at its beginning"), "it was copied in part: copy it again"
    if head.startswith(_TIFF_STARTS):
        return _RAW
    for start, what, remedy in _STARTS:
        if head.startswith(start):
            return what, remedy
    if brands := _brands(head):
        return _RAW if b"crx " in brands else ("an MP4 or QuickTime video", "give it to edgekit data import")
    if head.startswith(b"RIFF"):
        return f"a {head[8:12].decode('ascii', 'replace').strip()!r} file of RIFF's kind", "remove it"
    if head[128:132] == b"DICM":
        return "a DICOM file", _OTHER_PICTURE
    return _describe_text(head)


def _describe_text(head: bytes) -> tuple[str, str]:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    # A character may be cut in two where the head ends.
    text = head.decode(encoding, "replace").rstrip("\ufffd").lstrip()
    start = text[:64].lower().encode()
    for known, what, remedy in _TEXT_STARTS:
        if start.startswith(known):
            is_drawing = known == b"<?xml" and "<svg" in text.lower()
            return ("an SVG drawing", "export it as PNG") if is_drawing else (what, remedy)
    if text and all(one.isprintable() or one.isspace() for one in text):
        return f"text that begins with {text[:24]!r}", "remove it, or put the photo in its place"
    return f"an unknown format that begins with {head[:8]!r}", _OTHER_PICTURE


def _brands(head: bytes) -> tuple[bytes, ...]:
    """The major and then the compatible brands of a file of ISO's base media format; none for any other."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(len(head), max(16, int.from_bytes(head[:4], "big")))
    return (head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4)))


def _format_of_brands(brands: tuple[bytes, ...]) -> str:
    # The first brand is what the file is best taken for: videos name pictures' brands behind it.
    for brand in brands if set(brands[:1]) & _PICTURE_BRANDS else brands[:1]:
        if brand in _AVIF_BRANDS:
            return "AVIF"
        if brand in _HEIC_BRANDS:
            return "HEIC"
    return "HEIC" if set(brands[:1]) & _PICTURE_BRANDS else ""


def _is_raw(head: bytes) -> bool:
    """Whether a TIFF is a camera's raw file, whose first picture is a small preview of what was shot."""
    if head[8:10] == b"CR":
        return True
    found = {entry.tag: entry.value for entry in first_directory(head)}
    photometric = found.get(_PHOTOMETRIC, 0)
    is_preview = bool(found.get(_SUBFILE, 0) & 1) and _INNER_DIRECTORIES in found
    return _DNG_VERSION in found or photometric in (_COLOUR_FILTERS, _LINEAR_RAW) or is_preview


class TiffEntry(NamedTuple):
    """One entry of a TIFF's directory: its tag, how many values it has, and the first of them.

    That is 0 where it lies beyond what was read.
    """

    tag: int
    number: int
    value: int


def first_directory(content: bytes) -> Iterator[TiffEntry]:
    """Entries of a TIFF's first directory whose values are whole numbers.

    A directory that lies beyond ``content`` gives nothing, or those of its entries that lie in it.
    """
    order: Literal["little", "big"] = "little" if content.startswith(b"II") else "big"
    # BigTIFF has numbers of 64 bits where TIFF 6.0 has 32.
    wide = 8 if b"+" in content[:4] else 4

    def number(at: int, width: int) -> int:
        if at + width > len(content):
            raise IndexError("the directory breaks off")
        return int.from_bytes(content[at : at + width], order)

    try:
        start = number(wide, wide)
        first = start + (8 if wide == 8 else 2)
        size = 4 + 2 * wide
        for at in range(first, first + size * number(start, first - start), size):
            width = _TIFF_WIDTHS.get(number(at + 2, 2), 0)
            count = number(at + 4, wide)
            place = at + 4 + wide
            if width and count * width > wide:
                # Where its values lie, which may be anywhere.
                place = number(place, wide)
            if width:
                value = number(place, width) if place + width <= len(content) else 0
                yield TiffEntry(number(at, 2), count, value)
    except IndexError:
        return
