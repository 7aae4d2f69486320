"""``edgekit tta`` as people run it."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

from edgekit.evaluate.tta import TtaRecord
from edgekit.records import from_plain


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
