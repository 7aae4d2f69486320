"""Untrusted files to upright RGB: every mode by the rule that photo.py states, every damage as a PhotoError."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import PhotoError
from edgekit.runtime import limits, photo
from edgekit.runtime.frames import YuvFrame
from edgekit.runtime.limits import MAX_FILE_BYTES, MAX_PIXELS
from edgekit.runtime.photo import _TURNS, as_photo, decode, read_photo, to_rgb

ORIENTATION = 0x0112


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(mode: str = "RGB", size_wh: tuple[int, int] = (13, 9), seed: int = 0) -> Image.Image:
    width, height = size_wh
    bands = Image.getmodebands(mode)
    shape = (height, width) if bands == 1 else (height, width, bands)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(pixels, None) if mode in ("L", "RGB") else Image.frombytes(mode, size_wh, pixels.tobytes())


def pixels_of(source: Path | bytes) -> np.ndarray:
    image = decode(source)
    assert image.mode == "RGB"
    return np.asarray(image)


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The share ``alpha`` / 255 of the colour, the rest white."""
    share = alpha[..., np.newaxis] / 255
    return colour * share + 255 * (1 - share)


def grey(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels[..., np.newaxis], 3, axis=-1)


def png(size_wh: tuple[int, int], *, depth: int, colour: int, rows: bytes, transparent: bytes = b"") -> bytes:
    """A PNG by its bytes, which Pillow would not write: its header may lie about the pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size_wh, depth, colour, 0, 0, 0))
    key = chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + header + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_without_pixels(width: int, height: int) -> bytes:
    return png((width, height), depth=8, colour=2, rows=bytes(64))


class TestModes:
    @pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
    def test_lossless_formats_keep_their_pixels(self, kind):
        image = noise(size_wh=(5, 4))
        options = {"lossless": True} if kind == "WEBP" else {}
        np.testing.assert_array_equal(pixels_of(encode(image, kind, **options)), np.asarray(image))

    def test_jpeg(self):
        image = Image.new("RGB", (40, 30), (200, 100, 50))
        assert np.abs(pixels_of(encode(image, "JPEG", quality=95)).astype(int) - (200, 100, 50)).max() <= 2

    def test_black_and_white(self):
        image = noise("L").point(lambda level: 255 * (level > 100), "1")
        np.testing.assert_array_equal(pixels_of(encode(image)), grey(np.asarray(image) * np.uint8(255)))

    def test_grey(self):
        np.testing.assert_array_equal(pixels_of(encode(noise("L"))), grey(np.asarray(noise("L"))))

    def test_palette(self):
        image = noise(size_wh=(8, 8)).quantize(16)
        np.testing.assert_array_equal(pixels_of(encode(image)), np.asarray(image.convert("RGB")))

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_transparency_is_laid_over_white(self, mode, kind):
        image = noise(mode)
        channels = np.asarray(image).astype(float)
        colour = channels[..., :3] if mode == "RGBA" else grey(channels[..., 0])
        expected = over_white(colour, channels[..., -1])
        assert np.abs(pixels_of(encode(image, kind)) - expected).max() <= 1

    def test_transparent_pixels_are_white_whatever_their_colour(self):
        image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
        image.putpixel((1, 2), (0, 0, 255, 255))
        pixels = pixels_of(encode(image))
        assert pixels[2, 1].tolist() == [0, 0, 255]
        assert (pixels.reshape(-1, 3) == 255).all(axis=1).sum() == 15

    @pytest.mark.parametrize(
        "image",
        [
            pytest.param(Image.fromarray(np.array([[7, 8]], np.uint8)), id="grey"),
            pytest.param(Image.fromarray(np.array([[[7, 7, 7], [8, 8, 8]]], np.uint8)), id="rgb"),
        ],
    )
    def test_one_colour_may_stand_for_transparent(self, image):
        key = 7 if image.mode == "L" else (7, 7, 7)
        assert pixels_of(encode(image, transparency=key)).tolist() == [[[255] * 3, [8] * 3]]

    def test_16_bit_grey_may_have_a_transparent_level(self):
        content = png((2, 1), depth=16, colour=0, rows=b"\0\x07\x00\x07\x01", transparent=b"\x07\x00")
        assert pixels_of(content).tolist() == [[[255] * 3, [7] * 3]]

    @pytest.mark.parametrize(
        ("kind", "transparency"),
        [
            pytest.param("PNG", 1, id="png-one-entry"),
            pytest.param("PNG", b"\xff\x00", id="png-a-table"),
            pytest.param("GIF", 1, id="gif"),
        ],
    )
    def test_a_palette_may_have_transparent_entries(self, kind, transparency):
        image = Image.frombytes("P", (2, 1), b"\x00\x01")
        image.putpalette([10, 20, 30, 40, 50, 60])
        assert pixels_of(encode(image, kind, transparency=transparency)).tolist() == [[[10, 20, 30], [255, 255, 255]]]

    def test_palette_with_alpha(self):
        image = Image.frombytes("PA", (2, 1), b"\x00\xff\x01\x00")
        image.putpalette([10, 20, 30, 40, 50, 60])
        assert np.asarray(to_rgb(image)).tolist() == [[[10, 20, 30], [255, 255, 255]]]

    def test_premultiplied_alpha(self):
        image = Image.new("RGBA", (1, 1), (200, 100, 50, 51)).convert("RGBa")
        assert np.abs(np.asarray(to_rgb(image)).astype(int) - [[[244, 224, 214]]]).max() <= 3

    def test_cmyk(self):
        cmyk = np.asarray(noise("CMYK")).astype(int)
        expected = (255 - cmyk[..., :3]) * (255 - cmyk[..., 3:]) / 255
        assert np.abs(pixels_of(encode(noise("CMYK"), "TIFF")) - expected).max() <= 1

    def test_cmyk_jpeg_is_not_inverted(self):
        """Adobe's JPEGs store ink inverted; cyan without black must come out as cyan."""
        content = encode(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG", quality=95)
        assert np.abs(pixels_of(content).astype(int) - (0, 255, 255)).max() <= 3

    def test_ycbcr(self):
        """ITU-T T.871: full range, Cb and Cr around 128."""
        y, cb, cr = np.asarray(noise("YCbCr")).astype(float).transpose(2, 0, 1)
        red, green, blue = (
            y + 1.402 * (cr - 128),
            y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
            y + 1.772 * (cb - 128),
        )
        expected = np.clip(np.stack([red, green, blue], axis=-1), 0, 255)
        assert np.abs(np.asarray(to_rgb(noise("YCbCr"))) - expected).max() <= 1

    @pytest.mark.parametrize(
        ("lab", "rgb"),
        [
            # Pillow keeps L* as 0 to 255, and a* and b* with 128 added.
            pytest.param((255, 128, 128), (255, 255, 255), id="white"),
            pytest.param((0, 128, 128), (0, 0, 0), id="black"),
            pytest.param((136, 208, 195), (255, 0, 0), id="red-is-53-80-67"),
        ],
    )
    def test_lab_tiff(self, lab, rgb):
        content = encode(Image.new("LAB", (4, 4), lab), "TIFF")
        assert np.abs(pixels_of(content).astype(int) - rgb).max() <= 12

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_16_bit_grey_keeps_its_upper_eight_bits(self, kind):
        levels = np.array([[0, 255, 256, 0x7FFF, 0x8000, 0xFFFF]], np.uint16)
        expected = grey((levels >> 8).astype(np.uint8))
        np.testing.assert_array_equal(pixels_of(encode(Image.fromarray(levels), kind)), expected)

    def test_big_endian_16_bit_grey(self):
        levels = np.array([[0x0102, 0xFE01]], ">u2")
        image = Image.frombytes("I;16B", (2, 1), levels.tobytes())
        assert np.asarray(to_rgb(image))[0, :, 0].tolist() == [0x01, 0xFE]

    def test_32_bit_grey_of_a_caller_is_held_in_16_bits(self):
        levels = np.array([[-5, 0, 0x1234, 0xFFFF, 0x10000, 2**31 - 1]], np.int32)
        pixels = np.asarray(to_rgb(Image.fromarray(levels)))
        assert pixels[0, :, 0].tolist() == [0, 0, 0x12, 0xFF, 0xFF, 0xFF]

    def test_floating_point_has_no_agreed_range(self, tmp_path):
        path = tmp_path / "depth.tif"
        Image.new("F", (4, 4), 0.5).save(path)
        with pytest.raises(
            PhotoError,
            match=r"depth\.tif: a TIFF must have .* unsigned bits .*, got 32 floating-point bits; save it with 8 bits",
        ):
            decode(path)
        with pytest.raises(PhotoError, match="floating point"):
            as_photo(Image.new("F", (4, 4)))

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            pytest.param("GIF", {}, id="gif"),
            pytest.param("PNG", {}, id="apng"),
            pytest.param("WEBP", {"lossless": True}, id="webp"),
            pytest.param("TIFF", {}, id="tiff-of-two-pages"),
        ],
    )
    def test_of_an_animation_the_first_frame_counts(self, kind, options):
        first, second = noise(size_wh=(6, 5), seed=1), noise(size_wh=(6, 5), seed=2)
        content = encode(first, kind, save_all=True, append_images=[second], **options)
        np.testing.assert_array_equal(pixels_of(content), np.asarray(first))

    def test_of_a_phones_multi_picture_jpeg_the_first_counts(self):
        first, second = (Image.new("RGB", (32, 24), colour) for colour in ("red", "blue"))
        content = encode(first, "MPO", save_all=True, append_images=[second])
        assert np.abs(pixels_of(content).astype(int) - (255, 0, 0)).max() <= 3

    def test_progressive_and_optimised_jpegs_are_jpegs(self):
        image = noise(size_wh=(64, 48))
        plain = pixels_of(encode(image, "JPEG", quality=90))
        np.testing.assert_array_equal(pixels_of(encode(image, "JPEG", quality=90, progressive=True)), plain)


