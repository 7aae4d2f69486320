"""LiteRT's own ``benchmark_model``: what it is asked and what it answers. It times the network alone, no photo."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.errors import DeviceError

_NUMBER = r"([-+0-9.e]+|nan)"
_SUMMARY = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
# One line after the warm-up, one after the timed runs. The percentiles came with newer versions.
_RUNS = re.compile(r"^.*?\bcount=(\d{1,9})\b(.*)$", re.M)
_FIELD = re.compile(rf"(\w{{1,40}})={_NUMBER}")
_MOST_TEXT, _MOST_REST = 200_000, 2000
# A quarter of an hour, as for every other stage.
_MOST_MS = 900_000.0
# All of its runs together.
MAX_RUN_S = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeLatency:
    """Latency of the network alone, as the tool counts it.

    Attributes:
        n: Number of timed runs.
        init_ms: Milliseconds from opening the model to allocated tensors.
        first_ms: Milliseconds of the first run.
        warmup_ms: Mean milliseconds of the runs before timing.
        p50_ms: Median in milliseconds; None where the tool is too old to tell percentiles, as is p95_ms.
    """

    n: int
    init_ms: float
    first_ms: float
    warmup_ms: float
    mean_ms: float
    min_ms: float
    max_ms: float
    std_ms: float
    p50_ms: float | None
    p95_ms: float | None


def native_arguments(model: str, threads: int, runs: int, seconds: float) -> list[str]:
    """What the tool is called with: at least so many runs and seconds, on the CPU."""
    # It stops at max_secs, however few the runs.
    pace = [f"--num_runs={runs}", f"--min_secs={max(seconds, 0.001):g}", f"--max_secs={MAX_RUN_S}", "--warmup_runs=5"]
    return [f"--graph={model}", f"--num_threads={threads}", *pace]


def parse_native(text: str, *, name: str) -> NativeLatency:
    """Read what the tool printed.

    Raises:
        DeviceError: it is not its summary.
    """
    # Some hundred lines of its log, of which the last are looked at.
    text = text[-_MOST_TEXT:]
    summary, runs = _SUMMARY.search(text), _RUNS.findall(text)
    if summary is None or not runs:
        raise DeviceError(f"{name}: benchmark_model must print its timings, got: {text.strip()[-500:] or 'nothing'}")
    count, rest = runs[-1]
    told = dict(_FIELD.findall(rest[:_MOST_REST]))
    try:
        init, first, warmup, mean = (float(one) / 1000 for one in summary.groups())
        # Of equal runs it tells one time alone.
        same = str(mean * 1000)
        shortest, longest, std = (float(told.get(*one)) / 1000 for one in (("min", same), ("max", same), ("std", "0")))
        p50, p95 = (float(told[key]) / 1000 if key in told else None for key in ("median", "p95"))
    except ValueError as failure:
        raise DeviceError(f"{name}: benchmark_model's timings must be numbers, got: {summary[0]}") from failure
    times = (init, first, warmup, mean, shortest, longest, std, p50 or 0, p95 or 0)
    # A comparison with NaN is false.
    if not (int(count) > 0 and mean > 0 and all(0 <= one <= _MOST_MS for one in times)):
        raise DeviceError(f"{name}: benchmark_model must count runs and their times, got: {summary[0]}; count={count}")
    return NativeLatency(
        n=int(count),
        init_ms=init,
        first_ms=first,
        warmup_ms=warmup,
        mean_ms=mean,
        min_ms=shortest,
        max_ms=longest,
        std_ms=std,
        p50_ms=p50,
        p95_ms=p95,
    )
