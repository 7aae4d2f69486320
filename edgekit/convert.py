"""Stage 4: a trained run to one TFLite file, behind a gate that compares it with the float network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from edgekit.bundle import NO_SHA256, write_bundle
from edgekit.calibration import CalibrationConfig, calibration_pixels, make_calibration
from edgekit.contract import Contract
from edgekit.data.dataset import Dataset
from edgekit.errors import ContractError, EdgekitError, RunError
from edgekit.feed import normalise
from edgekit.gate import Gate, compare
from edgekit.legacy_keras import keras, tf
from edgekit.lite import append_softmax, input_quantization
from edgekit.operating_point import fit_decision
from edgekit.progress import SILENT, Progress
from edgekit.quantize import load_stage
from edgekit.records import write_json
from edgekit.runs import RunFolder, Stage, TrainRecord
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.photo import RGBArray
from edgekit.scoring import score_photos
from edgekit.train import crop_source, versions

Precision = Literal["int8", "float32", "float16", "dynamic", "int16x8"]
CALIBRATED: tuple[Precision, ...] = ("int8", "int16x8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertConfig:
    """How a run becomes a file.

    Attributes:
        precision: Of weights and activations inside; input and output are uint8 and float32 always.
        stage: Which weights; ``auto`` takes the qat stage for int8 when there is one.
        calibration: Folder of the calibration crops.
        calibration_crops: How many are chosen when the folder is empty.
        max_drop: Percentage points of balanced accuracy that may be lost on the validation photos.
        allow_drop: Write the file although more was lost.
    """

    precision: Precision = "int8"
    stage: Literal["auto", "float", "qat"] = "auto"
    calibration: Path = Path("calibration")
    calibration_crops: int = 200
    max_drop: float = 1.0
    allow_drop: bool = False

    def __post_init__(self) -> None:
        """Check the limit and the stage."""
        if not 0 <= self.max_drop <= 100:
            raise RunError(f"max_drop must lie in 0 to 100 points, got {self.max_drop}")
        if self.stage == "qat" and self.precision != "int8":
            raise RunError(f"the qat stage was trained for int8, got {self.precision}; use the float stage")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRecord:
    """What a conversion leaves beside its file."""

    config: ConvertConfig
    stage: Stage
    model: str
    model_bytes: int
    contract: Contract
    gate: Gate
    versions: dict[str, str]


class GateFailed(EdgekitError):
    """The quantised file lost more than was allowed; nothing was written.

    Args:
        gate: Both models' numbers.
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__(
            f"balanced accuracy fell by {gate.drop_points:.2f} points on {gate.photos} validation photos, "
            f"at most {gate.max_drop_points:.2f} are allowed; run `edgekit qat`, or accept it with --allow-drop"
        )
        self.gate = gate


def convert(
    dataset: Dataset, folder: RunFolder, out: Path, config: ConvertConfig, *, progress: Progress = SILENT
) -> ConvertRecord:
    """Convert a run, compare the file with the float network, and write it with its contract.

    Args:
        dataset: The photos that the run was trained on, for calibration and for the gate.
        folder: The run.
        out: The model file; its record is written beside it as ``.json``.
        config: Precision, calibration, gate.
        progress: Told of every step.

    Raises:
        RunError: no such stage, or other photos.
        DataError: the calibration folder is unusable.
        GateFailed: the drop is over the limit.
    """
    stage = choose_stage(folder, config)
    record = folder.read(stage)
    if record.data_sha256 != dataset.sha256:
        raise RunError(
            f"{folder.root} was trained on other photos: data hash {record.data_sha256[:12]}, got {dataset.sha256[:12]}; "
            "name the same --data"
        )
    network = load_stage(folder, record, stage)
    pixels = _calibration(dataset, record, config, progress) if config.precision in CALIBRATED else None
    progress.begin(f"converting to {config.precision}", 2)
    flatbuffer = to_flatbuffer(network, config.precision, pixels)
    progress.advance()
    reference = network if stage == "float" else load_stage(folder, folder.read("float"), "float")
    float_flatbuffer = to_flatbuffer(reference, "float32", None)
    progress.advance()
    draft = _contract(record, stage, config.precision, name=out.stem)
    with tempfile.TemporaryDirectory() as scratch:
        bundles = [
            write_bundle(flatbuffer, draft, Path(scratch) / "model.tflite"),
            write_bundle(float_flatbuffer, replace(draft, precision="float32"), Path(scratch) / "float.tflite"),
        ]
    contract, gate = _judge(bundles, dataset, record, config, progress)
    if not gate.passed and not config.allow_drop:
        raise GateFailed(gate)
    bundle = write_bundle(flatbuffer, contract, out)
    converted = ConvertRecord(
        config=config,
        stage=stage,
        model=out.name,
        model_bytes=out.stat().st_size,
        contract=bundle.contract,
        gate=gate,
        versions=versions(),
    )
    write_json(out.with_suffix(".json"), converted)
    return converted


