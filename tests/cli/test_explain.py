"""``edgekit explain`` of photos."""

from __future__ import annotations

import json

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
        pytest.param(["{model}", "{photo}", "--gradcam"], "name the run's folder", id="gradcam"),
        pytest.param(["{folder}", "{photo}"], "holds no finished float stage", id="no-run", marks=pytest.mark.host),
        pytest.param(["{model}", "{photo}", "--cells", "4"], "--cells must be 9 to 2500, got 4", id="cells"),
    ],
)
def test_mistakes_are_told(edgekit_here, tmp_path, red_blue_file, blue, arguments, message):
    given = [one.format(model=red_blue_file, photo=blue, folder=tmp_path) for one in arguments]
    code, out, err = edgekit_here("explain", *given, "--out", tmp_path / "why")
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert not (tmp_path / "why" / "blue.png").exists()
