"""Stage 4: a trained run to one TFLite file, behind a gate that compares it with the float network."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgekit.arrays import RGBArray
from edgekit.contract import Contract, Precision
from edgekit.convert.gate import Compared, ConvertRecord, Gate, compare_models
from edgekit.convert.options import ConvertConfig
from edgekit.convert.rejected import (
    JudgedModel,
    keep_rejected,
    read_rejected,
    rejected_file,
    remove_rejected,
    write_with_record,
)
from edgekit.convert.several import judge_labels
from edgekit.convert.single_frame import (
    at_one_frame,
    measured_on_one_frame,
    measured_out_of_fold,
    solve_for_one_frame,
)
from edgekit.convert.unknown import UnknownOutput
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.errors import DataError, EdgekitError
from edgekit.evaluate.accuracy import ScoredPhotos, judged_photos
from edgekit.locks import working_in
from edgekit.metrics.classification import classification_report, evaluation_of
from edgekit.metrics.wording import duration
from edgekit.modelfile.flatbuffer import append_sigmoid, append_softmax
from edgekit.modelfile.write import NO_SHA256, make_bundle
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import CalibrationConfig
from edgekit.quantize.options import CALIBRATION_CROPS, MAX_CALIBRATION_CROPS, MIN_CALIBRATION_CROPS
from edgekit.quantize.qat import load_stage
from edgekit.quantize.representative import RepresentativeSet, representative_set
from edgekit.records import plain, sha256
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.operating_point import fit_decision, fit_unknown
from edgekit.scoring.out_of_fold import OutOfFold, beside_content, some_of_each
from edgekit.scoring.passes import score_photos
from edgekit.scoring.source import crop_source
from edgekit.train.finetune import of_run, versions
from edgekit.train.network import first_head_alone, with_pooled_taps
from edgekit.train.options import CALIBRATED, Stage
from edgekit.train.record import Calibration, RunFolder, TrainRecord
from edgekit.train.resume import REFUSE
from edgekit.train.to_tflite import to_flatbuffer
from edgekit.train.unknown import UnknownFound

# What a file changes about scores, and whether it loses too much, so many photos settle.
_SCORED_PHOTOS = 200


class GateFailed(EdgekitError):
    """The converted file lost more than was allowed; it is kept under another name.

    Args:
        gate: The comparison that failed, with the numbers of both models.
        kept: Where the file is kept.
        remedies: What the user may do, each with what it costs.
    """

    def __init__(self, gate: Gate, kept: Path, remedies: Sequence[str]) -> None:
        sure = f" (95 % sure: by {gate.least_drop_points:.2f} at least)" if gate.least_drop_points is not None else ""
        lines = "".join(f"\n  {remedy}" for remedy in remedies)
        super().__init__(
            f"{gate.measure} fell by {gate.drop_points:.2f} points{sure} on {gate.photos_told}, at most "
            f"{gate.max_drop_points:.2f} are allowed; the file is kept as {kept}. What can be done:{lines}"
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
    began = time.monotonic()
    with working_in(folder.root):
        stage = choose_stage(folder, config)
        folder.check_model_name(out)
        refuse_among_photos(out, dataset.root, "a model")
        record = folder.read(stage)
        folder.check_folds(record)
        if stage == "qat":
            folder.check_origin(record)
        folder.check_photos(record, dataset)
        _refuse_single_frame(config, record)
        dataset = of_run(dataset, folder, record, REFUSE, progress)
        ranges = _calibration(dataset, record, config, progress) if config.precision in CALIBRATED else None
        used = ranges.calibration if ranges is not None else None
        kept = read_rejected(out, config, record, used)
        if kept is None:
            shown = at_one_frame(record) if config.single_frame else record
            draft = _contract(shown, config.precision, used, name=out.stem)
            pixels = ranges.pixels if ranges is not None else None
            models = _converted(folder, record, draft, pixels, dataset if config.single_frame else None, progress)
            if models.folds is None:
                compared = _held_out(models.bundles, dataset, shown, progress)
            else:
                compared = _out_of_fold(models.bundles[0], models.folds, dataset, shown, progress)
            kept = _judge(models.bundles[0], compared, record.unknown, max_drop=config.max_drop)
            # Apps that squash the whole photo don't show what a model of regions was trained on.
            if record.config.regions is None and not record.config.multi_label:
                if models.folds is None:
                    kept = kept._replace(bundle=measured_on_one_frame(kept.bundle, dataset, record, progress))
                else:
                    kept = kept._replace(bundle=measured_out_of_fold(kept.bundle, compared.scores))
        else:
            progress.say(f"{rejected_file(out)} was made by these very settings: nothing is converted again")
        bundle, gate = kept.bundle, kept.gate
        converted = ConvertRecord(
            config=config,
            stage=stage,
            model=out.name,
            model_bytes=len(bundle.flatbuffer),
            contract=bundle.contract,
            gate=gate,
            versions=versions(),
            seconds=time.monotonic() - began,
            calibration=used,
        )
        if not gate.passed and not config.allow_drop:
            keep_rejected(kept, converted, out)
            raise GateFailed(gate, rejected_file(out), _remedies(folder, converted, record))
        converted = write_with_record(kept, converted, out)
        remove_rejected(out)
        return converted


def _refuse_single_frame(config: ConvertConfig, record: TrainRecord) -> None:
    if not config.single_frame:
        return
    regions = record.config.regions
    if regions is not None:
        raise EdgekitError(f"--single-frame is for whole photos, the run classifies {regions.thing}s; leave it out")
    if record.unknown is not None:
        raise EdgekitError(
            "--single-frame solves a head of its own, for which no class was held out, got a run with --unknown; leave "
            "it out, or finetune without --unknown"
        )
    if record.config.multi_label:
        raise EdgekitError("--single-frame is for one label a photo, the run has several; leave it out")


class _Folds(NamedTuple):
    """What folds inside the training photos said, of the float stage and of the one that is converted."""

    of_float: OutOfFold
    of_stage: OutOfFold


class _Models(NamedTuple):
    """The converted model, and what judges it: folds, or the float model; a float model is its own measure."""

    bundles: list[Bundle]
    folds: _Folds | None


def _converted(
    folder: RunFolder,
    record: TrainRecord,
    draft: Contract,
    pixels: RGBArray | None,
    frames: Dataset | None,
    progress: Progress,
) -> _Models:
    """The converted model in memory; with ``frames``, the photos of the run, its head is for one squashed frame."""
    if draft.precision == "int16x8":
        progress.say("int16x8 has no fast kernels in today's interpreters: checking it takes minutes")
    network, before = load_stage(folder, record, record.stage), folder.read("float")
    of_stage = None
    if frames is not None:
        network = first_head_alone(network)
        head, of_stage = solve_for_one_frame(network, folder, record, frames, progress)
        draft = replace(draft, provenance=draft.provenance | {"single_frame_head": plain(head)})
    elif record.folds_sha256 is not None:
        of_stage = folder.out_of_fold(record)
    unknown = UnknownOutput.of(folder, record)
    if unknown is not None:
        draft = unknown.told_in(draft)
    progress.begin(f"converting to {draft.precision}", 2)
    flatbuffer = _with_probabilities(_logits(network, draft.precision, pixels, unknown), record)
    progress.advance()
    bundles, of_float, reference = [make_bundle(flatbuffer, draft, folder.read_detector(record))], of_stage, network
    if record.stage != "float" and (frames is not None or of_stage is None):
        reference = load_stage(folder, before, "float")
        if frames is not None:
            reference = first_head_alone(reference)
            _, of_float = solve_for_one_frame(reference, folder, before, frames, progress)
    elif record.stage != "float":
        of_float = folder.out_of_fold(before)
    if of_stage is None and draft.precision != "float32":
        bundles.append(_reference(_with_probabilities(to_flatbuffer(reference, "float32", None), record), draft))
    progress.advance()
    if of_float is None or of_stage is None:
        return _Models(bundles, None)
    return _Models(bundles, _Folds(of_float, of_stage if unknown is None else unknown.said_by(of_stage)))


def _logits(network: Any, precision: Precision, pixels: RGBArray | None, unknown: UnknownOutput | None) -> bytes:
    """A network as a flatbuffer that ends in logits, that of unknown among them where the rule has its own."""
    if unknown is None:
        return to_flatbuffer(network, precision, pixels)
    shown = with_pooled_taps(network) if unknown.takes_features else network
    return unknown.append(to_flatbuffer(shown, precision, pixels))


def _with_probabilities(flatbuffer: bytes, record: TrainRecord) -> bytes:
    """A model that ends in logits with what makes them probabilities: of one label a photo, or each by itself."""
    return append_sigmoid(flatbuffer) if record.config.multi_label else append_softmax(flatbuffer)


def _remedies(folder: RunFolder, failed: ConvertRecord, record: TrainRecord) -> list[str]:
    """What may help, never what has just failed, with what it costs by the run's own times."""
    precision, stage = failed.config.precision, failed.stage
    again = f"about {duration(failed.seconds or 0)}, as this conversion took"
    # A backbone without fake quantization has no qat stage.
    remedies = [] if record.config.network.known.qat else [_retrained(folder, failed, record, again)]
    if failed.calibration is not None:
        more = f"--calibration-crops {min(2 * failed.calibration.crops, MAX_CALIBRATION_CROPS)}"
        images = f"more calibration images ({more} in a new --calibration, or a folder of your own)"
        cost = f"qat again, {duration(record.seconds)} by its record, and {again}" if stage == "qat" else again
        remedies.append(f"{images}: {cost}")
    if precision != "float16":
        remedies.append(f"--float16, twice the size of int8: {again}")
    most = math.ceil(10 * failed.gate.drop_points) / 10
    remedies.append(f"--max-drop {most:g}, where that loss is acceptable: at once, the kept file is taken")
    return remedies


