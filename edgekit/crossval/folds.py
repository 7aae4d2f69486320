"""Cross-validation over groups: every photo is tested by a model that never saw its author, camera or screen."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit.bench.benchmark import conditions_of, settings
from edgekit.bench.conditions import Conditions
from edgekit.bench.latency import percentiles
from edgekit.bench.options import BenchConfig
from edgekit.bench.session import measure_on
from edgekit.contract import Contract
from edgekit.convert.options import ConvertConfig
from edgekit.convert.to_file import convert_run
from edgekit.crossval.options import VARIANTS, CrossvalConfig, VariantName, check_variants, variant_stem
from edgekit.crossval.record import (
    CrossvalAnswers,
    CrossvalRecord,
    UnknownFolds,
    VariantAnswers,
    VariantRecord,
    answers_file,
    record_file,
)
from edgekit.data.checks import format_of, refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.data.groups import with_groups
from edgekit.data.manifest import Sample
from edgekit.data.splits import Split, group_folds
from edgekit.devices.local import LocalDevice
from edgekit.errors import RunError
from edgekit.evaluate.accuracy import ScoredPhotos, crops_used, judged_photos, model_source, told_again
from edgekit.evaluate.gap import noted_validation, validation_gap
from edgekit.evaluate.several import judgement_of
from edgekit.locks import working_in
from edgekit.metrics.abstaining import AskedAgain
from edgekit.metrics.breakdown import reliability_of
from edgekit.metrics.intervals import mean_estimate
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Resampling, rate
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress, about
from edgekit.quantize.options import CalibrationFolder
from edgekit.quantize.qat import qat
from edgekit.records import from_plain, plain, read_json, write_json
from edgekit.runtime.agent.job import Job, Setting
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.readers import READ_EVERYWHERE
from edgekit.runtime.timing import Latency
from edgekit.scoring.out_of_fold import read_beside
from edgekit.scoring.passes import ScoreStore, score_photos
from edgekit.scoring.regions import read_detector, with_regions
from edgekit.scoring.scores import Scores
from edgekit.train.backbones.count import count_macs
from edgekit.train.finetune import finetune, versions
from edgekit.train.network import network_for
from edgekit.train.options import Stage
from edgekit.train.pretrained import load_backbone
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.resume import RunOptions
from edgekit.train.unknown import refuse_unknown

_WORTH_SAYING_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fold:
    """What one fold says about its test photos, and of its training photos by heads that had not seen them.

    Attributes:
        unseen: By variant; empty where no head was solved alone.
    """

    folder: RunFolder
    samples: tuple[Sample, ...]
    scores: dict[VariantName, Scores]
    unseen: dict[VariantName, Scores]
    bundles: dict[VariantName, Bundle]
    training_seconds: float


def cross_validate(
    dataset: Dataset,
    out: Path,
    config: CrossvalConfig,
    *,
    keep: bool = True,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> CrossvalRecord:
    """Train, quantise, convert and test once per fold; a re-run goes on where the last one stopped.

    Folds share float features and, where the backbone is frozen, its adaptation to int8, which rests on drawn scenes:
    neither depends on what a fold trains on or tests.

    Args:
        dataset: Photos with groups.
        out: Folder for the folds, ``crossval.json``, and what the models say of each photo beside it.
        config: What is trained, and what is reported.
        keep: Keep features, adapted weights and scores, which folds share and a re-run takes.
        cache: Where features and adapted weights are kept that other cross-validations share; in ``out`` when None.
        progress: Told of every step.

    Raises:
        DataError: no groups, or fewer than folds.
        RunError: the folder holds another cross-validation, or lies among the photos, or another process works there.
        KeyboardInterrupt: a re-run goes on from the fold's last epoch.
    """
    # Before the folder is claimed: folds that can't be had and weights that don't fit must not bind it.
    refuse_among_photos(out, dataset.root, "a cross-validation")
    place = cache or RunFolder(root=out).features
    regions = config.train.regions
    detector = b"" if regions is None else read_detector(config.train.detector)
    dataset = with_regions(dataset, regions, detector, folder=place if keep else None, progress=progress)
    dataset = with_groups(dataset, config.train.split.group_by, progress)
    splits = fold_splits(dataset, config)
    check_variants(config.variants, config.train.network)
    if config.train.unknown_cost is not None:
        refuse_unknown(dataset.labels, config.train.bona_fide)
    load_backbone(network_for(config.train, len(dataset.labels)), config.train.network)
    _claim(out, dataset, config)
    options = RunOptions(resume=True, cache=place if keep else None, keep=keep)
    with working_in(out):
        folds = _run_folds(dataset, splits, out, config, options=options, progress=progress)
    return _conclude(dataset, out, folds, config, progress)


def fold_splits(dataset: Dataset, config: CrossvalConfig) -> tuple[Split, ...]:
    """What each fold trains on and tests.

    Args:
        dataset: The photos, with the groups that the configuration derives, if it does.
        config: The cross-validation.

    Raises:
        DataError: no groups, or fewer than folds.
    """
    return group_folds(dataset, config.folds, seed=config.train.seed, holds_out_val=config.train.holds_out_val)


def _run_folds(
    dataset: Dataset,
    splits: Sequence[Split],
    out: Path,
    config: CrossvalConfig,
    *,
    options: RunOptions,
    progress: Progress,
) -> list[_Fold]:
    folds: list[_Fold] = []
    for number, split in enumerate(splits):
        progress.say(f"fold {number + 1} of {config.folds}: tests {count(len(split.test), 'photo')}")
        began = time.monotonic()
        folds.append(_run_fold(dataset, split, out / f"fold-{number}", config, options=options, progress=progress))
        took, left = time.monotonic() - began, config.folds - len(folds)
        # A fold that was there from before takes no time, and says nothing of the others.
        if took > _WORTH_SAYING_S and left:
            others = count(left, "fold that is left", "folds that are left")
            progress.say(f"fold {number + 1} took {about(took)}: {about(took * left)} for the {others}")
    return folds


def _conclude(
    dataset: Dataset, out: Path, folds: Sequence[_Fold], config: CrossvalConfig, progress: Progress
) -> CrossvalRecord:
    latency, where = _time(dataset, folds[-1], config, progress)
    records, answers = [], list[tuple[Judged, VariantRecord]]()
    for variant in config.variants:
        for setting in settings(folds[-1].bundles[variant].contract, BenchConfig(crops=config.crops, threads=(1,))):
            photos = _scored(folds, variant, setting)
            record = VariantRecord(
                variant=variant,
                crops=setting.crops,
                stops_early=setting.stops_early,
                crops_used=crops_used(*photos),
                evaluation=judgement_of(*photos),
                latency=latency.get((variant, setting), {}),
                model_bytes=len(folds[-1].bundles[variant].flatbuffer),
            )
            if not config.train.multi_label:
                judged = judged_photos(*photos)
                record = _with_certainty(record, folds, photos, judged)
                answers.append((judged, record))
            records.append(record)
    found = CrossvalRecord(
        config=config,
        data_sha256=dataset.sha256,
        photos=sum(len(fold.samples) for fold in folds),
        groups=len(dataset.groups),
        training_seconds=sum(fold.training_seconds for fold in folds),
        conditions=where,
        variants=tuple(records),
        versions=versions(),
        macs=_macs(folds[-1].folder.read("float")),
    )
    # First what is told photo by photo: a record says that all is there.
    if answers:
        write_json(answers_file(out), _answers(dataset, answers))
    write_json(record_file(out), found)
    return found


def _answers(dataset: Dataset, answers: Sequence[tuple[Judged, VariantRecord]]) -> CrossvalAnswers:
    first, _ = answers[0]
    return CrossvalAnswers(
        data_sha256=dataset.sha256,
        paths=first.paths,
        groups=tuple(first.groups or ()),
        truth=tuple(first.truth.tolist()),
        variants=tuple(
            VariantAnswers(
                variant=one.variant,
                crops=one.crops,
                stops_early=one.stops_early,
                predicted=tuple(judged.predicted.tolist()),
            )
            for judged, one in answers
        ),
    )


def _macs(trained: TrainRecord) -> int:
    """Multiplications of one crop by the network of a fold, which may have chosen its features."""
    return count_macs(network_for(trained.config, len(trained.labels)))


def _claim(out: Path, dataset: Dataset, config: CrossvalConfig) -> None:
    """Make sure that a folder with folds holds folds of this very configuration."""
    mark = out / "crossval.config.json"
    if os.path.exists(mark):
        before = read_json(mark)
        # Read, since options that have come since have their usual values there.
        same = before.get("data_sha256") == dataset.sha256
        if not same or from_plain(CrossvalConfig, before.get("config"), where=str(mark)) != config:
            raise RunError(f"{out} holds a cross-validation of other photos or settings; choose another --out")
    write_json(mark, {"config": plain(config), "data_sha256": dataset.sha256})


def _run_fold(
    dataset: Dataset, split: Split, root: Path, config: CrossvalConfig, *, options: RunOptions, progress: Progress
) -> _Fold:
    folder = RunFolder(root=root)
    if not _is_finished(folder, "float"):
        _pass_on(finetune(dataset, folder, config.train, split=split, options=options, progress=progress), folder)
    stages = dict.fromkeys(VARIANTS[variant][1] for variant in config.variants)
    if "qat" in stages and not _is_finished(folder, "qat"):
        crops = CalibrationFolder(crops=config.calibration_crops)
        _pass_on(qat(dataset, folder, config.qat, calibration=crops, options=options, progress=progress), folder)
    bundles = {variant: _bundle(dataset, folder, variant, config, progress) for variant in config.variants}
    samples = split.samples(dataset, "test")
    # Kept, so that a re-run need not score again.
    store = ScoreStore.of(folder.root / "scores", dataset, samples) if options.keep else None
    source = model_source(bundles[config.variants[0]].contract, dataset, samples)
    scored = score_photos(list(bundles.values()), source, crops=max(config.crops), store=store, progress=progress)
    return _Fold(
        folder=folder,
        samples=samples,
        scores=dict(zip(bundles, scored, strict=True)),
        unseen=_unseen(dataset, split, folder, bundles) if config.train.is_solved else {},
        bundles=bundles,
        training_seconds=sum(folder.read(stage).seconds for stage in dict.fromkeys(("float", *stages))),
    )


def _unseen(
    dataset: Dataset, split: Split, folder: RunFolder, bundles: dict[VariantName, Bundle]
) -> dict[VariantName, Scores]:
    """What each variant says, out of fold, of the training photos."""
    found: dict[VariantName, Scores] = {}
    for variant, bundle in bundles.items():
        contract, samples = bundle.contract, split.samples(dataset, "train")
        shape = len(samples), contract.plan.crops, contract.outputs
        targets = model_source(contract, dataset, samples).targets
        found[variant] = read_beside(_model(folder, variant), contract.provenance.get("folds_sha256"), shape, targets)
    return found


def _is_finished(folder: RunFolder, stage: Stage) -> bool:
    return folder.record(stage).exists() and not folder.read(stage).interrupted


def _pass_on(record: TrainRecord, folder: RunFolder) -> None:
    """Let Ctrl-C, which ends a stage in good order, end the cross-validation, too."""
    if record.interrupted:
        # A stage without a record is not finished: a re-run goes on with it.
        folder.record(record.stage).unlink()
        raise KeyboardInterrupt


def _model(folder: RunFolder, variant: VariantName) -> Path:
    # Not beside the run's records: that of `float.tflite` would replace that of the float stage.
    return folder.root / "models" / f"{variant_stem(variant)}.tflite"


def _bundle(
    dataset: Dataset, folder: RunFolder, variant: VariantName, config: CrossvalConfig, progress: Progress
) -> Bundle:
    path = _model(folder, variant)
    if not path.exists():
        precision, stage = VARIANTS[variant]
        how = ConvertConfig(
            precision=precision,
            stage=stage,
            calibration=folder.calibration,
            calibration_crops=config.calibration_crops,
            # The comparison is what a cross-validation reports, so it must not stop at one fold's.
            allow_drop=True,
        )
        convert_run(dataset, folder, path, how, progress=progress)
    return read_bundle(path)


def _scored(folds: Sequence[_Fold], variant: VariantName, setting: Setting) -> list[ScoredPhotos]:
    """All photos, each with its own fold's model, operating point and bounds."""
    return [
        ScoredPhotos.of(
            fold.scores[variant],
            fold.samples,
            fold.bundles[variant].contract,
            crops=setting.crops,
            stops_early=setting.stops_early,
        )
        for fold in folds
    ]


