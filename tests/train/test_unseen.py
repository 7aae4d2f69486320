"""Runs that judge the labels of the photos they were trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.splits import Split
from edgekit.errors import RunError
from edgekit.records import file_sha256, write_json
from edgekit.runtime.voting import softmax
from edgekit.scoring.out_of_fold import OutOfFold
from edgekit.train.options import StartedFrom, TrainConfig
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.unseen import read_judge, unseen_photos


@pytest.fixture
def dataset(tmp_path):
    """Five photos; the last one tests."""
    root = tmp_path / "photos"
    root.mkdir()
    samples = [Sample(path=f"{number}.png", label="ba"[number % 2]) for number in range(5)]
    for number, sample in enumerate(samples):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(root / sample.path)
    write_manifest(root / "manifest.csv", samples)
    return load_dataset(root)


@pytest.fixture
def run(dataset, tmp_path):
    """``run(tune="all")``: a finished run of four of the photos, as those that finetune writes."""

    def write(**config):
        folder = RunFolder(root=tmp_path / "run")
        folder.root.mkdir(exist_ok=True)
        made = TrainConfig(**config)
        logits = np.random.default_rng(0).normal(size=(4, made.plan.crops, 2)).astype(np.float32)
        OutOfFold(unseen=logits, final=logits[::-1].copy()).write(folder.folds("float"))
        record = TrainRecord(
            stage="float",
            config=made,
            labels=dataset.labels,
            data=str(dataset.root),
            data_sha256=dataset.sha256,
            split=Split(train=("0.png", "1.png", "2.png", "3.png"), val=(), test=("4.png",), method="groups"),
            skipped_photos=0,
            history={"val_loss": (0.5,)},
            best_epoch=0,
            seconds=1.0,
            interrupted=False,
            weights_sha256="2" * 64,
            folds=2,
            folds_sha256=file_sha256(folder.folds("float")),
            versions={"edgekit": "0"},
        )
        write_json(folder.record("float"), record)
        folder.weights("float").write_bytes(b"weights")
        return folder, record, logits

    return write


def test_training_photos_are_judged_by_heads_that_had_not_seen_them(dataset, run):
    folder, _, logits = run()
    unseen = unseen_photos(dataset, folder)
    assert unseen.judge == "the heads of run on efficientnet_lite1"
    assert unseen.paths == ("0.png", "1.png", "2.png", "3.png")
    assert unseen.targets.tolist() == [1, 0, 1, 0]
    # The vote is the mean of the crops' log-probabilities.
    np.testing.assert_allclose(unseen.chances, softmax(logits.astype(np.float64).mean(axis=1)), atol=1e-6)


def test_a_run_that_began_from_another_says_so(dataset, run):
    folder, _, _ = run(start=StartedFrom(place="runs/first", sha256="3" * 64))
    assert unseen_photos(dataset, folder).judge == "the heads of run on efficientnet_lite1, begun from first"


def test_other_photos_and_scores_of_others_are_refused(dataset, run):
    folder, record, logits = run()
    with pytest.raises(RunError, match=r"was trained on other photos \(data hash .* name the same photos"):
        unseen_photos(replace(dataset, sha256="0" * 64), folder)
    OutOfFold(unseen=logits + 1, final=logits).write(folder.folds("float"))
    with pytest.raises(RunError, match="must be the scores of the folds"):
        unseen_photos(dataset, folder)
    write_json(folder.record("float"), replace(record, folds_sha256=None))
    with pytest.raises(RunError, match="was made by an earlier edgekit"):
        read_judge(folder)


def test_a_run_without_scores_out_of_fold_is_refused(run):
    folder, _, _ = run(tune="all")
    with pytest.raises(RunError, match=r"got a run whose whole network was tuned; name one of .*--tune head"):
        read_judge(folder)


def test_a_run_of_several_labels_a_photo_is_refused(run):
    folder, _, _ = run(multi_label=True)
    with pytest.raises(RunError, match="must tell one label a photo to doubt it, got a run of several"):
        read_judge(folder)
