"""Several labels a photo, as people train, judge and use them; and what says plainly that it knows of one alone."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

pytestmark = [pytest.mark.host, pytest.mark.slow]

TINY = ("--backbone", "small_cnn", "--weights", "none", "--side", "32", "--crops", "2", "--plan", "full:centre")

QUICK = ("--quick", "--runs", "10", "--min-seconds", "0", "--repeats", "1", "--warmup", "1", "--warmup-seconds", "0")


def test_from_photos_to_labels(tmp_path, edgekit_here, several_photos):
    run, model = tmp_path / "run", tmp_path / "patches.tflite"
    code, told, err = edgekit_here("finetune", several_photos, "--out", run, "--multi-label", *TINY)
    assert code == 0, err
    assert "labels, out of 5 folds" in told
    code, told, err = edgekit_here("convert", run, "--float", "--out", model)
    assert code == 0, err
    assert "mean average precision" in told
    assert f"edgekit bench {model} --data" in err
    out = tmp_path / "judged"
    code, told, err = edgekit_here("evaluate", model, "--data", several_photos, "--out", out)
    assert code == 0, err
    assert "all labels of a photo right: " in told
    report = json.loads((out / "evaluate.json").read_text())["report"]
    assert report["labels"][0]["label"] == "blue"
    assert f"mean average precision: {100 * report['mean_average_precision']['value']:.1f} % (" in told


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


def test_a_photo_is_explained_by_one_of_its_labels(tmp_path, edgekit_here, several_model, several_run, several_photos):
    photo, out = several_photos / "000.png", tmp_path / "explained"
    code, _, err = edgekit_here("explain", several_model, photo, "--cells", "24", "--out", out)
    assert code == 0, err
    told = json.loads((out / "000.json").read_text())
    code, said, _ = edgekit_here("predict", several_model, photo, "--json")
    (row,) = json.loads(said)
    probabilities = row["probabilities"]
    assert told["label"] == max(probabilities, key=probabilities.get)
    code, _, err = edgekit_here(
        "explain", several_run.root, photo, "--cells", "24", "--label", "red", "--gradcam", "--out", tmp_path / "run"
    )
    assert code == 0, err
    told = json.loads((tmp_path / "run" / "000.json").read_text())
    assert told["label"] == "red"
    assert told["gradcam"]["layer"]
    judged = tmp_path / "judged"
    assert edgekit_here("evaluate", several_model, "--data", several_photos, "--split", "all", "--out", judged)[0] == 0
    worst = [one["path"] for one in json.loads((judged / "evaluate.json").read_text())["mistakes"]]
    named = ("--mistakes", judged, "--data", several_photos, "--cells", "9", "--out", tmp_path / "worst")
    code, told, err = edgekit_here("explain", several_model, *named, "--json")
    assert code == 0, err
    assert [one["photo"] for one in json.loads(told)] == worst[:12]
    code, _, err = edgekit_here("explain", several_model, photo, "--label", "mauve", "--out", out)
    assert code == 2
    assert "the label must be one that the model knows (blue, green, red)" in err


def test_thresholds_are_chosen_anew(tmp_path, edgekit_here, several_model, several_photos):
    tuned = tmp_path / "tuned.tflite"
    code, told, err = edgekit_here("tune", several_model, "--data", several_photos, "--write", tuned)
    assert code == 0, err
    assert "threshold before" in told
    assert "on these photos: macro F1 " in told
    assert f"edgekit bench {tuned} --data other-photos" in err
    code, told, err = edgekit_here("tune", several_model, "--data", several_photos, "--split", "test")
    assert code == 2
    assert "a threshold is chosen on validation photos" in err


def test_probes_tell_what_each_label_rests_on(tmp_path, edgekit_here, several_model, several_photos):
    command = ("explain", several_model, "--probes", "--data", several_photos, "--split", "all", "--per-class", "6")
    code, told, err = edgekit_here(*command, "--out", tmp_path)
    assert code == 0, err
    assert "score of the labels that photos have" in told
    assert "An order by chance would have a mean average precision of" in told
    record = json.loads((tmp_path / "probes.json").read_text())
    assert record["measure"] == "mean average precision"
    (grey,) = (one for one in record["probes"] if one["name"] == "grey")
    assert set(grey["classes"]) == {"blue", "green", "red"}
    assert grey["all"]["accuracy_before"] == pytest.approx(record["accuracy"])


def test_latency_stands_beside_what_evaluate_says(tmp_path, edgekit_here, several_model, several_photos):
    command = ("bench", several_model, "--data", several_photos, "--crops", "2", "--out", tmp_path)
    code, told, err = edgekit_here(*command, *QUICK)
    assert code == 0, err
    assert "mean average precision" in told
    assert "all labels right" in told
    (one,) = json.loads((tmp_path / "patches.bench.json").read_text())["devices"]
    precision = one["points"][0]["evaluation"]["mean_average_precision"]["value"]
    assert f"{100 * precision:.1f} (" in told
    code, told, _ = edgekit_here("evaluate", several_model, "--data", several_photos, "--crops", "2", "--json")
    assert one["points"][0]["evaluation"] == json.loads(told)["report"]
    code, told, err = edgekit_here(
        *command, *QUICK, "--against", tmp_path / "patches.bench.json", "--tolerance", "1000%"
    )
    assert code == 0, err
    assert "mean average precision" in told
    page = tmp_path / "page.html"
    code, _, err = edgekit_here("report", tmp_path / "patches.bench.json", "--out", page)
    assert code == 0, err
    html = page.read_text().replace("\u00a0", " ")
    assert "balanced accuracy" not in html
    value = f"{100 * one['points'][0]['evaluation']['mean_average_precision']['value']:.1f} %"
    assert f"mean average precision {value}" in html
    assert "All labels" in html


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param(
            ("evaluate", "MODEL", "--data", "DATA", "--target", "eer"), "a threshold by rule is for", id="threshold"
        ),
        pytest.param(("explain", "--int8", "RUN"), "got a run that tells several of a photo", id="explain-int8"),
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
