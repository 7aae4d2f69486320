"""The chain as a user runs it: commands, their files, their exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.contract import CropPlan
from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import convert_run
from edgekit.data.dataset import load_dataset
from edgekit.data.regions import WithoutRegion
from edgekit.data.splits import split_dataset
from edgekit.errors import RunError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.modelfile.flatbuffer import describe, input_quantization
from edgekit.quantize.options import CalibrationFolder
from edgekit.quantize.qat import qat
from edgekit.runtime import Classifier, read_bundle
from edgekit.train.finetune import _drop_other_origins, _keep_origin, finetune
from edgekit.train.options import NetworkConfig, TrainConfig, qat_fit
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions

pytestmark = [pytest.mark.host, pytest.mark.slow]


def edgekit(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgekit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_no_group_stands_on_two_sides(small_run, dataset):
    split = small_run.read("float").split
    groups = [{sample.group for sample in split.samples(dataset, part)} for part in ("train", "val", "test")]
    assert sum(map(len, groups)) == len(set.union(*groups)) == len(dataset.groups)


def test_the_network_is_int8_inside_without_a_qat_stage(mobile_run, dataset, tmp_path):
    config = ConvertConfig(stage="float", calibration=tmp_path / "crops", calibration_crops=50, allow_drop=True)
    convert_run(dataset, mobile_run, tmp_path / "model.tflite", config)
    bundle = read_bundle(tmp_path / "model.tflite")
    assert not describe(bundle.flatbuffer).not_int8
    assert input_quantization(bundle.flatbuffer) == (1 / 128, 128)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic", "int16x8"])
def test_every_other_precision_converts(precision, small_run, dataset, tmp_path):
    config = ConvertConfig(
        precision=precision, calibration=tmp_path / "crops", calibration_crops=50, allow_drop=True, stage="float"
    )
    record = convert_run(dataset, small_run, tmp_path / "model.tflite", config)
    assert record.gate.agreement >= 0.8
    assert record.contract.precision == precision


def test_bench_writes_a_table_a_record_and_a_picture(small_model, author_photos, tmp_path):
    sweep = ("--crops", "1,3", "--threads", "1", "--quick", "--budget-ms", "10000")
    done = edgekit("bench", small_model, "--data", author_photos, *sweep, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "small-int8.bench.json").read_text())
    (local,) = record["devices"]
    points = local["points"]
    assert [(point["crops"], point["stops_early"]) for point in points[:2]] == [(1, False), (3, False)]
    # The contract's own plan, with its bounds.
    assert points[2]["stops_early"]
    assert 1 <= points[2]["crops_used"]["mean"] <= points[2]["crops"]
    assert record["part"] == "test"
    assert local["recommended"]["crops"] in {point["crops"] for point in points}
    assert (tmp_path / "small-int8.pareto.png").read_bytes().startswith(b"\x89PNG")
    assert "balanced accuracy" in done.stdout


def test_a_budget_that_nothing_meets_is_exit_code_1(small_model, author_photos, tmp_path):
    sweep = ("--crops", "1", "--threads", "1", "--quick", "--budget-ms", "0.0001")
    assert edgekit("bench", small_model, "--data", author_photos, *sweep, "--out", tmp_path).returncode == 1


def test_predict_names_the_photo_that_cannot_be_read(small_model, author_photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    done = edgekit("predict", small_model, author_photos / "genuine" / "author0-0.png", broken, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 2
    assert rows[0]["label"] in ("genuine", "recapture")
    assert "0 bytes" in rows[1]["error"]


def test_a_run_in_the_way_is_refused(small_run, author_photos):
    done = edgekit("finetune", author_photos, "--out", small_run.root, "--backbone", "small_cnn", "--tune", "all")
    assert done.returncode == 2
    assert "--resume" in done.stderr
    assert "--overwrite" in done.stderr


def test_the_manifest_split_is_kept(small_run, dataset):
    record = small_run.read("float")
    assert record.split == split_dataset(dataset, record.config.split)


@pytest.fixture(scope="module")
def scales_run(dataset, tmp_path_factory):
    config = TrainConfig(
        network=NetworkConfig(backbone="small_cnn", side_px=32, weights="none"),
        plan=CropPlan(lead=("full",), cycle=("native", "1/2"), crops=5),
        heads="scales",
        bona_fide="genuine",
    )
    folder = RunFolder(root=tmp_path_factory.mktemp("scales") / "run")
    finetune(dataset, folder, config)
    qat(dataset, folder, qat_fit(), calibration=CalibrationFolder(crops=50))
    return folder


class TestHeadsForScales:
    """A run with a head for each scale, by both stages, in a file that picks them."""

    @pytest.mark.parametrize("precision", ["int8", "float32"])
    def test_the_file_scores_as_the_folds_say(self, scales_run, dataset, tmp_path, precision):
        config = ConvertConfig(
            precision=precision, calibration=scales_run.calibration, calibration_crops=50, allow_drop=True
        )
        record = convert_run(dataset, scales_run, tmp_path / "model.tflite", config)
        assert record.contract.heads == ("full", "native", "1/2")
        bundle = read_bundle(tmp_path / "model.tflite")
        stage = scales_run.read("qat" if precision == "int8" else "float")
        final, samples = scales_run.out_of_fold(stage).final, stage.split.samples(dataset, "train")
        with Classifier(bundle) as classifier:
            for number in (0, len(samples) // 2, len(samples) - 1):
                verdict = classifier.classify(dataset.root / samples[number].path, crops=5)
                for crop, logits in zip(verdict.crops, final[number], strict=True):
                    found = np.log(crop.probabilities[1]) - np.log(crop.probabilities[0])
                    # Logits of int8 heads lie on a grid of 256 levels over all that crops give.
                    allowed = 0.05 * float(np.ptp(final)) if precision == "int8" else 1e-3
                    assert found == pytest.approx(logits[1] - logits[0], rel=1e-3, abs=allowed)

    def test_a_file_for_one_frame_has_one_head(self, scales_run, dataset, tmp_path):
        config = ConvertConfig(
            precision="int8",
            calibration=scales_run.calibration,
            calibration_crops=50,
            single_frame=True,
            allow_drop=True,
        )
        record = convert_run(dataset, scales_run, tmp_path / "frame.tflite", config)
        assert record.contract.heads is None
        assert record.contract.plan.cycle == ("full",)

    def test_its_head_draws_no_crops(self, scales_run):
        done = edgekit("qat", scales_run.root, "--overwrite", "--draws", "3")
        assert done.returncode == 2
        assert "has a head for each scale, which are solved on the plan's crops alone" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("--plan", "native"), "--heads scales needs a plan of several scales", id="one-scale"),
        pytest.param(("--tune", "all"), "--heads scales are solved on a frozen backbone", id="whole-network"),
        pytest.param(("--draws", "3"), "solved on the plan's crops alone, got --draws 3", id="draws"),
        pytest.param(("--augment", "mild"), "of photos as they are, got --augment mild", id="augment"),
        pytest.param(("--crops", "2"), "with 2 crops has no 1/4, 1/2; take more --crops", id="too-few-crops"),
    ],
)
def test_heads_that_cannot_be_solved(author_photos, tmp_path, words, message):
    done = edgekit("finetune", author_photos, "--out", tmp_path / "run", "--heads", "scales", *words)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


@pytest.fixture
def marked_data(tmp_path, marked_photo):
    """Twelve photos of each class with a mark of its colour, one without any, one with two."""
    rng = np.random.default_rng(0)
    for label, colour in (("blue", (0, 0, 255)), ("red", (255, 0, 0))):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(12):
            marks = [(*rng.integers(0, 8, 2).tolist(), tuple(max(0, one - number) for one in colour))]
            Image.fromarray(marked_photo(*marks)).save(tmp_path / "data" / label / f"{number:02d}.png")
    Image.fromarray(marked_photo()).save(tmp_path / "data" / "red" / "none.png")
    two = marked_photo((1, 1, (255, 0, 0)), (5, 5, (0, 0, 255)))
    Image.fromarray(two).save(tmp_path / "data" / "blue" / "two.png")
    return load_dataset(tmp_path / "data")


def test_a_model_of_faces_is_trained_converted_and_judged_on_them(marks, marked_data, small_config, tmp_path):
    (tmp_path / "own.tflite").write_bytes(marks.detector)
    regions = replace(marks.contract.regions, align="eyes")
    config = replace(
        small_config,
        plan=CropPlan(lead=("full",), cycle=("1/2",), crops=2),
        bona_fide="",
        regions=regions,
        detector=str(tmp_path / "own.tflite"),
    )
    folder = RunFolder(root=tmp_path / "run")
    record = finetune(marked_data, folder, config)
    assert record.left_out == WithoutRegion(none=("red/none.png",), several=("blue/two.png",))
    assert sum(one.photos for one in record.counts) == 24
    out = tmp_path / "faces.tflite"
    convert_run(marked_data, folder, out, ConvertConfig(precision="float32", allow_drop=True))
    bundle = read_bundle(out)
    assert (bundle.contract.schema, bundle.contract.regions, bundle.detector) == (3, regions, marks.detector)
    found = evaluate_model(out, marked_data)
    assert found.left_out == record.left_out
    assert found.detail.table.macro.support == len(record.split.test)
    (kept,) = folder.detectors
    # Begun again with another detector and stopped, it is what it was.
    other = replace(regions, detector_sha256="1" * 64)

    def stopped():
        with RunOptions(overwrite=True).replacing(folder, "float"):
            _keep_origin(folder, replace(config, regions=other), None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert folder.read_detector(folder.read("float")) == marks.detector
    _drop_other_origins(folder, config)
    assert folder.detectors == (kept,)
    kept.unlink()
    with pytest.raises(RunError, match="the detector of the run is missing; run `edgekit finetune"):
        convert_run(marked_data, folder, out, ConvertConfig(precision="float32", allow_drop=True))
    kept.write_bytes(bundle.flatbuffer)
    with pytest.raises(RunError, match="must have the SHA-256"):
        convert_run(marked_data, folder, out, ConvertConfig(precision="float32", allow_drop=True))