def _with_certainty(
    record: VariantRecord, folds: Sequence[_Fold], photos: Sequence[ScoredPhotos], judged: Judged
) -> VariantRecord:
    """With what is told of how sure the answers are and, where all crops vote, of the folds' own validation."""
    contracts = [fold.bundles[record.variant].contract for fold in folds]
    record = replace(record, unknown=_unknown(contracts, judged))
    if record.crops != contracts[0].plan.crops or record.stops_early:
        return record
    noted = [one for one in map(noted_validation, contracts) if one is not None]
    return replace(
        record,
        gap=validation_gap(mean_estimate(noted), record.evaluation.headline, grouped=True) if noted else None,
        reliability=reliability_of(judged, Resampling.of(judged.groups, len(judged.paths))),
        asked_again=_asked_again(folds, record.variant, photos, judged),
    )


def _unknown(contracts: Sequence[Contract], judged: Judged) -> UnknownFolds | None:
    """What the folds' rules for unknown do to test photos, whose classes all of them know."""
    rules = tuple(one.unknown for one in contracts if one.unknown is not None)
    if not rules:
        return None
    taken = judged.predicted < 0
    rejected = rate(np.ones(len(taken), np.bool_), taken, Resampling.of(judged.groups, len(taken)))
    assert rejected is not None
    return UnknownFolds(rules=rules, rejected=rejected)


