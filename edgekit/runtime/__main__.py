"""``python -m edgekit.runtime classify|time MODEL PHOTO…``: JSON lines, without Typer."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_START_NS = time.perf_counter_ns()

from edgekit.errors import EdgekitError, PhotoError  # noqa: E402 (the clock must start before the imports it measures)
from edgekit.records import plain  # noqa: E402
from edgekit.runtime.classifier import Classifier  # noqa: E402
from edgekit.runtime.timing import by_stage, peak_memory_mb  # noqa: E402


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m edgekit.runtime",
        description="Classify photos with a model that edgekit made; prints one JSON object per line.",
        epilog="example: python -m edgekit.runtime classify model.tflite shelf.jpg --crops 5",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in (
        ("classify", "one verdict per photo"),
        ("time", "cold start, percentiles and peak memory"),
    ):
        command = commands.add_parser(name, help=does, description=does)
        command.add_argument("model", type=Path)
        command.add_argument("photos", type=Path, nargs="+")
        command.add_argument("--crops", type=int, default=None, help="crops per photo (default: the contract's)")
        command.add_argument(
            "--threads",
            type=int,
            default=os.cpu_count() or 1,
            help="threads per inference (default: %(default)s)",
        )
        command.add_argument(
            "--interpreter", default=None, help="litert or tflite-runtime (default: the first installed)"
        )
        if name == "time":
            command.add_argument(
                "--runs", type=int, default=50, help="measured runs over the photos (default: %(default)s)"
            )
            command.add_argument("--warmup", type=int, default=5, help="runs before counting (default: %(default)s)")
    return parser.parse_args(argv)


def _classify(classifier: Classifier, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for photo in options.photos:
        try:
            verdict = classifier.classify(photo, crops=options.crops)
        except PhotoError as failure:
            yield {"photo": str(photo), "error": str(failure)}
        else:
            yield {"photo": str(photo), **plain(verdict), "interpreter": classifier.interpreter}


def _time(classifier: Classifier, options: argparse.Namespace, import_ms: float, load_ms: float) -> dict[str, Any]:
    if options.runs < 1 or options.warmup < 0:
        raise EdgekitError(
            f"--runs must be at least 1 and --warmup at least 0, got {options.runs} and {options.warmup}"
        )
    first = classifier.classify(options.photos[0], crops=options.crops)
    runs = [
        classifier.classify(options.photos[run % len(options.photos)], crops=options.crops).ms
        for run in range(options.warmup + options.runs)
    ]
    return {
        "interpreter": classifier.interpreter,
        "threads": options.threads,
        "crops": len(first.crops),
        "warmup": options.warmup,
        "import_ms": import_ms,
        "load_ms": load_ms,
        "first_ms": first.ms.total_ms,
        "cold_start_ms": import_ms + load_ms + first.ms.total_ms,
        "latency": plain(by_stage(runs[options.warmup :])),
        "peak_memory_mb": peak_memory_mb(),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0, or 2 for a user's mistake)."""
    options = _arguments(argv)
    imported_ns = time.perf_counter_ns()
    failed = False
    try:
        with Classifier.load(options.model, threads=options.threads, backend=options.interpreter) as classifier:
            loaded_ns = time.perf_counter_ns()
            if options.command == "classify":
                rows = _classify(classifier, options)
            else:
                import_ms, load_ms = (imported_ns - _START_NS) / 1e6, (loaded_ns - imported_ns) / 1e6
                rows = iter([_time(classifier, options, import_ms, load_ms)])
            for row in rows:
                failed |= "error" in row
                print(json.dumps(row), flush=True)  # noqa: T201 (this is the output)
    except EdgekitError as mistake:
        print(f"error: {mistake}", file=sys.stderr)  # noqa: T201
        return 2
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
