"""What crops buy: a study of test-time augmentation as a chart and a table."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.evaluate.tta import TtaPoint, TtaRecord
from edgekit.evaluate.tta_tables import P_VALUE
from edgekit.metrics.attacks import WORST_RULE, attacks_told
from edgekit.metrics.wording import count, interval, photos_of, short
from edgekit.report.cells import Cell, Table, estimate_cell, number_cell, text_cell
from edgekit.report.charts import ChartAxes, Curve, curve_charts
from edgekit.report.drawing import Chart

_FLIPS = ("now right", "now wrong", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """A study, for the page.

    Attributes:
        conditions: The photos in words: how many, which part, which data.
        caution: A caution to print beside the numbers; empty where none is needed.
        charts: For ``wide`` and ``narrow`` windows; none without points.
        early: Whether a way stops early.
        table: The chart's points as a table.
    """

    conditions: str
    caution: str
    charts: dict[str, Chart]
    early: bool
    table: Table


def study_view(key: str, record: TtaRecord) -> StudyView:
    """Show a study."""
    many, told = len(record.models) > 1, attacks_told(record.points)
    rates = ("APCER", "BPCER") if told else ()
    groups = f" of {count(record.groups, 'group')}" if record.groups else ""
    axes = ChartAxes(x_name="crops of a photo (mean)", y_name="balanced accuracy", x="number", y="zoomed share")
    return StudyView(
        conditions=f"{photos_of(record.photos, record.part)}{groups} (data {short(record.data_sha256)})",
        caution=record.caution,
        charts=curve_charts(key, "Accuracy over crops", _curves(record), axes),
        early=any(point.stops_early for point in record.points),
        table=Table(
            title="Every way",
            columns=("way", *(("model",) if many else ()), "crops", "balanced accuracy", *rates, *_FLIPS),
            rows=tuple(_row(point, many=many, told=told) for point in record.points),
            note=(
                f"Now right: photos that {record.baseline} told wrong and this way tells right; now wrong: the "
                f"other way round; p: how often chance alone would part them so. {P_VALUE}"
                + (f" {WORST_RULE}, if any has." if any(point.apcer for point in record.points) else "")
            ),
        ),
    )


def _curves(record: TtaRecord) -> list[Curve]:
    """A line for every plan; verdicts that stop early have no number of crops of their own, so they stand alone."""
    many, curves = len(record.models) > 1, []
    for model, plan, early in dict.fromkeys((point.model, point.plan, point.stops_early) for point in record.points):
        own = [one for one in record.points if (one.model, one.plan, one.stops_early) == (model, plan, early)]
        own.sort(key=lambda one: one.mean_crops)
        name = own[0].way if early else plan
        curves.append(
            Curve(
                name=f"{model}, {name}" if many else name,
                points=tuple((one.mean_crops, one.balanced_accuracy.value) for one in own),
                tips=tuple(
                    f"{one.model}\n{one.way}, {one.mean_crops:.1f} crops\n{interval(one.balanced_accuracy)}"
                    for one in own
                ),
                joined=not early,
                hollow=early,
            )
        )
    return curves


def _row(point: TtaPoint, *, many: bool, told: bool) -> tuple[Cell, ...]:
    flips = point.flips
    return (
        text_cell(point.way),
        *((text_cell(point.model),) if many else ()),
        number_cell(point.mean_crops, 1),
        estimate_cell(point.balanced_accuracy, bar=True),
        *((estimate_cell(point.apcer), estimate_cell(point.bpcer)) if told else ()),
        number_cell(flips.wrong_to_right if flips else None, 0),
        number_cell(flips.right_to_wrong if flips else None, 0),
        number_cell(flips.p_value if flips else None, 3),
    )
