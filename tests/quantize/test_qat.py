import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import convert_run
from edgekit.errors import DataError, RunError
from edgekit.locks import LOCK_NAME
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.progress import SILENT
from edgekit.quantize.calibration import read_calibration
from edgekit.quantize.options import CalibrationFolder
from edgekit.quantize.qat import load_stage, qat
from edgekit.quantize.ranges import INPUT_RANGE
from edgekit.records import file_sha256, write_json
from edgekit.train.finetune import crop_feed
from edgekit.train.fit import validation_scores
from edgekit.train.network import save_weights
from edgekit.train.options import FitConfig
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions

pytestmark = [pytest.mark.host, pytest.mark.slow]

HOW = FitConfig(epochs=2, batch_size=32, learning_rate=1e-4, crops_per_photo=2, patience=2)


def test_the_record_stands_beside_the_float_one(small_run):
    before, record = small_run.read("float"), small_run.read("qat")
    assert (record.stage, record.interrupted) == ("qat", False)
    assert (record.split, record.data_sha256, record.labels) == (before.split, before.data_sha256, before.labels)
    assert record.config == replace(before.config, whole=record.config.whole)
    assert record.weights_sha256 == file_sha256(small_run.weights("qat"))
    assert before.weights_sha256 == file_sha256(small_run.weights("float"))
    assert (before.float_sha256, record.float_sha256) == (None, before.weights_sha256)


def test_the_ranges_come_from_the_kept_crops(small_run, calibration, dataset, run_copy):
    """Those of the manifest, and no others: another choice gives other ranges."""
    record, manifest = small_run.read("qat"), read_calibration(calibration)
    assert (record.calibration_crops, record.calibration_sha256) == (len(manifest.crops), manifest.sha256)
    training = {sample.path for sample in record.split.samples(dataset, "train")}
    assert {crop.photo for crop in manifest.crops} <= training
    folder = run_copy("float")
    other = qat(dataset, folder, HOW, calibration=CalibrationFolder(crops=60))
    assert other.calibration_sha256 == read_calibration(folder.calibration).sha256 != manifest.sha256


def test_own_images_set_the_ranges_of_both_stages(dataset, run_copy, tmp_path):
    """The qat stage notes them, and convert takes the same folder where none is named."""
    own, folder = tmp_path / "mine", run_copy("float")
    for label in dataset.labels:
        (own / label).mkdir(parents=True)
        for sample in [sample for sample in dataset.samples if sample.label == label][:3]:
            (own / label / Path(sample.path).name).write_bytes(dataset.path_of(sample).read_bytes())
    before = {path: path.stat().st_mtime_ns for path in own.rglob("*")}
    record = qat(dataset, folder, HOW, calibration=CalibrationFolder(path=own, crops=60))
    assert {path: path.stat().st_mtime_ns for path in own.rglob("*")} == before
    assert record.calibration_crops == 60
    assert (record.calibration_images.images, record.calibration_images.labels) == (6, dict.fromkeys(dataset.labels, 3))
    assert record.calibration_images.caution.startswith("only 6 calibration images")
    assert folder.read("qat") == record
    assert folder.calibration_of("auto") == own
    assert folder.calibration_of("float") == folder.calibration
    config = ConvertConfig(calibration=folder.calibration_of("auto"), allow_drop=True)
    converted = convert_run(dataset, folder, tmp_path / "m.tflite", config)
    assert converted.calibration.sha256 == record.calibration_sha256
    (own / dataset.labels[0] / "more.png").write_bytes(dataset.path_of(dataset.samples[9]).read_bytes())
    with pytest.raises(DataError, match=r"must be the 60 images of .*mine that the qat stage was calibrated on"):
        convert_run(dataset, folder, tmp_path / "n.tflite", config)


def test_int8_costs_little_against_float(small_run, dataset):
    record = small_run.read("qat")
    feed = crop_feed(dataset, record.split, record.config, record.config.whole, progress=SILENT)
    float_loss, loss = (
        balanced_log_loss(
            validation_scores(load_stage(small_run, small_run.read(stage), stage), feed), feed.validation_targets
        )
        for stage in ("float", "qat")
    )
    assert loss < float_loss + 0.1


@pytest.fixture(scope="module")
def small_twin(small_run):
    return load_stage(small_run, small_run.read("qat"), "qat")


@pytest.fixture(scope="module")
def mobile_twin(mobile_run):
    return load_stage(mobile_run, mobile_run.read("qat"), "qat")


@pytest.mark.parametrize("twin", ["small_twin", "mobile_twin"])
def test_the_input_keeps_its_range(twin, request):
    model = request.getfixturevalue(twin)
    (first,) = (layer for layer in model.layers if type(layer).__name__ == "QuantizeLayer")
    ends = sorted(float(weight) for weight in first.weights if weight.name.split(":")[0].endswith(("min", "max")))
    assert tuple(ends) == INPUT_RANGE


