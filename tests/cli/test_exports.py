"""What phones send home, at the command line: read as it is, and the next step said where it can't be."""

from __future__ import annotations

import json
import shutil

import pytest
from exporting import captures_members, export_captures, lines, pack, picture, sweep_members

pytest.importorskip("matplotlib", reason="needs the host extra")


@pytest.fixture
def model(tmp_path, red_blue_file):
    return shutil.copy(red_blue_file, tmp_path / "model.tflite")


@pytest.fixture
def captures(tmp_path, model):
    return export_captures(tmp_path / "captures.zip", model)


@pytest.fixture
def bench(tmp_path, model):
    return pack(tmp_path / "bench.zip", sweep_members(model, tmp_path / "phone"))


def test_captures_are_imported_under_their_truth(edgekit_here, captures, tmp_path):
    code, _, err = edgekit_here("data", "import", captures, "--out", tmp_path / "photos")
    assert code == 0, err
    assert "to import: 4 photos of 2 classes (genuine 2, recapture 2)" in err
    assert "left out: 1 without a truth" in err
    rows = (tmp_path / "photos" / "manifest.csv").read_text().splitlines()
    assert rows[0] == "path,label,group,camera"
    assert [row.split(",")[1:] for row in rows[1:]] == [
        [label, "4e81c2d0-20261130", "Google Pixel 7 back"] for label in ["genuine"] * 2 + ["recapture"] * 2
    ]
    assert not list((tmp_path / "photos").rglob("*verdict*"))


def test_an_export_among_others_in_a_folder(edgekit_here, captures, tmp_path, model):
    (tmp_path / "inbox").mkdir()
    shutil.move(captures, tmp_path / "inbox" / "a.zip")
    broken = {**captures_members(model), "manifest.csv": b"path,label\n"}
    pack(tmp_path / "inbox" / "b.zip", broken)
    code, out, err = edgekit_here("data", "import", tmp_path / "inbox", "--out", tmp_path / "photos")
    assert code == 0, err
    assert "4 stored" in out
    assert "b.zip: " in out
    assert "must list at least one photo" in out


def test_evaluate_reads_captures_and_says_where_the_phone_differs(edgekit_here, captures, model, tmp_path):
    code, out, err = edgekit_here("evaluate", model, "--data", captures, "--out", tmp_path / "found")
    assert code == 0, err
    assert f"left out: 1 photo without a truth, of {captures}" in err
    assert "on the phone: 0 of 4 verdicts differ from this machine's" in out
    assert json.loads((tmp_path / "found" / "evaluate.json").read_text())["phone"]["compared"] == 4


def test_evaluate_names_photos_that_the_phone_called_otherwise(edgekit_here, model, tmp_path):
    members = captures_members(model)
    rows = [json.loads(line) for line in members["verdicts.jsonl"].splitlines()]
    rows[0]["label"] = "recapture"
    file = pack(tmp_path / "x.zip", {**members, "verdicts.jsonl": lines(rows)})
    code, out, err = edgekit_here("evaluate", model, "--data", file)
    assert code == 0, err
    assert "on the phone: 1 of 4 verdicts differ" in out
    assert f"photos/{rows[0]['photo']} was called recapture there, genuine here" in err
    code, out, _ = edgekit_here("evaluate", model, "--data", file, "--json")
    (other,) = json.loads(out)["phone"]["differ"]
    assert (code, other["phone"], other["host"]) == (0, "recapture", "genuine")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("evaluate", "--target", "eer", "--split", "all"), id="threshold"),
        pytest.param(("tta", "--crops", "1,3", "--plan", "own"), id="tta"),
        pytest.param(("tune", "--target", "eer", "--split", "all"), id="tune"),
    ],
)
def test_commands_that_judge_models_read_captures(edgekit_here, captures, model, command):
    name, *more = command
    code, _, err = edgekit_here(name, model, "--data", captures, *more)
    assert code == 0, err
    assert "left out: 1 photo without a truth" in err


