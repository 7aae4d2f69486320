"""``edgekit finetune``, ``qat`` and ``convert``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edgekit.cli import console, options
from edgekit.contract import CropPlan, Precision
from edgekit.convert.options import ConvertConfig
from edgekit.data.options import SplitConfig
from edgekit.errors import EdgekitError
from edgekit.metrics.wording import HELD_OUT, count, file_size, passing_said, percent, points, with_bounds
from edgekit.quantize.options import CALIBRATION_CROPS, CalibrationFolder, refuse_unquantisable
from edgekit.shipped import is_model_name, shipped_folder
from edgekit.terminal import exit_code_of_stop
from edgekit.train.options import CALIBRATED, AugmentName, TrainConfig, qat_fit, whole_fit
from edgekit.train.recipes import recipe_named
from edgekit.train.weights_file import check_weights_file

if TYPE_CHECKING:
    from edgekit.convert.gate import Gate
    from edgekit.data.dataset import Dataset
    from edgekit.train.record import TrainRecord
    from edgekit.train.start_from import Start
    from edgekit.train.unknown import UnknownFound

_SPLIT, _CONVERT = SplitConfig(), ConvertConfig()

Augment = Annotated[
    AugmentName,
    typer.Option(
        help="Vary training photos before random crops are drawn. antispoof, cars and mild resample, which blurs "
        "moiré; recapture-safe does not. mild spares letters and colours."
    ),
]


def finetune(
    context: typer.Context,
    data: options.Data,
    out: Annotated[Path, typer.Option(help="Folder for weights and records.")],
    recipe: options.RecipeName = None,
    backbone: options.Backbone = options.NETWORK.backbone,
    alpha: options.Alpha = None,
    side: options.Side = None,
    features: options.Features = None,
    weights: options.Weights = "",
    dropout: options.Dropout = None,
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
    crops: Annotated[int, typer.Option(help="Crops that one verdict votes over.", min=1)] = options.TRAIN.plan.crops,
    working_px: options.WorkingPx = options.TRAIN.plan.working_px or 0,
    draws: options.Draws = None,
    augment: Augment = options.TRAIN.augment,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    crops_per_photo: options.CropsPerPhoto = None,
    patience: options.Patience = None,
    optimizer: options.Optimizer = None,
    schedule: options.RateSchedule = None,
    plateau_factor: options.PlateauFactor = None,
    least_rate: options.LeastRate = None,
    warmup_epochs: options.WarmupEpochs = None,
    label_smoothing: options.LabelSmoothing = None,
    mixup: options.Mixup = None,
    ema: options.Ema = None,
    head_rate: options.HeadRate = None,
    split: options.Shares = None,
    val_fraction: Annotated[
        float,
        typer.Option(help="Share of photos for validation: each fold's with --tune head, held out without."),
    ] = _SPLIT.val_fraction,
    test_fraction: Annotated[
        float, typer.Option(help="Share of photos for the final test; 0: all photos train.")
    ] = _SPLIT.test_fraction,
    group_by: options.GroupByOption = None,
    bona_fide: options.BonaFide = None,
    multi_label: options.MultiLabel = False,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Begin from a model: a run's folder, the name of one that ships with a head, or such a head (.npz). "
            "Its network, crops and heads are taken, and the new head shrinks to its head.",
        ),
    ] = None,
    seed: options.Seed = options.TRAIN.seed,
    cache: options.Cache = None,
    no_keep: options.NoKeep = False,
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
    json: options.AsJson = False,
) -> None:
    """Fine-tune a network on photos.

    Writes weights and a record to the run's folder.
    """
    from edgekit.data.dataset import load_dataset
    from edgekit.train.record import RunFolder
    from edgekit.train.resume import RunOptions

    how = replace(options.reading(columns, folders), multi_label=multi_label)
    features = options.features_by(context, recipe, backbone, features)
    network = options.network_config(backbone, side, weights, alpha=alpha, features=features, dropout=dropout)
    files = RunOptions(overwrite=overwrite, resume=resume, cache=cache, keep=not no_keep)
    fit: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "crops_per_photo": crops_per_photo}
    fit |= {"patience": patience, "optimizer": optimizer, "learning_rate": learning_rate, "schedule": schedule}
    fit |= {"plateau_factor": plateau_factor, "least_rate": least_rate, "warmup_epochs": warmup_epochs}
    fit |= {"label_smoothing": label_smoothing, "mixup": mixup, "ema": ema, "head_rate": head_rate}
    epochs_only = fit | {"dropout": dropout}
    options.refuse_unused(tune, {name: one for name, one in epochs_only.items() if options.by_user(context, name)})
    crop_plan = CropPlan.parse(plan, crops=crops, working_px=working_px or None)
    heads = options.chosen_heads(heads, crop_plan, draws, augment)
    config = TrainConfig(
        network=network,
        plan=crop_plan,
        tune=tune,
        head=head,
        heads=heads,
        weigh=weigh,
        draws=options.chosen_draws(draws, tune, heads, network),
        whole=options.changed(whole_fit(pretrained=network.weights != "none" or from_ is not None), **fit),
        split=options.split_config(
            context,
            split,
            tune,
            SplitConfig(val_fraction=val_fraction, test_fraction=test_fraction, seed=seed, group_by=group_by),
        ),
        augment=augment,
        seed=seed,
        recipe=recipe or "",
        overrides=options.overrides(context, recipe_named(recipe)) if recipe else {},
        multi_label=multi_label,
    )
    config = options.with_detector(config, regions, detector=detector, align=align, margin=margin)
    config = options.with_unknown(config, unknown=unknown, cost=unknown_cost, rule=unknown_rule)
    start, config = _begun(from_, config, context)
    folder = RunFolder(root=out)
    options.check_places({"a run": out, "a cache of features": cache}, data)
    files.refuse_in_use(folder, "float")
    with console.progress() as progress:
        dataset = load_dataset(
            data,
            reading=how,
            check_labels=partial(_check_labels, bona_fide, start, unknown=unknown, multi_label=multi_label),
            skip_bad=skip_bad,
            progress=progress,
        )
        _caution_own_photos(start, dataset)
        if not multi_label and (bona_fide is not None or start is None):
            config = replace(config, bona_fide=options.bona_fide_label(bona_fide, dataset.labels))
        # TensorFlow takes seconds to load, which a mistake above need not wait for.
        from edgekit.train.finetune import finetune

        record = finetune(dataset, folder, config, options=files, progress=progress)
    then = console.command("convert", out, "--int8") if config.network.known.qat else console.command("qat", out)
    finish_training(record, out, json=json, then=then)


def _begun(place: str | None, config: TrainConfig, context: typer.Context) -> tuple[Start | None, TrainConfig]:
    """What a run begins from, if it does, and the configuration with its network, crops and heads."""
    if place is None:
        if config.recipe and config.network.weights == "none" and config.tune in ("head", "last:0"):
            console.caution(
                f"{config.network.backbone} has no weights here, and the head is fitted to random features; name "
                "--weights FILE"
            )
        check_weights_file(config.network)
        return None, config
    if config.recipe:
        raise EdgekitError(
            f"--from goes on with its own network and heads, got --recipe {config.recipe}, too; leave one of them out"
        )
    start = _start(place)
    config = start.configure(config, options.named_by_user(context))
    if start.kernels is not None:
        check_weights_file(config.network)
    return start, config


def _start(text: str) -> Start:
    """What ``--from`` names: a file, a folder with a run or a head, else a model that ships."""
    from edgekit.train.start_from import is_start, read_start

    return read_start(shipped_folder(text) if is_model_name(text) and not is_start(Path(text)) else Path(text))


def _caution_own_photos(start: Start | None, dataset: Dataset) -> None:
    if start is not None and start.data_sha256 == dataset.sha256:
        console.caution("it begins from a run of these very photos, so what folds and tests say of it flatters")


def _check_labels(
    bona_fide: str | None, start: Start | None, labels: tuple[str, ...], *, unknown: bool, multi_label: bool
) -> None:
    if multi_label:
        if bona_fide is not None:
            raise EdgekitError(
                f"--bona-fide names one of exactly one label a photo, got --multi-label, too ({bona_fide!r}); leave "
                "one of them out"
            )
        return
    options.check_labels(bona_fide, labels, unknown=unknown)
    if start is not None:
        start.note.check_labels(labels)


def finish_training(record: TrainRecord, out: Path, *, json: bool, then: str) -> None:
    """Draw and say how a stage of training ended; exit with 130 when Ctrl-C ended it, as any that a signal stopped."""
    from edgekit.figures.learning import plot_learning
    from edgekit.train.record import RunFolder

    plot_learning(RunFolder(root=out).curves(record.stage), record)
    if json:
        console.print_json(record)
    else:
        if record.left_out is not None:
            none, several = len(record.left_out.none), len(record.left_out.several)
            console.note(
                f"left out: {count(none, 'photo')} with no face and {several} with several, which are in {out}"
            )
        split = record.split
        validating = "no" if record.folds else f"{len(split.val)}"
        console.note(
            f"{record.stage}: {len(split.train)} training, {validating} validation and {len(split.test) or 'no'} test "
            f"photos (split by {split.method}), {record.skipped_photos} skipped, {record.seconds:.0f} s"
        )
        if record.best_epoch >= 0:
            best = {name: values[record.best_epoch] for name, values in record.history.items()}
            tried = {"penalty": "penalty {:g}", "epochs": "{:g} epochs of the head"}.get(record.tried, "")
            which = tried.format(best[record.tried]) if tried else f"best epoch {record.best_epoch + 1}"
            which += f", {best['share']:g} of the head that it began from" if "share" in best else ""
            accuracy = f"balanced accuracy {percent(best['val_balanced_accuracy'])}"
            if record.told_labels:
                # Each label has a penalty and a threshold of its own, which the table tells.
                which = "means over the labels" if record.tried == "penalty" else f"{which}, means over the labels"
                mean = fmean(one.average_precision for one in record.told_labels)
                accuracy = f"average precision {mean:.3f}"
            judged = f"out of {record.folds} folds" if record.folds else "validation"
            console.note(f"{which}: {judged} loss {best['val_loss']:.3f}, {accuracy}")
        print_unknown(record.unknown)
        print_labels_told(record)
        console.caution(record.split.caution, record.calibration_images.caution if record.calibration_images else "")
        recipe, changed = record.config.recipe, record.config.overrides
        if recipe:
            beside = ", ".join(f"{options.spelling(name)} {value}" for name, value in changed.items())
            console.note(f"recipe {recipe}{f', with {beside}' if beside else ''}")
        console.note(f"wrote {out}; next: {then}")
    if record.interrupted:
        console.note("interrupted: the best weights so far are kept; --resume goes on from them")
        raise typer.Exit(exit_code_of_stop())


def print_unknown(found: UnknownFound | None) -> None:
    """The rules for unknown that were compared; nothing where none were."""
    if found is None:
        return
    rows = [
        [
            f"{one.rule}{' *' if one.rule == found.rule else ''}",
            with_bounds(one.auroc, min(one.aurocs), max(one.aurocs), digits=3),
            *map(percent, (one.fpr_at_95, one.false_accept, one.false_reject)),
        ]
        for one in found.rules
    ]
    held = "; ".join(", ".join(names) for names in found.rounds)
    columns = ["rule", "AUROC (rounds)", "FPR at 95 % TPR", "false accepts", "false rejects"]
    console.print_table(
        f"unknown: classes held out in turn ({held}); false ones where known classes lose {points(found.cost_points)}",
        columns,
        rows,
    )
    console.caution(passing_said(found.best.false_accept, HELD_OUT))


def print_labels_told(record: TrainRecord) -> None:
    """What photos that did not train it say of each label, where a photo may have several."""
    if not record.told_labels:
        return
    has_penalties = all(one.penalty is not None for one in record.told_labels)
    rows = [
        [
            one.label,
            str(one.photos),
            f"{one.average_precision:.3f}",
            f"{one.threshold:.3f}",
            *([f"{one.penalty:g}"] if has_penalties else []),
        ]
        for one in record.told_labels
    ]
    judged = f"out of {record.folds} folds" if record.folds else "on the validation photos"
    columns = ["label", "photos", "average precision", "threshold", *(["penalty"] if has_penalties else [])]
    console.print_table(f"labels, {judged}", columns, rows)


def qat(
    run: options.Run,
    data: options.RunData = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    crops_per_photo: options.CropsPerPhoto = None,
    patience: options.Patience = None,
    draws: options.Draws = None,
    calibration: options.Calibration = None,
    calibration_crops: options.CalibrationCrops = None,
    cache: options.Cache = None,
    no_keep: options.NoKeep = False,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
    json: options.AsJson = False,
) -> None:
    """Train a run further, so that int8 loses less.

    The head is solved again on int8 features, or the whole network trained with fake quantization.
    """
    from edgekit.quantize.representative import check_calibration_folder
    from edgekit.train.record import RunFolder
    from edgekit.train.resume import RunOptions, recover

    chosen = CALIBRATION_CROPS if calibration_crops is None else calibration_crops
    where = CalibrationFolder(path=calibration, crops=chosen, draws=draws)
    folder = RunFolder(root=run)
    files = RunOptions(overwrite=overwrite, resume=resume, cache=cache, keep=not no_keep)
    with console.progress() as progress:
        recover(folder, progress)
    before = folder.read("float")
    refuse_unquantisable(before.config.network)
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    given |= {"crops_per_photo": crops_per_photo, "patience": patience}
    options.refuse_unused(before.config.tune, given)
    if draws is not None and not before.config.is_solved:
        raise EdgekitError(
            f"{run} was tuned by epochs, and its head is not solved again, got --draws {draws}; leave that out"
        )
    if draws is not None and before.config.head_scales:
        raise EdgekitError(
            f"{run} has a head for each scale, which are solved on the plan's crops alone, got --draws {draws}; "
            "leave that out"
        )
    how = options.changed(qat_fit(), **given)
    files.refuse_in_use(folder, "qat")
    photos = data or Path(before.data)
    check_calibration_folder(calibration or folder.calibration, photos)
    with console.progress() as progress:
        dataset = options.load_run_photos(before, data, progress=progress)
        # TensorFlow takes seconds to load, which a mistake above need not wait for.
        from edgekit.quantize.qat import qat

        record = qat(dataset, folder, how, calibration=where, options=files, progress=progress)
    finish_training(record, run, json=json, then=console.command("convert", run, "--int8"))


def convert(
    run: options.Run,
    int8: Annotated[bool, typer.Option("--int8", help="8-bit weights and activations (the default).")] = False,
    float32: Annotated[bool, typer.Option("--float", help="32-bit floating point.")] = False,
    float16: Annotated[bool, typer.Option("--float16", help="16-bit weights, 32-bit arithmetic.")] = False,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="8-bit weights, activations quantised as they come.")
    ] = False,
    int16x8: Annotated[bool, typer.Option("--int16x8", help="16-bit activations, 8-bit weights.")] = False,
    out: Annotated[Path | None, typer.Option(help="The model file. [default: RUN/NAME-PRECISION.tflite]")] = None,
    data: options.RunData = None,
    calibration: options.Calibration = None,
    calibration_crops: options.CalibrationCrops = None,
    stage: Annotated[
        Literal["auto", "float", "qat"], typer.Option(help="Weights; auto takes qat for int8 when it is there.")
    ] = _CONVERT.stage,
    max_drop: Annotated[
        float,
        typer.Option(
            help="Points of balanced accuracy, of several labels a photo of mean average precision, that may be lost, "
            "beside what chance explains."
        ),
    ] = _CONVERT.max_drop,
    allow_drop: Annotated[bool, typer.Option("--allow-drop", help="Write the file although more was lost.")] = False,
    single_frame: Annotated[
        bool,
        typer.Option(
            "--single-frame",
            help="For photos as one squashed frame, as MediaPipe Tasks shows them: crop, head and threshold.",
        ),
    ] = False,
    overwrite: options.Overwrite = False,
    json: options.AsJson = False,
) -> None:
    """Convert a run to one TFLite file.

    Labels and contract are inside. A gate compares it with float on photos that did not train what judges them; exit
    code 1 when more was lost than chance explains: the file is then kept as NAME.rejected.tflite, and a larger
    --max-drop takes it as it is.
    """
    from edgekit.quantize.representative import check_calibration_folder
    from edgekit.scoring.out_of_fold import beside
    from edgekit.train.record import RunFolder

    precision = _precision(int8=int8, float32=float32, float16=float16, dynamic=dynamic, int16x8=int16x8)
    needless = options.given_only({"--calibration": calibration, "--calibration-crops": calibration_crops})
    if needless and precision not in CALIBRATED:
        raise EdgekitError(f"{', '.join(needless)} sets int8 ranges, and {precision} has none; leave it out")
    config = ConvertConfig(
        precision=precision,
        stage=stage,
        calibration_crops=calibration_crops,
        max_drop=max_drop,
        allow_drop=allow_drop,
        single_frame=single_frame,
    )
    folder = RunFolder(root=run)
    before = folder.read(config.stage if config.stage == "qat" else "float")
    target = out or run / f"{run.resolve().name}-{precision}.tflite"
    folder.check_model_name(target)
    options.refuse_existing(target, target.with_suffix(".json"), beside(target), overwrite=overwrite)
    photos = data or Path(before.data)
    config = replace(config, calibration=calibration or folder.calibration_of(config.stage))
    if precision in CALIBRATED:
        check_calibration_folder(config.calibration, photos)
    # TensorFlow takes seconds to load, which a mistake above need not wait for.
    from edgekit.convert.to_file import GateFailed, convert_run

    try:
        with console.progress() as progress:
            dataset = options.load_run_photos(before, data, progress=progress)
            record = convert_run(dataset, folder, target, config, progress=progress)
    except GateFailed as failed:
        print_gate(failed.gate)
        console.note(f"gate failed: {failed}")
        raise typer.Exit(console.EXIT_CHECK_FAILED) from failed
    if json:
        console.print_json(record)
        return
    print_gate(record.gate)
    own = record.calibration and record.calibration.own
    console.caution(record.gate.caution, own.caution if own else "")
    told = _on_one_frame(record.contract.provenance, single_frame=single_frame)
    if told:
        console.note(told)
    if record.contract.unknown is not None:
        console.note(f"unknown {console.unknown_said(record.contract.unknown)}")
        console.caution(passing_said(record.contract.unknown.false_accept, HELD_OUT))
    console.note(
        f"wrote {target} ({file_size(record.model_bytes)}, {precision} from the {record.stage} stage, "
        f"runs on {', '.join(record.contract.checked_on)}); next:"
        f" {console.command('bench', target, '--data', photos)}{options.spelt(before.reading)}"
    )


def _on_one_frame(provenance: dict[str, Any], *, single_frame: bool) -> str:
    """How good the file is where a photo is one squashed frame, and what makes a better one for that.

    Empty where nobody measured it.
    """
    accuracy = provenance.get("single_frame_balanced_accuracy")
    if accuracy is None:
        return ""
    whose = "out of fold" if provenance["validated_by"] == "folds" else "on the validation photos"
    line = f"shown one squashed frame, as by MediaPipe Tasks: balanced accuracy {percent(accuracy)} {whose}"
    if not single_frame:
        return f"{line}; --single-frame makes a file for that"
    head = provenance["single_frame_head"]
    against = "" if head["crops_loss"] is None else f", against {head['crops_loss']:.3f} of the crops' head"
    return f"{line}; the head is {head['used']} (loss {head['frame_loss']:.3f} {whose}{against})"


def _precision(**wanted: bool) -> Precision:
    chosen = [name for name, given in wanted.items() if given] or ["int8"]
    if len(chosen) > 1:
        raise EdgekitError(f"one precision at a time, got {chosen}; run convert once for each")
    return chosen[0]  # type: ignore[return-value]


def print_gate(gate: Gate) -> None:
    """The gate as a table: recall per class, float against quantised."""
    rows = [
        [one.label, str(one.photos), *map(percent, (one.float_recall, one.recall, one.agreement))]
        for one in gate.classes
    ]
    shares = (gate.float_balanced_accuracy, gate.balanced_accuracy, gate.agreement)
    rows.append([gate.measure, str(gate.photos), *map(percent, shares)])
    columns = ["recall", "photos", "float", "converted", "same answer"]
    console.print_table(f"{gate.photos_told}; {count(gate.crops, 'crop')} of each", columns, rows)
