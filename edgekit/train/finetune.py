"""Stage 2: fine-tune a backbone on photos. The head first, on cached features; then, if asked, the whole network."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata
from pathlib import Path

import numpy as np

from edgekit import __version__
from edgekit.arrays import Float32Array, Int64Array
from edgekit.augment.options import preset
from edgekit.contract import Precision
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.data.groups import with_groups
from edgekit.data.splits import Part, Split, split_dataset, training_folds
from edgekit.errors import RunError
from edgekit.locks import working_in
from edgekit.metrics.wording import count, percent
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, plain, sha256, to_json, write_atomic, write_json
from edgekit.scoring.keep import write_arrays
from edgekit.scoring.out_of_fold import OutOfFold
from edgekit.scoring.regions import read_detector, with_regions
from edgekit.scoring.source import CropSource, crop_source
from edgekit.train.answers import vote_logits
from edgekit.train.choose import choose_columns, judge_columns, some_rows
from edgekit.train.features import FeatureCache, photo_features, photo_means
from edgekit.train.feed import CropFeed, photo_weights
from edgekit.train.fit import FitFiles, fit, validation_scores
from edgekit.train.head import FeatureSet, Head
from edgekit.train.keras2 import keras
from edgekit.train.label_heads import solve_labels, told_of_labels
from edgekit.train.network import (
    columns_of,
    freeze,
    heads_of,
    load_weights,
    network_for,
    pooled_features,
    save_weights,
    set_heads,
    taps,
    with_features,
)
from edgekit.train.options import Features, FitConfig, Stage, TrainConfig
from edgekit.train.photo_heads import MAX_SOLVED_PHOTOS
from edgekit.train.pretrained import load_backbone
from edgekit.train.record import Calibration, RunFolder, TrainRecord, Trials, count_photos
from edgekit.train.resume import REFUSE, RunOptions, drop, recover
from edgekit.train.solve import head_weights, label_solver, solve_head
from edgekit.train.start_from import kept_kernels, read_start, with_labels
from edgekit.train.to_tflite import to_flatbuffer
from edgekit.train.unknown import UnknownFound, refuse_unknown
from edgekit.train.unknown_rule import find_unknown


def versions() -> dict[str, str]:
    """Versions of the packages that decide a training run's numbers."""
    names = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "pillow")
    return {"edgekit": __version__, **{name: metadata.version(name) for name in names}}


