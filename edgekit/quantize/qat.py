"""Stage 3: quantization-aware training with tensorflow-model-optimization."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgekit.arrays import Float32Array, RGBArray
from edgekit.data.dataset import Dataset
from edgekit.errors import RunError
from edgekit.locks import working_in
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import CalibrationConfig
from edgekit.quantize.fakequant import quantised
from edgekit.quantize.kernels import adapt_weights
from edgekit.quantize.neutral import neutral_crops
from edgekit.quantize.options import CalibrationFolder, refuse_unquantisable
from edgekit.quantize.ranges import calibrate, fix_input
from edgekit.quantize.representative import RepresentativeSet, representative_set
from edgekit.records import file_sha256, is_stream
from edgekit.scoring.source import normalise
from edgekit.train.answers import votes_loss
from edgekit.train.finetune import (
    TrainingRun,
    crop_feed,
    feature_cache,
    fit_head,
    of_run,
    with_labels_told,
    write_record,
)
from edgekit.train.fit import FitState, fit, validation_scores
from edgekit.train.keras2 import keras
from edgekit.train.network import (
    copy_head,
    freeze,
    load_weights,
    network_for,
    pooled_features,
    save_weights,
)
from edgekit.train.options import FitConfig, Stage
from edgekit.train.record import RunFolder, TrainRecord, Trials
from edgekit.train.resume import REFUSE, RunOptions, recover

IN_THE_RUN = CalibrationFolder()


def load_stage(folder: RunFolder, record: TrainRecord, stage: Stage) -> keras.Model:
    """The trained network of a stage, from its weights file.

    Raises:
        RunError: the file is missing, damaged, or not the one that the record was written for.
    """
    weights = folder.weights(stage)
    # Before it is parsed: HDF5 that nobody vouches for can make its library crash.
    if _weights_sha256(weights) != record.weights_sha256:
        raise RunError(
            f"{weights} must be the weights that {folder.record(stage).name} tells of, got others; "
            "run the stage again with --resume or --overwrite"
        )
    network = network_for(record.config, len(record.labels))
    if stage == "qat":
        freeze(network, record.config)
        network = quantised(network)
    load_weights(network, weights, what=f"the {stage} stage of {folder.root}")
    return network


def _weights_sha256(weights: Path) -> str:
    try:
        if is_stream(weights):
            raise RunError(f"{weights} must be a file, got a pipe or a device; run the stage again with --overwrite")
        return file_sha256(weights)
    except OSError as failure:
        raise RunError(f"{weights}: can't read the weights: {failure.strerror}; check what it is") from failure


def qat(
    dataset: Dataset,
    folder: RunFolder,
    how: FitConfig,
    *,
    calibration: CalibrationFolder = IN_THE_RUN,
    options: RunOptions = REFUSE,
    progress: Progress = SILENT,
) -> TrainRecord:
    """Make a fine-tuned run aware of quantization; writes weights and record beside the float ones.

    A run that tuned its head gets the head that is best for int8 features. A run that tuned more of the network is
    trained further, as far as it was, with fake quantization; the float weights with calibrated ranges are the first
    candidate, so training can only improve the validation loss.

    Args:
        dataset: The photos of the float stage.
        folder: The run.
        how: Epochs, learning rate and the like.
        calibration: What sets the ranges of activations: crops of training photos, chosen where there are none yet, or
            images of the user's own. And how many random crops a head is solved on.
        options: What to do when the run holds a qat stage.
        progress: Told of every step.

    Raises:
        RunError: no float stage, other photos, or a network that can't be quantised.
        DataError: the calibration folder holds other crops.
    """
    began = time.monotonic()
    with working_in(folder.root):
        recover(folder, progress)
        before = folder.read("float")
        refuse_unquantisable(before.config.network)
        folder.check_photos(before, dataset)
        folder.check_folds(before)
        dataset = of_run(dataset, folder, before, options, progress)
        options.refuse_in_use(folder, "qat")
        if options.resume and os.path.exists(folder.record("qat")):
            folder.check_origin(folder.read("qat"))
        config = replace(before.config, whole=how, draws=calibration.draws or before.config.draws)
        run = TrainingRun(dataset=dataset, split=before.split, config=config, folder=folder, options=options)
        keras.backend.clear_session()
        keras.utils.set_random_seed(config.seed)
        network = load_stage(folder, before, "float")
        freeze(network, config)
        with options.replacing(folder, "qat"):
            ranges = _calibrate_on(run, calibration, progress)
            crops = _batches(ranges.pixels)
            make = _quantised_head if config.is_solved else _quantised_whole
            trials = make(network, run, crops, progress)
            return write_record(run, "qat", trials, began, calibration=ranges.calibration)


def _quantised_head(
    network: keras.Model, run: TrainingRun, crops: Sequence[Float32Array], progress: Progress
) -> Trials:
    """Solve the head again, on features that went through the int8 backbone.

    The backbone is frozen, so what quantization does to its features is known exactly: they are computed by the
    converted int8 network itself, and the head is the best one for them.
    """
    # The backbone is nobody's photos' work, and nor is its rounding: runs and folds of the same weights share it.
    adapt_weights(network, _batches(neutral_crops(run.config.network.side_px)), folder=_adapted(run), progress=progress)
    model = quantised(network)
    calibrate(model, network, crops)
    cache = feature_cache(pooled_features(model), run, precision="int8")
    trials = fit_head(network, cache, run, "qat", progress)
    copy_head(network, model)
    # The new head has other ranges: its kernels, its logits and their sums.
    calibrate(model, network, crops)
    save_weights(model, run.folder.weights("qat"))
    return trials


def _quantised_whole(
    network: keras.Model, run: TrainingRun, crops: Sequence[Float32Array], progress: Progress
) -> Trials:
    """Train all weights against fake quantization, from calibrated ranges on."""
    how, seed = run.config.whole, run.config.seed
    files = run.files("qat")
    started = files.read_state() is not None
    if not started:
        adapt_weights(network, crops, folder=_adapted(run), progress=progress)
    model = quantised(network)
    feed = crop_feed(run.dataset, run.split, run.config, how, progress)
    if started:
        load_weights(model, files.weights, what=f"the qat stage of {run.folder.root}")
    else:
        calibrate(model, network, crops)
        loss = votes_loss(validation_scores(model, feed), feed.validation_targets)
        progress.say(f"validation loss before quantization-aware training: {loss:.4f}")
        files.keep(model, FitState(), FitState(best_loss=loss))
    state = fit(model, feed, how, files, seed=seed + 1, progress=progress)
    fix_input(model)
    return with_labels_told(files.keep(model, state, state).trials, model, feed, run)


def _calibrate_on(run: TrainingRun, where: CalibrationFolder, progress: Progress) -> RepresentativeSet:
    return representative_set(
        where.path or run.folder.calibration,
        run.dataset,
        run.split.samples(run.dataset, "train"),
        CalibrationConfig.of(run.config, where.crops),
        replace=run.options.overwrite,
        progress=progress,
    )


def _batches(pixels: RGBArray) -> list[Float32Array]:
    """Crops in batches, normalised."""
    normalised = normalise(pixels)
    return [normalised[start : start + 32] for start in range(0, len(pixels), 32)]


def _adapted(run: TrainingRun) -> Path | None:
    """Where adapted weights are kept."""
    place = run.options.computed(run.folder)
    return None if place is None else place / "adapted"