def choose_stage(folder: RunFolder, config: ConvertConfig) -> Stage:
    """Which weights a configuration means."""
    if config.stage != "auto":
        return config.stage
    return "qat" if config.precision == "int8" and folder.record("qat").exists() else "float"


def _calibration(dataset: Dataset, record: TrainRecord, config: ConvertConfig, progress: Progress) -> RGBArray:
    wanted = CalibrationConfig(
        crops=config.calibration_crops,
        plan=record.config.plan,
        side_px=record.config.network.side_px,
        seed=record.config.seed,
    )
    train = record.split.samples(dataset, "train")
    manifest = make_calibration(config.calibration, dataset, train, wanted, progress=progress)
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
            "caution": record.split.caution,
            "weights_sha256": record.weights_sha256,
            "backbone": record.config.network.backbone,
            "alpha": record.config.network.alpha,
            "features": record.config.network.features,
        },
    )


def _judge(
    bundles: list[Bundle], dataset: Dataset, record: TrainRecord, config: ConvertConfig, progress: Progress
) -> tuple[Contract, Gate]:
    """Operating points and the gate, on validation photos alone."""
    plan, side = record.config.plan, record.config.network.side_px
    source = crop_source(dataset, record.split.samples(dataset, "val"), plan, side)
    scores, float_scores = score_photos(bundles, source, crops=plan.crops, progress=progress)
    contract, float_contract = (
        bundle.contract.with_decision(fit_decision(of, bundle.contract))
        for bundle, of in zip(bundles, (scores, float_scores), strict=True)
    )
    gate = compare(float_scores, float_contract, scores, contract, max_drop=config.max_drop)
    measured = {
        "validation_photos": gate.photos,
        "validation_balanced_accuracy": gate.balanced_accuracy,
        "float_balanced_accuracy": gate.float_balanced_accuracy,
        "agreement_with_float": gate.agreement,
    }
    return replace(contract, provenance={**contract.provenance, **measured}), gate


def to_flatbuffer(network: keras.Model, precision: Precision, pixels: RGBArray | None) -> bytes:
    """Convert a network to TFLite: uint8 [1, S, S, 3] RGB in, float32 [1, classes] probabilities out.

    Args:
        network: Normalised float RGB in, logits out.
        precision: Of what is inside.
        pixels: uint8 (crops, S, S, 3) RGB, for int8 and int16x8.

    Raises:
        ContractError: the converter did not give the input that was asked for.
    """
    side, channels = network.input_shape[1], network.input_shape[3]

    if precision == "int8":
        signature = tf.TensorSpec([1, side, side, channels], tf.float32, name="pixels")
        inner = tf.function(lambda x: network(x, training=False), input_signature=[signature])
    else:
        signature = tf.TensorSpec([1, side, side, channels], tf.uint8, name="pixels")
        inner = tf.function(
            lambda x: network((tf.cast(x, tf.float32) - 128.0) / 128.0, training=False), input_signature=[signature]
        )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([inner.get_concrete_function()], network)
    _configure(converter, precision, pixels)
    flatbuffer = append_softmax(converter.convert())
    if precision == "int8" and input_quantization(flatbuffer) != (1 / 128, 128):
        raise ContractError(
            f"the int8 input must be scale 1/128 and zero point 128, got {input_quantization(flatbuffer)}"
        )
    return flatbuffer


def _configure(converter: Any, precision: Precision, pixels: RGBArray | None) -> None:
    ops = tf.lite.OpsSet
    if precision == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision in CALIBRATED:
        assert pixels is not None
        converter.representative_dataset = lambda: _representative(pixels, precision)
    if precision == "int8":
        converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
    if precision == "int16x8":
        converter.target_spec.supported_ops = [
            ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            ops.TFLITE_BUILTINS,
        ]


def _representative(pixels: RGBArray, precision: Precision) -> Iterator[list[Any]]:
    """The representative dataset, one crop at a time."""
    for number, crop in enumerate(pixels):
        batch = crop[None].copy()
        if number == 0:
            # Two pixels pin the input's range to all 256 values, so that a byte is its own quantised value.
            batch[0, 0, 0], batch[0, 0, 1] = 0, 255
        yield [normalise(batch) if precision == "int8" else batch]
