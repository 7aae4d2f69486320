"""How fast a verdict is, beside what one writes by hand and beside MediaPipe Tasks.

All contenders run the same model file on the same photos, each in a process of its own, one at a time and in shuffled
order, so that drift hits all alike; medians and their ratios are what counts. Ours scores as
many crops as the model's contract says, and in ways of their own as many as the peers: random ones by hand, the first
boxes of the model's plan in MediaPipe.

    python benchmarks/runtime.py MODEL PHOTO... --out benchmarks/results/runtime.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from conditions import local_conditions
from peers import environment
from PIL import Image

from edgekit.bench.conditions import Conditions
from edgekit.metrics.wording import count
from edgekit.progress import Progress
from edgekit.records import file_sha256, write_json
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.payload import payload_bytes

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
MEDIAPIPE = "mediapipe==1.2.2"
THREADS = 2

# A whole process on one photo; edgekit has a command for it.
MEDIAPIPE_ONCE = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from contenders import mediapipe
boxes = json.loads(sys.argv[3])
(photo,) = boxes
answer = mediapipe(sys.argv[2], 1, boxes)["file"](photo)
answer["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(answer))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One way of one contender: the median over all photos and rounds, in milliseconds."""

    contender: str
    way: str
    n: int
    median_ms: float
    p95_ms: float
    mean_crops: float
    overhead: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A number that was aimed at, and what was measured."""

    what: str
    limit: float
    measured: float
    unit: str
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRecord:
    """Everything that was measured, and its conditions."""

    model: str
    model_bytes: int
    model_sha256: str
    plan: str
    working_px: int | None
    photos: int
    megapixels: tuple[float, ...]
    rounds: int
    peer: str
    conditions: Conditions
    timings: tuple[Timing, ...]
    targets: tuple[Target, ...]


class Contender:
    """A process that waits for photos."""

    def __init__(self, name: str, python: Path, model: Path, boxes: dict[str, Any]) -> None:
        self.name = name
        command = [str(python), str(HERE / "contenders.py"), name, str(model), str(THREADS), json.dumps(boxes)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.ways: list[str] = self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with exit code {self._process.wait()}")
        return json.loads(line)

    def time(self, way: str, photo: Path) -> dict[str, Any]:
        """Have a photo classified."""
        assert self._process.stdin is not None
        print(json.dumps({"way": way, "photo": str(photo)}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = self._read()
        return answer

    def close(self) -> float:
        """End the process; returns the most memory that it had, in MiB."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        peak = float(self._read()["peak_mb"])
        self._process.wait()
        return peak


def relative_boxes(model: Path, photos: Sequence[Path], crops: int) -> dict[str, list[list[float]]]:
    """The first boxes of the plan in each photo as shares of its width and height; a plan goes on beyond its own."""
    contract = read_bundle(model).contract
    found = {}
    for photo in photos:
        with Image.open(photo) as opened:
            width, height = opened.size
        boxes = crop_boxes(contract.plan, (width, height), contract.side_px, count=crops)
        found[str(photo)] = [[b.left / width, b.top / height, b.right / width, b.bottom / height] for b in boxes]
    return found


def measure(contenders: Sequence[Contender], photos: Sequence[Path], rounds: int, progress: Progress) -> list[Timing]:
    """Every way of every contender on every photo, in shuffled order, ``rounds`` times after one to warm up."""
    rng = np.random.default_rng(0)
    jobs = [(contender, way, photo) for contender in contenders for way in contender.ways for photo in photos]
    answers: dict[tuple[str, str], list[dict[str, Any]]] = {}
    progress.begin("timing", (rounds + 1) * len(jobs))
    for number in range(rounds + 1):
        for index in rng.permutation(len(jobs)):
            contender, way, photo = jobs[index]
            answer = contender.time(way, photo)
            if number:
                answers.setdefault((contender.name, way), []).append(answer)
            progress.advance()
    return [
        Timing(
            contender=name,
            way=way,
            n=len(given),
            median_ms=median(one["ms"] for one in given),
            p95_ms=float(np.percentile([one["ms"] for one in given], 95)),
            mean_crops=float(np.mean([one["crops"] for one in given])),
            overhead=median(one["overhead"] for one in given) if "overhead" in given[0] else None,
        )
        for (name, way), given in sorted(answers.items())
    ]


