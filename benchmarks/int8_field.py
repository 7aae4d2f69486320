"""What int8 costs on authors that nobody trained on: TFLite's converter, litert-quantizer and ours side by side.

Groups are dealt into folds. In each, heads are solved on the float features of the other groups' photos, and the
network with them goes through every quantizer with the same calibration crops of those photos. Photos are scored by the
network of the fold that leaves their group out, each once by each way; nothing is chosen on them. Heads are tried as
they are, and solved again on the features of the int8 network, as `edgekit qat` does it.

What is done is kept in --work, by backbone, fold and quantizer, so that a run that was stopped goes on.

    python benchmarks/int8_field.py PHOTOS --out docs/results/int8.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from int8_noise import line_through
from numpy.typing import NDArray
from peers import environment

from edgekit.arrays import BoolArray, Float32Array, Float64Array, Int64Array, RGBArray
from edgekit.cli import console
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.options import SplitConfig
from edgekit.data.splits import Split, group_folds, training_folds
from edgekit.data.threads import in_order
from edgekit.errors import EdgekitError
from edgekit.metrics.attacks import weighted_auc
from edgekit.metrics.classification import evaluation_of, macro_samples
from edgekit.metrics.intervals import Difference, Draws, Estimate
from edgekit.metrics.judged import Judged
from edgekit.progress import Progress
from edgekit.quantize.calibration import CalibrationConfig, calibration_pixels, make_calibration
from edgekit.quantize.fakequant import quantised
from edgekit.quantize.kernels import adapt_weights
from edgekit.quantize.neutral import neutral_crops
from edgekit.quantize.options import CALIBRATION_CROPS
from edgekit.quantize.ranges import calibrate
from edgekit.records import plain, sha256, to_json, write_json
from edgekit.runtime.interpreter import interpreter_name, open_interpreter
from edgekit.runtime.voting import softmax
from edgekit.scoring.keep import ArrayType, read_arrays, write_arrays
from edgekit.scoring.source import crop_source, fixed_crops, normalise
from edgekit.train.backbones.registry import backbone_named
from edgekit.train.finetune import versions
from edgekit.train.head import FeatureSet, HeadLayers
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network, copy_head, freeze_normalisation, pooled_taps, set_heads
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.photo_heads import solve_scale_ridge
from edgekit.train.pretrained import load_backbone
from edgekit.train.to_tflite import to_flatbuffer

HERE = Path(__file__).resolve().parent
PEER = "litert-quantizer==0.11.0"
BACKBONES = ("efficientnet_lite0", "mobilenet_v2")
FLOAT = "float"
CONVERTER = "TFLite's converter"
OURS = "edgekit's rounding and ranges"
# Name → the algorithm for weights, and how ranges of activations come from those of single crops.
PEERS = {
    "litert-quantizer, as it comes": ("min-max", "average"),
    "litert-quantizer, ranges of all crops": ("min-max", "extremes"),
    "…, weights by OCTAV": ("octav", "extremes"),
}
# Ways whose head is solved on their own features, too.
SOLVED_AGAIN = (CONVERTER, "litert-quantizer, ranges of all crops", OURS)


class _Made(NamedTuple):
    """A TFLite model, and the CPU seconds of quantising."""

    flatbuffer: bytes
    cpu_s: float


# Takes the networks of a backbone, calibration crops, and whether the pooled taps are outputs, too.
Quantiser = Callable[["_Backbone", RGBArray, bool], _Made]


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Way:
    """One way to int8 on all photos.

    Attributes:
        head: ``as it is``: solved on float features; ``solved again`` on those of the int8 network.
        auc_gain: What is gained over the float network, by photos drawn by groups; negative where it is lost.
        accuracy_gain: The same for balanced accuracy, cut at one half.
        slope: Of photos' log-odds over the float network's, mean over folds; as the next two.
        noise: What is left over, as a share of their deviation.
        shift: How far their mean moved, as such a share.
        model_bytes: Size of the last fold's file.
        cpu_s: Mean CPU seconds of a quantization: calibrating, rounding, writing.
        solving_cpu_s: Mean CPU seconds of int8 features of the training photos and of the head; None where it stays.
    """

    backbone: str
    way: str
    head: str
    auc: Estimate
    balanced_accuracy: Estimate
    auc_gain: Difference
    accuracy_gain: Difference
    slope: float
    noise: float
    shift: float
    model_bytes: int
    cpu_s: float
    solving_cpu_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Float:
    """The float network that the ways begin with.

    Attributes:
        adapting_cpu_s: CPU seconds of edgekit's rounding, which rests on drawn scenes, and of wrapping the network for
            fake quantization: once for a backbone.
    """

    backbone: str
    auc: Estimate
    balanced_accuracy: Estimate
    worst_group: str
    worst_accuracy: float
    model_bytes: int
    adapting_cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Record:
    """All ways of all backbones."""

    data_sha256: str
    photos: int
    groups: int
    folds: int
    plan: CropPlan
    heads: int
    calibration_crops: int
    floats: tuple[Int8Float, ...]
    ways: tuple[Int8Way, ...]
    interpreter: str
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _Study:
    """What all folds share: photos, their crops, and where results are kept."""

    dataset: Dataset
    config: TrainConfig
    folds: int
    calibration: int
    work: Path
    progress: Progress

    @cached_property
    def splits(self) -> tuple[Split, ...]:
        return group_folds(self.dataset, self.folds, seed=self.config.seed, holds_out_val=False)

    @cached_property
    def crops(self) -> RGBArray:
        """(photos, crops, side, side, 3) of all photos, in the order of the data."""
        plan = self.config.plan
        source = crop_source(self.dataset, self.dataset.samples, plan, self.config.network.side_px)
        self.progress.begin("cutting crops", len(source.paths))
        found = np.empty((len(source.paths), plan.crops, source.side_px, source.side_px, 3), np.uint8)
        for row, crops in zip(found, fixed_crops(source, count=plan.crops), strict=True):
            row[...] = crops
            self.progress.advance()
        return found

    @cached_property
    def targets(self) -> Int64Array:
        """(photos,) class indices."""
        labels = self.dataset.labels
        return np.array([labels.index(sample.label) for sample in self.dataset.samples], np.int64)

    @cached_property
    def scales(self) -> Int64Array:
        """(crops,) the number of each crop's head."""
        names, plan = self.config.head_scales or (), self.config.plan
        return np.array([names.index(plan.scale(index)) for index in range(plan.crops)], np.int64)

    @property
    def attack(self) -> int:
        """The class of recaptures."""
        (found,) = (one for one, label in enumerate(self.dataset.labels) if label != self.config.bona_fide)
        return found

    def part(self, fold: int, test: bool) -> BoolArray:
        """(photos,) which photos of a fold are tested, or train."""
        tested = {sample.path for sample in self.splits[fold].samples(self.dataset, "test")}
        return np.array([(sample.path in tested) == test for sample in self.dataset.samples])

    def solve(self, fold: int, features: Float32Array) -> HeadLayers:
        """Heads on the training photos of a fold.

        Args:
            fold: Its number.
            features: (training photos, crops, channels).
        """
        # In the order of the data, as features are; a split lists photos in an order of its own.
        own = self.splits[fold]
        names = [sample.path for sample in own.samples(self.dataset, "train")]
        folds = dict(zip(names, training_folds(self.dataset, own, SplitConfig()), strict=True))
        train = self.part(fold, False)
        paths = [sample.path for sample, kept in zip(self.dataset.samples, train, strict=True) if kept]
        known = FeatureSet(
            features=features,
            plan_crops=features.shape[1],
            scales=self.scales,
            targets=self.targets[train],
            folds=np.array([folds[path] for path in paths], np.int64),
        )
        return solve_scale_ridge(known, len(self.dataset.labels)).layers

    def odds(self, logits: NDArray[Any]) -> Float64Array:
        """(photos, crops, 2) logits to (photos,) log-odds of a recapture: the vote is the mean over crops."""
        return np.asarray((logits[..., self.attack] - logits[..., 1 - self.attack]).mean(axis=1, dtype=np.float64))


