"""Options are checked before anything loads TensorFlow or reads a photo: a slip must not cost a minute."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer.main

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.cli import app
from edgekit.data.manifest import COLUMNS
from edgekit.evaluate.options import SLICEABLE

FINETUNE, CROSSVAL = ["finetune", "{photos}", "--out", "{new}"], ["crossval", "{photos}", "--out", "{new}"]
QAT, CONVERT = ["qat", "{run}"], ["convert", "{run}"]
EVALUATE, BENCH = ["evaluate", "{model}", "--data", "{photos}"], ["bench", "{model}", "--data", "{photos}"]
TTA, TUNE = ["tta", "{model}", "--data", "{photos}"], ["tune", "{model}", "--data", "{photos}"]

# A command, what is added to it, and how the message begins or what it has.
ROWS = {
    "finetune-alpha": (
        FINETUNE,
        ["--backbone", "mobilenet_v2", "--alpha", "9"],
        "alpha must lie in 0.05 to 2, got 9.0",
    ),
    "finetune-alpha-imagenet": (
        FINETUNE,
        ["--backbone", "mobilenet_v2", "--alpha", "0.6"],
        "there are ImageNet weights for alpha 0.35, 0.5",
    ),
    "finetune-alpha-small": (FINETUNE, ["--backbone", "small_cnn", "--alpha", "1"], "small_cnn has one width"),
    "finetune-backbone": (FINETUNE, ["--backbone", "mobilenet"], "did you mean 'mobilenet_v2'?"),
    "finetune-side": (FINETUNE, ["--side", "100"], "the input's side must be a multiple of 32"),
    "finetune-features": (FINETUNE, ["--features", "textures"], "did you mean 'texture'?"),
    "finetune-weights-absent": (
        FINETUNE,
        ["--weights", "{new}.h5"],
        "--weights must be imagenet, none or a K",
    ),
    "finetune-weights-typo": (FINETUNE, ["--weights", "imagnet"], "did you mean 'imagenet'?"),
    "finetune-weights-keras": (
        FINETUNE,
        ["--weights", "{keras}"],
        "got a whole Keras model (.keras); in Python",
    ),
    "finetune-weights-other": (FINETUNE, ["--weights", "{text}"], "of another kind"),
    "finetune-tune": (FINETUNE, ["--tune", "everything"], "--tune must be head, all, or last:N"),
    "finetune-plan": (FINETUNE, ["--plan", "1/0"], "a crop scale must be full, centre, native or a fraction"),
    "finetune-crops": (FINETUNE, ["--crops", "0"], "--crops: input should be greater"),
    "finetune-crops-many": (FINETUNE, ["--crops", "99999"], "a crop plan must have 1 to"),
    "finetune-working": (FINETUNE, ["--working-px", "-1"], "--working-px: input should be greater"),
    "finetune-draws": (FINETUNE, ["--draws", "100000"], "draws must be 1 to"),
    "finetune-head": (FINETUNE, ["--head", "svm"], "--head: 'svm' is not one of"),
    "finetune-mlp-scales": (
        FINETUNE,
        ["--head", "mlp", "--heads", "scales"],
        "--head mlp is one for all crops, got --heads scales; use --heads one, or --head ridge",
    ),
    "finetune-mlp-all": (
        FINETUNE,
        ["--head", "mlp", "--tune", "all"],
        "--head mlp is trained on features of a frozen backbone, got --tune all; use --head ridge",
    ),
    "finetune-head-unused": (
        FINETUNE,
        ["--head", "logistic", "--tune", "all", "--weights", "none"],
        "no head solved before, got --head logistic; leave that out or tune the head",
    ),
    "finetune-weigh": (FINETUNE, ["--weigh", "authors"], "--weigh: 'authors' is not one of"),
    "finetune-augment": (FINETUNE, ["--augment", "antispof"], "did you mean 'antispoof'?"),
    "finetune-epochs-head": (FINETUNE, ["--epochs", "3"], "a head (--tune head) is solved exactly"),
    "finetune-epochs": (
        FINETUNE,
        ["--tune", "all", "--epochs", "0"],
        "--epochs: input should be greater",
    ),
    "finetune-rate": (FINETUNE, ["--tune", "all", "--learning-rate", "2"], "learning_rate must lie between 0 and 1"),
    "finetune-rate-text": (FINETUNE, ["--learning-rate", "fast"], "--learning-rate: input should be a valid number"),
    "finetune-val": (FINETUNE, ["--val-fraction", "2"], "val_fraction must lie between 0 and 1"),
    "finetune-split": (FINETUNE, ["--split", "1:99999"], "--split must leave at least 1% of the photos to train on"),
    "finetune-fractions": (
        FINETUNE,
        ["--tune", "all", "--val-fraction", "0.5", "--test-fraction", "0.5"],
        "val_fraction and test_fraction must leave something to train on, got 0.5 and 0.5",
    ),
    "finetune-seed": (FINETUNE, ["--seed", "4294967296"], "seed must be 0 to"),
    "finetune-both": (FINETUNE, ["--resume", "--overwrite"], "a run is gone on with (--resume) or started again"),
    "finetune-in-use": (["finetune", "{photos}", "--out", "{run}"], [], "{run} already holds a float run"),
    "finetune-among": (["finetune", "{photos}", "--out", "{photos}/run"], [], "a run must lie outside the photos' fo"),
    "finetune-file": (["finetune", "{photos}", "--out", "{text}"], [], "a run must be a folder, got the file"),
    "finetune-from-absent": (FINETUNE, ["--from", "{new}.npz"], "{new}.npz: there is none; check the path"),
    "finetune-from-typo": (FINETUNE, ["--from", "imagnet"], "did you mean 'imagenet'?"),
    "finetune-from-no-head": (FINETUNE, ["--from", "imagenet"], "or a model that ships with one, got the folder"),
    "finetune-from-model": (FINETUNE, ["--from", "{model}"], "a head in floating point, got {model}"),
    "finetune-from-text": (FINETUNE, ["--from", "{text}"], "{text}: of another kind, or damaged"),
    "finetune-from-folder": (FINETUNE, ["--from", "{texts}"], "the folder {texts} without float.json or head.npz"),
    "finetune-from-plan": (FINETUNE, ["--from", "{run}", "--plan", "1/4"], "goes on with its --plan native, got 1/4"),
    "finetune-from-crops": (FINETUNE, ["--from", "{run}", "--crops", "9"], "goes on with its --crops 3, got 9"),
    "finetune-from-backbone": (
        FINETUNE,
        ["--from", "{run}", "--backbone", "vgg16"],
        "goes on with its --backbone small_cnn, got vgg16",
    ),
    "finetune-cache": (FINETUNE, ["--cache", "{text}"], "a cache of features must be a folder, got the file"),
    "crossval-alpha": (
        CROSSVAL,
        ["--backbone", "mobilenet_v2", "--alpha", "9"],
        "alpha must lie in 0.05 to 2, got 9.0",
    ),
    "crossval-folds": (CROSSVAL, ["--folds", "2"], "--folds: input should be greater"),
    "crossval-crops": (CROSSVAL, ["--crops", "1,x"], "whole numbers with commas between, such as 1,5,10"),
    "crossval-crops-none": (CROSSVAL, ["--crops", "0"], "--crops must be numbers from 1 to"),
    "crossval-side": (CROSSVAL, ["--side", "100"], "the input's side must be a multiple of 32"),
    "crossval-plan": (CROSSVAL, ["--plan", "quarter"], "a crop scale must be"),
    "crossval-weights": (CROSSVAL, ["--weights", "{new}.h5"], "--weights must be imagenet"),
    "crossval-variants": (CROSSVAL, ["--variants", "float,int4"], "some of float, int8-ptq, int8-qat with commas"),
    "crossval-variants-twice": (CROSSVAL, ["--variants", "float,float"], "each once; got 'float,float'"),
    "crossval-no-qat": (
        CROSSVAL,
        ["--variants", "float", "--qat-epochs", "3", "--tune", "all"],
        "--qat-epochs are of int8-qat, got --variants float",
    ),
    "crossval-seed": (CROSSVAL, ["--seed", "4294967296"], "seed must be 0 to"),
    "crossval-mlp": (CROSSVAL, ["--head", "mlp", "--heads", "scales"], "--head mlp is one for all crops"),
    "crossval-epochs": (CROSSVAL, ["--qat-epochs", "3"], "a head (--tune head) is solved exactly"),
    "crossval-file": (["crossval", "{photos}", "--out", "{text}"], [], "a cross-validation must be a folder"),
    "qat-run": (["qat", "{new}"], [], "{new} holds no finished float stage"),
    "qat-keras": (["qat", "{keras}"], [], "{keras} must be a run's folder, got a whole Keras model"),
    "qat-epochs": (QAT, ["--epochs", "10001"], "epochs must be 1 to"),
    "qat-crops": (QAT, ["--calibration-crops", "9"], "calibration needs 50 to 5000 crops, got 9"),
    "qat-calibration": (QAT, ["--calibration", "{texts}"], "{texts} must hold images to calibrate on"),
    "qat-both": (QAT, ["--resume", "--overwrite"], "a run is gone on with (--resume) or started again"),
    "convert-run": (["convert", "{new}"], [], "{new} holds no finished float stage"),
    "convert-precisions": (CONVERT, ["--float", "--float16"], "one precision at a time"),
    "convert-drop": (CONVERT, ["--max-drop", "101"], "max_drop must lie in 0 to 100 points"),
    "convert-stage": (CONVERT, ["--stage", "quat"], "did you mean 'qat'?"),
    "convert-stage-float": (CONVERT, ["--stage", "qat", "--float"], "the qat stage was trained for int8"),
    "convert-no-stage": (CONVERT, ["--stage", "qat"], "{run} holds no finished qat stage"),
    "convert-crops": (CONVERT, ["--calibration-crops", "9"], "calibration needs 50 to 5000 crops, got 9"),
    "convert-calibration": (CONVERT, ["--calibration", "{texts}"], "{texts} must hold images to calibrate on"),
    "convert-calibration-file": (CONVERT, ["--calibration", "{text}"], "{text}: --calibration must be a folder"),
    "convert-calibration-float": (CONVERT, ["--float", "--calibration", "{new}"], "and float32 has none; leave it out"),
    "convert-crops-dynamic": (
        CONVERT,
        ["--dynamic", "--calibration-crops", "90"],
        "and dynamic has none; leave it out",
    ),
    "convert-out": (CONVERT, ["--out", "{run}/float.h5"], "a model's file must not replace its run's"),
    "convert-exists": (CONVERT, ["--out", "{model}"], "{model} exists; use --overwrite"),
    "evaluate-model": (["evaluate", "{new}", "--data", "{photos}"], [], "{new}: no such model file"),
    "evaluate-keras": (
        ["evaluate", "{keras}", "--data", "{photos}"],
        [],
        "{keras} must be a TFLite file, got a",
    ),
    "evaluate-crops": (EVALUATE, ["--crops", "99999"], "--crops must be numbers from 1 to"),
    "evaluate-slices": (EVALUATE, ["--slices", "camra"], "did you mean 'camera'?"),
    "evaluate-split": (EVALUATE, ["--split", "tset"], "did you mean 'test'?"),
    "evaluate-target": (EVALUATE, ["--target", "bpcer"], "a target must be bpcer=X or"),
    "evaluate-also": (EVALUATE, ["--also-test"], "--write and --also-test need --target"),
    "evaluate-out": (EVALUATE, ["--out", "{text}"], "an evaluation must be a folder, got the file"),
    "bench-model": (["bench", "{new}", "--data", "{photos}"], [], "{new}: no such model file"),
    "bench-crops": (BENCH, ["--crops", "0"], "--crops must be numbers from 1 to"),
    "bench-threads": (BENCH, ["--threads", "two"], "whole numbers with commas between"),
    "bench-interpreter": (BENCH, ["--interpreter", "litert,tflite"], "an interpreter must be one of"),
    "bench-delegate": (BENCH, ["--delegate", "xnnpac"], "did you mean 'xnnpack'?"),
    "bench-runs": (BENCH, ["--runs", "1"], "--runs must be 2 to"),
    "bench-cool": (BENCH, ["--cool-down", "cold"], "--cool-down must be seconds"),
    "bench-budget": (BENCH, ["--budget-ms", "-3"], "--budget-ms must be positive"),
    "bench-tolerance": (BENCH, ["--tolerance", "much"], "--tolerance must be a percentage"),
    "bench-against": (BENCH, ["--against", "{new}"], "{new} does not exist"),
    "bench-device": (BENCH, ["--device", "shh://pi@kitchen"], "did you mean 'ssh'?"),
    "bench-timeout": (BENCH, ["--timeout", "0"], "--timeout must be 1 to"),
    "tta-model": (["tta", "{new}", "--data", "{photos}"], [], "{new}: no such model file"),
    "tta-crops": (TTA, ["--crops", "0"], "--crops must be numbers from 1 to"),
    "tta-plan": (TTA, ["--plan", "center"], "a crop scale must be"),
    "tta-plan-most": (TTA, ["--plan", "full@x"], "a plan reads NAME or NAME@N"),
    "tta-baseline": (TTA, ["--baseline", "center"], "did you mean 'centre'?"),
    "tta-out": (TTA, ["--out", "{text}"], "a study must be a folder, got the file"),
    "tune-model": (["tune", "{new}", "--data", "{photos}"], [], "{new}: no such model file"),
    "tune-both": (TUNE, ["--write", "{new}", "--in-place"], "one place to write to"),
    "tune-also": (TUNE, ["--also-test"], "--also-test needs --target"),
    "tune-target": (TUNE, ["--target", "far=0.1"], "a target must be bpcer=X or"),
    "predict-crops": (
        ["predict", "{model}", "{photos}/none.jpg"],
        ["--crops", "0"],
        "--crops: input should be greater",
    ),
    "predict-forms": (["predict", "{model}", "{photos}/none.jpg"], ["--json", "--csv"], "one form of output at a time"),
    "audit-allow": (["data", "audit", "{photos}"], ["--allow", "sise"], "--allow takes the name of a probe"),
    "audit-only": (["data", "audit", "{photos}"], ["--only", "sise"], "a probe must be one of"),
    "audit-side": (["data", "audit", "{photos}"], ["--side", "64"], "--side is that of the copy"),
    "audit-copy": (["data", "audit", "{photos}"], ["--normalise", "{new}", "--side", "1"], "side"),
    "audit-shuffles": (["data", "audit", "{photos}"], ["--shuffles", "9"], "shuffles must be"),
    "split-both": (["data", "split", "{photos}"], ["--folds", "5", "--each"], "folds are dealt or every group is one"),
    "split-val": (["data", "split", "{photos}"], ["--val-fraction", "2"], "val and test fractions must be"),
    "show-blur": (["data", "show", "{photos}"], ["--blur", "-1"], "blur"),
    "augment-preset": (["data", "augment", "{photos}", "{new}"], ["--preset", "car"], "did you mean 'cars'?"),
    "augment-zoom": (["data", "augment", "{photos}", "{new}"], ["--zoom", "2"], "zoom"),
    "crops-plan": (["data", "crops", "{photos}", "{new}"], ["--plan", "half"], "a crop scale must be"),
    "crops-variants": (
        ["data", "crops", "{photos}", "{new}"],
        ["--variants", "2"],
        "--variants says how many",
    ),
    "recapture-screen": (["data", "recapture", "{photos}", "{new}"], ["--screen", "lcd"], "screen"),
    "recapture-range": (["data", "recapture", "{photos}", "{new}"], ["--jpeg", "best"], "jpeg must be a number or LOW"),
    "import-set": (["data", "import", "{photos}", "--out", "{new}"], ["--set", "light"], "--set must be COLUMN=VALUE"),
    "import-pattern": (["data", "import", "{photos}", "--out", "{new}"], ["--group-pattern", "("], "a pattern must be"),
}

# Runs them one after the other in one process, and says what each gave and whether TensorFlow was loaded for it.
SCRIPT = """
import contextlib, io, json, sys
from edgekit.__main__ import main

