"""What folders, zip files and phones' dumps hold for an import."""

from __future__ import annotations

import shutil
import sys
import zipfile

import pytest
from photographs import save, soft
from PIL import Image

from edgekit.data.checks import check_photos
from edgekit.data.options import DataReading
from edgekit.errors import DataError, MissingReader
from edgekit.gather.importing import import_photos
from edgekit.gather.options import GroupRule, ImportConfig

GENUINE = ImportConfig(label="genuine")


def test_a_phones_dump(tmp_path):
    """HEIC, HEIC under another name, a live photo's video, sidecars, hidden files, damage."""
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    camera = tmp_path / "dump" / "DCIM" / "100APPLE"
    camera.mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Apple", "Apple iPhone 13"
    soft(1).save(camera / "IMG_0001.HEIC", format="HEIF", exif=exif)
    soft(2).save(camera / "IMG_0002.JPG", format="HEIF", exif=exif)
    save(camera / "IMG_0003.JPG", 3)
    (camera / "IMG_0001.MOV").write_bytes(b"no video at all")
    (camera / "IMG_0001.AAE").write_bytes(b"<plist/>")
    (camera / "._IMG_0003.JPG").write_bytes(b"finder")
    (camera / "IMG_0004.JPG").write_bytes(save(tmp_path / "x.jpg", 4).read_bytes()[:900])
    (camera / "IMG_0005.PNG").write_bytes(b"")
    (camera / "IMG_0006.JPG").symlink_to("/etc/passwd")
    record = import_photos(
        [tmp_path / "dump"],
        tmp_path / "out",
        ImportConfig(label="genuine", group=GroupRule(by="camera", otherwise="no camera")),
    )
    assert record.photos == {"genuine": {"Apple iPhone 13": 2, "no camera": 1}}
    assert [one.path.rpartition("/")[2] for one in record.bad] == ["IMG_0004.JPG", "IMG_0005.PNG", "IMG_0006.JPG"]
    assert record.ignored == {".aae": 1, "hidden files or a system's own": 1, "videos of live photos": 1}
    assert sorted(path.suffix for path in (tmp_path / "out").rglob("*.*g")) == [".jpg"]
    assert len(list((tmp_path / "out").rglob("*.heic"))) == 2


NAMES = ["1.jfif", "2.JPE", "3", "4.jpg_original", "5.txt", "6.avif"]


def odd_names(folder):
    """Photos under names that say little, and files that are none."""
    for number, name in enumerate(NAMES):
        save(folder / "x.jpg", number).rename(folder / name)
    save(folder / "x.jpg", 90).rename(folder / "7.dng")
    (folder / "8.csv").write_text("no picture")


def test_what_a_file_is_decides_in_folders(tmp_path):
    (tmp_path / "dump").mkdir()
    odd_names(tmp_path / "dump")
    record = import_photos([tmp_path / "dump"], tmp_path / "out", GENUINE)
    assert record.stored == len(NAMES)
    assert record.ignored == {".csv": 1, ".dng (raw: export as JPEG)": 1}
    assert {path.suffix for path in (tmp_path / "out" / "genuine").rglob("*.*")} == {".jpg"}


def test_what_a_member_is_decides_in_archives(tmp_path):
    (tmp_path / "dump").mkdir()
    odd_names(tmp_path / "dump")
    shutil.make_archive(str(tmp_path / "dump"), "zip", tmp_path / "dump")
    record = import_photos([tmp_path / "dump.zip"], tmp_path / "out", GENUINE)
    assert record.stored == len(NAMES)
    assert record.ignored == {".csv": 1, ".dng (raw: export as JPEG)": 1}


def test_a_photo_may_be_named_alone_whatever_its_name(tmp_path):
    photo = save(tmp_path / "x.jpg", 1).rename(tmp_path / "photo")
    assert import_photos([photo], tmp_path / "out", GENUINE).stored == 1
    (tmp_path / "text").write_text("no picture")
    with pytest.raises(DataError, match=r"text: must be a folder, .* or a photo, got one without an ending"):
        import_photos([tmp_path / "text"], tmp_path / "out2", GENUINE)


def test_faults_say_what_files_are_instead(tmp_path):
    """And the same as the loader does."""
    (tmp_path / "dump").mkdir()
    save(tmp_path / "dump" / "1.jpg", 1)
    (tmp_path / "dump" / "2.jpg").write_bytes(b"<!doctype html><title>404")
    (tmp_path / "dump" / "3.jpg").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "dump" / "4.jpg").write_bytes(bytes(5000))
    record = import_photos([tmp_path / "dump"], tmp_path / "out", GENUINE)
    said = ["an HTML page", "a Git LFS pointer", "nothing but zeros"]
    assert [one.reason.partition(" picture: it is ")[2].partition(";")[0] for one in record.bad] == said
    assert [one.reason for one in check_photos(tmp_path / "dump", ["2.jpg", "3.jpg", "4.jpg"])] == [
        one.reason for one in record.bad
    ]


