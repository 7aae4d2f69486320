from __future__ import annotations

from dataclasses import replace

import pytest
from photographs import write_unsure_colours

from edgekit.contract import Unknown
from edgekit.data.dataset import load_dataset
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import choose_photos
from edgekit.evaluate.retune import tune
from edgekit.modelfile.write import update_contract
from edgekit.records import file_sha256, plain
from edgekit.runtime import read_bundle


@pytest.fixture
def model(trained):
    return trained


def test_a_model_tuned_on_validation_photos_is_judged_by_the_test_photos(photos, model):
    config = SplitConfig(seed=1, val_fraction=0.4)
    provenance = {
        "data_sha256": photos.sha256,
        "split_config": plain(config),
        "split_sha256": split_dataset(photos, config).sha256,
    }
    update_contract(model, replace(read_bundle(model).contract, provenance=provenance))
    tune(model, photos, write=model)
    chosen = choose_photos(photos, read_bundle(model).contract, "auto")
    assert (chosen.part, chosen.caution) == ("test", "photos of 2 groups alone: others may do quite differently")


def test_tuning_writes_where_it_is_told_to_alone(tmp_path, photos, model):
    strange, before, out = replace(photos, sha256="0" * 64), file_sha256(model), tmp_path / "tuned.tflite"
    found = tune(model, strange)
    assert (found.written, found.written_sha256, file_sha256(model)) == (None, None, before)
    again = tune(model, strange, write=out)
    assert (again.written, again.written_sha256, file_sha256(model)) == (out.name, file_sha256(out), before)
    assert read_bundle(out).contract.decision == again.after == found.after


def test_photos_without_an_error_tune_nothing(photos, model):
    # The middle ones are those that it gets wrong.
    easy = tuple(one for one in photos.samples if _blue(one) not in range(70, 181))
    before = file_sha256(model)
    with pytest.raises(DataError, match="a temperature is told by photos that the model gets wrong, got none"):
        tune(model, replace(photos, sha256="0" * 64, samples=_labelled_by_colour(easy)), write=model)
    assert file_sha256(model) == before


def test_photos_in_an_abstain_band_count_as_evaluate_counts_them(photos, model, tmp_path):
    bundle = read_bundle(model)
    band = bundle.contract.with_decision(replace(bundle.contract.decision, abstain=(0.02, 0.98)))
    update_contract(model, band)
    strange = replace(photos, sha256="0" * 64)
    tuned = tune(model, strange, part="all", write=tmp_path / "tuned.tflite")
    assert tuned.after.abstain == (0.02, 0.98)
    every = EvaluateConfig(part="all", stop_early=False)
    found = evaluate_model(tmp_path / "tuned.tflite", strange, every)
    assert found.detail.risk.band.abstained.errors > 0
    assert tuned.balanced_accuracy == found.evaluation.balanced_accuracy.value
    early = evaluate_model(tmp_path / "tuned.tflite", strange, EvaluateConfig(part="all"))
    assert tuned.early_balanced_accuracy == early.evaluation.balanced_accuracy.value


def _blue(sample):
    number = int(sample.path.split("/")[1].removesuffix(".png"))
    return 30 * (number % 8) + (40 if sample.label == "recapture" else 0) + number // 8


def _labelled_by_colour(samples):
    """Photos with the label that their colour says."""
    return tuple(replace(one, label="recapture" if _blue(one) > 125 else "genuine") for one in samples)


def test_too_few_photos_or_groups_tune_nothing(photos, model):
    strange = replace(photos, sha256="0" * 64)
    with pytest.raises(DataError, match="needs 10 photos or more of each label, got 8 of genuine, 8 of recapture"):
        tune(model, replace(strange, samples=tuple(s for s in photos.samples if s.group in ("author 0", "author 1"))))
    two = tuple(replace(one, group=f"author {n % 2}") for n, one in enumerate(photos.samples))
    with pytest.raises(DataError, match="needs photos of 3 groups or more, got 2 among 80"):
        tune(model, replace(strange, samples=two))


@pytest.fixture
def colours(tmp_path, three_colours_file):
    """The model of three colours with a rule for unknown, and photos of which it gets some wrong."""
    contract = read_bundle(three_colours_file).contract
    write_unsure_colours(tmp_path / "colours", contract.labels)
    rule = Unknown(rule="probability", threshold=0.02, false_reject=0.1)
    closed = contract.with_decision(replace(contract.decision, early_stop=None))
    update_contract(three_colours_file, closed.with_unknown(rule), out=tmp_path / "ruled.tflite")
    return tmp_path / "ruled.tflite", tmp_path / "colours"


def test_a_rule_for_unknown_keeps_the_share_that_it_rejects(colours, tmp_path):
    model, root = colours
    dataset = load_dataset(root)
    found = tune(model, dataset, part="all", write=tmp_path / "tuned.tflite")
    assert (found.unknown_before.threshold, found.unknown_before.false_reject) == (0.02, 0.1)
    assert found.unknown_after == read_bundle(tmp_path / "tuned.tflite").contract.unknown
    assert found.unknown_after.threshold != 0.02
    # There are no bounds to stop early, so nothing is said of that.
    assert (found.after.early_stop, found.early_balanced_accuracy, found.crops_used) == (None, None, None)
    judged = evaluate_model(tmp_path / "tuned.tflite", dataset, EvaluateConfig(part="all"))
    assert judged.open_set.rejected.errors == 6
    assert found.balanced_accuracy == judged.evaluation.balanced_accuracy.value


def test_a_model_without_a_rule_has_none_to_tell_of(photos, model):
    found = tune(model, replace(photos, sha256="0" * 64))
    assert (found.unknown_before, found.unknown_after) == (None, None)
    assert found.early_balanced_accuracy is not None
