"""``edgekit explain`` of photos."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from PIL import Image


@pytest.fixture
def blue(tmp_path, plain_photo):
    path = tmp_path / "blue.png"
    Image.fromarray(plain_photo(0, 0, 255)).save(path)
    return path


def test_it_says_what_it_wrote(edgekit_here, tmp_path, red_blue_file, blue):
    code, out, err = edgekit_here("explain", red_blue_file, blue, "--cells", 9, "--out", tmp_path / "why")
    assert code == 0
    assert "what the answers rest on" in out
    assert "recapture" in out
    assert f"wrote {tmp_path / 'why'}: blue.png, each with its record" in err
    code, out, _ = edgekit_here(
        "explain", red_blue_file, blue, "--label", "genuine", "--cover", "mean", "--out", tmp_path / "why", "--json"
    )
    assert [(one["answer"], one["label"]) for one in json.loads(out)] == [("recapture", "genuine")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "a model and a photo are needed", id="nothing"),
        pytest.param(["{model}"], "a model and a photo are needed", id="no-photo"),
        pytest.param(["{model}", "{folder}"], "got the folder", id="folder"),
        pytest.param(["{model}", "{folder}/none.jpg"], "no such file", id="absent"),
        pytest.param(["{model}", "{photo}", "--label", "genuin"], "did you mean 'genuine'?", id="label"),
        pytest.param(["{model}", "--mistakes", "{folder}"], "--mistakes and --data go together", id="no-data"),
        pytest.param(["{model}", "{photo}", "--data", "{folder}"], "go together", id="no-mistakes"),
        pytest.param(
            ["{model}", "{photo}", "--mistakes", "{folder}", "--data", "{folder}"], "leave photos out", id="both"
        ),
        pytest.param(
            ["{model}", "--mistakes", "{folder}", "--data", "{folder}"],
            "must lie outside the photos' folder",
            id="among",
        ),
        pytest.param(["{model}", "{photo}", "--gradcam"], "name the run's folder", id="gradcam"),
        pytest.param(["{folder}", "{photo}"], "holds no finished float stage", id="no-run"),
        pytest.param(["{model}", "{photo}", "--cells", "4"], "--cells must be 9 to 2500, got 4", id="cells"),
    ],
)
def test_mistakes_are_told(edgekit_here, tmp_path, red_blue_file, blue, arguments, message):
    given = [one.format(model=red_blue_file, photo=blue, folder=tmp_path) for one in arguments]
    code, out, err = edgekit_here("explain", *given, "--out", tmp_path / "why")
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert not (tmp_path / "why" / "blue.png").exists()


@pytest.fixture
def run_of_regions(tmp_path, monkeypatch, marks):
    """A folder that says it holds a run of regions."""
    folder = tmp_path / "who"
    folder.mkdir()
    (folder / "who-int8.tflite").touch()
    told = SimpleNamespace(config=SimpleNamespace(regions=marks.contract.regions))
    monkeypatch.setattr("edgekit.train.record.RunFolder.read", lambda self, stage: told)
    return folder


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("marks_file", ["{photo}"]),
        ("run_of_regions", ["{photo}"]),
        ("run_of_regions", ["--probes", "--data", "{photos}"]),
        ("run_of_regions", ["--int8"]),
    ],
)
def test_models_of_regions_are_refused(request, edgekit_here, tmp_path, blue, photos, model, what):
    if what[0] == "--probes":
        pytest.importorskip("cv2", reason="needs the video extra")
        pytest.importorskip("matplotlib")
    given = [one.format(photo=blue, photos=photos) for one in what]
    code, out, err = edgekit_here("explain", request.getfixturevalue(model), *given, "--out", tmp_path / "why")
    assert (code, out) == (2, "")
    assert "got a model that answers for regions of it; name a model of whole photos" in " ".join(err.split())
    assert not (tmp_path / "why").exists()


@pytest.fixture
def probing():
    pytest.importorskip("cv2", reason="needs the video extra")
    pytest.importorskip("matplotlib")


def test_probes_are_told_drawn_and_kept(edgekit_here, probing, tmp_path, model, photos):
    given = ("explain", model, "--probes", "--data", photos, "--split", "all", "--out", tmp_path / "why")
    code, out, err = edgekit_here(*given, "--per-class", 3, "--mask", "0.1,0.1,0.4,0.4")
    assert code == 0
    for said in ("grey", "JPEG 30", "border alone", "overlaid 50 %", "mask", "the colour? "):
        assert said in out
    assert "what takes most from each class" in out
    # Photos of one colour have no thing before a background.
    assert "background replaced: 6 photos left out, where OpenCV" in err
    assert f"wrote {tmp_path / 'why' / 'probes.json'} and probes.png" in err
    with Image.open(tmp_path / "why" / "probes.png") as picture:
        assert picture.width > 800
    code, out, _ = edgekit_here(*given, "--per-class", 3, "--json")
    assert json.loads(out)["photos"] == 6
    assert json.loads(out) == json.loads((tmp_path / "why" / "probes.json").read_text())


@pytest.fixture
def marked(tmp_path, marked_photo, marks):
    """A folder of photos, a mark in each but one, and the file of what finds marks beside it."""
    for label, colour in (("genuine", (255, 0, 0)), ("recapture", (0, 0, 255))):
        (tmp_path / "marked" / label).mkdir(parents=True)
        for number in range(3):
            photo = Image.fromarray(marked_photo((number, 2, colour)))
            photo.save(tmp_path / "marked" / label / f"{number}.png")
    Image.fromarray(marked_photo()).save(tmp_path / "marked" / "genuine" / "none.png")
    (tmp_path / "own.tflite").write_bytes(marks.detector)
    return tmp_path / "marked"


def test_what_a_detector_finds_is_covered(edgekit_here, probing, tmp_path, red_blue_file, marked):
    code, out, err = edgekit_here(
        *("explain", red_blue_file, "--probes", "--data", marked, "--split", "all", "--out", tmp_path / "why"),
        *("--mask", "faces", "--detector", tmp_path / "own.tflite"),
    )
    assert code == 0
    assert "all but faces" in out
    assert "what lies around the regions? " in out
    assert "faces: 1 photo left out, which have no faces" in " ".join(err.split())


def test_regions_are_probed_in_place_of_photos(edgekit_here, probing, tmp_path, marks_file, marked):
    given = ("explain", marks_file, "--probes", "--data", marked, "--split", "all", "--out", tmp_path / "why")
    code, out, err = edgekit_here(*given, "--mask", "faces", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["photos"], told["mask"]) == (6, "faces")
    assert told["without_region"] == {"none": ["genuine/none.png"], "several": []}
    assert "1 photo with no face left out: genuine/none.png" in " ".join(err.split())
    code, _, err = edgekit_here(*given, "--mask", "faces", "--detector", tmp_path / "own.tflite")
    assert code == 2
    assert "a model of faces brings its own detector" in " ".join(err.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["{model}", "--probes"], "needs a model and its photos", id="no-data"),
        pytest.param(["{model}", "{photo}", "--probes", "--data", "{folder}"], "needs a model and its", id="a-photo"),
        pytest.param(["{model}", "--probes", "--data", "{folder}/none"], "none", id="absent"),
        pytest.param(["{model}", "--probes", "--data", "{folder}", "--mask", "1,2"], "x,y,w,h", id="mask"),
        pytest.param(
            ["{model}", "--probes", "--data", "{folder}", "--detector", "back"],
            "--detector goes with --mask faces, got --mask none",
            id="detector",
        ),
        pytest.param(["{model}", "--probes", "--data", "{folder}", "--fine"], "--fine belongs to a photo", id="fine"),
        pytest.param(
            ["{model}", "--probes", "--data", "{folder}", "--cover", "mean"], "--cover says what --mask", id="cover"
        ),
        pytest.param(["{model}", "{photo}", "--mask", "1,1,2,2"], "--mask belongs to --probes", id="no-probes"),
    ],
)
def test_mistakes_of_probes_are_told(edgekit_here, probing, tmp_path, red_blue_file, blue, arguments, message):
    given = [one.format(model=red_blue_file, photo=blue, folder=tmp_path) for one in arguments]
    code, out, err = edgekit_here("explain", *given, "--out", tmp_path.parent / "why")
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