def _retrained(folder: RunFolder, failed: ConvertRecord, record: TrainRecord, again: str) -> str:
    """Which stage may do better than the one that has just failed, with what it costs."""
    precision, stage = failed.config.precision, failed.stage
    if precision != "int8":
        return f"--int8 after `edgekit qat {folder.root}`: {precision} was made from the {stage} stage"
    if stage == "float" and os.path.exists(folder.record("qat")):
        return f"the run's qat stage (leave --stage out): {again}"
    if stage == "float":
        least = f"at least the {duration(record.seconds)} that finetune took"
        return f"`edgekit qat {folder.root}`, then convert its stage: {least}"
    trained = folder.read("float").seconds + record.seconds
    whole = "with --tune all --heads one" if record.config.head_scales else "with --tune all"
    tune = whole if record.config.is_solved else "for more --epochs"
    least = f"longer than the {duration(trained)} that both took"
    return f"`edgekit finetune` {tune}, then `edgekit qat`: {least}"


def choose_stage(folder: RunFolder, config: ConvertConfig) -> Stage:
    """Which weights a configuration means."""
    if config.stage != "auto":
        return config.stage
    return "qat" if config.precision == "int8" and os.path.exists(folder.record("qat")) else "float"


def _calibration(dataset: Dataset, record: TrainRecord, config: ConvertConfig, progress: Progress) -> RepresentativeSet:
    """The representative dataset; that of the qat stage was what its ranges come from, and must be the same."""
    wanted = config.calibration_crops or max(record.calibration_crops or CALIBRATION_CROPS, MIN_CALIBRATION_CROPS)
    own = record.calibration_images
    folder = config.calibration
    train = record.split.samples(dataset, "train")
    found = representative_set(folder, dataset, train, CalibrationConfig.of(record.config, wanted), progress=progress)
    if record.calibration_sha256 not in (None, found.calibration.sha256):
        what = f"images of {own.folder}" if own else "crops"
        raise DataError(
            f"the crops in {folder} must be the {record.calibration_crops} {what} that the qat stage was calibrated "
            f"on, got {found.calibration.crops} others; name the same --calibration and --calibration-crops, or run "
            "`edgekit qat --overwrite` with these"
        )
    return found


