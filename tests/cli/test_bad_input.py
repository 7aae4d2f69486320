"""What users get wrong most often, through the commands: one line that names it, exit code 2, nothing half-written."""

from __future__ import annotations

import csv
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
pytestmark = [pytest.mark.host, pytest.mark.slow]

GROUPS = ("ann", "ben", "cleo")


@pytest.fixture
def photos(tmp_path):
    """Two classes of three groups, two photos each, with a manifest."""
    root = tmp_path / "photos"
    rng = np.random.default_rng(0)
    rows = []
    for label, level in (("genuine", 60), ("recapture", 190)):
        (root / label).mkdir(parents=True)
        for group in GROUPS:
            for number in range(2):
                pixels = rng.integers(level - 50, level + 50, (48, 64, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / label / f"{group}{number}.png")
                rows.append({"path": f"{label}/{group}{number}.png", "label": label, "group": group})
    write_manifest(root, rows)
    return root


def write_manifest(root, rows):
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(root):
    with (root / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def empty(root):
    for file in [one for one in root.rglob("*") if one.is_file()]:
        file.unlink()


def one_class(root):
    write_manifest(root, [row for row in rows_of(root) if row["label"] == "genuine"])


def unknown_column(root):
    write_manifest(root, [row | {"colour": "red"} for row in rows_of(root)])


def missing_file(root):
    (root / "genuine" / "ann0.png").unlink()


def outside(root):
    write_manifest(root, [*rows_of(root), {"path": "../secret.png", "label": "genuine", "group": "ann"}])


def label_without_folder(root):
    rows = rows_of(root)
    write_manifest(root, [rows[0] | {"label": "genuin"}, *rows[1:]])


def one_split(root):
    write_manifest(root, [row | {"split": "train"} for row in rows_of(root)])


def one_group(root):
    write_manifest(root, [row | {"group": "ann"} for row in rows_of(root)])


def spoil(content):
    def change(root):
        (root / "genuine" / "ann0.png").write_bytes(content((root / "genuine" / "ann0.png").read_bytes()))

    return change


def one_pixel(root):
    Image.new("RGB", (1, 1)).save(root / "genuine" / "ann0.png")


SMALL = ("--backbone", "small_cnn", "--side", "32", "--plan", "native", "--tune", "all", "--epochs", "1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(empty, "got no photo at all", id="empty-folder"),
        pytest.param(one_class, "two classes", id="one-class"),
        pytest.param(unknown_column, "colour", id="unknown-column"),
        pytest.param(missing_file, r"genuine/ann0\.png", id="missing-file"),
        pytest.param(outside, r"\.\./secret\.png", id="outside-the-folder"),
        pytest.param(label_without_folder, "genuin", id="label-without-folder"),
        pytest.param(one_split, "the split 'test' must hold every class", id="all-in-one-split"),
        pytest.param(one_group, "groups", id="one-group"),
        pytest.param(spoil(lambda content: content[: len(content) // 2]), r"genuine/ann0\.png", id="truncated"),
        pytest.param(spoil(lambda _: b""), r"genuine/ann0\.png", id="zero-bytes"),
        pytest.param(spoil(lambda _: b"not a picture"), r"genuine/ann0\.png", id="corrupt"),
        pytest.param(one_pixel, r"genuine/ann0\.png", id="one-pixel"),
    ],
)
def test_finetune_names_what_is_wrong_with_the_data(edgekit_here, photos, tmp_path, change, message):
    change(photos)
    code, out, err = edgekit_here("finetune", photos, "--out", tmp_path / "run", *SMALL)
    assert (code, out) == (2, "")
    _, _, mistake = err.partition("error: ")
    assert re.search(message, mistake), err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


def test_bad_photos_can_be_skipped_and_are_counted(edgekit_here, photos, tmp_path):
    spoil(lambda _: b"")(photos)
    code, _, err = edgekit_here("finetune", photos, "--out", tmp_path / "run", *SMALL, "--skip-bad")
    assert code == 0, err
    assert json.loads((tmp_path / "run" / "float.json").read_text(encoding="utf-8"))["skipped_photos"] == 1


def test_more_folds_than_groups(edgekit_here, photos, tmp_path):
    code, _, err = edgekit_here("crossval", photos, "--out", tmp_path / "cv", "--folds", "5", "--backbone", "small_cnn")
    assert code == 2
    assert "error: " in err
    assert "folds" in err
    assert not (tmp_path / "cv").exists()


def test_a_run_among_the_photos_is_refused(edgekit_here, photos):
    code, _, err = edgekit_here("finetune", photos, "--out", photos / "run", *SMALL)
    assert code == 2
    assert "a run must lie outside the photos' folder" in err
    assert not (photos / "run").exists()


@pytest.mark.parametrize(
    ("command", "option"), [("finetune", "--epochs"), ("crossval", "--epochs"), ("crossval", "--qat-epochs")]
)
def test_a_solved_head_has_no_epochs(edgekit_here, photos, tmp_path, command, option):
    code, _, err = edgekit_here(command, photos, "--out", tmp_path / "run", "--tune", "head", option, "3")
    assert code == 2
    assert f"without epochs, got {option}" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--alpha", "0.5"], "small_cnn has one width .* got --alpha; leave that out", id="alpha"),
        pytest.param(["--features", "all", "--alpha", "1"], "got --alpha, --features; leave that out", id="both"),
    ],
)
@pytest.mark.parametrize("command", ["finetune", "crossval"])
def test_small_cnn_has_no_options_of_mobilenet(edgekit_here, photos, tmp_path, command, options, message):
    code, _, err = edgekit_here(command, photos, "--out", tmp_path / "run", *SMALL, *options)
    assert code == 2
    assert re.search(message, err), err
    assert not (tmp_path / "run").exists()


HEAD = ("--backbone", "small_cnn", "--side", "32", "--plan", "native", "--weights", "none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--unknown-cost", "2"], "--unknown-cost goes with --unknown", id="cost-alone"),
        pytest.param(["--unknown-rule", "energy"], "--unknown-rule goes with --unknown", id="rule-alone"),
        pytest.param(["--unknown"], "no sense beside attacks, .* got genuine for genuine photos", id="attacks"),
        pytest.param(["--unknown", "--bona-fide", "none"], "needs 4 or more, got 2: genuine, recapture", id="too-few"),
        pytest.param(
            ["--unknown", "--bona-fide", "none", "--tune", "all"],
            "on features of a frozen backbone, got --tune all",
            id="tuned",
        ),
        pytest.param(
            ["--unknown", "--bona-fide", "none", "--heads", "scales", "--plan", "full:native", "--crops", "3"],
            "for one head for all crops, got --heads scales",
            id="heads",
        ),
    ],
)
def test_what_can_not_be_unknown(edgekit_here, photos, tmp_path, options, message):
    code, _, err = edgekit_here("finetune", photos, "--out", tmp_path / "run", *HEAD, *options)
    assert code == 2
    assert re.search(message, " ".join(err.split())), err
    assert not (tmp_path / "run").exists()


