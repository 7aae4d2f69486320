"""How files are opened: by their content, and with a word for what is none or has no reader."""

import builtins
import io
import re
import struct
import zlib

import numpy as np
import PIL
import pytest
from PIL import Image

from edgekit.errors import MissingReader, PhotoError, pip_line
from edgekit.runtime.photo import decode, read_photo
from edgekit.runtime.readers import open_picture, size_of


def encoded(kind, *, size_wh=(64, 48), turn_of_its_own=None, **options):
    written = io.BytesIO()
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs the heic extra").register_heif_opener()
    pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    # One corner tells all turns and mirrors apart.
    pixels[: size_wh[1] // 2, : size_wh[0] // 2] = 255
    pixels[: size_wh[1] // 2, size_wh[0] // 2 :, 0] = 255
    picture = Image.fromarray(pixels)
    if kind == "HEIF" and turn_of_its_own is not None:
        # pillow-heif writes the picture's own orientation from here, and EXIF alone from save's option.
        picture.info["exif"] = turn_of_its_own.tobytes()
    picture.save(written, kind, **options)
    return written.getvalue()


def quarters(picture):
    """Bright or dark, and red or not, of the four quarters."""
    pixels = np.asarray(picture).astype(int)
    height, width = pixels.shape[0] // 4, pixels.shape[1] // 4
    return [tuple(np.round(pixels[y * height, x * width] / 255).astype(int)) for y in (1, 3) for x in (1, 3)]


MODERN = [
    pytest.param("HEIF", {"quality": 90}, id="heic"),
    pytest.param("AVIF", {"quality": 90, "speed": 10}, id="avif"),
]


@pytest.mark.host
class TestHeicAndAvif:
    @pytest.mark.parametrize(("kind", "options"), MODERN)
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orientation_is_applied_once(self, kind, options, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = options | ({"turn_of_its_own": exif} if kind == "HEIF" else {"exif": exif})
        # Before the other: Pillow takes the orientation out of what an AVIF is saved with.
        expected = decode(encoded("PNG", exif=exif))
        turned = decode(encoded(kind, **options))
        assert turned.size == expected.size
        assert quarters(turned) == quarters(expected)

    @pytest.mark.parametrize(("kind", "options"), MODERN)
    def test_an_orientation_of_exif_alone_turns_nothing(self, kind, options):
        """The formats have one of their own, which counts alone (ISO/IEC 23008-12, 6.5.10)."""
        exif = Image.Exif()
        exif[0x0112] = 6
        content = encoded(kind, exif=exif, **options)
        if kind == "AVIF":
            turn = content.index(b"irot") + 4
            assert content[turn] == 3
            content = content[:turn] + b"\0" + content[turn + 1 :]
        assert decode(content).size == (64, 48)

    @pytest.mark.parametrize(("kind", "options"), MODERN)
    @pytest.mark.parametrize("name", ["photo.jpg", "PHOTO.PNG", "photo", "photo.txt"])
    def test_a_name_says_nothing(self, tmp_path, kind, options, name):
        (tmp_path / name).write_bytes(encoded(kind, **options))
        assert decode(tmp_path / name).size == (64, 48)
        assert size_of(tmp_path / name) == (64, 48)

    def test_a_thumbnail_in_the_file_is_not_the_photo(self):
        """pillow-heif gives one where a smaller picture is asked for."""
        content = encoded("HEIF", size_wh=(640, 480), quality=90, thumbnails=[160])
        photo = read_photo(content, 120)
        whole = decode(encoded("HEIF", size_wh=(640, 480), quality=90))
        assert photo.picture.size == (160, 120)
        np.testing.assert_array_equal(np.asarray(photo.picture), np.asarray(whole.reduce(4)))

    @pytest.mark.parametrize(("kind", "options"), MODERN)
    def test_cut_short_anywhere_it_is_a_photo_error(self, kind, options):
        content = encoded(kind, **options)
        for end in range(20, int(len(content) * 0.95), max(1, len(content) // 40)):
            with pytest.raises(PhotoError):
                decode(content[:end])


class TestMissing:
    def test_heic(self, monkeypatch):
        real_import = builtins.__import__

        def without(name, *args, **kwargs):
            if name == "pillow_heif":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return real_import(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without)
        line = re.escape(pip_line("heic"))
        with pytest.raises(MissingReader, match=f"a: HEIC is read by pillow-heif, which is not installed here: {line}"):
            open_picture(b"\0\0\0\x18ftypheic" + bytes(12), "a")

    def test_avif_of_an_old_pillow(self, monkeypatch):
        real_import = builtins.__import__

        def without(name, globals_=None, locals_=None, fromlist=(), level=0):
            if name == "PIL" and "AvifImagePlugin" in (fromlist or ()):
                raise ImportError("cannot import name 'AvifImagePlugin' from 'PIL'")
            return real_import(name, globals_, locals_, fromlist, level)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingReader, match=rf"read by Pillow 11\.3 and newer, this is {PIL.__version__}: pip"):
            open_picture(b"\0\0\0\x18ftypavif" + bytes(12), "a")

    def test_avif_of_a_pillow_without_it(self, monkeypatch):
        plugin = pytest.importorskip("PIL.AvifImagePlugin", reason="Pillow 11.3 has it")
        monkeypatch.setattr(plugin, "SUPPORTED", False)
        with pytest.raises(MissingReader, match="AVIF is read by a Pillow with libavif, and the one here was bu"):
            open_picture(b"\0\0\0\x18ftypavif" + bytes(12), "a")


class TestNoPicture:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            pytest.param(b"<!DOCTYPE html>", "it is an HTML page; download the photo itself again", id="html"),
            pytest.param(
                b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer; fetch .* git lfs", id="lfs"
            ),
        ],
    )
    def test_it_says_what_it_is(self, tmp_path, content, said):
        with pytest.raises(PhotoError, match=f"a.jpg: not a whole JPEG/PNG/.*/HEIC/AVIF picture: {said}"):
            open_picture(content, "a.jpg")
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(PhotoError, match=rf"a\.jpg: not a whole .* picture: {said}"):
            size_of(tmp_path / "a.jpg")

    def test_size_of_what_is_not_there(self, tmp_path):
        with pytest.raises(PhotoError, match=r"a\.jpg: can't be read: No such file"):
            size_of(tmp_path / "a.jpg")

    @pytest.mark.parametrize(
        ("marker", "bits", "said"),
        [
            pytest.param(0xC1, 12, "it is a JPEG of 12 bits a sample .a 12-bit JPEG.; save it with 8", id="12-bit"),
            pytest.param(0xC3, 16, "it is a lossless JPEG; save it as an ordinary one", id="lossless"),
            pytest.param(0xF7, 8, r"it is a lossless \(JPEG-LS\) JPEG", id="jpeg-ls"),
            pytest.param(0xC5, 8, "it is a hierarchical JPEG", id="hierarchical"),
        ],
    )
    def test_jpegs_that_no_decoder_reads_say_why(self, marker, bits, said):
        content = bytearray(encoded("JPEG"))
        frame = content.index(b"\xff\xc0")
        content[frame + 1], content[frame + 4] = marker, bits
        with pytest.raises(PhotoError, match=f"not a whole JPEG picture: {said}"):
            decode(bytes(content))

    def test_a_jpeg_that_breaks_off_says_so(self):
        content = encoded("JPEG", size_wh=(400, 300))
        with pytest.raises(
            PhotoError, match="JPEG picture: it breaks off before the end of its picture; copy it again"
        ):
            decode(content[: len(content) * 2 // 3])

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            *(pytest.param(kind, {}, id=kind.lower()) for kind in ("PNG", "WEBP", "BMP", "TIFF", "GIF")),
            pytest.param("TIFF", {"compression": "tiff_lzw"}, id="tiff-lzw"),
            *(pytest.param(*one.values, id=one.id, marks=pytest.mark.host) for one in MODERN),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    def test_all_that_break_off_say_so_and_what_to_do(self, kind, options):
        content = encoded(kind, size_wh=(400, 300), **options)
        with pytest.raises(PhotoError) as told:
            decode(content[: len(content) * 2 // 3])
        assert re.fullmatch(
            r"\d+ bytes: not a whole \w+ picture: it is cut short or damaged \([^()\n]+\);"
            " copy it again, or save it anew",
            str(told.value),
        )

    @pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
    def test_metadata_that_unpack_to_too_much_are_told_in_our_words(self, name):
        data = b"a\0\0" + zlib.compress(bytes(4_000_000))
        text = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        content = encoded("PNG")
        with pytest.raises(
            PhotoError, match=r"its texts or its colour profile unpack to more .*; save it anew without"
        ):
            decode(content[:33] + text + content[33:])
