"""What a server tells of itself, in Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats: four kinds of numbers are not worth a library that keeps
them for the whole process. Written and read by the event loop's thread alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

KIND = "text/plain; version=0.0.4; charset=utf-8"
# Upper ends in seconds; one more bucket takes the rest.
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RequestCounts:
    """Requests by their outcome, photos by theirs, and how long answers took."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._photos: Counter[str] = Counter()
        self._bytes = 0
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def answered(self, route: str, status: int) -> None:
        """A request was answered, or its client went away (status 499)."""
        self._requests[route, status] += 1

    def judged(self, outcomes: Iterable[str], seconds: float) -> None:
        """A request's photos got verdicts, or were refused, in so many seconds from its head to its answer."""
        self._photos.update(outcomes)
        self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds += seconds

    def received(self, size: int) -> None:
        """So many bytes of photos came in."""
        self._bytes += size

    def text(self, gauges: Mapping[str, tuple[str, Mapping[str, float]]]) -> str:
        """All of it.

        Args:
            gauges: Numbers of this moment by name: what they are, and values by labels, such as ``state="waiting"``.
        """
        return "\n".join(self._lines(gauges)) + "\n"

    def _lines(self, gauges: Mapping[str, tuple[str, Mapping[str, float]]]) -> Iterator[str]:
        yield from _head(
            "edgekit_requests_total", "counter", "Requests by route and HTTP status; 499: the client left."
        )
        for (route, status), number in sorted(self._requests.items()):
            yield f'edgekit_requests_total{{route="{route}",status="{status}"}} {number}'
        yield from _head("edgekit_photos_total", "counter", "Photos by outcome.")
        for outcome, number in sorted(self._photos.items()):
            yield f'edgekit_photos_total{{outcome="{outcome}"}} {number}'
        yield from _head("edgekit_upload_bytes_total", "counter", "Bytes of photos that came in.")
        yield f"edgekit_upload_bytes_total {self._bytes}"
        name = "edgekit_answer_seconds"
        yield from _head(name, "histogram", "Seconds from a request's head to the verdicts of its photos.")
        below = 0
        for end, number in zip((*map(str, BUCKETS_S), "+Inf"), self._buckets, strict=True):
            below += number
            yield f'{name}_bucket{{le="{end}"}} {below}'
        yield f"{name}_sum {self._seconds:.6f}"
        yield f"{name}_count {below}"
        for name, (about, values) in gauges.items():
            yield from _head(name, "gauge", about)
            for labels, value in values.items():
                yield f"{name}{f'{{{labels}}}' if labels else ''} {value:g}"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
