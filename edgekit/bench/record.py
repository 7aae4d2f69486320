"""What a benchmark found: points by device, and which to use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from edgekit.bench.conditions import Conditions
from edgekit.bench.latency import STAGES, Interval, Spread, Throttling
from edgekit.bounds import Counted, NoLess
from edgekit.data.regions import WithoutRegion
from edgekit.devices.native import NativeLatency
from edgekit.errors import EdgekitError
from edgekit.metrics.pareto import ParetoPoint, pareto_front
from edgekit.metrics.several import Judgement
from edgekit.metrics.wording import count
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.job import Setting
from edgekit.runtime.agent.machine import Machine
from edgekit.runtime.agent.sensors import State
from edgekit.runtime.timing import Latency
from edgekit.scoring.scores import CropUse


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPoint:
    """One way to run the model on one device.

    Attributes:
        crops: Crops of each photo; where verdicts stop early, at most.
        threads: Crops that are scored at the same time.
        stops_early: Whether the contract's bounds may end a verdict before its last crop.
        crops_used: How many crops the verdicts took, where they may stop early.
        interpreter: Name and version of the interpreter.
        delegate: What ran the operators: ``XNNPACK``, ``none`` (plain kernels), ``ext:`` and a library, ``not told``.
        asked_delegate: The delegate asked for; ``default`` leaves it to the interpreter, all else is what was used.
        latency: Per photo, from the file to the verdict: decode, crop, invoke, vote and total. None on an emulated
            device, as are all that follow but the evaluation.
        intervals: 95 % of each number of ``latency``, bootstrapped over repeats and blocks: stage, number, (low, high).
        spread: How far the repeats agree.
        slowdown: Inference of a crop in the last tenth of the runs by that in the first; None with too few of them.
        first_ms: The first verdict after the model was loaded: median of the repeats.
        cold: A process of its own, from its start to its first verdict: medians; its memory: the most. None also
            inside an app.
        evaluation: On all photos, by this interpreter and delegate; the same for every number of threads. Of a model
            of several labels a photo, what is said of such.
    """

    crops: Counted
    threads: Counted
    stops_early: bool = False
    crops_used: CropUse | None = None
    interpreter: str = ""
    delegate: str = ""
    asked_delegate: str = "default"
    latency: dict[str, Latency] | None
    intervals: dict[str, dict[str, Interval]] | None = None
    spread: Spread | None = None
    slowdown: NoLess | None = None
    first_ms: NoLess | None = None
    cold: ColdStart | None
    evaluation: Judgement

    def __post_init__(self) -> None:
        """Hold that a latency has its total, and no stage that nobody knows."""
        for found in (self.latency, self.intervals):
            if found is not None and not {"total"} <= found.keys() <= set(STAGES):
                raise EdgekitError(
                    f"a latency must have total, and of the stages {', '.join(STAGES[:-1])},"
                    f" got {sorted(found)!r:.200}; measure it again"
                )

    @property
    def label(self) -> str:
        """``10 crops``, or ``≤10 crops`` where verdicts may stop early."""
        return f"≤{self.crops} crops" if self.stops_early else count(self.crops, "crop")

    @property
    def setting(self) -> Setting:
        """How it was asked for, and the interpreter that this came to mean, with its version."""
        return Setting(
            crops=self.crops,
            threads=self.threads,
            stops_early=self.stops_early,
            interpreter=self.interpreter,
            delegate=self.asked_delegate,
        )

    @property
    def series(self) -> str:
        """All but the crops: ``2 threads``, with interpreter and delegate where they were asked for."""
        asked = "" if self.asked_delegate == "default" else f", {self.asked_delegate}"
        return f"{count(self.threads, 'thread')}, {self.interpreter}{asked}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatStates:
    """How a device was before and after one repeat: clocks, temperatures, battery."""

    before: State
    after: State


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBench:
    """What was measured on one device.

    Attributes:
        device: The device as the user wrote it: ``local``, ``ssh://…``, ``adb://…``; of an app's export
            ``android://`` or ``web://`` and the phone's name.
        kind: ``local``, ``ssh`` or ``adb``; ``android`` or ``web`` inside an app.
        emulated: Name of the emulator; empty for a real device.
        no_latency: Why there are no latencies; empty where there are.
        no_cold: Why there are no cold starts; empty where there are, or no latencies either.
        throttling: None where the repeats were too short to tell.
        recommended: The setting to use; None where no point is within the budget, or none has a latency.
    """

    device: str
    kind: str
    emulated: str
    no_latency: str
    no_cold: str = ""
    conditions: Conditions
    throttling: Throttling | None
    repeats: tuple[RepeatStates, ...]
    points: tuple[BenchPoint, ...]
    recommended: Setting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeTimed:
    """One inference with so many threads: what the tool said in each repeat."""

    threads: Counted
    repeats: tuple[NativeLatency, ...]

    @property
    def mean_ms(self) -> float:
        """The median of the repeats' means."""
        return median(one.mean_ms for one in self.repeats)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeBench:
    """The network alone on a phone without a Python: one inference, no photo, no accuracy.

    Attributes:
        device: The device as the user wrote it.
        name: The phone's own name or chip.
        tool: Path of ``benchmark_model`` on the phone.
        machine: The phone's hardware and system, and its state at the beginning.
        after: State of the phone at the end.
    """

    device: str
    name: str
    tool: str
    machine: Machine
    after: State
    points: tuple[NativeTimed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRecord:
    """A benchmark of one model file on one or more devices, on the same photos.

    Attributes:
        devices: Those that ran the whole of it.
        native: Those that could time the network alone.
        left_out: With a model of regions: photos of the data that have none or several, and are neither timed nor
            judged.
    """

    model: str
    model_bytes: Counted
    file_sha256: str
    precision: str
    plan: str
    data_sha256: str
    part: str
    photos: Counted
    caution: str
    budget_ms: NoLess | None
    quick: bool
    devices: tuple[DeviceBench, ...]
    native: tuple[NativeBench, ...] = ()
    left_out: WithoutRegion | None = None


def pareto_points(devices: Sequence[DeviceBench]) -> list[ParetoPoint]:
    """Those points that have a latency, as latency (p95, ms) against their headline; crops make a series."""
    many = len(devices) > 1
    return [
        _pareto_point(point, f"{one.device}, {point.series}" if many else point.series)
        for one in devices
        for point in one.points
        if point.latency is not None
    ]


def _pareto_point(point: BenchPoint, series: str) -> ParetoPoint:
    assert point.latency is not None
    accuracy = point.evaluation.headline
    return ParetoPoint(
        label=point.label,
        series=series,
        latency_ms=point.latency["total"].p95_ms,
        accuracy=accuracy.value,
        low=accuracy.low,
        high=accuracy.high,
    )


def recommend(points: Sequence[BenchPoint], budget_ms: float | None) -> BenchPoint | None:
    """The most accurate point whose p95 latency is within the budget; the faster of equals; None when none is."""
    within = [
        point
        for point in points
        if point.latency is not None and (budget_ms is None or point.latency["total"].p95_ms <= budget_ms)
    ]
    if not within:
        return None
    return within[pareto_front([_pareto_point(point, point.series) for point in within])[-1]]
