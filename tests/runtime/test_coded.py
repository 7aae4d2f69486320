"""What decoding may cost, bounded by headers before it begins; test_decoding.py measures what it does cost."""

from __future__ import annotations

import io
import struct
import time
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import PhotoError
from edgekit.runtime import limits
from edgekit.runtime.coded import outline_jpeg, png_is_whole
from edgekit.runtime.limits import MAX_BLOCKS, MAX_PIXELS
from edgekit.runtime.photo import decode, read_photo
from edgekit.runtime.readers import size_of

FULL = (10320, 7740)  # nearly MAX_PIXELS


def encoded(kind, size_wh, *, mode="RGB", **options):
    """A picture of one colour, which is small and quickly coded however large it is."""
    written = io.BytesIO()
    Image.new(mode, size_wh).save(written, kind, **options)
    return written.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize(
    "size_wh", [pytest.param((12000, 9000), id="108-megapixels"), pytest.param((16320, 12240), id="200-megapixels")]
)
class TestLargePhones:
    """Pillow warns from 89 million pixels on, and refuses from 179 million on."""

    def test_a_jpeg_is_read_where_a_working_size_allows_it(self, size_wh):
        exif = turned()
        content = encoded("JPEG", size_wh, exif=exif)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            photo = read_photo(content, 720)
        assert photo.size_wh == size_wh[::-1]
        assert photo.picture.size == (size_wh[1] // photo.shrink, size_wh[0] // photo.shrink)

    def test_whole_it_is_refused_by_our_own_limit(self, tmp_path, size_wh):
        content = encoded("JPEG", size_wh)
        with pytest.raises(PhotoError, match=rf"1 to {MAX_PIXELS} pixels, got {size_wh[0]}x\d+; save it smaller$"):
            decode(content)
        (tmp_path / "a.jpg").write_bytes(content)
        assert size_of(tmp_path / "a.jpg") == size_wh

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            pytest.param("PNG", {"compress_level": 1, "mode": "L"}, id="png"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "mode": "L"}, id="tiff"),
        ],
    )
    def test_other_formats_are_refused_by_our_own_limit(self, kind, options, size_wh):
        with pytest.raises(PhotoError, match=f"got {size_wh[0]}x{size_wh[1]}; save it smaller, or as JPEG, "):
            read_photo(encoded(kind, size_wh, **options), 720)


class TestWork:
    @staticmethod
    def repeated(size_wh, scans):
        """A progressive JPEG whose last scan stands there more often."""
        whole = encoded("JPEG", size_wh, progressive=True)
        last = whole.rindex(b"\xff\xda")
        return whole[:last] + whole[last:-2] * (scans - whole.count(b"\xff\xda") + 1) + whole[-2:]

    def test_scans_times_pixels_are_bounded(self):
        content = self.repeated(FULL, 50)
        assert outline_jpeg(self.repeated((640, 480), 50), "a").scans == 50
        began = time.monotonic()
        with pytest.raises(PhotoError, match=r"at most 2000000000 pixels in all, got 50 scans of 10320x7740; save it"):
            read_photo(content, 720)
        assert time.monotonic() - began < 1

    def test_ordinary_progressive_photos_are_read_at_every_size(self):
        content = encoded("JPEG", FULL, progressive=True)
        assert outline_jpeg(content, "a").scans == 10
        assert read_photo(content, 720).size_wh == FULL

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            pytest.param({}, 0, id="baseline-holds-rows-alone"),
            pytest.param({"progressive": True}, 3, id="two-colours-in-four-are-left-out"),
            pytest.param({"progressive": True, "subsampling": "4:2:2"}, 4, id="two-colours-in-two"),
            pytest.param({"progressive": True, "subsampling": "4:4:4"}, 6, id="all-colours"),
            pytest.param({"progressive": True, "mode": "L"}, 2, id="grey"),
            pytest.param({"mode": "L"}, 0, id="baseline-grey"),
        ],
    )
    def test_bytes_of_coefficients(self, options, expected):
        outline = outline_jpeg(encoded("JPEG", (640, 480), **options), "a")
        assert outline.size_wh == (640, 480)
        assert outline.coefficient_bytes == expected * 640 * 480

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            pytest.param("WEBP", {"lossless": True, "method": 0}, id="webp"),
            pytest.param("JPEG", {"progressive": True, "subsampling": 0}, id="progressive-jpeg"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "tiffinfo": {278: 2000}}, id="tiff-of-one-strip"),
        ],
    )
    def test_what_takes_more_memory_is_refused(self, monkeypatch, kind, options):
        monkeypatch.setattr(limits, "MAX_DECODED_BYTES", 35_000_000)
        with pytest.raises(
            PhotoError, match=r"at most 35000000 bytes to decode, got 3000x2000 that take \d+ as they are c"
        ):
            read_photo(encoded(kind, (3000, 2000), **options), 720)
        assert read_photo(encoded("JPEG", (3000, 2000)), 720).size_wh == (3000, 2000)

    def test_400_megapixels_of_one_scan_take_moments(self):
        began = time.monotonic()
        assert read_photo(encoded("JPEG", (20000, 20000), mode="L"), 720).shrink == 16
        assert time.monotonic() - began < 30


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def riff(chunks):
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encoded("PNG", (8, 8))[:33] + chunk(b"teXt", b"") * (MAX_BLOCKS + 1), id="png"),
        pytest.param(riff(b"junk\0\0\0\0" * (MAX_BLOCKS + 1)), id="webp"),
        pytest.param(b"GIF89a\x08\0\x08\0\0\0\0!\xfe" + b"\x01x" * (MAX_BLOCKS + 1) + b"\0;", id="gif"),
        pytest.param(
            b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 273, 4, MAX_BLOCKS + 1, 22) + bytes(4 * MAX_BLOCKS),
            id="tiff",
        ),
    ],
)
def test_files_of_nothing_but_pieces_are_refused(content):
    began = time.monotonic()
    with pytest.raises(PhotoError, match=f"at most {MAX_BLOCKS} chunks, strips or tiles, got more; save it anew"):
        decode(content)
    assert time.monotonic() - began < 2


