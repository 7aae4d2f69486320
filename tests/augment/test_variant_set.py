import csv
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.augment.options import PRESETS, VariantsConfig
from edgekit.augment.variant_set import augment_photos, preview_variants, variant_of
from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError

SAFE = VariantsConfig(options=PRESETS["recapture-safe"], variants=3, encoding="png")


@pytest.fixture
def photos(photo_folder, write_rows):
    root = photo_folder(["a/1.png", "a/2.jpg", "b/1.png", "b/2.png"])
    write_rows(
        root / "manifest.csv",
        ["path", "group", "split"],
        ["a/1.png", "ann", "train"],
        ["a/2.jpg", "bob", "test"],
        ["b/1.png", "ann", "train"],
        ["b/2.png", "bob", "val"],
    )
    return root


def _content(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


class TestFiles:
    def test_only_training_photos_are_varied(self, photos, tmp_path):
        made = augment_photos(photos, tmp_path / "out", SAFE, workers=1)
        assert (made.photos, made.variants) == (4, 6)
        samples = read_manifest(tmp_path / "out" / "manifest.csv")
        assert {one.split for one in samples if ".v0" in one.path} == {"train"}
        for one in samples:
            assert (tmp_path / "out" / one.path).is_file()

    def test_unless_asked(self, photos, tmp_path):
        config = VariantsConfig(options=SAFE.options, variants=2, test_too=True)
        assert augment_photos(photos, tmp_path / "out", config, workers=1).variants == 8

    def test_groups_and_labels_are_those_of_the_photo(self, photos, tmp_path):
        augment_photos(photos, tmp_path / "out", SAFE, workers=1)
        known = {one.path: one for one in read_manifest(tmp_path / "out" / "manifest.csv")}
        for path, one in known.items():
            source = known[path.partition(".v0")[0]]
            assert (one.group, one.label, one.split) == (source.group, source.label, source.split)

    def test_without_groups_each_photo_is_one(self, photo_folder, tmp_path):
        augment_photos(photo_folder(["a/1.png", "b/2.png"]), tmp_path / "out", SAFE, workers=1)
        groups = {one.group for one in read_manifest(tmp_path / "out" / "manifest.csv")}
        assert groups == {"a/1.png", "b/2.png"}

    def test_the_manifest_has_what_was_drawn(self, photos, tmp_path):
        augment_photos(photos, tmp_path / "out", SAFE, workers=1)
        with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8") as file:
            row = next(row for row in csv.DictReader(file) if row["path"] == "a/1.png.v001.png")
        drawn = variant_of("a/1.png", 1, SAFE)
        assert float(row["note_exposure_ev"]) == pytest.approx(drawn.exposure_ev, rel=1e-3)
        assert row["note_source"] == "a/1.png"

    def test_originals_are_copied_to_the_byte_and_left_alone(self, photos, tmp_path):
        before = _content(photos)
        augment_photos(photos, tmp_path / "out", SAFE, workers=1)
        assert _content(photos) == before
        assert (tmp_path / "out" / "a" / "2.jpg").read_bytes() == before["a/2.jpg"]

    def test_processes_and_stops_do_not_matter(self, photos, tmp_path):
        augment_photos(photos, tmp_path / "one", SAFE, workers=1)
        augment_photos(photos, tmp_path / "two", SAFE, workers=2)
        for name in ("a/1.png.v002.png", "b/1.png", "manifest.csv"):
            (tmp_path / "two" / name).unlink()
        augment_photos(photos, tmp_path / "two", SAFE, workers=1)
        assert _content(tmp_path / "one") == _content(tmp_path / "two")

    def test_adding_a_photo_changes_no_other(self, photo_folder, write_photo, tmp_path):
        root = photo_folder(["a/1.png", "b/2.png"])
        augment_photos(root, tmp_path / "one", SAFE, workers=1)
        write_photo(root / "a" / "0.png", seed=9)
        augment_photos(root, tmp_path / "two", SAFE, workers=1)
        one, two = (hashlib.sha256((tmp_path / name / "a/1.png.v000.png").read_bytes()) for name in ("one", "two"))
        assert one.digest() == two.digest()

    def test_a_damaged_photo_is_named(self, photos, tmp_path):
        (photos / "a" / "1.png").write_bytes(b"no picture")
        with pytest.raises(DataError, match=r"got 1 of 4 that are not:\n  a/1\.png"):
            augment_photos(photos, tmp_path / "out", SAFE, workers=1)

    @pytest.mark.parametrize("variants", [0, 1001])
    def test_bounds(self, variants):
        with pytest.raises(DataError, match="variants"):
            VariantsConfig(variants=variants)


def test_the_preview_shows_the_photo_and_ten_variants(photo_folder):
    photo = photo_folder(["a/1.png"]) / "a" / "1.png"
    sheet = preview_variants(photo, VariantsConfig())
    pixels = np.asarray(sheet)
    rows, columns = 3, 4
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    shown = [
        bool((pixels[row * height + 4 : row * height + 16, column * width + 4 : column * width + 20] < 255).any())
        for row in range(rows)
        for column in range(columns)
    ]
    assert shown == [True] * 11 + [False]
    with Image.open(photo) as original:
        np.testing.assert_array_equal(pixels[4:16, 4:20], np.asarray(original))


def test_a_photo_too_long_for_a_warp_is_named(photo_folder, tmp_path):
    root = photo_folder(["a/1.png", "b/2.png"])
    Image.new("RGB", (40000, 8)).save(root / "a" / "long.jpg")
    with pytest.raises(
        DataError, match=r"a/long\.jpg: a photo must have sides of at most 32766 px to be varied, got 40000x8; save it"
    ):
        augment_photos(root, tmp_path / "out", replace(SAFE, options=PRESETS["mild"]), workers=1)
