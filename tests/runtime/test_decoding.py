"""What decoding a photo takes, measured in a process of its own: what ``coded`` and ``limits`` count with."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image

from edgekit.runtime.limits import MAX_DECODED_BYTES

FULL = (10320, 7740)  # nearly MAX_PIXELS


def encoded(kind, size_wh, *, mode="RGB", **options):
    """A picture of one colour, which is small and quickly coded however large it is."""
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs the heic extra").register_heif_opener()
    written = io.BytesIO()
    Image.new(mode, size_wh).save(written, kind, **options)
    return written.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


MEASURE = """
import sys, warnings
from edgekit.runtime.photo import read_photo
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
# What is loaded when the first photo of a format is read is not the photo's.
read_photo(open(sys.argv[1], "rb").read())
content = open(sys.argv[2], "rb").read()
before = peak()
warnings.simplefilter("error")
read_photo(content, int(sys.argv[3]))
reduced = peak() - before
read_photo(content)
print(reduced, peak() - before)
"""


@pytest.fixture
def peak_bytes(tmp_path):
    """``peak_bytes("PNG", size_wh, **options)``: what reading such a photo takes beside its file, reduced and whole."""

    def measure(kind, size_wh, **options):
        for name, size in (("small", (64, 64)), ("large", size_wh)):
            (tmp_path / name).write_bytes(encoded(kind, size, **options))
        words = [sys.executable, "-c", MEASURE, tmp_path / "small", tmp_path / "large", str(min(size_wh) // 8)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [int(word) for word in done.stdout.split()]

    return measure


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
class TestMemory:
    """Bytes a pixel of the whole photo: read whole, and reduced to a working size."""

    @pytest.mark.parametrize(
        ("kind", "options", "whole", "reduced"),
        [
            pytest.param("JPEG", {}, 4, 0.2, id="jpeg"),
            pytest.param("JPEG", {"exif": turned()}, 8, 0.2, id="turned-jpeg"),
            pytest.param("JPEG", {"mode": "CMYK"}, 8, 0.3, id="cmyk-jpeg"),
            pytest.param("JPEG", {"progressive": True}, 7, 3.1, id="progressive-jpeg"),
            pytest.param("JPEG", {"progressive": True, "subsampling": 0}, 10, 6.1, id="progressive-444-jpeg"),
            pytest.param("PNG", {}, 4, 4, id="png"),
            pytest.param("PNG", {"exif": turned()}, 8, 4, id="turned-png"),
            pytest.param("PNG", {"mode": "RGBA"}, 8, 4, id="png-with-transparency"),
            pytest.param("PNG", {"mode": "I;16"}, 6, 2, id="png-of-16-bits"),
            pytest.param("PNG", {"mode": "P"}, 5, 1, id="png-with-a-palette"),
            pytest.param("TIFF", {"compression": "tiff_adobe_deflate"}, 4, 4, id="tiff"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "exif": turned()}, 8, 8, id="turned-tiff"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "mode": "RGBA"}, 8, 4, id="tiff-with-transparency"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "mode": "CMYK"}, 8, 4, id="cmyk-tiff"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "mode": "I;16"}, 6, 2, id="tiff-of-16-bits"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "tiffinfo": {278: 4000}}, 7, 7, id="tiff-of-one-strip"),
            pytest.param("TIFF", {"compression": "jpeg"}, 4, 4, id="tiff-of-jpeg"),
            pytest.param("GIF", {"mode": "P"}, 6, 2, id="gif"),
            pytest.param("BMP", {}, 4, 4, id="bmp"),
            pytest.param("WEBP", {"lossless": True, "method": 0}, 16, 16, id="webp"),
            pytest.param("WEBP", {"lossless": True, "method": 0, "mode": "RGBA"}, 16, 16, id="webp-with-transparency"),
            pytest.param("AVIF", {"speed": 10}, 12, 12, id="avif"),
            pytest.param("AVIF", {"speed": 10, "subsampling": "4:4:4"}, 12, 12, id="avif-of-all-colours"),
            pytest.param("HEIF", {"quality": 10}, 12, 12, id="heic"),
        ],
    )
    def test_bytes_a_pixel(self, peak_bytes, kind, options, whole, reduced):
        size_wh = (3000, 2000) if kind in ("AVIF", "HEIF") else (5000, 4000)
        pixels = size_wh[0] * size_wh[1]
        peaks = peak_bytes(kind, size_wh, **options)
        # Threads and allocators take some of their own.
        for peak, limit in zip(peaks, (reduced, whole), strict=True):
            assert peak <= pixels * limit + 20_000_000

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            pytest.param("TIFF", {"compression": "tiff_lzw", "mode": "CMYK", "exif": turned()}, id="turned-cmyk-tiff"),
            pytest.param("TIFF", {"compression": "tiff_lzw", "tiffinfo": {278: FULL[1]}}, id="tiff-of-one-strip"),
            pytest.param("PNG", {"mode": "RGBA", "exif": turned(), "compress_level": 1}, id="turned-png"),
            pytest.param("JPEG", {"progressive": True, "exif": turned()}, id="turned-progressive-jpeg"),
        ],
    )
    def test_the_largest_photos_stay_below_the_limit(self, peak_bytes, kind, options):
        assert max(peak_bytes(kind, FULL, **options)) <= MAX_DECODED_BYTES
