"""Whether a benchmark is worse than an earlier one; refused where the two were not measured alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.bench.conditions import differences
from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
from edgekit.errors import EdgekitError

_Verdict = Literal["worse", "better", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One number of one point, then and now.

    Attributes:
        device: Name of the device.
        point: Crops, threads, interpreter, delegate.
        what: ``p50_ms``, ``p95_ms``, or the measure of their evaluations, such as ``balanced accuracy``.
        old: The number in the earlier benchmark.
        new: The number in the later benchmark.
        relative: New less old, as a share of the old number.
        verdict: ``worse`` and ``better`` where it changed by more than the tolerance and the 95 % intervals do not
            touch, else ``same``.
    """

    device: str
    point: str
    what: str
    old: float
    new: float
    relative: float
    verdict: _Verdict


def compare_benchmarks(old: BenchRecord, new: BenchRecord, *, tolerance: float = 0.1) -> tuple[Change, ...]:
    """Compare the points that both have, device by device.

    Args:
        old: The earlier benchmark.
        new: The later one, of the same photos; the model may be another.
        tolerance: A latency may grow by this share. An accuracy has none: its interval decides.

    Raises:
        EdgekitError: other photos, devices, conditions or interpreters, no point in common, or a negative tolerance.
    """
    if not 0 <= tolerance <= 10:
        raise EdgekitError(f"a tolerance must be 0 to 1000 %, got {100 * tolerance:g} %")
    check_comparable(old, data_sha256=new.data_sha256, devices=[one.device for one in new.devices])
    was, now = {one.device: one for one in old.devices}, {one.device: one for one in new.devices}
    unlike = _unlike(("the part", old.part, new.part), ("the crop plan", old.plan, new.plan))
    for name, before in was.items():
        unlike += [f"{name}: {one}" for one in differences(before.conditions, now[name].conditions)]
    _refuse(unlike)
    changes = [change for name in was for change in _device(was[name], now[name], tolerance)]
    if not changes:
        raise EdgekitError(
            "benchmarks must have a point in common to be compared, these have none; use the same --crops"
        )
    return tuple(changes)


def check_comparable(old: BenchRecord, *, data_sha256: str, devices: Sequence[str]) -> None:
    """Hold what is known before anything is measured.

    Args:
        old: The earlier benchmark.
        data_sha256: SHA-256 that identifies the photos of the later benchmark.
        devices: Devices of the later benchmark, without those that time the network alone, which are not compared.

    Raises:
        EdgekitError: other photos or devices.
    """
    was = sorted(one.device for one in old.devices)
    data = ("the data", old.data_sha256[:12], data_sha256[:12])
    _refuse(_unlike(data, ("the list of devices", was, sorted(devices))))
    if not was:
        raise EdgekitError(
            "phones that time the network alone are not compared, and there is no other device; leave out --against"
        )


def _unlike(*conditions: tuple[str, object, object]) -> list[str]:
    """In words, those conditions (name, then, now) that have changed."""
    return [f"{name} was {before}, is {after}" for name, before, after in conditions if before != after]


def _refuse(unlike: Sequence[str]) -> None:
    if unlike:
        raise EdgekitError(f"benchmarks must be measured alike to be compared: {'; '.join(unlike)}")


def _device(old: DeviceBench, new: DeviceBench, tolerance: float) -> Iterator[Change]:
    was, now = ({_key(point): point for point in one.points} for one in (old, new))
    # In the order of the points.
    for before, after in ((was[key], now[key]) for key in was if key in now):
        ran, runs = (f"{one.interpreter} ({one.delegate})" for one in (before, after))
        if ran != runs:
            _refuse([f"{new.device}: {before.label} ran on {ran}, runs on {runs}"])
        for what, old_value, new_value, verdict in _numbers(before, after, tolerance):
            yield Change(
                device=new.device,
                point=f"{after.label}, {after.series}",
                what=what,
                old=old_value,
                new=new_value,
                relative=new_value / old_value - 1 if old_value else 0.0,
                verdict=verdict,
            )


def _key(point: BenchPoint) -> tuple[object, ...]:
    backend = point.interpreter.partition(" ")[0]
    return point.crops, point.threads, point.stops_early, backend, point.asked_delegate


def _numbers(old: BenchPoint, new: BenchPoint, tolerance: float) -> Iterator[tuple[str, float, float, _Verdict]]:
    """Name, then, now and verdict of each number of a point."""
    if old.latency and new.latency and old.intervals and new.intervals:
        for what in ("p50_ms", "p95_ms"):
            before, after = (getattr(latency["total"], what) for latency in (old.latency, new.latency))
            was, now = old.intervals["total"][what], new.intervals["total"][what]
            slower = after / before - 1 > tolerance and now[0] > was[1]
            faster = after / before - 1 < -tolerance and now[1] < was[0]
            yield what, before, after, "worse" if slower else "better" if faster else "same"
    measures = old.evaluation.measure, new.evaluation.measure
    _refuse(_unlike(("the measure", *measures)))
    then, found = old.evaluation.headline, new.evaluation.headline
    verdict: _Verdict = "worse" if found.high < then.low else "better" if found.low > then.high else "same"
    yield measures[0], then.value, found.value, verdict