def test_training_from_scratch_draws_no_crops_for_a_head(edgekit_here, photos, tmp_path):
    code, _, err = edgekit_here("finetune", photos, "--out", tmp_path / "run", *SMALL, "--draws", "3")
    assert code == 2
    assert "with no head solved before, got --draws 3; leave that out or tune the head" in err
    assert not (tmp_path / "run").exists()


def test_folds_of_a_backbone_that_cannot_be_quantised(edgekit_here, photos, tmp_path):
    network = ("--backbone", "efficientnet_b0", "--weights", "none")
    code, _, err = edgekit_here("crossval", photos, "--out", tmp_path / "cv", *network)
    assert code == 2
    assert "efficientnet_b0 can't be trained quantised" in err
    assert not (tmp_path / "cv").exists()


def test_folds_from_scratch_draw_no_crops_for_a_head(edgekit_here, photos, tmp_path):
    code, _, err = edgekit_here("crossval", photos, "--out", tmp_path / "cv", *SMALL, "--draws", "3")
    assert code == 2
    assert "with no head solved before, got --draws 3; leave that out or tune the head" in err
    assert not (tmp_path / "cv").exists()


@pytest.mark.host
@pytest.mark.slow
def test_what_was_tuned_by_epochs_draws_no_crops_for_a_head(edgekit_here, run_copy):
    folder = run_copy("float")
    code, _, err = edgekit_here("qat", folder.root, "--draws", "3")
    assert code == 2
    assert "was tuned by epochs, and its head is not solved again, got --draws 3; leave that out" in err


def test_a_cache_that_keeps_nothing(edgekit_here, photos, tmp_path):
    out = ("--out", tmp_path / "run")
    code, _, err = edgekit_here("finetune", photos, *out, *SMALL, "--cache", tmp_path / "cache", "--no-keep")
    assert code == 2
    assert f"--no-keep keeps no features, got --cache {tmp_path / 'cache'} to keep them in" in err
    assert not (tmp_path / "run").exists()


