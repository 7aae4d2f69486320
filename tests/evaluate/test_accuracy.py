from dataclasses import replace

import numpy as np
import pytest

from edgekit.contract import Decision
from edgekit.data.options import SplitConfig
from edgekit.errors import DataError, EdgekitError
from edgekit.evaluate.accuracy import (
    ASKED_AGAIN,
    ScoredPhotos,
    evaluate_model,
    judged_photos,
    model_source,
    score_samples,
)
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import choose_photos
from edgekit.evaluate.threshold import Target, TargetRequest, set_target
from edgekit.metrics.classification import evaluation_of
from edgekit.modelfile.write import update_contract
from edgekit.progress import Progress
from edgekit.records import file_sha256, from_plain, plain, sha256
from edgekit.runtime import read_bundle
from edgekit.scoring.out_of_fold import beside, beside_content
from edgekit.scoring.scores import Scores


class TestEvaluate:
    def test_the_numbers_of_a_model_with_two_errors(self, tmp_path, model, make):
        dataset = make(tmp_path / "photos", wrong=("recapture/0-0.png", "recapture/1-1.png"))
        model()
        found = evaluate_model(tmp_path / "model.tflite", dataset)
        assert (found.model, found.part, found.data_sha256) == ("model.tflite", "all", dataset.sha256)
        numbers = found.evaluation
        assert numbers.balanced_accuracy.value == pytest.approx((1 + 0.8) / 2)
        assert numbers.bpcer.value == 0
        # Two of the six laptops pass; the photos without a kind are all found.
        assert (numbers.attack.apcer_kind, numbers.apcer.value) == ("laptop", pytest.approx(1 / 3))
        assert numbers.balanced_accuracy.low < numbers.balanced_accuracy.value
        assert set(numbers.by_group) == {f"author{number}" for number in range(5)}

    def test_fewer_crops(self, tmp_path, dataset, model):
        plan = model().plan
        path = tmp_path / "model.tflite"
        assert evaluate_model(path, dataset).crops == plan.crops
        assert evaluate_model(path, dataset, EvaluateConfig(crops=1)).crops == 1

    @pytest.mark.parametrize("crops", [0, 1001])
    def test_no_or_too_many_crops_are_refused(self, tmp_path, dataset, model, crops):
        model()
        with pytest.raises(EdgekitError, match=rf"crops must be numbers from 1 to 1000 .*got \({crops},\)"):
            evaluate_model(tmp_path / "model.tflite", dataset, EvaluateConfig(crops=crops))

    def test_the_order_of_the_models_labels_counts(self, dataset, own):
        swapped = replace(own, labels=("recapture", "genuine"))
        assert list(model_source(swapped, dataset, dataset.samples).targets[:10]) == [1] * 10

    def test_every_photo_gets_a_label(self, tmp_path, dataset, own):
        scores = score_samples(read_bundle(tmp_path / "model.tflite"), dataset, dataset.samples, crops=2)
        shy = own.with_decision(Decision(threshold=0.5, abstain=(0.0, 1.0), floor=1.0))
        assert (scores.predicted(shy) == -1).any()
        judged = judged_photos(ScoredPhotos(scores=scores, samples=dataset.samples, contract=shy))
        assert evaluation_of(judged).report.abstained == 0
        assert (judged.abstained.any(), judged.abstain, judged.floor) == (True, (0.0, 1.0), 1.0)

    def test_pooled_photos_are_judged_by_their_own_models_contract(self, tmp_path, dataset, own):
        scores = score_samples(read_bundle(tmp_path / "model.tflite"), dataset, dataset.samples, crops=2)
        always, never = (own.with_decision(Decision(threshold=cut, abstain=(0.0, 1.0))) for cut in (0.0, 1.0))
        parts = [
            ScoredPhotos(scores=scores, samples=dataset.samples, contract=one, counts=count)
            for one, count in ((always, 1), (never, 2))
        ]
        judged, n = judged_photos(*parts), len(dataset.samples)
        assert judged.paths == 2 * tuple(sample.path for sample in dataset.samples)
        assert judged.called_attack.tolist() == [True] * n + [False] * n
        assert judged.probabilities.tolist() == [*scores.voted(own, 1).tolist(), *scores.voted(own, 2).tolist()]
        assert judged.groups == 2 * tuple(sample.group for sample in dataset.samples)
        # Of two contracts no band is that of all photos.
        assert (judged.abstain, judged_photos(parts[0]).abstain) == (None, (0.0, 1.0))

    def test_a_record_survives_json(self, tmp_path, dataset, model):
        model()
        record = evaluate_model(tmp_path / "model.tflite", dataset)
        assert from_plain(type(record), plain(record), where="record") == record

    def test_a_file_that_is_replaced_meanwhile_is_not_the_one_that_was_judged(self, tmp_path, dataset, own):
        model = tmp_path / "model.tflite"
        before = file_sha256(model)

        class Replaces(Progress):
            def begin(self, what, total):
                update_contract(model, own.with_decision(Decision(threshold=0.9)))

        record = evaluate_model(model, dataset, progress=Replaces())
        assert record.file_sha256 == before != file_sha256(model)
        assert record.decision == own.decision

    def test_crops_of_one_pass_are_those_of_many(self, tmp_path, dataset, own):
        many = score_samples(read_bundle(tmp_path / "model.tflite"), dataset, dataset.samples, crops=5)
        few = score_samples(read_bundle(tmp_path / "model.tflite"), dataset, dataset.samples, crops=2)
        np.testing.assert_array_equal(many.crops[:, :2], few.crops)


