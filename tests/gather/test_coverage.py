"""What a data folder fills of a capture plan."""

from __future__ import annotations

import pytest
from PIL import Image
from planned import plan

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError
from edgekit.gather.coverage import cover
from edgekit.gather.plan import to_entries


def shoot(root, path, *, seed=0, camera=""):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if camera:
        exif[0x010F], exif[0x0110] = camera.split(maxsplit=1)
    Image.new("RGB", (16, 16), (seed, 0, 0)).save(target, exif=exif)


def has(coverage):
    return {(one.camera, one.target, one.light): one.has for one in coverage.cells if one.has}


class TestCells:
    def test_come_from_folders_exif_and_the_manifest(self, tmp_path, write_rows):
        shoot(tmp_path, "genuine/day/a.jpg", camera="Google Pixel 8")
        shoot(tmp_path, "recapture/Paper/iphone/night/b.jpg")
        shoot(tmp_path, "recapture/c.jpg")
        shoot(tmp_path, "recapture/d.jpg")
        write_rows(
            tmp_path / "manifest.csv",
            ("path", "label", "camera", "screen", "light", "kind"),
            ("genuine/day/a.jpg", "genuine", "", "", "", ""),
            ("recapture/Paper/iphone/night/b.jpg", "recapture", "", "", "", ""),
            ("recapture/c.jpg", "recapture", "Pixel 8", "TV", "day", ""),
            ("recapture/d.jpg", "recapture", "iphone", "", "day", "print"),
        )
        found = cover(plan(), tmp_path)
        assert has(found) == {
            ("pixel-8", "real", "day"): 1,
            ("iphone", "print", "night"): 1,
            ("pixel-8", "tv", "day"): 1,
            ("iphone", "print", "day"): 1,
        }
        assert (found.wanted, found.has, found.lacks, found.outside) == (36, 4, 32, {})

    def test_more_than_wanted_lacks_nothing(self, tmp_path):
        for number in range(5):
            shoot(tmp_path, f"genuine/iphone/day/{number}.jpg", seed=number)
        found = cover(plan(), tmp_path)
        (cell,) = [one for one in found.cells if one.has]
        assert (cell.wanted, cell.has, cell.lacks) == (3, 5, 0)
        assert found.lacks == found.wanted - 3

    def test_photos_of_no_cell_are_counted_by_what_is_not_known(self, tmp_path):
        shoot(tmp_path, "genuine/day/a.jpg", camera="Nikon D90")
        shoot(tmp_path, "recapture/iphone/b.jpg")
        found = cover(plan(), tmp_path)
        assert found.outside == {"camera": 1, "target, light": 1}
        assert found.examples == {"camera": ("genuine/day/a.jpg",), "target, light": ("recapture/iphone/b.jpg",)}

    def test_two_cells_that_claim_one_photo_are_both_named(self, tmp_path):
        shoot(tmp_path, "genuine/iphone/day/a.jpg", camera="Google Pixel 8")
        shoot(tmp_path, "recapture/tv/iphone/day/night/b.jpg")
        with pytest.raises(DataError) as failure:
            cover(plan(), tmp_path)
        message = str(failure.value)
        assert "got 2 that two claim" in message
        assert (
            "genuine/iphone/day/a.jpg: iphone × ? × day (by the folder 'iphone') and pixel-8 × ? × day (by EXIF)"
            in message
        )
        assert "iphone × tv × day (by the folder 'day') and iphone × tv × night (by the folder 'night')" in message

    def test_a_target_of_another_class(self, tmp_path):
        shoot(tmp_path, "genuine/tv/iphone/day/a.jpg")
        with pytest.raises(DataError, match=r"the target 'tv' .* is of the class 'recapture', the photo of 'genuine'"):
            cover(plan(), tmp_path)

    def test_record_writes_the_cells_and_nothing_else(self, tmp_path):
        shoot(tmp_path, "genuine/day/a.jpg", camera="Google Pixel 8")
        shoot(tmp_path, "recapture/paper/iphone/night/b.jpg")
        shoot(tmp_path, "recapture/c.jpg")
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")}
        cover(plan(), tmp_path, record=True)
        rows = {
            row.path: (row.camera, row.screen, row.light, row.kind) for row in read_manifest(tmp_path / "manifest.csv")
        }
        assert rows == {
            "genuine/day/a.jpg": ("pixel-8", "", "day", ""),
            "recapture/paper/iphone/night/b.jpg": ("iphone", "print", "night", "print"),
            "recapture/c.jpg": ("", "", "", ""),
        }
        assert {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")} == before
        assert has(cover(plan(), tmp_path)) == {("pixel-8", "real", "day"): 1, ("iphone", "print", "night"): 1}

    def test_the_emptiest_setup_comes_first_and_a_full_one_not_at_all(self, tmp_path):
        for camera in ("pixel-8", "iphone"):
            for number in range(3):
                shoot(tmp_path, f"genuine/{camera}/day/{number}.jpg", seed=number)
        shoot(tmp_path, "recapture/tv/iphone/day/a.jpg")
        found = cover(plan(light=to_entries(["day"])), tmp_path)
        assert found.next == ("print in day: 3 with pixel-8, 3 with iphone", "tv in day: 3 with pixel-8, 2 with iphone")

    def test_an_empty_folder_lacks_everything(self, tmp_path):
        (tmp_path / "new").mkdir()
        assert cover(plan(), tmp_path / "new").lacks == 36
        with pytest.raises(DataError, match="must be a folder"):
            cover(plan(), tmp_path / "none")