# Which corner of the upright picture the first stored pixel shows, and whether rows and columns change places.
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored.transpose(1, 0, 2)[:, ::-1],
    7: lambda stored: stored.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda stored: stored.transpose(1, 0, 2)[::-1],
}


class TestOrientation:
    @pytest.mark.parametrize("orientation", UPRIGHT)
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "MPO"])
    def test_every_orientation_in_every_format(self, kind, orientation):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        image = noise(size_wh=(6, 4))
        options = {"lossless": True} if kind == "WEBP" else {"save_all": True} if kind == "MPO" else {}
        stored = pixels_of(encode(image, kind, **options))
        turned = pixels_of(encode(image, kind, exif=exif, **options))
        np.testing.assert_array_equal(turned, UPRIGHT[orientation](stored))

    def test_transparency_turns_too(self):
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        image = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
        image.putpixel((0, 0), (0, 0, 0, 0))
        assert pixels_of(encode(image, exif=exif)).tolist() == [[[255] * 3], [[0] * 3]]

    @pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
    def test_an_orientation_that_does_not_exist_turns_nothing(self, orientation):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        assert decode(encode(noise(), exif=exif)).size == (13, 9)

    @pytest.mark.parametrize(
        ("kind", "count", "value"),
        [
            pytest.param(2, 2, b"6\0\0\0", id="text"),
            pytest.param(3, 0, b"\6\0\0\0", id="no-number"),
            pytest.param(99, 1, b"\6\0\0\0", id="unknown-type"),
        ],
    )
    def test_an_orientation_of_another_type_turns_nothing(self, kind, count, value):
        entry = struct.pack("<HHI", ORIENTATION, kind, count) + value
        block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
        assert decode(encode(noise(), "JPEG", exif=block)).size == (13, 9)

    # Pillow warns of some damage; a photo that can be read needs no more than that.
    @pytest.mark.filterwarnings("ignore:(Corrupt EXIF data|Truncated File Read|Tag data larger)")
    @pytest.mark.parametrize("place", range(24))
    def test_a_damaged_block_turns_nothing_or_what_it_says(self, place):
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        content = bytearray(encode(noise(size_wh=(16, 8)), "JPEG", exif=exif))
        start = content.index(b"Exif\0\0") + 6
        content[start + place] ^= 0xFF
        assert decode(bytes(content)).size in [(16, 8), (8, 16)]

    @pytest.mark.parametrize(
        "block", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"no exif at all", b"Exif\0\0" + b"\xff" * 60]
    )
    @pytest.mark.filterwarnings("ignore:(Corrupt EXIF data|Truncated File Read|Tag data larger)")
    def test_a_block_of_nonsense_turns_nothing(self, block):
        for kind in ("JPEG", "PNG", "WEBP"):
            assert decode(encode(noise(size_wh=(16, 8)), kind, exif=block)).size == (16, 8)

    def test_only_exif_is_believed(self):
        """Browsers and Android don't follow XMP's orientation, and all ports must agree."""
        xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
        assert decode(encode(noise(size_wh=(16, 8)), "JPEG", xmp=xmp)).size == (16, 8)


