"""``edgekit crossval``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.cli.several import judged_cells
from edgekit.contract import CropPlan
from edgekit.crossval.options import MIN_FOLDS, VARIANTS, CrossvalConfig, VariantName, check_variants, variant_stem
from edgekit.data.options import SplitConfig
from edgekit.errors import EdgekitError, require
from edgekit.metrics.wording import (
    NOTHING,
    asked_again_said,
    calibration_said,
    count,
    interval,
    listed,
    percent,
    rate_interval,
    with_bounds,
)
from edgekit.train.options import FIT_OPTIONS, TrainConfig, qat_fit, whole_fit
from edgekit.train.recipes import recipe_named
from edgekit.train.weights_file import check_weights_file

if TYPE_CHECKING:
    from edgekit.crossval.record import CrossvalRecord, VariantRecord
    from edgekit.metrics.classification import Evaluation

_CROSSVAL = CrossvalConfig(train=options.TRAIN)
_STEMS = {variant_stem(variant): variant for variant in VARIANTS}


def crossval(
    context: typer.Context,
    data: options.Data,
    out: Annotated[Path, typer.Option(help="Folder for the folds and crossval.json.")],
    recipe: options.RecipeName = None,
    folds: Annotated[int, typer.Option(help="Each group is tested in one of them.", min=MIN_FOLDS)] = _CROSSVAL.folds,
    crops: Annotated[str | None, options.numbers_of_crops(_CROSSVAL.crops)] = None,
    tta: options.Tta = None,
    variants: Annotated[
        str | None,
        typer.Option(
            help="What is made of each fold, with commas between; without int8-qat a fold is done much sooner. "
            f"[default: {','.join(_STEMS)}]"
        ),
    ] = None,
    backbone: options.Backbone = options.NETWORK.backbone,
    alpha: options.Alpha = None,
    side: options.Side = None,
    features: options.Features = None,
    weights: options.Weights = "",
    tune: options.Tune = options.TRAIN.tune,
    head: options.Head = options.TRAIN.head,
    heads: options.Heads = options.TRAIN.heads,
    weigh: options.Weigh = options.TRAIN.weigh,
    regions: options.Regions = None,
    detector: options.DetectorChoice = None,
    align: options.Align = None,
    margin: options.Margin = None,
    unknown: options.UnknownFlag = False,
    unknown_cost: options.UnknownCost = None,
    unknown_rule: options.UnknownRuleChoice = None,
    plan: options.Plan = str(options.TRAIN.plan),
    working_px: options.WorkingPx = options.TRAIN.plan.working_px or 0,
    draws: options.Draws = None,
    epochs: options.Epochs = None,
    qat_epochs: Annotated[int | None, typer.Option(help="At most this many epochs of the qat stage.", min=1)] = None,
    group_by: options.GroupByOption = None,
    bona_fide: options.BonaFide = None,
    multi_label: options.MultiLabel = False,
    seed: options.Seed = options.TRAIN.seed,
    columns: options.Columns = None,
    folders: options.Folders = None,
    no_keep: options.NoKeep = False,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Test every group by a model that never saw it.

    Float, int8 PTQ and int8 QAT, side by side. A re-run goes on. `edgekit compare` holds several against each other.
    """
    require("filelock", "tensorflow")
    from edgekit.data.dataset import load_dataset

    how = replace(options.reading(columns, folders), multi_label=multi_label)
    beside = options.recipe_beside(context, recipe)
    features, dropout = options.features_by(context, recipe, backbone, features), beside.get("dropout")
    network = options.network_config(backbone, side, weights, alpha=alpha, features=features, dropout=dropout)
    by_epochs = {"epochs": epochs, "qat_epochs": qat_epochs}
    options.refuse_unused(tune, {name: one for name, one in by_epochs.items() if options.by_user(context, name)})
    wanted = options.crop_counts(crops, default=_CROSSVAL.crops, tta=tta)
    made = _variants(variants)
    if qat_epochs is not None and "int8 QAT" not in made:
        raise EdgekitError(f"--qat-epochs are of int8-qat, got --variants {variants}; leave that out")
    crop_plan = CropPlan.parse(plan, crops=max(wanted), working_px=working_px or None)
    augment = beside.get("augment", options.TRAIN.augment)
    heads = options.chosen_heads(heads, crop_plan, draws, augment)
    fit = {name: value for name, value in beside.items() if name in FIT_OPTIONS} | {"epochs": epochs}
    train = TrainConfig(
        network=network,
        plan=crop_plan,
        tune=tune,
        head=head,
        heads=heads,
        weigh=weigh,
        draws=options.chosen_draws(draws, tune, heads, network),
        whole=options.changed(whole_fit(pretrained=network.weights != "none"), **fit),
        split=SplitConfig(group_by=group_by),
        augment=augment,
        seed=seed,
        recipe=recipe or "",
        overrides=options.overrides(context, recipe_named(recipe)) if recipe else {},
        multi_label=multi_label,
        # Which is refused beside the other; of one label a photo it waits for the photos.
        bona_fide=(bona_fide or "") if multi_label else "",
    )
    train = options.with_detector(train, regions, detector=detector, align=align, margin=margin)
    train = options.with_unknown(train, unknown=unknown, cost=unknown_cost, rule=unknown_rule)
    qat = options.changed(qat_fit(), epochs=qat_epochs)
    config = CrossvalConfig(train=train, qat=qat, folds=folds, crops=wanted, variants=made)
    check_weights_file(network)
    check_variants(made, network)
    options.check_places({"a cross-validation": out}, data)
    with console.progress() as progress:
        dataset = load_dataset(
            data,
            reading=how,
            check_labels=None if multi_label else partial(options.check_labels, bona_fide, unknown=unknown),
            skip_bad=skip_bad,
            progress=progress,
        )
        if not multi_label:
            train = replace(train, bona_fide=options.bona_fide_label(bona_fide, dataset.labels))
            config = replace(config, train=train)
        # TensorFlow takes seconds to load, which a mistake above need not wait for.
        from edgekit.crossval.folds import cross_validate

        record = cross_validate(dataset, out, config, keep=not no_keep, progress=progress)
    console.show(record, print_crossval, json=json)
    console.note(f"wrote {out / 'crossval.json'}")