answers = {}
for name, words in json.loads(sys.stdin.read()).items():
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["edgekit", *words]
    code = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
        except Exception as bug:
            code = repr(bug)
    heavy = sorted({"tensorflow", "tf_keras"} & set(sys.modules))
    answers[name] = [code, out.getvalue(), err.getvalue(), heavy]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory, red_blue_file, small_run):
    """Words for the commands. The photos' folder is not there: what looks into it fails with another message."""
    import zipfile

    root = tmp_path_factory.mktemp("options")
    (root / "text").write_text("no model, no weights, no folder")
    (root / "texts").mkdir()
    (root / "texts" / "notes.txt").write_text("no image")
    with zipfile.ZipFile(root / "mine.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    run = root / "run"
    run.mkdir()
    for name in ("float.json", "float.h5"):
        (run / name).write_bytes((small_run.root / name).read_bytes())
    raw = json.loads((run / "float.json").read_text())
    raw["config"]["tune"], raw["data"] = "all", str(root / "no-photos")
    (run / "float.json").write_text(json.dumps(raw))
    model = root / "m.tflite"
    model.write_bytes(red_blue_file.read_bytes())
    return {
        "photos": root / "no-photos", "new": root / "new", "text": root / "text", "texts": root / "texts",
        "keras": root / "mine.keras", "run": run, "model": model,
    }  # fmt: skip


@pytest.fixture(scope="module")
def answers(places, repository):
    words = {name: [word.format(**places) for word in (*start, *more)] for name, (start, more, _) in ROWS.items()}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(words), cwd=repository, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.host
@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_bad_option_is_said_before_anything_slow(answers, places, name):
    code, out, err, heavy = answers[name]
    assert (code, out, heavy) == (2, "", [])
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert ROWS[name][2].format(**places) in err
    assert "the data must be a folder of photos" not in err


@pytest.mark.parametrize("command", ["finetune", "qat", "convert", "crossval", "evaluate", "bench", "tta"])
def test_every_command_with_photos_stands_in_the_table(command):
    assert any(start[0] == command for start, *_ in ROWS.values())
    assert command in typer.main.get_command(app).commands


def test_what_can_be_sliced_is_what_a_manifest_has():
    assert sorted(SLICEABLE) == sorted(set(COLUMNS) - {"path", "label"})