FORMATS = [
    pytest.param("JPEG", {}, id="jpeg"),
    pytest.param("JPEG", {"progressive": True}, id="progressive-jpeg"),
    pytest.param("PNG", {}, id="png"),
    pytest.param("WEBP", {"lossless": True}, id="lossless-webp"),
    pytest.param("WEBP", {}, id="webp"),
    pytest.param("BMP", {}, id="bmp"),
    pytest.param("TIFF", {}, id="tiff"),
    pytest.param("TIFF", {"compression": "tiff_lzw"}, id="lzw-tiff"),
    pytest.param("GIF", {}, id="gif"),
    pytest.param("MPO", {"save_all": True}, id="mpo"),
]


class TestDamage:
    @pytest.mark.parametrize(("kind", "options"), FORMATS)
    @pytest.mark.filterwarnings("ignore:(Corrupt EXIF data|Truncated File Read)")
    def test_a_file_cut_short_anywhere_is_a_photo_error(self, kind, options):
        image = noise(size_wh=(40, 30))
        content = encode(image, kind, **options)
        step = max(1, len(content) // 60)
        for end in [*range(1, 40), *range(40, int(len(content) * 0.95), step)]:
            with pytest.raises(PhotoError):
                decode(content[:end])

    @pytest.mark.parametrize(("kind", "options"), FORMATS)
    @pytest.mark.filterwarnings("ignore")
    def test_changed_bytes_give_a_photo_or_a_photo_error(self, kind, options):
        """Headers are where decoders trip; warnings about them are Pillow's to word."""
        content = encode(noise(size_wh=(20, 15)), kind, **options)
        rng = np.random.default_rng(11)
        decoded = 0
        for _ in range(80):
            damaged = bytearray(content)
            for place in rng.integers(0, min(len(content), 300), 3):
                damaged[place] = rng.integers(0, 256)
            try:
                assert decode(bytes(damaged)).mode == "RGB"
                decoded += 1
            except PhotoError:
                continue
        assert decoded < 80

    def test_no_content(self, tmp_path):
        file = tmp_path / "empty.jpg"
        file.write_bytes(b"")
        for source in (b"", file):
            with pytest.raises(PhotoError, match="must have content, got 0 bytes"):
                decode(source)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
    def test_one_pixel_is_a_photo(self, kind):
        assert decode(encode(Image.new("RGB", (1, 1), "white"), kind)).size == (1, 1)

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"not a picture", id="text"),
            pytest.param(b"<!doctype html><html><img src=x></html>", id="html"),
            pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>", id="svg"),
            pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\nshowpage\n%%EOF\n", id="eps"),
            pytest.param(b"%PDF-1.7\n%%EOF", id="pdf"),
            pytest.param(encode(Image.new("RGB", (16, 16)), "ICO"), id="ico"),
            pytest.param(encode(Image.new("RGB", (16, 16)), "PPM"), id="ppm"),
            pytest.param(encode(Image.new("RGB", (16, 16)), "TGA"), id="tga"),
            pytest.param(bytes(1000), id="zeros"),
        ],
    )
    def test_what_is_no_photo_is_refused(self, tmp_path, content):
        with pytest.raises(PhotoError, match=f"{len(content)} bytes: not a whole JPEG/PNG/WEBP/BMP/TIFF/GIF"):
            decode(content)
        # The name promises what the content isn't.
        (tmp_path / "photo.jpg").write_bytes(content)
        with pytest.raises(PhotoError, match=r"photo\.jpg: not a whole .* picture"):
            decode(tmp_path / "photo.jpg")

    def test_the_ending_of_the_name_says_nothing(self, tmp_path):
        (tmp_path / "photo.jpg").write_bytes(encode(noise()))
        assert decode(tmp_path / "photo.jpg").size == (13, 9)