# No slots: a cached property lies in the instance's dictionary.
@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One training run: photos and split, configuration, where it goes, and how a folder in use is treated."""

    dataset: Dataset
    split: Split
    config: TrainConfig
    folder: RunFolder
    options: RunOptions

    @cached_property
    def folds(self) -> Int64Array:
        """(photos,) the fold of each training photo: a head is chosen by photos of a fold that it has not seen.

        Raises:
            DataError: a class stands in one group alone.
        """
        return training_folds(self.dataset, self.split, self.config.split)

    @cached_property
    def start(self) -> Float32Array | None:
        """(heads, channels, classes) kernels that the head begins from; None from nothing.

        Raises:
            RunError: what the run keeps of them is missing or damaged.
        """
        return kept_kernels(self.folder, self.config, len(self.dataset.labels))

    def files(self, stage: Stage) -> FitFiles:
        """Where a stage keeps its weights and its state, and what another call must share to go on from them."""
        network = plain(self.config.network)
        if not self.config.network.dropout:
            # States of before there was any have no word for it.
            del network["dropout"]
        of = {
            "data_sha256": self.dataset.sha256,
            "split": plain(self.split),
            "network": network,
            "plan": plain(self.config.plan),
            "seed": self.config.seed,
        }
        if self.config.augment != "none":
            of["augment"] = self.config.augment
        if self.config.heads != "one":
            of["heads"] = self.config.heads
        if self.config.head != "ridge":
            of["head"] = self.config.head
        if self.config.weigh != "photos":
            of["weigh"] = self.config.weigh
        if self.config.tuned_blocks is not None:
            of["tune"] = self.config.tune
        if self.config.whole.way:
            of["way"] = self.config.whole.way
        if self.config.start is not None:
            of["start"] = self.config.start.sha256
        if self.config.regions is not None:
            of["regions"] = plain(self.config.regions)
        if self.config.multi_label:
            of["multi_label"] = True
        return FitFiles(
            weights=self.folder.weights(stage),
            state=self.folder.state(stage),
            last=self.folder.last_epoch(stage),
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
        split: Training photos, and validation photos where they are held out; drawn by ``config.split`` when None.
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
    _check_labels_a_photo(dataset, config)
    if config.regions is not None:
        place = options.computed(folder)
        dataset = with_regions(dataset, config.regions, read_detector(config.detector), folder=place, progress=progress)
    dataset = with_groups(dataset, config.split.group_by, progress)
    split = split or split_dataset(dataset, config.split, holds_out_val=config.holds_out_val)
    run = TrainingRun(dataset=dataset, split=split, config=config, folder=folder, options=options)
    _refuse_unfit(dataset, config, len(split.train))
    if config.solves_head:
        folds = len(set(run.folds.tolist()))
        progress.say(f"{count(len(split.train), 'photo')} train; the head is chosen by {folds} folds of them")
    with working_in(folder.root):
        recover(folder, progress)
        options.refuse_in_use(folder, "float")
        if options.resume:
            config = _same(folder, dataset, config)
        if config.heads == "auto":
            config = replace(
                config, heads="scales" if config.head_scales and len(split.train) <= MAX_SOLVED_PHOTOS else "one"
            )
        run = replace(run, config=config)
        keras.backend.clear_session()
        keras.utils.set_random_seed(config.seed)
        network = network_for(config, len(dataset.labels))
        start = begin(network, config, dataset.labels)
        if split.caution:
            progress.say(split.caution)
        with options.replacing(folder, "float"):
            _keep_origin(folder, config, start)
            record = _finetune(network, run, began, progress)
        _drop_other_origins(folder, config)
        return record


def _refuse_unfit(dataset: Dataset, config: TrainConfig, photos: int) -> None:
    """Hold that a configuration is possible with so many training photos, and with what is known of them.

    Raises:
        RunError: it is not.
    """
    if photos > MAX_SOLVED_PHOTOS and (config.heads == "scales" or config.head == "logistic" or config.start):
        what = "heads of --from" if config.start else "--heads scales and --head logistic"
        instead = "leave it out" if config.start else "use --heads one --head ridge"
        raise RunError(f"{what} are solved on at most {MAX_SOLVED_PHOTOS:,} training photos, got {photos:,}; {instead}")
    if config.unknown_cost is not None:
        refuse_unknown(dataset.labels, config.bona_fide)
    if config.weigh == "groups" and not dataset.has_groups:
        raise RunError("--weigh groups needs photos with groups, got none; use --group-by, or --weigh photos")


def _check_labels_a_photo(dataset: Dataset, config: TrainConfig) -> None:
    """Hold that photos are read and trained with as many labels each."""
    if config.multi_label != dataset.multi_label:
        raise RunError(
            f"photos with {'several labels' if dataset.multi_label else 'one label each'} must be trained as such, got "
            f"multi_label={config.multi_label}; read them and train them alike"
        )


def _keep_origin(folder: RunFolder, config: TrainConfig, start: Float32Array) -> None:
    """Keep what later stages need of what the run was begun with: a head's kernels, a detector."""
    if config.start is not None:
        write_arrays(folder.start(config.start.sha256), {"kernels": start})
    if config.regions is not None:
        write_atomic(folder.detector(config.regions.detector_sha256), read_detector(config.detector))


def _drop_other_origins(folder: RunFolder, config: TrainConfig) -> None:
    """Delete those of runs that were replaced; while a run is not whole, what it replaces may come back."""
    kept = set[Path]()
    if config.start is not None:
        kept.add(folder.start(config.start.sha256))
    if config.regions is not None:
        kept.add(folder.detector(config.regions.detector_sha256))
    for other in {*folder.starts, *folder.detectors} - kept:
        other.unlink(missing_ok=True)


