"""What a run's heads said of its training photos before any had seen them, for an audit that doubts labels by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.audit.doubts import Unseen
from edgekit.contract import Decision
from edgekit.data.dataset import Dataset
from edgekit.errors import RunError
from edgekit.runtime.voting import vote
from edgekit.train.record import RunFolder, TrainRecord


def read_judge(folder: RunFolder) -> TrainRecord:
    """The record of the stage that judges labels: the float one, which has seen no int8 rounding.

    Raises:
        RunError: there is none, it is damaged, no folds chose its head, or it tells several labels a photo.
    """
    record = folder.read("float")
    if not record.config.is_solved:
        raise RunError(
            f"{folder.root} must have scores of photos by heads that had not seen them, got a run whose whole network "
            "was tuned; name one of `edgekit finetune --tune head`"
        )
    if record.config.multi_label:
        raise RunError(f"{folder.root} must tell one label a photo to doubt it, got a run of several; name another run")
    folder.check_folds(record)
    return record


def unseen_photos(dataset: Dataset, folder: RunFolder) -> Unseen:
    """Scores of a run's training photos, each by the head of the other folds; photos that it tests are left alone.

    Args:
        dataset: The photos of the run.
        folder: The run.

    Returns:
        The vote over each photo's crops.

    Raises:
        RunError: a run that can't judge, other photos, or scores that are missing or damaged.
    """
    record = read_judge(folder)
    folder.check_photos(record, dataset)
    samples = record.split.samples(dataset, "train")
    targets = np.array([record.labels.index(sample.label) for sample in samples], np.int64)
    scores = folder.out_of_fold(record).scores(targets)
    start = record.config.start
    # Photos that trained the head they began from were seen through it, and only a reader can know whether they are.
    begun = f", begun from {Path(start.place).name}" if start else ""
    return Unseen(
        judge=f"the heads of {folder.root.resolve().name} on {record.config.network.backbone}{begun}",
        paths=tuple(sample.path for sample in samples),
        targets=targets,
        chances=vote(scores.crops, Decision()),
    )
