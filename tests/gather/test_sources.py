"""What folders, zip files and phones' dumps hold for an import."""

from __future__ import annotations

import shutil
import zipfile

import pytest
from photographs import save, soft
from PIL import Image

from edgekit.errors import DataError
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
