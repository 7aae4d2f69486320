"""``edgekit evaluate`` and ``tta``: what a model gets right, where it fails, and what crops buy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console
from edgekit.cli.crossval import interval, taken
from edgekit.cli.options import AllCrops, AsJson, Crops, Model, Photos, SkipBad, Split, caution
from edgekit.evaluate.options import EvaluateConfig, TtaConfig

if TYPE_CHECKING:
    from edgekit.evaluate.accuracy import EvaluateRecord
    from edgekit.evaluate.threshold import Reached, TargetRecord
    from edgekit.evaluate.tta import TtaRecord
    from edgekit.metrics.breakdown import ClassTable, Detail
    from edgekit.metrics.classification import Evaluation
    from edgekit.metrics.rates import Rate

_TTA = TtaConfig()
_SHOWN_MISTAKES = 5

Target = Annotated[
    str | None,
    typer.Option(help="Choose the threshold by a rule on validation photos: bpcer=0.02, apcer=0.05 or eer."),
]
AlsoTest = Annotated[bool, typer.Option("--also-test", help="With --target: what it gives on the test photos, too.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: edgekit evaluate model.tflite --data photos --out report --slices camera,screen")(
        console.interruptible(evaluate)
    )
    app.command(epilog="Example: edgekit tta float.tflite int8.tflite --data photos --out tta")(
        console.interruptible(tta)
    )


def evaluate(
    model: Model,
    data: Photos,
    crops: Crops = None,
    all_crops: AllCrops = False,
    split: Split = "auto",
    slices: Annotated[
        str | None, typer.Option(help="Columns of the manifest, with commas between. [default: all]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for evaluate.json and figures.")] = None,
    target: Target = None,
    also_test: AlsoTest = False,
    write: Annotated[
        Path | None, typer.Option(help="With --target: the model file with that threshold in its contract.")
    ] = None,
    skip_bad: SkipBad = False,
    json: AsJson = False,
) -> None:
    """Measure a model on labelled photos, with intervals: errors by kind of attack, curves, calibration, slices.

    With --target, choose a threshold by rule instead, on validation photos.
    """
    from edgekit.data.dataset import load_dataset
    from edgekit.evaluate.accuracy import evaluate_model
    from edgekit.runtime import read_bundle

    if target is None and (write is not None or also_test):
        raise typer.BadParameter("--write and --also-test need --target")
    if target is not None:
        given = {"--crops": crops, "--slices": slices, "--out": out}
        unused = [name for name, value in given.items() if value is not None]
        if unused:
            raise typer.BadParameter(f"{', '.join(unused)} can't be used with --target")
        choose_threshold(
            model, data, target, split=split, also_test=also_test, write=write, skip_bad=skip_bad, json=json
        )
        return
    # Photos take long to read, which a mistaken model need not wait for.
    bundle = read_bundle(model)
    columns = tuple(one.strip() for one in slices.split(",")) if slices is not None else None
    with console.progress() as progress:
        dataset = load_dataset(data, skip_bad=skip_bad, progress=progress)
        if out is not None:
            from edgekit.data.checks import refuse_among_photos

            refuse_among_photos(out, dataset.root, "an evaluation")
        config = EvaluateConfig(part=split, crops=crops, stop_early=not all_crops, slices=columns)
        record = evaluate_model(model, dataset, config, bundle=bundle, progress=progress)
    written = [] if out is None else _write_evaluation(record, out, model.stem)
    if json:
        console.print_json(record)
    else:
        print_evaluation(record)
    if out is not None:
        console.note(f"wrote {out / 'evaluate.json'} and {', '.join(path.name for path in written)}")


def _write_evaluation(record: EvaluateRecord, out: Path, name: str) -> list[Path]:
    from edgekit.figures.evaluation import plot_evaluation
    from edgekit.records import write_json

    write_json(out / "evaluate.json", record)
    return plot_evaluation(out, record.detail, record.labels, name=name)


def print_evaluation(record: EvaluateRecord) -> None:
    """An evaluation as tables: classes, kinds of attack, confusion, worst slices, then the headline."""
    from edgekit.metrics.attacks import kinds_rule, marked_kind

    print_classes(f"{record.part} photos, {record.crops} crops{taken(record.crops_used)}", record.detail.table)
    found = record.detail
    if found.attacks is not None:
        photos = [one.apcer.n for one in found.attacks.kinds]
        rows = [
            [
                marked_kind(one.kind, one.apcer.n, photos),
                rate_of(one.apcer),
                str(one.apcer.n),
                str(one.apcer.groups or "–"),
            ]
            for one in found.attacks.kinds
        ]
        console.print_table(
            "attacks that pass, percent with 95 % intervals", ["kind", "APCER", "photos", "groups"], rows
        )
        typer.echo(f"{kinds_rule(photos)}.")
    rows = [[label, *map(str, row), str(sum(row))] for label, row in zip(record.labels, found.confusion, strict=True)]
    console.print_table("confusion: truth below, called beside", ["", *record.labels, "all"], rows)
    _print_slices(found)
    for name, value in headline(record.evaluation) + _more(found):
        typer.echo(f"{name}: {value}")
    for one in found.mistakes[:_SHOWN_MISTAKES]:
        console.note(f"wrong: {one.path} is {one.truth}, called {one.predicted} (score {one.score:.3f})")
    caution(record.caution)


def print_classes(title: str, table: ClassTable) -> None:
    """Precision, recall and F1 with averages."""
    lines = [*table.classes, table.macro, table.weighted]
    rows = [
        [one.label, *(console.percent(share) for share in (one.precision, one.recall, one.f1)), str(one.support)]
        for one in lines
    ]
    accuracy = ["accuracy", "", "", console.percent(table.accuracy), str(table.macro.support)]
    rows.insert(len(table.classes), accuracy)
    console.print_table(title, ["class", "precision", "recall", "F1", "photos"], rows)


def rate_of(rate: Rate | None) -> str:
    """A rate with the interval to quote."""
    return "–" if rate is None else interval(rate.estimate)


def _print_slices(found: Detail) -> None:
    named = {one.name: one for one in found.slices.found}
    rows = [
        [name, str(one.n), interval(one.balanced_accuracy), rate_of(one.apcer), rate_of(one.bpcer)]
        for name in found.slices.worst
        for one in [named[name]]
    ]
    if rows:
        columns = ["worst slices", "photos", "balanced accuracy", "APCER", "BPCER"]
        console.print_table("slices with 10 photos or more that do worse than all, percent", columns, rows)
    if found.slices.caution:
        console.note(found.slices.caution)


def headline(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The numbers that matter, with their 95 % intervals."""
    lines = [("balanced accuracy %", interval(evaluation.balanced_accuracy))]
    if evaluation.attack is not None:
        lines += [
            (f"APCER % ({evaluation.attack.apcer_kind})", interval(evaluation.apcer)),
            ("BPCER %", interval(evaluation.bpcer)),
            ("AUC", interval(evaluation.auc, scale=1.0)),
        ]
    if evaluation.worst_group:
        worst = evaluation.by_group[evaluation.worst_group]
        lines.append(
            ("worst group", f"{evaluation.worst_group}, {console.percent(worst.balanced_accuracy)} of {worst.n} photos")
        )
    return lines


