from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from fixtures.several import SEVERAL_CALIBRATION, TRAINED
from hearing import Heard

from edgekit.contract import Contract, CropPlan
from edgekit.convert.gate import ConvertRecord, compare_labels
from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import convert_run
from edgekit.data.dataset import load_dataset
from edgekit.errors import EdgekitError, RunError
from edgekit.modelfile.flatbuffer import describe
from edgekit.quantize.qat import qat
from edgekit.records import from_plain, read_json
from edgekit.runtime import Classifier
from edgekit.runtime.bundle import read_bundle
from edgekit.scoring.out_of_fold import has_beside
from edgekit.scoring.passes import ScoreStore, score_photos
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import crop_source
from edgekit.train.finetune import finetune
from edgekit.train.options import FitConfig, qat_fit
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions
from edgekit.train.start_from import read_start

pytestmark = [pytest.mark.host, pytest.mark.slow]


def test_the_run_tells_each_label(several_run, several):
    record = several_run.read("float")
    assert record.config.multi_label
    assert record.reading.multi_label
    assert [one.label for one in record.told_labels] == list(several.labels) == list(record.labels)
    assert all(one.average_precision > 0.9 and 0 < one.threshold < 1 and one.penalty for one in record.told_labels)
    counts = record.counts[0]
    assert counts.labels == {one.label: one.photos for one in record.told_labels}
    assert sum(counts.labels.values()) != counts.photos


def test_nothing_begins_from_it(several_run):
    with pytest.raises(RunError, match=r"heads of one label a photo, got .* with --multi-label; name another"):
        read_start(several_run.root)


def test_the_file_says_its_thresholds_and_ends_in_sigmoids(several_model, several_run):
    bundle = read_bundle(several_model)
    contract = bundle.contract
    assert contract.schema == 3
    assert contract.multi_label is not None
    assert len(contract.multi_label) == len(contract.labels) == 3
    assert contract.decision.early_stop is None
    inside = describe(bundle.flatbuffer)
    assert inside.operators["LOGISTIC"] == 1
    assert "SOFTMAX" not in inside.operators
    assert not inside.not_int8
    record = from_plain(ConvertRecord, read_json(several_model.with_suffix(".json")), where="record")
    assert record.gate.measure == "mean average precision"
    assert record.gate.out_of_fold
    assert record.gate.balanced_accuracy > 0.9
    assert contract.provenance["validation_mean_average_precision"] > 0.9
    assert has_beside(several_model, contract.provenance["folds_sha256"])


def test_a_photo_of_the_test_part_gets_its_labels(several_model, several, several_run):
    samples = several_run.read("float").split.samples(several, "test")
    with Classifier(read_bundle(several_model)) as classifier:
        said = [classifier.classify(several.path_of(sample)) for sample in samples]
    assert np.mean([one.label == sample.label for one, sample in zip(said, samples, strict=True)]) > 0.7
    assert any(len(one.labels) > 1 for one in said)
    for one in said:
        assert one.label == ("|".join(one.labels) or "none")


def test_scores_that_are_kept_are_taken_again(several_model, several, several_run, tmp_path):
    bundle, samples = read_bundle(several_model), several_run.read("float").split.samples(several, "test")
    source = crop_source(several, samples, bundle.contract.plan, bundle.contract.side_px)
    store = ScoreStore.of(tmp_path, several, samples)
    (first,) = score_photos([bundle], source, crops=2, store=store)
    heard = Heard()
    (again,) = score_photos([bundle], source, crops=2, store=store, progress=heard)
    np.testing.assert_array_equal(first.crops, again.crops)
    assert again.targets.shape == (len(samples), 3)
    assert not heard.lines


def test_float_and_qat_files(several, several_run, tmp_path):
    folder = RunFolder(root=tmp_path / "run")
    finetune(several, folder, replace(TRAINED, head="logistic", weigh="groups"))
    assert qat(several, folder, qat_fit(), calibration=SEVERAL_CALIBRATION).told_labels
    for precision in ("float32", "int8"):
        out = tmp_path / f"{precision}.tflite"
        config = ConvertConfig(
            precision=precision, calibration=folder.calibration, calibration_crops=50, allow_drop=True
        )
        record = convert_run(several, folder, out, config)
        assert record.stage == ("float" if precision == "float32" else "qat")
        assert record.gate.balanced_accuracy > 0.9


