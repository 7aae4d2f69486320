"""A run for one squashed frame, which is all that MediaPipe Tasks and most apps show a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from edgekit.arrays import Float32Array, RGBArray
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset
from edgekit.data.splits import Part, training_folds
from edgekit.data.threads import in_order
from edgekit.metrics.classification import classification_report
from edgekit.metrics.wording import count, percent
from edgekit.modelfile.write import say_in_metadata
from edgekit.progress import Progress
from edgekit.quantize.qat import load_stage
from edgekit.quantize.ranges import calibrate
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring.app_frame import app_frame
from edgekit.scoring.out_of_fold import OutOfFold
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import CropSource, crop_source, cut_photo, normalise
from edgekit.terminal import captured_stderr
from edgekit.train.head import FeatureSet, Head, best_scale
from edgekit.train.keras2 import keras
from edgekit.train.network import copy_head, first_head_alone, head_of, pooled_features, set_heads
from edgekit.train.options import Stage
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.solve import head_weights, solve_head
from edgekit.train.start_from import kept_kernels
from edgekit.train.to_tflite import to_flatbuffer

# Training photos that set the ranges of the new head's logits.
_RANGE_PHOTOS = 200
_PHOTOS_AT_ONCE = 16

HeadUsed = Literal["solved for one frame", "that of the crops"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHead:
    """Which head a file for one frame has.

    Attributes:
        used: Where photos were held out, the one with the smaller loss on their squashed frames.
        crops_loss: Loss of the head that was trained on crops; None where it has seen all photos.
        frame_loss: Loss of the head that was solved on squashed frames, of photos that it had not seen.
    """

    used: HeadUsed
    crops_loss: float | None
    frame_loss: float


def frame_plan(plan: CropPlan) -> CropPlan:
    """The plan that takes a photo as one squashed frame, at the working size of another."""
    return CropPlan(cycle=("full",), crops=1, working_px=plan.working_px)


def at_one_frame(record: TrainRecord) -> TrainRecord:
    """A stage's record as if its plan were one squashed frame."""
    return replace(record, config=replace(record.config, plan=frame_plan(record.config.plan)))


def solve_for_one_frame(
    network: keras.Model, folder: RunFolder, record: TrainRecord, dataset: Dataset, progress: Progress
) -> tuple[FrameHead, OutOfFold | None]:
    """Give a network the head that is best for squashed frames.

    The backbone stays. The head is solved on squashed frames of the training photos, antialiased as edgekit's ``full``
    crop and not, as apps have them, and on their mirror images; for the qat stage on the int8 network's features. Its
    penalty and scale come from folds inside them. It begins from the same model as the run, where that began from one:
    from that one's head for full frames. Where photos were held out, they may prefer the head of the crops.

    Args:
        network: The network of the stage with its first head alone, which is changed.
        folder: The run.
        record: The stage.
        dataset: The photos of the run.
        progress: Told of every photo.

    Returns:
        Which head it has, and what the folds said of the ``full`` crop; None where photos were held out.
    """
    features = _features_model(network, record.stage)
    split = record.config.split
    source = _source(dataset, record, "train")
    train = FeatureSet(
        features=_features(features, source, "training", progress),
        targets=source.targets,
        folds=training_folds(dataset, record.split, split),
        plan_crops=1,
        weights=head_weights(dataset, record.split, record.config),
    )
    head = solve_head(train, len(record.labels), record.config, _start(folder, record))
    if record.folds_sha256 is None:
        found = _prefer(head, network, features, _source(dataset, record, "val"), progress)
        folds = None
    else:
        found = FrameHead(used="solved for one frame", crops_loss=None, frame_loss=head.choice.losses[head.choice.best])
        folds = OutOfFold(unseen=head.choice.out_of_fold, final=head.layers.logits(train.fixed))
    if found.used == "that of the crops":
        return found, folds
    twin = network
    if record.stage != "float":
        twin = first_head_alone(load_stage(folder, folder.read("float"), "float"))
    set_heads(twin, head.layers)
    if twin is not network:
        copy_head(twin, network)
        calibrate(network, twin, _batches(source), logits_alone=True)
    return found, folds


def _start(folder: RunFolder, record: TrainRecord) -> Float32Array | None:
    """(1, channels, classes) what a run began from, for full frames; the first head where none is for these alone."""
    kernels, scales = kept_kernels(folder, record.config, len(record.labels)), record.config.head_scales or ()
    if kernels is None:
        return None
    at = scales.index("full") if "full" in scales else 0
    return kernels[at : at + 1]


def _prefer(
    head: Head, network: keras.Model, features: ModelInterpreter, source: CropSource, progress: Progress
) -> FrameHead:
    """Which head validation photos like better; each frame is an answer of its own, as an app sees one of them."""
    several = _features(features, source, "validation", progress)
    rows, targets = several.reshape(-1, several.shape[2]), np.repeat(source.targets, several.shape[1])
    kernel, bias = head_of(network)
    crops_loss = best_scale((rows @ kernel + bias).astype(np.float64), targets).loss
    frame_loss = best_scale(head.layers.logits(rows).astype(np.float64), targets).loss
    used: HeadUsed = "solved for one frame" if frame_loss < crops_loss else "that of the crops"
    return FrameHead(used=used, crops_loss=crops_loss, frame_loss=frame_loss)


