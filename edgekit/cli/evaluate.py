"""``edgekit evaluate``: what a model gets right, and where it fails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.cli.several import print_labels
from edgekit.cli.threshold import choose_threshold
from edgekit.contract import UNKNOWN
from edgekit.evaluate.options import EvaluateConfig
from edgekit.metrics.wording import (
    NOTHING,
    asked_again_said,
    calibration_said,
    count,
    interval,
    open_set_said,
    percent,
    rate_interval,
    short_percent,
)
from edgekit.terminal import printable

if TYPE_CHECKING:
    from edgekit.data.options import DataReading
    from edgekit.evaluate.accuracy import EvaluateRecord
    from edgekit.evaluate.on_phone import PhoneAgreement
    from edgekit.metrics.breakdown import ClassTable, Detail
    from edgekit.metrics.classification import Evaluation
    from edgekit.metrics.open_set import OpenSet
    from edgekit.runtime import Bundle

_SHOWN_MISTAKES = 5
_SHOWN_PAIRS = 20


def evaluate(
    model: options.Model,
    data: options.DataOrExport,
    crops: options.Crops = None,
    all_crops: options.AllCrops = False,
    split: options.Split = "auto",
    slices: Annotated[
        str | None, typer.Option(help="Columns of the manifest, with commas between. [default: all]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for evaluate.json and figures.")] = None,
    target: options.Target = None,
    also_test: options.AlsoTest = False,
    write: options.Write = None,
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Measure a model on labelled photos, with intervals: errors by kind of attack, curves, calibration, slices.

    With --target, choose a threshold by rule instead, on validation photos; --write stores it.
    """
    from edgekit.evaluate.accuracy import evaluate_model
    from edgekit.runtime import read_bundle
    from edgekit.scoring.out_of_fold import beside, has_beside

    how = options.reading(columns, folders)
    if target is None and (write is not None or also_test):
        raise typer.BadParameter("--write and --also-test need --target")
    if target is not None:
        unused = options.given_only({"--crops": crops, "--slices": slices, "--out": out})
        if unused:
            raise typer.BadParameter(f"{', '.join(unused)} can't be used with --target")
        choose_threshold(
            model, data, how, target, split=split, also_test=also_test, write=write, skip_bad=skip_bad, json=json
        )
        return
    # Photos take long to read, which a mistaken model need not wait for.
    bundle = read_bundle(model)
    how = replace(how, multi_label=bundle.contract.multi_label is not None)
    wanted = None if slices is None else options.names(slices)
    config = EvaluateConfig(part=split, crops=crops, stop_early=not all_crops, slices=wanted)
    options.check_places({"an evaluation": out}, data)
    if how.multi_label:
        _evaluate_labels(model, data, how, config, bundle=bundle, out=out, skip_bad=skip_bad, json=json)
        return
    with options.opened(data) as (folder, export), console.progress() as progress:
        known = bundle.contract.labels
        others = bundle.contract.unknown is not None
        dataset = options.load_photos(
            folder, how, known=known, skip_bad=skip_bad, progress=progress, takes_others=others
        )
        said = () if export is None else export.captures
        record = evaluate_model(model, dataset, config, bundle=bundle, captures=said, progress=progress)
    written = [] if out is None else _write_evaluation(record, out, model.stem)
    console.show(record, print_evaluation, json=json)
    told = bundle.contract.provenance
    if told.get("validated_by") == "folds" and not has_beside(model, told.get("folds_sha256")):
        console.note(f"{beside(model)} is not there, so nothing is told of photos that are asked again")
    if out is not None:
        console.note(f"wrote {out / 'evaluate.json'} and {', '.join(path.name for path in written)}")


def _evaluate_labels(
    model: Path,
    data: Path,
    how: DataReading,
    config: EvaluateConfig,
    *,
    bundle: Bundle,
    out: Path | None,
    skip_bad: bool,
    json: bool,
) -> None:
    """Measure a model of several labels a photo."""
    from edgekit.evaluate.several import evaluate_labels
    from edgekit.records import write_json

    with console.progress() as progress:
        dataset = options.load_photos(data, how, known=bundle.contract.labels, skip_bad=skip_bad, progress=progress)
        record = evaluate_labels(model, dataset, config, bundle=bundle, progress=progress)
    if out is not None:
        write_json(out / "evaluate.json", record)
    console.show(record, print_labels, json=json)
    console.print_left_out(record.left_out)
    if out is not None:
        console.note(f"wrote {out / 'evaluate.json'}")


def _write_evaluation(record: EvaluateRecord, out: Path, name: str) -> list[Path]:
    from edgekit.figures.evaluation import plot_evaluation
    from edgekit.records import write_json

    write_json(out / "evaluate.json", record)
    return plot_evaluation(out, record.detail, record.labels, name=name)


