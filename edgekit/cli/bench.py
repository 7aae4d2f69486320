"""``edgekit bench``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.bench.options import BenchConfig, quick_bench
from edgekit.cli import console, options
from edgekit.cli.several import judged_cells
from edgekit.metrics.wording import NOTHING, count, interval, percent, photos_of, with_bounds

if TYPE_CHECKING:
    from edgekit.bench.compare import Change
    from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
    from edgekit.metrics.classification import Evaluation
    from edgekit.metrics.intervals import Estimate

_LONG, _QUICK = BenchConfig(), quick_bench()


def _defaults(name: str) -> str:
    long, quick = getattr(_LONG, name), getattr(_QUICK, name)
    return f"[default: {long:g}; with --quick {quick:g}]"


Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        help="local, ssh://user@host[:port], adb://SERIAL or a FILE.toml; repeat for several. [default: local]",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(help="litert, tflite-runtime, or both with a comma. [default: the first found]"),
]
Delegates = Annotated[
    list[str] | None,
    typer.Option(
        help="xnnpack, none (plain kernels), ext:/path/on/device.so; several with commas. Where another one runs the "
        "model, that is an error. [default: the interpreter's own choice]"
    ),
]

Exports = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        help="A phone's export of what its app measured, instead of --data and --device; repeat for several phones.",
    ),
]
# What says how to show and judge numbers that are there already.
_WITH_EXPORTS = {"model", "from_", "budget_ms", "against", "tolerance", "out", "json"}


def bench(
    context: typer.Context,
    model: options.Model,
    data: Annotated[Path | None, typer.Option("--data", help="Labelled photos.")] = None,
    device: Devices = None,
    from_: Exports = None,
    crops: Annotated[str | None, options.numbers_of_crops(_LONG.crops)] = None,
    tta: options.Tta = None,
    threads: Annotated[str, typer.Option(help="Crops scored at the same time.")] = options.joined(_LONG.threads),
    interpreter: Names = None,
    delegate: Delegates = None,
    affinity: Annotated[
        str, typer.Option(help="Cores to run on: all, big, little, or numbers such as 4-7.")
    ] = _LONG.affinity,
    budget_ms: Annotated[float | None, typer.Option(help="Milliseconds that 95 of 100 photos may take.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A short one, whose numbers are rough.")] = False,
    runs: Annotated[
        int | None, typer.Option(help=f"Runs of each point in each repeat, at least. {_defaults('runs')}")
    ] = None,
    min_seconds: Annotated[
        float | None, typer.Option(help=f"The same in seconds; both hold. {_defaults('min_seconds')}")
    ] = None,
    repeats: Annotated[int | None, typer.Option(help=f"Each loads the model anew. {_defaults('repeats')}")] = None,
    warmup: Annotated[
        int | None, typer.Option(help=f"Runs of each point that are not counted, at least. {_defaults('warmup')}")
    ] = None,
    warmup_seconds: Annotated[
        float | None, typer.Option(help=f"The same in seconds; both hold. {_defaults('warmup_seconds')}")
    ] = None,
    cool_down: Annotated[
        str, typer.Option(help="Pause before each repeat: seconds, or a temperature to wait for (45C).")
    ] = _LONG.cool_down,
    timeout: Annotated[
        float, typer.Option(help="Seconds of silence after which a device is given up.")
    ] = _LONG.timeout_s,
    against: Annotated[
        Path | None, typer.Option(help="An earlier bench.json; exit code 1 where this one is worse.")
    ] = None,
    tolerance: Annotated[str, typer.Option(help="By how much a latency may grow.")] = "10%",
    split: options.Split = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder for bench.json, pareto.png and lines. [default: beside the model]")
    ] = None,
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Measure latency against accuracy, on this machine and on devices.

    For every number of crops and threads, every interpreter and delegate; recommends one for a budget. A re-run goes on
    where a device broke off. With --from, the same of what apps measured on phones. Exit code 1 when nothing is within
    the budget, or something is worse than --against.
    """
    from edgekit.bench.benchmark import benchmark
    from edgekit.bench.compare import check_comparable
    from edgekit.bench.from_phones import benchmark_of_exports
    from edgekit.bench.record import BenchRecord
    from edgekit.devices.parse import open_devices
    from edgekit.records import from_plain, read_json
    from edgekit.runtime.interpreter import check_delegate, check_interpreter

    share, folder, old = _share(tolerance), out or model.parent, None
    if against is not None:
        old = from_plain(BenchRecord, read_json(against), where=str(against))
    if from_:
        _refuse_beside_exports(context)
        with console.progress() as progress:
            record = benchmark_of_exports(model, from_, budget_ms=budget_ms, out=folder, progress=progress)
        _finish(record, model, old, folder=folder, tolerance=share, json=json)
        return
    if data is None:
        raise typer.BadParameter("photos are needed: --data PHOTOS, or --from EXPORT.zip of a phone's app")
    config = options.changed(
        _QUICK if quick else _LONG,
        crops=options.crop_counts(crops, default=_LONG.crops, tta=tta),
        threads=options.numbers(threads),
        interpreters=_names(interpreter),
        delegates=_names(delegate) or _LONG.delegates,
        affinity=affinity,
        cool_down=cool_down,
        timeout_s=timeout,
        budget_ms=budget_ms,
        part=split,
        runs=runs,
        min_seconds=min_seconds,
        repeats=repeats,
        warmup=warmup,
        warmup_seconds=warmup_seconds,
    )
    for name in config.interpreters:
        check_interpreter(name)
    for name in config.delegates:
        check_delegate(name)
    how, known = options.read_for(options.reading(columns, folders), model), options.labels_of(model)
    options.check_places({"a benchmark": folder}, data)
    devices = open_devices(device or ["local"])
    try:
        with console.progress() as progress:
            dataset = options.load_photos(data, how, known=known, skip_bad=skip_bad, progress=progress)
            if old is not None:
                whole = [one.name for one in devices if one.network_timer is None]
                check_comparable(old, data_sha256=dataset.sha256, devices=whole)
            record = benchmark(model, dataset, config, devices=devices, out=folder, progress=progress)
    finally:
        for one in devices:
            one.close()
    _finish(record, model, old, folder=folder, tolerance=share, json=json, data=data)


