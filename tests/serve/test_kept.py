import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from served import photo

from edgekit.errors import EdgekitError
from edgekit.records import from_plain, sha256
from edgekit.scoring.predictions import Prediction
from edgekit.serve.kept import KeptPhoto, PhotoKeeper
from edgekit.serve.options import ServeConfig

ROW = Prediction(photo="shelf.jpg", label="genuine", crops=1, score=0.9, probabilities={"genuine": 0.9}, ms=1.0)
WITH_PLACE = Image.Exif()
WITH_PLACE[0x010E] = "taken at home"
WITH_PLACE[0x0112] = 6


def files(folder):
    return sorted(one.name for one in folder.iterdir())


def test_a_photo_is_kept_without_metadata_under_its_digest(tmp_path):
    keeper = PhotoKeeper(tmp_path, ServeConfig(), "ab" * 32)
    keeper.keep(photo(exif=WITH_PLACE), ROW)
    name, record = files(tmp_path)
    stored = (tmp_path / name).read_bytes()
    assert name == f"{sha256(stored)}.jpg"
    assert b"taken at home" not in stored
    with Image.open(tmp_path / name) as kept:
        assert kept.getexif()[0x0112] == 6
    told = from_plain(KeptPhoto, json.loads((tmp_path / record).read_text()), where=record)
    assert (told.photo, told.model_sha256, told.verdict) == (name, "ab" * 32, ROW)


def test_the_same_photo_is_kept_once(tmp_path):
    keeper = PhotoKeeper(tmp_path, ServeConfig(), "ab" * 32)
    keeper.keep(photo(), ROW)
    keeper.keep(photo(exif=WITH_PLACE.tobytes().replace(b"home", b"work")[:0]), ROW)
    assert len(files(tmp_path)) == 2
    assert (keeper.outcomes["kept"], keeper.outcomes["again"]) == (1, 1)


@pytest.mark.parametrize("bound", [{"keep_photos": 2}, {"keep_mb": 1}])
def test_the_folder_is_bounded_what_was_there_included(tmp_path, bound):
    config = ServeConfig(**bound)
    # Every pixel another colour, so that a file has a third of a megabyte.
    pictures = [Image.effect_noise((600, 600), 50 + n) for n in range(5)]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    contents = [(tmp_path / f"{number}.png").read_bytes() for number in range(5)]
    kept = tmp_path / "kept"
    for content in contents:
        # A server that was started again for each.
        keeper = PhotoKeeper(kept, config, "ab" * 32)
        keeper.keep(content, ROW)
    assert len(files(kept)) == 4
    assert sum(one.stat().st_size for one in kept.iterdir()) < 1_000_000
    assert keeper.outcomes == {"kept": 0, "again": 0, "full": 1, "failed": 0}


def test_many_at_once_do_not_pass_the_bound(tmp_path):
    keeper = PhotoKeeper(tmp_path, ServeConfig(keep_photos=3), "ab" * 32)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda red: keeper.keep(photo(red), ROW), range(0, 200, 10)))
    assert len(files(tmp_path)) == 6
    assert (keeper.outcomes["kept"], keeper.outcomes["full"]) == (3, 17)


def test_a_folder_that_takes_nothing_is_counted_and_never_raised(tmp_path):
    keeper = PhotoKeeper(tmp_path / "kept", ServeConfig(), "ab" * 32)
    (tmp_path / "kept").rmdir()
    (tmp_path / "kept").write_text("a file in its way")
    keeper.keep(photo(), ROW)
    keeper.keep(b"no photo at all", ROW)
    assert keeper.outcomes["failed"] == 2


def test_a_file_in_the_folders_place_is_told_at_once(tmp_path):
    (tmp_path / "kept").write_text("")
    with pytest.raises(EdgekitError, match="kept"):
        PhotoKeeper(tmp_path / "kept", ServeConfig(), "ab" * 32)
