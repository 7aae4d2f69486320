"""What files are by their first bytes: pictures, what is often taken for them, and text."""

import io
import struct

import pytest
from PIL import Image

from edgekit.runtime.kinds import HEAD_BYTES, picture_format, what_instead


def encoded(kind, **options):
    written = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(written, kind, **options)
    return written.getvalue()


def ftyp(*brands):
    body = brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + bytes(20)


def tiff(*entries, order="<", after=b""):
    """The beginning of a TIFF: (tag, type, number, value) each."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(after)) + after
    packed = b"".join(
        struct.pack(f"{order}HHI", *one[:3]) + struct.pack(f"{order}{'H2x' if one[1] == 3 else 'I'}", one[3])
        for one in entries
    )
    return start + struct.pack(f"{order}H", len(entries)) + packed + bytes(4)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        *(pytest.param(encoded(kind), kind, id=kind.lower()) for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")),
        pytest.param(encoded("TIFF", big_tiff=True), "TIFF", id="bigtiff"),
        pytest.param(encoded("MPO", save_all=True, append_images=[Image.new("RGB", (16, 12))]), "JPEG", id="mpo"),
        pytest.param(ftyp(b"heic", b"mif1", b"heic"), "HEIC", id="iphone"),
        pytest.param(ftyp(b"mif1", b"mif1", b"heic"), "HEIC", id="heif-that-holds-heic"),
        pytest.param(ftyp(b"mif1", b"miaf"), "HEIC", id="heif-of-an-unnamed-codec"),
        pytest.param(ftyp(b"hevc", b"msf1", b"iso8"), "HEIC", id="heic-sequence"),
        pytest.param(ftyp(b"avif", b"mif1", b"miaf"), "AVIF", id="avif"),
        pytest.param(ftyp(b"mif1", b"avif", b"miaf"), "AVIF", id="heif-that-holds-avif"),
        pytest.param(ftyp(b"qt  ", b"qt  "), "", id="quicktime"),
        pytest.param(ftyp(b"isom", b"iso2", b"mif1", b"heic"), "", id="video-that-names-heic-behind"),
        pytest.param(ftyp(b"crx ", b"crx ", b"isom"), "", id="cr3"),
        pytest.param(tiff((254, 4, 1, 0), (262, 3, 1, 2)), "TIFF", id="tiff-with-a-subfile-type"),
        pytest.param(tiff((254, 4, 1, 1), (262, 3, 1, 2), (330, 4, 2, 200)), "", id="raw-behind-a-preview"),
        pytest.param(tiff((254, 4, 1, 1), (330, 4, 2, 9), order=">"), "", id="raw-behind-a-preview-big-endian"),
        pytest.param(tiff((262, 3, 1, 32803)), "", id="raw-of-colour-filters"),
        pytest.param(tiff((262, 3, 1, 2), (50706, 1, 4, 0x401)), "", id="dng"),
        pytest.param(b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), "", id="cr2"),
        pytest.param(b"BMW, Audi, Opel: notes on cars", "", id="text-that-begins-as-bmp"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\xff\xd8", "", id="two-bytes"),
    ],
)
def test_picture_format(content, expected):
    assert picture_format(content[:HEAD_BYTES]) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(bytes(9000), "nothing but zeros", id="zeros"),
        pytest.param(bytes(9000) + b"x", "zeros at its beginning", id="zeros-first"),
        pytest.param(b"<!DOCTYPE html><html><body>404", "an HTML page", id="html"),
        pytest.param(b"\xef\xbb\xbf\r\n  <HTML>", "an HTML page", id="html-behind-a-mark-and-blanks"),
        pytest.param("\ufeff<html>".encode("utf-16-le"), "an HTML page", id="html-in-utf-16"),
        pytest.param(b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML text", id="xml"),
        pytest.param(b"<?xml version='1.0'?>\n<svg xmlns=''/>", "an SVG drawing", id="svg-behind-xml"),
        pytest.param(b"<svg/>", "an SVG drawing", id="svg"),
        pytest.param(b'{"error": "no such key"}', "a JSON text", id="json"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a Git LFS pointer", id="lfs"),
        pytest.param(b"/annex/objects/SHA256E-s1--0.jpg\n", "a git-annex pointer", id="annex"),
        pytest.param(b"PK\x03\x04\x14\0", "a zip archive", id="zip"),
        pytest.param(b"\x1f\x8b\x08", "a gzip file", id="gzip"),
        pytest.param(b"%PDF-1.7", "a PDF document", id="pdf"),
        pytest.param(ftyp(b"isom", b"mp42"), "an MP4 or QuickTime video", id="mp4"),
        pytest.param(ftyp(b"crx ", b"isom"), "a camera's raw file", id="cr3"),
        pytest.param(b"II*\0\x10\0\0\0CR\x02\0", "a camera's raw file", id="cr2"),
        pytest.param(b"FUJIFILMCCD-RAW 0201", "a camera's raw file", id="raf"),
        pytest.param(b"\x1aE\xdf\xa3\x9f", "a Matroska or WebM video", id="mkv"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", "a 'AVI' file of RIFF's kind", id="avi"),
        pytest.param(b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", id="jpeg-xl"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", id="jpeg-2000"),
        pytest.param(b"\1" * 128 + b"DICM", "a DICOM file", id="dicom"),
        pytest.param(b"\0\x05\x16\x07\0\2\0\0", "what macOS keeps beside a file (AppleDouble)", id="appledouble"),
        pytest.param(b"bplist00\xd1", "a property list of Apple's", id="icloud"),
        pytest.param(b"image_id,label\n1,cat\n", "text that begins with 'image_id,label\\n1,cat\\n'", id="csv"),
        pytest.param("größe".encode(), "text that begins with 'größe'", id="text"),
        pytest.param(b"\x01\x80\xfe", "an unknown format that begins with b'\\x01\\x80\\xfe'", id="unknown"),
    ],
)
def test_what_instead(content, expected):
    what, remedy = what_instead(content)
    assert what == expected
    assert remedy


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("place", range(4, 8))
def test_a_tiffs_directory_may_lie_anywhere_or_nowhere(order, place):
    content = bytearray(tiff((262, 3, 1, 2), order=order))
    content[place] = 0xFF
    assert picture_format(bytes(content)) == "TIFF"
