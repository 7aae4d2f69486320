import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edgekit.augment.options import PRESETS
from edgekit.cli import app
from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError, EdgekitError
from edgekit.records import plain

pytest.importorskip("cv2", reason="needs OpenCV")


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for number in range(4):
        path = root / ("genuine" if number % 2 else "recapture") / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return root


@pytest.fixture
def data():
    """``data("crops", …)``: the command in this process; errors of users are raised."""

    def run(*arguments):
        result = CliRunner().invoke(app, ["data", *map(str, arguments)])
        if isinstance(result.exception, EdgekitError):
            raise result.exception
        return result

    return run


class TestAugment:
    def test_writes_a_set(self, data, photos, tmp_path):
        result = data("augment", photos, tmp_path / "out", "--variants", 2, "--workers", 1, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout) == {"photos": 4, "variants": 8}
        assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 12

    def test_what_resamples_nothing_is_kept_without_loss(self, data, photos, tmp_path):
        out = tmp_path / "out"
        data("augment", photos, out, "--preset", "recapture-safe", "--variants", 1, "--workers", 1)
        assert len(list(out.rglob("*.png"))) == 4

    def test_options_change_the_preset(self, data, photos, tmp_path):
        out = tmp_path / "out"
        changes = ("--preset", "antispoof", "--rotation", 5, "--no-horizontal-flip")
        data("augment", photos, out, *changes, "--variants", 1, "--workers", 1)
        options = json.loads((out / "augment.json").read_text())["config"]["options"]
        assert (options["rotation_deg"], options["horizontal_flip"], options["zoom"]) == (5, False, 0.2)

    @pytest.mark.parametrize(
        ("classes", "preset"), [(("recapture", "genuine"), "recapture-safe"), (("b", "d"), "mild")]
    )
    def test_the_classes_choose_where_nobody_does(self, data, photos, tmp_path, classes, preset):
        for old, new in zip(("recapture", "genuine"), classes, strict=True):
            (photos / old).rename(photos / new)
        result = data("augment", photos, tmp_path / "out", "--variants", 1, "--workers", 1)
        assert f"preset {preset}, by the classes" in result.stderr
        options = json.loads((tmp_path / "out" / "augment.json").read_text())["config"]["options"]
        assert options == plain(PRESETS[preset])

    def test_preview(self, data, photos, tmp_path):
        assert data("augment", photos / "genuine" / "1.jpg", "--preview", tmp_path / "sheet.png").exit_code == 0
        with Image.open(tmp_path / "sheet.png") as sheet:
            assert sheet.format == "PNG"

    def test_help_says_why_blur_is_dangerous(self, data):
        text = " ".join(data("augment", "--help").stdout.split())
        assert "erases the moiré" in text
        assert "recapture-safe" in text

    def test_no_folder_and_no_preview(self, data, photos):
        with pytest.raises(EdgekitError, match="--preview"):
            data("augment", photos)

    def test_both(self, data, photos, tmp_path):
        with pytest.raises(EdgekitError, match="leave it out"):
            data("augment", photos / "genuine" / "1.jpg", tmp_path / "out", "--preview", tmp_path / "a.png")

    def test_out_of_range(self, data, photos, tmp_path):
        with pytest.raises(EdgekitError, match="zoom must lie in 0 to"):
            data("augment", photos, tmp_path / "out", "--zoom", 3)


class TestCrops:
    def test_a_folder_by_default(self, data, photos, tmp_path):
        result = data("crops", photos, tmp_path / "out", "--workers", 1, "--json")
        assert json.loads(result.stdout)["crops"] == 40
        with Image.open(next((tmp_path / "out" / "genuine").iterdir())) as crop:
            assert crop.size == (40, 40)

    def test_records_of_a_model_s_plan(self, data, photos, tmp_path):
        result = data(
            "crops", photos, tmp_path / "out", "--plan", "full:native,1/4", "--side", 32, "--crops", 3,
            "--into", "tfrecord", "--preset", "antispoof", "--variants", 1, "--workers", 1,
        )  # fmt: skip
        assert result.exit_code == 0
        assert len(list((tmp_path / "out").glob("*.tfrecord"))) == 1

    def test_native_crops_need_a_side(self, data, photos, tmp_path):
        with pytest.raises(EdgekitError, match="native"):
            data("crops", photos, tmp_path / "out", "--plan", "native")