class TestLimits:
    @pytest.mark.parametrize(
        "size_wh",
        [
            pytest.param((60000, 60000), id="bomb"),
            pytest.param((MAX_PIXELS + 1, 1), id="one-pixel-too-many"),
            pytest.param((9460, 9460), id="where-pillow-only-warns"),
            pytest.param((2**31 - 1, 2**31 - 1), id="the-largest-header"),
        ],
    )
    def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(self, size_wh):
        tracemalloc.start()
        try:
            with pytest.raises(PhotoError, match=f"{MAX_PIXELS} pixels"):
                decode(png_without_pixels(*size_wh))
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("side", [9460, 13400])
    def test_the_limit_is_ours_where_pillow_would_warn_or_fail(self, side):
        with pytest.raises(PhotoError, match=rf"1 to {MAX_PIXELS} pixels, got {side}x{side}; save it smaller, or as J"):
            decode(png_without_pixels(side, side))

    @pytest.mark.parametrize("size_wh", [(0, 5), (5, 0)])
    def test_no_pixels(self, size_wh):
        with pytest.raises(PhotoError):
            decode(png_without_pixels(*size_wh))

    def test_the_file_size_is_checked_before_reading(self, tmp_path):
        file = tmp_path / "large.jpg"
        with file.open("wb") as sparse:
            sparse.truncate(MAX_FILE_BYTES + 1)
        with pytest.raises(PhotoError, match=rf"large\.jpg: a photo must have at most {MAX_FILE_BYTES} bytes, got"):
            decode(file)

    def test_content_has_the_same_limit(self, monkeypatch):
        content = encode(noise())
        monkeypatch.setattr(photo, "MAX_FILE_BYTES", len(content))
        assert decode(content).size == (13, 9)
        monkeypatch.setattr(photo, "MAX_FILE_BYTES", len(content) - 1)
        with pytest.raises(PhotoError, match=f"at most {len(content) - 1} bytes, got {len(content)}"):
            decode(content)

    def test_pictures_and_arrays_have_the_same_limit(self, monkeypatch):
        monkeypatch.setattr(limits, "MAX_PIXELS", 13 * 9)
        image = noise()
        assert as_photo(image).picture is image
        for source in (noise(size_wh=(13, 10)), np.zeros((10, 13, 3), np.uint8), encode(noise(size_wh=(13, 10)))):
            with pytest.raises(PhotoError, match="a photo must have 1 to 117 pixels, got 13x10"):
                as_photo(source)


