"""What int8 costs a run, layer by layer, and what would have helped: layers kept in float, other calibration crops."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array, RGBArray
from edgekit.contract import Contract
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.errors import EdgekitError, RunError
from edgekit.evaluate.accuracy import forced
from edgekit.explain.error_gain import error_gain
from edgekit.explain.int8_layers import LayerNoise, measure_layers
from edgekit.explain.int8_record import FLOAT, INT8, Int8Record, Int8Variant
from edgekit.explain.options import Int8Config
from edgekit.explain.whole_photos import refuse_regions, refuse_several
from edgekit.metrics.classification import agreement, classification_report
from edgekit.modelfile.flatbuffer import append_softmax
from edgekit.modelfile.twins import pair_operators, with_float_twins
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import CALIBRATION_MANIFEST, CalibrationConfig, read_calibration
from edgekit.quantize.fakequant import copy_back
from edgekit.quantize.options import CALIBRATION_CROPS, MAX_CALIBRATION_CROPS, MIN_CALIBRATION_CROPS
from edgekit.quantize.qat import load_stage
from edgekit.quantize.ranges import calibrate
from edgekit.quantize.representative import representative_set
from edgekit.records import file_sha256
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.voting import TINY
from edgekit.scoring.out_of_fold import OutOfFold, some_of_each
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import crop_source, fixed_crops, normalise
from edgekit.terminal import captured_stderr
from edgekit.train.finetune import of_run, versions
from edgekit.train.keras2 import keras
from edgekit.train.network import network_for
from edgekit.train.options import Stage
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.resume import REFUSE
from edgekit.train.to_tflite import to_flatbuffer

_BATCH = 32


def explain_int8(
    dataset: Dataset, folder: RunFolder, model: Path, config: Int8Config, *, progress: Progress = SILENT
) -> Int8Record:
    """Hold an int8 file of a run against its float network.

    Args:
        dataset: The run's photos.
        folder: The run.
        model: The int8 file that was converted from it.
        config: How many layers, photos and crops.
        progress: Told of every step.

    Raises:
        RunError: the file is no int8 file of this run's weights, or one for a single frame, or the photos are others.
        ContractError: the file is unusable.
        EdgekitError: the run is of regions, or tells several labels a photo, or the file has an output for unknown.
    """
    began = time.monotonic()
    bundle = read_bundle(model)
    record = _stage_of(folder, bundle, model)
    refuse_regions(record.config)
    refuse_several(record.config)
    if bundle.contract.outputs != len(bundle.contract.labels):
        raise EdgekitError(
            f"--int8 compares networks that end in their labels, got {model} with an output for unknown; compare a run "
            "without --unknown"
        )
    folder.check_photos(record, dataset)
    dataset = of_run(dataset, folder, record, REFUSE, progress)
    judging = _judging(dataset, folder, record, config)
    crops = _crops(dataset, record, judging)
    looked_at = _other_crops(dataset, record, judging, config)
    float_side = _FloatSide.of(folder, record)
    progress.begin("converting the float network", 1)
    inner = append_softmax(to_flatbuffer(float_side.network, "float32", None, normalised=True))
    progress.advance()
    names = [layer.name for layer in float_side.network.layers]
    layers = measure_layers(bundle.flatbuffer, inner, looked_at, names, progress=progress)
    worst = worst_layers(layers, config.worst)
    models = {INT8: bundle.flatbuffer}
    models[FLOAT] = append_softmax(to_flatbuffer(float_side.network, "float32", None))
    models |= _kept_in_float(bundle.flatbuffer, inner, worst)
    sets = _other_calibrations(record, bundle.contract, config)
    models |= {name: float_side.quantised_by(dataset, record, how, progress) for name, how in sets.items()}
    measured = _score_all(models, bundle.contract, crops, progress)
    found = _Comparison(bundle.contract, judging, measured.scores).variants(models, measured.latency_ms, worst)
    kept = [one for one in found.values() if one.layers]
    return Int8Record(
        model=model.name,
        model_sha256=file_sha256(model),
        stage=record.stage,
        weights_sha256=record.weights_sha256,
        config=config,
        photos=len(judging.rows),
        validated_by="photos" if judging.folds is None else "folds",
        calibrated=_calibrated(folder, bundle.contract, judging.scored),
        crops=crops.shape[1],
        calibration_crops=_calibration_crops(bundle.contract),
        log_odds_spread=_root_mean_square(voted_log_odds(measured.scores[FLOAT], bundle.contract)),
        layers=layers,
        worst=tuple(one.layer for one in worst),
        worst_numbers=tuple(one.number for one in worst),
        file=found[INT8],
        float32=found[FLOAT],
        kept=tuple(kept),
        calibrations=tuple(found[name] for name in sets),
        interpreter=measured.interpreter,
        seconds=time.monotonic() - began,
        versions=versions(),
    )


def worst_layers(layers: Sequence[LayerNoise], most: int) -> list[LayerNoise]:
    """Those that cost the answers most, the surest first; layers that seem to cost nothing are left out.

    Order is by the lower end of the cost's interval: with few crops the largest cost is mostly chance.
    """
    costly = [(one.cost.low, one) for one in layers if one.cost is not None and one.cost.value > 0]
    return [one for _, one in sorted(costly, key=lambda pair: (-pair[0], pair[1].number))[:most]]


def voted_log_odds(scores: Float64Array, contract: Contract) -> Float64Array:
    """(photos, classes) logarithms of voted probabilities, less their mean over classes.

    Args:
        scores: (photos, crops, classes) probabilities.
        contract: Says how crops vote.
    """
    targets = np.zeros(len(scores), np.int64)
    voted = Scores(crops=scores.astype(np.float32), targets=targets).voted(contract)
    logs = np.log(np.maximum(voted, TINY))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def _stage_of(folder: RunFolder, bundle: Bundle, model: Path) -> TrainRecord:
    """The record of the stage that a file was made from.

    Raises:
        RunError: it is of another run, of other weights since, of another precision, or for a single frame.
    """
    contract = bundle.contract
    if contract.precision != "int8":
        raise RunError(f"{model} must be an int8 file, got {contract.precision}; `edgekit convert --int8` makes one")
    if "single_frame_head" in contract.provenance:
        raise RunError(
            f"{model} has a head of its own for one squashed frame, which the run doesn't keep; name a file that was "
            "converted without --single-frame"
        )
    stage: Stage = "qat" if contract.provenance.get("stage") == "qat" else "float"
    record = folder.read(stage)
    made_from = str(contract.provenance.get("weights_sha256"))
    if made_from != record.weights_sha256:
        raise RunError(
            f"{model} must be made from the {stage} weights that {folder.root} has, {record.weights_sha256[:12]}, got "
            f"{made_from[:12]}; convert the run again"
        )
    return record


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judging:
    """The photos that judge.

    Attributes:
        samples: All photos that could, in the order of their split.
        targets: (samples,) their classes.
        rows: Which of them are scored.
        folds: What heads of the folds said of them, where all photos trained.
    """

    samples: tuple[Sample, ...]
    targets: Int64Array
    rows: Int64Array
    folds: OutOfFold | None

    @property
    def scored(self) -> tuple[Sample, ...]:
        return tuple(self.samples[row] for row in self.rows)

    @property
    def groups(self) -> list[str] | None:
        names = [sample.group for sample in self.scored]
        return names if all(names) else None

    def unseen(self, scored: Scores) -> Scores:
        """What a file would say of photos that trained nothing."""
        return scored if self.folds is None else self.folds.by_file(scored, self.rows, self.targets).of(self.rows)


def _judging(dataset: Dataset, folder: RunFolder, record: TrainRecord, config: Int8Config) -> _Judging:
    held_out = record.split.samples(dataset, "val")
    samples = held_out or record.split.samples(dataset, "train")
    targets = np.array([record.labels.index(one.label) for one in samples], np.int64)
    # Every class must be among them, to lend the others of its class what the file changes.
    rows = some_of_each(targets, max(config.photos, len(record.labels)), record.config.seed)
    folds = None if held_out else folder.out_of_fold(record)
    return _Judging(samples=tuple(samples), targets=targets, rows=rows, folds=folds)


def _calibrated(folder: RunFolder, contract: Contract, samples: Sequence[Sample]) -> int | None:
    """How many of these photos gave a calibration crop; None where the run doesn't have the file's crops any more."""
    if not (folder.calibration / CALIBRATION_MANIFEST).is_file():
        return None
    manifest = read_calibration(folder.calibration)
    if manifest.sha256 != contract.provenance.get("calibration_sha256"):
        return None
    photos = {crop.photo for crop in manifest.crops}
    return sum(sample.path in photos for sample in samples)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FloatSide:
    """A stage's network in float, and its fake-quantised twin where the stage has one."""

    network: keras.Model
    twin: keras.Model | None

    @classmethod
    def of(cls, folder: RunFolder, record: TrainRecord) -> _FloatSide:
        loaded = load_stage(folder, record, record.stage)
        if record.stage == "float":
            return cls(network=loaded, twin=None)
        network = network_for(record.config, len(record.labels))
        copy_back(loaded, network)
        return cls(network=network, twin=loaded)

    def quantised_by(self, dataset: Dataset, record: TrainRecord, how: CalibrationConfig, progress: Progress) -> bytes:
        """The int8 model whose ranges other calibration crops set."""
        with tempfile.TemporaryDirectory() as place:
            train = record.split.samples(dataset, "train")
            pixels = representative_set(Path(place) / "crops", dataset, train, how, progress=progress).pixels
        progress.begin(f"converting with {how.crops} other calibration crops", 1)
        if self.twin is None:
            made = to_flatbuffer(self.network, "int8", pixels)
        else:
            calibrate(
                self.twin, self.network, [normalise(pixels[at : at + _BATCH]) for at in range(0, len(pixels), _BATCH)]
            )
            made = to_flatbuffer(self.twin, "int8", pixels)
        progress.advance()
        return append_softmax(made)