def _linear_outputs(model: keras.Model, taps: bool) -> keras.Model:
    return keras.Model(model.input, [*model.outputs, *pooled_taps(model)]) if taps else model


def by_converter(backbone: _Backbone, pixels: RGBArray, taps: bool) -> _Made:
    """Post-training quantization as TensorFlow has it."""
    began = time.process_time()
    flatbuffer = to_flatbuffer(_linear_outputs(backbone.network, taps), "int8", pixels)
    return _Made(flatbuffer, time.process_time() - began)


def by_edgekit(backbone: _Backbone, pixels: RGBArray, taps: bool) -> _Made:
    """Ranges from the crops, as `edgekit qat` sets them; kernels are adapted already."""
    began = time.process_time()
    copy_head(backbone.adapted, backbone.twin)
    batches = [normalise(pixels[start : start + 32]) for start in range(0, len(pixels), 32)]
    calibrate(backbone.twin, backbone.adapted, batches)
    flatbuffer = to_flatbuffer(_linear_outputs(backbone.twin, taps), "int8", None)
    return _Made(flatbuffer, time.process_time() - began)


def by_peer(name: str, backbone: _Backbone, pixels: RGBArray, taps: bool) -> _Made:
    """litert-quantizer, in a process without TensorFlow, on edgekit's float32 file."""
    algorithm, ranges = PEERS[name]
    with tempfile.TemporaryDirectory() as folder:
        source, crops, out = (Path(folder) / one for one in ("float.tflite", "crops.npy", "int8.tflite"))
        source.write_bytes(to_flatbuffer(_linear_outputs(backbone.network, taps), "float32", None))
        np.save(crops, pixels)
        tool: list[str | Path] = [environment(PEER), HERE / "litert_static.py"]
        command = [*tool, source, crops, algorithm, ranges, out]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{PEER} failed: {done.stderr[-2000:]}")
        return _Made(out.read_bytes(), float(json.loads(done.stdout.splitlines()[-1])["cpu_s"]))


