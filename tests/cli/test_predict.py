"""``edgekit predict`` of photos."""

from __future__ import annotations

import json
import sys

import pytest
from PIL import Image

from edgekit.cli.predict import _print_rows
from edgekit.runtime import Classifier
from edgekit.scoring.predictions import Prediction, RegionPrediction


def test_predict_prints_json_for_scripts_and_exit_2_for_a_bad_photo(edgekit_here, tmp_path, red_blue_file, plain_photo):
    Image.fromarray(plain_photo(0, 0, 255)).save(tmp_path / "blue.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8")
    code, out, _ = edgekit_here("predict", red_blue_file, tmp_path, "--json")
    rows = json.loads(out)
    assert code == 2
    assert [(row["label"], bool(row["error"])) for row in rows] == [("recapture", False), ("", True)]


def test_predict_tells_of_a_name_that_the_system_refuses(edgekit_here, red_blue_file):
    code, out, err = edgekit_here("predict", red_blue_file, "x" * 300, "--json")
    assert code == 2
    assert json.loads(out)[0]["error"].endswith("File name too long")
    assert "Traceback" not in err


def test_predict_shows_names_that_look_like_markup(edgekit_here, tmp_path, red_blue_file, plain_photo):
    Image.fromarray(plain_photo(0, 0, 255)).save(tmp_path / "[red]blue.png")
    code, out, _ = edgekit_here("predict", red_blue_file, tmp_path / "[red]blue.png")
    assert code == 0
    assert "[red]blue.png" in out


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_predict_shows_names_that_are_not_unicode(edgekit_here, tmp_path, red_blue_file, plain_photo):
    odd = tmp_path / "caf\udce9.png"
    Image.fromarray(plain_photo(0, 0, 255)).save(tmp_path / "plain.png")
    (tmp_path / "plain.png").rename(odd)
    code, out, _ = edgekit_here("predict", red_blue_file, odd, "--json")
    assert code == 0
    assert json.loads(out)[0]["photo"].endswith("caf\\udce9.png")


@pytest.fixture
def two_folders(tmp_path, plain_photo):
    for folder, name, colour in (("a", "1", (0, 0, 255)), ("a", "2", (255, 0, 0)), ("b", "3", (0, 0, 255))):
        (tmp_path / "photos" / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(plain_photo(*colour)).save(tmp_path / "photos" / folder / f"{name}.png")
    return tmp_path / "photos"


def test_predict_names_the_best_labels_and_counts_by_folder(edgekit_here, red_blue_file, two_folders):
    code, out, _ = edgekit_here("predict", red_blue_file, two_folders, "--top", 5)
    assert code == 0
    assert "most probable: recapture" in out
    # Two labels are all that it has.
    assert out.count("genuine") >= 3
    summary = out.partition("by folder")[2]
    assert "1 recapture, 1 genuine" in summary or "1 genuine, 1 recapture" in summary


def test_predict_writes_a_file_for_scripts(edgekit_here, red_blue_file, two_folders, tmp_path):
    out = tmp_path / "found.jsonl"
    code, told, err = edgekit_here("predict", red_blue_file, two_folders, "--top", 1, "--out", out, "--json")
    assert code == 0
    assert [(one["photos"], one["errors"]) for one in json.loads(told)] == [(2, 0), (1, 0)]
    assert f"wrote {out}: 3 photos" in err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [list(row["top"]) for row in rows] == [["recapture"], ["genuine"], ["recapture"]]
    (two_folders / "b" / "broken.jpg").write_bytes(b"\xff\xd8")
    assert edgekit_here("predict", red_blue_file, two_folders, "--out", out)[0] == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--out", "found.json"], ".csv or .jsonl", id="ending"),
        pytest.param(["--out", "found.csv", "--csv"], "one form of output", id="two forms"),
    ],
)
def test_predict_says_what_does_not_go_together(edgekit_here, red_blue_file, two_folders, options, said):
    code, _, err = edgekit_here("predict", red_blue_file, two_folders, *options)
    assert code == 2
    assert said in err


def test_predict_takes_a_folders_photos_by_what_they_are(edgekit_here, tmp_path, red_blue_file, plain_photo):
    Image.fromarray(plain_photo(0, 0, 255)).save(tmp_path / "blue", "PNG")
    Image.fromarray(plain_photo(255, 0, 0)).save(tmp_path / "red.JFIF", "JPEG")
    (tmp_path / "page.jpg").write_bytes(b"<!DOCTYPE html><html>404 Not Found")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "raw.dng").touch()
    code, out, err = edgekit_here("predict", red_blue_file, tmp_path, "--json")
    rows = json.loads(out)
    assert code == 2
    assert [row["label"] for row in rows] == ["recapture", "", "genuine"]
    assert rows[1]["error"].endswith("picture: it is an HTML page; download the photo itself again")
    assert "passed over: 1 .dng (raw: export as JPEG), 1 .txt" in " ".join(err.split())


