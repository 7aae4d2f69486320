"""What stands in the page's tables, from records as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.contract import UNKNOWN
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.metrics.attacks import attacks_told, kinds_rule, marked_kind
from edgekit.metrics.breakdown import with_unknown_column
from edgekit.metrics.classification import MANY_CLASSES, ClassificationReport, Evaluation, most_confused
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.wording import NOTHING, count, file_size, interval, listed, milliseconds, percent, photos_of, short
from edgekit.report.accuracy import classes_as_table, detail_charts, detail_tables, open_set_tables, slice_tables
from edgekit.report.benchmarks import Measured, PhotoSet, photo_set
from edgekit.report.cells import (
    Cell,
    Table,
    crops_phrase,
    crops_text,
    estimate_cell,
    number_cell,
    point_cell,
    share_cell,
    text_cell,
)
from edgekit.report.drawing import Chart
from edgekit.report.models import Model
from edgekit.report.verdict import (
    Headline,
    LabelsTold,
    describe_photos,
    featured,
    headline,
    labels_told,
    point_name,
    timed,
)

# Of more classes a matrix would weigh more than the rest of the page.
_MOST_LABELS = 200
_MOST_PAIRS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Photos by truth (rows) and answer (columns); ``shades`` are tenths of the row. ``many``: in narrow cells."""

    labels: tuple[str, ...]
    called: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shades: tuple[tuple[int, ...], ...]
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What one model gets right on one set of photos."""

    title: str
    conditions: str
    confusion: Confusion | None
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()
    slices: tuple[Table, ...] = ()


def comparison(models: Sequence[Model]) -> Table | None:
    """Models side by side; None for a single one."""
    if len(models) < 2:
        return None
    rows, untimed = [], {}
    told = attacks_told(found.evaluation for model in models if (found := headline(model)))
    for model in models:
        found = headline(model)
        evaluation, photos = (found.evaluation, found.photos) if found else (None, None)
        first = model.measured[0] if model.measured and model.measured[0].points else None
        point = timed(first, model) if first else None
        if found and point is None:
            untimed[model.name] = f"{found.crops_said}, which {found.how_to_time} measures"
        attack = evaluation.attack if evaluation else None
        rows.append(
            {
                "model": text_cell(model.name),
                "precision": text_cell(model.contract.precision if model.contract else ""),
                "size": Cell(text=file_size(model.file_bytes) if model.file_bytes else NOTHING, value=model.file_bytes),
                "device": text_cell(first.device if first else ""),
                "crops": text_cell(found.crops_said if found else ""),
                "p95 ms": number_cell(point.total.p95_ms if point else None),
                "balanced accuracy": estimate_cell(evaluation.balanced_accuracy if evaluation else None, bar=True),
                **({"APCER": share_cell(attack.apcer if attack else None)} if told else {}),
                **({"BPCER": share_cell(attack.bpcer if attack else None)} if told else {}),
                "photos": text_cell(f"{short(photos.data_sha256)}, {photos.part}, {photos.number}" if photos else ""),
            }
        )
    note = "Latency and accuracy of a row are of one number of crops, stopping early or not."
    note += "" if different_photos(models) else " All on the same photos."
    note += "".join(f" No latency of {name} with {setting}." for name, setting in untimed.items())
    return Table.of_rows("By the evaluations that stand for them", rows, note)


def network_alone(models: Sequence[Model]) -> Table | None:
    """What phones without a Python said of one inference; None where none was asked."""
    rows = [
        {
            "model": text_cell(model.name),
            "device": text_cell(f"{one.name} ({one.device})"),
            "threads": number_cell(float(point.threads), 0),
            "mean ms": number_cell(point.mean_ms, 2),
            "mean of each repeat": text_cell(", ".join(f"{run.mean_ms:.2f}" for run in point.repeats)),
            "first ms": number_cell(point.repeats[0].first_ms, 2),
            "loading ms": number_cell(point.repeats[0].init_ms, 1),
            "runs": number_cell(float(min(run.n for run in point.repeats)), 0),
        }
        for model in models
        for one in model.native
        for point in one.points
    ]
    note = (
        "One inference by LiteRT's benchmark_model on phones that have no Python: no decoding, no crops, no accuracy. "
        "A verdict takes as many of these as it has crops, and more."
    )
    return Table.of_rows("The network alone", rows, note) if rows else None


def different_photos(models: Sequence[Model]) -> str:
    """What to say where accuracies rest on different photos; empty where they don't."""
    sets = list(dict.fromkeys(photos for model in models for photos in model.photo_sets))
    if len(sets) < 2:
        return ""
    named = listed([f"{short(one.data_sha256)} ({one.part}, {one.number})" for one in sets])
    return (
        f"These numbers are of {len(sets)} different sets of photos, {named}: accuracies from one set say nothing "
        "about those from another. Each set has a chart of its own."
    )