QUANTISERS: dict[str, Quantiser] = {
    CONVERTER: by_converter,
    **{name: partial(by_peer, name) for name in PEERS},
    OURS: by_edgekit,
}


def run(flatbuffer: bytes, photos: RGBArray, progress: Progress) -> list[Float32Array]:
    """All outputs of a model for all crops, each (photos, crops, numbers), two threads at a time."""
    own = threading.local()

    def of_photo(crops: RGBArray) -> list[Float32Array]:
        if not hasattr(own, "interpreter"):
            own.interpreter = open_interpreter(flatbuffer)
            own.interpreter.allocate_tensors()
        (taken,) = own.interpreter.get_input_details()
        given = [one["index"] for one in own.interpreter.get_output_details()]
        found = []
        for crop in crops:
            own.interpreter.set_tensor(taken["index"], crop[np.newaxis])
            own.interpreter.invoke()
            found.append([own.interpreter.get_tensor(index).reshape(-1) for index in given])
        return [np.stack(rows) for rows in zip(*found, strict=True)]

    scored = []
    for one in in_order(of_photo, photos):
        scored.append(one)
        progress.advance()
    return [np.stack(rows) for rows in zip(*scored, strict=True)]


def _head_logits(study: _Study, outputs: Sequence[Float32Array]) -> Float32Array:
    """(photos, crops, classes) of each crop's own head, of all heads' logits."""
    first, others = outputs[:2]
    every = np.concatenate([first, others], axis=-1).reshape(*first.shape[:2], -1, first.shape[-1])
    return np.asarray(np.take_along_axis(every, study.scales[np.newaxis, :, np.newaxis, np.newaxis], axis=2)[:, :, 0])