def _crops(dataset: Dataset, record: TrainRecord, judging: _Judging) -> RGBArray:
    """All crops of the photos that judge: (photos, crops, side, side, 3); held before any is timed, and once."""
    plan, side = record.config.plan, record.config.network.side_px
    crops = np.empty((len(judging.rows), plan.crops, side, side, 3), np.uint8)
    source = crop_source(dataset, judging.scored, plan, side)
    for row, cut in enumerate(fixed_crops(source, count=plan.crops)):
        crops[row] = cut
    return crops


def _other_crops(dataset: Dataset, record: TrainRecord, judging: _Judging, config: Int8Config) -> RGBArray:
    """Crops of training photos that judge nothing, where there are such: (crops, side, side, 3), one of each photo.

    What is chosen by them is measured on others.
    """
    train = record.split.samples(dataset, "train")
    judges = {one.path for one in judging.scored}
    others = [one for one in train if one.path not in judges] or list(train)
    targets = np.array([record.labels.index(one.label) for one in others], np.int64)
    chosen = [others[row] for row in some_of_each(targets, config.layer_crops, record.config.seed)]
    plan = record.config.plan
    source = crop_source(dataset, chosen, plan, record.config.network.side_px)
    # Photo by photo another scale of the plan.
    crops = [found[number % plan.crops] for number, found in enumerate(fixed_crops(source, count=plan.crops))]
    return np.stack(crops)


