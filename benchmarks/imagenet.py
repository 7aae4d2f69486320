"""A backbone with its publishers' classifier on photos of known ImageNet classes, float and int8.

PHOTOS is a folder with a labels.csv (columns path, class_index). Where they may have trained the network, what is right
of them is no accuracy: it tells whether weights were read and placed as they were meant, and int8 beside float what is
lost. Photos are cut to the centre square, 7/8 of the shorter side, as the publishers do.

    python benchmarks/imagenet.py PHOTOS --backbone efficientnet_lite0 --out docs/results/imagenet.json
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.arrays import Float32Array, RGBArray
from edgekit.cli import console
from edgekit.quantize.neutral import neutral_crops
from edgekit.records import write_json
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring.source import normalise
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.finetune import versions
from edgekit.train.pretrained import classifier
from edgekit.train.to_tflite import to_flatbuffer

SHARE = 7 / 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagenetAnswers:
    """How many photos are right in one precision: first, and among the first five."""

    precision: str
    top1: int
    top5: int
    model_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagenetRecord:
    """What came out.

    Attributes:
        same_top1: Photos to which int8 gives float's first answer.
        calibration: What set the int8 ranges.
    """

    backbone: str
    side_px: int
    photos: int
    answers: tuple[ImagenetAnswers, ...]
    same_top1: int
    calibration: str
    versions: dict[str, str]


def square(path: Path, side_px: int) -> RGBArray:
    """The centre of a photo, (side, side, 3) uint8 RGB."""
    photo = Image.open(path).convert("RGB")
    edge = round(min(photo.size) * SHARE)
    left, top = (photo.width - edge) // 2, (photo.height - edge) // 2
    cut = photo.crop((left, top, left + edge, top + edge))
    return np.asarray(cut.resize((side_px, side_px), Image.Resampling.BICUBIC))


def answers(precision: str, logits: Float32Array, truth: list[int], size: int | None) -> ImagenetAnswers:
    """Count what is right."""
    order = np.argsort(-logits, axis=1)
    first = sum(int(row[0] == wanted) for row, wanted in zip(order, truth, strict=True))
    five = sum(int(wanted in row[:5]) for row, wanted in zip(order, truth, strict=True))
    return ImagenetAnswers(precision=precision, top1=first, top5=five, model_bytes=size)


def main() -> None:
    """Score all photos in both precisions and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--backbone", choices=BACKBONES, default="efficientnet_lite0")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with (args.photos / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = [int(row["class_index"]) for row in rows]
    network = classifier(args.backbone)
    side_px = BACKBONES[args.backbone].side_px
    pixels = np.stack([square(args.photos / row["path"], side_px) for row in rows])
    exact = np.concatenate(
        [network.predict_on_batch(normalise(pixels[at : at + 20])) for at in range(0, len(rows), 20)]
    )
    crops = neutral_crops(side_px)
    with console.progress() as progress:
        progress.begin("converting and scoring", len(rows))
        model = to_flatbuffer(network, "int8", crops)
        interpreter = ModelInterpreter(model, scores="numbers")
        rounded = []
        for one in pixels:
            rounded.append(interpreter(one))
            progress.advance()
    record = ImagenetRecord(
        backbone=args.backbone,
        side_px=side_px,
        photos=len(rows),
        answers=(answers("float32", exact, truth, None), answers("int8", np.stack(rounded), truth, len(model))),
        same_top1=int((exact.argmax(axis=1) == np.stack(rounded).argmax(axis=1)).sum()),
        calibration=f"{len(crops)} crops of drawn scenes, by TFLite's converter alone",
        versions=versions(),
    )
    write_json(args.out, record)


if __name__ == "__main__":
    main()
