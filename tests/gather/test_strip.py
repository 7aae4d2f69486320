"""Metadata goes, pixels stay: for each format, compared after decoding."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from edgekit.errors import PhotoError
from edgekit.gather.contents import camera_of
from edgekit.gather.strip import exif_of, orientation_of, strip
from edgekit.runtime.photo import decode

SECRETS = (b"Anna Owner", b"Pixel 8", b"Nikon", b"SERIAL-4711", b"secret profile")


def photo(kind, *, turn=6, size_wh=(160, 120), **options):
    """A photo of soft noise, with owner, camera, place and colour profile."""
    rng = np.random.default_rng(0)
    pixels = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(size_wh)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x8298], exif[0xA431] = (
        "Nikon",
        "Pixel 8",
        turn,
        "Anna Owner",
        "SERIAL-4711",
    )
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (48.0, 8.0, 13.25), "2024:01:02"
    written = io.BytesIO()
    if kind != "TIFF":
        options["icc_profile"] = b"secret profile" * 9
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs the heic extra").register_heif_opener()
    pixels.save(written, format=kind, exif=exif, **options)
    return written.getvalue()


PHOTOS = [
    pytest.param("JPEG", {}, ".jpg", id="jpeg"),
    pytest.param("JPEG", {"progressive": True}, ".jpg", id="progressive"),
    pytest.param("JPEG", {"comment": b"Anna Owner"}, ".jpg", id="comment"),
    pytest.param("JPEG", {"xmp": b"<x>Anna Owner</x>"}, ".jpg", id="xmp"),
    pytest.param("PNG", {}, ".png", id="png"),
    pytest.param("WEBP", {}, ".webp", id="webp"),
    pytest.param("WEBP", {"lossless": True, "xmp": b"<x>Anna Owner</x>"}, ".webp", id="webp-lossless"),
    pytest.param("TIFF", {}, ".png", id="tiff-becomes-png"),
    pytest.param("HEIF", {}, ".heic", id="heic"),
    pytest.param("AVIF", {"speed": 10}, ".avif", id="avif"),
]


@pytest.mark.parametrize(("kind", "options", "suffix"), PHOTOS)
def test_pixels_stay_and_secrets_go(kind, options, suffix):
    before = photo(kind, **options)
    assert any(secret in before for secret in SECRETS)
    after, found = strip(before)
    assert found == suffix
    assert [secret for secret in SECRETS if secret in after] == []
    assert 0x8825 not in exif_of(after)
    assert set(exif_of(after)) <= {0x0112}
    np.testing.assert_array_equal(np.asarray(decode(after)), np.asarray(decode(before)))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_every_orientation_is_kept(kind, turn):
    before = photo(kind, turn=turn)
    after, _ = strip(before)
    # HEIC keeps it in a property of the picture.
    assert orientation_of(after) == (1 if kind == "HEIF" else turn)
    np.testing.assert_array_equal(np.asarray(decode(after)), np.asarray(decode(before)))


@pytest.mark.parametrize(("kind", "options", "suffix"), PHOTOS)
def test_a_second_time_changes_nothing(kind, options, suffix):
    after, _ = strip(photo(kind, **options))
    assert strip(after) == (after, suffix)


def test_the_second_picture_of_a_phones_jpeg_goes():
    one = Image.new("RGB", (64, 48), (200, 30, 30))
    written = io.BytesIO()
    one.save(written, format="MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), (0, 0, 255))])
    before = written.getvalue()
    after, suffix = strip(before)
    assert suffix == ".jpg"
    assert after.count(b"\xff\xd8\xff") == 1
    assert len(after) < len(before) * 2 / 3
    np.testing.assert_array_equal(np.asarray(decode(after)), np.asarray(decode(before)))


def test_cmyk_keeps_adobes_segment():
    written = io.BytesIO()
    Image.new("CMYK", (32, 24), (10, 120, 200, 5)).save(written, format="JPEG")
    after, _ = strip(written.getvalue())
    assert b"Adobe" in after
    np.testing.assert_array_equal(np.asarray(decode(after)), np.asarray(decode(written.getvalue())))


def test_transparency_is_kept_and_text_is_not():
    written = io.BytesIO()
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "Anna Owner", zip=False)
    palette = Image.new("P", (16, 16), 3)
    palette.putpalette([value % 256 for value in range(768)])
    palette.save(written, format="PNG", transparency=3, pnginfo=notes)
    after, _ = strip(written.getvalue())
    assert b"Anna" not in after
    np.testing.assert_array_equal(np.asarray(decode(after)), np.asarray(decode(written.getvalue())))


@pytest.mark.parametrize(("kind", "options", "suffix"), PHOTOS)
def test_what_breaks_off_is_a_photo_error_or_fails_to_decode(kind, options, suffix):
    whole = photo(kind, **options)
    for length in range(1, len(whole) - 2, max(1, len(whole) // 60)):
        with pytest.raises(PhotoError):
            decode(strip(whole[:length])[0])


@given(st.binary(max_size=400), st.sampled_from(["jpeg", "png", "webp", "heic"]))
def test_any_bytes_give_a_photo_error_or_a_file(tail, kind):
    head = {
        "jpeg": b"\xff\xd8\xff",
        "png": b"\x89PNG\r\n\x1a\n",
        "webp": b"RIFF" + struct.pack("<I", len(tail)) + b"WEBP",
        "heic": b"\0\0\0\x10ftypheic\0\0\0\0",
    }[kind]
    try:
        strip(head + tail)
    except PhotoError:
        return


def test_what_is_no_photo():
    with pytest.raises(PhotoError, match=r"not a whole .* picture: it is a PDF document"):
        strip(b"%PDF-1.7 and more")


def test_the_camera_is_read_before():
    assert camera_of(photo("JPEG")) == "Nikon Pixel 8"
    assert camera_of(strip(photo("JPEG"))[0]) == ""