def print_evaluation(record: EvaluateRecord) -> None:
    """An evaluation as tables: classes, kinds of attack, confusion, worst slices, then the headline."""
    from edgekit.metrics.attacks import kinds_rule, marked_kind

    console.print_left_out(record.left_out)
    found = record.detail
    title = f"{record.part} photos, {count(record.crops, 'crop')}{console.crops_taken(record.crops_used)}"
    print_phone(record.phone)
    print_open_set(record.open_set)
    if is_one_sided(record):
        _print_one_sided(record, title)
        return
    print_classes(title, found.table)
    if found.attacks is not None:
        photos = [one.apcer.n for one in found.attacks.kinds]
        rows = [
            [
                marked_kind(one.kind, one.apcer.n, photos),
                rate_interval(one.apcer, bare=True),
                str(one.apcer.n),
                str(one.apcer.groups or NOTHING),
            ]
            for one in found.attacks.kinds
        ]
        console.print_table(
            "attacks that pass, percent with 95 % intervals", ["kind", "APCER", "photos", "groups"], rows
        )
        typer.echo(f"{kinds_rule(photos)}.")
    _print_confusion(found, record.labels, has_unknown=record.open_set is not None)
    _print_slices(found)
    for name, value in (*headline(record.evaluation), *_more(found), *asked_again_said(record.asked_again)):
        typer.echo(f"{name}: {value}")
    for one in found.mistakes[:_SHOWN_MISTAKES]:
        console.note(f"wrong: {one.path} is {one.truth}, called {one.predicted} (score {one.score:.3f})")
    console.caution(record.caution, *([record.gap.warning] if record.gap else []))


def print_open_set(found: OpenSet | None) -> None:
    """What the rule for unknown does; nothing where the model has none."""
    if found is None:
        return
    if found.classes:
        rows = [
            [one.label, rate_interval(one.accepted, bare=True), one.called or NOTHING, str(one.accepted.n)]
            for one in found.classes
        ]
        rows.append(["all of them", rate_interval(found.accepted, bare=True), "", str(found.unknown)])
        title = "classes that the model does not know: called something, percent with 95 % intervals"
        console.print_table(title, ["class", "accepted", "mostly as", "photos"], rows)
    for name, value in open_set_said(found):
        typer.echo(f"{name}: {value}")


def print_phone(found: PhoneAgreement | None) -> None:
    """What a phone had said of the photos: nothing where they came without its verdicts."""
    if found is None:
        return
    line = f"on the phone: {len(found.differ)} of {count(found.compared, 'verdict')} differ from this machine's"
    if found.largest_difference is not None:
        line += (
            f", the largest difference of a crop's score is {found.largest_difference:.4f} ({'; '.join(found.engines)})"
        )
    typer.echo(printable(line))
    for one in found.differ[:_SHOWN_MISTAKES]:
        console.note(f"other than on the phone: {one.path} was called {one.phone} there, {one.host} here")
    if found.other_models:
        console.note(f"not compared: {count(found.other_models, 'verdict')} of another model file")


def _print_confusion(found: Detail, labels: Sequence[str], *, has_unknown: bool) -> None:
    """The matrix, or of many classes the most frequent errors, which nobody would find in it."""
    from edgekit.metrics.classification import MANY_CLASSES, most_confused

    called_names, confusion = _answers(found, labels, has_unknown=has_unknown)
    if len(labels) <= MANY_CLASSES:
        rows = [[label, *map(str, row), str(sum(row))] for label, row in zip(labels, confusion, strict=True)]
        console.print_table("confusion: truth below, called beside", ["truth", *called_names, "all"], rows)
        return
    pairs = most_confused(confusion)
    shown = [
        [labels[truth], called_names[called], f"{number} of {sum(confusion[truth])}"]
        for truth, called, number in pairs[:_SHOWN_PAIRS]
    ]
    if shown:
        console.print_table(f"the most frequent errors, of {len(pairs)} kinds", ["truth", "called", "photos"], shown)


def _answers(found: Detail, labels: Sequence[str], *, has_unknown: bool) -> tuple[list[str], Sequence[Sequence[int]]]:
    """Names of what is answered, and how often it is for each class: the labels and, with a rule for it, unknown."""
    from edgekit.metrics.breakdown import with_unknown_column

    if not has_unknown:
        return list(labels), found.confusion
    return [*labels, UNKNOWN], with_unknown_column(found.confusion, found.table.classes)


def is_one_sided(record: EvaluateRecord) -> bool:
    """Whether all photos are attacks, all are genuine, or all of one class: then most numbers say nothing."""
    there = [one for one in record.detail.table.classes if one.support]
    return len(there) == 1 or (record.bona_fide is not None and record.evaluation.attack is None)


