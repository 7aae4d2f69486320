"""What a benchmark says of one model on one device, as reports show it. The only reader of its record for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.bench.conditions import Conditions
from edgekit.bench.latency import Interval
from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.evaluate.several import LabelsRecord
from edgekit.metrics.several import Judgement
from edgekit.metrics.wording import count, percent
from edgekit.runtime.timing import Latency
from edgekit.scoring.scores import CropUse

# Repeats that differ by more are said to.
_SPREAD = 0.1
# A sensor that is read twice in a moment may tell so much more the second time.
_CLOSE_C = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSet:
    """Which photos numbers were measured on: equal ones can be compared."""

    data_sha256: str
    part: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One way to run a model on one device.

    Attributes:
        crops: Crops of each photo; where verdicts stop early, at most.
        threads: Crops that are scored at the same time.
        way: Threads, and the delegate where one was asked for, as they are shown.
        stops_early: Whether a verdict may end before its last crop.
        crops_used: How many crops the verdicts took, where they may stop early.
        latency: Latency of one photo in milliseconds, by stage; ``total`` is among them.
        p95: 95 % interval of the total's p95; None where there was one repeat alone.
        cold_start_ms: Milliseconds from starting a new process until its first verdict.
        peak_memory_mb: The most memory that the new process had, in MiB.
        evaluation: Accuracy at this point.
    """

    crops: int
    threads: int
    way: str
    stops_early: bool
    crops_used: CropUse | None
    latency: dict[str, Latency]
    p95: Interval | None
    cold_start_ms: float | None
    peak_memory_mb: float | None
    evaluation: Judgement

    @property
    def total(self) -> Latency:
        """Latency from the file to the verdict, in milliseconds."""
        return self.latency["total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model on one device.

    Attributes:
        device: Name of the device.
        conditions: Names and values of the benchmark's conditions, as they are shown.
        points: Ways to run the model that have a latency.
        untimed: Accuracy on an emulated device, which has no latency worth quoting.
        budget_ms: Milliseconds that 95 of 100 photos may take; None without a limit.
        recommended: The most accurate point within the budget; None where none is.
        photos: The photos that the accuracy was measured on.
        cautions: Cautions that hold for every number.
        rough: Why the latencies are too rough to decide anything; empty where they are not.
    """

    device: str
    conditions: tuple[tuple[str, str], ...]
    points: tuple[Point, ...]
    untimed: tuple[Judgement, ...] = ()
    budget_ms: float | None
    recommended: Point | None
    photos: PhotoSet
    cautions: tuple[str, ...] = ()
    rough: str = ""


def photo_set(record: BenchRecord | EvaluateRecord | LabelsRecord) -> PhotoSet:
    """The photos that a record's numbers are of."""
    if isinstance(record, EvaluateRecord):
        photos = record.evaluation.report.n
    else:
        photos = record.photos if isinstance(record, BenchRecord) else record.report.n
    return PhotoSet(data_sha256=record.data_sha256, part=record.part, number=photos)


def measured(record: BenchRecord) -> tuple[Measured, ...]:
    """The results of a benchmark, one entry a device."""
    names = [one.conditions.device or one.device for one in record.devices]
    own = tuple(part for part in record.caution.split("; ") if part)
    found = []
    for one, name in zip(record.devices, names, strict=True):
        device = name if names.count(name) == 1 else f"{name} ({one.device})"
        pairs = [(point, _point(point, one.points)) for point in one.points if point.latency]
        best = (
            view
            for point, view in pairs
            if point.setting == one.recommended
            # A record that recommends what its own numbers forbid is not believed.
            and (record.budget_ms is None or view.total.p95_ms <= record.budget_ms)
        )
        found.append(
            Measured(
                device=device,
                conditions=_conditions(one.conditions, one),
                points=tuple(view for _, view in pairs),
                untimed=tuple(point.evaluation for point in one.points if not point.latency),
                budget_ms=record.budget_ms,
                recommended=next(best, None),
                photos=photo_set(record),
                cautions=(*own, *_cautions(one, device, quick=record.quick)),
                rough=_rough(one, quick=record.quick),
            )
        )
    return tuple(found)


def _point(point: BenchPoint, others: Sequence[BenchPoint]) -> Point:
    assert point.latency is not None
    way = count(point.threads, "thread")
    if len({other.interpreter for other in others}) > 1:
        way += f", {point.interpreter}"
    if point.asked_delegate != "default":
        way += f", delegate {point.asked_delegate}"
    intervals = (point.intervals or {}).get("total", {})
    return Point(
        crops=point.crops,
        threads=point.threads,
        way=way,
        stops_early=point.stops_early,
        crops_used=point.crops_used,
        latency=point.latency,
        p95=intervals.get("p95_ms"),
        cold_start_ms=point.cold.cold_start_ms if point.cold else None,
        peak_memory_mb=point.cold.peak_memory_mb if point.cold else None,
        evaluation=point.evaluation,
    )


def _rough(bench: DeviceBench, *, quick: bool) -> str:
    throttled = bench.throttling is not None and bench.throttling.verdict == "throttled"
    reasons = [*(["a quick benchmark"] if quick else []), *(["the device slowed down meanwhile"] if throttled else [])]
    return " and ".join(reasons)


def _cautions(bench: DeviceBench, device: str, *, quick: bool) -> Sequence[str]:
    cautions = []
    if bench.no_latency:
        cautions.append(f"{device}: {bench.no_latency}")
    if quick and not bench.no_latency:
        cautions.append(f"{device}: a quick benchmark, its latencies are rough")
    throttled = bench.throttling
    if throttled is not None and throttled.verdict == "throttled":
        cautions.append(f"{device} slowed down by {percent(throttled.ratio - 1, 0)} while it was measured")
    cautions += _not_cooled(bench, device)
    spreads = [point.spread.relative for point in bench.points if point.spread is not None]
    if spreads and max(spreads) > _SPREAD:
        cautions.append(f"{device}: repeats differ by up to {percent(max(spreads), 0)}")
    return cautions


def _not_cooled(bench: DeviceBench, device: str) -> Sequence[str]:
    """What to say where a repeat began before the machine was as cool as was asked for: the pause has an end."""
    wanted_c = re.fullmatch(r"(-?[0-9]{1,3}(?:\.[0-9]{1,3})?)C", bench.conditions.cool_down.strip())
    begun = [one.before.hottest_c for one in bench.repeats]
    warmest = max((degrees for degrees in begun if degrees is not None), default=None)
    if wanted_c is None or warmest is None or warmest <= float(wanted_c[1]) + _CLOSE_C:
        return ()
    return (f"{device} did not cool to {wanted_c[1]} °C before each repeat: one began at {warmest:g} °C",)


def _conditions(where: Conditions, bench: DeviceBench) -> tuple[tuple[str, str], ...]:
    """Where and how latencies were measured, for people."""
    dots = where.int8_instructions
    dot_products = "not told" if dots is None else ", ".join(dots) or "none: int8 may be slower than float here"
    counted = f"{where.repeats} × at least {count(where.min_runs, 'run')} and {where.min_s:g} s of each point"
    items = [
        ("device", where.device),
        ("reached by", bench.device + (f", emulated by {bench.emulated}" if bench.emulated else "")),
        ("cores", f"{where.cores}, affinity {where.affinity}"),
        ("8-bit dot products", dot_products),
        ("system", where.system),
        ("interpreter", where.interpreter),
        ("delegate", where.delegate),
        *([("measured inside", where.app)] if where.app else [("Python", where.python)]),
        ("warm-up, not counted", f"{count(where.warmup, 'run')} and {where.warmup_s:g} s of each point"),
        ("counted", counted),
        ("photos timed", str(where.timed_photos)),
        ("pause before a repeat", where.cool_down or "none"),
        ("temperature", _temperatures(where)),
    ]
    if where.sessions > 1:
        items.append(("measured in", f"{where.sessions} goes"))
    return tuple(items)


def _temperatures(where: Conditions) -> str:
    before = where.machine.state.hottest_c if where.machine is not None else None
    after = where.after.hottest_c if where.after is not None else None
    said = [f"{value:.0f} °C" if value is not None else "not told" for value in (before, after)]
    return "not told" if said == ["not told"] * 2 else f"{said[0]} before, {said[1]} after"
