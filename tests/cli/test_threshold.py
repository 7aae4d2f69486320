"""``evaluate --target`` and ``tune --target`` as people run them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.modelfile.write import update_contract
from edgekit.records import file_sha256
from edgekit.runtime import read_bundle


class TestTarget:
    def test_evaluate_says_what_a_rule_gives(self, edgekit_here, model, photos):
        before = file_sha256(model)
        code, told, err = edgekit_here("evaluate", model, "--data", photos, "--target", "bpcer=0.02", "--also-test")
        assert code == 0, err
        assert "bpcer=0.02: threshold" in told
        assert "part: val" in told
        assert "part: test" in told
        assert "can't show bpcer=0.02" in err
        assert "nothing was written" in err
        assert file_sha256(model) == before

    def test_evaluate_writes_another_file(self, tmp_path, edgekit_here, model, photos):
        out = tmp_path / "tuned.tflite"
        code, told, err = edgekit_here("evaluate", model, "--data", photos, "--target", "apcer=0.25", "--write", out)
        assert code == 0, err
        assert "apcer=0.25, kept for the kind laptop: threshold" in " ".join(told.split())
        assert "attacks of the kind laptop can't show apcer=0.25" in " ".join(err.split())
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
