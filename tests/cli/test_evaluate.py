"""``edgekit evaluate`` as people run it, and how often it opens a model's file."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace

import pytest
from photographs import write_unsure_colours
from PIL import Image

from edgekit.contract import Unknown
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
        for words in (
            "macro avg",
            "laptop",
            "confusion",
            "that do worse than all",
            "camera=",
            "BPCER at APCER 5 %: ",
            "ECE of",
        ):
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


class TestUnknown:
    """A model of three colours with a rule for unknown, on photos of these and of others."""

    @pytest.fixture
    def ruled(self, tmp_path, three_colours_file):
        contract = read_bundle(three_colours_file).contract
        contract = contract.with_decision(replace(contract.decision, early_stop=None))
        rule = Unknown(rule="probability", threshold=0.5, false_accept=0.25, false_reject=0.0, auroc=0.97)
        update_contract(three_colours_file, contract.with_unknown(rule), out=tmp_path / "ruled.tflite")
        return tmp_path / "ruled.tflite"

    @pytest.fixture
    def colours(self, tmp_path, ruled):
        labels = read_bundle(ruled).contract.labels
        root, values = tmp_path / "colours", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90), (180, 20, 20)]
        for name, colour in zip((*labels, "grey", "ruby"), values, strict=True):
            (root / name).mkdir(parents=True)
            for number in range(3):
                Image.new("RGB", (24, 20), tuple(max(0, one - 5 * number) for one in colour)).save(
                    root / name / f"{number}.png"
                )
        return root

    def test_classes_that_the_model_does_not_know_are_told(self, tmp_path, edgekit_here, ruled, colours):
        code, told, err = edgekit_here("evaluate", ruled, "--data", colours, "--out", tmp_path / "report")
        assert code == 0, err
        assert re.search(r"grey +│ +0\.0 \(.*│ +– │ +3", told), told
        assert re.search(r"ruby +│ +100\.0 \(", told)
        for words in ("unknown by: probability, from score 0.5", "open-set AUROC: ", "FPR at 95 % TPR: "):
            assert words in told, words
        assert "balanced accuracy of known photos: 100.0 % without the rule, 100.0 % with it; points lost: 0.0" in told
        code, out, _ = edgekit_here("evaluate", ruled, "--data", colours, "--json")
        record = from_plain(EvaluateRecord, json.loads(out), where="--json")
        assert [one.label for one in record.open_set.classes] == ["grey", "ruby"]
        code, _, err = edgekit_here(
            "report", ruled, tmp_path / "report" / "evaluate.json", "--out", tmp_path / "page.html"
        )
        assert code == 0, err
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert "Classes that the model does not know" in page
        assert "open-set AUROC" in page

    @pytest.fixture
    def strict(self, edgekit_here, ruled, colours, tmp_path):
        """The model with a threshold that takes the darkest photo of each colour, and photos of its colours alone."""
        labels = read_bundle(ruled).contract.labels
        for label in labels:
            shutil.copytree(colours / label, tmp_path / "known" / label)
        _, out, _ = edgekit_here("predict", ruled, tmp_path / "known", "--json")
        scores = {row["photo"][-5]: row["unknown"] for row in sorted(json.loads(out), key=lambda row: row["unknown"])}
        assert scores["1"] < scores["2"]
        contract = read_bundle(ruled).contract
        least = min(row["unknown"] for row in json.loads(out) if row["photo"].endswith("2.png"))
        rule = replace(contract.unknown, threshold=(scores["1"] + least) / 2, false_accept=0.817)
        update_contract(ruled, contract.with_unknown(rule), out=tmp_path / "strict.tflite")
        return tmp_path / "strict.tflite", tmp_path / "known"

    def test_known_photos_that_are_called_unknown_are_seen(self, edgekit_here, strict):
        code, told, err = edgekit_here("evaluate", strict[0], "--data", strict[1])
        assert code == 0, err
        assert re.search(r"truth +┃.*┃ +unknown +┃ +all", told), told
        assert re.search(r"red +│ +2 +│ +0 +│ +0 +│ +1 +│ +3", told), told
        assert "known photos called unknown: 3 of 9 photos, 33.3 % (" in told
        assert re.search(r"balanced accuracy: 66\.7 %", told)
        assert "called unknown (score" in err
        assert "most unknown photos would still be accepted: 81.7 %" in " ".join(err.split())

    def test_many_crops_and_benchmarks_see_them_too(self, edgekit_here, strict, tmp_path):
        code, told, err = edgekit_here("tta", strict[0], "--data", strict[1], "--crops", "3", "--plan", "own")
        assert code == 0, err
        code, told, _ = edgekit_here("tta", strict[0], "--data", strict[1], "--crops", "3", "--plan", "own", "--json")
        assert (code, [one["unknown"] for one in json.loads(told)["points"]]) == (0, [3, 3])
        quick = ("--quick", "--runs", "10", "--min-seconds", "0", "--warmup-seconds", "0", "--threads", "1")
        code, told, err = edgekit_here("bench", strict[0], "--data", strict[1], "--crops", "3", *quick)
        assert code == 0, err
        assert re.search(r"called(?s:.*)unknown", told), told
        record = json.loads((tmp_path / "strict.bench.json").read_text())
        assert record["devices"][0]["points"][0]["evaluation"]["report"]["abstained"] == 3

    def test_tuning_says_which_threshold_the_rule_had_and_has(self, edgekit_here, ruled, tmp_path):
        contract = read_bundle(ruled).contract
        update_contract(ruled, contract.with_unknown(replace(contract.unknown, false_reject=0.1)))
        write_unsure_colours(tmp_path / "unsure", contract.labels)
        code, told, err = edgekit_here("tune", ruled, "--data", tmp_path / "unsure", "--split", "all")
        assert code == 0, err
        assert re.search(r"unknown from score +│ +0\.5 +│ +0\.\d+", told), told
        assert "with all crops\n" in told
        assert "stopping early" not in told
        assert "largest bound" not in told

    def test_without_a_rule_they_are_refused(self, edgekit_here, three_colours_file, colours):
        code, _, err = edgekit_here("evaluate", three_colours_file, "--data", colours)
        assert code == 2
        assert "does not know: grey, ruby; it knows" in " ".join(err.split())

    def test_predict_and_info_say_it(self, edgekit_here, ruled, colours):
        code, told, err = edgekit_here("predict", ruled, colours / "grey")
        assert code == 0, err
        assert told.count("unknown") >= 3
        code, told, _ = edgekit_here("predict", ruled, colours / "grey" / "0.png", "--json")
        (row,) = json.loads(told)
        assert (row["label"], row["score"]) == ("unknown", pytest.approx(2 / 3, abs=0.01))
        code, told, _ = edgekit_here("info", ruled)
        said = " ".join(told.split())
        assert "by probability from score 0.5, which" in said
        assert "on classes held out: AUROC 0.970, false accepts 25.0 % at a like cost" in said
        assert "which 0.0 % of known photos reach" in said