def _print_one_sided(record: EvaluateRecord, title: str) -> None:
    """What photos of one side tell: how many of each class are called right, and the rate of errors."""
    found, evaluation = record.detail, record.evaluation
    names, confusion = _answers(found, record.labels, has_unknown=record.open_set is not None)
    rows = [
        [one.label, percent(one.recall), *map(str, row), str(one.support)]
        for one, row in zip(found.table.classes, confusion, strict=True)
        if one.support
    ]
    called = [f"called {name}" for name in names]
    console.print_table(title, ["class", "recall", *called, "photos"], rows)
    kinds = [
        [one.value or "unknown", rate_interval(one.apcer, bare=True), str(one.n)]
        for one in found.slices.found
        if one.column == "kind"
    ]
    if kinds:
        console.print_table("attacks that pass, percent with 95 % intervals", ["kind", "APCER", "photos"], kinds)
    if evaluation.apcer is not None:
        typer.echo(f"APCER{' (worst kind)' if len(kinds) > 1 else ''}: {interval(evaluation.apcer)}")
    if evaluation.bpcer is not None:
        typer.echo(f"BPCER: {interval(evaluation.bpcer)}")
    for one in found.mistakes[:_SHOWN_MISTAKES]:
        console.note(f"wrong: {one.path} is {one.truth}, called {one.predicted} (score {one.score:.3f})")
    console.caution(record.caution)


def print_classes(title: str, table: ClassTable) -> None:
    """Precision, recall and F1 with averages."""
    from edgekit.metrics.classification import MANY_CLASSES

    # Of very many classes those that nothing was of, and nothing was called, would bury the others.
    few = len(table.classes) <= MANY_CLASSES
    classes = [one for one in table.classes if few or one.support or not math.isnan(one.precision)]
    lines = [*classes, table.macro, table.weighted]
    rows = [
        [one.label, *(percent(share) for share in (one.precision, one.recall, one.f1)), str(one.support)]
        for one in lines
    ]
    accuracy = ["accuracy", "", "", percent(table.accuracy), str(table.macro.support)]
    rows.insert(len(classes), accuracy)
    console.print_table(title, ["class", "precision", "recall", "F1", "photos"], rows)
    left = len(table.classes) - len(classes)
    if left:
        console.note(f"{left} of {count(len(table.classes), 'class', 'classes')} have no photo and were never called")


def _print_slices(found: Detail) -> None:
    from edgekit.metrics.attacks import attacks_told

    named = {one.name: one for one in found.slices.found}
    told = attacks_told(found.slices.found)
    rows = []
    for name in found.slices.worst:
        one = named[name]
        rates = (rate_interval(rate, bare=True) for rate in (one.apcer, one.bpcer)) if told else ()
        rows.append([name, str(one.n), interval(one.balanced_accuracy, bare=True), *rates])
    if rows:
        columns = ["worst slices", "photos", "balanced accuracy", *(("APCER", "BPCER") if told else ())]
        console.print_table("slices with 10 photos or more that do worse than all, percent", columns, rows)
    if found.slices.caution:
        console.note(found.slices.caution)


def headline(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The numbers that matter, with their 95 % intervals."""
    lines = [("balanced accuracy", interval(evaluation.balanced_accuracy))]
    if evaluation.attack is not None:
        lines += [
            (f"APCER ({evaluation.attack.apcer_kind})", interval(evaluation.apcer)),
            ("BPCER", interval(evaluation.bpcer)),
            ("AUC", interval(evaluation.auc, scale=1.0)),
        ]
    if evaluation.worst_group:
        worst = evaluation.by_group[evaluation.worst_group]
        lines.append(
            (
                "worst group",
                f"{evaluation.worst_group}, {percent(worst.balanced_accuracy)} of {count(worst.n, 'photo')}",
            )
        )
    return lines


def _more(found: Detail) -> list[tuple[str, str]]:
    lines = []
    if found.attacks is not None:
        attacks = found.attacks
        lines += [("ACER", interval(attacks.acer)), ("EER", interval(attacks.eer))]
        for one in attacks.at_apcer:
            few = "" if one.supported else f", but {count(attacks.overall.n, 'attack')} can't show so low a share"
            lines.append((f"BPCER at APCER {short_percent(one.limit)}", interval(one.bpcer) + few))
        lines.append(("average precision", interval(attacks.average_precision, scale=1.0)))
    risk = found.risk
    lines += calibration_said(found.reliability)
    lines.append(("mean risk (AURC)", f"{interval(risk.aurc)}, at random {percent(risk.aurc_by_chance)}"))
    if risk.band is not None:
        wrong = rate_interval(risk.band.wrong)
        lines.append(("no answer", f"{rate_interval(risk.band.abstained)}, wrong among the answered {wrong}"))
    return lines
