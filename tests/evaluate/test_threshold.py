from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.contract import Decision
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.errors import DataError
from edgekit.evaluate.photos import choose_photos
from edgekit.evaluate.retune import tune
from edgekit.evaluate.threshold import Target, TargetRecord, TargetRequest, set_target, threshold_for
from edgekit.metrics.attacks import attack_report
from edgekit.modelfile.write import update_contract
from edgekit.progress import Progress
from edgekit.records import file_sha256, from_plain, plain
from edgekit.runtime import read_bundle

scored_photos = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=50).filter(
    lambda photos: len({truth for truth, _ in photos}) == 2
)


class TestTarget:
    @pytest.mark.parametrize("text", ["bpcer=0.02", "apcer=0.05", "eer", "apcer=0"])
    def test_what_is_read_is_written(self, text):
        assert str(Target.parse(text)) == text

    @pytest.mark.parametrize(
        "text",
        ["", "bpcer", "bpcer=", "bpcer=2", "bpcer=-1", "eer=0.1", "far=0.1", "apcer=nan", "apcer=x", "apcer=1e-9"],
    )
    def test_what_is_no_target_is_refused(self, text):
        with pytest.raises(DataError, match="a target must be"):
            Target.parse(text)


@settings(deadline=None)
@given(scored_photos, st.sampled_from(["apcer", "bpcer"]), st.sampled_from([0.0, 0.02, 0.1, 0.34, 0.5]))
def test_a_limit_is_kept_and_nothing_better_keeps_it(photos, what, limit):
    truth, score = np.array([t for t, _ in photos]), np.array([s / 25 for _, s in photos])

    def rates(threshold):
        called = score >= threshold
        return {"apcer": (~called[truth]).mean(), "bpcer": called[~truth].mean()}

    other = "bpcer" if what == "apcer" else "apcer"
    found = rates(threshold_for(Target(what=what, limit=limit), truth, score, [""] * len(truth)).threshold)
    assert found[what] <= limit
    every = [rates(cut) for cut in (*np.unique(score), 1.0)]
    assert found[other] == pytest.approx(min(one[other] for one in every if one[what] <= limit))


def test_scores_at_the_very_end_leave_no_threshold():
    truth, score = np.array([True, False]), np.array([0.5, 1.0])
    with pytest.raises(DataError, match="no threshold from 0 to 1 keeps bpcer=0"):
        threshold_for(Target.parse("bpcer=0"), truth, score, ["", ""])


class TestWorstKind:
    """Prints are easy and many, laptops hard; genuine photos score up to 0.3."""

    @pytest.fixture(params=[10, 40])
    def laptops(self, request):
        return request.param

    @pytest.fixture
    def scored(self, laptops):
        genuine, printed, laptop = np.linspace(0, 0.3, 31), np.linspace(0.8, 0.9, 200), np.linspace(0.2, 0.7, laptops)
        truth = np.repeat([False, True, True], [31, 200, laptops])
        # The kind of a genuine photo means nothing.
        kinds = ["laptop"] * 31 + ["print"] * 200 + ["laptop"] * laptops
        return truth, np.concatenate([genuine, printed, laptop]), kinds

    @pytest.mark.parametrize("limit", [0.0, 0.1, 0.2, 0.5])
    def test_an_apcer_is_kept_for_the_worst_kind(self, scored, laptops, limit):
        truth, score, kinds = scored
        aimed = threshold_for(Target(what="apcer", limit=limit), truth, score, kinds)
        report = attack_report(truth, score >= aimed.threshold, kinds)
        assert (aimed.kind, aimed.photos) == ("laptop", laptops)
        assert report.apcer <= limit
        # One more laptop that passes would be one too many.
        higher = np.sort(score[231:])[round(report.apcer * laptops)] + 1e-9
        assert attack_report(truth, score >= higher, kinds).apcer > limit

    @pytest.mark.parametrize("laptops", [9], indirect=True)
    def test_a_kind_of_too_few_photos_decides_nothing(self, scored):
        truth, score, kinds = scored
        aimed = threshold_for(Target.parse("apcer=0.1"), truth, score, kinds)
        assert (aimed.kind, aimed.photos) == ("print", 200)
        assert aimed.threshold > 0.8

    def test_it_decides_where_none_has_enough(self):
        truth, score = np.array([False, True, True]), np.array([0.1, 0.4, 0.9])
        aimed = threshold_for(Target.parse("apcer=0"), truth, score, ["", "laptop", "print"])
        assert (aimed.kind, aimed.threshold) == ("laptop", pytest.approx(0.25))
        assert threshold_for(Target.parse("eer"), truth, score, ["", "laptop", "print"]).kind is None


@pytest.fixture
def model(trained):
    return trained