def test_a_frozen_backbone_is_rounded_to_its_grid_and_no_further(mobile_run, mobile_twin):
    network = load_stage(mobile_run, mobile_run.read("float"), "float")
    kernel = network.get_layer("block_6_expand").get_weights()[0]
    (twin,) = (
        weight.numpy()
        for weight in mobile_twin.get_layer("quant_block_6_expand").trainable_weights
        if weight.shape == kernel.shape
    )
    peaks = np.abs(kernel).max(axis=(0, 1, 2))
    np.testing.assert_allclose(np.abs(twin).max(axis=(0, 1, 2)), peaks, rtol=1e-6)
    levels = twin / (peaks / 127)
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-3)
    # A weight may go up where nearest is down, to make up for its neighbours, but stays itself.
    assert np.corrcoef(twin.ravel(), kernel.ravel())[0, 1] > 0.99


def test_the_head_was_solved_anew_for_int8_features(mobile_run, mobile_twin, dataset):
    record = mobile_run.read("qat")
    assert set(record.history) == {"val_loss", "penalty", "val_balanced_accuracy"}
    assert record.history["val_loss"] != mobile_run.read("float").history["val_loss"]
    # No photo is held out for validation: those of the test part have not trained it either.
    split = replace(record.split, val=record.split.test)
    feed = crop_feed(dataset, split, record.config, record.config.whole, progress=SILENT)
    scores = validation_scores(mobile_twin, feed)
    assert (scores.argmax(axis=1) == feed.validation_targets).mean() > 0.8


def test_a_frozen_backbone_is_adapted_once_whatever_the_crops(mobile_run, dataset, tmp_path):
    """Its adaptation rests on drawn scenes, so runs and folds of the same weights share it; each has its own ranges."""
    shutil.copytree(mobile_run.root, tmp_path / "run", ignore=shutil.ignore_patterns("features"))
    folder, cache = RunFolder(root=tmp_path / "run"), tmp_path / "cache"
    told = []
    for crops, draws in ((50, None), (60, 2)):
        options = RunOptions(overwrite=True, cache=cache)
        where = CalibrationFolder(crops=crops, draws=draws)
        record = qat(dataset, folder, HOW, calibration=where, options=options)
        assert record.config.draws == (draws or mobile_run.read("float").config.draws)
        told.append({path: path.stat().st_mtime_ns for path in (cache / "adapted").rglob("*.npz")})
    assert told[0] == told[1]
    assert len({path.parent for path in told[0]}) == 1
    assert not (folder.root / "features" / "adapted").exists()


def test_nothing_need_be_kept(dataset, run_copy, tmp_path):
    folder = run_copy("float")
    again = RunFolder(root=shutil.copytree(folder.root, tmp_path / "again"))
    qat(
        dataset, folder, replace(HOW, epochs=1), calibration=CalibrationFolder(crops=50), options=RunOptions(keep=False)
    )
    assert not folder.features.exists()
    qat(dataset, again, replace(HOW, epochs=1), calibration=CalibrationFolder(crops=50))
    assert list((again.features / "adapted").rglob("*.npz"))
    assert again.read("qat").history == folder.read("qat").history


