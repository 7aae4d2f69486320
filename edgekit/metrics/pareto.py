"""Which ways to run a model are worth having: none other is as fast and as accurate. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPoint:
    """One way to run a model: what it costs and what it buys.

    Attributes:
        label: Shown beside the point ("5 crops").
        series: Points of one series are joined by a line ("2 threads").
        latency_ms: Latency of one photo.
        accuracy: Share of photos called right, 0..1.
        low: Lower end of the accuracy's interval; NaN where unknown.
        high: Upper end of the accuracy's interval; NaN where unknown.
    """

    label: str
    series: str
    latency_ms: float
    accuracy: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.latency_ms < math.inf and 0 <= self.accuracy <= 1):
            raise DataError(
                f"a point needs a finite latency >= 0 and an accuracy in 0..1, got {self.latency_ms} ms and "
                f"{self.accuracy} for {self.label!r}"
            )


def pareto_front(points: Sequence[ParetoPoint]) -> tuple[int, ...]:
    """Positions of the points that no other beats: none is at least as fast and as accurate, and better in one.

    Returns:
        By rising latency; equal points are all kept.
    """
    front: list[int] = []
    for at in sorted(range(len(points)), key=lambda i: (points[i].latency_ms, -points[i].accuracy)):
        last = points[front[-1]] if front else None
        twin = last is not None and (last.latency_ms, last.accuracy) == (points[at].latency_ms, points[at].accuracy)
        if last is None or twin or points[at].accuracy > last.accuracy:
            front.append(at)
    return tuple(front)
