"""Stage 5: latency against accuracy, for every number of crops and threads, on the same photos."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.config import BenchConfig, Part
from edgekit.contract import Contract
from edgekit.data.dataset import Dataset
from edgekit.data.heic import HEIC_SUFFIXES
from edgekit.errors import DataError
from edgekit.evaluate import choose_photos, evaluate_scores, score_samples
from edgekit.metrics import Evaluation
from edgekit.pareto import ParetoPoint, pareto_front
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.classifier import Classifier
from edgekit.runtime.coldstart import ColdStart, cold_start
from edgekit.runtime.timing import Latency, Milliseconds, by_stage
from edgekit.scoring import CropUse, Scores, crop_use

# x86's, then ARM's.
_DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPoint:
    """One number of crops at one number of threads.

    Attributes:
        stops_early: Whether the contract's bounds may end a verdict before its last crop.
        crops_used: How many crops the verdicts took, where they may stop early.
        latency: Per photo, from the file to the verdict: decode, crop, invoke, vote and total.
        evaluation: On all photos; the same for every number of threads.
    """

    crops: int
    threads: int
    stops_early: bool = False
    crops_used: CropUse | None = None
    latency: dict[str, Latency]
    cold: ColdStart
    evaluation: Evaluation


class Setting(NamedTuple):
    """What is timed: so many crops, or at most so many, on so many threads."""

    crops: int
    threads: int
    stops_early: bool = False

    @property
    def asked(self) -> int | None:
        """What ``classify`` is asked for: an exact number, or the contract's own with its early end."""
        return None if self.stops_early else self.crops


