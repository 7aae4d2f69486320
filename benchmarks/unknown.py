"""How well a photo of a class that a model never saw is called unknown, and what that costs those that it knows.

TRAIN and TEST are folders with the same classes. Three of every twelve are held out in turn: a head is solved on the
training photos of the others, with ``--unknown``, which chooses the rule and its threshold by holding out classes of
these; the test photos of all classes judge the file. Nothing is chosen by test photos, nor by any photo of a class held
out. Photos of consecutive numbers are often of one scene, so blocks of them are groups.

    python benchmarks/unknown.py grocery/train grocery/test --out docs/results/unknown.json
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from grocery_chain import run

from edgekit.convert.gate import ConvertRecord
from edgekit.data.manifest import Sample, write_manifest
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.metrics.open_set import OpenSet
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.interpreter import interpreter_name
from edgekit.train.finetune import versions
from edgekit.train.record import RunFolder
from edgekit.train.unknown import UnknownFound
from edgekit.train.unknown_rule import rounds_of

PRECISIONS = {"float32": "--float", "int8": "--int8"}
FINETUNE = "--backbone efficientnet_lite0 --crops 10 --bona-fide none --test-fraction 0 --unknown"
BLOCK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJudged:
    """One model file on the test photos.

    Attributes:
        precision: float32 or int8.
        model_bytes: Size of the file.
        open_set: What its rule does.
    """

    precision: str
    model_bytes: int
    open_set: OpenSet


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """One round: classes that the model never saw, what training found, and its files."""

    classes: tuple[str, ...]
    found: UnknownFound
    files: tuple[FileJudged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Means over the rounds, of files of one precision; cost in points of balanced accuracy."""

    precision: str
    auroc: float
    least_auroc: float
    fpr_at_95: float
    accepted: float
    rejected: float
    closed_accuracy: float
    cost_points: float


def known_photos(train: Path, held: tuple[str, ...], out: Path) -> None:
    """Copy the training photos of all other classes, with blocks of consecutive photos as groups."""
    samples = []
    for folder in sorted(one for one in train.iterdir() if one.is_dir() and one.name not in held):
        (out / folder.name).mkdir(parents=True)
        for number, photo in enumerate(sorted(folder.iterdir())):
            shutil.copyfile(photo, out / folder.name / photo.name)
            group = f"{folder.name}-{number // BLOCK}"
            samples.append(Sample(path=f"{folder.name}/{photo.name}", label=folder.name, group=group))
    write_manifest(out / "manifest.csv", samples)


def one_round(train: Path, test: Path, held: tuple[str, ...], work: Path, options: str) -> HeldOut:
    """Train without some classes, and judge both files on all."""
    photos, folder = work / "photos", RunFolder(root=work / "run")
    if not folder.record("float").exists():
        shutil.rmtree(photos, ignore_errors=True)
        known_photos(train, held, photos)
        run("finetune", photos, "--out", folder.root, options=f"{FINETUNE} {options}")
    files = []
    for precision, option in PRECISIONS.items():
        model, place = work / f"{precision}.tflite", work / f"evaluation-{precision}"
        if not model.exists():
            run("convert", folder.root, option, "--stage", "float", "--out", model)
        if not (place / "evaluate.json").exists():
            run("evaluate", model, "--data", test, "--out", place)
        judged = from_plain(EvaluateRecord, read_json(place / "evaluate.json"), where="evaluate.json")
        converted = from_plain(ConvertRecord, read_json(model.with_suffix(".json")), where="the model's record")
        assert judged.open_set is not None
        files.append(FileJudged(precision=precision, model_bytes=converted.model_bytes, open_set=judged.open_set))
    found = folder.read("float").unknown
    assert found is not None
    return HeldOut(classes=held, found=found, files=tuple(files))


def summary(rounds: list[HeldOut], precision: str) -> Summary:
    """Means over the rounds."""
    sets = [one.open_set for held in rounds for one in held.files if one.precision == precision]
    areas = [one.auroc.value for one in sets if one.auroc is not None]
    return Summary(
        precision=precision,
        auroc=float(np.mean(areas)),
        least_auroc=min(areas),
        fpr_at_95=float(np.mean([one.fpr_at_95.value for one in sets if one.fpr_at_95 is not None])),
        accepted=float(np.mean([one.accepted.photos.value for one in sets if one.accepted is not None])),
        rejected=float(np.mean([one.rejected.photos.value for one in sets])),
        closed_accuracy=float(np.mean([one.closed_accuracy for one in sets])),
        cost_points=100 * float(np.mean([one.cost.value for one in sets])),
    )


def main() -> None:
    """Run the rounds, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="folder of the runs, whose finished parts are kept")
    parser.add_argument("--finetune", default="", help="further options of finetune, as one word")
    given = parser.parse_args()
    labels = sorted(one.name for one in given.train.iterdir() if one.is_dir())
    rounds = []
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        options = f"--cache {(work / 'features').resolve()} {given.finetune}"
        for number, held in enumerate(rounds_of(len(labels))):
            names = tuple(labels[index] for index in held)
            place = work / f"round-{number}"
            place.mkdir(parents=True, exist_ok=True)
            rounds.append(one_round(given.train, given.test, names, place, options))
    found = [summary(rounds, precision) for precision in PRECISIONS]
    for one in found:
        print(
            f"{one.precision}: open-set AUROC {one.auroc:.3f} (least {one.least_auroc:.3f}), FPR at 95 % TPR "
            f"{100 * one.fpr_at_95:.1f} %, accepted {100 * one.accepted:.1f} %, rejected {100 * one.rejected:.1f} %, "
            f"balanced accuracy {100 * one.closed_accuracy:.1f} %, points lost {one.cost_points:.2f}"
        )
    record = {
        "classes": labels,
        "options": f"{FINETUNE} {given.finetune}".strip(),
        "summary": found,
        "rounds": rounds,
        "interpreter": interpreter_name(),
        "versions": versions(),
    }
    write_json(given.out, record)


if __name__ == "__main__":
    main()