class TestFolds:
    """A model that all photos but the test photos trained, and what heads said of them that had not seen them."""

    @pytest.fixture
    def judged(self, tmp_path, model, make, provenance):
        """The data, and a model whose folds were wrong, and unsure, about the first genuine photo."""
        dataset = make(tmp_path / "photos")
        told = provenance(dataset, SplitConfig(), by="folds")
        chosen = choose_photos(dataset, model(**told), "val", takes_folds=True)
        targets = np.array([("genuine", "recapture").index(one.label) for one in chosen.samples])
        called = np.where(np.arange(len(targets)) == 0, 1 - targets, targets)
        sure = np.where(np.arange(len(targets)) == 0, 0.2, 0.8)[:, np.newaxis]
        crops = (0.5 + sure * (np.eye(2)[called] - 0.5))[:, np.newaxis].repeat(model(**told).plan.crops, axis=1)
        content = beside_content(Scores(crops=crops.astype(np.float32), targets=targets))
        beside(tmp_path / "model.tflite").write_bytes(content)
        noted = {"validation_balanced_accuracy": 0.99, "validation_interval": [0.98, 1.0]}
        noted["validation_photos"] = len(targets)
        model(**told, **noted, folds_sha256=sha256(content))
        return dataset, tmp_path / "model.tflite", len(targets)

    def test_validation_numbers_are_those_of_the_folds(self, judged):
        dataset, model, photos = judged
        found = evaluate_model(model, dataset, EvaluateConfig(part="val"))
        assert found.evaluation.balanced_accuracy.value == pytest.approx(1 - 1 / photos)
        assert "each was judged by a head that had not seen its group" in found.caution
        assert found.gap is None
        # The file itself is right about all of them.
        run = evaluate_model(model, dataset, EvaluateConfig(part="train"))
        assert run.evaluation.balanced_accuracy.value == 1

    def test_the_least_certain_photos_are_asked_again(self, judged):
        dataset, model, photos = judged
        found = evaluate_model(model, dataset, EvaluateConfig(part="val")).asked_again
        assert [one.wanted for one in found] == list(ASKED_AGAIN)
        # The one that they were wrong about.
        assert {(one.asked, one.balanced_accuracy.value) for one in found[:2]} == {(1 / photos, 1.0)}

    def test_other_photos_are_asked_again_by_the_bounds_of_those_that_trained(self, judged):
        dataset, model, _ = judged
        found = evaluate_model(model, dataset)
        assert (found.part, [one.wanted for one in found.asked_again]) == ("test", list(ASKED_AGAIN))
        assert [one.asked for one in found.asked_again] == sorted(one.asked for one in found.asked_again)
        assert from_plain(type(found), plain(found), where="record") == found
        assert evaluate_model(model, dataset, EvaluateConfig(crops=1)).asked_again
        # More crops than the folds saw have no bound, and so has what lies elsewhere.
        assert evaluate_model(model, dataset, EvaluateConfig(crops=900)).asked_again == ()
        beside(model).write_bytes(b"others")
        assert evaluate_model(model, dataset).asked_again == ()

    def test_fewer_crops_are_the_first_and_more_are_refused(self, judged):
        dataset, model, _ = judged
        assert evaluate_model(model, dataset, EvaluateConfig(part="val", crops=1)).crops == 1
        with pytest.raises(DataError, match=r"out-of-fold scores are of \d+ crops, got --crops 900"):
            evaluate_model(model, dataset, EvaluateConfig(part="val", crops=900))

    def test_without_what_the_folds_said(self, judged):
        dataset, model, _ = judged
        beside(model).unlink()
        with pytest.raises(DataError, match=r"must lie in model\.folds\.npz beside it"):
            evaluate_model(model, dataset, EvaluateConfig(part="val"))

    def test_a_threshold_by_rule_is_chosen_out_of_fold(self, judged, tmp_path):
        dataset, model, photos = judged
        out = tmp_path / "strict.tflite"
        found = set_target(model, dataset, TargetRequest(target=Target.parse("bpcer=0.5"), write=out))
        assert (found.chosen_on.part, found.chosen_on.photos) == ("val", photos)
        assert evaluate_model(out, dataset, EvaluateConfig(part="val")).crops

    def test_test_photos_are_compared_with_validation(self, judged):
        dataset, model, _ = judged
        found = evaluate_model(model, dataset)
        assert (found.part, found.gap.validation.value, found.gap.warning) == ("test", 0.99, "")
        assert evaluate_model(model, dataset, EvaluateConfig(crops=1)).gap is None
        assert from_plain(type(found), plain(found), where="record") == found
