"""``edgekit adopt``, and that every command takes what it wrote."""

from __future__ import annotations

import json

import pytest
from fixtures.foreign import Kind, build, with_metadata

from edgekit.runtime import read_bundle


@pytest.fixture
def foreign_file(tmp_path):
    """A float model of three colours as somebody exports it, without a word inside."""
    path = tmp_path / "foreign.tflite"
    path.write_bytes(build(Kind(signature=(-1, 8, 8, 3), labels=2)))
    return path


@pytest.fixture
def labels_file(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("0 genuine\n1 recapture\n")
    return path


@pytest.fixture
def adopted_file(edgekit_here, tmp_path, foreign_file, labels_file, photos):
    out = tmp_path / "adopted.tflite"
    code, _, err = edgekit_here(
        "adopt", foreign_file, "--labels", labels_file, "--mean", 0, "--std", 255, "--photos", photos, "--out", out
    )
    assert code == 0, err
    return out


def test_what_was_done_is_told(edgekit_here, tmp_path, foreign_file, labels_file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    out = tmp_path / "adopted.tflite"
    command = ("adopt", foreign_file, "--labels", labels_file, "--mean", "0", "--std", "255", "--out", out)
    code, shown, err = edgekit_here(*command)
    assert code == 0
    assert "bytes are normalised inside: (byte - 0) / 255" in shown
    assert "16 photos, drawn ones for want of --photos: a probability differs by at most" in shown
    assert f"wrote {out}" in err
    assert read_bundle(out).contract.labels == ("genuine", "recapture")
    assert edgekit_here(*command)[0] == 2
    code, shown, err = edgekit_here(*command, "--overwrite", "--json")
    assert json.loads(shown)["comparison"]["generated"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--mean", "a", "--std", "1"), "numbers with commas between", id="no-number"),
        pytest.param(("--mean", "1"), "--mean and --std go together", id="mean-alone"),
        pytest.param((), "name what the model was trained with", id="silent"),
        pytest.param(("--mean", "0", "--std", "255", "--bona-fide", "x"), "bona fide label must be one of", id="label"),
    ],
)
def test_mistakes_end_with_2_and_leave_no_file(edgekit_here, tmp_path, foreign_file, labels_file, arguments, message):
    out = tmp_path / "adopted.tflite"
    code, _, err = edgekit_here("adopt", foreign_file, "--labels", labels_file, "--out", out, *arguments)
    assert code == 2
    assert message in err
    assert not out.exists()


def test_the_model_is_not_replaced(edgekit_here, foreign_file):
    before = foreign_file.read_bytes()
    code, _, err = edgekit_here("adopt", foreign_file, "--out", foreign_file, "--overwrite")
    assert (code, foreign_file.read_bytes()) == (2, before)
    assert "must not replace" in err


AFTERWARDS = {
    "predict": lambda model, photos, out: ("predict", model, photos / "genuine", "--json"),
    "predict-crops": lambda model, photos, out: ("predict", model, photos / "genuine", "--crops", "3"),
    "info": lambda model, photos, out: ("info", model, "--json"),
    "evaluate": lambda model, photos, out: ("evaluate", model, "--data", photos, "--out", out),
    "threshold": lambda model, photos, out: (
        *("evaluate", model, "--data", photos, "--target", "eer", "--split", "val", "--write", out / "tuned.tflite"),
    ),
    "tune": lambda model, photos, out: ("tune", model, "--data", photos, "--write", out / "tuned.tflite"),
    "tta": lambda model, photos, out: ("tta", model, "--data", photos, "--crops", "1,2", "--out", out),
    "bench": lambda model, photos, out: (
        *("bench", model, "--data", photos, "--crops", "1,2", "--repeats", "1", "--out", out / "b.json"),
    ),
}


@pytest.mark.parametrize("command", AFTERWARDS)
def test_every_command_takes_an_adopted_model(edgekit_here, tmp_path, photos, adopted_file, command):
    out = tmp_path / "out"
    out.mkdir()
    code, _, err = edgekit_here(*AFTERWARDS[command](adopted_file, photos, out))
    assert code == 0, err


def test_a_report_is_made_of_an_adopted_model_and_its_evaluation(edgekit_here, tmp_path, photos, adopted_file):
    assert edgekit_here("evaluate", adopted_file, "--data", photos, "--out", tmp_path)[0] == 0
    page = tmp_path / "report.html"
    code, _, err = edgekit_here("report", adopted_file, tmp_path / "evaluate.json", "--data", photos, "--out", page)
    assert code == 0, err
    assert "adopted from" in page.read_text(encoding="utf-8")
    assert "foreign.tflite, SHA-256" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("predict", "MODEL", "PHOTOS"), id="predict"),
        pytest.param(("evaluate", "MODEL", "--data", "PHOTOS"), id="evaluate"),
        pytest.param(("tta", "MODEL", "--data", "PHOTOS", "--out", "OUT"), id="tta"),
        pytest.param(("bench", "MODEL", "--data", "PHOTOS"), id="bench"),
        pytest.param(("tune", "MODEL", "--data", "PHOTOS"), id="tune"),
    ],
)
@pytest.mark.parametrize("archive", [pytest.param(True, id="with-labels-inside"), pytest.param(False, id="plain")])
def test_every_command_names_the_way_for_a_model_that_others_made(
    edgekit_here, tmp_path, foreign_file, photos, arguments, archive
):
    if archive:
        foreign_file.write_bytes(with_metadata(foreign_file.read_bytes(), labels=("a", "b")))
    places = {"MODEL": foreign_file, "PHOTOS": photos, "OUT": tmp_path / "out"}
    code, _, err = edgekit_here(*(places.get(one, one) for one in arguments))
    assert code == 2
    assert f"`edgekit adopt {foreign_file} --labels labels.txt --out adopted.tflite`" in err