class TestHowAFolderIsRead:
    def test_predict_says_the_classes_that_its_owner_means(self, edgekit_here, red_blue_file, two_folders):
        code, _, err = edgekit_here("predict", red_blue_file, two_folders.parent, "--folders", "-/label", "--json")
        assert code == 0
        assert "a 2, b 1" in err

    def test_predict_reads_a_table(self, edgekit_here, red_blue_file, two_folders):
        (two_folders / "names.csv").write_text("image_id,what\na/1.png,screen\na/2.png,shelf\nb/3.png,screen\n")
        code, _, err = edgekit_here(
            "predict", red_blue_file, two_folders, "--columns", "path=image_id,label=what", "--json"
        )
        assert code == 0
        assert "screen 2, shelf 1" in err

    @pytest.mark.parametrize(
        ("folder", "options", "said"),
        [
            pytest.param(".", ("--folders", "group/label/label"), "label", id="twice"),
            pytest.param(".", ("--columns", "path=nope,label=what"), "nope", id="no-such-column"),
            pytest.param("a/1.png", ("--folders", "label"), "got photos alone", id="no-folder"),
        ],
    )
    def test_predict_refuses_what_does_not_fit(self, edgekit_here, red_blue_file, two_folders, folder, options, said):
        (two_folders / "names.csv").write_text("image_id,what\na/1.png,screen\na/2.png,shelf\nb/3.png,screen\n")
        code, _, err = edgekit_here("predict", red_blue_file, two_folders / folder, *options)
        assert code == 2
        assert said in err
        assert "Traceback" not in err