def _variants(given: str | None) -> tuple[VariantName, ...]:
    """The variants of an option, in the order in which they are made."""
    named = options.names(given) if given is not None else tuple(_STEMS)
    if not set(named) <= set(_STEMS) or len(set(named)) < len(named):
        raise typer.BadParameter(f"some of {', '.join(_STEMS)} with commas between, each once; got {given!r}")
    return tuple(variant for stem, variant in _STEMS.items() if stem in named)


def print_crossval(record: CrossvalRecord) -> None:
    """A cross-validation as a table."""
    columns, cells = judged_cells([one.evaluation for one in record.variants], _variant_row)
    rows = []
    for one, own in zip(record.variants, cells, strict=True):
        latency = [f"{split['total'].p50_ms:.1f}" for split in one.latency.values()]
        name = f"{one.variant}, {count(one.crops, 'crop')}{console.crops_taken(one.crops_used)}"
        rows.append([name, *own, " / ".join(latency) or NOTHING])
    threads = " / ".join(record.variants[0].latency)
    photos = f"{count(record.photos, 'photo')} of {count(record.groups, 'group')}"
    console.print_table(
        f"{photos}, each tested by a model that never saw its group; percent",
        ["model", *columns, f"p50 ms ({threads})"],
        rows,
    )
    for one in record.variants:
        for name, value in (*calibration_said(one.reliability), *asked_again_said(one.asked_again)):
            typer.echo(f"{one.variant}, {name}: {value}")
        _print_unknown(one)
    console.caution(*dict.fromkeys(one.gap.warning for one in record.variants if one.gap))


def _variant_row(one: Evaluation, shown: Sequence[Evaluation]) -> dict[str, str]:
    """What is told of a variant, beside all that stand in the table."""
    from edgekit.metrics.attacks import attacks_told

    worst = one.by_group[one.worst_group]
    row = {
        "balanced accuracy": interval(one.balanced_accuracy, bare=True),
        "mean of groups": percent(one.mean_over_groups),
        "worst group": f"{percent(worst.balanced_accuracy)} ({one.worst_group})",
    }
    return row | ({"AUC": interval(one.auc, scale=1.0)} if attacks_told(shown) else {})


def _print_unknown(one: VariantRecord) -> None:
    """What the folds' rules for unknown take of photos that they should know, and what training said of the others."""
    if one.unknown is None:
        return
    name = f"{one.variant}, {count(one.crops, 'crop')}"
    rejected, rules = one.unknown.rejected, one.unknown.rules
    photos = f"{rejected.errors} of {count(rejected.n, 'photo')}, {rate_interval(rejected)}"
    typer.echo(f"{name}, known photos called unknown: {photos}")
    areas = [rule.auroc for rule in rules if rule.auroc is not None]
    passed = [100 * rule.false_accept for rule in rules if rule.false_accept is not None]
    said = [f"rules {listed([rule.rule for rule in rules], len(rules))}"]
    said += [f"AUROC {with_bounds(mean(areas), min(areas), max(areas), digits=3)}"] if areas else []
    said += [f"false accepts {with_bounds(mean(passed), min(passed), max(passed), unit=' %')}"] if passed else []
    typer.echo(f"{name}, classes that each fold's training held out (folds): {', '.join(said)}")
