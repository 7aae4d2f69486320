"""What a detailed evaluation adds to the page: kinds, curves, calibration, abstaining and slices."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.metrics.attacks import attacks_told, kinds_rule, marked_kind
from edgekit.metrics.breakdown import Detail
from edgekit.metrics.classification import ClassReport
from edgekit.metrics.curves import AttackDetail
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.open_set import OpenSet
from edgekit.metrics.rates import Rate
from edgekit.metrics.wording import count, interval, listed, open_set_said, percent, rate_interval
from edgekit.report.cells import Cell, Table, estimate_cell, number_cell, share_cell, text_cell
from edgekit.report.charts import ChartAxes, Curve, curve_chart
from edgekit.report.drawing import Chart

_MOST_SLICES = 200


def quoted(found: Rate | None) -> Estimate | None:
    """The interval to be quoted: over groups where there are any, which is never narrower."""
    return None if found is None else found.estimate


def detail_tables(detail: Detail) -> tuple[Table, ...]:
    """All tables of a detailed evaluation."""
    table = detail.table
    note = f"Accuracy {percent(table.accuracy)}. Averages as scikit-learn's classification_report defines them."
    tables = [classes_as_table([*table.classes, table.macro, table.weighted], note), _scores(detail)]
    if detail.attacks is not None:
        tables[1:1] = [_kinds(detail.attacks), _points(detail.attacks)]
    if detail.risk.band is not None:
        tables.append(_band(detail))
    return tuple(tables)


def detail_charts(key: str, detail: Detail) -> tuple[Chart, ...]:
    """All charts of a detailed evaluation."""
    attacks = _attack_charts(key, detail.attacks) if detail.attacks is not None else ()
    return tuple(chart for chart in (*attacks, _reliability(key, detail), _risk(key, detail)) if chart is not None)


def classes_as_table(lines: Sequence[ClassReport], note: str = "") -> Table:
    """Precision, recall and F1 of classes, and of averages over them."""
    rows = tuple(
        (text_cell(one.label), *map(share_cell, (one.precision, one.recall, one.f1)), number_cell(one.support, 0))
        for one in lines
    )
    return Table(title="Classes", columns=("class", "precision", "recall", "F1", "photos"), rows=rows, note=note)


def _kinds(attacks: AttackDetail) -> Table:
    photos = [one.apcer.n for one in attacks.kinds]
    rows = tuple(
        (
            Cell(text=marked_kind(one.kind, one.apcer.n, photos), strong=one.kind == attacks.worst_kind),
            estimate_cell(quoted(one.apcer), bar=True),
            number_cell(one.apcer.n, 0),
            number_cell(one.apcer.groups or None, 0),
        )
        for one in attacks.kinds
    )
    note = (
        f"Share of attacks that pass as genuine. Over all attacks {rate_interval(attacks.overall)}; genuine photos "
        f"called attacks (BPCER) {rate_interval(attacks.bpcer)}. {kinds_rule(photos)}."
    )
    return Table(title="APCER by kind of attack", columns=("kind", "APCER", "photos", "groups"), rows=rows, note=note)


def _points(attacks: AttackDetail) -> Table:
    rows = [
        (text_cell("this file's threshold"), estimate_cell(quoted(attacks.bpcer), bar=True), text_cell("")),
        (text_cell("equal error rate"), estimate_cell(attacks.eer, bar=True), number_cell(attacks.eer_threshold, 3)),
    ]
    rows += [
        (
            text_cell(f"APCER of {percent(one.limit, 0)}" + ("" if one.supported else " (too few attacks to tell)")),
            estimate_cell(one.bpcer, bar=True),
            number_cell(one.threshold, 3),
        )
        for one in attacks.at_apcer
    ]
    note = "Thresholds other than the file's own were found on these very photos: what they promise flatters."
    return Table(title="Operating points", columns=("at", "BPCER", "threshold"), rows=tuple(rows), note=note)


def _scores(detail: Detail) -> Table:
    attacks, reliability, risk = detail.attacks, detail.reliability, detail.risk
    rows: list[tuple[Cell, ...]] = []
    if attacks is not None:
        rows += [
            (text_cell("AUC"), Cell(text=interval(attacks.auc, scale=1.0)), text_cell("0.5 by chance")),
            (text_cell("average precision"), Cell(text=interval(attacks.average_precision, scale=1.0)), text_cell("")),
            (text_cell("ACER"), Cell(text=interval(attacks.acer)), text_cell("mean of worst APCER and BPCER")),
        ]
    rows += [
        (
            text_cell("calibration error"),
            Cell(text=interval(reliability.ece)),
            text_cell(f"{percent(reliability.ece_by_chance)} of a perfect score, by chance"),
        ),
        (text_cell("Brier score"), number_cell(reliability.brier, 3), text_cell("0 is perfect")),
        (
            text_cell("area under risk"),
            Cell(text=interval(risk.aurc)),
            text_cell(f"{percent(risk.aurc_at_best)} at best, {percent(risk.aurc_by_chance)} by chance"),
        ),
    ]
    return Table(title="Scores", columns=("measure", "value", "to compare with"), rows=tuple(rows))


def _band(detail: Detail) -> Table:
    band = detail.risk.band
    assert band is not None
    rows = [
        (text_cell("no answer"), estimate_cell(quoted(band.abstained), bar=True)),
        (text_cell("wrong of the answered"), estimate_cell(quoted(band.wrong), bar=True)),
        (text_cell("would have been wrong, of the rest"), estimate_cell(quoted(band.wrong_of_abstained), bar=True)),
    ]
    note = f"This file answers “retake” between {band.abstain[0]:g} and {band.abstain[1]:g}." if band.abstain else ""
    return Table(title="Abstaining", columns=("photos", "share"), rows=tuple(rows), note=note)


def open_set_tables(found: OpenSet | None) -> tuple[Table, ...]:
    """What a rule for unknown does, and which classes that the model does not know pass; nothing without a rule."""
    if found is None:
        return ()
    rows = tuple((text_cell(name), Cell(text=value)) for name, value in open_set_said(found))
    note = "A photo is unknown from the file's own threshold on, which was not chosen on these photos."
    tables = (Table(title="Unknown", columns=("measure", "value"), rows=rows, note=note),)
    if not found.classes:
        return tables
    classes = tuple(
        (
            text_cell(one.label),
            estimate_cell(quoted(one.accepted), bar=True),
            text_cell(one.called),
            number_cell(one.accepted.n, 0),
        )
        for one in found.classes
    )
    columns = ("class", "accepted", "mostly as", "photos")
    return (*tables, Table(title="Classes that the model does not know", columns=columns, rows=classes))


def slice_tables(detail: Detail) -> tuple[Table, ...]:
    """Errors by what is known of the photos, the worst named; nothing where nothing is known."""
    slices = detail.slices
    if not slices.found:
        return ()
    attack = attacks_told(slices.found)
    rows = tuple(
        (
            Cell(text=_slice_name(one.column, one.value), strong=one.name in slices.worst),
            number_cell(one.n, 0),
            estimate_cell(quoted(one.errors), bar=True),
            *((share_of(one.apcer), share_of(one.bpcer)) if attack else (estimate_cell(one.balanced_accuracy),)),
        )
        for one in slices.found[:_MOST_SLICES]
    )
    named = {one.name: _slice_name(one.column, one.value) for one in slices.found}
    worst = [named.get(name, name) for name in slices.worst]
    told = f"Worst: {listed(worst)}. " if worst else ""
    more = slices.left_out + max(0, len(slices.found) - _MOST_SLICES)
    left = f" {count(more, 'slice')} not shown." if more else ""
    rates = ("APCER", "BPCER") if attack else ("balanced accuracy",)
    columns = ("slice", "photos", "errors", *rates)
    return (Table(title="Slices", columns=columns, rows=rows, note=f"{told}{slices.caution}{left}"),)


def _slice_name(column: str, value: str) -> str:
    return f"{column}: {value or 'not known'}"


def share_of(rate: Rate | None) -> Cell:
    """A rate with how many photos it is of."""
    if rate is None or not rate.n:
        return text_cell("")
    return Cell(text=f"{percent(rate.photos.value)} of {rate.n}", value=rate.photos.value)


def _attack_charts(key: str, attacks: AttackDetail) -> Sequence[Chart | None]:
    curve = attacks.curve
    apcer, bpcer = attacks.overall.photos.value, attacks.bpcer.photos.value
    tip = f"this file's threshold\nAPCER {percent(apcer)} (all kinds)\nBPCER {percent(bpcer)}"

    def chosen(x: float, y: float) -> Curve:
        return Curve(name="this file's threshold", points=((x, y),), tips=(tip,), joined=False, strong=True)

    rates = tuple(zip(curve.bpcer, curve.apcer, strict=True))
    steps: list[tuple[float, float]] = []
    for a, precision in zip(curve.apcer, curve.precision, strict=True):
        # Between two cuts the precision is that of the looser one.
        if steps:
            steps.append((steps[-1][0], precision))
        steps.append((1 - a, precision))
    roc = [Curve(name="attacks caught", points=tuple((b, 1 - a) for b, a in rates)), chosen(bpcer, 1 - apcer)]
    det = [Curve(name="all thresholds", points=rates), chosen(bpcer, apcer)]
    precisions = [Curve(name="precision", points=tuple(steps))]
    roc_axes = ChartAxes(x_name="BPCER: genuine called attack", y_name="attacks caught", diagonal=True)
    det_axes = ChartAxes(x_name="BPCER", y_name="APCER, all kinds", x="deviate", y="deviate")
    precision_axes = ChartAxes(x_name="recall: attacks caught", y_name="precision", y="zoomed share")
    area, average = (interval(one, scale=1.0) for one in (attacks.auc, attacks.average_precision))
    return (
        curve_chart(f"{key}-roc", f"ROC: AUC {area}", roc, roc_axes),
        curve_chart(f"{key}-det", f"DET: EER {interval(attacks.eer)}", det, det_axes),
        curve_chart(f"{key}-pr", f"Precision and recall: AP {average}", precisions, precision_axes),
    )


def _reliability(key: str, detail: Detail) -> Chart | None:
    found = detail.reliability
    bins = [one for one in found.equal_mass if one.n and not math.isnan(one.score)]
    curve = Curve(
        name="what was true",
        points=tuple((one.score, one.share.value) for one in bins),
        tips=tuple(
            f"said {percent(one.score)}, true {interval(one.share)}\n{count(one.n, 'photo')}, "
            f"scores {one.low:.2f} to {one.high:.2f}"
            for one in bins
        ),
        bars=tuple((one.share.low, one.share.high) for one in bins),
    )
    axes = ChartAxes(x_name=f"{found.of}: what was said", y_name="what was true", diagonal=True)
    return curve_chart(f"{key}-reliability", f"Reliability: ECE {interval(found.ece)}", [curve], axes)


def _risk(key: str, detail: Detail) -> Chart | None:
    risk = detail.risk
    curve = Curve(name="wrong of the answered", points=tuple(zip(risk.coverage, risk.risk, strict=True)))
    axes = ChartAxes(x_name="photos answered, the most certain first", y_name="wrong of these", y="zoomed share")
    return curve_chart(f"{key}-risk", f"Risk over coverage: area {interval(risk.aurc)}", [curve], axes)
