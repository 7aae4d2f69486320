"""Stage 4: a trained run to one TFLite file, behind a gate that compares it with the float network."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit.arrays import Int64Array, RGBArray
from edgekit.contract import Contract, Precision
from edgekit.convert.gate import ConvertRecord, Gate, compare_models
from edgekit.convert.options import ConvertConfig
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.data.groups import with_groups
from edgekit.data.manifest import Sample
from edgekit.errors import DataError, EdgekitError, RunError
from edgekit.evaluate.accuracy import ScoredPhotos, judged_photos
from edgekit.locks import working_in
from edgekit.metrics.classification import classification_report, evaluation_of
from edgekit.modelfile.flatbuffer import append_softmax
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import CalibrationConfig, calibration_pixels, make_calibration
from edgekit.quantize.options import CALIBRATION_CROPS
from edgekit.quantize.qat import load_stage
from edgekit.records import plain, sha256, write_atomic, write_json
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.operating_point import fit_decision
from edgekit.scoring.out_of_fold import beside, beside_content, some_of_each
from edgekit.scoring.passes import score_photos
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import crop_source
from edgekit.train.finetune import versions
from edgekit.train.options import Stage
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.to_tflite import CALIBRATED, to_flatbuffer

# What a file changes about scores, and whether it loses too much, so many photos settle.
_SCORED_PHOTOS = 200


class GateFailed(EdgekitError):
    """The quantised file lost more than was allowed; nothing was written.

    Args:
        gate: The comparison that failed, with the numbers of both models.
        advice: What the user may do besides accepting the drop.
    """

    def __init__(self, gate: Gate, advice: str) -> None:
        super().__init__(
            f"balanced accuracy fell by {gate.drop_points:.2f} points on {gate.photos} validation photos, "
            f"at most {gate.max_drop_points:.2f} are allowed; {advice}, or accept it with --allow-drop"
        )
        self.gate = gate


def convert_run(
    dataset: Dataset, folder: RunFolder, out: Path, config: ConvertConfig, *, progress: Progress = SILENT
) -> ConvertRecord:
    """Convert a run, compare the file with the float network, and write it with its contract.

    Args:
        dataset: The photos that the run was trained on, for calibration and for the gate.
        folder: Folder of the finished run.
        out: The model file; its record is written beside it as ``.json``.
        config: Precision, calibration, gate.
        progress: Told of every step.

    Raises:
        RunError: no such stage, other photos, a name that would replace the run's files, or a place among the photos,
            or another process that works in the run.
        DataError: the calibration folder is unusable.
        GateFailed: the drop is over the limit.
    """
    with working_in(folder.root):
        stage = choose_stage(folder, config)
        folder.check_model_name(out)
        refuse_among_photos(out, dataset.root, "a model")
        refuse_among_photos(config.calibration, dataset.root, "calibration crops")
        record = folder.read(stage)
        folder.check_folds(record)
        if stage == "qat":
            folder.check_origin(record)
        if record.data_sha256 != dataset.sha256:
            raise RunError(
                f"{folder.root} was trained on other photos: data hash {record.data_sha256[:12]}, got "
                f"{dataset.sha256[:12]}; name the same --data"
            )
        dataset = with_groups(dataset, record.config.split.group_by)
        if config.precision == "int16x8":
            progress.say("int16x8 has no fast kernels in today's interpreters: checking it takes minutes")
        network = load_stage(folder, record, stage)
        pixels = _calibration(dataset, record, config, progress) if config.precision in CALIBRATED else None
        progress.begin(f"converting to {config.precision}", 2)
        flatbuffer = append_softmax(to_flatbuffer(network, config.precision, pixels))
        progress.advance()
        draft = _contract(record, stage, config.precision, name=out.stem)
        bundles = [make_bundle(flatbuffer, draft)]
        if record.folds_sha256 is None and config.precision != "float32":
            reference = network if stage == "float" else load_stage(folder, folder.read("float"), "float")
            bundles.append(_reference(append_softmax(to_flatbuffer(reference, "float32", None)), draft))
        progress.advance()
        if record.folds_sha256 is None:
            compared = _held_out(bundles, dataset, record, progress)
        else:
            compared = _out_of_fold(bundles[0], dataset, folder, record, progress)
        contract, gate = _judge(compared, bundles[0].contract, max_drop=config.max_drop)
        if not gate.passed and not config.allow_drop:
            raise GateFailed(gate, _advice(config.precision, stage))
        bundle = replace(bundles[0], contract=contract)
        return _write(bundle, out, config, stage, gate, compared.scores if compared.keeps_folds else None)


def _write(
    bundle: Bundle, out: Path, config: ConvertConfig, stage: Stage, gate: Gate, folds: Scores | None
) -> ConvertRecord:
    """Write the model, its record and, where folds judged it, what they said: all or nothing."""
    kept = None if folds is None else beside_content(folds)
    if kept is not None:
        noted = {**bundle.contract.provenance, "folds_sha256": sha256(kept)}
        bundle = replace(bundle, contract=replace(bundle.contract, provenance=noted))
    bundle = write_bundle(bundle, out)
    converted = ConvertRecord(
        config=config,
        stage=stage,
        model=out.name,
        model_bytes=out.stat().st_size,
        contract=bundle.contract,
        gate=gate,
        versions=versions(),
    )
    try:
        if kept is not None:
            write_atomic(beside(out), kept)
        write_json(out.with_suffix(".json"), converted)
    except EdgekitError:
        # A model without its record, or with that of another, would be taken for what it is not.
        for written in (out, out.with_suffix(".json"), beside(out)):
            written.unlink(missing_ok=True)
        raise
    return converted


def _advice(precision: Precision, stage: Stage) -> str:
    if precision != "int8":
        return f"{precision} was made from the {stage} stage: try --int8 after `edgekit qat`, or --float16"
    if stage == "float":
        return "run `edgekit qat` and convert its stage"
    return "tune more of the network (`edgekit finetune --tune all`, then `edgekit qat`), or try --float16"


def choose_stage(folder: RunFolder, config: ConvertConfig) -> Stage:
    """Which weights a configuration means."""
    if config.stage != "auto":
        return config.stage
    return "qat" if config.precision == "int8" and os.path.exists(folder.record("qat")) else "float"


def _calibration(dataset: Dataset, record: TrainRecord, config: ConvertConfig, progress: Progress) -> RGBArray:
    """The calibration crops; those of the qat stage were what its ranges come from, and must be the same."""
    wanted = CalibrationConfig.of(
        record.config, config.calibration_crops or record.calibration_crops or CALIBRATION_CROPS
    )
    train = record.split.samples(dataset, "train")
    manifest = make_calibration(config.calibration, dataset, train, wanted, progress=progress)
    if record.calibration_sha256 not in (None, manifest.sha256):
        raise DataError(
            f"the crops in {config.calibration} must be the {record.calibration_crops} that the qat stage was "
            f"calibrated on, got {len(manifest.crops)} others; name the same --calibration and --calibration-crops"
        )
    return calibration_pixels(config.calibration, manifest)


def _contract(record: TrainRecord, stage: Stage, precision: Precision, *, name: str) -> Contract:
    return Contract(
        name=name,
        labels=record.labels,
        bona_fide=record.config.bona_fide or None,
        side_px=record.config.network.side_px,
        plan=record.config.plan,
        precision=precision,
        model_sha256=NO_SHA256,
        provenance={
            "stage": stage,
            "data_sha256": record.data_sha256,
            "split": record.split.method,
            "validated_by": "photos" if record.folds is None else "folds",
            "split_config": plain(record.config.split),
            "split_sha256": record.split.sha256,
            "caution": record.split.caution,
            "weights_sha256": record.weights_sha256,
            **({"calibration_sha256": record.calibration_sha256} if record.calibration_sha256 else {}),
            "backbone": record.config.network.backbone,
            "alpha": record.config.network.alpha,
            "features": record.config.network.features,
        },
    )


def _reference(flatbuffer: bytes, draft: Contract) -> Bundle:
    """The float network as the gate's measure; it stays in memory, so no other interpreter need run it."""
    return Bundle(contract=replace(draft, precision="float32", model_sha256=sha256(flatbuffer)), flatbuffer=flatbuffer)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Compared:
    """What the converted model and the float one say of photos that did not train what judges them.

    Attributes:
        scores: The converted model's.
        samples: Photos of the scores.
        before: The float one's, of the same photos.
        rows: Photos that the converted file itself scored: those of the gate.
        keeps_folds: Whether folds inside the training photos judged, so that the scores are to be kept.
    """

    scores: Scores
    samples: tuple[Sample, ...]
    before: Scores
    rows: Int64Array
    keeps_folds: bool