class TestRefusals:
    def test_without_a_float_stage(self, dataset, tmp_path):
        with pytest.raises(RunError, match="no finished float stage; run `edgekit finetune DATA --out"):
            qat(dataset, RunFolder(root=tmp_path), HOW)

    def test_on_other_photos(self, dataset, small_run):
        with pytest.raises(RunError, match=r"was trained on other photos .* name the same photos"):
            qat(replace(dataset, sha256="0" * 64), small_run, HOW)

    def test_in_a_folder_that_holds_one(self, dataset, small_run):
        with pytest.raises(RunError, match="already holds a qat run"):
            qat(dataset, small_run, HOW)

    def test_weights_that_are_damaged_are_not_parsed(self, dataset, run_copy, monkeypatch):
        monkeypatch.setattr("edgekit.quantize.qat.load_weights", lambda *args, **kwargs: pytest.fail("was parsed"))
        folder = run_copy("float")
        content = folder.weights("float").read_bytes()
        folder.weights("float").write_bytes(content[: len(content) // 2])
        with pytest.raises(RunError, match=r"float\.h5 must be the weights that float\.json tells of, got others"):
            qat(dataset, folder, HOW)

    def test_weights_that_are_no_file(self, dataset, run_copy):
        folder = run_copy("float")
        folder.weights("float").unlink()
        folder.weights("float").mkdir()
        with pytest.raises(RunError, match=r"float\.h5: can't read the weights: Is a directory"):
            qat(dataset, folder, HOW)


def test_weights_that_the_record_does_not_tell_of_are_refused(dataset, run_copy, small_run):
    """A later stage of the same network: it loads, and is another model than the record says."""
    folder = run_copy("float")
    network = load_stage(small_run, small_run.read("float"), "float")
    head = next(layer for layer in network.layers if layer.name.startswith("head_"))
    head.set_weights([2 * weight for weight in head.get_weights()])
    save_weights(network, folder.weights("float"))
    with pytest.raises(RunError, match=r"float\.h5 must be the weights that float\.json tells of, got others"):
        qat(dataset, folder, HOW)
    assert not folder.record("qat").exists()


def test_going_on_at_another_learning_rate_is_refused(dataset, run_copy):
    folder = run_copy("float", "qat")
    before = {path: path.read_bytes() for path in folder.root.iterdir() if path.is_file() and path.name != LOCK_NAME}
    with pytest.raises(RunError, match=r"which began with 0\.0001, got 1e-05; give --learning-rate 0\.0001"):
        qat(dataset, folder, replace(HOW, learning_rate=1e-5), options=RunOptions(resume=True))
    assert {
        path: path.read_bytes() for path in folder.root.iterdir() if path.is_file() and path.name != LOCK_NAME
    } == before


def test_a_float_stage_that_a_killed_call_put_aside_comes_back(dataset, run_copy):
    folder = run_copy("float", "qat")
    for path in [one for one in folder.root.iterdir() if one.name != LOCK_NAME]:
        path.replace(path.with_name(f".{path.name}.old"))
    with pytest.raises(RunError, match="already holds a qat run"):
        qat(dataset, folder, HOW)
    assert folder.read("float")


def test_resuming_adds_epochs(dataset, run_copy):
    folder = run_copy("float", "qat")
    before = folder.read("qat").history["val_loss"]
    record = qat(dataset, folder, HOW, options=RunOptions(resume=True))
    assert (len(before), len(record.history["val_loss"])) == (1, 2)
    assert record.history["val_loss"][:1] == before


class TestOtherFloatWeights:
    """A qat stage beside float weights that it was not made from, whole as they are."""

    @pytest.fixture
    def mixed(self, run_copy, small_run):
        folder = run_copy("float", "qat")
        network = load_stage(small_run, small_run.read("float"), "float")
        head = next(layer for layer in network.layers if layer.name.startswith("head_"))
        head.set_weights([2 * weight for weight in head.get_weights()])
        save_weights(network, folder.weights("float"))
        record = replace(folder.read("float"), weights_sha256=file_sha256(folder.weights("float")))
        write_json(folder.record("float"), record)
        return folder

    def test_it_is_not_converted(self, mixed, dataset, convert_config, tmp_path):
        from edgekit.convert.to_file import convert_run

        with pytest.raises(RunError, match=r"was made from other float weights, .* run `edgekit qat .* --overwrite`"):
            convert_run(dataset, mixed, tmp_path / "m.tflite", convert_config)
        assert not (tmp_path / "m.tflite").exists()

    @pytest.mark.parametrize("finished", [True, False])
    def test_it_is_not_gone_on_with(self, mixed, dataset, finished):
        if not finished:
            mixed.record("qat").unlink()
        message = "was made from other float weights" if finished else "began with other float weights"
        with pytest.raises(RunError, match=message):
            qat(dataset, mixed, HOW, options=RunOptions(resume=True))

    def test_it_is_made_again(self, mixed, dataset):
        record = qat(dataset, mixed, HOW, options=RunOptions(overwrite=True))
        assert record.float_sha256 == mixed.read("float").weights_sha256


def test_no_stage_works_in_a_folder_where_another_process_does(
    dataset, run_copy, small_config, convert_config, tmp_path
):
    from edgekit.convert.to_file import convert_run
    from edgekit.train.finetune import finetune

    folder = run_copy("float", "qat")
    before = {path: path.read_bytes() for path in folder.root.iterdir() if path.is_file() and path.name != LOCK_NAME}
    hold = "import sys; from pathlib import Path; from edgekit.locks import working_in\n"
    hold += "with working_in(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, folder.root]
    again = RunOptions(overwrite=True)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        for stage in (
            lambda: finetune(dataset, folder, small_config, options=again),
            lambda: qat(dataset, folder, HOW, options=again),
            lambda: convert_run(dataset, folder, tmp_path / "m.tflite", convert_config),
        ):
            with pytest.raises(RunError, match="another edgekit process works in"):
                stage()
        other.stdin.close()
    left = {path: path.read_bytes() for path in folder.root.iterdir() if path.is_file() and path.name != LOCK_NAME}
    assert left == before
