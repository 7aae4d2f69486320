"""``edgekit crossval``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console
from edgekit.cli.options import (
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
from edgekit.contract import CropPlan
from edgekit.crossval.options import CrossvalConfig
from edgekit.train.options import NetworkConfig, TrainConfig, qat_fit, whole_fit

if TYPE_CHECKING:
    from edgekit.crossval.record import CrossvalRecord
    from edgekit.metrics.intervals import Estimate
    from edgekit.scoring.scores import CropUse

_NETWORK, _TRAIN = NetworkConfig(), TrainConfig()
_CROSSVAL = CrossvalConfig(train=_TRAIN)


def register(app: typer.Typer) -> None:
    """Add the commands."""
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
    from edgekit.crossval.folds import cross_validate
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
        record = cross_validate(dataset, out, config, progress=progress)
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