def test_the_whole_network_is_trained_by_each_label(several, tmp_path):
    folder = RunFolder(root=tmp_path / "run")
    how = FitConfig(epochs=3, batch_size=16, learning_rate=3e-3, crops_per_photo=4, patience=3, label_smoothing=0.05)
    record = finetune(several, folder, replace(TRAINED, tune="all", whole=how))
    assert record.folds is None
    losses = record.history["val_loss"]
    assert min(losses) == losses[record.best_epoch] < losses[0] + 1e-9
    assert min(record.history["loss"]) < record.history["loss"][0]
    assert [one.penalty for one in record.told_labels] == [None] * 3
    tuned = qat(several, folder, replace(how, epochs=1), calibration=SEVERAL_CALIBRATION)
    assert len(tuned.told_labels) == 3
    config = ConvertConfig(calibration=folder.calibration, calibration_crops=50, allow_drop=True)
    converted = convert_run(several, folder, tmp_path / "tuned.tflite", config)
    assert not converted.gate.out_of_fold
    assert converted.contract.multi_label is not None


def test_photos_are_trained_as_they_are_read(several, several_photos, several_run, tmp_path):
    with pytest.raises(RunError, match="photos with several labels must be trained as such, got multi_label=False"):
        finetune(several, RunFolder(root=tmp_path / "run"), replace(TRAINED, multi_label=False))
    single = load_dataset(several_photos)
    with pytest.raises(RunError, match="photos with one label each must be trained as such, got multi_label=True"):
        finetune(single, RunFolder(root=tmp_path / "run"), TRAINED)
    with pytest.raises(RunError, match="goes on with the same"):
        finetune(single, several_run, replace(TRAINED, multi_label=False), options=RunOptions(resume=True))


def test_a_single_frame_is_refused(several, several_run, several_config, tmp_path):
    with pytest.raises(EdgekitError, match="--single-frame is for one label a photo, the run has several"):
        convert_run(several, several_run, tmp_path / "one.tflite", replace(several_config, single_frame=True))


def contract(**more):
    plan = CropPlan(crops=1)
    made = Contract(name="m", labels=("a", "b"), side_px=32, plan=plan, precision="int8", model_sha256="0" * 64, **more)
    return made.with_multi_label((0.5, 0.5))


def scores(*wrong):
    """Ten photos of each of two labels, ten of both; right about all but these photos."""
    targets = np.repeat([[1, 0], [0, 1], [1, 1]], 10, axis=0)
    said = np.where(targets > 0, 0.9, 0.1) + np.linspace(0, 0.01, 30)[:, np.newaxis]
    said[list(wrong)] = 1 - said[list(wrong)]
    return Scores(crops=said[:, np.newaxis].astype(np.float32), targets=targets)


@pytest.mark.parametrize(
    ("wrong", "max_drop", "outcome"),
    [
        pytest.param((), 0.0, "kept", id="no-drop"),
        pytest.param((0,), 50.0, "kept", id="within"),
        pytest.param((0,), 0.0, "undecided", id="one-photo-is-chance"),
        pytest.param(tuple(range(0, 30, 2)), 1.0, "lost", id="half-of-all"),
    ],
)
def test_the_gate_goes_by_mean_average_precision(wrong, max_drop, outcome):
    gate = compare_labels((scores(), contract()), (scores(*wrong), contract()), max_drop=max_drop)
    assert gate.outcome == outcome
    assert gate.float_balanced_accuracy == 1.0
    assert gate.drop_points == pytest.approx(100 * (1 - gate.balanced_accuracy))
    assert gate.agreement == pytest.approx(1 - len(wrong) / 30)
    assert [(one.label, one.photos) for one in gate.classes] == [("a", 20), ("b", 20)]
    assert outcome != "undecided" or gate.caution.startswith("mean average precision fell by")