def test_going_on_and_starting_again_contradict_each_other(edgekit_here, photos, tmp_path):
    code, _, err = edgekit_here("finetune", photos, "--out", tmp_path / "run", *SMALL, "--resume", "--overwrite")
    assert code == 2
    assert "got both; leave one of them out" in err


def test_a_benchmark_among_the_photos_is_refused(edgekit_here, photos, red_blue_file):
    code, _, err = edgekit_here("bench", red_blue_file, "--data", photos, "--out", photos / "bench")
    assert code == 2
    assert "a benchmark must lie outside the photos' folder" in err
    assert not (photos / "bench").exists()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the first test that needs a run trains it."""
    return tmp_path_factory.mktemp("trained") / "run"


class TestAfterARun:
    @pytest.fixture
    def run(self, edgekit_here, photos, place, tmp_path):
        """A copy of a run that is trained once."""
        if not place.exists():
            code, _, err = edgekit_here("finetune", photos, "--out", place, *SMALL)
            assert code == 0, err
        return shutil.copytree(place, tmp_path / "run")

    def test_a_folder_in_use_asks_what_to_do(self, edgekit_here, photos, run):
        code, _, err = edgekit_here("finetune", photos, "--out", run, *SMALL)
        assert code == 2
        assert "--resume" in err
        assert "--overwrite" in err

    def test_a_file_where_the_models_record_would_go_is_not_replaced(self, edgekit_here, run, tmp_path):
        other = tmp_path / "package.json"
        other.write_text("{}")
        out = ("--out", tmp_path / "package.tflite", "--allow-drop")
        code, _, err = edgekit_here("convert", run, "--float", *out)
        assert code == 2
        assert "package.json exists; use --overwrite" in err
        assert (other.read_text(), (tmp_path / "package.tflite").exists()) == ("{}", False)
        code, _, err = edgekit_here("convert", run, "--float", *out, "--overwrite")
        assert code == 0, err
        assert json.loads(other.read_text())["model"] == "package.tflite"

    @pytest.mark.parametrize(
        ("name", "own"), [("float.tflite", "float.json"), ("qat.tflite", "qat.json"), ("float.h5", "float.h5")]
    )
    @pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
    def test_a_model_whose_files_would_replace_the_runs_own_is_told_what_to_be_called(
        self, edgekit_here, run, name, own, overwrite, monkeypatch
    ):
        monkeypatch.setattr("edgekit.data.dataset.load_dataset", lambda *_, **__: pytest.fail("photos were read"))
        before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
        code, _, err = edgekit_here("convert", run, "--float", "--out", run / name, *overwrite)
        told = " ".join(err.split())
        assert code == 2
        assert f"must not replace its run's {run / own}" in told
        assert f"--out {run}/run-{own.partition('.')[0]}.tflite" in told
        assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == before

    @pytest.mark.parametrize("name", [".", "/"])
    def test_a_folder_where_the_model_would_go(self, edgekit_here, run, name):
        code, _, err = edgekit_here("convert", run, "--float", "--out", name, "--overwrite")
        assert code == 2
        assert "a model must be a file beside its record" in err

    def test_a_calibration_set_below_its_minimum(self, edgekit_here, run, tmp_path):
        out = tmp_path / "model.tflite"
        few = ("--calibration", tmp_path / "few", "--calibration-crops", "2")
        code, _, err = edgekit_here("convert", run, "--int8", "--out", out, *few)
        assert code == 2
        assert "error: " in err
        assert "calibration" in err
        assert not out.exists()

    def test_weights_of_another_architecture(self, edgekit_here, photos, run, tmp_path):
        mobile = ("--backbone", "mobilenet_v2", "--alpha", "0.35", "--side", "32", "--weights", run / "float.h5")
        code, _, err = edgekit_here("finetune", photos, "--out", tmp_path / "other", *mobile)
        assert code == 2
        assert "made for another architecture" in err
        assert not (tmp_path / "other").exists()

    def test_a_model_with_a_changed_byte(self, edgekit_here, photos, run, tmp_path):
        out = tmp_path / "model.tflite"
        code, _, err = edgekit_here("convert", run, "--float", "--out", out)
        assert code == 0, err
        content = bytearray(out.read_bytes())
        content[len(content) // 3] ^= 1
        out.write_bytes(content)
        code, _, err = edgekit_here("predict", out, photos / "genuine")
        assert code == 2
        assert "SHA-256" in err