def of_run(
    dataset: Dataset, folder: RunFolder, record: TrainRecord, options: RunOptions, progress: Progress
) -> Dataset:
    """The photos of a run as its stages see them: their regions, where it is of these, and their groups."""
    regions, detector = record.config.regions, folder.read_detector(record)
    dataset = with_regions(dataset, regions, detector, folder=options.computed(folder), progress=progress)
    return with_groups(dataset, record.config.split.group_by, progress)


def begin(network: keras.Model, config: TrainConfig, labels: Sequence[str]) -> Float32Array:
    """Load a network's weights: those of a backbone, or of what the run begins from.

    Returns:
        Kernels (heads, channels, classes) that the head begins from, classes in the photos' order; those of the network
        where it begins from nothing.

    Raises:
        RunError: what it begins from has changed, or is for other classes, or doesn't fit the network.
    """
    if config.start is None:
        load_backbone(network, config.network)
        return heads_of(network)
    start = read_start(Path(config.start.place))
    if start.origin.sha256 != config.start.sha256:
        raise RunError(f"{config.start.place} must be what the run was to begin from, and has changed; begin it again")
    start.note.check_labels(labels)
    kernels = start.kernels
    if kernels is None:
        weights = RunFolder(root=Path(config.start.place)).weights("float")
        # Before it is parsed: HDF5 that nobody vouches for can make its library crash.
        if file_sha256(weights) != config.start.sha256:
            raise RunError(
                f"{weights} must be the weights that its record tells of, got others; begin from another run"
            )
        load_weights(network, weights, what=f"the float stage of {config.start.place}")
        kernels = heads_of(network)
    else:
        load_backbone(network, config.network)
    channels = heads_of(network).shape[1]
    if kernels.shape[1] != channels:
        raise RunError(
            f"the head of {config.start.place} must take the {channels} features of its network, got "
            f"{kernels.shape[1]}; use another file"
        )
    return with_labels(kernels, start.note.labels, labels)


def _finetune(network: keras.Model, run: TrainingRun, began: float, progress: Progress) -> TrainRecord:
    folder, tried = run.folder, dict[str, float]()
    if run.options.resume and folder.record("float").exists():
        # The choice stands, and so does what it rests on.
        tried = folder.read("float").features_tried
    if run.config.solves_head:
        cache = feature_cache(pooled_features(network), run, precision="float32")
        columns = None
        if run.config.network.chooses_features:
            config, columns, tried = _choose_features(network, cache, run, progress)
            run, network = replace(run, config=config), with_features(network, config.network)
    files, config = run.files("float"), run.config
    if config.is_solved:
        trials = fit_head(network, cache, run, "float", progress, columns=columns)
        save_weights(network, files.weights)
    else:
        # Cutting crops takes long: a state that can't be gone on with is refused before.
        started = files.read_state() is not None
        if config.solves_head and not started:
            fit_head(network, cache, run, "float", progress, columns=columns)
        # From random weights on batches have no statistics but their own.
        if config.solves_head or config.tuned_blocks is not None:
            freeze(network, config)
        feed = crop_feed(run.dataset, run.split, config, config.whole, progress)
        trials = fit(network, feed, config.whole, files, seed=config.seed, progress=progress).trials
        trials = with_labels_told(trials, network, feed, run)
    before = folder.read("float").weights_sha256 if folder.record("float").exists() else None
    if before is not None and before != file_sha256(files.weights):
        # It was made from weights that are no more.
        drop(folder, "qat")
    return write_record(run, "float", replace(trials, features=tried), began)


