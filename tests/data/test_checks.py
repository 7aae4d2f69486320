import os
import re
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from edgekit.data.checks import check_files, check_photos, find_copies, find_photos, passed_over
from edgekit.data.derive import remove_parts
from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.errors import DataError
from edgekit.records import sha256


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(0, "", id="none"),
        pytest.param(3, "0, 1, 2", id="all"),
        pytest.param(5, "0, 1, 2, and 2 more", id="the-rest-is-counted"),
    ],
)
def test_shorten(count, expected):
    assert shorten((str(number) for number in range(count)), limit=3) == expected


def test_find_photos_takes_known_endings_in_any_case_and_nothing_hidden(tmp_path):
    photos = [
        *(
            "a/1.JPG",
            "a/deep/er/2.jpeg",
            "b/3.PnG",
            "b/4.webp",
            "b/5.heic",
            "b/6.HEIF",
            "b/7.bmp",
            "b/8.tif",
            "b/9.tiff",
        ),
        *("c/1.jfif", "c/2.JPE", "c/3.jif", "c/4.pjpeg", "c/5.avif", "c/6.hif", "c/7.mpo"),
    ]
    others = ["a/notes.txt", "a/raw.cr2", "a/.hidden.jpg", "a/._1.JPG", ".cache/1.jpg", "a/.thumbs/1.jpg", "a/jpg"]
    for path in photos + others:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert find_photos(tmp_path) == sorted(photos)


@pytest.mark.parametrize(
    ("name", "kind", "is_photo"),
    [
        pytest.param("photo", "JPEG", True, id="without-an-ending"),
        pytest.param("photo.", "JPEG", True, id="nothing-behind-the-point"),
        pytest.param("photo.bak", "PNG", True, id="an-unknown-ending"),
        pytest.param("photo.txt", "WEBP", True, id="as-text"),
        pytest.param("IMG_1.JPG_original", "JPEG", True, id="exiftool-keeps-originals-so"),
        pytest.param("photo.jpg (1)", "JPEG", True, id="numbered-by-a-browser"),
        pytest.param("2024.05.11", "TIFF", True, id="a-date"),
        pytest.param("photo.dng", "TIFF", False, id="raw"),
        pytest.param("clip.thm", "JPEG", False, id="thumbnail-of-a-video"),
        pytest.param(".photo", "JPEG", False, id="hidden"),
    ],
)
def test_what_a_file_is_decides(tmp_path, name, kind, is_photo):
    Image.new("RGB", (16, 12)).save(tmp_path / name, kind)
    assert find_photos(tmp_path) == [name] * is_photo


def test_what_is_passed_over_is_counted_by_kind(tmp_path):
    names = ["1.txt", "2.TXT", "3.dng", "4.NEF", "5.thm", "6", "a/7.csv", ".DS_Store", "a/._8.jpg", "manifest.csv"]
    for name in [*names, ".edgekit.lock", "8.jpg"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    others = Counter()
    assert find_photos(tmp_path, others) == ["8.jpg"]
    assert passed_over(others) == (
        "passed over: 1 .csv, 1 .dng (raw: export as JPEG), 1 .nef (raw: export as JPEG), 1 .thm (a video's thumbnail),"
        " 2 .txt, 2 hidden, 1 without an ending"
    )
    assert passed_over({}) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    others = Counter()
    assert find_photos(tmp_path, others) == []
    assert others == {"without an ending": 2}


def test_a_hundred_thousand_files_are_looked_through_in_moments(tmp_path):
    """A tenth of them, in a tenth of the time."""
    for number in range(10_000):
        (tmp_path / f"{number}.{'jpg' if number % 2 else 'txt'}").touch()
    began = time.monotonic()
    assert len(find_photos(tmp_path)) == 5000
    assert time.monotonic() - began < 5


def test_find_photos_refuses_a_linked_folder(photo_folder):
    root = photo_folder(["a/1.png"])
    (root / "b").symlink_to(root / "a")
    with pytest.raises(DataError, match="b: a folder of photos must not be a link"):
        find_photos(root)


def test_photos_a_hundred_folders_down_are_found(tmp_path, nested_folders):
    photo = nested_folders(tmp_path, 100) / "1.png"
    photo.touch()
    assert find_photos(tmp_path) == [photo.relative_to(tmp_path).as_posix()]


@pytest.mark.parametrize("levels", [101, 1100])
@pytest.mark.parametrize("look", [find_photos, remove_parts])
def test_folders_deeper_than_that_are_refused(tmp_path, nested_folders, look, levels):
    nested_folders(tmp_path, levels)
    with pytest.raises(DataError, match=r"at most 100 levels deep, got one 101 levels down, below d/d/d; move"):
        look(tmp_path)


def test_listed_photos_deeper_than_that_are_refused(tmp_path, nested_folders):
    path = "d/" * 1100 + "1.png"
    (nested_folders(tmp_path, 1100) / "1.png").touch()
    with pytest.raises(DataError, match=r"at most 100 folders deep, got 1 that fail this: d/d/.*…; move"):
        check_files(tmp_path, [path])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_find_photos_refuses_an_unreadable_folder(photo_folder):
    root = photo_folder(["a/1.png"])
    (root / "a").chmod(0)
    try:
        with pytest.raises(DataError, match="a folder must be readable"):
            find_photos(root)
    finally:
        (root / "a").chmod(0o755)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("a/none.png", "every listed photo must be a file.*a/none.png", id="missing"),
        pytest.param(f"a/{'n' * 300}.png", "every listed photo must be a file", id="name-too-long"),
        pytest.param("a/folder.png", "every listed photo must be a file.*a/folder.png", id="folder"),
        pytest.param("a/out.png", "must lie inside the data folder.*a/out.png", id="link-that-leaves"),
        pytest.param("away/out.png", "must lie inside the data folder.*away/out.png", id="folder-link-that-leaves"),
        pytest.param("a/loop.png", "every listed photo must be a file.*a/loop.png", id="link-to-itself"),
    ],
)
def test_check_files_refuses(photo_folder, write_photo, tmp_path, path, message):
    root = photo_folder(["a/1.png"])
    write_photo(tmp_path / "outside" / "out.png")
    (root / "a" / "folder.png").mkdir()
    (root / "a" / "out.png").symlink_to(tmp_path / "outside" / "out.png")
    (root / "a" / "loop.png").symlink_to(root / "a" / "loop.png")
    (root / "away").symlink_to(tmp_path / "outside")
    with pytest.raises(DataError, match=message):
        check_files(root, ["a/1.png", path])


