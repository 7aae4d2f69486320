import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import GateFailed, choose_stage, convert_run
from edgekit.errors import DataError, EdgekitError, RunError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.locks import LOCK_NAME
from edgekit.modelfile import flatbuffer as lite
from edgekit.modelfile.metadata import METADATA_NAME
from edgekit.records import file_sha256, read_json, write_json
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.interpreter import BACKENDS, ModelInterpreter

pytestmark = [pytest.mark.host, pytest.mark.slow]

PRECISIONS = ("int8", "float32", "float16", "dynamic", "int16x8")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_converts_and_classifies(small_run, dataset, convert_config, tmp_path, precision):
    out = tmp_path / "m.tflite"
    record = convert_run(dataset, small_run, out, replace(convert_config, precision=precision))
    assert record.stage == ("qat" if precision == "int8" else "float")
    assert record.contract.precision == precision
    assert record.model_bytes == out.stat().st_size
    chosen = small_run.read("float").split.samples(dataset, "test")
    with Classifier.load(out) as classifier:
        right = [classifier.classify(dataset.path_of(sample)).label == sample.label for sample in chosen]
    assert np.mean(right) > 0.8
    assert record.gate.agreement > 0.8


class TestFile:
    def test_the_contract_says_where_it_comes_from(self, small_model, small_run, dataset, small_config):
        contract = read_bundle(small_model).contract
        record = small_run.read("qat")
        assert (contract.labels, contract.bona_fide, contract.side_px) == (("genuine", "recapture"), "genuine", 32)
        assert (contract.plan, contract.name) == (small_config.plan, "small-int8")
        assert contract.checked_on
        told = contract.provenance
        assert (told["stage"], told["data_sha256"]) == ("qat", dataset.sha256)
        assert told["weights_sha256"] == record.weights_sha256
        assert told["split_config"] == {"val_fraction": 0.2, "test_fraction": 0.2, "seed": 0, "group_by": None}
        assert told["validated_by"] == "photos"
        assert (told["split"], told["caution"], told["validation_photos"]) == ("groups", "", 12)

    def test_it_has_an_operating_point(self, small_model):
        decision = read_bundle(small_model).contract.decision
        assert decision.threshold is not None
        assert 0.1 <= decision.temperature <= 10

    def test_it_has_metadata(self, small_model):
        model = lite.parse(read_bundle(small_model).flatbuffer)
        assert METADATA_NAME.encode() in [entry.name for entry in model.metadata]

    def test_the_record_stands_beside_it(self, small_model):
        raw = read_json(small_model.with_suffix(".json"))
        assert (raw["model"], raw["model_bytes"]) == (small_model.name, small_model.stat().st_size)
        assert {one["label"] for one in raw["gate"]["classes"]} == {"genuine", "recapture"}

    def test_evaluate_takes_the_photos_that_were_held_out(self, small_model, small_run, dataset):
        found = evaluate_model(small_model, dataset)
        assert found.part == "test"
        assert found.caution == "photos of 1 group alone: others may do quite differently"
        assert found.evaluation.report.n == len(small_run.read("float").split.test)
        assert found.evaluation.balanced_accuracy.value > 0.8

    @pytest.mark.parametrize("which", ["small_model", "mobile_model"])
    def test_int8_is_int8_inside(self, which, request):
        flatbuffer = read_bundle(request.getfixturevalue(which)).flatbuffer
        inside = lite.describe(flatbuffer)
        assert inside.not_int8 == ()
        for operator, types in inside.arithmetic.items():
            if operator not in ("SOFTMAX", "DEQUANTIZE", "QUANTIZE"):
                assert set(types) == {"int8"}, operator
        floats = {operator for operator, types in inside.arithmetic.items() if any("float32" in one for one in types)}
        assert floats == {"SOFTMAX", "DEQUANTIZE"}
        assert lite.input_quantization(flatbuffer) == (1 / 128, 128)

    @pytest.mark.parametrize("which", ["small_model", "mobile_model"])
    def test_probabilities_come_out(self, which, request):
        model = ModelInterpreter(read_bundle(request.getfixturevalue(which)).flatbuffer)
        crops = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
        scores = np.array([model(crop) for crop in crops])
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)

    def test_a_depthwise_network_has_its_operators_in_int8(self, mobile_model):
        inside = lite.describe(read_bundle(mobile_model).flatbuffer)
        assert inside.arithmetic["DEPTHWISE_CONV_2D"] == {"int8": inside.operators["DEPTHWISE_CONV_2D"]}
        assert inside.arithmetic["CONV_2D"] == {"int8": inside.operators["CONV_2D"]}
        assert inside.operators["DEPTHWISE_CONV_2D"] > 10


