"""Stage 4: a trained run to one TFLite file, behind a gate that compares it with the float network."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgekit.arrays import RGBArray
from edgekit.contract import Contract, Precision
from edgekit.convert.gate import ConvertRecord, Gate, compare_models
from edgekit.convert.options import ConvertConfig
from edgekit.convert.rejected import (
    keep_rejected,
    read_rejected,
    rejected_file,
    remove_rejected,
    write_with_record,
)
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.errors import DataError, EdgekitError, RunError
from edgekit.locks import working_in
from edgekit.metrics.classification import classification_report
from edgekit.metrics.wording import duration
from edgekit.modelfile.flatbuffer import append_softmax
from edgekit.modelfile.write import NO_SHA256, make_bundle
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import CalibrationConfig
from edgekit.quantize.options import CALIBRATION_CROPS, MAX_CALIBRATION_CROPS, MIN_CALIBRATION_CROPS
from edgekit.quantize.qat import load_stage
from edgekit.quantize.representative import RepresentativeSet, representative_set
from edgekit.records import plain, sha256
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.operating_point import fit_decision
from edgekit.scoring.passes import score_photos
from edgekit.scoring.source import crop_source
from edgekit.train.finetune import versions
from edgekit.train.options import Stage
from edgekit.train.record import Calibration, RunFolder, TrainRecord
from edgekit.train.to_tflite import CALIBRATED, to_flatbuffer


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
            f"balanced accuracy fell by {gate.drop_points:.2f} points{sure} on {gate.photos_told}, at most "
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
        if stage == "qat":
            folder.check_origin(record)
        if record.data_sha256 != dataset.sha256:
            raise RunError(
                f"{folder.root} was trained on other photos: data hash {record.data_sha256[:12]}, got "
                f"{dataset.sha256[:12]}; name the same --data"
            )
        ranges = _calibration(dataset, record, config, progress) if config.precision in CALIBRATED else None
        used = ranges.calibration if ranges is not None else None
        kept = read_rejected(out, config, record, used)
        if kept is None:
            draft = _contract(record, config.precision, used, name=out.stem)
            models = _converted(folder, record, draft, ranges.pixels if ranges is not None else None, progress)
            kept = _judge(models, dataset, record, config, progress)
        else:
            progress.say(f"{rejected_file(out)} was made by these very settings: nothing is converted again")
        bundle, gate = kept
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
            keep_rejected(bundle, converted, out)
            raise GateFailed(gate, rejected_file(out), _remedies(folder, converted, record))
        converted = write_with_record(bundle, converted, out)
        remove_rejected(out)
        return converted


def _converted(
    folder: RunFolder, record: TrainRecord, draft: Contract, pixels: RGBArray | None, progress: Progress
) -> list[Bundle]:
    """The converted model in memory, and the float one to judge it by; a float model is its own measure."""
    if draft.precision == "int16x8":
        progress.say("int16x8 has no fast kernels in today's interpreters: checking it takes minutes")
    network = load_stage(folder, record, record.stage)
    progress.begin(f"converting to {draft.precision}", 2)
    flatbuffer = append_softmax(to_flatbuffer(network, draft.precision, pixels))
    progress.advance()
    bundles = [make_bundle(flatbuffer, draft)]
    if draft.precision != "float32":
        reference = network if record.stage == "float" else load_stage(folder, folder.read("float"), "float")
        bundles.append(_reference(append_softmax(to_flatbuffer(reference, "float32", None)), draft))
    progress.advance()
    return bundles


def _remedies(folder: RunFolder, failed: ConvertRecord, record: TrainRecord) -> list[str]:
    """What may help, never what has just failed, with what it costs by the run's own times."""
    precision, stage = failed.config.precision, failed.stage
    again = f"about {duration(failed.seconds or 0)}, as this conversion took"
    remedies = []
    if precision != "int8":
        remedies.append(f"--int8 after `edgekit qat {folder.root}`: {precision} was made from the {stage} stage")
    elif stage == "float" and os.path.exists(folder.record("qat")):
        remedies.append(f"the run's qat stage (leave --stage out): {again}")
    elif stage == "float":
        least = f"at least the {duration(record.seconds)} that finetune took"
        remedies.append(f"`edgekit qat {folder.root}`, then convert its stage: {least}")
    else:
        trained = folder.read("float").seconds + record.seconds
        tune = "for more --epochs" if record.config.tune == "all" else "with --tune all"
        least = f"longer than the {duration(trained)} that both took"
        remedies.append(f"`edgekit finetune` {tune}, then `edgekit qat`: {least}")
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
    return Contract(
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
        },
    )


def _reference(flatbuffer: bytes, draft: Contract) -> Bundle:
    """The float network as the gate's measure; it stays in memory, so no other interpreter need run it."""
    return Bundle(contract=replace(draft, precision="float32", model_sha256=sha256(flatbuffer)), flatbuffer=flatbuffer)


def _judge(
    bundles: list[Bundle], dataset: Dataset, record: TrainRecord, config: ConvertConfig, progress: Progress
) -> tuple[Bundle, Gate]:
    """The converted model with its operating point, and the gate, on validation photos alone.

    Args:
        bundles: The converted model and the float one; a float model alone is its own measure.
        dataset: The photos of the run.
        record: The stage that was converted.
        config: The limit on the drop.
        progress: Told of every photo.
    """
    plan, side = record.config.plan, record.config.network.side_px
    samples = record.split.samples(dataset, "val")
    names = [sample.group for sample in samples]
    groups = names if all(names) else None
    source = crop_source(dataset, samples, plan, side)
    scored = score_photos(bundles, source, crops=plan.crops, progress=progress)
    decided = [
        bundle.contract.with_decision(fit_decision(scores, bundle.contract, groups))
        for bundle, scores in zip(bundles, scored, strict=True)
    ]
    contract = decided[0]
    gate = compare_models((scored[-1], decided[-1]), (scored[0], contract), max_drop=config.max_drop, groups=groups)
    # What stopping early does to the photos on which its bounds rest.
    counts = scored[0].early_counts(contract)
    early = classification_report(scored[0].targets, scored[0].predicted(contract, counts), contract.labels)
    measured = {
        "validation_photos": gate.photos,
        "validation_balanced_accuracy": gate.balanced_accuracy,
        "float_balanced_accuracy": gate.float_balanced_accuracy,
        "agreement_with_float": gate.agreement,
        "drop_points": gate.drop_points,
        "least_drop_points": gate.least_drop_points,
        "early_stop_mean_crops": float(counts.mean()),
        "early_stop_balanced_accuracy": early.balanced_accuracy,
    }
    told = replace(contract, provenance={**contract.provenance, **measured})
    return replace(bundles[0], contract=told), gate
