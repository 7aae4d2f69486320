"""Stage 2: fine-tune a backbone on photos. The head first, on cached features; then, if asked, the whole network."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib import metadata

from edgekit import __version__
from edgekit.arrays import Int64Array
from edgekit.augment.options import preset
from edgekit.contract import Precision
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.data.splits import Part, Split, split_dataset
from edgekit.errors import RunError
from edgekit.locks import working_in
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, plain, sha256, to_json, write_json
from edgekit.scoring.source import CropSource, crop_source
from edgekit.train.features import FeatureCache, PhotoFeatures, photo_features
from edgekit.train.feed import CropFeed
from edgekit.train.fit import FitFiles, fit
from edgekit.train.head import PENALTIES, FeatureSet, solve_head
from edgekit.train.keras2 import keras
from edgekit.train.network import (
    build_network,
    freeze_normalisation,
    load_backbone,
    pooled_features,
    save_weights,
    set_head,
    taps,
)
from edgekit.train.options import FitConfig, Stage, TrainConfig
from edgekit.train.record import RunFolder, TrainRecord, Trials, count_photos
from edgekit.train.resume import REFUSE, RunOptions, drop, recover
from edgekit.train.to_tflite import to_flatbuffer


def versions() -> dict[str, str]:
    """Versions of the packages that decide a training run's numbers."""
    names = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "pillow")
    return {"edgekit": __version__, **{name: metadata.version(name) for name in names}}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """One training run: photos and split, configuration, where it goes, and how a folder in use is treated."""

    dataset: Dataset
    split: Split
    config: TrainConfig
    folder: RunFolder
    options: RunOptions

    def files(self, stage: Stage) -> FitFiles:
        """Where a stage keeps its weights and its state, and what another call must share to go on from them."""
        of = {
            "data_sha256": self.dataset.sha256,
            "split": plain(self.split),
            "network": plain(self.config.network),
            "plan": plain(self.config.plan),
            "seed": self.config.seed,
        }
        if self.config.augment != "none":
            of["augment"] = self.config.augment
        return FitFiles(
            weights=self.folder.weights(stage),
            state=self.folder.state(stage),
            of=sha256(to_json(of).encode()),
            first_rate=self.config.whole.learning_rate,
            float_sha256=self.folder.read("float").weights_sha256 if stage == "qat" else None,
        )


def finetune(
    dataset: Dataset,
    folder: RunFolder,
    config: TrainConfig,
    *,
    split: Split | None = None,
    options: RunOptions = REFUSE,
    progress: Progress = SILENT,
) -> TrainRecord:
    """Fine-tune on a data set; write weights and record to a run folder.

    Args:
        dataset: Photos with labels.
        folder: Folder that the run is written to.
        config: Network, fit and split of the training.
        split: Training and validation photos; drawn by ``config.split`` when None.
        options: What happens when the folder holds a run; it is refused by default.
        progress: Told of every step.

    Raises:
        RunError: the folder holds a run, or one of other photos or settings to go on from, or lies among the photos, or
            another process works there, or the weights don't fit the backbone.
        DataError: the photos can't be split.
        KeyboardInterrupt: before the first epoch ended, so that there is nothing to keep.
    """
    began = time.monotonic()
    # Before the folder is made or emptied: photos that can't be split and weights that don't fit leave no trace.
    refuse_among_photos(folder.root, dataset.root, "a run")
    if options.cache is not None:
        refuse_among_photos(options.cache, dataset.root, "a cache of features")
    split = split or split_dataset(dataset, config.split)
    with working_in(folder.root):
        recover(folder, progress)
        options.refuse_in_use(folder, "float")
        if options.resume:
            _check_same(folder, dataset, config)
        keras.backend.clear_session()
        keras.utils.set_random_seed(config.seed)
        network = build_network(config.network, len(dataset.labels))
        load_backbone(network, config.network)
        if split.caution:
            progress.say(split.caution)
        run = TrainingRun(dataset=dataset, split=split, config=config, folder=folder, options=options)
        with options.replacing(folder, "float"):
            return _finetune(network, run, began, progress)


def _finetune(network: keras.Model, run: TrainingRun, began: float, progress: Progress) -> TrainRecord:
    folder, config = run.folder, run.config
    pretrained = config.network.weights != "none"
    files = run.files("float")
    if config.tune == "head":
        trials = fit_head(network, pooled_features(network), run, progress, precision="float32")
        save_weights(network, files.weights)
    else:
        # Cutting crops takes long: a state that can't be gone on with is refused before.
        started = files.read_state() is not None
        if pretrained:
            # A random head would first tear at good features.
            if not started:
                fit_head(network, pooled_features(network), run, progress, precision="float32")
            freeze_normalisation(network)
        feed = crop_feed(run.dataset, run.split, config, config.whole, progress)
        trials = fit(network, feed, config.whole, files, seed=config.seed, progress=progress).trials
    before = folder.read("float").weights_sha256 if folder.record("float").exists() else None
    if before is not None and before != file_sha256(files.weights):
        # It was made from weights that are no more.
        drop(folder, "qat")
    return write_record(run, "float", trials, began)