def test_the_next_step_names_the_export_itself(edgekit_here, captures, model, tmp_path):
    out = tmp_path / "new.tflite"
    code, _, err = edgekit_here(
        "evaluate", model, "--data", captures, "--target", "eer", "--split", "all", "--write", out
    )
    assert code == 0, err
    assert f"--data {captures}" in " ".join(err.split())


def test_a_benchmark_makes_tables_record_and_picture(edgekit_here, bench, model, tmp_path):
    code, out, err = edgekit_here("bench", model, "--from", bench, "--budget-ms", "60000")
    assert code == 0, err
    (phone,) = json.loads((tmp_path / "model.bench.json").read_text())["devices"]
    assert phone["device"] == "android://Google Pixel 7"
    assert (tmp_path / "model.pareto.png").read_bytes().startswith(b"\x89PNG")
    assert "recommended within 60000 ms (p95)" in out
    assert "no cold starts: an app measures inside its own process" in err
    record = shutil.copy(tmp_path / "model.bench.json", tmp_path / "old.json")
    code, out, err = edgekit_here("bench", model, "--from", bench, "--against", record)
    assert code == 0, err
    assert "against the earlier benchmark" in out


def test_nothing_within_the_budget(edgekit_here, bench, model):
    code, _, err = edgekit_here("bench", model, "--from", bench, "--budget-ms", "0.001")
    assert code == 1
    assert "android://Google Pixel 7: no point has a p95 within 0.001 ms" in err


def test_a_report_shows_the_phone_as_a_device(edgekit_here, bench, captures, model, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(model, run)
    for command in (("bench", "--from", bench), ("evaluate", "--data", captures, "--out", run)):
        code, _, err = edgekit_here(command[0], run / "model.tflite", *command[1:])
        assert code == 0, err
    code, _, err = edgekit_here("report", run, "--out", tmp_path / "report.html")
    assert code == 0, err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "android://Google Pixel 7" in page
    assert "edgekit.capture 0.1.0" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("bench", "MODEL"), "--data PHOTOS, or --from EXPORT.zip", id="neither"),
        pytest.param(
            ("bench", "MODEL", "--from", "BENCH", "--threads", "2", "--device", "local"),
            "leave out --threads, --device",
            id="both",
        ),
        pytest.param(("bench", "MODEL", "--from", "CAPTURES"), "data import or edgekit evaluate", id="captures"),
        pytest.param(("bench", "MODEL", "--from", "PHOTOS"), "edgekit data import makes a data folder", id="photos"),
        pytest.param(("bench", "MODEL", "--from", "nothing.zip"), "must be a zip file, there is none", id="absent"),
        pytest.param(("bench", "MODEL", "--from", "."), "must be a zip file, got a folder", id="folder"),
        pytest.param(("evaluate", "MODEL", "--data", "nothing.zip"), "got nothing; check the path", id="no-data"),
        pytest.param(("evaluate", "MODEL", "--data", "BENCH"), "edgekit bench --from reads it", id="bench"),
        pytest.param(("evaluate", "MODEL", "--data", "PHOTOS"), "edgekit data import makes a data folder", id="zip"),
        pytest.param(("data", "import", "BENCH", "--out", "OUT"), "edgekit bench --from reads", id="import"),
        pytest.param(("finetune", "CAPTURES", "--out", "OUT"), "edgekit data import", id="finetune"),
    ],
)
def test_what_can_not_be_read_so(edgekit_here, bench, captures, model, tmp_path, arguments, message):
    photos = pack(tmp_path / "plain.zip", {"genuine/1.jpg": picture((1, 2, 3))})
    places = {"MODEL": model, "BENCH": bench, "CAPTURES": captures, "PHOTOS": photos, "OUT": tmp_path / "out"}
    code, _, err = edgekit_here(*(places.get(one, one) for one in arguments))
    assert code == 2
    assert message in " ".join(err.split())
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