def _more(found: Detail) -> list[tuple[str, str]]:
    lines = []
    if found.attacks is not None:
        attacks = found.attacks
        lines += [("ACER %", interval(attacks.acer)), ("EER %", interval(attacks.eer))]
        for one in attacks.at_apcer:
            few = "" if one.supported else f", but {attacks.overall.n} attacks can't show so low a share"
            lines.append((f"BPCER % at APCER {100 * one.limit:g} %", interval(one.bpcer) + few))
        lines.append(("average precision", interval(attacks.average_precision, scale=1.0)))
    shown, risk = found.reliability, found.risk
    lines.append((f"ECE % of the {shown.of}", f"{interval(shown.ece)}, by chance {100 * shown.ece_by_chance:.1f}"))
    lines.append(("mean risk % (AURC)", f"{interval(risk.aurc)}, at random {100 * risk.aurc_by_chance:.1f}"))
    if risk.band is not None:
        answered = rate_of(risk.band.wrong)
        lines.append(("no answer %", f"{rate_of(risk.band.abstained)}, wrong among the answered {answered}"))
    return lines


def choose_threshold(
    model: Path,
    data: Path,
    target: str,
    *,
    split: Split,
    also_test: bool,
    write: Path | None,
    skip_bad: bool,
    json: bool,
) -> None:
    """Choose a threshold by rule, say what it gives, and write it if asked to."""
    from edgekit.data.checks import refuse_among_photos
    from edgekit.data.dataset import load_dataset
    from edgekit.evaluate.threshold import Target, TargetRequest, set_target

    # Before the photos are read: a rule that is none is known at once.
    request = TargetRequest(target=Target.parse(target), part=split, also_test=also_test, write=write)
    with console.progress() as progress:
        dataset = load_dataset(data, skip_bad=skip_bad, progress=progress)
        if write is not None:
            refuse_among_photos(write, dataset.root, "a model")
        record = set_target(model, dataset, request, progress=progress)
    if json:
        console.print_json(record)
        return
    print_target(record)
    if write is None:
        console.note("nothing was written; --write OUT.tflite stores the threshold in a contract")
    else:
        console.note(f"wrote {write} (SHA-256 {record.written_sha256}); next: edgekit evaluate {write} --data {data}")