class TestGate:
    def test_a_file_that_loses_is_kept_under_another_name(self, losing_run, dataset, convert_config, tmp_path):
        config = replace(convert_config, stage="float", allow_drop=False)
        with pytest.raises(GateFailed, match=r"balanced accuracy fell by .* at most 1\.00 are allowed") as failed:
            convert_run(dataset, losing_run, tmp_path / "m.tflite", config)
        gate = failed.value.gate
        assert gate.float_balanced_accuracy > 0.9
        assert gate.balanced_accuracy == pytest.approx(0.5)
        assert {one.label for one in gate.classes} == {"genuine", "recapture"}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m.rejected.json", "m.rejected.tflite"]
        kept = read_bundle(tmp_path / "m.rejected.tflite").contract
        assert kept.provenance["drop_points"] == gate.drop_points > kept.provenance["least_drop_points"] > 1
        message = str(failed.value)
        assert "--max-drop 50, where that loss is acceptable: at once" in message
        assert "--allow-drop" not in message
        assert f"`edgekit qat {losing_run.root}`, then convert its stage: at least the" in message

    def test_it_is_written_where_the_drop_is_allowed(self, losing_run, dataset, convert_config, tmp_path):
        record = convert_run(dataset, losing_run, tmp_path / "m.tflite", replace(convert_config, stage="float"))
        assert not record.gate.passed
        assert read_bundle(tmp_path / "m.tflite").contract.provenance["validation_balanced_accuracy"] < 0.6

    def test_float_never_loses_against_itself(self, losing_run, dataset, convert_config, tmp_path):
        config = replace(convert_config, precision="float32", allow_drop=False, max_drop=0.0)
        gate = convert_run(dataset, losing_run, tmp_path / "m.tflite", config).gate
        assert (gate.drop_points, gate.agreement) == (0, 1)


class TestRefusals:
    def test_a_run_without_the_stage(self, run_copy, dataset, convert_config, tmp_path):
        with pytest.raises(RunError, match="no finished qat stage; run `edgekit qat"):
            convert_run(dataset, run_copy("float"), tmp_path / "m.tflite", replace(convert_config, stage="qat"))

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("float.tflite", r"record must not replace its run's .*float\.json, got the file name float\.tflite"),
            ("float.state.tflite", r"record must not replace its run's .*float\.state\.json, got the file name"),
            ("qat.state.tflite", r"record must not replace its run's .*qat\.state\.json, got the file name"),
            ("float.h5", r"file must not replace its run's .*float\.h5, got the file name float\.h5"),
            ("model.json", r"must be a file beside its record, .* got .*model\.json; name it otherwise"),
            (".", r"must be a file beside its record, .* got .*run; name it otherwise"),
        ],
    )
    def test_a_name_that_would_replace_the_runs_files(self, run_copy, dataset, convert_config, name, message):
        folder = run_copy("float", "qat")
        before = {path: path.read_bytes() for path in folder.root.iterdir() if path.name != LOCK_NAME}
        with pytest.raises(RunError, match=message):
            convert_run(dataset, folder, folder.root / name, convert_config)
        assert {path: path.read_bytes() for path in folder.root.iterdir() if path.name != LOCK_NAME} == before

    def test_a_place_among_the_photos(self, small_run, dataset, convert_config, tmp_path):
        with pytest.raises(RunError, match="a model must lie outside the photos' folder"):
            convert_run(dataset, small_run, dataset.root / "m.tflite", convert_config)
        inside = replace(convert_config, calibration=dataset.root / "calibration")
        with pytest.raises(RunError, match="calibration crops must lie outside the photos' folder"):
            convert_run(dataset, small_run, tmp_path / "m.tflite", inside)
        assert {path.name for path in dataset.root.iterdir()} == {"manifest.csv", *dataset.labels}

    def test_other_photos(self, small_run, dataset, convert_config, tmp_path):
        with pytest.raises(RunError, match=r"was trained on other photos.*name the same photos"):
            convert_run(replace(dataset, sha256="0" * 64), small_run, tmp_path / "m.tflite", convert_config)

    def test_own_images_calibrate(self, small_run, dataset, convert_config, tmp_path):
        """They are read, hashed into contract and record, and nothing is written among them."""
        own = tmp_path / "mine"
        (own / "genuine").mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (32, 32), (60 * number, 90, 20)).save(own / "genuine" / f"{number}.png")
        before = {path: path.stat().st_mtime_ns for path in own.rglob("*")}
        config = replace(convert_config, stage="float", calibration=own)
        record = convert_run(dataset, small_run, tmp_path / "m.tflite", config)
        assert {path: path.stat().st_mtime_ns for path in own.rglob("*")} == before
        told = read_bundle(tmp_path / "m.tflite").contract.provenance
        assert (told["calibration_sha256"], told["calibration_crops"]) == (record.calibration.sha256, 4)
        assert told["calibration_images"]["labels"] == {"genuine": 4}
        assert str(own) not in read_bundle(tmp_path / "m.tflite").contract.to_json()
        # Other images, other ranges.
        theirs = convert_run(dataset, small_run, tmp_path / "n.tflite", replace(convert_config, stage="float"))
        assert theirs.contract.model_sha256 != record.contract.model_sha256
        assert theirs.calibration.own is None
        with pytest.raises(DataError, match="must be the 50 crops that the qat stage was calibrated on, got 4 others"):
            convert_run(dataset, small_run, tmp_path / "o.tflite", replace(convert_config, calibration=own))

    def test_a_calibration_folder_of_another_run(self, small_model, small_run, dataset, convert_config, tmp_path):
        with pytest.raises(DataError, match="chosen from other photos or settings"):
            convert_run(dataset, small_run, tmp_path / "m.tflite", replace(convert_config, calibration_crops=51))

    def test_calibration_crops_that_the_qat_stage_does_not_know(self, small_run, dataset, convert_config, tmp_path):
        """They would stand beside a model whose ranges come from others."""
        config = replace(convert_config, calibration=tmp_path / "more", calibration_crops=51)
        with pytest.raises(DataError, match="must be the 50 crops that the qat stage was calibrated on, got 51 others"):
            convert_run(dataset, small_run, tmp_path / "m.tflite", config)
        assert not (tmp_path / "m.tflite").exists()

    def test_weights_of_another_architecture(self, run_copy, mobile_run, dataset, convert_config, tmp_path):
        folder = run_copy("float")
        folder.weights("float").write_bytes(mobile_run.weights("float").read_bytes())
        record = replace(folder.read("float"), weights_sha256=file_sha256(folder.weights("float")))
        write_json(folder.record("float"), record)
        with pytest.raises(RunError, match="must hold weights for the float stage"):
            convert_run(dataset, folder, tmp_path / "m.tflite", replace(convert_config, precision="float32"))