def accuracies(key: str, model: Model) -> tuple[Accuracy, ...]:
    """What a model gets right: on each set of photos that it was evaluated on, else as its benchmark says."""
    if told := labels_told(model):
        return tuple(_of_labels(model, one) for one in told)
    if model.evaluated:
        return tuple(_detailed(f"{key}-{at}", model, one) for at, one in enumerate(model.evaluated))
    found = headline(model)
    if found is None:
        return ()
    evaluation = found.evaluation
    classes = classes_as_table(evaluation.report.classes)
    tables = (*_confused(evaluation), classes, *_kinds(evaluation), *_groups(evaluation))
    said = _said(evaluation, found.photos, model, found.crops_said)
    return (Accuracy(title=model.name, conditions=said, confusion=_confusion(evaluation), tables=tables),)


def _of_labels(model: Model, told: LabelsTold) -> Accuracy:
    """What a model of several labels a photo gets right on one set of photos."""
    report = told.report
    labels = tuple(
        (
            text_cell(one.label),
            number_cell(one.photos, 0),
            number_cell(one.called, 0),
            number_cell(one.threshold, 3),
            *(estimate_cell(share) for share in (one.average_precision, one.precision, one.recall, one.f1)),
        )
        for one in report.labels
    )
    columns = ("label", "photos", "called", "threshold", "average precision", "precision", "recall", "F1")
    return Accuracy(
        title=model.name,
        conditions=(
            f"{told.crops_said} a photo, on {photos_of(report.n, told.photos.part)} "
            f"(data {short(told.photos.data_sha256)})"
        ),
        confusion=None,
        tables=(
            labels_table(told),
            Table(title="Labels", columns=columns, rows=labels, note="At each label's own threshold."),
        ),
    )


def labels_table(told: LabelsTold) -> Table:
    """The numbers of all labels together."""
    report = told.report
    whole = (
        (report.measure, report.mean_average_precision),
        ("macro F1", report.macro_f1),
        ("micro F1", report.micro_f1),
        ("all labels of a photo right", report.exact_match),
    )
    return Table(
        title="All labels",
        columns=("measure", "value"),
        rows=tuple((text_cell(name), estimate_cell(found, bar=True)) for name, found in whole),
        note="" if told.wrong is None else f"{count(told.wrong, 'photo')} of {report.n} with a wrong label.",
    )


def _detailed(key: str, model: Model, record: EvaluateRecord) -> Accuracy:
    threshold = record.decision.threshold
    cut = f"; threshold {threshold:g}" if threshold is not None else ""
    crops = crops_phrase(crops_text(record.crops, record.crops_used))
    said = _said(record.evaluation, photo_set(record), model, crops)
    return Accuracy(
        title=model.name,
        conditions=f"{said}; temperature {record.decision.temperature:.3g}{cut}",
        confusion=_confusion(record.evaluation),
        tables=(*_confused(record.evaluation), *detail_tables(record.detail), *open_set_tables(record.open_set)),
        charts=detail_charts(key, record.detail),
        slices=slice_tables(record.detail) or _groups(record.evaluation),
    )


def _said(evaluation: Evaluation, photos: PhotoSet, model: Model, crops: str) -> str:
    shown = describe_photos(evaluation, photos, model)
    return f"{crops} a photo, on {shown} (data {short(photos.data_sha256)})"


def figures(model: Model) -> tuple[tuple[str, str, str], ...]:
    """The numbers to be seen first: what it is, the value, and what belongs to it."""
    found, shown = headline(model), []
    if found is not None:
        evaluation = found.evaluation
        many = f"{count(found.photos.number, 'photo')}, {found.crops_said}"
        shown.append(_figure("balanced accuracy", evaluation.balanced_accuracy, many))
        attack = evaluation.attack
        if attack is not None:
            of_kind = count(attack.apcer_by_kind[attack.apcer_kind].n, "photo")
            genuine = count(attack.bona_fides, "photo")
            shown += [
                _figure("APCER", evaluation.apcer, f"worst kind: {attack.apcer_kind}, {of_kind}"),
                _figure("BPCER", evaluation.bpcer, f"genuine called attack, {genuine}"),
            ]
    for one in model.measured[:3]:
        shown += _speeds(one, model, found) if one.points else []
    if model.file_bytes is not None:
        shown.append(("file", file_size(model.file_bytes), model.contract.precision if model.contract else ""))
    return tuple(shown)


