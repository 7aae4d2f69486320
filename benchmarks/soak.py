"""Many verdicts by one Classifier, and what they do to memory: the slope of the resident set over calls.

Sources take turns: RGB arrays, JPEG bytes, camera frames, and bytes that are no photo; from several threads.

    python benchmarks/soak.py MODEL --calls 20000 --out benchmarks/results/soak.json
"""

from __future__ import annotations

import argparse
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.errors import PhotoError
from edgekit.records import file_sha256, write_json
from edgekit.runtime import Classifier, YuvFrame
from edgekit.runtime.photo import Source

THREADS = 2
CALLERS = 8
SAMPLE_EVERY = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakRecord:
    """What was called how often, and the resident set in MiB while it was.

    Attributes:
        warmup: Calls before, in which the allocator's pools fill.
        slope_kib_per_1000: Least squares over all samples.
        different: Verdicts that differed from the first one for the same source.
    """

    model_sha256: str
    interpreter: str
    warmup: int
    calls: int
    callers: int
    seconds: float
    refused: int
    different: int
    resident_mib: tuple[float, ...]
    slope_kib_per_1000: float


def resident_mib() -> float:
    """Of this process, as Linux tells."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def sources() -> list[Source]:
    """Photos of several kinds and sizes, the same on every run."""
    rng = np.random.default_rng(0)
    found: list[Source] = []
    for width, height in ((640, 480), (481, 1023), (1600, 1500)):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        image = coarse.resize((width, height), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=85)
        luma = rng.integers(0, 256, width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2), dtype=np.uint8)
        frame = (
            YuvFrame.from_buffer(luma, (width, height), "i420", stride=width + width % 2) if width % 2 == 0 else None
        )
        found += [np.asarray(image), buffer.getvalue(), buffer.getvalue()[: len(buffer.getvalue()) // 2]]
        found += [frame] if frame is not None else []
    return found


def main() -> None:
    """Call, sample and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--warmup", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    photos = sources()
    samples: list[float] = []
    began = time.monotonic()
    with Classifier.load(options.model, threads=THREADS) as classifier, ThreadPoolExecutor(CALLERS) as pool:

        def verdict(number: int) -> tuple[str, float] | None:
            try:
                found = classifier.classify(photos[number % len(photos)])
            except PhotoError:
                return None
            return found.label, found.score

        first = [verdict(number) for number in range(len(photos))]
        for _ in pool.map(verdict, range(options.warmup)):
            pass
        refused = different = 0
        for start in range(0, options.calls, SAMPLE_EVERY):
            numbers = range(start, min(start + SAMPLE_EVERY, options.calls))
            for number, answer in zip(numbers, pool.map(verdict, numbers), strict=True):
                refused += answer is None
                different += answer != first[number % len(photos)]
            samples.append(resident_mib())
        interpreter = classifier.interpreter
    slope = float(np.polyfit(np.arange(len(samples)) * SAMPLE_EVERY / 1000, np.array(samples) * 1024, 1)[0])
    record = SoakRecord(
        model_sha256=file_sha256(options.model),
        interpreter=interpreter,
        warmup=options.warmup,
        calls=options.calls,
        callers=CALLERS,
        seconds=time.monotonic() - began,
        refused=refused,
        different=different,
        resident_mib=tuple(samples),
        slope_kib_per_1000=slope,
    )
    write_json(options.out, record)
    print(f"{record.calls} calls in {record.seconds:.0f} s, {refused} refused, {different} different")
    print(f"resident {samples[0]:.1f} to {samples[-1]:.1f} MiB, slope {slope:+.1f} KiB per 1000 calls")


if __name__ == "__main__":
    main()
