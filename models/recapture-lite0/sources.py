"""Gathers the photos that recapture-lite0 learns from: free ones alone, each with its licence.

    python models/recapture-lite0/sources.py --clothing DIR --grocery DIR --wallpapers DIR --out DIR

DIR of --clothing is a checkout of github.com/alexeygrigorev/clothing-dataset (CC0), of --grocery the training part of
github.com/marcusklasson/GroceryStoreDataset (MIT, a folder per class), of --wallpapers the unpacked Debian package
lomiri-wallpapers-16.04 (of which the CC0 and CC-BY-4.0 photos are taken).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.data.manifest import MANIFEST_NAME, Sample, write_manifest
from edgekit.look.sheets import jpeg
from edgekit.records import write_atomic
from edgekit.runtime.photo import decode

SEED = 16
# One sender's hundreds would outvote everybody else's room and phone.
CLOTHING_SENDERS, CLOTHING_EACH = 32, 3
GROCERY_EACH = 1
WALLPAPER_VIEWS = 4
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
    for folder in sorted(one for one in root.iterdir() if one.is_dir()):
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


def main() -> int:
    """Gather, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("clothing", "grocery", "wallpapers", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    samples = []
    for source, root in ((clothing, given.clothing), (grocery, given.grocery), (wallpapers, given.wallpapers)):
        for name, group, photo in source(root, np.random.default_rng(SEED)):
            path = f"genuine/{name}.jpg"
            (given.out / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(given.out / path, jpeg(np.asarray(photo), 92))
            samples.append(Sample(path=path, label="genuine", group=group))
    write_manifest(given.out / MANIFEST_NAME, samples)
    print(f"{given.out} holds {len(samples)} photos of {len({one.group for one in samples})} groups")
    return 0


if __name__ == "__main__":
    sys.exit(main())
