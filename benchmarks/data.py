"""How fast crops of variants are cut, beside a plain loop over Keras' ImageDataGenerator.

Both do the same work with the same options: decode a photo, vary it, cut ten crops of a quarter of the width, write
them as JPEG. They take turns, so that a busy machine slows both. A further turn brings the crops to 224 px as well.

    python benchmarks/data.py --photos 60 --rounds 3 --out benchmarks/results/data.json
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from PIL import Image

from edgekit.augment.crop_set import cut_crops
from edgekit.augment.options import PRESETS, Augmentation, CropsConfig
from edgekit.contract import CropPlan
from edgekit.metrics.intervals import Draws, Estimate, percentile_estimate
from edgekit.records import write_json
from edgekit.runtime.agent.machine import processor
from edgekit.runtime.crops import crop_boxes
from edgekit.simulate.scenes import draw_scene

SIDE_PX = 224
CROPS = 10
TARGET_RATE = 400.0
TARGET_RATIO = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Crops a second of one turn each; ``resized``: TFRecords of crops that were brought to a model's side."""

    records_per_s: float
    resized_per_s: float
    folder_per_s: float
    keras_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """The rates, and where they were measured.

    Attributes:
        crops: That each turn of ours cut.
        keras_crops: That each turn of the loop cut: fewer, as it is slow and its rate is constant.
        ratio: Rate of TFRecords over that of the loop; the median of the rounds, with an interval over rounds.
        peak_memory_mb: Of this process, which loads TensorFlow, and what no worker exceeded: it counts what this one
            had when it started them. ``crop_set.py`` measures the command.
    """

    device: str
    cores: int
    photo_wh: tuple[int, int]
    photos: int
    variants: int
    crops: int
    keras_crops: int
    rounds: tuple[Round, ...]
    records_per_s: float
    resized_px: int
    resized_per_s: float
    folder_per_s: float
    keras_per_s: float
    ratio: Estimate
    target_per_s: float
    target_ratio: float
    peak_memory_mb: tuple[float, float]
    versions: dict[str, str]


def make_photos(folder: Path, count: int, size_wh: tuple[int, int]) -> list[Path]:
    """Scenes of the simulator as JPEG files, in two classes."""
    paths = []
    for number in range(count):
        path = folder / ("genuine" if number % 2 else "recapture") / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_scene(np.random.default_rng(number), size_wh=size_wh)).save(path, quality=90)
        paths.append(path)
    return paths


def ours(photos: Path, out: Path, config: CropsConfig, workers: int) -> float:
    """Crops a second of ``edgekit data crops``, start of its processes included."""
    began = time.perf_counter()
    made = cut_crops(photos, out, config, workers=workers)
    spent = time.perf_counter() - began
    shutil.rmtree(out)
    return made.crops / spent


def keras_loop(photos: Sequence[Path], out: Path, options: Augmentation, variants: int) -> float:
    """Crops a second of the loop that people write: one photo, one random transform, ten crops."""
    from edgekit.train.keras2 import keras

    image = keras.preprocessing.image
    generator = image.ImageDataGenerator(
        rotation_range=options.rotation_deg,
        width_shift_range=options.width_shift,
        height_shift_range=options.height_shift,
        shear_range=options.shear_deg,
        zoom_range=options.zoom,
        channel_shift_range=255 * options.channel_shift,
        horizontal_flip=options.horizontal_flip,
        fill_mode=options.fill,
    )
    plan = CropPlan(crops=CROPS)
    out.mkdir()
    began = time.perf_counter()
    count = 0
    for path in photos:
        pixels = image.img_to_array(image.load_img(path))
        for _ in range(variants):
            varied = image.array_to_img(generator.random_transform(pixels), scale=False)
            for box in crop_boxes(plan, varied.size, SIDE_PX):
                varied.crop(box).save(out / f"{count:06d}.jpg", quality=95, subsampling="4:4:4")
                count += 1
    spent = time.perf_counter() - began
    shutil.rmtree(out)
    return count / spent


def main() -> int:
    """Make photos, take turns, write the record; 1 when a target is missed."""
    # Processes that cut crops import this script, and need no TensorFlow, as those of the command don't.
    from edgekit.train.finetune import versions

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--keras-photos", type=int, default=3)
    parser.add_argument("--variants", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=960)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    options = PRESETS["antispoof"]
    rounds = []
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "photos", Path(place) / "out"
        paths = make_photos(folder, given.photos, (given.width, given.height))
        keras_loop(paths[:1], out, options, 1)
        as_folder = CropsConfig(plan=CropPlan(crops=CROPS), side_px=None, options=options, variants=given.variants)
        as_records = replace(as_folder, into="tfrecord")
        resized = replace(as_records, side_px=SIDE_PX)
        for number in range(given.rounds):
            loop = keras_loop(paths[: given.keras_photos], out, options, given.variants)
            rounds.append(
                Round(
                    records_per_s=ours(folder, out, as_records, given.workers),
                    resized_per_s=ours(folder, out, resized, given.workers),
                    folder_per_s=ours(folder, out, as_folder, given.workers),
                    keras_per_s=loop,
                )
            )
            print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    ratios = np.array([one.records_per_s / one.keras_per_s for one in rounds])
    draws = Draws.of(None, len(ratios))
    samples = np.array([np.median(np.repeat(ratios, times)) for block in draws.blocks() for times in block])
    unit = 1 << 20 if platform.system() == "Darwin" else 1 << 10
    record = DataRecord(
        device=processor(),
        cores=os.cpu_count() or 1,
        photo_wh=(given.width, given.height),
        photos=given.photos,
        variants=given.variants,
        crops=given.photos * (1 + given.variants) * CROPS,
        keras_crops=given.keras_photos * given.variants * CROPS,
        rounds=tuple(rounds),
        records_per_s=float(np.median([one.records_per_s for one in rounds])),
        resized_px=SIDE_PX,
        resized_per_s=float(np.median([one.resized_per_s for one in rounds])),
        folder_per_s=float(np.median([one.folder_per_s for one in rounds])),
        keras_per_s=float(np.median([one.keras_per_s for one in rounds])),
        ratio=percentile_estimate(float(np.median(ratios)), samples, method=draws.method),
        target_per_s=TARGET_RATE,
        target_ratio=TARGET_RATIO,
        peak_memory_mb=(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
            resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit,
        ),
        versions=versions(),
    )
    write_json(given.out, record)
    print(f"{record.records_per_s:.0f} crops/s, {record.ratio.value:.1f} times the loop", file=sys.stderr)
    return 0 if record.records_per_s >= TARGET_RATE and record.ratio.value >= TARGET_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
