"""Several labels a photo, as people train, judge and use them; and what says plainly that it knows of one alone."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

pytestmark = [pytest.mark.host, pytest.mark.slow]

TINY = ("--backbone", "small_cnn", "--weights", "none", "--side", "32", "--crops", "2", "--plan", "full:centre")


def test_from_photos_to_labels(tmp_path, edgekit_here, several_photos):
    run, model = tmp_path / "run", tmp_path / "patches.tflite"
    code, told, err = edgekit_here("finetune", several_photos, "--out", run, "--multi-label", *TINY)
    assert code == 0, err
    assert "labels, out of 5 folds" in told
    code, told, err = edgekit_here("convert", run, "--float", "--out", model)
    assert code == 0, err
    assert "mean average precision" in told
    assert f"edgekit evaluate {model} --data" in err
    out = tmp_path / "judged"
    code, told, err = edgekit_here("evaluate", model, "--data", several_photos, "--out", out)
    assert code == 0, err
    assert "all labels of a photo right: " in told
    assert json.loads((out / "evaluate.json").read_text())["report"]["labels"][0]["label"] == "blue"


def test_answers_have_all_labels(edgekit_here, several_model, several_photos, several):
    both = next(one for one in several.samples if one.label == "blue|green|red")
    none = next(one for one in several.samples if one.label == "none")
    files = [several_photos / one.path for one in (both, none)]
    code, told, _ = edgekit_here("predict", several_model, *files, "--json")
    assert code == 0
    first, second = json.loads(told)
    assert first["labels"] == ["blue", "green", "red"]
    assert first["label"] == "blue|green|red"
    assert (second["labels"], second["label"]) == ([], "none")
    code, told, _ = edgekit_here("predict", several_model, *files)
    assert code == 0
    assert "blue|green|red" in told
    assert "at most" in told
    code, told, _ = edgekit_here("predict", several_model, *files, "--csv")
    assert told.splitlines()[1].split(",")[1] == "blue|green|red"


def test_info_names_the_thresholds(edgekit_here, several_model):
    code, told, _ = edgekit_here("info", several_model)
    assert code == 0
    assert "several labels" in told
    assert "every label that reaches its" in told


def test_evaluate_in_numbers(edgekit_here, several_model, several_photos):
    code, told, _ = edgekit_here("evaluate", several_model, "--data", several_photos, "--json", "--split", "all")
    assert code == 0
    assert json.loads(told)["report"]["n"] == 72


def test_what_crops_buy(tmp_path, edgekit_here, several_model, several_photos):
    command = ("tta", several_model, "--data", several_photos, "--plan", "full", "--plan", "own", "--crops", "1,2")
    code, told, err = edgekit_here(*command, "--split", "all", "--out", tmp_path / "study")
    assert code == 0, err
    assert "all labels right" in told
    (one,) = json.loads((tmp_path / "study" / "tta.json").read_text())["models"]
    assert [point["way"] for point in one["points"]] == ["centre", "full", "own ×1", "own ×2"]
    code, told, _ = edgekit_here("evaluate", several_model, "--data", several_photos, "--split", "all", "--json")
    assert one["points"][-1]["exact_match"]["value"] == json.loads(told)["report"]["exact_match"]["value"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param(("bench", "MODEL", "--data", "DATA"), "a benchmark is for models of exactly one", id="bench"),
        pytest.param(("tune", "MODEL", "--data", "DATA"), "tuning is for models of exactly one", id="tune"),
        pytest.param(
            ("evaluate", "MODEL", "--data", "DATA", "--target", "eer"), "a threshold by rule is for", id="threshold"
        ),
        pytest.param(("explain", "MODEL", "PHOTO"), "tells several of a photo", id="explain"),
        pytest.param(("explain", "--int8", "RUN"), "tells several of a photo", id="explain-int8"),
        pytest.param(
            ("finetune", "DATA", "--multi-label", "--bona-fide", "red"), "--bona-fide names one of", id="bona-fide"
        ),
        pytest.param(
            ("finetune", "DATA", "--multi-label", "--heads", "scales"), "--heads scales are solved for one", id="heads"
        ),
        pytest.param(("finetune", "DATA", "--multi-label", "--head", "mlp"), "--head mlp is trained for one", id="mlp"),
        pytest.param(
            ("finetune", "DATA", "--multi-label", "--tune", "all", "--mixup", "0.2"), "--mixup 0.2 mixes", id="mixup"
        ),
        pytest.param(
            ("finetune", "DATA", "--multi-label", "--from", "recapture"), "--from goes on with heads of one", id="from"
        ),
        pytest.param(("convert", "RUN", "--single-frame"), "--single-frame is for one label", id="single-frame"),
    ],
)
def test_what_knows_of_one_label_alone(
    tmp_path, edgekit_here, several_model, several_run, several_photos, command, message
):
    names = {
        "MODEL": several_model,
        "DATA": several_photos,
        "RUN": several_run.root,
        "PHOTO": several_photos / "000.png",
    }
    arguments = [names.get(word, word) for word in command]
    if command[0] in ("finetune", "explain", "convert"):
        arguments += ["--out", tmp_path / "out"]
    code, _, err = edgekit_here(*arguments)
    assert code == 2, err
    assert message in err
