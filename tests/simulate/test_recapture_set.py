import csv
import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError
from edgekit.simulate.options import RecaptureConfig, RephotoConfig
from edgekit.simulate.perspective import View, place_screen
from edgekit.simulate.recapture_set import make_recaptures
from edgekit.simulate.rephoto import SCREEN_OF

SMALL = RephotoConfig(oversample=(1.2, 1.4))


def test_a_photo_too_small_for_a_screen_is_named(tmp_path, write_photo):
    write_photo(tmp_path / "photos" / "genuine" / "dot.png", size_wh=(1, 1))
    with pytest.raises(DataError, match=r"dot\.png: must be at least 8x8 px, got 1x1"):
        make_recaptures(tmp_path / "photos", tmp_path / "out", RecaptureConfig(label="genuine"), workers=1)


def test_a_screen_may_end_inside_the_picture():
    placement = place_screen((100, 80), View(ratio=1.5, coverage=1.4))
    assert placement.raster_wh[0] < 100 / 1.5


class TestFolder:
    @pytest.fixture
    def photos(self, tmp_path, photo, write_rows):
        root = tmp_path / "photos"
        rows = []
        for number in range(3):
            for label in ("genuine", "recapture"):
                path = root / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.roll(photo, 20 * number, axis=1)).save(path)
                rows.append([f"{label}/{number}.png", f"author-{number}"])
        write_rows(root / "manifest.csv", ["path", "group"], *rows)
        return root

    def test_genuine_photos_come_copied_and_rephotographed(self, photos, tmp_path):
        out = tmp_path / "out"
        made = make_recaptures(photos, out, RecaptureConfig(rephoto=SMALL, per_photo=3), workers=1)
        assert (made.genuine, made.recaptures) == (6, 9)
        samples = read_manifest(out / "manifest.csv")
        assert {one.label for one in samples} == {"genuine", "recapture"}
        assert Counter(one.group for one in samples if one.label == "recapture") == {f"author-{n}": 3 for n in range(3)}
        assert {one.screen for one in samples if one.label == "recapture"} == set(SCREEN_OF)
        assert (out / "genuine" / "1.png").read_bytes() == (photos / "genuine" / "1.png").read_bytes()

    def test_every_parameter_is_in_the_manifest(self, photos, tmp_path):
        make_recaptures(photos, tmp_path / "out", RecaptureConfig(rephoto=SMALL), workers=1)
        with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8") as file:
            rows = {row["path"]: row for row in csv.DictReader(file)}
        row = rows["recapture/0.png.00.jpg"]
        noted = {name.removeprefix("note_") for name, value in row.items() if name.startswith("note_") and value}
        assert noted >= {
            "screen", "camera", "distance", "yaw_deg", "pitch_deg", "roll_deg", "focus_px", "exposure_ev", "glare",
            "jpeg", "coverage", "fill", "oversample", "reduced_by", "source",
        }  # fmt: skip
        assert row["note_screen"] == row["screen"] == "lcd-rgb"
        assert rows["genuine/0.png.scene.jpg"]["note_screen"] == ""

    def test_behind_a_screen_stands_another_photo_of_its_group(self, photos, tmp_path, write_rows):
        paths = [f"{label}/{number}.png" for number in range(3) for label in ("genuine", "recapture")]
        group = {"genuine/0.png": "a", "genuine/1.png": "a", "genuine/2.png": "b"}
        write_rows(photos / "manifest.csv", ["path", "group"], *([one, group.get(one, "c")] for one in paths))
        ranges = RephotoConfig(oversample=(1.2, 1.4), coverage=(1.5, 1.6), layouts=("whole",), room=1.0)
        config = RecaptureConfig(rephoto=ranges, screens=("ips-monitor",), genuine="copied")
        make_recaptures(photos, tmp_path / "rooms", config, workers=1)
        with (tmp_path / "rooms" / "manifest.csv").open(encoding="utf-8") as file:
            rooms = {row["note_source"]: row["note_room"] for row in csv.DictReader(file) if row["note_source"]}
        # The photo that is alone in its group has a wall.
        assert rooms == {"genuine/0.png": "genuine/1.png", "genuine/1.png": "genuine/0.png", "genuine/2.png": ""}
        # A screen that fills the picture hides what is behind it.
        config = replace(config, rephoto=replace(ranges, coverage=(0.5, 1.0)))
        make_recaptures(photos, tmp_path / "filled", config, workers=1)
        with (tmp_path / "filled" / "manifest.csv").open(encoding="utf-8") as file:
            assert {row["note_room"] for row in csv.DictReader(file)} == {""}

    def test_processes_and_stops_do_not_matter(self, photos, tmp_path):
        config = RecaptureConfig(rephoto=SMALL, screens=("crt", "print-offset"))
        make_recaptures(photos, tmp_path / "one", config, workers=1)
        make_recaptures(photos, tmp_path / "two", config, workers=2)
        (tmp_path / "two" / "recapture" / "1.png.00.jpg").unlink()
        make_recaptures(photos, tmp_path / "two", config, workers=1)
        digests = [
            {
                path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in root.rglob("*")
                if path.is_file()
            }
            for root in (tmp_path / "one", tmp_path / "two")
        ]
        assert digests[0] == digests[1]

    def test_no_genuine_photo(self, photo_folder, tmp_path):
        root = photo_folder(["cat/1.png", "dog/1.png"])
        with pytest.raises(DataError, match="--label"):
            make_recaptures(root, tmp_path / "out", RecaptureConfig(), workers=1)
        made = make_recaptures(root, tmp_path / "out", RecaptureConfig(label="cat", rephoto=SMALL), workers=1)
        assert made.recaptures == 1
