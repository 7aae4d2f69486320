"""200,000 crops in one go: how fast, in how much memory, and whether kills on the way change a byte.

python benchmarks/cropping.py --photos 2000 --out benchmarks/results/cropping.json
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from commands import finish, run_with_kills, start
from PIL import Image

from edgekit.augment.crop_set import JOURNAL_NAME
from edgekit.records import file_sha256, read_json, write_json
from edgekit.runtime.agent.machine import processor
from edgekit.simulate.scenes import draw_scene

TARGET_PER_S = 400.0
VARIANTS = 10
# A scene takes as long to draw as its hundred crops to cut; each file is varied in its own way by its name.
SCENES = 100
FEW = 100


def make_photos(root: Path, photos: int, size_wh: tuple[int, int]) -> None:
    """Photos of the simulator's scenes in two classes and twenty groups."""
    contents: list[bytes] = []
    for number in range(photos):
        folder = root / ("genuine" if number % 2 else "recapture") / f"group-{number % 20:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number:05d}.jpg"
        if number < SCENES:
            Image.fromarray(draw_scene(np.random.default_rng(number), size_wh=size_wh)).save(path, quality=90)
            contents.append(path.read_bytes())
        else:
            path.write_bytes(contents[number % SCENES])


def shards(out: Path) -> dict[str, str]:
    """The files of crops and their digests."""
    return {path.name: file_sha256(path) for path in sorted(out.glob("*.tfrecord"))}


def main() -> int:
    """Measure, print, write the record; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--side", type=int, default=0, help="0: the crops keep their own pixels")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    size_wh = given.width, given.width * 3 // 4
    options = (
        "--preset",
        "antispoof",
        "--variants",
        VARIANTS,
        "--into",
        "tfrecord",
        "--side",
        given.side,
        "--workers",
        given.workers,
    )
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_photos(root / "few", min(FEW, given.photos), size_wh)
        make_photos(root / "in", given.photos, size_wh)
        few_mib = finish(start("data", "crops", root / "few", root / "out-few", *options))
        began = time.monotonic()
        peak_mib = finish(start("data", "crops", root / "in", root / "out", *options))
        seconds = time.monotonic() - began
        whole, size = shards(root / "out"), sum(path.stat().st_size for path in (root / "out").glob("*.tfrecord"))
        made = read_json(root / "out" / "crops.done.json")
        for path in (root / "out").glob("*.tfrecord"):
            path.unlink()
        killed = root / "out-killed"
        command = "data", "crops", root / "in", killed, *options
        kills = run_with_kills(*command, journal=killed / JOURNAL_NAME, growth=given.photos // 10, kills=given.kills)
        result = {
            "device": processor(),
            "cores": os.cpu_count(),
            "workers": given.workers,
            "photos": given.photos,
            "scenes": min(SCENES, given.photos),
            "photo_wh": size_wh,
            "variants": VARIANTS,
            "side_px": given.side or given.width // 4,
            "crops": made["crops"],
            "shards": len(whole),
            "gigabytes": round(size / 1e9, 2),
            "seconds": round(seconds, 1),
            "crops_per_s": round(made["crops"] / seconds, 1),
            "target_per_s": TARGET_PER_S,
            "peak_memory_mib": round(peak_mib, 1),
            "peak_memory_mib_of_few": round(few_mib, 1),
            "few_photos": min(FEW, given.photos),
            "kills": kills,
            "same_after_kills": whole == shards(killed),
        }
    print(result)
    write_json(given.out, result)
    if not result["same_after_kills"]:
        sys.exit("the run that was killed ended with other crops")
    return 0 if result["crops_per_s"] >= TARGET_PER_S else 1


if __name__ == "__main__":
    sys.exit(main())