def test_a_gifs_frame_may_not_be_larger_than_a_photo():
    """Pillow makes the picture as large as its first frame, whatever the screen is."""
    frame = b"," + struct.pack("<4HB", 0, 0, 60000, 60000, 0)
    with pytest.raises(PhotoError, match=f"1 to {MAX_PIXELS} pixels, got 60000x60000"):
        decode(b"GIF89a\x08\0\x08\0\0\0\0" + frame + b"\x02\x02\x44\x01\0;")


def test_a_webps_canvas_may_not_be_larger_than_a_photo():
    """Its reader has a limit and words of its own."""
    size = (2**24 - 1).to_bytes(3, "little")
    content = riff(b"VP8X" + struct.pack("<I", 10) + bytes(4) + size + size)
    with pytest.raises(PhotoError, match=f"1 to {MAX_PIXELS} pixels, got 16777216x16777216; save it smaller$"):
        decode(content)


def test_one_scan_is_no_scans():
    content = bytearray(encoded("JPEG", (8, 8), mode="L"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 60000, 60000)
    with pytest.raises(PhotoError, match="got 1 scan of 60000x60000"):
        outline_jpeg(bytes(content), "a")


def tiff(levels, bits, *, photometric=1, form=1):
    """An uncompressed grey TIFF of one row, as its first directory says."""
    entries = [(256, 4, levels), (257, 4, 1), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 122)]
    entries += [(277, 3, 1), (279, 4, levels * bits // 8), (339, 3, form)]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(4) + b"\xff" * (levels * bits // 8)


class TestDepthsOfTiff:
    @pytest.mark.parametrize(
        ("depth", "got"),
        [
            pytest.param({"bits": 12}, "12 bits", id="12-bits"),
            pytest.param({"bits": 32}, "32 bits", id="32-bits"),
            pytest.param({"bits": 32, "form": 2}, "32 signed bits", id="32-bits-signed"),
            pytest.param({"bits": 16, "form": 2}, "16 signed bits", id="16-bits-signed"),
            pytest.param({"bits": 64, "form": 3}, "64 floating-point bits", id="64-bits-floating"),
            pytest.param({"bits": 16, "photometric": 0}, "16 bits, in which 0 is white", id="white-is-0"),
        ],
    )
    def test_what_pillow_takes_for_another_level_is_refused(self, depth, got):
        with pytest.raises(PhotoError, match=f"1, 2, 4, 8 or 16 unsigned bits a sample, got {got}; save it with 8"):
            decode(tiff(16, **depth))

    @pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
    def test_white_is_white_in_all_others(self, bits):
        assert np.asarray(decode(tiff(16, bits))).min() == 255

    @pytest.mark.parametrize("bits", [1, 2, 4, 8])
    def test_also_where_0_is_white(self, bits):
        assert np.asarray(decode(tiff(16, bits, photometric=0))).max() == 0


def png(size_wh, rows, *, bits=8, colours=2, interlaced=False, level=100):
    """A PNG whose data end in good order after so many rows of so many bytes."""
    header = struct.pack(">IIBBBBB", *size_wh, bits, colours, 0, 0, interlaced)
    data = zlib.compress(b"".join(b"\0" + bytes([level]) * length for length in rows))
    half = len(data) // 2
    parts = chunk(b"IDAT", data[:half]) + chunk(b"IDAT", data[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + parts + chunk(b"IEND", b"")


# Bytes of the rows of 8x8 and 5x5 pixels of three bytes each, pass by pass (PNG, 8.2).
ADAM7_8X8 = [3, 3, 6, *[6] * 2, *[12] * 2, *[12] * 4, *[24] * 4]
ADAM7_5X5 = [3, 3, 6, *[3] * 2, *[9] * 1, *[6] * 3, *[15] * 2]


class TestRowsOfPng:
    @pytest.mark.parametrize(
        "shape",
        [
            pytest.param({"size_wh": (16, 8), "rows": [48] * 8}, id="rgb"),
            pytest.param({"size_wh": (16, 7), "rows": [2] * 7, "bits": 1, "colours": 0}, id="one-bit"),
            pytest.param({"size_wh": (5, 9), "rows": [40] * 9, "bits": 16, "colours": 6}, id="rgba-of-16-bits"),
            pytest.param({"size_wh": (8, 8), "rows": ADAM7_8X8, "interlaced": True}, id="interlaced"),
            pytest.param({"size_wh": (5, 5), "rows": ADAM7_5X5, "interlaced": True}, id="interlaced-odd"),
        ],
    )
    def test_data_that_end_too_early_are_told(self, shape):
        for level in (0, 100):
            whole = png(**shape, level=level)
            assert decode(whole).size == shape["size_wh"]
            assert png_is_whole(whole)
            for rows in (shape["rows"][:-1], shape["rows"][: len(shape["rows"]) // 2]):
                with pytest.raises(PhotoError, match="not a whole PNG picture: its data end before its last row; copy"):
                    decode(png(**(shape | {"rows": rows}), level=level))

    def test_a_black_picture_is_whole(self):
        assert np.asarray(decode(encoded("PNG", (640, 480)))).max() == 0