def _asked_again(
    folds: Sequence[_Fold], variant: VariantName, photos: Sequence[ScoredPhotos], judged: Judged
) -> tuple[AskedAgain, ...]:
    """The least certain test photos, by bounds that the training photos of their fold set out of fold."""
    if not all(fold.unseen for fold in folds):
        return ()
    known = [
        ScoredPhotos(scores=fold.unseen[variant], samples=(), contract=fold.bundles[variant].contract) for fold in folds
    ]
    return told_again(judged, list(zip(photos, known, strict=True)))


def _time(
    dataset: Dataset, fold: _Fold, config: CrossvalConfig, progress: Progress
) -> tuple[dict[tuple[VariantName, Setting], dict[str, dict[str, Latency]]], Conditions | None]:
    """Latency of the last fold's models on some of its test photos.

    Returns:
        Percentiles by variant and setting (its threads as 1), then by threads and stage; and the conditions.
    """
    order = np.random.default_rng(config.train.seed).permutation(len(fold.samples))
    paths = [dataset.path_of(fold.samples[index]) for index in order]
    # The runtime alone need not read HEIC and AVIF.
    photos = [path for path in paths if format_of(path) in READ_EVERYWHERE][: config.timed_photos]
    if not photos:
        return {}, None
    how = BenchConfig(crops=config.crops, runs=max(2, len(photos)))
    found: dict[tuple[VariantName, Setting], dict[str, dict[str, Latency]]] = {}
    where: Conditions | None = None
    for variant, bundle in fold.bundles.items():
        job = Job(
            model=str(_model(fold.folder, variant)),
            photos=tuple(map(str, photos)),
            crops=0,
            timed=tuple(range(len(photos))),
            settings=tuple(settings(bundle.contract, how)),
            pace=Pace(warmup_runs=how.warmup, min_runs=how.runs, min_s=0, repeats=1, cold_starts=0),
            seed=config.train.seed,
        )
        ledger = measure_on(LocalDevice(), job, bundle.contract, progress=progress)
        for number, setting in enumerate(job.settings):
            place = found.setdefault((variant, replace(setting, threads=1)), {})
            place[count(setting.threads, "thread")] = percentiles(ledger.runs(number))
        where = conditions_of(ledger, job, how)
    return found, where
