"""Whether `edgekit bench` and LiteRT's own `litert-benchmark` agree on how long an inference takes.

Both run the same model with one thread, in turns within one run of this script, A B B A …, so that a machine that gets
faster or slower does so for both. `litert-benchmark` comes with the package ai-edge-litert; it repeats the inference of
one random input. edgekit times whole verdicts: its number is the invoke stage by the crops of the verdict.

    python benchmarks/agreement.py MODEL PHOTO… --out benchmarks/results/agreement.json

A record needs a quiet machine. Exit code 1 where the two differ by more than 5 %, or the rounds by too much to tell.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.bench.benchmark import conditions_of
from edgekit.bench.conditions import Conditions
from edgekit.bench.ledger import Ledger
from edgekit.bench.options import BenchConfig
from edgekit.bench.session import measure_on
from edgekit.cli.console import print_table
from edgekit.cli.console import progress as bars
from edgekit.devices.local import LocalDevice
from edgekit.errors import EdgekitError
from edgekit.records import file_sha256, write_json
from edgekit.runtime.agent.job import Job, Setting
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.bundle import read_bundle

LIMIT = 0.05
CROPS = 10
TOOL = "ai_edge_litert.tools.benchmark_litert_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of each, milliseconds of one inference."""

    edgekit_p50_ms: float
    edgekit_mean_ms: float
    edgekit_min_ms: float
    litert_p50_ms: float
    litert_mean_ms: float
    litert_min_ms: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRecord:
    """How far the two agree.

    Attributes:
        tool: LiteRT's command.
        crops: Inferences of one of edgekit's verdicts.
        runs: Of each in each round, at least.
        ratio: Median over the rounds of edgekit's p50 by LiteRT's.
        low: The smallest of them.
        high: The largest of them.
        ratio_min: The smallest time of all rounds, edgekit's by LiteRT's: other work on the machine touches it least.
        quiet: Whether the middle half of the rounds spans no more than ``limit``: else the machine did other work, and
            a median near 1 is chance.
        reached: Whether it was quiet, and the median is within ``limit`` of 1.
    """

    model: str
    model_sha256: str
    tool: str
    threads: int
    crops: int
    runs: int
    conditions: Conditions
    rounds: tuple[Round, ...]
    edgekit_p50_ms: float
    litert_p50_ms: float
    ratio: float
    low: float
    high: float
    ratio_min: float
    limit: float
    quiet: bool
    reached: bool


def litert_benchmark(model: Path, runs: int) -> tuple[float, float, float]:
    """Median, mean and least of LiteRT's tool, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", TOOL, "--model", str(model), "--num_threads", "1"]
        command += ["--warmup_runs", str(max(10, runs // 10)), "--num_runs", str(runs), "--result_json", str(result)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not result.exists():
            raise EdgekitError(f"litert-benchmark must give a result, got: {done.stderr.strip()[-500:]}")
        latency = json.loads(result.read_text(encoding="utf-8"))["latency"]
    return float(latency["median_ms"]), float(latency["avg_ms"]), float(latency["min_ms"])


def edgekit_bench(model: Path, photos: list[Path], runs: int) -> tuple[tuple[float, float, float], Ledger, Job]:
    """Median, mean and least of one inference as `edgekit bench` times it."""
    job = Job(
        model=str(model),
        photos=tuple(map(str, photos)),
        crops=0,
        timed=tuple(range(len(photos))),
        settings=(Setting(crops=CROPS, threads=1, interpreter="litert", delegate="xnnpack"),),
        pace=Pace(min_runs=max(2, runs // CROPS), repeats=1, cold_starts=0),
    )
    ledger = measure_on(LocalDevice(), job, read_bundle(model).contract)
    timed = ledger.runs(0)
    each = timed.stage_ms("invoke") / timed.crops
    return (float(np.median(each)), float(each.mean()), float(each.min())), ledger, job


def measure(model: Path, photos: list[Path], rounds: int, runs: int) -> AgreementRecord:
    """Run both in turns."""
    found = []
    with bars() as progress:
        progress.begin("rounds", rounds)
        for number in range(rounds):
            # A B, then B A: neither always comes first.
            if number % 2:
                theirs = litert_benchmark(model, runs)
            ours, ledger, job = edgekit_bench(model, photos, runs)
            if not number % 2:
                theirs = litert_benchmark(model, runs)
            found.append(
                Round(
                    edgekit_p50_ms=ours[0],
                    edgekit_mean_ms=ours[1],
                    edgekit_min_ms=ours[2],
                    litert_p50_ms=theirs[0],
                    litert_mean_ms=theirs[1],
                    litert_min_ms=theirs[2],
                    ratio=ours[0] / theirs[0],
                )
            )
            progress.advance(note=f"{ours[0]:.3f} ms by edgekit, {theirs[0]:.3f} ms by LiteRT")
    ratios = [one.ratio for one in found]
    ratio = float(np.median(ratios))
    quiet = bool(np.ptp(np.percentile(ratios, [25, 75])) <= LIMIT)
    return AgreementRecord(
        model=model.name,
        model_sha256=file_sha256(model),
        tool=f"litert-benchmark of {ledger.hello.engines[0].interpreter}",
        threads=1,
        crops=CROPS,
        runs=runs,
        conditions=conditions_of(ledger, job, BenchConfig()),
        rounds=tuple(found),
        edgekit_p50_ms=float(np.median([one.edgekit_p50_ms for one in found])),
        litert_p50_ms=float(np.median([one.litert_p50_ms for one in found])),
        ratio=ratio,
        low=min(ratios),
        high=max(ratios),
        ratio_min=min(one.edgekit_min_ms for one in found) / min(one.litert_min_ms for one in found),
        limit=LIMIT,
        quiet=quiet,
        reached=quiet and abs(ratio - 1) <= LIMIT,
    )


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=300, help="inferences of each in a turn (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/agreement.json"))
    options = parser.parse_args()
    if options.rounds < 2 or options.runs < 20:
        parser.error("at least 2 rounds of 20 runs")
    record = measure(options.model, options.photos, options.rounds, options.runs)
    write_json(options.out, record)
    rows = [
        [str(number), f"{one.edgekit_p50_ms:.3f}", f"{one.litert_p50_ms:.3f}", f"{one.ratio:.3f}"]
        for number, one in enumerate(record.rounds, start=1)
    ]
    print_table("p50 of one inference, ms", ["round", "edgekit bench", "litert-benchmark", "ratio"], rows)
    print(
        f"ratio {record.ratio:.3f} ({record.low:.3f} to {record.high:.3f}), of the least times {record.ratio_min:.3f}: "
        f"{'within' if record.reached else 'NOT within'} {100 * LIMIT:g} %"
        f"{'' if record.quiet else ', or not to be told: the rounds differ too much, the machine is busy'}"
    )
    return 0 if record.reached else 1


if __name__ == "__main__":
    sys.exit(main())