class _Backbone:
    """The networks of one backbone: the float one, one with adapted weights, and the latter's fake-quantised twin."""

    def __init__(self, name: str, study: _Study) -> None:
        self.name, self.study = name, study
        known = backbone_named(name)
        weights = "none" if known.published is None else "imagenet"
        config = replace(study.config.network, backbone=name, weights=weights)
        self.network, self.adapted = (self._built(config) for _ in range(2))
        neutral = normalise(neutral_crops(config.side_px))
        began = time.process_time()
        # Kept: a run that goes on must not do it again; then the seconds are those of the first time, below.
        batches = [neutral[start : start + 32] for start in range(0, len(neutral), 32)]
        adapt_weights(self.adapted, batches, folder=study.work / "adapted", progress=study.progress)
        self.twin = quantised(self.adapted)
        self.adapting_cpu_s, self.float_bytes = self._first_time(time.process_time() - began)

    def _built(self, config: NetworkConfig) -> keras.Model:
        """The same network at each call, also where nobody publishes weights."""
        keras.utils.set_random_seed(self.study.config.seed)
        network = build_network(config, len(self.study.dataset.labels), self.study.config.head_count)
        load_backbone(network, config)
        freeze_normalisation(network)
        return network

    def _first_time(self, spent: float) -> tuple[float, int]:
        """Seconds of adapting, and the size of the float file, which names of layers change from call to call."""
        place = self.study.work / f"{self.name}-first.npz"
        known = read_arrays(place, {name: ArrayType(np.float64, (1,)) for name in ("cpu_s", "float_bytes")})
        if known is None:
            size = float(len(to_flatbuffer(self.network, "float32", None)))
            known = {"cpu_s": np.array([spent]), "float_bytes": np.array([size])}
            write_arrays(place, known)
        return float(known["cpu_s"][0]), int(known["float_bytes"][0])

    @cached_property
    def float_features(self) -> Float32Array:
        """(photos, crops, channels) of all photos."""
        place, study = self.study.work / f"{self.name}-features.npz", self.study
        width = sum(int(tap.shape[-1]) for tap in pooled_taps(self.network))
        shape = (len(study.dataset.samples), study.config.plan.crops, width)
        known = read_arrays(place, {"features": ArrayType(np.float32, shape)})
        if known is None:
            study.progress.begin(f"{self.name}: float features", shape[0])
            model = to_flatbuffer(_linear_outputs(self.network, True), "float32", None)
            known = {"features": np.concatenate(run(model, study.crops, study.progress)[2:], axis=-1)}
            write_arrays(place, known)
        return np.asarray(known["features"])

    def put(self, heads: HeadLayers) -> None:
        """Put heads into both networks; the twin gets them when it is quantised."""
        for network in (self.network, self.adapted):
            set_heads(network, heads)


_NUMBERS = ("as_is_cpu_s", "model_bytes", "again_cpu_s", "solving_cpu_s")


class _Result(NamedTuple):
    """One quantizer in one fold: (tested photos,) log-odds with either head, and what it cost."""

    as_is: Float64Array
    again: Float64Array
    numbers: dict[str, float]


def one_way(backbone: _Backbone, fold: int, way: str, pixels: Callable[[], RGBArray]) -> _Result:
    """Quantise, solve again and score, or read what an earlier call kept."""
    study, test = backbone.study, backbone.study.part(fold, True)
    place = study.work / f"{backbone.name}-{fold}-{sha256(way.encode())[:8]}.npz"
    expected = {name: ArrayType(np.float64, (int(test.sum()),)) for name in ("as_is", "again")}
    known = read_arrays(place, expected | {name: ArrayType(np.float64, (1,)) for name in _NUMBERS})
    if known is None:
        known = _measured(backbone, fold, way, pixels())
        write_arrays(place, known)
    return _Result(known["as_is"], known["again"], {name: float(known[name][0]) for name in _NUMBERS})


def _measured(backbone: _Backbone, fold: int, way: str, pixels: RGBArray) -> dict[str, NDArray[Any]]:
    study, solves = backbone.study, way in SOLVED_AGAIN
    progress, train, test = study.progress, study.part(fold, False), study.part(fold, True)
    backbone.put(study.solve(fold, backbone.float_features[train]))
    # Nobody else's seconds count: nothing else runs in this process meanwhile.
    made = QUANTISERS[way](backbone, pixels, solves)
    progress.begin(
        f"{backbone.name}, fold {fold + 1} of {study.folds}: {way}", len(test) if solves else int(test.sum())
    )
    scored = run(made.flatbuffer, study.crops[test], progress)
    as_is = again = study.odds(_head_logits(study, scored))
    numbers = {"as_is_cpu_s": made.cpu_s, "model_bytes": len(made.flatbuffer), "again_cpu_s": 0.0, "solving_cpu_s": 0.0}
    if solves:
        began = time.process_time()
        features = np.concatenate(run(made.flatbuffer, study.crops[train], progress)[2:], axis=-1)
        backbone.put(study.solve(fold, features))
        numbers["solving_cpu_s"] = time.process_time() - began
        made = QUANTISERS[way](backbone, pixels, False)
        numbers |= {"again_cpu_s": made.cpu_s, "model_bytes": len(made.flatbuffer)}
        progress.begin(f"{backbone.name}, fold {fold + 1}: {way}, head solved again", int(test.sum()))
        again = study.odds(_head_logits(study, run(made.flatbuffer, study.crops[test], progress)))
    return {"as_is": as_is, "again": again, **{name: np.array([float(number)]) for name, number in numbers.items()}}


