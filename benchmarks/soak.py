"""Many verdicts by one Classifier, and what they do to memory: the slope of the resident set over calls.

Sources take turns: RGB arrays, JPEG bytes, camera frames, and bytes that are no photo; from several threads. glibc also
tells what of its heaps is in use and what it only keeps. It takes its settings before the first photo, so each setting
is a run of its own, which is added to the record: as it is, with fewer heaps, and as ``edgekit.runtime.memory`` sets
it, which cameras' commands do.

    python benchmarks/soak.py MODEL --out benchmarks/results/soak.json
    MALLOC_ARENA_MAX=2 python benchmarks/soak.py MODEL --out benchmarks/results/soak.json
    python benchmarks/soak.py MODEL --return-freed --out benchmarks/results/soak.json
"""

from __future__ import annotations

import argparse
import ctypes
import io
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.errors import PhotoError
from edgekit.records import file_sha256, from_plain, read_json, write_json
from edgekit.runtime import Classifier, YuvFrame
from edgekit.runtime.memory import MMAP_FROM_BYTES, return_freed_memory
from edgekit.runtime.photo import Source

THREADS = 2
CALLERS = 8
SAMPLE_EVERY = 250


SLOPE_CALLS = 10_000
_MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Memory after so many calls, in MiB.

    Attributes:
        in_use: What the program holds of glibc's heaps and of its mappings; None where the C library does not tell.
        kept: What was freed, and glibc keeps.
    """

    calls: int
    resident: float
    in_use: float | None
    kept: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakRun:
    """What was called how often, and what memory did meanwhile.

    Attributes:
        allocator: Settings of glibc's allocator: of the environment, and the threshold of ``return_freed_memory``.
        warmup: Calls before, in which the allocator's pools fill.
        different: Verdicts that differed from the first one for the same source.
        slope_kib_per_1000: Of the resident set, by least squares over the last ``slope_calls``.
    """

    allocator: dict[str, str]
    warmup: int
    calls: int
    callers: int
    seconds: float
    refused: int
    different: int
    slope_calls: int
    slope_kib_per_1000: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakRecord:
    """Runs of one model, one for each setting of the allocator."""

    model_sha256: str
    interpreter: str
    system: str
    runs: tuple[SoakRun, ...]


class _MallInfo(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _MALLINFO)


def sample(calls: int) -> Sample:
    """Memory now."""
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return Sample(calls=calls, resident=resident_mib(), in_use=None, kept=None)
    ask.restype = _MallInfo
    told = ask()
    in_use, kept = (told.uordblks + told.hblkhd) / (1 << 20), told.fordblks / (1 << 20)
    return Sample(calls=calls, resident=resident_mib(), in_use=in_use, kept=kept)


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


def slope(samples: list[Sample]) -> float:
    """KiB per 1000 calls."""
    calls = np.array([one.calls for one in samples]) / 1000
    return float(np.polyfit(calls, np.array([one.resident for one in samples]) * 1024, 1)[0])


def add(out: Path, run: SoakRun, model_sha256: str, interpreter: str) -> None:
    """Put a run into a record, in place of one with the same settings; runs of another model are dropped."""
    others: tuple[SoakRun, ...] = ()
    system = f"{platform.system()}, {' '.join(platform.libc_ver())}"
    if out.exists():
        before = from_plain(SoakRecord, read_json(out), where=str(out))
        if (before.model_sha256, before.interpreter, before.system) == (model_sha256, interpreter, system):
            others = tuple(one for one in before.runs if one.allocator != run.allocator)
    runs = sorted((*others, run), key=lambda one: len(one.allocator))
    write_json(out, SoakRecord(model_sha256=model_sha256, interpreter=interpreter, system=system, runs=tuple(runs)))


def main() -> None:
    """Call, sample and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--warmup", type=int, default=10_000)
    parser.add_argument("--return-freed", action="store_true", help="call edgekit.runtime.memory.return_freed_memory")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    allocator = {name: value for name, value in sorted(os.environ.items()) if name.startswith("MALLOC_")}
    if options.return_freed:
        if not return_freed_memory():
            parser.error("--return-freed is for glibc")
        allocator["return_freed_memory"] = str(MMAP_FROM_BYTES)
    photos = sources()
    samples: list[Sample] = []
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
            samples.append(sample(start + len(numbers)))
        interpreter = classifier.interpreter
    run = SoakRun(
        allocator=allocator,
        warmup=options.warmup,
        calls=options.calls,
        callers=CALLERS,
        seconds=time.monotonic() - began,
        refused=refused,
        different=different,
        slope_calls=min(SLOPE_CALLS, options.calls),
        slope_kib_per_1000=slope([one for one in samples if one.calls > options.calls - SLOPE_CALLS]),
        samples=tuple(samples),
    )
    add(options.out, run, file_sha256(options.model), interpreter)
    print(
        f"{run.allocator}: {run.calls} calls in {run.seconds:.0f} s, {run.refused} refused, {run.different} different"
    )
    print(f"resident {samples[0].resident:.1f} to {samples[-1].resident:.1f} MiB, {samples[-1]}")
    print(f"slope {run.slope_kib_per_1000:+.1f} KiB per 1000 calls over the last {run.slope_calls}")


if __name__ == "__main__":
    main()