@pytest.mark.parametrize("is_first", [True, False])
def test_heic_without_its_reader_ends_an_import_that_goes_on_with_it(tmp_path, monkeypatch, is_first):
    pytest.importorskip("pillow_heif").register_heif_opener()
    (tmp_path / "dump").mkdir()
    save(tmp_path / "dump" / "b.jpg", 1)
    name = "a.jpg" if is_first else "c.jpg"
    soft(2).save(tmp_path / "dump" / name, format="HEIF")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(MissingReader, match=f"^{name}: HEIC is read by pillow-heif, which is not installed here"):
            import_photos([tmp_path / "dump"], tmp_path / "out", GENUINE)
    assert sum(import_photos([tmp_path / "dump"], tmp_path / "out", GENUINE).photos["genuine"].values()) == 2


def test_a_source_of_a_thousand_levels_is_refused(tmp_path, nested_folders):
    (tmp_path / "dump").mkdir()
    nested_folders(tmp_path / "dump", 1100)
    with pytest.raises(DataError, match=r"dump: folders must lie at most 100 levels deep"):
        import_photos([tmp_path / "dump"], tmp_path / "out", GENUINE)


def test_folders_in_an_archive_may_be_as_deep_as_they_like(tmp_path):
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as archive:
        archive.write(save(tmp_path / "x.jpg", 1), "d/" * 1100 + "x.jpg")
    assert import_photos([tmp_path / "dump.zip"], tmp_path / "out", GENUINE).photos


@pytest.mark.parametrize(
    ("make", "config", "message"),
    [
        pytest.param(lambda root: root / "none", GENUINE, "no such folder", id="absent"),
        pytest.param(lambda root: root / "notes.txt", GENUINE, "must be a folder, a zip file", id="text"),
        pytest.param(lambda root: root / "loose", ImportConfig(), "without --label every photo", id="no-class"),
        pytest.param(lambda root: root, GENUINE, "must not overlap", id="itself"),
        pytest.param(lambda root: root / "empty", GENUINE, "nothing could be imported", id="empty"),
        pytest.param(lambda root: root / "bad", GENUINE, "nothing could be imported", id="all-bad"),
        pytest.param(lambda root: root / "odd", ImportConfig(), "a class is also a folder", id="odd-class"),
    ],
)
def test_sources(tmp_path, make, config, message):
    (tmp_path / "notes.txt").write_text("x")
    save(tmp_path / "loose" / "a.jpg")
    save(tmp_path / "odd" / "a:b" / "a.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match=message):
        import_photos([make(tmp_path)], tmp_path / "out", config)


def test_a_zip_file_and_one_in_a_folder(gallery, tmp_path):
    shutil.make_archive(str(tmp_path / "dump"), "zip", tmp_path, "gallery")
    config = ImportConfig(skip_folders=1)
    record = import_photos([tmp_path / "dump.zip"], tmp_path / "one", config)
    (tmp_path / "in" / "genuine").mkdir(parents=True)
    shutil.move(tmp_path / "dump.zip", tmp_path / "in" / "genuine" / "dump.zip")
    nested = import_photos([tmp_path / "in"], tmp_path / "two", ImportConfig())
    assert record.photos == {"genuine": {"anna": 3, "ben": 3}, "recapture": {"anna": 3, "ben": 3}}
    assert sum(nested.photos["genuine"].values()) == 12


def test_a_zip_file_that_leaves_its_folder_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.jpg", b"x")
    with pytest.raises(DataError, match=r"names must stay inside .* got '../../evil.jpg'"):
        import_photos([tmp_path / "evil.zip"], tmp_path / "out", GENUINE)
    save(tmp_path / "in" / "good.jpg")
    shutil.move(tmp_path / "evil.zip", tmp_path / "in" / "evil.zip")
    record = import_photos([tmp_path / "in"], tmp_path / "out", GENUINE)
    assert record.stored == 1
    assert [one.path for one in record.bad] == ["evil.zip"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "out"]


def zipped(path, **members):
    """A zip file of a photo of each class and of further members."""
    photo = save(path.with_suffix(".jpg"), 1).read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content or photo)
    return path


def test_what_tells_classes_in_zip_files_is_not_passed_over(tmp_path):
    path = zipped(tmp_path / "a.zip", **{"x/1.jpg": "", "x/t.csv": "path,label\n1.jpg,cat\n"})
    columns = ImportConfig(reading=DataReading(columns={"path": "path", "label": "label"}))
    with pytest.raises(DataError, match=r"a\.zip: --columns is for folders, got a zip file; unpack it"):
        import_photos([path], tmp_path / "out", columns)
    path = zipped(tmp_path / "b.zip", **{"x/1.jpg": "", "x/manifest.csv": "path,label\n1.jpg,cat\n"})
    with pytest.raises(DataError, match=r"got x/manifest\.csv in a zip file; unpack it"):
        import_photos([path], tmp_path / "out", ImportConfig())
    path = zipped(tmp_path / "c.zip", **{"1.jpg": "", "t.csv": "path,label\n1.jpg,cat\n"})
    with pytest.raises(DataError, match=r"where t\.csv in it has the classes, unpack it and import the folder"):
        import_photos([path], tmp_path / "out", ImportConfig())
