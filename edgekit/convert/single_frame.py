"""A run for one squashed frame, which is all that MediaPipe Tasks and most apps show a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset
from edgekit.metrics.classification import classification_report
from edgekit.metrics.wording import count, percent
from edgekit.modelfile.write import make_bundle
from edgekit.progress import Progress
from edgekit.quantize.qat import load_stage
from edgekit.quantize.ranges import calibrate
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.passes import score_photos
from edgekit.scoring.source import CropSource, crop_source, fixed_crops, normalise
from edgekit.train.finetune import TrainingRun, fit_head, part_source
from edgekit.train.head import best_scale
from edgekit.train.keras2 import keras
from edgekit.train.network import copy_head, pooled_features
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.resume import RunOptions

# A squashed frame has no other place; what is drawn is the frame itself or its mirror image.
_DRAWS = 2
_FRAMES_AT_ONCE = 32

HeadUsed = Literal["solved for one frame", "that of the crops"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHead:
    """Which head a file for one frame has.

    Attributes:
        used: The one with the smaller validation loss on squashed frames.
        crops_loss: Validation loss of the head that was solved or trained on crops.
        frame_loss: Validation loss of the head that was solved on squashed frames.
    """

    used: HeadUsed
    crops_loss: float
    frame_loss: float


def frame_plan(plan: CropPlan) -> CropPlan:
    """The plan that takes a photo as one squashed frame, at the working size of another."""
    return CropPlan(cycle=("full",), crops=1, working_px=plan.working_px)


def at_one_frame(record: TrainRecord) -> TrainRecord:
    """A stage's record as if its plan were one squashed frame."""
    return replace(record, config=replace(record.config, plan=frame_plan(record.config.plan), draws=_DRAWS))


def solve_for_one_frame(
    network: keras.Model, folder: RunFolder, record: TrainRecord, dataset: Dataset, progress: Progress
) -> FrameHead:
    """Give a network the head that is best for squashed frames, where validation photos like it better than its own.

    The backbone stays. The head is solved on squashed frames of the training photos and their mirror images, for the
    qat stage on the int8 network's features; its penalty and scale come from validation photos, as finetune's do.

    Args:
        network: The network of the stage, which is changed.
        folder: The run.
        record: The stage.
        dataset: The photos of the run.
        progress: Told of every photo.
    """
    config = at_one_frame(record).config
    run = TrainingRun(dataset=dataset, split=record.split, config=config, folder=folder, options=RunOptions())
    validation = part_source(dataset, record.split, config, "val")
    logits = np.concatenate([network.predict_on_batch(frames) for frames in _frames(validation)])
    _, crops_loss = best_scale(np.asarray(logits, np.float64), validation.targets)
    before = network.get_weights()
    if record.stage == "float":
        trials = fit_head(network, pooled_features(network), run, progress, precision="float32")
    else:
        twin = load_stage(folder, folder.read("float"), "float")
        trials = fit_head(twin, pooled_features(network), run, progress, precision="int8")
        copy_head(twin, network)
        training = part_source(dataset, record.split, config, "train")
        calibrate(network, twin, _frames(training), logits_alone=True)
    frame_loss = trials.history["val_loss"][trials.best]
    if frame_loss >= crops_loss:
        network.set_weights(before)
    used: HeadUsed = "solved for one frame" if frame_loss < crops_loss else "that of the crops"
    return FrameHead(used=used, crops_loss=crops_loss, frame_loss=frame_loss)


def _frames(source: CropSource) -> Iterator[Float32Array]:
    """Squashed frames of photos, a batch at a time: float32 (n, side, side, 3), normalised."""
    batch = []
    for crops in fixed_crops(source, count=1):
        batch.append(crops[0])
        if len(batch) == _FRAMES_AT_ONCE:
            yield normalise(np.stack(batch))
            batch = []
    if batch:
        yield normalise(np.stack(batch))


def measured_on_one_frame(bundle: Bundle, dataset: Dataset, record: TrainRecord, progress: Progress) -> Bundle:
    """A converted model that says how often it is right where it sees a photo as one squashed frame.

    So do MediaPipe Tasks, which take the most probable label: neither the contract's crops nor its threshold count
    there. The metadata's description and the contract tell the accuracy on the validation photos.

    Args:
        bundle: The model with its decision.
        dataset: The photos of the run.
        record: The stage.
        progress: Told of every photo.
    """
    contract = bundle.contract
    plan = frame_plan(contract.plan)
    source = crop_source(dataset, record.split.samples(dataset, "val"), plan, contract.side_px)
    (scores,) = score_photos([bundle], source, crops=1, progress=progress)
    found = classification_report(scores.targets, scores.crops[:, 0].argmax(axis=1), contract.labels)
    photos, told = len(scores.targets), contract.provenance
    said = (
        f"MediaPipe Tasks see a photo as one squashed frame: balanced accuracy {percent(found.balanced_accuracy)} that "
        f"way, {percent(told['validation_balanced_accuracy'])} with edgekit's {count(contract.plan.crops, 'crop')}, on "
        f"{count(photos, 'validation photo')}."
    )
    noted = told | {"single_frame_balanced_accuracy": found.balanced_accuracy}
    return make_bundle(bundle.flatbuffer, replace(contract, provenance=noted), said=said)