class Engine(NamedTuple):
    """What ran a model."""

    interpreter: str
    delegate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Where and how latencies were measured.

    Attributes:
        int8_instructions: What the processor has for 8-bit dot products, as Linux names it; None where the system
            does not tell. Without them int8 models may well be slower than float ones.
    """

    device: str
    int8_instructions: tuple[str, ...] | None
    system: str
    python: str
    cores: int
    interpreter: str
    delegate: str
    warmup: int
    timed_photos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRecord:
    """A benchmark: its conditions, its points, and which to use."""

    model: str
    model_bytes: int
    file_sha256: str
    precision: str
    plan: str
    data_sha256: str
    part: str
    photos: int
    caution: str
    conditions: Conditions
    points: tuple[BenchPoint, ...]
    budget_ms: float | None
    recommended_crops: int | None
    recommended_threads: int | None
    recommended_early: bool = False


def bench(
    model: Path, dataset: Dataset, config: BenchConfig, *, part: Part = "auto", progress: Progress = SILENT
) -> BenchRecord:
    """Measure one model file.

    Accuracy comes from one pass with the largest number of crops, of which smaller ones are prefixes. Latencies are
    measured for each point by itself, all points in turn on the same photo in shuffled order, so that drift hits all
    alike.

    Raises:
        ContractError: no model of edgekit.
        DataError: labels that the model doesn't know, or photos that only the host can read.
        InterpreterError: a point's own process failed.
    """
    bundle = read_bundle(model)
    chosen = choose_photos(dataset, bundle.contract, part)
    rng = np.random.default_rng(config.seed)
    timed = [dataset.path_of(chosen.samples[index]) for index in rng.permutation(len(chosen.samples))[: config.runs]]
    # A process of its own is the thin runtime, which reads no HEIC.
    cold_photo = next((path for path in timed if path.suffix.lower() not in HEIC_SUFFIXES), None)
    if cold_photo is None:
        raise DataError("a cold start is measured on a photo that devices can read, got HEIC alone; add a JPEG")
    most = max(*config.tta, bundle.contract.plan.crops)
    scores = score_samples(
        model, dataset, chosen.samples, crops=most, interpreter=config.interpreter, progress=progress
    )
    counts = {setting: _counts(setting, scores, bundle.contract) for setting in settings(bundle.contract, config)}
    evaluations = {
        setting: evaluate_scores(scores, chosen.samples, bundle.contract, crops=count)
        for setting, count in counts.items()
        if setting.threads == config.threads[0]
    }
    engine, times = measure_latency(bundle, timed, config, progress=progress)
    progress.begin("measuring cold starts", len(times))
    points = []
    for setting, measured in times.items():
        cold = cold_start(
            model, cold_photo, crops=setting.asked, threads=setting.threads, interpreter=config.interpreter
        )
        points.append(
            BenchPoint(
                crops=setting.crops,
                threads=setting.threads,
                stops_early=setting.stops_early,
                crops_used=crop_use(counts[setting]),
                latency=by_stage(measured),
                cold=cold,
                evaluation=evaluations[setting._replace(threads=config.threads[0])],
            )
        )
        progress.advance()
    best = recommend(points, config.budget_ms)
    return BenchRecord(
        model=model.name,
        model_bytes=model.stat().st_size,
        file_sha256=file_sha256(model),
        precision=bundle.contract.precision,
        plan=str(bundle.contract.plan),
        data_sha256=dataset.sha256,
        part=chosen.part,
        photos=len(chosen.samples),
        caution=chosen.caution,
        conditions=conditions(engine, config, timed_photos=len(set(timed))),
        points=tuple(points),
        budget_ms=config.budget_ms,
        recommended_crops=best.crops if best else None,
        recommended_threads=best.threads if best else None,
        recommended_early=best is not None and best.stops_early,
    )


def settings(contract: Contract, config: BenchConfig) -> list[Setting]:
    """What a benchmark of a model times: every number of crops and, where the contract has bounds, the early end."""
    crops, threads = dict.fromkeys(config.tta), dict.fromkeys(config.threads)
    early = [Setting(contract.plan.crops, 1, stops_early=True)] if contract.decision.early_stop is not None else []
    return [
        one._replace(threads=number) for number in threads for one in [*(Setting(count, 1) for count in crops), *early]
    ]


def _counts(setting: Setting, scores: Scores, contract: Contract) -> int | NDArray[np.int64]:
    return scores.early_counts(contract) if setting.stops_early else setting.crops


def measure_latency(
    bundle: Bundle, photos: Sequence[Path], config: BenchConfig, *, progress: Progress = SILENT
) -> tuple[Engine, dict[Setting, list[Milliseconds]]]:
    """Time every setting on the same photo files.

    Returns:
        What ran the model, and the times by setting.
    """
    if not photos:
        raise DataError("a benchmark needs at least one photo, got none")
    classifiers = {
        threads: Classifier(bundle, threads=threads, backend=config.interpreter)
        for threads in dict.fromkeys(config.threads)
    }
    points = settings(bundle.contract, config)
    times: dict[Setting, list[Milliseconds]] = {point: [] for point in points}
    rng = np.random.default_rng(config.seed)
    total = config.warmup + config.runs
    progress.begin("timing", total)
    for run in range(total):
        for index in rng.permutation(len(points)):
            point = points[index]
            spent = classifiers[point.threads].classify(photos[run % len(photos)], crops=point.asked).ms
            if run >= config.warmup:
                times[point].append(spent)
        progress.advance()
    first = next(iter(classifiers.values()))
    engine = Engine(first.interpreter, first.delegate)
    for classifier in classifiers.values():
        classifier.close()
    return engine, times


def conditions(engine: Engine, config: BenchConfig, *, timed_photos: int) -> Conditions:
    """Describe this machine."""
    return Conditions(
        device=processor(),
        int8_instructions=_int8_instructions(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        interpreter=engine.interpreter,
        delegate=engine.delegate,
        warmup=config.warmup,
        timed_photos=timed_photos,
    )


def processor() -> str:
    """What this machine's processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.machine()


def _int8_instructions() -> tuple[str, ...] | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    flags = {flag for line in text.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()}
    return tuple(sorted(flags & _DOT_PRODUCTS))


def threads_label(threads: int) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def pareto_points(points: Sequence[BenchPoint]) -> list[ParetoPoint]:
    """The points as latency (p95, ms) against balanced accuracy."""
    return [
        ParetoPoint(
            label=f"k≤{point.crops}" if point.stops_early else f"k={point.crops}",
            series=threads_label(point.threads),
            latency_ms=point.latency["total"].p95_ms,
            accuracy=point.evaluation.balanced_accuracy.value,
            low=point.evaluation.balanced_accuracy.low,
            high=point.evaluation.balanced_accuracy.high,
        )
        for point in points
    ]


def recommend(points: Sequence[BenchPoint], budget_ms: float | None) -> BenchPoint | None:
    """The most accurate point whose p95 latency is within the budget; the faster of equals; None when none is."""
    within = [point for point in points if budget_ms is None or point.latency["total"].p95_ms <= budget_ms]
    if not within:
        return None
    return within[pareto_front(pareto_points(within))[-1]]