def judged(study: _Study, odds: Float64Array) -> Judged:
    """All photos, cut at one half."""
    samples, chance = study.dataset.samples, softmax(np.stack([np.zeros_like(odds), odds], axis=1))
    order = [0, 1] if study.attack == 1 else [1, 0]
    return Judged(
        paths=tuple(sample.path for sample in samples),
        labels=study.dataset.labels,
        bona_fide=study.config.bona_fide,
        truth=study.targets,
        predicted=np.where(odds > 0, study.attack, 1 - study.attack).astype(np.int64),
        probabilities=chance[:, order],
        certainty=np.abs(odds),
        abstained=np.zeros(len(odds), bool),
        columns={"group": [sample.group for sample in samples], "kind": [sample.kind for sample in samples]},
    )


def gained(study: _Study, odds: Float64Array, before: Float64Array) -> tuple[Difference, Difference]:
    """AUC and balanced accuracy over those of the float network, on the same draws of groups."""
    attacks, groups = study.targets == study.attack, [sample.group for sample in study.dataset.samples]
    draws = Draws.of(groups, len(odds))

    def both(scores: Float64Array, weights: Int64Array) -> Float64Array:
        called = np.where(scores > 0, study.attack, 1 - study.attack)
        return np.stack([weighted_auc(attacks, scores, weights), macro_samples(study.targets, called, weights)[0]])

    everyone = np.ones((1, len(odds)), np.int64)
    values = (both(odds, everyone) - both(before, everyone))[:, 0]
    drawn = [block[:, draws.unit] for block in draws.blocks()]
    samples = np.concatenate([both(odds, block) - both(before, block) for block in drawn], axis=1)
    lows, highs = np.nanquantile(samples, [0.025, 0.975], axis=1)
    auc, accuracy = (
        Difference(value=float(value), low=float(min(low, value)), high=float(max(high, value)))
        for value, low, high in zip(values, lows, highs, strict=True)
    )
    return auc, accuracy


def _rows(backbone: _Backbone, before: Float64Array, found: dict[str, list[_Result]]) -> Iterator[Int8Way]:
    study = backbone.study
    tests = [study.part(fold, True) for fold in range(study.folds)]
    for way, results in found.items():
        for head in ("as is", "again") if way in SOLVED_AGAIN else ("as is",):
            name = head.replace(" ", "_")
            odds = np.empty_like(before)
            for test, one in zip(tests, results, strict=True):
                odds[test] = getattr(one, name)
            lines = [line_through(before[test], odds[test]) for test in tests]
            evaluation = evaluation_of(judged(study, odds))
            auc_gain, accuracy_gain = gained(study, odds, before)
            assert evaluation.auc is not None
            slope, noise, shift = np.mean(lines, axis=0).tolist()
            yield Int8Way(
                backbone=backbone.name,
                way=way,
                head="as it is" if head == "as is" else "solved again",
                auc=evaluation.auc,
                balanced_accuracy=evaluation.balanced_accuracy,
                auc_gain=auc_gain,
                accuracy_gain=accuracy_gain,
                slope=slope,
                noise=noise,
                shift=shift,
                model_bytes=int(results[-1].numbers["model_bytes"]),
                cpu_s=float(np.mean([one.numbers[f"{name}_cpu_s"] for one in results])),
                solving_cpu_s=float(np.mean([one.numbers["solving_cpu_s"] for one in results]))
                if head == "again"
                else None,
            )