def _features_model(network: keras.Model, stage: Stage) -> ModelInterpreter:
    flatbuffer = to_flatbuffer(pooled_features(network), "float32" if stage == "float" else "int8", None)
    with captured_stderr():
        return ModelInterpreter(flatbuffer, threads=2, scores="numbers")


def _source(dataset: Dataset, record: TrainRecord, part: Part) -> CropSource:
    plan, side_px = frame_plan(record.config.plan), record.config.network.side_px
    return crop_source(dataset, record.split.samples(dataset, part), plan, side_px)


def _features(
    model: ModelInterpreter, source: CropSource, what: Literal["training", "validation"], progress: Progress
) -> Float32Array:
    """Features of every photo's frames, (photos, frames, channels); training photos come mirrored, too."""
    progress.begin(f"computing features of squashed {what} photos", len(source.paths))
    rows = []
    for frames in in_order(partial(_frames, source=source), source.paths):
        shown = [*frames, *(frame[:, ::-1] for frame in frames)] if what == "training" else list(frames)
        rows.append(np.stack([model(np.ascontiguousarray(frame)) for frame in shown]))
        progress.advance()
    return np.stack(rows)


def _frames(path: Path, *, source: CropSource) -> RGBArray:
    """A photo squashed in both ways: uint8 (2, side, side, 3)."""
    return np.stack([cut_photo(path, source, count=1)[0], app_frame(path, source.side_px)])


def _batches(source: CropSource) -> Iterator[Float32Array]:
    """Squashed frames of some photos, a batch at a time: float32 (n, side, side, 3), normalised."""
    every: Sequence[Path] = source.paths[:: max(1, len(source.paths) // _RANGE_PHOTOS)]
    batch: list[RGBArray] = []
    for number, frames in enumerate(in_order(partial(_frames, source=source), every), start=1):
        batch.append(frames)
        if number % _PHOTOS_AT_ONCE == 0 or number == len(every):
            yield normalise(np.concatenate(batch))
            batch = []


def measured_on_one_frame(bundle: Bundle, dataset: Dataset, record: TrainRecord, progress: Progress) -> Bundle:
    """A converted model that says how often it is right where apps show it a photo as one squashed frame.

    So does MediaPipe Tasks, which takes the most probable label: neither the contract's crops nor its threshold count
    there. The metadata's description and the contract tell the accuracy on the validation photos.

    Args:
        bundle: The model with its decision.
        dataset: The photos of the run.
        record: The stage.
        progress: Told of every photo.
    """
    contract = bundle.contract
    source = _source(dataset, record, "val")
    progress.begin("scoring squashed photos", len(source.paths))
    with captured_stderr():
        model = ModelInterpreter(bundle.flatbuffer, threads=2)
    predicted = []
    for frame in in_order(partial(app_frame, side_px=contract.side_px), source.paths):
        predicted.append(int(model(frame).argmax()))
        progress.advance()
    found = classification_report(source.targets, np.array(predicted), contract.labels)
    return _said(bundle, found.balanced_accuracy, count(len(predicted), "validation photo"))


def measured_out_of_fold(bundle: Bundle, scores: Scores) -> Bundle:
    """As :func:`measured_on_one_frame`, where all photos trained: by the ``full`` crop, out of fold.

    A plan without that crop says nothing of squashed frames, nor does one with a head for it that is not the first,
    which apps take; the model is returned as it is.

    Args:
        bundle: The model with its decision.
        scores: What it says, out of fold, of each crop.
    """
    plan = bundle.contract.plan
    heads = enumerate(bundle.contract.heads_for(plan))
    full = next((index for index, head in heads if plan.scale(index) == "full" and head == 0), None)
    if full is None:
        return bundle
    said = scores.crops[:, full].argmax(axis=1)
    # Apps also show the output for what no label is of, where it is the largest.
    labels = bundle.contract.labels
    found = classification_report(scores.targets, np.where(said < len(labels), said, -1), labels)
    return _said(bundle, found.balanced_accuracy, f"{count(len(said), 'photo')} out of fold, antialiased")


def _said(bundle: Bundle, accuracy: float, photos: str) -> Bundle:
    contract = bundle.contract
    told = contract.provenance
    said = (
        f"MediaPipe Tasks sees a photo as one squashed frame: balanced accuracy {percent(accuracy)} "
        f"that way, {percent(told['validation_balanced_accuracy'])} with edgekit's "
        f"{count(contract.plan.crops, 'crop')}, on {photos}."
    )
    noted = told | {"single_frame_balanced_accuracy": accuracy}
    return say_in_metadata(replace(bundle, contract=replace(contract, provenance=noted)), said)
