"""Runs with a rule for unknown, as files: what they call unknown, and what they say of the rest."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import convert_run
from edgekit.data.dataset import load_dataset
from edgekit.errors import EdgekitError, RunError
from edgekit.evaluate.accuracy import evaluate_model, score_samples
from edgekit.evaluate.options import EvaluateConfig
from edgekit.modelfile.flatbuffer import describe
from edgekit.records import from_plain, plain
from edgekit.runtime import Classifier, read_bundle
from edgekit.scoring.out_of_fold import beside
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.unknown import RULES

pytestmark = [pytest.mark.host, pytest.mark.slow]

PRECISIONS = ("float32", "int8")
TAIL = {"probability": set(), "energy": {"CONCATENATION"}, "distance": {"L2_NORMALIZATION", "LOG_SOFTMAX"}}


@pytest.fixture(scope="module")
def train_photos(coloured_photos):
    return load_dataset(coloured_photos / "train")


@pytest.fixture(scope="module")
def test_photos(coloured_photos):
    return load_dataset(coloured_photos / "test")


@pytest.fixture(scope="module")
def converted(unknown_runs, train_photos, tmp_path_factory):
    """``converted(rule, precision)``: the model file."""
    made = {}

    def of(rule, precision):
        if (rule, precision) not in made:
            folder, out = unknown_runs(rule), tmp_path_factory.mktemp(f"{rule}-{precision}") / "model.tflite"
            config = ConvertConfig(
                precision=precision, calibration=folder.calibration, calibration_crops=50, allow_drop=True
            )
            convert_run(train_photos, folder, out, config)
            made[rule, precision] = out
        return made[rule, precision]

    return of


every_file = pytest.mark.parametrize(("rule", "precision"), [(rule, one) for rule in RULES for one in PRECISIONS])


@every_file
def test_the_file_has_its_rule_and_an_output_where_it_needs_one(converted, unknown_runs, rule, precision):
    bundle = read_bundle(converted(rule, precision))
    contract, found = bundle.contract, unknown_runs(rule).read("qat" if precision == "int8" else "float").unknown
    assert (contract.schema, contract.unknown.rule) == (3, rule)
    assert contract.outputs == 5 + (rule != "probability")
    assert contract.output_labels[5:] == (("unknown",) if rule != "probability" else ())
    assert (contract.unknown.auroc, contract.unknown.false_accept) == (
        round(found.best.auroc, 4),
        round(found.best.false_accept, 4),
    )
    assert contract.decision.early_stop is None
    assert TAIL[rule] <= set(describe(bundle.flatbuffer).operators)
    assert {one["rule"] for one in contract.provenance["unknown"]["rules"]} == set(RULES)


@every_file
def test_strange_colours_are_told_from_known_ones(converted, test_photos, rule, precision):
    found = evaluate_model(converted(rule, precision), test_photos)
    assert (found.open_set.known, found.open_set.unknown, found.evaluation.report.n) == (60, 24, 60)
    assert [one.label for one in found.open_set.classes] == ["grey", "white"]
    # Features are of random filters, so not every rule finds grey far from all colours.
    assert found.open_set.auroc.value > 0.6, found.open_set
    assert found.open_set.open_accuracy <= found.open_set.closed_accuracy
    assert found.evaluation.balanced_accuracy.value == pytest.approx(found.open_set.open_accuracy)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_labels_are_what_they_would_be_without_the_output(converted, train_photos, precision):
    bundles = [read_bundle(converted(rule, precision)) for rule in RULES]
    votes = []
    for bundle in bundles:
        scores = score_samples(bundle, train_photos, train_photos.samples, crops=2)
        votes.append(scores.voted(replace(bundle.contract, decision=bundles[0].contract.decision)))
    for one in votes[1:]:
        np.testing.assert_allclose(one, votes[0], atol=1e-4)


@every_file
def test_known_photos_out_of_fold_lose_what_they_may(converted, train_photos, rule, precision):
    path = converted(rule, precision)
    found = evaluate_model(path, train_photos, EvaluateConfig(part="val")).open_set
    assert (found.unknown, found.auroc) == (0, None)
    assert found.cost.value <= 0.02 + 1e-9
    assert found.rejected.photos.value == pytest.approx(read_bundle(path).contract.unknown.false_reject, abs=1e-4)


def test_the_runtime_says_unknown(converted, test_photos):
    path = converted("distance", "int8")
    with Classifier.load(path) as classifier:
        said = {one.path: classifier.classify(test_photos.path_of(one)) for one in test_photos.samples}
    least = classifier.contract.unknown.threshold
    for verdict in said.values():
        assert (verdict.label == "unknown") == (verdict.unknown >= least)
        assert set(verdict.probabilities) == set(classifier.contract.labels)
        assert len(verdict.crops[0].probabilities) == 6
    assert any(verdict.label == "unknown" for verdict in said.values())
    assert any(verdict.label != "unknown" for verdict in said.values())


def test_a_model_without_a_rule_refuses_strange_photos(converted, test_photos, tmp_path):
    from edgekit.modelfile.write import update_contract

    path = converted("probability", "float32")
    bundle = read_bundle(path)
    update_contract(path, bundle.contract.with_unknown(None), out=tmp_path / "closed.tflite")
    with pytest.raises(EdgekitError, match="does not know: grey, white; it knows"):
        evaluate_model(tmp_path / "closed.tflite", test_photos)


def test_an_output_can_not_be_taken_from_a_file(converted, tmp_path):
    from edgekit.modelfile.write import update_contract

    path = converted("energy", "float32")
    with pytest.raises(EdgekitError, match="a new contract must keep outputs 6, got 5"):
        update_contract(path, read_bundle(path).contract.with_unknown(None), out=tmp_path / "closed.tflite")


def test_strange_photos_alone_judge_nothing(converted, coloured_photos, tmp_path):
    for name in ("grey", "white"):
        shutil.copytree(coloured_photos / "test" / name, tmp_path / "strange" / name)
    strange = load_dataset(tmp_path / "strange")
    with pytest.raises(EdgekitError, match="must have photos of a class that the model knows"):
        evaluate_model(converted("energy", "float32"), strange)


class TestRun:
    def test_records_say_what_was_compared(self, unknown_runs):
        folder = unknown_runs("distance")
        for stage in ("float", "qat"):
            record = folder.read(stage)
            assert record.unknown.rounds == (("blue", "yellow"), ("cyan",), ("green",), ("red",))
            assert [one.rule for one in record.unknown.rules] == list(RULES)
            assert folder.kept_means(record) is not None
            assert from_plain(TrainRecord, plain(record), where="here") == record
        # Each stage has the means of its own network's features.
        assert folder.read("float").unknown.means_sha256 != folder.read("qat").unknown.means_sha256

    def test_means_of_another_run_are_refused(self, unknown_runs, train_photos, tmp_path):
        folder = RunFolder(root=shutil.copytree(unknown_runs("distance").root, tmp_path / "run"))
        folder.means("float").write_bytes(b"other")
        config = ConvertConfig(precision="float32", calibration=folder.calibration)
        with pytest.raises(RunError, match="must be the class means that the run's record tells of"):
            convert_run(train_photos, folder, tmp_path / "m.tflite", config)

    def test_a_file_for_one_frame_is_refused(self, unknown_runs, train_photos, tmp_path):
        folder = unknown_runs("energy")
        config = ConvertConfig(precision="float32", calibration=folder.calibration, single_frame=True)
        with pytest.raises(EdgekitError, match=r"for which no class was held out.*without --unknown"):
            convert_run(train_photos, folder, tmp_path / "m.tflite", config)


def test_scores_lie_beside_the_file_with_the_output(converted):
    with np.load(beside(converted("energy", "int8"))) as kept:
        assert kept["crops"].shape == (50, 2, 6)