def one_backbone(name: str, study: _Study) -> tuple[Int8Float, list[Int8Way]]:
    """All folds and ways of a backbone."""
    keras.backend.clear_session()
    backbone = _Backbone(name, study)
    before = np.empty(len(study.targets))
    found: dict[str, list[_Result]] = {way: [] for way in QUANTISERS}
    for fold in range(study.folds):
        features, test = backbone.float_features, study.part(fold, True)
        heads = study.solve(fold, features[study.part(fold, False)])
        before[test] = study.odds(heads.logits(features[test], study.scales))
        for way, results in found.items():
            results.append(one_way(backbone, fold, way, partial(calibration_crops, study, fold)))
    evaluation = evaluation_of(judged(study, before))
    assert evaluation.auc is not None
    float_network = Int8Float(
        backbone=name,
        auc=evaluation.auc,
        balanced_accuracy=evaluation.balanced_accuracy,
        worst_group=evaluation.worst_group,
        worst_accuracy=evaluation.by_group[evaluation.worst_group].balanced_accuracy,
        model_bytes=backbone.float_bytes,
        adapting_cpu_s=backbone.adapting_cpu_s,
    )
    return float_network, list(_rows(backbone, before, found))


def calibration_crops(study: _Study, fold: int) -> RGBArray:
    """The crops that every quantizer gets: of training photos of a fold, chosen as `edgekit qat` does."""
    folder = study.work / f"calibration-{fold}"
    config = CalibrationConfig.of(study.config, study.calibration)
    samples = study.splits[fold].samples(study.dataset, "train")
    manifest = make_calibration(folder, study.dataset, samples, config, progress=study.progress)
    return calibration_pixels(folder, manifest)


def study_of(options: argparse.Namespace, dataset: Dataset, progress: Progress) -> _Study:
    """What is asked for; results are kept under what they depend on."""
    base = TrainConfig()
    config = replace(
        base,
        plan=replace(base.plan, crops=options.crops),
        network=NetworkConfig(side_px=options.side, features="texture"),
        heads="scales",
        bona_fide=options.bona_fide,
    )
    keys = [
        dataset.sha256,
        plain(config),
        options.folds,
        options.calibration_crops,
        PEER,
        interpreter_name(),
        versions(),
    ]
    work = options.work / sha256(to_json(keys).encode())[:12]
    return _Study(
        dataset=dataset,
        config=config,
        folds=options.folds,
        calibration=options.calibration_crops,
        work=work,
        progress=progress,
    )


def main() -> int:
    """Measure what is not kept yet, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--backbones", default=",".join(BACKBONES), help="with commas between (default: %(default)s)")
    parser.add_argument("--bona-fide", default="genuine", help="label of genuine photos (default: %(default)s)")
    parser.add_argument("--side", type=int, default=224, help="of the input, in pixels (default: %(default)s)")
    parser.add_argument("--folds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--crops", type=int, default=5, help="of each photo (default: %(default)s)")
    parser.add_argument("--calibration-crops", type=int, default=CALIBRATION_CROPS, help="(default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("runs/int8-field"), help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        with console.progress() as progress:
            study = study_of(options, load_dataset(options.photos, progress=progress), progress)
            found = [one_backbone(name, study) for name in options.backbones.split(",")]
    except EdgekitError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    record = Int8Record(
        data_sha256=study.dataset.sha256,
        photos=len(study.dataset.samples),
        groups=len(study.dataset.groups),
        folds=study.folds,
        plan=study.config.plan,
        heads=study.config.head_count,
        calibration_crops=study.calibration,
        floats=tuple(one for one, _ in found),
        ways=tuple(way for _, ways in found for way in ways),
        interpreter=interpreter_name(),
        versions=versions() | {PEER.partition("==")[0]: PEER.partition("==")[2]},
    )
    write_json(options.out, record)
    rows = [
        [one.backbone, one.way, one.head, f"{one.auc.value:.3f}", f"{100 * one.balanced_accuracy.value:.1f}"]
        for one in record.ways
    ]
    console.print_table("unseen groups", ["backbone", "way", "head", "AUC", "balanced accuracy, %"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