def _contract(record: TrainRecord, precision: Precision, ranges: Calibration | None, *, name: str) -> Contract:
    contract = Contract(
        name=name,
        labels=record.labels,
        bona_fide=record.config.bona_fide or None,
        side_px=record.config.network.side_px,
        plan=record.config.plan,
        precision=precision,
        model_sha256=NO_SHA256,
        provenance={
            "stage": record.stage,
            "data_sha256": record.data_sha256,
            "split": record.split.method,
            "validated_by": "photos" if record.folds is None else "folds",
            "split_config": plain(record.config.split),
            "split_sha256": record.split.sha256,
            "caution": record.split.caution,
            "weights_sha256": record.weights_sha256,
            **({"calibration_sha256": ranges.sha256, "calibration_crops": ranges.crops} if ranges else {}),
            # Without the folder: where it lies is nobody's business whom the file reaches.
            **({"calibration_images": plain(replace(ranges.own, folder=""))} if ranges and ranges.own else {}),
            "backbone": record.config.network.backbone,
            "alpha": record.config.network.alpha,
            "features": record.config.network.features,
            **({"unknown": plain(record.unknown)} if record.unknown else {}),
            **({"started_from_sha256": record.config.start.sha256} if record.config.start else {}),
        },
    )
    contract = contract.with_heads(record.config.head_scales).with_regions(record.config.regions)
    if not record.config.multi_label:
        return contract
    # Those of the float network, until what the file itself says has chosen others.
    return contract.with_multi_label(tuple(one.threshold for one in record.told_labels))


