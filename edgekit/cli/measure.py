"""``edgekit bench`` and ``crossval``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console
from edgekit.cli.train import (
    Alpha,
    AsJson,
    Data,
    Features,
    SkipBad,
    WorkingPx,
    bona_fide_label,
    fit_config,
    network_config,
    refuse_unused,
)
from edgekit.config import (
    BenchConfig,
    CrossvalConfig,
    NetworkConfig,
    Part,
    TrainConfig,
    qat_fit,
    whole_fit,
)
from edgekit.contract import CropPlan

if TYPE_CHECKING:
    from edgekit.bench import BenchPoint, BenchRecord
    from edgekit.crossval import CrossvalRecord
    from edgekit.intervals import Estimate
    from edgekit.scoring import CropUse

_BENCH, _NETWORK, _TRAIN = BenchConfig(), NetworkConfig(), TrainConfig()
_CROSSVAL = CrossvalConfig(train=_TRAIN)

Model = Annotated[Path, typer.Argument(help="A .tflite file that `edgekit convert` wrote.")]
Photos = Annotated[Path, typer.Option("--data", help="Labelled photos.")]
Split = Annotated[
    Part, typer.Option(help="Which photos; auto takes the test part of the data the model was trained on, else all.")
]

Crops = Annotated[
    int | None,
    typer.Option(help="Exactly so many crops. [default: the contract's, fewer where they settle it]", min=1),
]
AllCrops = Annotated[bool, typer.Option("--all-crops", help="Score all crops, also where fewer would settle it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: edgekit bench model.tflite --data photos --tta 1,3,5,10 --budget-ms 50")(
        console.interruptible(bench)
    )
    app.command(epilog="Example: edgekit crossval photos --out runs/cv --folds 6")(console.interruptible(crossval))


def taken(used: CropUse | None) -> str:
    """What is said of crops behind their largest number, where verdicts may stop early."""
    return "" if used is None else f" at most, mean {used.mean:.1f}, p95 {used.p95:.0f}"


def interval(estimate: Estimate | None, *, scale: float = 100.0) -> str:
    """A value with its interval, in percent unless scaled otherwise: ``85.2 (80.1-89.7)``."""
    if estimate is None:
        return "–"
    digits = 1 if scale == 100.0 else 3
    value, low, high = (f"{scale * number:.{digits}f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low}-{high})"


def caution(text: str) -> None:
    """What has to be said beside numbers."""
    if text:
        console.note(f"caution: {text}")


def bench(
    model: Model,
    data: Photos,
    tta: Annotated[str, typer.Option(help="Numbers of crops.")] = ",".join(map(str, _BENCH.tta)),
    threads: Annotated[str, typer.Option(help="Threads per inference.")] = ",".join(map(str, _BENCH.threads)),
    budget_ms: Annotated[float | None, typer.Option(help="Milliseconds that 95 of 100 photos may take.")] = None,
    runs: Annotated[int, typer.Option(help="Photos timed at each point.")] = _BENCH.runs,
    warmup: Annotated[int, typer.Option(help="Runs of each point that are not counted.")] = _BENCH.warmup,
    interpreter: Annotated[
        Literal["litert", "tflite-runtime"] | None, typer.Option(help="Which one. [default: the first installed]")
    ] = None,
    split: Split = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder for bench.json and pareto.png. [default: beside the model]")
    ] = None,
    skip_bad: SkipBad = False,
    json: AsJson = False,
) -> None:
    """Measure latency against accuracy.

    For every number of crops and threads; recommends one for a budget. Exit code 1 when none is within it.
    """
    from edgekit.bench import bench, pareto_points
    from edgekit.data.dataset import load_dataset
    from edgekit.plots import plot_pareto
    from edgekit.records import write_json
    from edgekit.runs import refuse_among_photos

    config = BenchConfig(
        tta=console.numbers(tta),
        threads=console.numbers(threads),
        runs=runs,
        warmup=warmup,
        interpreter=interpreter,
        budget_ms=budget_ms,
    )
    folder = out or model.parent
    with console.progress() as progress:
        dataset = load_dataset(data, skip_bad=skip_bad, progress=progress)
        refuse_among_photos(folder, dataset.root, "a benchmark")
        record = bench(model, dataset, config, part=split, progress=progress)
    record_path, plot_path = folder / f"{model.stem}.bench.json", folder / f"{model.stem}.pareto.png"
    write_json(record_path, record)
    title = f"{model.stem}: balanced accuracy on {record.photos} photos against latency"
    plot_pareto(plot_path, pareto_points(record.points), title=title, budget_ms=budget_ms)
    if json:
        console.print_json(record)
    else:
        print_bench(record)
    console.note(f"wrote {record_path} and {plot_path}")
    if record.recommended_crops is not None:
        crops = "" if record.recommended_early else f" --crops {record.recommended_crops}"
        console.note(f"next: edgekit predict {model} {data}{crops} --threads {record.recommended_threads}")
    if budget_ms is not None and record.recommended_crops is None:
        console.note(f"no point has a p95 within {budget_ms} ms; try fewer crops, more threads or a smaller model")
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def crops_label(point: BenchPoint) -> str:
    """``10``, or ``≤10`` where verdicts may stop early."""
    return f"≤{point.crops}" if point.stops_early else str(point.crops)


def print_bench(record: BenchRecord) -> None:
    """A benchmark as two tables: what a photo costs, and what the crops buy."""
    where = record.conditions
    rows = []
    for point in record.points:
        total = point.latency["total"]
        stages = [f"{point.latency[stage].p50_ms:.1f}" for stage in ("decode", "crop", "invoke", "vote")]
        latency = [f"{value:.1f}" for value in (total.p50_ms, total.p90_ms, total.p95_ms, total.p99_ms)]
        memory = "–" if point.cold.peak_memory_mb is None else f"{point.cold.peak_memory_mb:.0f}"
        rows.append(
            [f"{crops_label(point)} × {point.threads}", *latency, *stages, f"{point.cold.cold_start_ms:.0f}", memory]
        )
    console.print_table(
        f"ms per photo on {where.device}, {where.cores} cores, {where.interpreter}, {total.n} runs",
        ["crops × threads", "p50", "p90", "p95", "p99", "decode", "crop", "invoke", "vote", "cold start", "peak MiB"],
        rows,
    )
    rows = []
    for point in {crops_label(point): point for point in record.points}.values():
        found = point.evaluation
        rows.append(
            [
                f"{point.crops}{taken(point.crops_used)}",
                *(interval(one) for one in (found.balanced_accuracy, found.precision, found.recall, found.f1)),
                *(interval(one) for one in (found.apcer, found.bpcer)),
            ]
        )
    console.print_table(
        f"{record.photos} {record.part} photos, {record.precision}, percent with 95 % intervals",
        ["crops", "balanced accuracy", "precision", "recall", "F1", "APCER", "BPCER"],
        rows,
    )
    if record.recommended_crops is not None:
        from edgekit.bench import threads_label

        threads = threads_label(record.recommended_threads or 1)
        budget = f"within {record.budget_ms:g} ms (p95)" if record.budget_ms else "without a budget"
        most = "up to " if record.recommended_early else ""
        typer.echo(f"recommended {budget}: {most}{record.recommended_crops} crops, {threads}")
    caution(record.caution)


def crossval(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the folds and crossval.json.")],
    folds: Annotated[int, typer.Option(help="Each group is tested in one of them.", min=3)] = _CROSSVAL.folds,
    tta: Annotated[str, typer.Option(help="Numbers of crops to report.")] = ",".join(map(str, _CROSSVAL.crops)),
    backbone: Annotated[Literal["mobilenet_v2", "small_cnn"], typer.Option(help="Network.")] = _NETWORK.backbone,
    alpha: Alpha = None,
    side: Annotated[int, typer.Option(help="Side of the square input, in pixels.")] = _NETWORK.side_px,
    features: Features = None,
    weights: Annotated[str, typer.Option(help="imagenet, none, or a Keras HDF5 file without top.")] = "",
    tune: Annotated[
        Literal["head", "all"], typer.Option(help="Train the head alone, or then everything.")
    ] = _TRAIN.tune,
    plan: Annotated[str, typer.Option(help="Scales of the crops: [lead+lead:]cycle,cycle.")] = str(_TRAIN.plan),
    working_px: WorkingPx = _TRAIN.plan.working_px or 0,
    epochs: Annotated[int | None, typer.Option(help="With --tune all, of the float stage.", min=1)] = None,
    qat_epochs: Annotated[int | None, typer.Option(help="With --tune all, of the qat stage.", min=1)] = None,
    bona_fide: Annotated[str | None, typer.Option(help="Label of genuine photos. [default: told by name]")] = None,
    seed: Annotated[int, typer.Option(help="Of the folds and the training.")] = _TRAIN.seed,
    skip_bad: SkipBad = False,
    json: AsJson = False,
) -> None:
    """Test every group by a model that never saw it.

    Float, int8 PTQ and int8 QAT, side by side. A re-run goes on.
    """
    from edgekit.crossval import crossval
    from edgekit.data.dataset import load_dataset

    network = network_config(backbone, side, weights, alpha=alpha, features=features)
    refuse_unused(tune, {"epochs": epochs, "qat_epochs": qat_epochs})
    wanted = console.numbers(tta)
    with console.progress() as progress:
        dataset = load_dataset(data, skip_bad=skip_bad, progress=progress)
        train = TrainConfig(
            network=network,
            plan=CropPlan.parse(plan, crops=max(wanted), working_px=working_px or None),
            tune=tune,
            whole=fit_config(whole_fit(pretrained=network.weights != "none"), epochs=epochs),
            bona_fide=bona_fide_label(bona_fide, dataset.labels),
            seed=seed,
        )
        config = CrossvalConfig(train=train, qat=fit_config(qat_fit(), epochs=qat_epochs), folds=folds, crops=wanted)
        record = crossval(dataset, out, config, progress=progress)
    if json:
        console.print_json(record)
    else:
        print_crossval(record)
    console.note(f"wrote {out / 'crossval.json'}")


def print_crossval(record: CrossvalRecord) -> None:
    """A cross-validation as a table."""
    rows = []
    for one in record.variants:
        found = one.evaluation
        worst = found.by_group[found.worst_group]
        latency = [f"{split['total'].p50_ms:.1f}" for split in one.latency.values()]
        rows.append(
            [
                f"{one.variant}, k={one.crops}{taken(one.crops_used)}",
                interval(found.balanced_accuracy),
                console.percent(found.mean_over_groups),
                f"{console.percent(worst.balanced_accuracy)} ({found.worst_group})",
                interval(found.auc, scale=1.0),
                " / ".join(latency) or "–",
            ]
        )
    threads = " / ".join(record.variants[0].latency)
    console.print_table(
        f"{record.photos} photos of {record.groups} groups, each tested by a model that never saw its group; percent",
        ["model", "balanced accuracy", "mean of groups", "worst group", "AUC", f"p50 ms ({threads})"],
        rows,
    )