def print_target(record: TargetRecord) -> None:
    """A threshold by rule."""
    parts = [record.chosen_on, *([record.tested_on] if record.tested_on is not None else [])]
    before = "–" if record.before is None else f"{record.before:.6g}"
    columns = ["photos", "APCER, all attacks", "worst kind", "BPCER", "balanced accuracy"]
    console.print_table(
        f"{record.target}: threshold {record.threshold:.6g}, until now {before}; percent with 95 % intervals",
        ["", *columns],
        [_reached_row(one) for one in parts],
    )
    caution(record.caution)


def _reached_row(one: Reached) -> list[str]:
    return [
        one.part,
        str(one.photos),
        rate_of(one.apcer),
        f"{console.percent(one.worst_apcer)} ({one.worst_kind})",
        rate_of(one.bpcer),
        console.percent(one.balanced_accuracy),
    ]


def tta(
    models: Annotated[list[Path], typer.Argument(help="Files that `edgekit convert` wrote, of the same labels.")],
    data: Photos,
    k: Annotated[str, typer.Option("--k", help="Numbers of crops.")] = ",".join(map(str, _TTA.crops)),
    plan: Annotated[
        list[str] | None,
        typer.Option(
            help="centre, full, own (the model's), early (the same, stopping early) or scales such as 1/4; @N tries "
            "at most N crops. Several times. [default: "
            + " ".join(name + ("" if most is None else f"@{most}") for name, most in _TTA.plans)
            + "]"
        ),
    ] = None,
    baseline: Annotated[
        Literal["centre", "full"], typer.Option(help="What goes without augmentation; flips are counted against it.")
    ] = "centre",
    split: Split = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder for tta.json, tta.md, tta.png and the scores, which a re-run takes.")
    ] = None,
    skip_bad: SkipBad = False,
    json: AsJson = False,
) -> None:
    """Compare ways of cropping: numbers of crops and plans, from one pass over the photos.

    Counts the answers that more crops turn right and those that they turn wrong, and prints precision, recall and F1
    with classic random crops for every model. A re-run with the same --out goes on.
    """
    from edgekit.data.checks import refuse_among_photos
    from edgekit.data.dataset import load_dataset
    from edgekit.evaluate.tta import compare_crops

    config = TtaConfig(
        crops=console.numbers(k),
        plans=tuple(map(_plan, plan)) if plan else _TTA.plans,
        baseline=baseline,
    )
    with console.progress() as progress:
        dataset = load_dataset(data, skip_bad=skip_bad, progress=progress)
        if out is not None:
            refuse_among_photos(out, dataset.root, "a study")
        scores = None if out is None else out / "scores"
        record = compare_crops(models, dataset, config, part=split, scores=scores, progress=progress)
    if out is not None:
        _write_tta(record, out)
    if json:
        console.print_json(record)
    else:
        print_tta(record)
    if out is not None:
        console.note(f"wrote {out / 'tta.json'}, tta.md and tta.png")


def _plan(text: str) -> tuple[str, int | None]:
    name, at, most = text.partition("@")
    if at and re.fullmatch("[0-9]{1,4}", most) is None:
        raise typer.BadParameter(f"a plan reads NAME or NAME@N with a whole number N, got {text!r}")
    return name, int(most) if at else None


def _write_tta(record: TtaRecord, out: Path) -> None:
    from edgekit.evaluate.tta_tables import markdown
    from edgekit.figures.evaluation import plot_crops
    from edgekit.records import write_atomic, write_json

    write_json(out / "tta.json", record)
    write_atomic(out / "tta.md", markdown(record).encode())
    plot_crops(out / "tta.png", record, title=f"{record.photos} {record.part} photos")


def print_tta(record: TtaRecord) -> None:
    """A study as tables."""
    from edgekit.evaluate.tta_tables import P_VALUE, class_rows, flip_rows

    for model in record.models:
        columns, rows = flip_rows(record, model.name)
        title = f"{model.name}, {record.photos} {record.part} photos, percent with 95 % intervals"
        console.print_table(title, columns, rows)
    if record.groups:
        console.note(P_VALUE)
    columns, rows = class_rows(record)
    console.print_table("precision, recall and F1 in percent", columns, rows)
    caution(record.caution)
