"""How fast photos are imported, and whether memory stays where it is.

Writes JPEGs with metadata, imports them, imports them once more with kills on the way, and compares the folders.

    python benchmarks/importing.py --photos 10000 --out benchmarks/results/importing.json
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

from edgekit.data.manifest import read_manifest
from edgekit.gather.journal import JOURNAL_NAME
from edgekit.records import file_sha256, read_json, write_json
from edgekit.runtime.agent.machine import processor


def make_photos(root: Path, photos: int, size_wh: tuple[int, int]) -> None:
    """Soft noise in two classes and twenty groups; every thousandth is a copy of the one before."""
    rng = np.random.default_rng(0)
    last = b""
    for number in range(photos):
        folder = root / ("genuine" if number % 2 else "recapture") / f"group-{number % 20:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"IMG_{number:06d}.jpg"
        if number % 1000 == 999:
            path.write_bytes(last)
            continue
        exif = Image.Exif()
        exif[0x010F], exif[0x0110], exif[0x8298] = "Maker", f"Camera {number % 4}", "Owner"
        small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        small.resize(size_wh, Image.Resampling.BICUBIC).save(path, quality=85, exif=exif)
        last = path.read_bytes()


def photos_of(out: Path) -> tuple[set[str], dict[str, str]]:
    """The rows of a folder, and its photos with their digests."""
    return (
        {str(sample) for sample in read_manifest(out / "manifest.csv")},
        {path.relative_to(out).as_posix(): file_sha256(path) for path in out.rglob("*.jpg")},
    )


def main() -> None:
    """Measure, print, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_photos(root / "in", options.photos, (options.width, options.width * 3 // 4))
        few = root / "few"
        make_photos(few, min(500, options.photos), (options.width, options.width * 3 // 4))
        workers = "--workers", options.workers
        few_mib = finish(start("data", "import", few, "--out", root / "out-few", *workers))
        began = time.monotonic()
        peak_mib = finish(start("data", "import", root / "in", "--out", root / "out", *workers))
        seconds = time.monotonic() - began
        began = time.monotonic()
        finish(start("data", "import", root / "in", "--out", root / "out", *workers))
        again_s = time.monotonic() - began
        killed = root / "out-killed"
        command = "data", "import", root / "in", "--out", killed, *workers
        kills = run_with_kills(*command, journal=killed / JOURNAL_NAME, growth=100_000, kills=options.kills)
        record = read_json(root / "out" / "import.json")
        rows, files = photos_of(root / "out")
        result = {
            "device": processor(),
            "photos": options.photos,
            "size_wh": [options.width, options.width * 3 // 4],
            "workers": options.workers,
            "cores": os.cpu_count(),
            "seconds": round(seconds, 1),
            "photos_per_s": round(options.photos / seconds, 1),
            "second_run_seconds": round(again_s, 1),
            "peak_memory_mib": round(peak_mib, 1),
            "peak_memory_mib_of_500": round(few_mib, 1),
            "stored": len(files),
            "copies": len(record["copies"]),
            "kills": kills,
            "same_after_kills": (rows, files) == photos_of(killed),
        }
    print(result)
    if options.out is not None:
        write_json(options.out, result)
    if not result["same_after_kills"]:
        sys.exit("the import that was killed ended with other photos")


if __name__ == "__main__":
    main()
