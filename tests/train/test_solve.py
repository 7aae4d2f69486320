from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.contract import CropPlan
from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import convert_run
from edgekit.data.splits import split_dataset
from edgekit.errors import RunError
from edgekit.evaluate.accuracy import score_samples
from edgekit.quantize.options import CalibrationFolder
from edgekit.quantize.qat import load_stage, qat
from edgekit.runtime.bundle import read_bundle
from edgekit.scoring.source import cut_photo, normalise
from edgekit.train.finetune import finetune, part_source
from edgekit.train.options import NetworkConfig, TrainConfig, qat_fit
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions
from edgekit.train.solve import head_weights
from edgekit.train.start_from import read_start

pytestmark = [pytest.mark.host, pytest.mark.slow]

SOLVED = TrainConfig(
    network=NetworkConfig(backbone="small_cnn", side_px=32, weights="none"),
    plan=CropPlan(lead=("full",), cycle=("native",), crops=3),
    bona_fide="genuine",
)
CALIBRATION = CalibrationFolder(crops=50)
TO_FILE = ConvertConfig(calibration_crops=50, allow_drop=True)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param({"head": "logistic", "heads": "scales"}, id="logistic-scales"),
        pytest.param({"head": "mlp", "weigh": "groups"}, id="mlp-groups"),
    ],
)
def run(request, dataset, tmp_path_factory):
    """Both stages, with a head of a kind on a random backbone."""
    folder = RunFolder(root=tmp_path_factory.mktemp("solved") / "run")
    finetune(dataset, folder, replace(SOLVED, **request.param))
    qat(dataset, folder, qat_fit(), calibration=CALIBRATION)
    return folder


@pytest.mark.parametrize("stage", ["float", "qat"])
def test_the_head_is_in_the_weights(run, dataset, stage):
    record = run.read(stage)
    source = part_source(dataset, record.split, record.config, "train")
    crops = np.stack([cut_photo(path, source, count=3) for path in source.paths])
    said = load_stage(run, record, stage).predict_on_batch(normalise(crops.reshape(-1, 32, 32, 3)))
    # Of heads for scales the second output is that of the native crops.
    first, native = said if isinstance(said, list) else (said, said)
    found = np.stack([(first, native)[place > 0].reshape(len(crops), 3, 2)[:, place] for place in range(3)], axis=1)
    final = run.out_of_fold(record).final
    # Of the qat stage features were those of the converted network, a step of int8 away.
    np.testing.assert_allclose(final, found, atol=(0.01 if stage == "float" else 0.1) * np.abs(final).max())


def test_what_chose_it_is_told(run):
    for stage in ("float", "qat"):
        record = run.read(stage)
        assert record.tried == ("epochs" if record.config.head == "mlp" else "penalty")
        assert set(record.history) == {"val_loss", record.tried, "val_balanced_accuracy"}
        assert record.best_epoch == int(np.argmin(record.history["val_loss"]))


def test_others_begin_from_it_where_it_is_linear(run):
    if run.read("float").config.head == "mlp":
        with pytest.raises(RunError, match=r"goes on with linear heads, got .* with --head mlp; name another"):
            read_start(run.root)
    else:
        assert read_start(run.root).note.heads == "scales"


def test_it_survives_int8(run, dataset, tmp_path):
    out = tmp_path / "model.tflite"
    convert_run(dataset, run, out, replace(TO_FILE, calibration=run.calibration))
    bundle, record = read_bundle(out), run.read("qat")
    samples = record.split.samples(dataset, "train")
    scores = score_samples(bundle, dataset, samples, crops=3)
    final = run.out_of_fold(record).final
    margins = [np.diff(one, axis=2)[..., 0].mean(axis=1) for one in (np.log(scores.crops), final)]
    assert np.corrcoef(*margins)[0, 1] > 0.99
    assert np.mean((margins[0] > 0) == scores.targets) > 0.8


def test_a_file_for_one_frame_has_a_head_of_the_same_kind(run, dataset, tmp_path):
    out = tmp_path / "frame.tflite"
    how = replace(TO_FILE, precision="float32", single_frame=True, stage="float")
    record = convert_run(dataset, run, out, how)
    assert read_bundle(out).contract.head_count == 1
    assert record.contract.provenance["single_frame_head"]["used"] == "solved for one frame"


def test_groups_weigh_the_same(dataset):
    split = split_dataset(dataset, SOLVED.split, holds_out_val=False)
    assert head_weights(dataset, split, SOLVED) is None
    weights = head_weights(dataset, split, replace(SOLVED, weigh="groups"))
    # Six photos of each class from each author.
    np.testing.assert_allclose(weights, 1 / 6)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(
            {"weigh": "groups"}, "goes on with the same weights of photos, 'photos', got 'groups'", id="weigh"
        ),
    ],
)
def test_a_run_goes_on_as_it_began(small_run, small_config, dataset, edit, message):
    with pytest.raises(RunError, match=message):
        finetune(dataset, small_run, replace(small_config, **edit), options=RunOptions(resume=True))


def test_a_run_goes_on_with_the_classes_that_it_had(small_run, small_config, dataset):
    other = replace(dataset, labels=("genuine", "recapture", "screen"))
    with pytest.raises(
        RunError, match=r"goes on with the same classes, .*'recapture'\), got .*'screen'\); name another"
    ):
        finetune(other, small_run, small_config, options=RunOptions(resume=True))


def test_photos_without_groups_have_no_groups_to_weigh(dataset, tmp_path):
    alone = replace(dataset, samples=tuple(replace(sample, group="") for sample in dataset.samples))
    with pytest.raises(RunError, match="--weigh groups needs photos with groups, got none; use --group-by, or"):
        finetune(alone, RunFolder(root=tmp_path / "run"), replace(SOLVED, weigh="groups"))
    assert not (tmp_path / "run").exists()