def _kept_in_float(int8: bytes, float32: bytes, worst: Sequence[LayerNoise]) -> dict[str, bytes]:
    """The file with each of the worst layers in float, and with all of them."""
    pairs = {pair.number: pair for pair in pair_operators(int8, float32)}
    found = {}
    for names, numbers in _keeps(worst).items():
        chosen = [pairs[number] for number in numbers]
        found[names] = with_float_twins(int8, float32, chosen, in_place=True).flatbuffer
    return found


def _keeps(worst: Sequence[LayerNoise]) -> dict[str, tuple[int, ...]]:
    """Numbers of operators by the name of what is kept: one at a time, then all."""
    often = Counter(one.layer for one in worst)
    each = {
        f"{one.layer} in float" if often[one.layer] == 1 else f"{one.layer} ({one.operator} {one.number}) in float": (
            one.number,
        )
        for one in worst
    }
    together = {f"all {len(worst)} in float": tuple(one.number for one in worst)} if len(worst) > 1 else {}
    return each | together


def _calibration_crops(contract: Contract) -> int:
    told = contract.provenance.get("calibration_crops")
    return told if isinstance(told, int) and told >= MIN_CALIBRATION_CROPS else CALIBRATION_CROPS


def _other_calibrations(record: TrainRecord, contract: Contract, config: Int8Config) -> dict[str, CalibrationConfig]:
    """As many crops of training photos by another seed, and more of them by a third."""
    own = min(_calibration_crops(contract), MAX_CALIBRATION_CROPS)
    counts = own, min(config.more * own, MAX_CALIBRATION_CROPS)
    names = f"{counts[0]} other calibration crops", f"{counts[1]} calibration crops"
    plan, side = record.config.plan, record.config.network.side_px
    return {
        name: CalibrationConfig(crops=crops, plan=plan, side_px=side, seed=record.config.seed + number)
        for number, (name, crops) in enumerate(zip(names, counts, strict=True), start=1)
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """(photos, crops, classes) probabilities by each model's name, and medians of one crop."""

    scores: dict[str, Float64Array]
    latency_ms: dict[str, float]
    interpreter: str


def _score_all(models: Mapping[str, bytes], contract: Contract, crops: RGBArray, progress: Progress) -> _Measured:
    """Score every crop by all models in turn, so that whatever else the machine does meets all of them."""
    with captured_stderr():
        loaded = {name: ModelInterpreter(content) for name, content in models.items()}
    photos, count = crops.shape[:2]
    heads = contract.heads_for(contract.plan, count)
    scores = {name: np.zeros((photos, count, len(contract.labels))) for name in models}
    spent: dict[str, list[float]] = {name: [] for name in models}
    for one in loaded.values():
        one(crops[0, 0])
    progress.begin("scoring photos", photos)
    for photo in range(photos):
        for crop, head in zip(range(count), heads, strict=True):
            for name, one in loaded.items():
                began = time.perf_counter()
                scores[name][photo, crop] = one(crops[photo, crop], head)
                spent[name].append(1000 * (time.perf_counter() - began))
        progress.advance()
    medians = {name: statistics.median(one) for name, one in spent.items()}
    return _Measured(scores=scores, latency_ms=medians, interpreter=loaded[INT8].name)


class _Comparison:
    """What models say of the same photos, beside the float model and the file."""

    def __init__(self, contract: Contract, judging: _Judging, scores: Mapping[str, Float64Array]) -> None:
        self._contract, self._judging, self._scores = contract, judging, scores
        self._float = voted_log_odds(scores[FLOAT], contract)
        self._file_errors = self._errors(INT8)

    def variants(
        self, models: Mapping[str, bytes], latency_ms: Mapping[str, float], worst: Sequence[LayerNoise]
    ) -> dict[str, Int8Variant]:
        """All of them by their names."""
        layers = {one.number: one.layer for one in worst}
        kept = {name: tuple(layers[number] for number in numbers) for name, numbers in _keeps(worst).items()}
        return {
            name: self._variant(name, layers=kept.get(name, ()), model_bytes=len(content), latency_ms=latency_ms[name])
            for name, content in models.items()
        }

    def _variant(self, name: str, **told: Any) -> Int8Variant:
        errors, targets = self._errors(name), self._judging.targets[self._judging.rows]
        said, float_said = (self._predicted(one) for one in (name, FLOAT))
        report = classification_report(targets, said, self._contract.labels)
        gain = None if name == INT8 else error_gain(self._file_errors, errors, self._judging.groups)
        return Int8Variant(
            name=name,
            log_odds_error=float(np.sqrt(errors.mean())),
            agreement=agreement(said, float_said),
            balanced_accuracy=report.balanced_accuracy,
            gain=gain,
            **told,
        )

    def _errors(self, name: str) -> Float64Array:
        """(photos,) mean square over classes."""
        return np.asarray(((voted_log_odds(self._scores[name], self._contract) - self._float) ** 2).mean(axis=1))

    def _predicted(self, name: str) -> Int64Array:
        """(photos,) one of the labels for each, as an evaluation has them."""
        targets = self._judging.targets[self._judging.rows]
        crops: Float32Array = self._scores[name].astype(np.float32)
        return self._judging.unseen(Scores(crops=crops, targets=targets)).predicted(forced(self._contract))


def _root_mean_square(numbers: Float64Array) -> float:
    return float(np.sqrt((numbers**2).mean()))