def _check_same(folder: RunFolder, dataset: Dataset, config: TrainConfig) -> None:
    """Hold that a run goes on as it began: with another split it would be tested on photos that trained it."""
    if not os.path.exists(folder.record("float")):
        return
    before = folder.read("float")
    for what, old, new in (
        ("photos", before.data_sha256[:12], dataset.sha256[:12]),
        ("network", before.config.network, config.network),
        ("split", before.config.split, config.split),
        ("tuning", before.config.tune, config.tune),
        ("crop plan", before.config.plan, config.plan),
        ("augmentation", before.config.augment, config.augment),
        # The record says it to all later stages, and those of the qat stage would keep the old one.
        ("bona fide label", before.config.bona_fide, config.bona_fide),
        ("seed", before.config.seed, config.seed),
    ):
        if old != new:
            raise RunError(
                f"{folder.root}: --resume goes on with the same {what}, {old!r}, got {new!r}; "
                "name another --out, or use --overwrite to start again"
            )


def crop_feed(dataset: Dataset, split: Split, config: TrainConfig, how: FitConfig, progress: Progress) -> CropFeed:
    """Training and validation crops for ``fit``."""
    train, validation = (part_source(dataset, split, config, part) for part in ("train", "val"))
    crops, size = how.crops_per_photo, how.batch_size
    return CropFeed(train, validation, crops_per_photo=crops, batch_size=size, progress=progress)


def part_source(dataset: Dataset, split: Split, config: TrainConfig, part: Part) -> CropSource:
    """Photos of one part of a split as a source of crops; those of training alone are varied before crops are drawn."""
    augmentation = None if config.augment == "none" or part != "train" else preset(config.augment)
    samples, side_px = split.samples(dataset, part), config.network.side_px
    return crop_source(dataset, samples, config.plan, side_px, augmentation=augmentation)


def fit_head(
    network: keras.Model, features: keras.Model, run: TrainingRun, progress: Progress, *, precision: Precision
) -> Trials:
    """Solve the head on cached features and put it into the network.

    Args:
        network: The network that gets the head.
        features: The network, or its quantised twin, up to its pooled taps.
        run: Photos, plan and cache.
        progress: Told of every photo.
        precision: In which the features are computed.

    Returns:
        A trial for each penalty: what the choice rests on.
    """
    config = run.config
    cache = FeatureCache(
        folder=run.options.computed(run.folder),
        key=_features_key(features, config, precision),
        model=to_flatbuffer(features, precision, None),
    )

    def computed(part: Part, draws: int) -> tuple[PhotoFeatures, Int64Array]:
        source = part_source(run.dataset, run.split, config, part)
        what = {"train": "training", "val": "validation", "test": "test"}[part]
        features = photo_features(cache, source, draws=draws, seed=config.seed, what=what, progress=progress)
        return features, source.targets

    train, train_targets = computed("train", config.draws)
    # Runs that share a cache share features: a photo that validates one run trains another.
    shared = run.options.cache is not None and precision == "float32"
    val, val_targets = computed("val", config.draws if shared else 0)
    progress.begin("solving the head", 1)
    head = solve_head(
        FeatureSet(features=train.crops, targets=train_targets),
        FeatureSet(features=val.fixed, targets=val_targets),
        len(run.dataset.labels),
    )
    set_head(network, head.kernel, head.bias, head.mean)
    progress.advance(note=f"val loss {min(head.losses):.3f}")
    history = {"val_loss": head.losses, "penalty": PENALTIES, "val_balanced_accuracy": head.accuracies}
    return Trials(history=history, best=PENALTIES.index(head.penalty), finished=True)


def _features_key(features: keras.Model, config: TrainConfig, precision: Precision) -> str:
    """Names what computes features: the weights, and which layers are pooled (more of them need no more weights)."""
    weights = [weight.tobytes() for weight in features.get_weights()]
    return sha256(b"\n".join([precision.encode(), *(name.encode() for name in taps(config.network)), *weights]))


def write_record(
    run: TrainingRun,
    stage: Stage,
    trials: Trials,
    began: float,
    *,
    calibration_crops: int | None = None,
    calibration_sha256: str | None = None,
) -> TrainRecord:
    """Write what a stage did beside its weights; calibration crops, and their manifest's hash, where it had any."""
    record = TrainRecord(
        stage=stage,
        config=run.config,
        labels=run.dataset.labels,
        data=str(run.dataset.root.resolve()),
        data_sha256=run.dataset.sha256,
        split=run.split,
        skipped_photos=len(run.dataset.bad),
        history=trials.history,
        best_epoch=trials.best,
        seconds=time.monotonic() - began,
        interrupted=not trials.finished,
        weights_sha256=file_sha256(run.folder.weights(stage)),
        calibration_crops=calibration_crops,
        calibration_sha256=calibration_sha256,
        float_sha256=run.folder.read("float").weights_sha256 if stage == "qat" else None,
        versions=versions(),
        counts=count_photos(run.dataset, run.split),
    )
    write_json(run.folder.record(stage), record)
    return record
