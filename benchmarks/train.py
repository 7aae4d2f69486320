"""How fast training is fed and how fast it steps: the input pipeline, Keras' ImageDataGenerator, and steps.

PHOTOS are data folders. For each, the pipeline gives crops as `fit` takes them (several random ones a photo), and does
what ImageDataGenerator can do as well: whole photos, squashed to the input with an antialiased resize, half of them
mirrored. A step trains the whole network, with and without XLA and mixed precision. One way runs at a time, in shuffled
order, so that drift hits all alike; what counts are ratios of medians over rounds.

    python benchmarks/train.py PHOTOS... --out benchmarks/results/train.json
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
from conditions import local_conditions
from PIL import Image

from edgekit.arrays import Float32Array, Int64Array
from edgekit.bench.conditions import Conditions
from edgekit.cli import console
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.records import write_json
from edgekit.scoring.source import CropSource, crop_source, normalise
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.feed import epoch_batches
from edgekit.train.finetune import versions
from edgekit.train.keras2 import keras, tf
from edgekit.train.network import build_network, freeze_normalisation
from edgekit.train.options import NetworkConfig, TrainConfig

# A whole pass is timed: what threads do ahead of their reader is then in it, and the end of a pass, too.
Pass = Callable[[], int]
CROPS, WHOLE = "crops, as fit takes them", "whole photos"
KERAS, KERAS_TWO = "whole photos, ImageDataGenerator", "whole photos, ImageDataGenerator, two workers"
# Way → whether XLA compiles the step, and the policy of precision.
STEPS = {
    "step": (False, "float32"),
    "step with XLA": (True, "float32"),
    "step in bfloat16": (False, "mixed_bfloat16"),
    "step in bfloat16 with XLA": (True, "mixed_bfloat16"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainTiming:
    """One way: numbers of samples of the network's size for each second, of all rounds.

    Attributes:
        photos: Which data folder; empty for steps.
        photos_per_s: Photos that were decoded for it; None for steps.
    """

    way: str
    photos: str
    rounds: tuple[float, ...]
    samples_per_s: float
    photos_per_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRatio:
    """How many times as fast one way is as another, and the aim, where there is one."""

    what: str
    ratio: float
    least: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpeedRecord:
    """Everything that was measured, and its conditions."""

    backbone: str
    side_px: int
    batch_size: int
    crops_per_photo: int
    megapixels: dict[str, tuple[float, float]]
    photos: int
    conditions: Conditions
    timings: tuple[TrainTiming, ...]
    ratios: tuple[TrainRatio, ...]
    versions: dict[str, str]


def feed_pass(source: CropSource, crops_per_photo: int, batch_size: int) -> Pass:
    """One epoch of the input pipeline, normalised."""

    def work() -> int:
        rng, weights = np.random.default_rng(0), np.ones(len(source.paths), np.float32)
        for batch in epoch_batches(rng, source, weights, crops_per_photo=crops_per_photo, batch_size=batch_size):
            normalise(batch.crops)
        # What is left of the last batch was cut, too.
        return len(source.paths) * crops_per_photo

    return work


def keras_pass(folder: Path, side_px: int, batch_size: int, workers: int) -> Pass:
    """One epoch of ImageDataGenerator over a folder of classes; one worker asks it in turn, more wait in a queue."""
    maker = keras.preprocessing.image.ImageDataGenerator(
        horizontal_flip=True, preprocessing_function=lambda pixels: (pixels - 128.0) / 128.0
    )

    # It tells on stdout what it found, which belongs to tables.
    with contextlib.redirect_stdout(sys.stderr):
        photos = maker.flow_from_directory(
            folder, target_size=(side_px, side_px), batch_size=batch_size, interpolation="bilinear", seed=0
        )

    def work() -> int:
        if workers == 1:
            return sum(len(photos[number][0]) for number in range(len(photos)))
        queue = keras.utils.OrderedEnqueuer(photos, use_multiprocessing=False)
        queue.start(workers=workers, max_queue_size=8)
        total = sum(len(batch[0]) for batch in islice(queue.get(), len(photos)))
        queue.stop()
        return total

    return work


@contextlib.contextmanager
def as_class_folders(dataset: Dataset, paths: Sequence[Path], targets: Int64Array) -> Iterator[Path]:
    """A temporary folder with a folder for each class, of links to photos: what ImageDataGenerator reads."""
    with tempfile.TemporaryDirectory() as root:
        for number, (path, target) in enumerate(zip(paths, targets.tolist(), strict=True)):
            place = Path(root) / dataset.labels[target]
            place.mkdir(exist_ok=True)
            (place / f"{number}{path.suffix}").symlink_to(path.resolve())
        yield Path(root)


def step_pass(config: NetworkConfig, classes: int, batch_size: int, steps: int, *, xla: bool, policy: str) -> Pass:
    """Some steps of the whole network on one batch, which stays in memory."""
    keras.mixed_precision.set_global_policy(policy)
    try:
        network = build_network(config, classes)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    freeze_normalisation(network)
    # Losses are float32 in every policy.
    logits = keras.layers.Activation("linear", dtype="float32")(network.output)
    network = keras.Model(network.input, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.legacy.Adam(1e-5), loss, jit_compile=xla)
    rng = np.random.default_rng(0)
    pixels: Float32Array = rng.uniform(-1, 1, (batch_size, config.side_px, config.side_px, 3)).astype(np.float32)
    targets, weights = rng.integers(classes, size=batch_size), np.ones(batch_size, np.float32)

    def work() -> int:
        for _ in range(steps):
            network.train_on_batch(pixels, targets, sample_weight=weights)
        return steps * batch_size

    return work


def measure(passes: dict[tuple[str, str], Pass], rounds: int, progress: Progress) -> dict[tuple[str, str], list[float]]:
    """Samples for each second of every way, in shuffled order, ``rounds`` times after one to warm up."""
    rng, keys = np.random.default_rng(0), list(passes)
    found: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
    progress.begin("timing", (rounds + 1) * len(keys))
    for number in range(rounds + 1):
        for index in rng.permutation(len(keys)):
            began = time.perf_counter()
            samples = passes[keys[index]]()
            if number:
                found[keys[index]].append(samples / (time.perf_counter() - began))
            progress.advance()
    return found


def ratios_of(found: dict[tuple[str, str], list[float]], folders: Sequence[str]) -> list[TrainRatio]:
    """What the pipeline is beside a step and beside Keras, and what XLA and half precision give, round by round."""

    def ratio(what: str, one: tuple[str, str], other: tuple[str, str], least: float | None = None) -> TrainRatio:
        pairs = zip(found[one], found[other], strict=True)
        return TrainRatio(what=what, ratio=median(a / b for a, b in pairs), least=least)

    ratios = []
    fastest = max((way for way in STEPS if (way, "") in found), key=lambda way: median(found[way, ""]), default=None)
    for folder in folders:
        if fastest is not None:
            ratios.append(ratio(f"{folder}: crops against the fastest step", (CROPS, folder), (fastest, ""), 2.0))
        ratios.append(ratio(f"{folder}: whole photos against Keras", (WHOLE, folder), (KERAS, folder), 3.0))
        ratios.append(ratio(f"{folder}: the same with two workers for Keras", (WHOLE, folder), (KERAS_TWO, folder)))
        ratios.append(ratio(f"{folder}: crops against Keras' whole photos", (CROPS, folder), (KERAS, folder)))
    return ratios + [
        ratio(f"{way} against float32 without XLA", (way, ""), ("step", ""))
        for way in STEPS
        if way != "step" and (way, "") in found
    ]


def passes_of(
    options: argparse.Namespace, sources: dict[str, CropSource], folders: dict[str, Path]
) -> dict[tuple[str, str], Pass]:
    """Every way, by its name and its folder of photos."""
    config = NetworkConfig(backbone=options.backbone, features="texture", weights="none")
    size = options.batch_size
    passes: dict[tuple[str, str], Pass] = {}
    for name, source in sources.items():
        whole = replace(source.plan, lead=("full",), crops=1)
        passes[CROPS, name] = feed_pass(source, options.crops_per_photo, size)
        passes[WHOLE, name] = feed_pass(replace(source, plan=whole), 1, size)
        for way, workers in ((KERAS, 1), (KERAS_TWO, 2)):
            passes[way, name] = keras_pass(folders[name], config.side_px, size, workers)
    for way in filter(None, options.steps.split(",")):
        xla, policy = STEPS[way]
        passes[way, ""] = step_pass(config, 2, size, options.steps_each, xla=xla, policy=policy)
    return passes


def some_photos(dataset: Dataset, plan: CropPlan, side_px: int, most: int) -> CropSource:
    """The first photos of a shuffled folder."""
    order = np.random.default_rng(0).permutation(len(dataset.samples))[:most]
    return crop_source(dataset, [dataset.samples[index] for index in order], plan, side_px)


def megapixels(source: CropSource) -> tuple[float, float]:
    """The smallest and the largest photo."""
    found = []
    for path in source.paths:
        with Image.open(path) as photo:
            found.append(photo.width * photo.height / 1e6)
    return round(min(found), 1), round(max(found), 1)


def asked() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+", help="data folders, each with a name of its own")
    parser.add_argument("--backbone", choices=BACKBONES, default="mobilenet_v2", help="(default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=32, help="(default: %(default)s)")
    parser.add_argument("--crops-per-photo", type=int, default=4, help="(default: %(default)s)")
    parser.add_argument("--photos-each", type=int, default=64, help="photos of a pass (default: %(default)s)")
    parser.add_argument("--steps-each", type=int, default=3, help="steps at a time (default: %(default)s)")
    parser.add_argument("--steps", default=",".join(STEPS), help="with commas between (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    unknown = [way for way in options.steps.split(",") if way and way not in STEPS]
    if unknown:
        parser.error(f"--steps must be of {list(STEPS)}, got {unknown[0]!r}")
    return options


def main() -> int:
    """Measure, print and write."""
    options = asked()
    try:
        with console.progress() as progress, contextlib.ExitStack() as kept:
            datasets = {folder.name: load_dataset(folder, progress=progress) for folder in options.photos}
            plan, side_px = TrainConfig().plan, BACKBONES[options.backbone].side_px
            sources = {name: some_photos(one, plan, side_px, options.photos_each) for name, one in datasets.items()}
            folders = {
                name: kept.enter_context(as_class_folders(datasets[name], source.paths, source.targets))
                for name, source in sources.items()
            }
            found = measure(passes_of(options, sources, folders), options.rounds, progress)
    except EdgekitError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    devices = ", ".join(one.name for one in tf.config.list_physical_devices("GPU")) or "CPU"
    timings = []
    for (way, folder), speeds in found.items():
        each = options.crops_per_photo if way == CROPS else 1
        speed = median(speeds)
        timings.append(
            TrainTiming(
                way=way,
                photos=folder,
                rounds=tuple(speeds),
                samples_per_s=speed,
                photos_per_s=speed / each if folder else None,
            )
        )
    record = TrainSpeedRecord(
        backbone=options.backbone,
        side_px=side_px,
        batch_size=options.batch_size,
        crops_per_photo=options.crops_per_photo,
        megapixels={name: megapixels(source) for name, source in sources.items()},
        photos=options.photos_each,
        conditions=local_conditions(
            f"tensorflow {tf.__version__}", devices, warmup=1, timed_photos=options.photos_each
        ),
        timings=tuple(timings),
        ratios=tuple(ratios_of(found, list(sources))),
        versions=versions(),
    )
    write_json(options.out, record)
    rows = [[one.way, one.photos, f"{one.samples_per_s:.1f}"] for one in record.timings]
    console.print_table("samples for each second", ["way", "photos", "median"], rows)
    aims = [[one.what, f"{one.ratio:.2f}", "" if one.least is None else f"≥ {one.least:g}"] for one in record.ratios]
    console.print_table("how many times as fast", ["what", "measured", "wanted"], aims)
    return 0


if __name__ == "__main__":
    sys.exit(main())