def _refuse_beside_exports(context: typer.Context) -> None:
    """Hold that nothing is asked of a phone that has measured already."""
    named = options.named_by_user(context) - _WITH_EXPORTS
    given = [f"--{name.replace('_', '-')}" for name in context.params if name in named]
    if given:
        raise typer.BadParameter(
            f"--from shows what an app measured, on the photos and by the settings in its export; leave out"
            f" {', '.join(given)}"
        )


def _finish(
    record: BenchRecord,
    model: Path,
    old: BenchRecord | None,
    *,
    folder: Path,
    tolerance: float,
    json: bool,
    data: Path | None = None,
) -> None:
    """Show a benchmark and what became worse; the exit code says whether anything did."""
    from edgekit.bench.benchmark import record_path
    from edgekit.bench.compare import compare_benchmarks

    console.note(f"wrote {record_path(folder, model)}")
    _plot(record, folder, model.stem)
    console.show(record, print_bench, json=json)
    if data is not None:
        _next_step(model, data, record)
    failed = _over_budget(record)
    if old is not None:
        failed |= print_changes(compare_benchmarks(old, record, tolerance=tolerance), quiet=json)
        for phone in record.native:
            console.note(f"{phone.device} timed the network alone, which is not compared")
    if failed:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _plot(record: BenchRecord, folder: Path, stem: str) -> None:
    from edgekit.bench.record import pareto_points
    from edgekit.figures.pareto import plot_pareto

    plot_path = folder / f"{stem}.pareto.png"
    points = pareto_points(record.devices)
    if points:
        measure = record.devices[0].points[0].evaluation.measure
        title = f"{stem}: {measure} on {count(record.photos, 'photo')} against latency"
        plot_pareto(plot_path, points, title=title, budget_ms=record.budget_ms)
        console.note(f"wrote {plot_path}")


