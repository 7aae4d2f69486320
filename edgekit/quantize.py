"""Stage 3: quantization-aware training with tensorflow-model-optimization."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.config import FitConfig, Stage
from edgekit.data.dataset import Dataset
from edgekit.errors import RunError
from edgekit.fit import FitState, balanced_log_loss, fit, validation_scores
from edgekit.legacy_keras import keras, tfmot
from edgekit.network import build_network, freeze_normalisation, load_weights, save_weights
from edgekit.progress import SILENT, Progress
from edgekit.records import write_json
from edgekit.runs import RunFolder, TrainRecord
from edgekit.train import REFUSE, CropFeed, Run, RunOptions, crop_feed, fit_files, write_record

# What ``feed.normalise`` gives: scale 1/128 and zero point 128, so that a uint8 pixel is its own quantised value.
INPUT_RANGE = (-1.0, 127.0 / 128.0)

# Batches that set the ranges of activations before weights may move.
_CALIBRATION_STEPS = 40


def quantised(network: keras.Model) -> keras.Model:
    """The network with fake quantization after every layer (8-bit, per-channel weights), weights kept.

    Raises:
        RunError: a layer that tensorflow-model-optimization can't quantise.
    """
    try:
        model = tfmot.quantization.keras.quantize_model(network)
    except (RuntimeError, ValueError) as failure:
        raise RunError(
            f"this network can't be trained quantised: {failure}; use post-training `edgekit convert --int8`"
        ) from failure
    return model


def fix_input_range(model: keras.Model) -> None:
    """Set the range of the input to that of ``feed.normalise``; moving averages would only come near it."""
    (layer,) = (layer for layer in model.layers if type(layer).__name__ == "QuantizeLayer")
    low, high = INPUT_RANGE
    values = {"min": low, "max": high}
    layer.set_weights(
        [
            values.get(weight.name.rpartition("_")[2].partition(":")[0], value)
            for weight, value in zip(layer.weights, layer.get_weights(), strict=True)
        ]
    )


def load_stage(folder: RunFolder, record: TrainRecord, stage: Stage) -> keras.Model:
    """The trained network of a stage, from its weights file."""
    network = build_network(record.config.network, len(record.labels))
    if stage == "qat":
        freeze_normalisation(network)
        network = quantised(network)
    load_weights(network, folder.weights(stage), what=f"the {stage} stage of {folder.root}")
    return network


def qat(
    dataset: Dataset,
    folder: RunFolder,
    how: FitConfig,
    *,
    options: RunOptions = REFUSE,
    progress: Progress = SILENT,
) -> TrainRecord:
    """Train a fine-tuned run further with fake quantization; writes weights and record beside the float ones.

    The float weights with calibrated ranges are the first candidate, so training can only improve the validation loss.

    Args:
        dataset: The photos of the float stage.
        folder: The run.
        how: Epochs, learning rate and the like.
        options: What to do when the run holds a qat stage.
        progress: Told of every step.

    Raises:
        RunError: no float stage, other photos, or a network that can't be quantised.
    """
    began = time.monotonic()
    before = folder.read("float")
    if before.data_sha256 != dataset.sha256:
        raise RunError(
            f"{folder.root} was trained on other photos (data hash {before.data_sha256[:12]}, got {dataset.sha256[:12]})"
        )
    options.prepare(folder, "qat")
    config = replace(before.config, whole=how)
    run = Run(dataset=dataset, split=before.split, config=config, folder=folder, options=options)
    keras.utils.set_random_seed(config.seed)
    network = load_stage(folder, before, "float")
    freeze_normalisation(network)
    model = quantised(network)
    feed = crop_feed(dataset, run.split, config, how, progress)
    files = fit_files(folder, "qat")
    if files.read_state() is None:
        _calibrate(model, feed, config.seed, progress)
        save_weights(model, files.weights)
        loss = balanced_log_loss(validation_scores(model, feed), feed.validation_targets)
        progress.say(f"validation loss before quantization-aware training: {loss:.4f}")
        write_json(files.state, FitState(best_loss=loss))
    state = fit(model, feed, how, files, seed=config.seed + 1, progress=progress)
    fix_input_range(model)
    save_weights(model, files.weights)
    return write_record(run, "qat", state, began)


def _calibrate(model: keras.Model, feed: CropFeed, seed: int, progress: Progress) -> None:
    """Let the moving averages of the activation ranges settle, without touching a weight."""
    steps = min(_CALIBRATION_STEPS, max(10, feed.steps))
    progress.begin("calibrating ranges", steps)
    done = 0
    epoch = 0
    while done < steps:
        for crops, *_ in feed.epoch(np.random.default_rng([seed, epoch])):
            model(crops, training=True)
            progress.advance()
            done += 1
            if done == steps:
                break
        epoch += 1
    fix_input_range(model)


def tensors(model: keras.Model) -> dict[str, Any]:
    """Ranges by layer name, for tests and reports."""
    return {weight.name: weight.numpy() for weight in model.weights if weight.name.endswith(("min:0", "max:0"))}