class TestRecapture:
    def test_writes_a_set(self, data, photos, tmp_path):
        result = data(
            "recapture", photos, tmp_path / "out", "--screen", "crt,print-offset", "--glare", "0:0.5", "--jpeg", "90",
            "--oversample", "1:1.2", "--workers", 1, "--json",
        )  # fmt: skip
        assert json.loads(result.stdout) == {"genuine": 4, "recaptures": 2}
        rows = read_manifest(tmp_path / "out" / "manifest.csv")
        assert {one.screen for one in rows if one.label == "recapture"} == {"crt", "print-offset"}

    @pytest.mark.parametrize("given", ["much", "0.5:0.1", "1:2:3"])
    def test_ranges(self, data, photos, tmp_path, given):
        with pytest.raises(EdgekitError, match="glare"):
            data("recapture", photos, tmp_path / "out", "--glare", given)

    def test_unknown_screen(self, data, photos, tmp_path):
        with pytest.raises(EdgekitError, match="oled-pentile"):
            data("recapture", photos, tmp_path / "out", "--screen", "plasma")

    def test_preview(self, data, photos, tmp_path):
        one, sheet = photos / "genuine" / "1.jpg", tmp_path / "sheet.png"
        assert data("recapture", one, "--preview", sheet, "--screen", "oled-pentile", "--hand", 1).exit_code == 0
        with Image.open(sheet) as drawn:
            assert drawn.format == "PNG"
        with pytest.raises(EdgekitError, match="leave it out"):
            data("recapture", one, tmp_path / "out", "--preview", sheet)
        with pytest.raises(EdgekitError, match="--preview"):
            data("recapture", photos)
        with pytest.raises(EdgekitError, match="hand must be a share"):
            data("recapture", photos, tmp_path / "out", "--hand", 1.5)


class TestPhotosThatCanNotBeUsed:
    """They are told all at once, before the first file is made, or left out and counted."""

    MAKERS = (
        pytest.param(("augment", "--preset", "recapture-safe", "--variants", "1"), id="augment"),
        pytest.param(("crops", "--crops", "2"), id="crops"),
        pytest.param(("crops", "--crops", "2", "--into", "tfrecord"), id="crops-as-shards"),
        pytest.param(("recapture", "--screen", "crt", "--genuine", "copied"), id="recapture"),
    )

    @pytest.fixture
    def damaged(self, tmp_path):
        """Four photos of a class, two of them of one no picture."""
        root = tmp_path / "photos"
        for label, colour in (("genuine", (200, 30, 30)), ("recapture", (30, 30, 200))):
            (root / label).mkdir(parents=True)
            for number in range(4):
                Image.new("RGB", (320, 240), colour).save(root / label / f"{number}.png")
        (root / "genuine" / "1.png").write_bytes(b"<html>")
        whole = (root / "genuine" / "2.png").read_bytes()
        (root / "genuine" / "2.png").write_bytes(whole[: len(whole) // 2])
        return root

    @pytest.mark.parametrize("words", MAKERS)
    def test_are_told_together(self, data, damaged, tmp_path, words):
        with pytest.raises(
            DataError, match=r"(?s)got 2 of [48] that are not.*genuine/1\.png.*genuine/2\.png.*--skip-bad"
        ):
            data(words[0], damaged, tmp_path / "out", *words[1:], "--workers", 1)
        assert not list((tmp_path / "out").rglob("*.png"))

    @pytest.mark.parametrize("words", MAKERS)
    def test_are_left_out_and_counted(self, data, damaged, tmp_path, words):
        out, more = tmp_path / "out", [*words[1:], "--workers", 1, "--skip-bad", "--json"]
        ran = data(words[0], damaged, out, *more)
        assert ran.exit_code == 0, ran.output
        assert "left out 2 of " in ran.stderr
        made = json.loads(ran.stdout)
        expected = {"augment": ("photos", 6), "crops": ("photos", 6), "recapture": ("genuine", 2)}
        name, number = expected[words[0]]
        assert made[name] == number
        if "tfrecord" not in words:
            listed = (out / "manifest.csv").read_text()
            assert "genuine/0.png" in listed
            assert "genuine/1.png" not in listed
            assert all((out / row.split(",")[0]).is_file() for row in listed.splitlines()[1:])
        # A re-run knows them, and without the option refuses them again.
        assert data(words[0], damaged, out, *more).stdout == ran.stdout
        with pytest.raises(DataError, match=r"got 2 of [48]"):
            data(words[0], damaged, out, *words[1:], "--workers", 1)