def test_a_full_disk_leaves_nothing(small_model, small_run, dataset, convert_config, tmp_path, full_disk):
    # The model is the first file that is written: all before it is made in memory.
    with full_disk(), pytest.raises(EdgekitError, match=r"can't write .*m\.tflite: No space left on device"):
        convert_run(dataset, small_run, tmp_path / "m.tflite", convert_config)
    assert list(tmp_path.iterdir()) == []
    with full_disk(after=1), pytest.raises(EdgekitError, match=r"can't write .*m\.json: No space left on device"):
        convert_run(dataset, small_run, tmp_path / "m.tflite", convert_config)
    # A model without its record would only be in the way of the next call.
    assert list(tmp_path.iterdir()) == []


class Counted:
    """LiteRT under another name, which counts how often it is shown a black photo: what a file is checked on."""

    def __init__(self, *, model_content, **options):
        self._real = Interpreter(model_content=model_content, **options)

    def set_tensor(self, index, value):
        type(self).black += not value.any()
        self._real.set_tensor(index, value)

    def __getattr__(self, name):
        return getattr(self._real, name)


def test_each_interpreter_checks_the_file_once(small_model, small_run, dataset, convert_config, tmp_path, monkeypatch):
    counts = {}
    for name in BACKENDS:
        module = ModuleType(f"counted_{name}")
        module.Interpreter = counts[name] = type("Interpreter", (Counted,), {"black": 0})
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(BACKENDS, name, (module.__name__, "ai-edge-litert"))
    contract = convert_run(dataset, small_run, tmp_path / "m.tflite", convert_config).contract
    assert {name: one.black for name, one in counts.items()} == dict.fromkeys(BACKENDS, 1)
    assert [name.split()[0] for name in contract.checked_on] == list(BACKENDS)


@pytest.mark.parametrize(
    ("stages", "config", "expected"),
    [
        pytest.param(("float", "qat"), {}, "qat", id="int8-takes-qat"),
        pytest.param(("float",), {}, "float", id="where-there-is-one"),
        pytest.param(("float", "qat"), {"precision": "float16"}, "float", id="others-take-float"),
        pytest.param(("float", "qat"), {"stage": "float"}, "float", id="as-asked-for"),
        pytest.param(("float",), {"stage": "qat"}, "qat", id="as-asked-for-though-absent"),
    ],
)
def test_choose_stage(run_copy, stages, config, expected):
    assert choose_stage(run_copy(*stages), ConvertConfig(**config)) == expected