def _speeds(measured: Measured, model: Model, found: Headline | None) -> list[tuple[str, str, str]]:
    """The latency of the headline's own setting, and the point that stands for the benchmark with its own accuracy."""
    own, point = featured(measured, model), timed(measured, model)
    shown = []
    if point is not None:
        said = f"{measured.device}, {point_name(point)}"
        shown.append(("p95 of one photo", milliseconds(point.total.p95_ms), said))
    elif found is not None:
        said = f"{measured.device}, {found.crops_said}: not measured; {found.how_to_time} does"
        shown.append(("p95 of one photo", NOTHING, said))
    if own != point:
        name = "recommended setting" if own == measured.recommended else "setting of the benchmark"
        pair = f"{milliseconds(own.total.p95_ms)}, {percent(own.evaluation.headline.value)}"
        said = f"p95 and {own.evaluation.measure}; {measured.device}, {point_name(own)}"
        shown.append((name, pair, said))
    return shown


def _figure(name: str, found: Estimate | None, more: str = "") -> tuple[str, str, str]:
    whole = interval(found)
    value, _, bounds = whole.partition(" (")
    return name, value, " · ".join(part for part in (bounds.rstrip(")"), more) if part)


def _answers(report: ClassificationReport) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """What is answered, and how often for each class; with a column of its own for what a rule calls unknown."""
    labels = tuple(one.label for one in report.classes)
    if not report.abstained:
        return labels, report.confusion
    return (*labels, UNKNOWN), with_unknown_column(report.confusion, report.classes)


def _confusion(evaluation: Evaluation) -> Confusion | None:
    called, counts = _answers(evaluation.report)
    labels = tuple(one.label for one in evaluation.report.classes)
    if len(labels) > _MOST_LABELS:
        return None
    totals = [max(one.support, 1) for one in evaluation.report.classes]
    shades = tuple(tuple(round(10 * n / total) for n in row) for row, total in zip(counts, totals, strict=True))
    return Confusion(labels=labels, called=called, counts=counts, shades=shades, many=len(labels) > MANY_CLASSES)


def _confused(evaluation: Evaluation) -> tuple[Table, ...]:
    """Of many classes the most frequent errors, which nobody would find in the matrix."""
    classes = evaluation.report.classes
    names, counts = _answers(evaluation.report)
    pairs = most_confused(counts)
    if len(classes) <= MANY_CLASSES or not pairs:
        return ()
    rows = tuple(
        (
            text_cell(classes[truth].label),
            text_cell(names[called]),
            number_cell(number, 0),
            point_cell(number / max(classes[truth].support, 1)),
        )
        for truth, called, number in pairs[:_MOST_PAIRS]
    )
    left = len(pairs) - len(rows)
    note = f"{count(left, 'other pair')} not shown." if left else ""
    columns = ("truth", "called", "photos", "of the class")
    return (Table(title="Most confused", columns=columns, rows=rows, note=note),)


def _kinds(evaluation: Evaluation) -> tuple[Table, ...]:
    attack = evaluation.attack
    if attack is None:
        return ()
    photos = [one.n for one in attack.apcer_by_kind.values()]
    rows = tuple(
        (
            Cell(text=marked_kind(kind, one.n, photos), strong=kind == attack.apcer_kind),
            point_cell(one.value),
            number_cell(one.n, 0),
        )
        for kind, one in sorted(attack.apcer_by_kind.items(), key=lambda item: (-item[1].value, item[0]))
    )
    note = (
        f"Share of attacks that pass as genuine, by kind (APCER). Worst: {attack.apcer_kind}, "
        f"{interval(evaluation.apcer)}. Genuine photos called attacks (BPCER): {interval(evaluation.bpcer)}. "
        f"{kinds_rule(photos)}."
    )
    return (Table(title="Kinds of attack", columns=("kind", "APCER", "photos"), rows=rows, note=note),)


def _groups(evaluation: Evaluation) -> tuple[Table, ...]:
    if not evaluation.by_group:
        return ()
    worst = evaluation.worst_group
    rows = tuple(
        (
            Cell(text=name, strong=name == worst),
            point_cell(one.balanced_accuracy),
            number_cell(one.n, 0),
        )
        for name, one in sorted(evaluation.by_group.items(), key=lambda item: (item[1].balanced_accuracy, item[0]))
    )
    note = f"Mean over groups {percent(evaluation.mean_over_groups)}; worst: {worst}." if worst else ""
    return (Table(title="Groups", columns=("group", "balanced accuracy", "photos"), rows=rows, note=note),)
