"""``edgekit compare`` and ``sweep``: runs side by side, and many cross-validations by one file."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.contract import CropPlan
from edgekit.crossval.options import CrossvalConfig, check_variants
from edgekit.data.options import SplitConfig
from edgekit.errors import EdgekitError, RunError, require
from edgekit.metrics.wording import count
from edgekit.progress import about
from edgekit.sweep.options import PointEntry, SweepFile, SweepPoint, check_points, read_sweep_file
from edgekit.train.options import FIT_OPTIONS, TrainConfig, whole_fit
from edgekit.train.recipes import recipe_named

if TYPE_CHECKING:
    from edgekit.data.dataset import Dataset
    from edgekit.sweep.record import CompareRecord, SweepRecord


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of cross-validations, of a sweep, or of runs with their models, benchmarks and evaluations."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for compare.json, compare.md and compare.png.")] = None,
    json: options.AsJson = False,
) -> None:
    """Hold runs against each other.

    Accuracy on photos that they never saw, what int8 loses, size, multiplications, latency and training time; marks
    the rows that no other beats, and says what is not on record. Differences from the first run are photo by photo.
    """
    require("scipy")
    from edgekit.sweep.compare import compare_runs

    record = compare_runs(runs)
    console.show(record, print_comparison, json=json)
    if out is not None:
        _write(record, out, "Runs side by side")


def sweep(
    file: Annotated[
        Path, typer.Argument(metavar="SWEEP.toml", help="Points to cross-validate; docs/sweep.md has one.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder with one for each point, sweep.json, compare.md and the picture compare.png.")
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled photos with groups. [default: those of the file]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be made, and about how long it takes.")
    ] = False,
    columns: options.Columns = None,
    folders: options.Folders = None,
    no_keep: options.NoKeep = False,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Cross-validate backbones, sides and heads, and hold them against each other.

    A re-run takes the points that are there, and goes on. A point that fails is told, the others go on; exit code 1.
    """
    require("filelock", "tensorflow")
    from edgekit.data.dataset import load_dataset

    how, asked = options.reading(columns, folders), read_sweep_file(file)
    photos = data or asked.data
    if photos is None:
        raise RunError(f"{file} must name its photos as `data`, or the command with --data, got neither")
    points = [_point(asked, entry, f"{file}: points {at}") for at, entry in enumerate(asked.points, start=1)]
    check_points(points)
    options.check_places({"a sweep": out}, photos)
    with console.progress() as progress:
        dataset = load_dataset(
            photos,
            reading=how,
            check_labels=partial(options.bona_fide_label, asked.bona_fide),
            skip_bad=skip_bad,
            progress=progress,
        )
        points = [_with_bona_fide(point, asked, dataset) for point in points]
        if not dry_run:
            # TensorFlow takes seconds to load, which a mistake above need not wait for.
            from edgekit.sweep.run import run_sweep

            record = run_sweep(dataset, points, out, title=asked.title, keep=not no_keep, progress=progress)
    if dry_run:
        _print_points(points, len(dataset.samples), out)
        return
    if record.comparison is not None:
        _write(record.comparison, out, record.title)
    console.show(record, print_sweep, json=json)
    console.note(f"wrote {out / 'sweep.json'}")
    if record.failed:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _write(record: CompareRecord, out: Path, title: str) -> None:
    from edgekit.sweep.write import write_comparison

    written = write_comparison(record, out, title=title)
    console.note(f"wrote {', '.join(map(str, written))}")
    if not any(one.suffix == ".png" for one in written):
        console.note("no picture: no run has both an accuracy and a latency on record")