def test_a_shipped_model_is_named_by_an_option_or_first(edgekit_here, tmp_path, plain_photo):
    Image.fromarray(plain_photo(0, 0, 255)).save(tmp_path / "blue.png")
    code, out, _ = edgekit_here("predict", "--model", "imagenet", tmp_path / "blue.png", "--top", 5, "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert (len(row["top"]), row["crops"]) == (5, 1)
    code, out, _ = edgekit_here("predict", "imagenet-lite0", tmp_path / "blue.png", "--top", 5, "--json")
    assert (code, json.loads(out)[0]["top"]) == (0, row["top"])


def test_an_option_takes_a_file_too(edgekit_here, tmp_path, plain_photo, red_blue_file):
    Image.fromarray(plain_photo(0, 0, 255)).save(tmp_path / "blue.png")
    code, out, _ = edgekit_here("predict", "--model", red_blue_file, tmp_path / "blue.png", "--json")
    assert (code, json.loads(out)[0]["label"]) == (0, "recapture")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "a model is needed first", id="none"),
        pytest.param(("--model", "imagnet", "photo.jpg"), "did you mean 'imagenet'?", id="typo"),
        pytest.param(("--model", "zebra", "photo.jpg"), "one that ships (", id="unknown"),
        pytest.param(("--model", "../imagenet-lite0", "photo.jpg"), "../imagenet-lite0", id="path"),
        pytest.param(("--model", "imagenet"), "name photos or one of", id="no-photos"),
    ],
)
def test_predict_says_which_model_there_is(edgekit_here, arguments, message):
    code, out, err = edgekit_here("predict", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.fixture
def faces(tmp_path, marked_photo):
    """Photos with two marks, one and none, of a model that takes them for faces."""
    drawn = {"both": [(2, 1, (255, 0, 0)), (5, 6, (0, 0, 255))], "one": [(4, 4, (0, 0, 255))], "none": []}
    (tmp_path / "photos").mkdir()
    for name, marks in drawn.items():
        Image.fromarray(marked_photo(*marks)).save(tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


def test_faces_have_an_answer_each(edgekit_here, marks_file, faces):
    code, out, _ = edgekit_here("predict", marks_file, faces, "--json")
    rows = {row["photo"].rpartition("/")[2]: row for row in json.loads(out)}
    assert code == 0
    assert [row["label"] for row in rows.values()] == ["genuine, recapture", "no face", "recapture"]
    assert [(one["box"], one["label"]) for one in rows["both.png"]["regions"]] == [
        ([120, 56, 200, 136], "genuine"), ([312, 376, 392, 456], "recapture"),
    ]  # fmt: skip
    assert rows["none.png"]["regions"] == []
    assert rows["one.png"]["probabilities"] is None
    code, out, _ = edgekit_here("predict", marks_file, faces)
    assert code == 0
    assert "3 photos: 1 genuine, 1 no face, 2 recapture" in out
    assert "80x80 at 120,56" in out


def test_faces_as_csv_have_a_line_each(edgekit_here, marks_file, faces, tmp_path):
    code, out, _ = edgekit_here("predict", marks_file, faces, "--csv", "--top", 1)
    lines = [line.split(",") for line in out.splitlines()]
    assert code == 0
    assert lines[0] == [
        *("photo", "label", "score", "crops", "ms", "error", "left", "top", "right", "bottom", "detected"),
        *("top1", "probability1"),
    ]  # fmt: skip
    assert [(line[1], line[6:10], len(line)) for line in lines[1:]] == [
        ("genuine", ["120", "56", "200", "136"], 13), ("recapture", ["312", "376", "392", "456"], 13),
        ("no face", [""] * 4, 13), ("recapture", ["248", "248", "328", "328"], 13),
    ]  # fmt: skip
    code, *_ = edgekit_here("predict", marks_file, faces, "--out", tmp_path / "out.csv", "--top", 1)
    assert code == 0
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == len(lines)


def test_a_folder_for_drawings_is_checked_before_any_work(edgekit_here, marks_file, faces, monkeypatch):
    monkeypatch.setattr(Classifier, "load", lambda *_, **__: pytest.fail("the model was loaded"))
    code, _, err = edgekit_here("predict", marks_file, faces, "--draw", faces)
    assert code == 2
    assert "--draw must name a new or an empty folder for photos" in err


def test_a_faces_verdict_stands_beside_its_most_probable_labels(capsys):
    region = RegionPrediction(
        box=(0, 0, 80, 80),
        detected=0.9,
        label="retake",
        score=0.6,
        probabilities={"genuine": 0.4, "recapture": 0.6},
        top={"recapture": 0.6, "genuine": 0.4},
        crops=5,
    )
    rows = [Prediction(photo="a.jpg", label="retake", regions=(region,)), Prediction(photo="b.jpg", error="no picture")]
    _print_rows(rows)
    said = " ".join(capsys.readouterr().out.split())
    assert "label: retake" in said
    assert "recapture 60.0 %" in said
    assert "most probable" in said


def test_faces_are_drawn_with_their_names(edgekit_here, marks_file, faces, tmp_path):
    code, out, err = edgekit_here("predict", marks_file, faces, "--draw", tmp_path / "drawn")
    assert code == 0
    assert "wrote 3 pictures" in err
    assert "80x80 at 120,56" in out
    with Image.open(tmp_path / "drawn" / "both.jpg") as drawn:
        both = drawn.convert("RGB")
    # The box's edges are green for genuine and red for an attack, and so is the band above.
    for place, strongest in (((120, 100), 1), ((312, 420), 0), ((125, 50), 1)):
        pixel = both.getpixel(place)
        assert max(range(3), key=pixel.__getitem__) == strongest
    code, out, err = edgekit_here("predict", marks_file, faces, "--draw", tmp_path / "drawn")
    assert (code, out) == (2, "")
    assert "--draw must name a new or an empty folder for photos" in err


def test_whole_photos_are_drawn_with_their_crops(edgekit_here, red_blue_file, faces, tmp_path):
    code, *_ = edgekit_here("predict", red_blue_file, faces / "one.png", "--draw", tmp_path / "drawn")
    assert code == 0
    with Image.open(tmp_path / "drawn" / "one.jpg") as drawn:
        assert drawn.size == (512, 512)


def test_drawing_goes_with_what_is_printed(edgekit_here, marks_file, faces, tmp_path):
    code, _, err = edgekit_here("predict", marks_file, faces, "--draw", tmp_path / "a", "--out", tmp_path / "b.csv")
    assert code == 2
    assert "--draw goes with what is printed, got --out" in err


def test_the_unknown_score_is_told_whatever_the_answer(edgekit_here, unknown_file, red_blue_file, tmp_path):
    for name, colour in (("red", (255, 0, 0)), ("grey", (90, 90, 90))):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{name}.png")
    photos = [tmp_path / "red.png", tmp_path / "grey.png"]
    code, out, _ = edgekit_here("predict", unknown_file, *photos, "--json")
    red, grey = json.loads(out)
    assert (code, red["label"], grey["label"]) == (0, "red", "unknown")
    assert red["unknown"] == pytest.approx(0.182, abs=0.001)
    assert grey["unknown"] == grey["score"] > 0.9
    _, out, _ = edgekit_here("predict", red_blue_file, *photos, "--json")
    assert [row["unknown"] for row in json.loads(out)] == [None, None]