def _held_out(bundles: list[Bundle], dataset: Dataset, record: TrainRecord, progress: Progress) -> _Compared:
    """Score validation photos with the converted model and the float one; a float model alone is its own measure."""
    plan, side = record.config.plan, record.config.network.side_px
    samples = record.split.samples(dataset, "val")
    scored = score_photos(bundles, crop_source(dataset, samples, plan, side), crops=plan.crops, progress=progress)
    rows = np.arange(len(samples))
    return _Compared(scores=scored[0], samples=samples, before=scored[-1], rows=rows, keeps_folds=False)


def _out_of_fold(
    bundle: Bundle, dataset: Dataset, folder: RunFolder, record: TrainRecord, progress: Progress
) -> _Compared:
    """Scores of the training photos by heads that had not seen them, with what the file changes about a score."""
    plan, side = record.config.plan, record.config.network.side_px
    samples = record.split.samples(dataset, "train")
    of_float, of_stage = (folder.out_of_fold(one) for one in (folder.read("float"), record))
    targets = crop_source(dataset, samples, plan, side).targets
    rows = some_of_each(targets, _SCORED_PHOTOS, record.config.seed)
    source = crop_source(dataset, [samples[row] for row in rows], plan, side)
    (scored,) = score_photos([bundle], source, crops=plan.crops, progress=progress)
    scores, before = of_stage.by_file(scored, rows, targets), of_float.scores(targets)
    return _Compared(scores=scores, samples=samples, before=before, rows=rows, keeps_folds=True)