class TestSetTarget:
    def test_a_threshold_is_chosen_on_validation_photos_and_written(self, tmp_path, photos, model):
        before, out = file_sha256(model), tmp_path / "out" / "tuned.tflite"
        request = TargetRequest(target=Target.parse("bpcer=0.25"), also_test=True, write=out)
        found = set_target(model, photos, request)
        assert (found.chosen_on.part, found.tested_on.part) == ("val", "test")
        assert found.chosen_on.bpcer.photos.value <= 0.25
        assert found.chosen_on.photos == len(split_dataset(photos, SplitConfig(seed=1)).val)
        assert found.file_sha256 == before == file_sha256(model)
        assert found.written_sha256 == file_sha256(out) != before
        new, old = read_bundle(out), read_bundle(model)
        assert new.contract.decision.threshold == found.threshold != old.contract.decision.threshold
        assert (new.flatbuffer, new.contract.decision.temperature) == (
            old.flatbuffer,
            old.contract.decision.temperature,
        )
        assert new.contract.provenance["operating_point"]["target"] == "bpcer=0.25"
        assert new.contract.provenance["split_sha256"] == old.contract.provenance["split_sha256"]
        assert from_plain(TargetRecord, plain(found), where="record") == found

    def test_what_was_written_does_what_was_said(self, tmp_path, photos, model):
        from edgekit.evaluate.accuracy import evaluate_model
        from edgekit.evaluate.options import EvaluateConfig

        found = set_target(model, photos, TargetRequest(target=Target.parse("apcer=0.2"), write=model))
        assert found.kind == found.chosen_on.worst_kind
        assert found.chosen_on.worst_apcer <= 0.2
        again = evaluate_model(model, photos, EvaluateConfig(part="val", stop_early=False)).detail.attacks
        assert (again.overall, again.bpcer) == (found.chosen_on.apcer, found.chosen_on.bpcer)

    @pytest.mark.parametrize("act", ["target", "tune"])
    def test_a_file_that_is_replaced_meanwhile_is_not_the_one_that_was_scored(
        self, tmp_path, photos, model, three_colours_file, act
    ):
        before, out, flatbuffer = file_sha256(model), tmp_path / "tuned.tflite", read_bundle(model).flatbuffer

        class Replaces(Progress):
            def begin(self, what, total):
                shutil.copy(three_colours_file, model)

        strange = replace(photos, sha256="0" * 64)
        if act == "tune":
            record = tune(model, strange, write=out, progress=Replaces())
        else:
            request = TargetRequest(target=Target.parse("eer"), also_test=True, write=out)
            record = set_target(model, photos, request, progress=Replaces())
            assert record.file_sha256 == before
        assert file_sha256(model) == file_sha256(three_colours_file)
        assert read_bundle(out).flatbuffer == flatbuffer
        assert record.written_sha256 == file_sha256(out)

    def test_nothing_is_written_unasked(self, photos, model):
        before = file_sha256(model)
        found = set_target(model, photos, TargetRequest(target=Target.parse("eer")))
        assert (found.written, found.written_sha256, found.needed) == (None, None, None)
        assert file_sha256(model) == before

    def test_photos_too_few_for_the_limit_are_told(self, photos, model):
        found = set_target(model, photos, TargetRequest(target=Target.parse("bpcer=0.02")))
        assert found.needed == 189
        assert "genuine photos can't show bpcer=0.02: one error is" in found.caution
        assert found.caution.endswith("it takes 189")

    def test_early_stopping_is_fitted_anew(self, tmp_path, photos, model):
        contract = read_bundle(model).contract
        bounds = (9.0,) * (contract.plan.crops - 1)
        update_contract(model, contract.with_decision(Decision(threshold=0.5, early_stop=bounds)))
        set_target(model, photos, TargetRequest(target=Target.parse("eer"), write=model))
        new = read_bundle(model).contract.decision.early_stop
        assert len(new) == len(bounds)
        assert new != bounds

    @pytest.mark.parametrize("part", ["test", "train"])
    def test_test_and_training_photos_choose_nothing(self, photos, model, part):
        with pytest.raises(DataError, match=f"got --split {part}"):
            set_target(model, photos, TargetRequest(target=Target.parse("eer"), part=part))

    def test_all_photos_of_the_models_own_data_choose_nothing(self, photos, model):
        # The test photos are among them.
        before = file_sha256(model)
        with pytest.raises(DataError, match="got --split all"):
            set_target(model, photos, TargetRequest(target=Target.parse("eer"), part="all"))
        for part in ("all", "test", "train"):
            with pytest.raises(DataError, match=f"got --split {part}"):
                tune(model, photos, part=part)
        assert file_sha256(model) == before

    def test_photos_that_chose_say_so_when_they_judge(self, photos, model):
        strange = replace(photos, sha256="0" * 64)
        told = "these photos chose the operating point"
        assert told not in choose_photos(strange, read_bundle(model).contract, "auto").caution
        tune(model, strange, write=model)
        tuned = read_bundle(model).contract
        assert tuned.provenance["operating_point"] == {"data_sha256": strange.sha256, "part": "all"}
        assert told in choose_photos(strange, tuned, "auto").caution
        assert told not in choose_photos(photos, tuned, "auto").caution
        set_target(model, strange, TargetRequest(target=Target.parse("eer"), part="val", write=model))
        again = read_bundle(model).contract
        assert told in choose_photos(strange, again, "all").caution
        assert told not in choose_photos(strange, again, "test").caution

    def test_photos_of_others_must_be_named(self, photos, model):
        strange = replace(photos, sha256="0" * 64)
        with pytest.raises(DataError, match="not the data that the model was trained on"):
            set_target(model, strange, TargetRequest(target=Target.parse("eer")))
        found = set_target(model, strange, TargetRequest(target=Target.parse("eer"), part="all"))
        assert (found.chosen_on.part, found.chosen_on.photos) == ("all", 80)

    def test_a_task_without_genuine_photos_is_refused(self, photos, model):
        update_contract(model, replace(read_bundle(model).contract, bona_fide=None, decision=Decision()))
        with pytest.raises(DataError, match="needs a label of genuine photos"):
            set_target(model, photos, TargetRequest(target=Target.parse("eer")))
