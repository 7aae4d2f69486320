import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import Decision
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.splits import group_folds, split_dataset
from edgekit.errors import ContractError, DataError
from edgekit.evaluate.accuracy import ScoredPhotos, evaluate_model, judged_photos, model_source, score_samples
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import choose_photos
from edgekit.metrics.classification import evaluation_of
from edgekit.modelfile.write import update_contract
from edgekit.progress import Silent
from edgekit.records import file_sha256, from_plain, plain
from edgekit.runtime import read_bundle

COLOURS = {"genuine": (230, 20, 30), "recapture": (30, 20, 230)}
FLATTERS = "these photos trained the model: the numbers flatter"


def make(root, *, grouped=True, labels=tuple(COLOURS), wrong=()):
    """Five authors with two photos of each class; the photos of ``wrong`` are in the other class's colour."""
    samples = []
    for label, (name, colour) in zip(labels, COLOURS.items(), strict=True):
        other = next(value for key, value in COLOURS.items() if key != name)
        for author in range(5):
            for number in range(2):
                path = f"{label}/{author}-{number}.png"
                (root / label).mkdir(parents=True, exist_ok=True)
                shade = tuple(value + author + 5 * number for value in (other if path in wrong else colour))
                Image.new("RGB", (24, 20), shade).save(root / path)
                kind = "laptop" if label == "recapture" and author < 3 else ""
                samples.append(
                    Sample(path=path, label=label, group=f"author{author}" if grouped else "", kind=kind or "")
                )
    write_manifest(root / "manifest.csv", samples)
    return load_dataset(root)


@pytest.fixture
def dataset(tmp_path):
    return make(tmp_path / "photos")


@pytest.fixture
def model(tmp_path, red_blue_file):
    """``model(data_sha256=…)``: a copy of the red and blue model with this provenance."""

    def write(**provenance):
        path = tmp_path / "model.tflite"
        shutil.copy(red_blue_file, path)
        contract = replace(read_bundle(path).contract, provenance=provenance)
        return update_contract(path, contract).contract

    return write


@pytest.fixture
def own(dataset, model):
    """The contract of a model that was trained on the data set."""
    return model(**provenance(dataset, SplitConfig(seed=3)))


def provenance(dataset, config):
    """What ``convert`` says of the data, without what nobody decides by."""
    split = split_dataset(dataset, config)
    return {"data_sha256": dataset.sha256, "split_config": plain(config), "split_sha256": split.sha256}


def without_groups(caution):
    """The caution without what it says about the number of groups."""
    return re.sub(r"(; )?photos of \d groups? alone: others may do quite differently", "", caution)


class TestChoosePhotos:
    def test_the_test_photos_of_its_own_data_come_first(self, dataset, own):
        chosen = choose_photos(dataset, own, "auto")
        split = split_dataset(dataset, SplitConfig(seed=3))
        assert (chosen.part, without_groups(chosen.caution)) == ("test", "")
        assert tuple(sample.path for sample in chosen.samples) == split.test

    def test_other_data_is_taken_whole(self, dataset, model):
        chosen = choose_photos(dataset, model(data_sha256="0" * 64), "auto")
        assert (chosen.part, chosen.samples) == ("all", dataset.samples)

    @pytest.mark.parametrize(
        ("part", "caution"),
        [
            pytest.param("all", "these photos also trained the model: the numbers flatter", id="all"),
            pytest.param("train", FLATTERS, id="train"),
            pytest.param("val", "these photos chose epochs and thresholds", id="val"),
            pytest.param("test", "", id="test"),
        ],
    )
    def test_a_part_of_its_own_data_has_its_caution(self, dataset, own, part, caution):
        chosen = choose_photos(dataset, own, part)
        assert (chosen.part, without_groups(chosen.caution)) == (part, caution)

    @pytest.mark.parametrize(("part", "groups"), [("test", 1), ("train", 3), ("all", 5)])
    def test_few_groups_are_said_beside_the_numbers(self, dataset, own, part, groups):
        caution = choose_photos(dataset, own, part).caution
        assert (f"photos of {groups} group" in caution) == (groups < 5)

    @pytest.mark.parametrize("part", ["auto", "train", "val", "test"])
    def test_a_model_of_another_split_is_refused(self, dataset, model, part):
        """A fold of a cross-validation: the split that the data gives would call its training photos test photos."""
        fold = group_folds(dataset, 3, seed=0)[0]
        contract = model(**provenance(dataset, SplitConfig()) | {"split_sha256": fold.sha256})
        with pytest.raises(DataError, match=r"was trained on another split of .*; use --split all"):
            choose_photos(dataset, contract, part)
        assert choose_photos(dataset, contract, "all").caution.startswith("these photos also trained the model")

    def test_photos_that_may_have_trained_it_are_told(self, dataset, own):
        fewer = replace(dataset, samples=dataset.samples[1:], sha256="0" * 64)
        assert "the model was trained on other photos or an older state" in choose_photos(fewer, own, "auto").caution

    def test_parts_share_no_group(self, dataset, own):
        groups = [{s.group for s in choose_photos(dataset, own, part).samples} for part in ("train", "val", "test")]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 5

    def test_a_part_of_other_data_is_split_as_by_default(self, dataset, model):
        chosen = choose_photos(dataset, model(), "val")
        assert tuple(s.path for s in chosen.samples) == split_dataset(dataset, SplitConfig()).val
        assert without_groups(chosen.caution) == ""

    def test_a_random_split_is_said_beside_the_numbers(self, tmp_path, model):
        dataset = make(tmp_path / "loose", grouped=False)
        contract = model(**provenance(dataset, SplitConfig()))
        assert choose_photos(dataset, contract, "auto").caution.startswith("no group column")
        assert choose_photos(dataset, contract, "train").caution.endswith(FLATTERS)

    def test_labels_that_the_model_does_not_know_are_named(self, tmp_path, model):
        dataset = make(tmp_path / "odd", labels=("genuine", "spoof"))
        with pytest.raises(DataError, match=r"has the labels \['spoof'\], the model knows \['genuine', 'recapture'\]"):
            choose_photos(dataset, model(), "auto")

    def test_a_model_that_forgot_its_split_is_refused(self, dataset, model):
        with pytest.raises(DataError, match="split_config must be an object"):
            choose_photos(dataset, model(data_sha256=dataset.sha256), "auto")


class TestEvaluate:
    def test_the_numbers_of_a_model_with_two_errors(self, tmp_path, model):
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
        with pytest.raises(ContractError, match=f"crops must be 1 to 1000, got {crops}"):
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

        class Replaces(Silent):
            def begin(self, what, total):
                update_contract(model, own.with_decision(Decision(threshold=0.9)))

        record = evaluate_model(model, dataset, progress=Replaces())
        assert record.file_sha256 == before != file_sha256(model)
        assert record.decision == own.decision

    def test_crops_of_one_pass_are_those_of_many(self, tmp_path, dataset, own):
        many = score_samples(read_bundle(tmp_path / "model.tflite"), dataset, dataset.samples, crops=5)
        few = score_samples(read_bundle(tmp_path / "model.tflite"), dataset, dataset.samples, crops=2)
        np.testing.assert_array_equal(many.crops[:, :2], few.crops)