class TestPaths:
    def test_a_missing_file(self, tmp_path):
        with pytest.raises(PhotoError, match=r"none\.jpg: no such file"):
            decode(tmp_path / "none.jpg")

    def test_a_folder(self, tmp_path):
        with pytest.raises(PhotoError, match=r"can't be read: (Is a directory|Permission denied)"):
            decode(tmp_path)

    def test_a_file_among_the_folders(self, tmp_path):
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(PhotoError, match=r"can't be read: Not a directory|no such file"):
            decode(tmp_path / "file" / "photo.jpg")

    def test_a_path_with_a_nul(self, tmp_path):
        with pytest.raises(PhotoError, match=r"a path must be one the system knows"):
            decode(tmp_path / "a\0b.jpg")

    def test_a_name_beyond_the_system(self, tmp_path):
        with pytest.raises(PhotoError, match="can't be read"):
            decode(tmp_path / ("x" * 5000))

    def test_a_file_that_the_system_refuses(self, tmp_path, monkeypatch):
        """The superuser may read everything, so the refusal itself is made."""

        def refuse(*_):
            raise PermissionError(13, "Permission denied")

        (tmp_path / "photo.jpg").write_bytes(encode(noise()))
        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(PhotoError, match=r"photo\.jpg: can't be read: Permission denied"):
            decode(tmp_path / "photo.jpg")


