"""``edgekit evaluate``, ``tta`` and ``tune --target`` as people run them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace

import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.evaluate.tta import TtaRecord
from edgekit.modelfile.write import update_contract
from edgekit.records import file_sha256, from_plain, plain
from edgekit.runtime import read_bundle


@pytest.fixture
def photos(tmp_path):
    """Ten authors with four photos, from plainly red to plainly blue, by two cameras."""
    root, samples = tmp_path / "photos", []
    for number in range(40):
        label = ("genuine", "recapture")[number % 2]
        blue = 30 * (number % 8) + (40 if label == "recapture" else 0)
        path = f"{label}/{number}.png"
        (root / label).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 20), (250 - blue, 20, blue)).save(root / path)
        kind = "laptop" if label == "recapture" else ""
        camera = "AB"[number % 8 >= 6]
        samples.append(Sample(path=path, label=label, group=f"author{number // 4}", kind=kind, camera=camera))
    write_manifest(root / "manifest.csv", samples)
    return root


@pytest.fixture
def model(tmp_path, red_blue_file, photos):
    path = tmp_path / "model.tflite"
    shutil.copy(red_blue_file, path)
    dataset, config = load_dataset(photos), SplitConfig(seed=2)
    split = split_dataset(dataset, config)
    provenance = {"data_sha256": dataset.sha256, "split_config": plain(config), "split_sha256": split.sha256}
    update_contract(path, replace(read_bundle(path).contract, provenance=provenance))
    return path


@pytest.fixture(scope="module")
def opened():
    """Every path that is opened, in order."""
    paths = []
    # An audit hook stays for as long as the process lives.
    sys.addaudithook(lambda event, arguments: paths.append(str(arguments[0])) if event == "open" else None)
    return paths


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("evaluate", "--split", "all"), id="evaluate"),
        pytest.param(("evaluate", "--target", "eer", "--also-test", "--write", "tuned.tflite"), id="threshold"),
        pytest.param(("tune", "--target", "eer", "--write", "tuned.tflite"), id="tune-target"),
        pytest.param(("tune", "--split", "all", "--write", "tuned.tflite"), id="tune"),
    ],
)
def test_a_model_file_is_opened_once(tmp_path, edgekit_here, model, photos, opened, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if command[:3] == ("tune", "--split", "all"):
        update_contract(model, replace(read_bundle(model).contract, provenance={}))
    name, *options = command
    opened.clear()
    code, _, err = edgekit_here(name, model, "--data", photos, *options)
    assert code == 0, err
    assert opened.count(str(model)) == 1


class TestEvaluate:
    def test_tables_record_and_figures(self, tmp_path, edgekit_here, model, photos):
        out = tmp_path / "report"
        code, told, err = edgekit_here("evaluate", model, "--data", photos, "--split", "all", "--out", out)
        assert code == 0, err
        for words in ("macro avg", "laptop", "confusion", "worst slices", "camera=", "BPCER at APCER 5 %: ", "ECE of"):
            assert words in told, words
        assert re.search(r"^balanced accuracy: \d+\.\d % \(\d+\.\d–\d+\.\d\)$", told, re.MULTILINE)
        assert "The headline is the worst kind among those with 10 photos or more" in " ".join(told.split())
        assert "slices were looked at" in err
        assert "wrong: " in err
        names = {path.name for path in out.iterdir()}
        figures = {"errors.png", "precision-recall.png", "reliability.png", "risk-coverage.png", "confusion.png"}
        assert names == {"evaluate.json", *figures}
        raw = json.loads((out / "evaluate.json").read_text())
        record = from_plain(EvaluateRecord, raw, where="evaluate.json")
        assert record.detail.photos == 40
        assert str(tmp_path) not in (out / "evaluate.json").read_text()

    def test_json_is_the_record(self, edgekit_here, model, photos):
        arguments = ("evaluate", model, "--data", photos, "--split", "all", "--slices", "camera", "--json")
        code, told, _ = edgekit_here(*arguments)
        assert code == 0
        assert json.loads(told)["detail"]["slices"]["columns"] == ["camera"]

    def test_a_column_that_is_not_there_is_named_before_photos_are_scored(self, edgekit_here, model, photos):
        code, told, err = edgekit_here("evaluate", model, "--data", photos, "--slices", "camera,lens")
        assert (code, told) == (2, "")
        assert "got 'lens'" in err
        assert "scoring" not in err

    def test_nothing_is_written_among_the_photos(self, edgekit_here, model, photos):
        code, _, err = edgekit_here("evaluate", model, "--data", photos, "--out", photos / "report")
        assert code == 2
        assert "must lie outside the photos' folder" in err


class TestTarget:
    def test_evaluate_says_what_a_rule_gives(self, edgekit_here, model, photos):
        before = file_sha256(model)
        code, told, err = edgekit_here("evaluate", model, "--data", photos, "--target", "bpcer=0.02", "--also-test")
        assert code == 0, err
        assert "bpcer=0.02: threshold" in told
        assert "│ val " in told
        assert "│ test " in told
        assert "can't show bpcer=0.02" in err
        assert "nothing was written" in err
        assert file_sha256(model) == before

    def test_evaluate_writes_another_file(self, tmp_path, edgekit_here, model, photos):
        out = tmp_path / "tuned.tflite"
        code, _, err = edgekit_here("evaluate", model, "--data", photos, "--target", "apcer=0.25", "--write", out)
        assert code == 0, err
        assert file_sha256(out) in err
        assert read_bundle(out).contract.provenance["operating_point"]["target"] == "apcer=0.25"

    def test_tune_does_the_same_in_place(self, tmp_path, edgekit_here, model, photos):
        out = tmp_path / "tuned.tflite"
        edgekit_here("evaluate", model, "--data", photos, "--target", "eer", "--write", out)
        code, _, err = edgekit_here("tune", model, "--data", photos, "--target", "eer", "--in-place", "--json")
        assert code == 0, err
        assert file_sha256(model) == file_sha256(out)

    def test_tune_writes_only_where_it_is_told_to(self, tmp_path, edgekit_here, model, photos):
        before, out = file_sha256(model), tmp_path / "tuned.tflite"
        code, told, err = edgekit_here("tune", model, "--data", photos, "--split", "val")
        assert (code, told) == (2, "")
        assert "needs 10 photos or more of each label" in err
        update_contract(model, replace(read_bundle(model).contract, provenance={}))
        before = file_sha256(model)
        code, told, err = edgekit_here("tune", model, "--data", photos)
        assert code == 0, err
        assert "temperature" in told
        assert "nothing was written; --write OUT.tflite or --in-place" in err
        assert file_sha256(model) == before
        code, _, err = edgekit_here("tune", model, "--data", photos, "--write", out)
        assert code == 0, err
        assert file_sha256(model) == before
        assert file_sha256(out) in err
        code, told, _ = edgekit_here("info", out)
        assert code == 0
        assert file_sha256(out) in told
        assert read_bundle(out).contract.model_sha256 in told
        assert "tuned on" in told
        assert "all photos of other data" in told
        assert "{" not in told
        assert edgekit_here("tune", model, "--data", photos, "--in-place")[0] == 0
        assert file_sha256(model) == file_sha256(out)

    @pytest.mark.parametrize(
        ("command", "arguments", "message"),
        [
            ("evaluate", ["--target", "fpr=0.1"], "a target must be"),
            ("evaluate", ["--target", "eer", "--split", "test"], "chosen on validation photos, got --split test"),
            ("evaluate", ["--write", "x.tflite"], "need --target"),
            ("evaluate", ["--target", "eer", "--crops", "3"], "--crops can't be used with --target"),
            ("tune", ["--also-test"], "needs --target"),
            ("tune", ["--write", "x.tflite", "--in-place"], "got --write and --in-place"),
        ],
    )
    def test_what_can_not_be_is_said(self, edgekit_here, model, photos, command, arguments, message):
        before = file_sha256(model)
        code, told, err = edgekit_here(command, model, "--data", photos, *arguments)
        assert (code, told) == (2, "")
        assert message in " ".join(err.split())
        assert file_sha256(model) == before


class TestTta:
    def test_tables_record_page_and_figure(self, tmp_path, edgekit_here, model, photos):
        other, out = tmp_path / "other.tflite", tmp_path / "study"
        shutil.copy(model, other)
        arguments = ("tta", model, other, "--data", photos, "--split", "all", "--crops", "1,5", "--out", out)
        code, told, err = edgekit_here(*arguments, "--plan", "1/4", "--plan", "own@5", "--plan", "full")
        assert code == 0, err
        for words in ("1/4 ×5", "own ×5", "without (centre)", "5 random crops", "weighted avg"):
            assert words in told, words
        assert {path.name for path in out.iterdir()} == {"tta.json", "tta.md", "tta.png", "scores"}
        record = from_plain(TtaRecord, json.loads((out / "tta.json").read_text()), where="tta.json")
        assert [one.name for one in record.models] == ["model", "other"]
        # A copy scores the same, so its scores are found.
        assert len(list((out / "scores").iterdir())) == 4
        with Image.open(out / "tta.png") as picture:
            assert picture.format == "PNG"

    def test_json_is_the_record(self, edgekit_here, model, photos):
        code, told, _ = edgekit_here("tta", model, "--data", photos, "--crops", "1", "--plan", "full", "--json")
        assert code == 0
        assert json.loads(told)["baseline"] == "centre"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--plan", "own@many"], "a plan reads NAME or NAME@N"),
            (["--plan", "1/0"], "a crop scale must be"),
            (["--crops", "1,x"], "whole numbers with commas between"),
            (["--crops", "5000"], "--crops must be numbers from 1 to 1000"),
        ],
    )
    def test_what_can_not_be_is_said(self, edgekit_here, model, photos, arguments, message):
        code, told, err = edgekit_here("tta", model, "--data", photos, *arguments)
        assert (code, told) == (2, "")
        assert message in " ".join(err.split())
