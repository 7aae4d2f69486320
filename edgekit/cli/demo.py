"""``edgekit demo``: every stage as a user would run it, on photos that it makes itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.errors import EdgekitError
from edgekit.metrics.wording import count, percent
from edgekit.terminal import EXIT_INTERRUPTED, exit_code_of_stop

if TYPE_CHECKING:
    from edgekit.bench.record import BenchRecord

# Held-out screens and cameras, int8, all crops.
TARGET = 0.95
_SMALL = (
    "--backbone",
    "small_cnn",
    "--side",
    "96",
    "--plan",
    "native",
    "--crops",
    "10",
    "--tune",
    "all",
    "--epochs",
    "14",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """One command of the demo and what it took."""

    command: str
    seconds: float
    peak_memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRecord:
    """What the demo did and found.

    Attributes:
        stages: Those of this call, and those of earlier calls whose results it took and whose times are known.
        seconds: Of all these stages.
    """

    stages: tuple[StageTime, ...]
    seconds: float
    peak_memory_mb: float
    target: float
    balanced_accuracy: float
    bench: BenchRecord


def demo(
    out: Annotated[Path, typer.Option(help="Folder for photos, run, model and plots.")] = Path("runs/demo"),
    overwrite: options.Overwrite = False,
) -> None:
    """Turn simulated photos into a measured int8 model.

    Runs data simulate, finetune, qat, convert, evaluate, bench and report as a user would. A re-run goes on.
    """
    from edgekit.records import from_plain, read_json, write_json

    photos, run, calibration = out / "photos", out / "run", out / "calibration"
    model = out / "demo-int8.tflite"
    bench_record, page = out / "demo-int8.bench.json", out / "report.html"
    evaluation = out / "evaluation"
    go_on = ["--overwrite"] if overwrite else ["--resume"]
    aware, crops = ["--epochs", "3", "--learning-rate", "1e-4"], ["--calibration", str(calibration)]
    measured = ["--budget-ms", "30", "--quick"]
    commands: list[tuple[Path, list[str]]] = [
        (photos / "simulate.json", ["data", "simulate", str(photos)]),
        (run / "float.json", ["finetune", str(photos), "--out", str(run), *_SMALL, *go_on]),
        (run / "qat.json", ["qat", str(run), *aware, *crops, *go_on]),
        (model, ["convert", str(run), "--int8", *crops, "--out", str(model)]),
        (evaluation / "evaluate.json", ["evaluate", str(model), "--data", str(photos), "--out", str(evaluation)]),
        (bench_record, ["bench", str(model), "--data", str(photos), "--out", str(out), *measured]),
        (page, ["report", str(out), "--data", str(photos), "--out", str(page)]),
    ]
    stages: list[StageTime] = []
    untimed: list[str] = []
    going = False
    for made, arguments in commands:
        # Timing is cheap and machines differ, so the benchmark is never reused; nor is what older stages became.
        if _is_finished(made) and not overwrite and not going and arguments[0] != "bench":
            console.note(f"have {made}")
            earlier = _earlier_time(out / "demo.json", command_of(arguments), made)
            stages += earlier
            untimed += [] if earlier else [command_of(arguments)]
            continue
        going = True
        in_the_way = arguments[0] == "convert" and (made.exists() or made.with_suffix(".json").exists())
        again = ["--overwrite"] if in_the_way else []
        stages.append(_stage([*arguments, *again]))
    from edgekit.bench.record import BenchRecord

    bench = from_plain(BenchRecord, read_json(bench_record), where=str(bench_record))
    last = max(bench.devices[0].points, key=lambda point: point.crops)
    record = DemoRecord(
        stages=tuple(stages),
        seconds=sum(stage.seconds for stage in stages),
        peak_memory_mb=max(stage.peak_memory_mb for stage in stages),
        target=TARGET,
        balanced_accuracy=last.evaluation.headline.value,
        bench=bench,
    )
    write_json(out / "demo.json", record)
    reached = "reached" if record.balanced_accuracy >= TARGET else "MISSED"
    typer.echo(
        f"int8, {count(last.crops, 'crop')}, screens and cameras that training never saw: balanced accuracy "
        f"{percent(record.balanced_accuracy)} (target {percent(TARGET)}: {reached})"
    )
    without = f" without {', '.join(untimed)}, which an earlier call ran" if untimed else ""
    typer.echo(
        f"{record.seconds:.0f} s{without}, at most {record.peak_memory_mb:.0f} MiB; "
        f"report: {page}, plot: {out / 'demo-int8.pareto.png'}"
    )
    typer.echo(f"try next: {console.command('predict', model, photos / 'recapture')}")
    if record.balanced_accuracy < TARGET:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def command_of(words: list[str]) -> str:
    """The command that some words call: ``bench``, or ``data simulate`` of a group."""
    return " ".join(words[: 2 if words[:1] == ["data"] else 1])


def _earlier_time(record: Path, command: str, made: Path) -> list[StageTime]:
    """What an earlier call's record says of the stage that made a file; nothing where it says nothing of that file."""
    from edgekit.records import from_plain, read_json

    try:
        # A later call made it, and was stopped before it wrote its own record.
        if made.stat().st_mtime_ns > record.stat().st_mtime_ns:
            return []
        known = [from_plain(StageTime, stage, where=str(record)) for stage in read_json(record).get("stages", [])]
    except (EdgekitError, OSError, TypeError):
        return []
    return [stage for stage in known if command_of(stage.command.split()[1:]) == command][:1]


def _is_finished(made: Path) -> bool:
    """Whether a stage's result lies there, and not that of one that Ctrl-C ended early."""
    from edgekit.records import read_json

    return os.path.exists(made) and not (made.suffix == ".json" and read_json(made).get("interrupted", False))


def _stage(arguments: list[str]) -> StageTime:
    """Run one command in a process of its own, as a user would."""
    command = "edgekit " + " ".join(arguments)
    console.note(f"$ {command}")
    began = time.monotonic()
    done = subprocess.Popen([sys.executable, "-m", "edgekit", *arguments])  # noqa: S603 (our own module, no shell)
    try:
        _, status, usage = os.wait4(done.pid, 0)
    except KeyboardInterrupt:
        # Ctrl-C came to it, too; other signals come to this process alone.
        if exit_code_of_stop() != EXIT_INTERRUPTED:
            done.terminate()
        done.wait()
        raise
    code = os.waitstatus_to_exitcode(status)
    if code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    # A benchmark that finds no point within its budget has still measured all of them.
    if code != 0 and (arguments[0], code) != ("bench", console.EXIT_CHECK_FAILED):
        console.note(f"`{command}` failed with exit code {code}")
        raise typer.Exit(code if code > 0 else console.EXIT_CHECK_FAILED)
    # Linux counts KiB, macOS bytes.
    unit = 1 << 20 if platform.system() == "Darwin" else 1 << 10
    return StageTime(command=command, seconds=time.monotonic() - began, peak_memory_mb=usage.ru_maxrss / unit)
