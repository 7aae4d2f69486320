"""What crops buy: a study of test-time augmentation as a chart and a table."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.report.charts import Curve, Plane, curve_chart
from edgekit.report.drawing import Chart
from edgekit.studytables import P_VALUE
from edgekit.tta import TtaPoint, TtaRecord
from edgekit.wording import Cell, Table, count, estimate, interval, number, short, text

_COLUMNS = ("crops", "balanced accuracy", "APCER", "BPCER", "now right", "now wrong", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study, for the page."""

    conditions: str
    caution: str
    chart: Chart | None
    table: Table


def study(key: str, record: TtaRecord) -> Study:
    """Show a study."""
    many = len(record.models) > 1
    groups = f" of {count(record.groups, 'group')}" if record.groups else ""
    curves = []
    for model, plan in dict.fromkeys((point.model, point.plan) for point in record.points):
        own = [one for one in record.points if (one.model, one.plan) == (model, plan) and not one.stops_early]
        own.sort(key=lambda one: one.mean_crops)
        curves.append(
            Curve(
                name=f"{model}, {plan}" if many else plan,
                points=tuple((one.mean_crops, one.balanced_accuracy.value) for one in own),
                tips=tuple(f"{one.model}\n{one.way}\n{interval(one.balanced_accuracy)}" for one in own),
            )
        )
    plane = Plane(x_name="crops of a photo (mean)", y_name="balanced accuracy", x="number", y="zoomed share")
    return Study(
        conditions=f"{record.photos:,} {record.part} photos{groups} (data {short(record.data_sha256)})",
        caution=record.caution,
        chart=curve_chart(key, "Accuracy over crops", curves, plane),
        table=Table(
            title="Every way",
            columns=("way", *(("model",) if many else ()), *_COLUMNS),
            rows=tuple(_row(point, many=many) for point in record.points),
            note=(
                f"Now right: photos that {record.baseline} told wrong and this way tells right; now wrong: the "
                f"other way round; p: how often chance alone would part them so. {P_VALUE}"
            ),
        ),
    )


def _row(point: TtaPoint, *, many: bool) -> tuple[Cell, ...]:
    flips = point.flips
    return (
        text(point.way),
        *((text(point.model),) if many else ()),
        number(point.mean_crops, 1),
        estimate(point.balanced_accuracy, bar=True),
        estimate(point.apcer),
        estimate(point.bpcer),
        number(flips.wrong_to_right if flips else None, 0),
        number(flips.right_to_wrong if flips else None, 0),
        number(flips.p_value if flips else None, 3),
    )
