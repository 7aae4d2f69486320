from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.contract import CropPlan
from edgekit.convert.single_frame import at_one_frame, frame_plan, measured_out_of_fold, solve_for_one_frame
from edgekit.convert.to_file import convert_run
from edgekit.modelfile import flatbuffer as lite
from edgekit.modelfile.metadata import METADATA_NAME, read_metadata
from edgekit.progress import SILENT
from edgekit.quantize.qat import load_stage
from edgekit.runtime import read_bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring.app_frame import app_frame
from edgekit.scoring.scores import Scores
from edgekit.train.finetune import finetune
from edgekit.train.network import first_head_alone, head_of
from edgekit.train.record import RunFolder
from edgekit.train.start_from import kept_kernels, read_start

pytestmark = [pytest.mark.host, pytest.mark.slow]


def description_of(bundle):
    model = lite.parse(bundle.flatbuffer)
    (entry,) = (one for one in model.metadata if one.name == METADATA_NAME.encode())
    return read_metadata(bytes(model.buffers[entry.buffer].data)).description


def test_the_plan_is_one_squashed_frame():
    plan = frame_plan(CropPlan(lead=("centre",), cycle=("1/4", "native"), crops=9, working_px=720))
    assert plan == CropPlan(cycle=("full",), crops=1, working_px=720)


def test_the_full_crop_speaks_for_apps_where_its_head_is_the_first(heads_file):
    """Apps take a model's first output, whatever they show it."""
    found = read_bundle(heads_file)
    bundle = replace(found, contract=replace(found.contract, provenance={"validation_balanced_accuracy": 0.5}))
    # The full frame is right of all photos, the other crops of none.
    crops = np.tile(np.array([[[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]]], np.float32), (4, 1, 1))
    scores = Scores(crops=crops, targets=np.zeros(4, np.int64))
    told = measured_out_of_fold(bundle, scores)
    assert told.contract.provenance["single_frame_balanced_accuracy"] == 1.0
    plan, decision = CropPlan(cycle=("native", "full"), crops=3), replace(bundle.contract.decision, early_stop=None)
    other = replace(bundle.contract, plan=plan, decision=decision, heads=("native", "full"))
    assert measured_out_of_fold(replace(bundle, contract=other), scores).contract == other


def test_every_file_says_how_good_it_is_on_one_frame(small_model, small_run, dataset):
    bundle = read_bundle(small_model)
    told = bundle.contract.provenance["single_frame_balanced_accuracy"]
    chosen = small_run.read("qat").split.samples(dataset, "val")
    rights = {label: [] for label in bundle.contract.labels}
    model = ModelInterpreter(bundle.flatbuffer)
    for sample in chosen:
        scores = model(app_frame(dataset.path_of(sample), 32))
        rights[sample.label].append(bundle.contract.labels[int(scores.argmax())] == sample.label)
    assert told == pytest.approx(np.mean([np.mean(right) for right in rights.values()]))
    crops = bundle.contract.plan.crops
    assert description_of(bundle).startswith(
        "Tells genuine, recapture apart. MediaPipe Tasks sees a photo as one squashed frame: balanced accuracy "
        f"{100 * told:.1f} % that way, "
    )
    assert f"with edgekit's {crops} crops, on 12 validation photos." in description_of(bundle)


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_a_file_for_one_frame_is_solved_and_decides_on_that(small_run, dataset, convert_config, tmp_path, precision):
    out = tmp_path / "frame.tflite"
    record = convert_run(dataset, small_run, out, replace(convert_config, precision=precision, single_frame=True))
    contract = read_bundle(out).contract
    assert contract.plan == CropPlan(
        cycle=("full",), crops=1, working_px=small_run.read("float").config.plan.working_px
    )
    assert contract.decision.early_stop == ()
    head = contract.provenance["single_frame_head"]
    better = head["frame_loss"] < head["crops_loss"]
    assert head["used"] == ("solved for one frame" if better else "that of the crops")
    assert record.gate.crops == 1
    assert (record.gate.photos, record.config.single_frame) == (12, True)
    # The weights of the run are what they were.
    assert small_run.read("qat").weights_sha256 == contract.provenance["weights_sha256"] or precision == "float32"


def test_a_run_that_began_from_another_has_a_head_for_one_frame_that_begins_there_too(small_config, dataset, tmp_path):
    plan = CropPlan(lead=("native",), cycle=("full",), crops=3)
    solved = replace(small_config, tune="head", heads="scales", plan=plan)
    finetune(dataset, RunFolder(root=tmp_path / "first"), solved)
    folder = RunFolder(root=tmp_path / "second")
    begun = finetune(dataset, folder, read_start(tmp_path / "first").configure(replace(solved, seed=1), {"seed"}))
    # The head of full frames is the second one here.
    theirs = kept_kernels(folder, begun.config, 2)[1]

    def likeness(record):
        network = first_head_alone(load_stage(folder, begun, "float"))
        solve_for_one_frame(network, folder, record, dataset, SILENT)
        one, other = (np.diff(kernel, axis=1).ravel() for kernel in (head_of(network)[0], theirs))
        return one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    from_nothing = likeness(replace(begun, config=replace(begun.config, start=None)))
    assert likeness(begun) > max(0.9, from_nothing + 0.05)


def test_validation_photos_choose_between_the_heads(small_run, dataset, convert_config, tmp_path, monkeypatch):
    from edgekit.convert import single_frame
    from edgekit.train.head import FoldTrial

    # A head of the crops that no other comes near.
    monkeypatch.setattr(single_frame, "best_scale", lambda logits, targets: FoldTrial(1.0, -1.0, 1.0))
    out = tmp_path / "frame.tflite"
    config = replace(convert_config, precision="float32")
    kept = convert_run(dataset, small_run, out, replace(config, single_frame=True))
    assert kept.contract.provenance["single_frame_head"]["used"] == "that of the crops"
    # So it is the network of the run, which differs from the ordinary file in nothing but what it says of itself.
    convert_run(dataset, small_run, tmp_path / "crops.tflite", config)
    frame = np.full((32, 32, 3), (200, 90, 30), np.uint8)
    scores = [ModelInterpreter(read_bundle(file).flatbuffer)(frame) for file in (out, tmp_path / "crops.tflite")]
    np.testing.assert_array_equal(*scores)


def test_a_stage_is_read_as_of_one_frame(small_run):
    record = small_run.read("float")
    shown = at_one_frame(record)
    assert shown.config.plan.crops == 1
    assert replace(shown, config=record.config) == record
