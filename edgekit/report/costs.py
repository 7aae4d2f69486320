"""What a photo costs and what that buys: the Pareto chart, its points as a table, and their conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.metrics.pareto import ParetoPoint
from edgekit.metrics.wording import interval, milliseconds, short
from edgekit.report.benchmarks import Measured, PhotoSet, Point
from edgekit.report.cells import Cell, Table, crops_phrase, crops_text, estimate_cell, number_cell, text_cell
from edgekit.report.charts import Spot, pareto_charts
from edgekit.report.drawing import Chart
from edgekit.report.models import Model
from edgekit.report.verdict import describe_photos, point_name

_STAGES = ("decode", "crop", "invoke", "vote")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostView:
    """Latency against accuracy on one set of photos.

    Attributes:
        photos: The set of photos in words: how many, which part, which data.
        charts: For ``wide`` and ``narrow`` windows; none without points.
        table: The chart's points as a table.
        conditions: For each benchmark its name, and the names and values of its conditions.
    """

    photos: str
    charts: dict[str, Chart]
    table: Table
    conditions: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def cost_views(models: Sequence[Model]) -> tuple[CostView, ...]:
    """One for each set of photos: on different photos accuracies are not comparable."""
    pairs = [(model, one) for model in models for one in model.measured if one.points]
    sets = dict.fromkeys(one.photos for _, one in pairs)
    return tuple(
        _cost_view(at, photos, [pair for pair in pairs if pair[1].photos == photos]) for at, photos in enumerate(sets)
    )


def _cost_view(at: int, photos: PhotoSet, pairs: Sequence[tuple[Model, Measured]]) -> CostView:
    names = _names(pairs)
    rows, spots = [], []
    for (model, one), name in zip(pairs, names, strict=True):
        for point in one.points:
            chosen = one.budget_ms is not None and point == one.recommended
            spots.append(_spot(point, name, one.device, chosen=chosen))
            rows.append(_cost(model, one, point, chosen=chosen))
    first = pairs[0]
    said = describe_photos(first[1].points[0].evaluation, photos, first[0])
    budgets = sorted({one.budget_ms for _, one in pairs if one.budget_ms is not None})
    # What is the same everywhere tells nothing.
    hidden = [name for name in ("model", "device") if len({row[name].text for row in rows}) == 1]
    return CostView(
        photos=f"{said} (data {short(photos.data_sha256)})",
        charts=pareto_charts(f"pareto-{at}", f"Accuracy over latency on {said}", spots, budgets),
        table=Table.of_rows(
            "Every point",
            [{name: cell for name, cell in row.items() if name not in hidden} for row in rows],
            "Milliseconds of one photo, from the file to the verdict; decode, crop, invoke and vote are medians. "
            "Cold start: a new process until its first verdict. ★ is what the benchmark recommends within its "
            "budget, by these same photos.",
        ),
        conditions=tuple((name or one.device, one.conditions) for (_, one), name in zip(pairs, names, strict=True)),
    )


def _names(pairs: Sequence[tuple[Model, Measured]]) -> list[str]:
    """What tells benchmarks apart: the model, the device, or both; nothing where there is one alone."""
    models, devices = {model.name for model, _ in pairs}, {one.device for _, one in pairs}
    names = [
        ", ".join([*([model.name] if len(models) > 1 else []), *([one.device] if len(devices) > 1 else [])])
        for model, one in pairs
    ]
    if len(set(names)) == len(names):
        return names
    return [", ".join(part for part in (name, f"no. {at + 1}") if part) for at, name in enumerate(names)]


def _spot(point: Point, name: str, device: str, *, chosen: bool) -> Spot:
    accuracy, total = point.evaluation.headline, point.total
    crops = f"≤{point.crops}" if point.stops_early else str(point.crops)
    lines = [
        *([name] if name else []),
        point_name(point) + (" (recommended)" if chosen else ""),
        f"p95 {milliseconds(total.p95_ms)}, median {milliseconds(total.p50_ms)}",
        f"{point.evaluation.measure} {interval(accuracy)}",
    ]
    return Spot(
        point=ParetoPoint(
            label=crops_phrase(crops),
            series=f"{name}, {point.way}" if name else point.way,
            latency_ms=total.p95_ms,
            accuracy=accuracy.value,
            low=accuracy.low,
            high=accuracy.high,
        ),
        place=device,
        tip="\n".join(lines),
        chosen=chosen,
        aside=point.stops_early,
        measure=point.evaluation.measure,
    )


def _cost(model: Model, measured: Measured, point: Point, *, chosen: bool) -> dict[str, Cell]:
    star, total = "★ " if chosen else "", point.total
    stages = {name: point.latency.get(name) for name in _STAGES}
    return {
        "model": text_cell(model.name),
        "device": text_cell(measured.device),
        "crops": Cell(text=star + crops_text(point.crops, point.crops_used), value=point.crops, strong=chosen),
        "threads": Cell(text=point.way.replace(" threads", "").replace(" thread", ""), value=point.threads),
        "p95 ms": number_cell(total.p95_ms),
        point.evaluation.measure: estimate_cell(point.evaluation.headline),
        "p50 ms": number_cell(total.p50_ms),
        "p99 ms": number_cell(total.p99_ms),
        **{name: number_cell(stage.p50_ms if stage else None) for name, stage in stages.items()},
        "cold start ms": number_cell(point.cold_start_ms, 0),
        "peak MiB": number_cell(point.peak_memory_mb, 0),
    }