def test_check_files_takes_a_link_that_stays_and_a_linked_root(photo_folder, tmp_path):
    root = photo_folder(["a/1.png"])
    (root / "a" / "2.png").symlink_to("1.png")
    (tmp_path / "alias").symlink_to(root)
    check_files(tmp_path / "alias", ["a/1.png", "a/2.png"])


def test_check_files_names_ten_and_counts_the_rest(photo_folder):
    with pytest.raises(DataError, match=r"got 12 that fail this: 0\.png, .*9\.png, and 2 more; restore"):
        check_files(photo_folder(["a/1.png"]), [f"{number}.png" for number in range(12)])


def corrupt(path):
    path.write_bytes(b"not a photo")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-400])


def shrink_to(*size_wh):
    return lambda path: Image.new("RGB", size_wh).save(path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(corrupt, "not a whole .*", id="corrupt"),
        pytest.param(truncate, "not a whole .*", id="truncated"),
        pytest.param(lambda path: path.write_bytes(b""), "a photo must have content, got 0 bytes", id="zero-bytes"),
        pytest.param(shrink_to(1, 1), "must be at least 8x8 px, got 1x1", id="one-pixel"),
        pytest.param(shrink_to(7, 100), "must be at least 8x8 px, got 7x100", id="narrow"),
        pytest.param(lambda path: path.unlink(), "can't be read: .*", id="removed-meanwhile"),
        pytest.param(
            lambda path: os.truncate(path, 200_000_001), ".* at most 200000000 bytes, got 200000001", id="huge"
        ),
        pytest.param(shrink_to(8, 8), "", id="as-small-as-it-may-be"),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_check_photos_says_what_is_wrong(write_photo, tmp_path, damage, reason, suffix):
    path = write_photo(tmp_path / f"photo.{suffix}", size_wh=(32, 32))
    damage(path)
    (checked,) = check_photos(tmp_path, [path.name])
    assert re.fullmatch(reason, checked.reason)


def test_a_photo_of_200_megapixels_is_usable(tmp_path):
    """Pillow refuses it."""
    Image.new("L", (16320, 12240)).save(tmp_path / "a.jpg")
    began = time.monotonic()
    assert [one.reason for one in check_photos(tmp_path, ["a.jpg"])] == [""]
    assert time.monotonic() - began < 10


def test_check_photos_hashes_in_order_and_tells_progress(photo_folder, progress):
    paths = [f"a/{number}.png" for number in range(20)]
    root = photo_folder(paths)
    checked = check_photos(root, paths, progress)
    assert [one.sha256 for one in checked] == [sha256((root / path).read_bytes()) for path in paths]
    assert progress.tasks == [("checking photos", 20, 20)]


def test_check_photos_takes_what_cameras_make(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    for name, mode in [("l.jpg", "L"), ("cmyk.jpg", "CMYK"), ("rgba.png", "RGBA"), ("p.png", "P"), ("1.tif", "1")]:
        Image.fromarray(grey).convert("RGB").convert(mode).save(tmp_path / name)
    assert [one.reason for one in check_photos(tmp_path, sorted(path.name for path in tmp_path.iterdir()))] == [""] * 5


def test_find_copies():
    samples = [Sample(path=f"{name}.png", label="real") for name in "abcde"]
    assert find_copies(samples, ["1", "2", "1", "3", "2"]) == [("a.png", "c.png"), ("b.png", "e.png")]
