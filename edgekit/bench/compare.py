"""Whether a benchmark is worse than an earlier one; refused where the two were not measured alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.bench.conditions import differences
from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
from edgekit.errors import EdgekitError

_PERCENTILES = ("p50_ms", "p95_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One number of one point, then and now.

    Attributes:
        device: On which device.
        point: Crops, threads, interpreter, delegate.
        what: ``p50_ms``, ``p95_ms`` or ``balanced accuracy``.
        old: Then.
        new: Now.
        relative: By how much it changed, as a share of the old number.
        verdict: ``worse`` and ``better`` where it changed by more than the tolerance and the 95 % intervals do not
            touch, else ``same``.
    """

    device: str
    point: str
    what: str
    old: float
    new: float
    relative: float
    verdict: Literal["worse", "better", "same"]


def compare(old: BenchRecord, new: BenchRecord, *, tolerance: float = 0.1) -> tuple[Change, ...]:
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
    found = [
        f"{name} was {before}, is {after}"
        for name, before, after in (
            ("the part", old.part, new.part),
            ("the crop plan", old.plan, new.plan),
        )
        if before != after
    ]
    for name, before in was.items():
        found += [f"{name}: {one}" for one in differences(before.conditions, now[name].conditions)]
    if found:
        raise EdgekitError(f"benchmarks must be measured alike to be compared: {'; '.join(found)}")
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
        data_sha256: Of the photos of the later one.
        devices: Of the later one, without those that time the network alone, which are not compared.

    Raises:
        EdgekitError: other photos or devices.
    """
    was = sorted(one.device for one in old.devices)
    found = [
        f"{name} was {before}, is {after}"
        for name, before, after in (
            ("the data", old.data_sha256[:12], data_sha256[:12]),
            ("the list of devices", was, sorted(devices)),
        )
        if before != after
    ]
    if found:
        raise EdgekitError(f"benchmarks must be measured alike to be compared: {'; '.join(found)}")
    if not was:
        raise EdgekitError(
            "phones that time the network alone are not compared, and there is no other device; leave out --against"
        )


def _device(old: DeviceBench, new: DeviceBench, tolerance: float) -> Iterator[Change]:
    was, now = ({_key(point): point for point in one.points} for one in (old, new))
    for key in was.keys() & now.keys():
        before, after = was[key], now[key]
        if (before.interpreter, before.delegate) != (after.interpreter, after.delegate):
            raise EdgekitError(
                f"benchmarks must be measured alike to be compared: {new.device}: {before.label} ran on "
                f"{before.interpreter} ({before.delegate}), runs on {after.interpreter} ({after.delegate})"
            )
    # In the order of the points.
    for key, before in was.items():
        if key in now:
            yield from _point(new.device, before, now[key], tolerance)


def _key(point: BenchPoint) -> tuple[object, ...]:
    backend = point.interpreter.partition(" ")[0]
    return point.crops, point.threads, point.stops_early, backend, point.asked_delegate


def _point(device: str, old: BenchPoint, new: BenchPoint, tolerance: float) -> Iterator[Change]:
    name = f"{new.label}, {new.way}"
    if old.latency and new.latency and old.intervals and new.intervals:
        for what in _PERCENTILES:
            before, after = (getattr(one.latency["total"], what) for one in (old, new) if one.latency)
            apart_up = new.intervals["total"][what][0] > old.intervals["total"][what][1]
            apart_down = new.intervals["total"][what][1] < old.intervals["total"][what][0]
            relative = after / before - 1
            verdict: Literal["worse", "better", "same"] = "same"
            if relative > tolerance and apart_up:
                verdict = "worse"
            elif relative < -tolerance and apart_down:
                verdict = "better"
            yield Change(
                device=device, point=name, what=what, old=before, new=after, relative=relative, verdict=verdict
            )
    was, now = old.evaluation.balanced_accuracy, new.evaluation.balanced_accuracy
    yield Change(
        device=device,
        point=name,
        what="balanced accuracy",
        old=was.value,
        new=now.value,
        relative=now.value / was.value - 1 if was.value else 0.0,
        verdict="worse" if now.high < was.low else "better" if now.low > was.high else "same",
    )