def _point(asked: SweepFile, entry: PointEntry, where: str) -> SweepPoint:
    """A cross-validation as `edgekit crossval` would be asked for it."""
    try:
        given = {name: getattr(entry, name) for name in ("alpha", "features", "dropout")}
        network = options.network_config(entry.backbone, entry.side, entry.weights, **given)
        fit = {name: getattr(entry, name) for name in FIT_OPTIONS}
        by_epochs = fit | {"dropout": entry.dropout}
        options.refuse_unused(entry.tune, {name: one for name, one in by_epochs.items() if name in entry.by_hand})
        crops = asked.crops if entry.crops is None else (entry.crops,)
        scales = asked.plan if entry.plan is None else entry.plan
        plan = CropPlan.parse(scales, crops=max(crops, default=1), working_px=asked.working_px or None)
        heads = options.chosen_heads(entry.heads, plan, entry.draws, entry.augment)
        train = TrainConfig(
            network=network,
            plan=plan,
            tune=entry.tune,
            head=entry.head,
            heads=heads,
            weigh=entry.weigh,
            draws=options.chosen_draws(entry.draws, entry.tune, heads, network),
            whole=options.changed(whole_fit(pretrained=network.weights != "none"), **fit),
            split=SplitConfig(group_by=asked.group_by),
            augment=entry.augment,
            seed=asked.seed,
            recipe=entry.recipe,
            overrides=_overrides(asked, entry),
        )
        config = CrossvalConfig(
            train=train,
            folds=asked.folds,
            crops=crops,
            variants=asked.variants,
            calibration_crops=asked.calibration_crops,
            timed_photos=asked.timed_photos,
        )
        check_variants(config.variants, network)
        return SweepPoint(name=entry.name or _name(train), config=config, note=entry.note)
    except EdgekitError as mistake:
        raise type(mistake)(f"{where}: {mistake}") from mistake


def _overrides(asked: SweepFile, entry: PointEntry) -> dict[str, str]:
    """What stands in place of a recipe's options, by their names."""
    own = [name for name in recipe_named(entry.recipe).options if name in entry.by_hand] if entry.recipe else []
    # What a point leaves out is the file's.
    return {name: str(getattr(asked if getattr(entry, name) is None else entry, name)) for name in own}


def _name(train: TrainConfig) -> str:
    """``efficientnet_lite0-224-texture-scales``: what tells points apart, and can be a folder's name.

    A recipe stands before it.
    """
    network = train.network
    width = (f"{network.alpha:g}",) if network.known.any_width else ()
    features = (network.features,) if network.known.has_choice else ()
    heads = ("scales",) if train.heads == "scales" else ()
    solved = tuple(one for one in (train.head, train.weigh) if one not in (options.TRAIN.head, options.TRAIN.weigh))
    tuned = () if train.is_solved else (train.tune.replace(":", ""),)
    scratch = ("scratch",) if network.weights == "none" else ()
    recipe = (train.recipe,) if train.recipe else ()
    return "-".join(
        [*recipe, network.backbone, *width, str(network.side_px), *features, *heads, *solved, *tuned, *scratch]
    )


def _with_bona_fide(point: SweepPoint, asked: SweepFile, dataset: Dataset) -> SweepPoint:
    label = options.bona_fide_label(asked.bona_fide, dataset.labels)
    return replace(point, config=replace(point.config, train=replace(point.config.train, bona_fide=label)))


def _print_points(points: list[SweepPoint], photos: int, out: Path) -> None:
    """What a sweep would make."""
    from edgekit.sweep.compare import described
    from edgekit.sweep.estimate import foretell

    costs = [foretell(point.config, photos) for point in points]
    rows = [
        [
            point.name,
            described(point.config.train),
            f"{cost.crops:,}",
            f"{cost.macs / 1e6:,.0f} M",
            "is there" if (out / point.name / "crossval.json").exists() else about(cost.seconds),
        ]
        for point, cost in zip(points, costs, strict=True)
    ]
    title = f"{count(len(points), 'point')}, {count(points[0].config.folds, 'fold')}, {count(photos, 'photo')}"
    console.print_table(title, ["point", "network", "crops", "multiplications a crop", "time"], rows)
    total = about(sum(cost.seconds for cost in costs))
    console.note(
        f"{total} in all from nothing, by multiplications; decoding photos, timing, and adapting weights for int8 QAT "
        "come on top"
    )


def print_sweep(record: SweepRecord) -> None:
    """A sweep as a table."""
    from edgekit.sweep.tables import title_of

    if record.comparison is not None:
        typer.echo(title_of(record))
        print_comparison(record.comparison)
    for name, why in record.failed.items():
        console.note(f"failed: {name}: {why}")


def print_comparison(record: CompareRecord) -> None:
    """Runs as a table."""
    from edgekit.sweep.tables import PERCENT, comparison_table, network_table

    columns, rows = comparison_table(record)
    console.print_table(PERCENT, columns, rows)
    columns, rows = network_table(record)
    console.print_table("", columns, rows, rest="left")
    console.caution(*record.cautions)
    for line in record.missing:
        console.note(f"not on record: {line}")