def _names(texts: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())


def _share(text: str) -> float:
    try:
        return float(text.strip().removesuffix("%")) / 100
    except ValueError as failure:
        raise typer.BadParameter(f"--tolerance must be a percentage such as 10%, got {text!r}") from failure


def _next_step(model: Path, data: Path, record: BenchRecord) -> None:
    best = next((one.recommended for one in record.devices if one.kind == "local"), None)
    if best is not None:
        crops = () if best.stops_early else ("--crops", best.crops)
        console.note(f"next: {console.command('predict', model, data, *crops, '--threads', best.threads)}")


def _over_budget(record: BenchRecord) -> bool:
    """Whether a device has latencies, but none within the budget; says so."""
    failed = False
    for one in record.devices:
        if record.budget_ms is not None and one.recommended is None and not one.no_latency:
            failed = True
            console.note(
                f"{one.device}: no point has a p95 within {record.budget_ms:g} ms; try fewer crops, more threads or a "
                "smaller model"
            )
    return failed


def crops_label(point: BenchPoint) -> str:
    """``10``, or ``≤10`` where verdicts may stop early."""
    return f"≤{point.crops}" if point.stops_early else str(point.crops)


def print_bench(record: BenchRecord) -> None:
    """A benchmark as tables: for each device what a photo costs and what the crops buy."""
    if record.quick:
        console.note("a quick benchmark: its latencies are rough")
    console.print_left_out(record.left_out)
    budget = f"within {record.budget_ms:g} ms (p95)" if record.budget_ms else "without a budget"
    for one in record.devices:
        _print_latencies(one)
        _print_accuracy(record, one)
        best = one.recommended
        if best is not None:
            crops = f"{'up to ' if best.stops_early else ''}{count(best.crops, 'crop')}"
            where = f" on {one.device}" if len(record.devices) > 1 else ""
            engine = f"{best.interpreter}{'' if best.delegate == 'default' else f', {best.delegate}'}"
            typer.echo(f"recommended{where} {budget}: {crops}, {count(best.threads, 'thread')}, {engine}")
    _print_native(record)
    console.caution(record.caution)


def _print_native(record: BenchRecord) -> None:
    """What phones without a Python said of the network alone."""
    for one in record.native:
        rows = [
            [
                str(point.threads),
                f"{point.mean_ms:.2f}",
                ", ".join(f"{run.mean_ms:.2f}" for run in point.repeats),
                ", ".join(NOTHING if run.p95_ms is None else f"{run.p95_ms:.2f}" for run in point.repeats),
                f"{point.repeats[0].first_ms:.2f}",
                f"{point.repeats[0].init_ms:.1f}",
            ]
            for point in one.points
        ]
        console.print_table(
            f"ms of one inference on {one.device} ({one.name}), by {one.tool}: the network alone, no accuracy",
            ["threads", "mean", "of each repeat", "p95", "first", "loading"],
            rows,
        )


def _engines(bench: DeviceBench) -> list[str]:
    """What tells each point's engine from others, to stand behind its name; empty where all have the same."""
    engines = [f", {point.interpreter} {point.delegate}" for point in bench.points]
    return engines if len(set(engines)) > 1 else [""] * len(engines)


