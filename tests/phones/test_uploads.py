"""Upload folders of capture apps: imported as their exports are, wherever they lie, and capture by capture."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from exporting import DEVICE, export_captures, picture, upload_captures

from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError
from edgekit.gather.importing import import_photos
from edgekit.gather.options import ImportConfig

CONFIG = ImportConfig()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "uploads"


@pytest.fixture
def rows(folder, red_blue_file):
    return upload_captures(folder, red_blue_file)


def rewrite(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")


def rows_of(data):
    return {(one.label, one.group, one.camera) for one in load_dataset(data).samples}


def test_an_upload_folder_gives_what_the_export_gives(tmp_path, folder, rows, red_blue_file):
    record = import_photos([folder], tmp_path / "data", CONFIG)
    assert (record.stored, record.bad, record.ignored) == (4, (), {"without a truth": 1})
    assert rows_of(tmp_path / "data") == {
        (label, "4e81c2d0-20261130", f"{DEVICE} back") for label in ("genuine", "recapture")
    }
    export = export_captures(tmp_path / "captures.zip", red_blue_file)
    again = import_photos([export], tmp_path / "data", CONFIG)
    assert (again.stored, len(again.copies)) == (0, 4)
    import_photos([export], tmp_path / "other", CONFIG)
    assert rows_of(tmp_path / "other") == rows_of(tmp_path / "data")


def test_a_truth_that_is_said_later_is_imported_then(tmp_path, folder, rows):
    import_photos([folder], tmp_path / "data", CONFIG)
    untold = next(row for row in rows if row["truth"] is None)
    rewrite(folder / untold["id"] / f"{untold['id']}.json", truth="genuine")
    assert import_photos([folder], tmp_path / "data", CONFIG).stored == 1


def test_captures_are_found_below_other_folders_and_alone(tmp_path, folder, rows):
    above = tmp_path / "files"
    above.mkdir()
    shutil.move(folder, above / "uploads")
    (above / "recapture").mkdir()
    (above / "recapture" / "x.jpg").write_bytes(picture((1, 2, 3)))
    half = above / "uploads" / f"{rows[0]['id']}.part"
    half.mkdir()
    (half / "x.jpg").write_bytes(picture((3, 2, 1)))
    record = import_photos([above], tmp_path / "data", ImportConfig(group=CONFIG.group))
    assert record.stored == 5
    assert record.ignored == {"of captures that were not copied whole": 1, "without a truth": 1}
    alone = import_photos([above / "uploads" / rows[0]["id"]], tmp_path / "one", CONFIG)
    assert alone.photos == {"genuine": {"4e81c2d0-20261130": 1}}


def test_a_photo_of_the_gallery_has_no_camera(tmp_path, folder, rows):
    for row in rows:
        rewrite(folder / row["id"] / "origin.json", lens=None)
    import_photos([folder], tmp_path / "data", CONFIG)
    assert {camera for _, _, camera in rows_of(tmp_path / "data")} == {""}


def test_captures_of_which_nobody_said_anything(tmp_path, folder, rows):
    for row in rows:
        rewrite(folder / row["id"] / f"{row['id']}.json", truth=None)
    with pytest.raises(DataError, match="none of its 5 captures has a truth; say in the app which are right"):
        import_photos([folder], tmp_path / "data", CONFIG)


def without_photo(own):
    next(own.glob("*.jpg")).unlink()


def with_link(own):
    photo = next(own.glob("*.jpg"))
    photo.unlink()
    photo.symlink_to("/etc/passwd")


def renamed(own):
    own.rename(own.with_name("other"))
    (own.with_name("other") / f"{own.name}.json").rename(own.with_name("other") / "other.json")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(without_photo, "must have .*jpg, .*json and origin.json alone", id="no-photo"),
        pytest.param(lambda own: (own / "more.txt").write_text("x"), "alone, got .*more.txt", id="stranger"),
        pytest.param(with_link, "must be no links", id="link"),
        pytest.param(renamed, "must lie in a folder that is named as its id, got 'other'", id="renamed"),
        pytest.param(lambda own: rewrite(own / "origin.json", installation="../x"), "must be 8 small hex", id="origin"),
        pytest.param(lambda own: rewrite(own / "origin.json", lens="wide"), "lens must be one of", id="lens"),
        pytest.param(lambda own: rewrite(own / "origin.json", more=1), "unknown .'more'", id="origin-keys"),
        pytest.param(lambda own: rewrite(own / f"{own.name}.json", truth="cat"), "truth must be among", id="truth"),
        pytest.param(lambda own: rewrite(own / f"{own.name}.json", schema=2), "schema must be one of", id="newer"),
        pytest.param(lambda own: (own / f"{own.name}.json").write_bytes(b"{"), "must be JSON", id="cut"),
        pytest.param(lambda own: (own / "origin.json").write_bytes(b"\xff"), "must be UTF-8, got byte", id="no-text"),
    ],
)
def test_a_capture_that_breaks_a_rule_is_named_and_the_others_are_taken(tmp_path, folder, rows, change, reason):
    change(folder / rows[0]["id"])
    record = import_photos([folder], tmp_path / "data", CONFIG)
    assert record.stored == 3
    (bad,) = record.bad
    assert bad.path in (rows[0]["id"], "other")
    assert re.search(f"(?s){reason}", bad.reason), bad.reason
    assert bad.reason.endswith("; copy it from the phone again")