def _reference(flatbuffer: bytes, draft: Contract) -> Bundle:
    """The float network as the gate's measure; it stays in memory, so no other interpreter need run it."""
    return Bundle(contract=replace(draft, precision="float32", model_sha256=sha256(flatbuffer)), flatbuffer=flatbuffer)


def float_bundle(network: Any, record: TrainRecord, *, name: str) -> Bundle:
    """A run's float network as a model that the runtime runs, in memory and without an operating point.

    Args:
        network: As ``load_stage`` gives it, of the float stage.
        record: That stage's record.
        name: Name of the model.
    """
    flatbuffer = _with_probabilities(to_flatbuffer(network, "float32", None), record)
    return _reference(flatbuffer, _contract(record, "float32", None, name=name))


def _held_out(bundles: list[Bundle], dataset: Dataset, record: TrainRecord, progress: Progress) -> Compared:
    """Score validation photos with the converted model and the float one; a float model alone is its own measure."""
    plan, side = record.config.plan, record.config.network.side_px
    samples = record.split.samples(dataset, "val")
    scored = score_photos(bundles, crop_source(dataset, samples, plan, side), crops=plan.crops, progress=progress)
    rows = np.arange(len(samples))
    return Compared(scores=scored[0], samples=samples, before=scored[-1], rows=rows, keeps_folds=False)


def _out_of_fold(bundle: Bundle, folds: _Folds, dataset: Dataset, record: TrainRecord, progress: Progress) -> Compared:
    """Scores of the training photos by heads that had not seen them, with what the file changes about a score."""
    plan, side = record.config.plan, record.config.network.side_px
    samples = record.split.samples(dataset, "train")
    targets = crop_source(dataset, samples, plan, side).targets
    rows = some_of_each(targets, _SCORED_PHOTOS, record.config.seed)
    source = crop_source(dataset, [samples[row] for row in rows], plan, side)
    (scored,) = score_photos([bundle], source, crops=plan.crops, progress=progress)
    scores, before = folds.of_stage.by_file(scored, rows, targets), folds.of_float.scores(targets)
    return Compared(scores=scores, samples=samples, before=before, rows=rows, keeps_folds=True)


def _judge(model: Bundle, compared: Compared, unknown: UnknownFound | None, *, max_drop: float) -> JudgedModel:
    """The converted model with its operating point, and the gate, on photos that did not train what judges them.

    The gate compares labels alone; what the rule for unknown costs is chosen on what the file says.
    """
    if model.contract.multi_label is not None:
        return judge_labels(model, compared, max_drop=max_drop)
    names = [sample.group for sample in compared.samples]
    groups = names if all(names) else None
    closed = model.contract.with_unknown(None)
    contract, before = (
        one.with_decision(fit_decision(scores, one, groups))
        for scores, one in ((compared.scores, model.contract), (compared.before, closed))
    )
    gate = compare_models(
        (compared.before.of(compared.rows), before),
        (compared.scores.of(compared.rows), contract.with_unknown(None)),
        max_drop=max_drop,
        groups=[groups[row] for row in compared.rows] if groups is not None else None,
    )
    gate = replace(gate, out_of_fold=compared.keeps_folds)
    scores = compared.scores
    if unknown is not None:
        contract = fit_unknown(scores, contract, unknown.cost_points)
    photos = ScoredPhotos(scores=scores, samples=compared.samples, contract=contract, counts=contract.plan.crops)
    accuracy = evaluation_of(judged_photos(photos)).balanced_accuracy
    # What stopping early does to the photos on which its bounds rest.
    counts = scores.early_counts(contract)
    early = classification_report(scores.targets, scores.predicted(contract, counts), contract.labels)
    folds = beside_content(scores) if compared.keeps_folds else None
    measured = {
        "validation_photos": len(compared.samples),
        "validation_balanced_accuracy": accuracy.value,
        "validation_interval": [accuracy.low, accuracy.high],
        "float_balanced_accuracy": gate.float_balanced_accuracy,
        "agreement_with_float": gate.agreement,
        "drop_points": gate.drop_points,
        "least_drop_points": gate.least_drop_points,
        "early_stop_mean_crops": float(counts.mean()),
        "early_stop_balanced_accuracy": early.balanced_accuracy,
        **({"folds_sha256": sha256(folds)} if folds is not None else {}),
    }
    told = replace(contract, provenance={**contract.provenance, **measured})
    return JudgedModel(replace(model, contract=told), gate, folds)
