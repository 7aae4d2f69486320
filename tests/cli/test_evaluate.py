"""``edgekit evaluate`` as people run it, and how often it opens a model's file."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest

from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.modelfile.write import update_contract
from edgekit.records import from_plain
from edgekit.runtime import read_bundle


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


class TestOneSide:
    """Photos of one class alone, such as one species of attack."""

    @pytest.fixture
    def one_side(self, tmp_path, photos):
        def make(label):
            root = tmp_path / "one"
            (root / label).mkdir(parents=True)
            for at, photo in enumerate(sorted((photos / label).iterdir())):
                photo.rename(root / label / f"{at}.png")
            return root

        return make

    @pytest.mark.parametrize(
        ("label", "rate", "absent"),
        [
            pytest.param("recapture", "APCER", "no BPCER, accuracy, AUC or EER", id="attacks"),
            pytest.param("genuine", "BPCER", "no APCER, accuracy, AUC or EER", id="genuine"),
        ],
    )
    def test_tells_its_rate_and_what_it_cannot_tell(self, edgekit_here, model, one_side, label, rate, absent):
        root = one_side(label)
        code, told, err = edgekit_here("evaluate", model, "--data", root)
        assert code == 0, err
        assert re.search(rf"│ {label} +│ .* │ +20 │", told)
        assert re.search(rf"^{rate}: \d+\.\d % \(\d+\.\d–\d+\.\d\)$", told, re.MULTILINE)
        for word in ("balanced accuracy", "AUC", "macro", "ECE"):
            assert word not in told, word
        assert absent in " ".join(err.split())
        code, told, err = edgekit_here("evaluate", model, "--data", root, "--json", "--out", root.parent / "out")
        assert code == 0, err
        record = from_plain(EvaluateRecord, json.loads(told), where="evaluate.json")
        known, unknown = record.evaluation.apcer, record.evaluation.bpcer
        if label == "genuine":
            known, unknown = unknown, known
        assert known is not None
        assert (unknown, record.evaluation.attack, record.evaluation.auc) == (None, None, None)
        recall = next(one.recall for one in record.detail.table.classes if one.label == label)
        assert known.value == pytest.approx(1 - recall)
        assert absent in record.caution

    def test_kinds_that_lie_in_folders_are_no_classes(self, edgekit_here, model, one_side):
        root = one_side("recapture")
        for number, photo in enumerate(sorted((root / "recapture").iterdir())):
            kind = root / "recapture" / ("tv", "print")[number % 2]
            kind.mkdir(exist_ok=True)
            photo.rename(kind / photo.name)
        code, _, err = edgekit_here("evaluate", model, "--data", root)
        assert code == 0, err
        assert "20 photos of 1 class (recapture 20)" in " ".join(err.split())
        code, told, err = edgekit_here("evaluate", model, "--data", root, "--folders", "label/kind")
        assert code == 0, err
        assert re.search(r"│ tv +│ .* │ +10 │", told)
        assert "APCER (worst kind): " in told
        # The folder of the class itself is understood as well.
        code, _, err = edgekit_here("evaluate", model, "--data", root / "recapture")
        assert code == 0, err
        assert "the folder's own name is the class 'recapture'" in " ".join(err.split())

    @pytest.mark.parametrize("command", [("evaluate", "--target", "eer", "--split", "all"), ("tune", "--split", "all")])
    def test_chooses_nothing(self, edgekit_here, model, one_side, command):
        name, *options = command
        code, _, err = edgekit_here(name, model, "--data", one_side("recapture"), *options)
        assert code == 2
        assert "scoring" not in err
        assert re.search("photos of both classes|photos or more of each label", err)