def processes(model: Path, photo: Path, boxes: dict[str, Any], rounds: int, progress: Progress) -> list[Timing]:
    """Whole processes, from the order to start to their end, in turn."""
    commands: dict[str, list[str | Path]] = {
        "edgekit": [
            sys.executable, "-m", "edgekit.runtime", "classify", model, photo, "--threads", str(THREADS), "--all-crops",
        ],
        "mediapipe": [
            environment(MEDIAPIPE, "pillow"), "-c", MEDIAPIPE_ONCE, HERE, model,
            json.dumps({str(photo): boxes[str(photo)]}),
        ],
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in commands}
    crops: dict[str, float] = {}
    peaks: dict[str, float] = {}
    progress.begin("starting processes", rounds + 1)
    for number in range(rounds + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            if number:
                times[name].append(1000 * (time.perf_counter() - began))
            answer = json.loads(done.stdout.splitlines()[-1])
            peaks[name] = max(peaks.get(name, 0.0), answer["peak_memory_mb"])
            crops[name] = answer["crops"] if isinstance(answer["crops"], int) else len(answer["crops"])
        progress.advance()
    return [
        Timing(
            contender=name,
            way=way,
            n=rounds,
            median_ms=value,
            p95_ms=float(np.percentile(times[name], 95)) if way == "process" else value,
            mean_crops=crops[name],
            overhead=None,
        )
        for name in commands
        for way, value in (("process", median(times[name])), ("process, peak MiB", peaks[name]))
    ]


def whole_package_mb() -> float:
    """What installing edgekit without its needs puts on a disk, in MB: the host's stages and compiled modules too."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", folder, str(ROOT)], check=True)
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6


def targets(timings: Sequence[Timing]) -> list[Target]:
    """The aims of the runtime, with what was measured."""
    of = {(one.contender, one.way): one for one in timings}

    def at_most(what: str, limit: float, measured: float, unit: str) -> Target:
        return Target(what=what, limit=limit, measured=measured, unit=unit, reached=measured <= limit)

    def ratio(ours: str, peer: str, theirs: str) -> float:
        return of["edgekit", ours].median_ms / of[peer, theirs].median_ms

    own, peers = (count(round(of["edgekit", way].mean_crops), "crop") for way in ("array", "array, as many as peers"))
    equal = "array, as many as peers", "file, as many as peers"
    return [
        at_most(f"array to verdict, {peers}, against MediaPipe", 0.7, ratio(equal[0], "mediapipe", "array"), "ratio"),
        at_most(f"JPEG to verdict, {peers}, against by hand", 0.5, ratio(equal[1], "hand", "file"), "ratio"),
        at_most(f"JPEG to verdict, {peers}, against MediaPipe", 0.5, ratio(equal[1], "mediapipe", "file"), "ratio"),
        at_most(
            f"array to verdict, at most {own}, stopping early, against {peers} in MediaPipe", 0.2,
            ratio("array, early", "mediapipe", "array"), "ratio",
        ),
        at_most(f"JPEG to verdict, {own}, against {peers} by hand", 0.25, ratio("file", "hand", "file"), "ratio"),
        at_most(
            f"JPEG to verdict, {own}, against {peers} in MediaPipe", 0.3, ratio("file", "mediapipe", "file"), "ratio",
        ),
        at_most(
            "neither decoding nor inference, JPEG, native crops", 0.15, of["edgekit", "file, native"].overhead or 0.0,
            "share",
        ),
        at_most("a whole process", 500.0, of["edgekit", "process"].median_ms, "ms"),
        at_most("the same against MediaPipe", 0.5, ratio("process", "mediapipe", "process"), "ratio"),
        at_most("its peak of memory", 160.0, of["edgekit", "process, peak MiB"].median_ms, "MiB"),
        at_most(
            "what a device needs of edgekit, edgekit-runtime.pyz", 1.0, len(payload_bytes()) / 1e6, "MB",
        ),
        at_most(
            "the whole package, host stages included, installed with bytecode", 1.0, whole_package_mb(), "MB",
        ),
    ]  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    from edgekit.cli.console import print_table
    from edgekit.cli.console import progress as bars

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--peer-crops", type=int, default=10, help="crops that peers score (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="after one to warm up (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    bundle, photos = read_bundle(options.model), [photo.resolve() for photo in options.photos]
    model, boxes = options.model.resolve(), relative_boxes(options.model, photos, options.peer_crops)
    pythons = {
        "edgekit": Path(sys.executable),
        "hand": Path(sys.executable),
        "mediapipe": environment(MEDIAPIPE, "pillow"),
    }
    with bars() as progress:
        contenders = [Contender(name, python, model, boxes) for name, python in pythons.items()]
        timings = measure(contenders, photos, options.rounds, progress)
        for contender in contenders:
            contender.close()
        timings += processes(model, photos[0], boxes, options.rounds, progress)
    with Classifier(bundle) as classifier:
        where = local_conditions(classifier.interpreter, classifier.delegate, warmup=1, timed_photos=len(photos))
    sizes = [Image.open(photo).size for photo in photos]
    record = RuntimeRecord(
        model=model.name,
        model_bytes=model.stat().st_size,
        model_sha256=file_sha256(model),
        plan=str(bundle.contract.plan),
        working_px=bundle.contract.plan.working_px,
        photos=len(photos),
        megapixels=tuple(round(width * height / 1e6, 1) for width, height in sizes),
        rounds=options.rounds,
        peer=MEDIAPIPE,
        conditions=where,
        timings=tuple(timings),
        targets=tuple(targets(timings)),
    )
    write_json(options.out, record)
    rows = [[f"{one.contender}: {one.way}", f"{one.median_ms:.1f}", f"{one.mean_crops:.1f}"] for one in timings]
    print_table("medians", ["way", "ms", "crops"], rows)
    rows = [
        [one.what, f"≤ {one.limit:g} {one.unit}", f"{one.measured:.2f}", "reached" if one.reached else "MISSED"]
        for one in record.targets
    ]
    print_table("targets", ["what", "limit", "measured", ""], rows)


if __name__ == "__main__":
    main()