def _print_latencies(bench: DeviceBench) -> None:
    if bench.no_latency:
        typer.echo(f"no latencies of {bench.device}: {bench.no_latency}")
        return
    where, rows = bench.conditions, []
    for point, engine in zip(bench.points, _engines(bench), strict=True):
        name = f"{crops_label(point)} × {point.threads}{engine}"
        if point.latency is None or point.intervals is None or point.spread is None:
            rows.append([name, *[NOTHING] * 11])
            continue
        total, bounds = point.latency["total"], point.intervals["total"]
        cold_ms, memory_mb = (point.cold.cold_start_ms, point.cold.peak_memory_mb) if point.cold else (None, None)
        rows.append(
            [
                name,
                with_bounds(total.p50_ms, *bounds["p50_ms"]),
                f"{total.p90_ms:.1f}",
                with_bounds(total.p95_ms, *bounds["p95_ms"]),
                f"{total.p99_ms:.1f}",
                *(f"{point.latency[stage].p50_ms:.1f}" for stage in ("decode", "crop", "invoke", "vote")),
                f"±{percent(point.spread.relative / 2, 0)}" if len(point.spread.p50_ms) > 1 else NOTHING,
                *(NOTHING if value is None else f"{value:.0f}" for value in (cold_ms, memory_mb)),
            ]
        )
    console.print_table(
        f"ms per photo on {bench.device} ({where.device}, {where.cores} cores, {where.interpreter}), "
        f"{where.repeats} × {where.min_runs} runs or more, 95 % intervals",
        ["crops × threads", "p50", "p90", "p95", "p99", "decode", "crop", "invoke", "vote", "repeats", "cold", "MiB"],
        rows,
    )
    if bench.no_cold:
        console.note(f"{bench.device}: no cold starts: {bench.no_cold}")
    if bench.throttling is not None and bench.throttling.verdict == "throttled":
        console.note(
            f"{bench.device} throttled: inference was {percent(bench.throttling.ratio - 1, 0)} slower at the end of "
            "the repeats than at their beginning; cool it, or add --cool-down"
        )


def _print_accuracy(record: BenchRecord, bench: DeviceBench) -> None:
    # Threads change no answer, so one point stands for all of its number of crops.
    points = {(crops_label(point), engine): point for point, engine in zip(bench.points, _engines(bench), strict=True)}
    columns, cells = judged_cells([point.evaluation for point in points.values()], _accuracy_row)
    rows = [
        [f"{point.crops}{console.crops_taken(point.crops_used)}{engine}", *own]
        for (_, engine), point, own in zip(points, points.values(), cells, strict=True)
    ]
    photos = photos_of(record.photos, record.part)
    console.print_table(
        f"{photos} on {bench.device}, {record.precision}, percent with 95 % intervals", ["crops", *columns], rows
    )


def _accuracy_row(one: Evaluation, shown: Sequence[Evaluation]) -> dict[str, str]:
    """What is told of a point, beside all that stand in the table."""
    from edgekit.metrics.attacks import attacks_told

    shares: dict[str, Estimate | None] = {
        "balanced accuracy": one.balanced_accuracy,
        "precision": one.precision,
        "recall": one.recall,
        "F1": one.f1,
    }
    if attacks_told(shown):
        shares |= {"APCER": one.apcer, "BPCER": one.bpcer}
    row = {name: interval(share, bare=True) for name, share in shares.items()}
    if any(other.report.abstained for other in shown):
        row["called unknown, photos"] = str(one.report.abstained)
    return row


def print_changes(changes: Sequence[Change], *, quiet: bool) -> bool:
    """What became worse or better; returns whether anything became worse."""
    rows = []
    for one in changes:
        values = [f"{one.old:.3g}", f"{one.new:.3g}", f"{100 * one.relative:+.1f} %"]
        rows.append([f"{one.device}: {one.point}", one.what, *values, one.verdict])
    if not quiet:
        console.print_table(
            "against the earlier benchmark", ["point", "what", "then", "now", "change", "verdict"], rows
        )
    worse = [one for one in changes if one.verdict == "worse"]
    for one in worse:
        console.note(f"worse: {one.device}: {one.point}: {one.what} {one.old:.3g}, now {one.new:.3g}")
    return bool(worse)
