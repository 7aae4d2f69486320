"""Makes what the app carries with it: ``python assets.py``; does nothing where it is there already.

Under ``target/app/assets/``: ``model.tflite``, the committed demo model, and ``bench/``: 24 photos from edgekit's own
simulator and ``labels.csv`` (path, label, group, camera) that says which are genuine. Their screens, cameras and scenes
are none that the model was trained on. The library's tests have the model alone.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from pathlib import Path

from common import ROOT, TARGET, Unavailable, main, write

sys.path.insert(0, str(ROOT))

MODEL = ROOT / "models" / "demo-int8.tflite"
PHOTOS_PER_CLASS_PER_GROUP = 6
SIZE_WH = (960, 720)
# Not that of the set which the model was trained on.
SEED = 20
LABELS = "labels.csv"


def make_photos(into: Path) -> None:
    """Write the photos of screens that training never saw, and their labels.

    Raises:
        Unavailable: edgekit's packages are not installed for this Python.
    """
    try:
        from edgekit.data.manifest import MANIFEST_NAME
        from edgekit.simulate.demo_set import simulate_photos
        from edgekit.simulate.options import SimulateConfig
    except ModuleNotFoundError as absent:
        raise Unavailable(
            f"the app's photos are made by edgekit, which needs {absent.name}: run make at the project's root first,"
            " or set PYTHON to an interpreter with edgekit[host]"
        ) from absent
    # A set must have all three splits; only that which is kept may be small.
    config = SimulateConfig(
        photos_per_class_per_group=PHOTOS_PER_CLASS_PER_GROUP,
        size_wh=SIZE_WH,
        seed=SEED,
        train_screens=("monitor-ips",),
        val_screens=("tablet-ips",),
    )
    whole = TARGET / "simulated"
    simulate_photos(whole, config)
    with (whole / MANIFEST_NAME).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    part = into.with_name(f".{into.name}.{os.getpid()}")
    part.mkdir(parents=True)
    table = io.StringIO()
    listed = csv.writer(table, lineterminator="\n")
    listed.writerow(("path", "label", "group", "camera"))
    for row in rows:
        name = f"{row['label']}-{Path(row['path']).name}"
        shutil.copyfile(whole / row["path"], part / name)
        listed.writerow((name, row["label"], row["group"], row["camera"]))
    write(part / LABELS, table.getvalue())
    shutil.rmtree(into, ignore_errors=True)
    part.rename(into)
    shutil.rmtree(whole)


def make() -> Path:
    """The folder with the app's assets; raises as ``make_photos`` does."""
    folder = TARGET / "app" / "assets"
    for module in ("app", "android"):
        write(TARGET / module / "assets" / "model.tflite", MODEL.read_bytes())
    if not (folder / "bench" / LABELS).is_file():
        make_photos(folder / "bench")
    return folder


if __name__ == "__main__":
    main(lambda: print(make()))