def _same(folder: RunFolder, dataset: Dataset, config: TrainConfig) -> TrainConfig:
    """Hold that a run goes on as it began: with another split it would be tested on photos that trained it.

    Returns:
        The configuration, with the features and the heads that the run chose where that was left to it.
    """
    if not os.path.exists(folder.record("float")):
        return config
    before = folder.read("float")
    # Not yet in a configuration: heads for scales of a run that is to be tuned otherwise make none.
    network, heads = config.network, config.heads
    if network.chooses_features:
        network = replace(network, features=before.config.network.features)
    if heads == "auto":
        heads = before.config.heads
    for what, old, new in (
        ("classes", before.labels, dataset.labels),
        ("photos", before.data_sha256[:12], dataset.sha256[:12]),
        ("network", before.config.network, network),
        ("split", before.config.split, config.split),
        ("tuning", before.config.tune, config.tune),
        ("head", before.config.head, config.head),
        ("heads", before.config.heads, heads),
        ("weights of photos", before.config.weigh, config.weigh),
        ("crop plan", before.config.plan, config.plan),
        ("augmentation", before.config.augment, config.augment),
        # The record says it to all later stages, and those of the qat stage would keep the old one.
        ("regions", before.config.regions, config.regions),
        ("cost of unknown", before.config.unknown_cost, config.unknown_cost),
        ("rule for unknown", before.config.unknown_rule, config.unknown_rule),
        ("bona fide label", before.config.bona_fide, config.bona_fide),
        ("number of labels a photo", before.config.multi_label, config.multi_label),
        ("seed", before.config.seed, config.seed),
        ("model to begin from", *(one.start and one.start.sha256 for one in (before.config, config))),
    ):
        if old != new:
            raise RunError(
                f"{folder.root}: --resume goes on with the same {what}, {old!r}, got {new!r}; "
                "name another --out, or use --overwrite to start again"
            )
    return replace(config, network=network, heads=heads)


def crop_feed(dataset: Dataset, split: Split, config: TrainConfig, how: FitConfig, progress: Progress) -> CropFeed:
    """Training and validation crops for ``fit``."""
    train, validation = (part_source(dataset, split, config, part) for part in ("train", "val"))
    groups = [sample.group for sample in split.samples(dataset, "train")] if config.weigh == "groups" else None
    return CropFeed(train, photo_weights(train.targets, groups), validation, how, progress)


def part_source(dataset: Dataset, split: Split, config: TrainConfig, part: Part) -> CropSource:
    """Photos of one part of a split as a source of crops; those of training alone are varied before crops are drawn."""
    augmentation = None if config.augment == "none" or part != "train" else preset(config.augment)
    samples, side_px = split.samples(dataset, part), config.network.side_px
    return crop_source(dataset, samples, config.plan, side_px, augmentation=augmentation)


def feature_cache(features: keras.Model, run: TrainingRun, *, precision: Precision) -> FeatureCache:
    """What computes a network's pooled features in TFLite, and where they are kept.

    Args:
        features: The network, or its quantised twin, up to its pooled taps.
        run: Where they are kept, and which taps these are.
        precision: In which they are computed.
    """
    return FeatureCache(
        folder=run.options.computed(run.folder),
        key=_features_key(features, run.config, precision),
        model=to_flatbuffer(features, precision, None),
    )


def fit_head(
    network: keras.Model,
    cache: FeatureCache,
    run: TrainingRun,
    stage: Stage,
    progress: Progress,
    *,
    columns: Int64Array | None = None,
) -> Trials:
    """Solve the head on cached features and put it into the network; what its folds said is kept beside the weights.

    Args:
        network: The network that gets the head.
        cache: Computes features.
        run: Photos, plan, folder.
        stage: The stage that the head is of.
        progress: Told of every photo.
        columns: Which of the features the network pools; all when None.

    Returns:
        A trial for each penalty, or number of epochs: what the choice rests on.
    """
    config, source = run.config, part_source(run.dataset, run.split, run.config, "train")
    draws = config.random_crops
    found = photo_features(cache, source, draws=draws, seed=config.seed, progress=progress, columns=columns)
    train = FeatureSet(
        features=found.crops,
        targets=source.targets,
        folds=run.folds,
        plan_crops=found.plan_crops,
        scales=None if config.head_scales is None else np.array(config.crop_heads, np.int64),
        weights=None if config.multi_label else head_weights(run.dataset, run.split, config),
    )
    penalties = None
    if config.multi_label:
        units = [sample.group or sample.path for sample in run.split.samples(run.dataset, "train")]
        by = units if config.weigh == "groups" else None
        head, penalties = solve_labels(train, source.targets, label_solver(config, len(units)), by, progress)
    else:
        progress.begin("solving the head", 1)
        head = solve_head(train, len(run.dataset.labels), config, run.start)
    set_heads(network, head.layers)
    if config.is_solved:
        final = head.layers.logits(train.fixed, train.scales)
        OutOfFold(unseen=head.choice.out_of_fold, final=final).write(run.folder.folds(stage))
    progress.advance(note=f"out-of-fold loss {head.choice.losses[head.choice.best]:.3f}")
    trials = _trials(head)
    if config.unknown_cost is not None:
        trials = replace(trials, unknown=_find_unknown(train, head, run, stage, progress))
    if penalties is not None:
        votes = vote_logits(head.choice.out_of_fold.astype(np.float64), source.targets)
        trials = replace(trials, labels=told_of_labels(run.dataset.labels, source.targets, votes, penalties))
    return trials


