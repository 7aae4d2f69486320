"""Stage 4: a trained run to one TFLite file, behind a gate that compares it with the float network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from edgekit.arrays import RGBArray
from edgekit.contract import Contract, Precision
from edgekit.convert.gate import ConvertRecord, Gate, compare_models
from edgekit.convert.options import ConvertConfig
from edgekit.convert.single_frame import at_one_frame, measured_on_one_frame, solve_for_one_frame
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.errors import DataError, EdgekitError, RunError
from edgekit.locks import working_in
from edgekit.metrics.classification import classification_report
from edgekit.modelfile.flatbuffer import append_softmax
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import CalibrationConfig, calibration_pixels, make_calibration
from edgekit.quantize.options import CALIBRATION_CROPS
from edgekit.quantize.qat import load_stage
from edgekit.records import plain, sha256, write_json
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.operating_point import fit_decision
from edgekit.scoring.passes import score_photos
from edgekit.scoring.source import crop_source
from edgekit.train.finetune import versions
from edgekit.train.options import Stage
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.to_tflite import CALIBRATED, to_flatbuffer


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
        if stage == "qat":
            folder.check_origin(record)
        if record.data_sha256 != dataset.sha256:
            raise RunError(
                f"{folder.root} was trained on other photos: data hash {record.data_sha256[:12]}, got "
                f"{dataset.sha256[:12]}; name the same --data"
            )
        pixels = _calibration(dataset, record, config, progress) if config.precision in CALIBRATED else None
        shown = at_one_frame(record) if config.single_frame else record
        draft = _contract(shown, stage, config.precision, name=out.stem)
        bundles = _converted(folder, record, draft, pixels, dataset if config.single_frame else None, progress)
        contract, gate = _judge(bundles, dataset, shown, config, progress)
        if not gate.passed and not config.allow_drop:
            raise GateFailed(gate, _advice(config.precision, stage))
        bundle = measured_on_one_frame(replace(bundles[0], contract=contract), dataset, record, progress)
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
            write_json(out.with_suffix(".json"), converted)
        except EdgekitError:
            # A model without its record, or with that of another, would be taken for what it is not.
            for written in (out, out.with_suffix(".json")):
                written.unlink(missing_ok=True)
            raise
        return converted


def _converted(
    folder: RunFolder,
    record: TrainRecord,
    draft: Contract,
    pixels: RGBArray | None,
    frames: Dataset | None,
    progress: Progress,
) -> list[Bundle]:
    """The converted model in memory, and the float one to judge it by; a float model is its own measure.

    With ``frames``, the photos of the run, both get heads for one squashed frame.
    """
    if draft.precision == "int16x8":
        progress.say("int16x8 has no fast kernels in today's interpreters: checking it takes minutes")
    network = load_stage(folder, record, record.stage)
    if frames is not None:
        head = solve_for_one_frame(network, folder, record, frames, progress)
        draft = replace(draft, provenance=draft.provenance | {"single_frame_head": plain(head)})
    progress.begin(f"converting to {draft.precision}", 2)
    flatbuffer = append_softmax(to_flatbuffer(network, draft.precision, pixels))
    progress.advance()
    bundles = [make_bundle(flatbuffer, draft)]
    if draft.precision != "float32":
        reference = network
        if record.stage != "float":
            before = folder.read("float")
            reference = load_stage(folder, before, "float")
            if frames is not None:
                solve_for_one_frame(reference, folder, before, frames, progress)
        bundles.append(_reference(append_softmax(to_flatbuffer(reference, "float32", None)), draft))
    progress.advance()
    return bundles


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


def _judge(
    bundles: list[Bundle], dataset: Dataset, record: TrainRecord, config: ConvertConfig, progress: Progress
) -> tuple[Contract, Gate]:
    """Operating points and the gate, on validation photos alone.

    Args:
        bundles: The converted model and the float one; a float model alone is its own measure.
        dataset: The photos of the run.
        record: The stage that was converted.
        config: The limit on the drop.
        progress: Told of every photo.
    """
    plan, side = record.config.plan, record.config.network.side_px
    samples = record.split.samples(dataset, "val")
    groups = [sample.group for sample in samples]
    source = crop_source(dataset, samples, plan, side)
    scored = score_photos(bundles, source, crops=plan.crops, progress=progress)
    decided = [
        bundle.contract.with_decision(fit_decision(scores, bundle.contract, groups if all(groups) else None))
        for bundle, scores in zip(bundles, scored, strict=True)
    ]
    contract = decided[0]
    gate = compare_models(scored[-1], decided[-1], scored[0], contract, max_drop=config.max_drop)
    # What stopping early does to the photos on which its bounds rest.
    counts = scored[0].early_counts(contract)
    early = classification_report(scored[0].targets, scored[0].predicted(contract, counts), contract.labels)
    measured = {
        "validation_photos": gate.photos,
        "validation_balanced_accuracy": gate.balanced_accuracy,
        "float_balanced_accuracy": gate.float_balanced_accuracy,
        "agreement_with_float": gate.agreement,
        "early_stop_mean_crops": float(counts.mean()),
        "early_stop_balanced_accuracy": early.balanced_accuracy,
    }
    return replace(contract, provenance={**contract.provenance, **measured}), gate