def test_a_path_may_be_text(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(encode(noise()))
    np.testing.assert_array_equal(pixels_of(file), np.asarray(decode(str(file))))
    with pytest.raises(PhotoError, match="no such file"):
        decode(str(tmp_path / "b.png"))


class TestAsPhoto:
    @pytest.mark.parametrize(
        "wrap",
        [
            pytest.param(lambda content, _: content, id="bytes"),
            pytest.param(lambda content, _: bytearray(content), id="bytearray"),
            pytest.param(lambda content, _: memoryview(content), id="memoryview"),
            pytest.param(lambda _, file: file, id="path"),
            pytest.param(lambda _, file: str(file), id="text"),
            pytest.param(lambda _, file: Image.open(file), id="opened-image"),
            pytest.param(lambda content, _: decode(content), id="image"),
            pytest.param(lambda content, _: np.array(decode(content)), id="array"),
        ],
    )
    def test_every_kind_of_source_gives_the_same_pixels(self, tmp_path, wrap):
        content = encode(noise())
        (tmp_path / "photo.png").write_bytes(content)
        source = wrap(content, tmp_path / "photo.png")
        photo = as_photo(source)
        np.testing.assert_array_equal(np.asarray(photo.picture), np.asarray(noise()))
        assert (photo.size_wh, photo.shrink) == ((13, 9), 1)
        if isinstance(source, Image.Image):
            source.close()

    def test_an_array_is_not_copied(self):
        pixels = np.zeros((4, 5, 3), np.uint8)
        assert as_photo(pixels).picture is pixels

    def test_an_image_stands_as_the_caller_has_it(self):
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        with Image.open(io.BytesIO(encode(noise(), exif=exif))) as opened:
            assert as_photo(opened).size_wh == (13, 9)

    def test_an_image_of_another_mode_is_converted(self):
        assert np.asarray(as_photo(Image.new("LA", (2, 2), (0, 0))).picture).tolist() == [[[255] * 3] * 2] * 2

    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_an_opened_image_that_is_cut_short_is_a_photo_error(self, mode):
        content = encode(noise(mode, (100, 80)), "JPEG")
        with (
            Image.open(io.BytesIO(content[: len(content) // 2])) as opened,
            pytest.raises(
                PhotoError, match="a photo must be a whole picture, got one that fails: image file is truncated"
            ),
        ):
            as_photo(opened)

    @pytest.mark.parametrize(
        ("array", "got"),
        [
            pytest.param(np.zeros((4, 5, 3)), r"float64 \(4, 5, 3\)", id="float"),
            pytest.param(np.zeros((4, 5, 3), np.int8), r"int8 \(4, 5, 3\)", id="signed"),
            pytest.param(np.zeros((4, 5, 3), np.uint16), r"uint16 \(4, 5, 3\)", id="16-bit"),
            pytest.param(np.zeros((4, 5), np.uint8), r"uint8 \(4, 5\)", id="grey"),
            pytest.param(np.zeros((4, 5, 4), np.uint8), r"uint8 \(4, 5, 4\)", id="rgba"),
            pytest.param(np.zeros((3, 4, 5), np.uint8), r"uint8 \(3, 4, 5\)", id="channels-first"),
            pytest.param(np.zeros((1, 4, 5, 3), np.uint8), r"uint8 \(1, 4, 5, 3\)", id="batch"),
            pytest.param(np.zeros(3, np.uint8), r"uint8 \(3,\)", id="flat"),
        ],
    )
    def test_other_arrays_are_refused(self, array, got):
        with pytest.raises(PhotoError, match=rf"a photo array must be uint8 \(height, width, 3\) RGB, got {got}"):
            as_photo(array)

    @pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3)])
    def test_arrays_without_pixels_are_refused(self, shape):
        with pytest.raises(PhotoError, match="a photo must have 1 to"):
            as_photo(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize("source", [None, 3, [[[0, 0, 0]]], io.BytesIO(b"x")])
    def test_other_things_are_refused(self, source):
        with pytest.raises(PhotoError, match=f"must be a path, bytes, .* got {type(source).__name__}"):
            as_photo(source)


def test_a_device_is_refused_before_it_is_read():
    """It has no size to check, and no end."""
    with pytest.raises(PhotoError, match="/dev/zero: a photo must be a file, got a pipe or a device"):
        decode(Path("/dev/zero"))


class TestWorkingSize:
    """Photos whose shorter side stays at least so many pixels are halved, however they come."""

    @pytest.mark.parametrize(
        ("size_wh", "working_px", "shrink"),
        [
            pytest.param((640, 480), None, 1, id="never"),
            pytest.param((640, 480), 480, 1, id="already-that-small"),
            pytest.param((640, 480), 240, 2, id="half"),
            pytest.param((959, 721), 240, 2, id="not-quite-a-third"),
            pytest.param((650, 517), 64, 8, id="eighth"),
            pytest.param((1290, 1030), 64, 16, id="beyond-what-a-jpeg-decoder-does"),
        ],
    )
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "array", "image", "frame"])
    def test_any_source_comes_at_it(self, size_wh, working_px, shrink, form):
        width, height = size_wh
        across = np.linspace(0, 255, width).astype(np.uint8)
        pixels = np.repeat(np.broadcast_to(across, (height, width))[..., np.newaxis], 3, axis=2)
        image = Image.fromarray(pixels)
        if form in ("JPEG", "PNG"):
            source = encode(image, form)
        elif form == "frame":
            grey = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
            source = YuvFrame(y=np.ascontiguousarray(pixels[..., 0]), u=grey, v=grey)
        else:
            source = image if form == "image" else pixels
        photo = as_photo(source, working_px)
        assert (photo.size_wh, photo.shrink) == (size_wh, shrink)
        if shrink == 1:
            return
        small = width // shrink, height // shrink
        assert photo.picture.size == small
        whole = pixels[: small[1] * shrink, : small[0] * shrink, 0].reshape(small[1], shrink, small[0], shrink)
        expected = whole.mean(axis=(1, 3))
        # libjpeg's scaled transform is no mean of blocks, and JPEG loses a little.
        assert np.abs(np.asarray(photo.picture)[..., 0] - expected).max() <= (6 if form == "JPEG" else 1)

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("size_wh", [(131, 258), (261, 129)])
    def test_a_turned_jpeg_is_not_shifted(self, orientation, size_wh):
        """131 is no multiple of 2: the decoder's last column is half a block, and must not become the first."""
        rng = np.random.default_rng(orientation)
        coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(size_wh, Image.Resampling.BICUBIC)
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        content = encode(image, "JPEG", exif=exif, quality=98, subsampling=0)
        full = decode(content)
        photo = read_photo(content, 64)
        assert (photo.size_wh, photo.shrink) == (full.size, 2)
        raw = image.crop((0, 0, size_wh[0] // 2 * 2, size_wh[1] // 2 * 2)).reduce(2)
        turn = _TURNS.get(orientation)
        expected = raw if turn is None else raw.transpose(turn)
        assert photo.picture.size == expected.size
        assert np.abs(np.asarray(photo.picture, int) - np.asarray(expected, int)).mean() < 2

    def test_strips_are_the_whole(self):
        pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
        whole = Image.fromarray(pixels).reduce(4, box=(0, 0, 900, 700))
        np.testing.assert_array_equal(np.asarray(as_photo(pixels, 150).picture), np.asarray(whole))
        with ThreadPoolExecutor(3) as pool:
            photo = as_photo(pixels, 150, over=pool.map)
        np.testing.assert_array_equal(np.asarray(photo.picture), np.asarray(whole))

    def test_a_palette_is_reduced_as_colours(self):
        image = Image.new("P", (130, 130))
        image.putpalette([0, 0, 0, 255, 255, 255])
        image.paste(1, (0, 0, 65, 130))
        photo = read_photo(encode(image), 64)
        assert photo.picture.mode == "RGB"
        # The edge runs through the middle of a block.
        assert np.asarray(photo.picture)[0, :, 0].tolist() == [255] * 32 + [128] + [0] * 32


class TestScans:
    """Each scan of a JPEG makes the decoder go through all of the picture."""

    @staticmethod
    def jpeg(*, progressive: bool = True, repeat: int = 0, profile: bytes = b"", fill: bytes = b"") -> bytes:
        """A JPEG whose last scan stands there ``repeat`` times more."""
        whole = encode(
            noise(size_wh=(64, 48)), "JPEG", progressive=progressive, icc_profile=profile, restart_marker_rows=1
        )
        last = whole.rindex(b"\xff\xda")
        return whole[:last] + (fill + whole[last:-2]) * (repeat + 1) + whole[-2:]

    @pytest.mark.parametrize("progressive", [True, False])
    @pytest.mark.parametrize("fill", [b"", b"\xff\xff"])
    def test_too_many_are_refused(self, progressive, fill):
        content = self.jpeg(progressive=progressive, repeat=150, fill=fill)
        with pytest.raises(PhotoError, match=r"at most 100 scans .* got 101 scans in .*; save it anew"):
            decode(content)

    def test_segments_are_bounded_as_well(self):
        content = self.jpeg()
        with pytest.raises(PhotoError, match="and 10000 segments"):
            decode(content[:-2] + b"\xff\xfe\0\2" * 20_000 + content[-2:])

    def test_progressive_photos_are_read(self):
        assert decode(self.jpeg()).size == (64, 48)
        assert decode(self.jpeg(repeat=50)).size == (64, 48)

    def test_what_looks_like_scans_in_a_profile_does_not_count(self):
        assert decode(self.jpeg(profile=b"\xff\xda" * 3000)).size == (64, 48)

    def test_what_follows_the_picture_does_not_count(self):
        assert decode(self.jpeg() + b"\xff\xda\0\2" * 3000).size == (64, 48)
