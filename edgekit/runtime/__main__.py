"""``python -m edgekit.runtime classify|time MODEL PHOTO…``, ``machine``, ``measure JOB``: JSON lines, without Typer."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.contract import MAX_RUNS
from edgekit.errors import EdgekitError, PhotoError, explain_missing
from edgekit.records import plain
from edgekit.runtime.agent.machine import read_machine
from edgekit.terminal import end_as_interrupted, exit_code_of_stop, guarded_output, print_error, printable

if TYPE_CHECKING:
    from edgekit.runtime.classifier import RegionsVerdict, Verdict

    Classify = Callable[[Path], Verdict | RegionsVerdict]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m edgekit.runtime",
        description="Classify photos with a model that edgekit made; prints one JSON object per line.",
        epilog="example: python -m edgekit.runtime classify model.tflite shelf.jpg --crops 5",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in (("classify", "one verdict per photo"), ("time", "cold start, percentiles and peak memory")):
        command = commands.add_parser(name, help=does, description=does)
        add = command.add_argument
        add("model", type=Path)
        add("photos", type=Path, nargs="+")
        add("--crops", type=int, help="exactly so many crops (default: the contract's, fewer where they settle it)")
        add("--all-crops", action="store_true", help="score all crops, also where fewer would settle it")
        threads = "crops that are scored at the same time (default: %(default)s)"
        add("--threads", type=int, default=os.cpu_count() or 1, help=threads)
        add("--interpreter", help="litert or tflite-runtime (default: the first installed)")
        delegate = "xnnpack, none (plain kernels) or ext:/path/of/a/delegate's/library"
        add("--delegate", default="default", help=delegate)
        if name == "time":
            add("--runs", type=int, default=50, help="measured runs over the photos (default: %(default)s)")
            add("--warmup", type=int, default=5, help="runs before counting (default: %(default)s)")
    does = "all that a job file asks for, on behalf of `edgekit bench`"
    commands.add_parser("measure", help=does, description=does).add_argument("job", type=Path)
    does = "what this machine is and how it is doing"
    commands.add_parser("machine", help=does, description=does)
    return parser.parse_args(argv)


def _rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if options.command == "machine":
        yield plain(read_machine())
        return
    if options.command == "measure":
        # Not at the top: only this command needs them.
        from edgekit.runtime.agent.job import read_job
        from edgekit.runtime.agent.run import run_job

        yield from run_job(read_job(options.job))
        return
    # Not at the top: without numpy and Pillow, `machine` and the message about them must work.
    from edgekit.runtime.classifier import Classifier

    loaded = Classifier.load(
        options.model, threads=options.threads, backend=options.interpreter, delegate=options.delegate
    )
    with loaded as classifier:
        # Of regions each photo has as many answers as it has regions.
        answer = classifier.classify if classifier.contract.regions is None else classifier.classify_regions
        classify = partial(answer, crops=options.crops, stop_early=not options.all_crops)
        if options.command == "time":
            yield {"interpreter": classifier.interpreter, **_timed(classify, options)}
            return
        yield from _verdicts(classify, options.photos, classifier.interpreter)


def _verdicts(classify: Classify, photos: Sequence[Path], interpreter: str) -> Iterator[dict[str, Any]]:
    from edgekit.runtime.timing import peak_memory_mb

    for photo in photos:
        try:
            verdict = classify(photo)
        except PhotoError as failure:
            yield {"photo": str(photo), "error": printable(str(failure), lines=True)}
        else:
            told = {"interpreter": interpreter, "peak_memory_mb": peak_memory_mb()}
            yield {"photo": str(photo), **verdict.to_dict(), **told}


def _timed(classify: Classify, options: argparse.Namespace) -> dict[str, Any]:
    # Not at the top: only this command starts processes.
    from edgekit.runtime.agent.cold_start import cold_start
    from edgekit.runtime.classifier import RegionsVerdict
    from edgekit.runtime.timing import by_stage

    if not (1 <= options.runs <= MAX_RUNS and 0 <= options.warmup <= MAX_RUNS):
        raise EdgekitError(
            f"--runs must be 1 to {MAX_RUNS} and --warmup 0 to {MAX_RUNS}, got {options.runs} and {options.warmup}"
        )
    cold = cold_start(
        options.model,
        options.photos[0],
        crops=options.crops,
        threads=options.threads,
        interpreter=options.interpreter,
        delegate=options.delegate,
    )
    photos = islice(cycle(options.photos), options.warmup + options.runs)
    verdicts = [classify(photo) for photo in photos][options.warmup :]
    answers = [
        answer
        for verdict in verdicts
        for answer in ([one.verdict for one in verdict.regions] if isinstance(verdict, RegionsVerdict) else [verdict])
    ]
    return {
        "threads": options.threads,
        "mean_crops": sum(len(answer.crops) for answer in answers) / options.runs,
        "warmup": options.warmup,
        **plain(cold),
        "latency": plain(by_stage([verdict.ms for verdict in verdicts])),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0, 2 for a user's mistake, 130 for Ctrl-C, 143 for SIGTERM)."""
    options = _arguments(argv)
    # Pillow warns of damaged metadata, which photos are read without, and of sizes, which are checked here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    failed = False
    try:
        with guarded_output(), explain_missing():
            for row in _rows(options):
                # Of a job's photos the host judges.
                failed |= "error" in row and options.command != "measure"
                print(json.dumps(row), flush=True)  # noqa: T201 (this is the output)
    except EdgekitError as mistake:
        print_error(str(mistake))
        return 2
    except KeyboardInterrupt:
        return exit_code_of_stop()
    return 2 if failed else 0


if __name__ == "__main__":
    end_as_interrupted()
    sys.exit(main())