def _find_unknown(train: FeatureSet, head: Head, run: TrainingRun, stage: Stage, progress: Progress) -> UnknownFound:
    """The rule for unknown of a stage; what it goes by is kept beside the weights."""
    found, kept = find_unknown(train, run.dataset.labels, head, run.config, run.start, progress)
    place = run.folder.means(stage)
    if kept is None:
        place.unlink(missing_ok=True)
        return found
    kept.write(place)
    return replace(found, means_sha256=file_sha256(place))


def with_labels_told(trials: Trials, network: keras.Model, feed: CropFeed, run: TrainingRun) -> Trials:
    """Trials of a fitted network with what validation photos say of each label, where a photo may have several."""
    if not run.config.multi_label:
        return trials
    votes, targets = validation_scores(network, feed), feed.validation_targets
    return replace(trials, labels=told_of_labels(run.dataset.labels, targets, votes))


def _trials(head: Head) -> Trials:
    choice = head.choice
    history = {"val_loss": choice.losses, choice.of: choice.values, "val_balanced_accuracy": choice.accuracies}
    if choice.shares:
        history |= {"share": choice.shares}
    return Trials(history=history, best=choice.best, finished=True)


def _choose_features(
    network: keras.Model, cache: FeatureCache, run: TrainingRun, progress: Progress
) -> tuple[TrainConfig, Int64Array, dict[str, float]]:
    """Choose the layers that are pooled by photos that a fold leaves out.

    Returns:
        The configuration that says which, their columns among all features, and the accuracy of each choice.
    """
    config, source = run.config, part_source(run.dataset, run.split, run.config, "train")
    means = photo_means(cache, source, draws=config.random_crops, seed=config.seed, progress=progress)
    columns = columns_of(network, config.network)
    rows = some_rows(source.targets, config.seed)
    trials = judge_columns(means[rows], columns, source.targets[rows], run.folds[rows])
    # Attacks are told by texture, other classes by what they are.
    usual: Features = "texture" if config.bona_fide else "content"
    samples = run.split.samples(run.dataset, "train")
    groups = [samples[row].group for row in rows]
    best = choose_columns(trials, usual, groups if all(groups) else None)
    told = ", ".join(f"{name} {percent(one.accuracy)}" for name, one in trials.items())
    why = "which such a task usually takes" if best == usual else "as that is more than chance"
    progress.say(f"balanced accuracy out of fold: {told}; the head sees {best} features, {why}")
    chosen = replace(config, network=replace(config.network, features=best))
    return chosen, columns[best], {name: one.accuracy for name, one in trials.items()}


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
    calibration: Calibration | None = None,
) -> TrainRecord:
    """Write what a stage did beside its weights; what calibrated it, where something did."""
    is_solved = run.config.is_solved
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
        calibration_crops=calibration.crops if calibration is not None else None,
        calibration_sha256=calibration.sha256 if calibration is not None else None,
        calibration_images=calibration.own if calibration is not None else None,
        float_sha256=run.folder.read("float").weights_sha256 if stage == "qat" else None,
        versions=versions(),
        counts=count_photos(run.dataset, run.split),
        folds=len(set(run.folds.tolist())) if is_solved else None,
        folds_sha256=file_sha256(run.folder.folds(stage)) if is_solved else None,
        features_tried=trials.features,
        reading=run.dataset.reading,
        left_out=None if run.dataset.regions is None else run.dataset.regions.left_out,
        unknown=trials.unknown,
        told_labels=trials.labels,
    )
    write_json(run.folder.record(stage), record)
    return record