def _judge(compared: _Compared, draft: Contract, *, max_drop: float) -> tuple[Contract, Gate]:
    """Operating points and the gate, on photos that did not train what judges them."""
    groups = [sample.group for sample in compared.samples]
    known = groups if all(groups) else None
    contract, before = (
        draft.with_decision(fit_decision(scores, draft, known)) for scores in (compared.scores, compared.before)
    )
    paired = compared.before.of(compared.rows), compared.scores.of(compared.rows)
    gate = compare_models(paired[0], before, paired[1], contract, max_drop=max_drop)
    scores = compared.scores
    photos = ScoredPhotos(scores=scores, samples=compared.samples, contract=contract, counts=contract.plan.crops)
    accuracy = evaluation_of(judged_photos(photos)).balanced_accuracy
    # What stopping early does to the photos on which its bounds rest.
    counts = scores.early_counts(contract)
    early = classification_report(scores.targets, scores.predicted(contract, counts), contract.labels)
    measured = {
        "validation_photos": len(compared.samples),
        "validation_balanced_accuracy": accuracy.value,
        "validation_interval": [accuracy.low, accuracy.high],
        "float_balanced_accuracy": gate.float_balanced_accuracy,
        "agreement_with_float": gate.agreement,
        "early_stop_mean_crops": float(counts.mean()),
        "early_stop_balanced_accuracy": early.balanced_accuracy,
    }
    return replace(contract, provenance={**contract.provenance, **measured}), gate
