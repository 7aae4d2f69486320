"""Stage 5: latency against accuracy on one or more devices, for every way to run a model, on the same photos."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit.bench.conditions import Conditions, device_name
from edgekit.bench.latency import slowdown, summarise, throttling
from edgekit.bench.ledger import Ledger
from edgekit.bench.network_alone import time_alone
from edgekit.bench.options import BenchConfig
from edgekit.bench.record import (
    BenchPoint,
    BenchRecord,
    DeviceBench,
    NativeBench,
    recommend,
)
from edgekit.bench.session import lines_path, mark_reported, measure_on
from edgekit.contract import Contract
from edgekit.data.checks import format_of
from edgekit.data.dataset import Dataset
from edgekit.devices.device import Device
from edgekit.devices.local import LocalDevice
from edgekit.errors import DataError, DeviceError, EdgekitError
from edgekit.evaluate.accuracy import ScoredPhotos, crops_used, model_source
from edgekit.evaluate.photos import Chosen, choose_photos
from edgekit.evaluate.several import judgement_of
from edgekit.metrics.several import Judgement
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, write_json
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.job import Job, Setting
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.bundle import read_bundle
from edgekit.runtime.photo import decode
from edgekit.runtime.readers import READ_EVERYWHERE
from edgekit.scoring.regions import regions_for
from edgekit.scoring.scores import CropUse, Scores


def benchmark(
    model: Path,
    dataset: Dataset,
    config: BenchConfig,
    *,
    devices: Sequence[Device] = (),
    out: Path | None = None,
    progress: Progress = SILENT,
) -> BenchRecord:
    """Measure one model file on devices, one after another; a re-run goes on where one of them broke off.

    Accuracy comes from one pass with the largest number of crops, of which smaller ones are prefixes, for every
    interpreter and delegate. Latencies are measured for each point by itself, all points in turn on the same photos.

    Args:
        model: Path of the model file.
        dataset: Labelled photos.
        config: The settings that are swept, and how long each is timed.
        devices: This machine where there are none.
        out: Folder for the record and for each device's lines; None keeps none.
        progress: Told of every step.

    Raises:
        ContractError: no model of edgekit.
        DataError: labels that the model doesn't know, or photos that only the host can read.
        DeviceError: a device can't be reached or tells nonsense; what the others and itself told is kept.
    """
    plan = BenchPlan(model, dataset, config, progress=progress)
    measured: dict[str, DeviceBench] = {}
    native: list[NativeBench] = []
    failures: list[DeviceError] = []
    lines: list[Path] = []
    with tempfile.TemporaryDirectory() as folder:
        photos = _readable(plan.paths, Path(folder))
        for device in devices or (LocalDevice(),):
            try:
                if device.network_timer is not None:
                    native.append(time_alone(device, device.network_timer, model, config, progress=progress))
                    continue
                place = lines_path(out, model, device) if out is not None else None
                job = plan.job(photos, emulated=bool(device.emulated))
                ledger = measure_on(
                    device, job, plan.contract, lines=place, idle_timeout_s=config.timeout_s, progress=progress
                )
            except DeviceError as failure:
                if len(devices) < 2:
                    raise
                progress.say(f"{failure}; going on with the other devices")
                failures.append(failure)
            else:
                measured[device.name] = device_bench(Measurer.of(device), ledger, job, plan)
                lines += [place] if place is not None else []
    if failures:
        raise DeviceError("; ".join(map(str, failures)) + "; run the same command again: the other devices are done")
    if file_sha256(model) != plan.bundle.file_sha256:
        raise EdgekitError(f"{model} was replaced while it was measured; run the same command again")
    record = plan.record(tuple(measured.values()), tuple(native))
    if out is not None:
        write_json(record_path(out, model), record)
    # Not before: what ends in between must find the lines again.
    for place in lines:
        mark_reported(place)
    return record


def record_path(folder: Path, model: Path) -> Path:
    """Where the record of a model's benchmark lies: ``model.bench.json``."""
    return folder / f"{model.stem}.bench.json"


class BenchPlan:
    """What is the same for every device.

    Args:
        model: Path of the model file.
        dataset: Labelled photos.
        config: What is measured of them.
        progress: With a model of regions told of every photo, and of those that are left out.

    Attributes:
        chosen: The photos that are measured.
        targets: The class of each in the model's order.
        settings: The ways to run the model that the config names.
    """

    def __init__(self, model: Path, dataset: Dataset, config: BenchConfig, *, progress: Progress = SILENT) -> None:
        self.model, self.config = model, config
        self.bundle = read_bundle(model)
        self.dataset = dataset = regions_for(self.bundle, dataset, progress=progress)
        self.model_bytes = model.stat().st_size
        self.contract = self.bundle.contract
        self.chosen: Chosen = choose_photos(dataset, self.contract, config.part)
        self.paths = tuple(dataset.path_of(sample) for sample in self.chosen.samples)
        self.targets = model_source(self.contract, dataset, self.chosen.samples).targets
        self.settings = settings(self.contract, config)

    def job(self, photos: tuple[Path, ...], *, emulated: bool) -> Job:
        """What a device is asked, with paths of this machine; of an emulated one, scores alone."""
        config = self.config
        order = np.random.default_rng(config.seed).permutation(len(photos)).tolist()
        # What a device can't read was decoded here, which would flatter it.
        timed = [at for at in order if photos[at] == self.paths[at]][: config.runs]
        if not timed:
            raise DataError("latency is measured on photos that devices can read, got HEIC or AVIF alone; add a JPEG")
        seconds, degrees = config.pause()
        pace = Pace(
            warmup_runs=config.warmup,
            warmup_s=config.warmup_seconds,
            min_runs=config.runs,
            min_s=config.min_seconds,
            repeats=0 if emulated else config.repeats,
            cold_starts=0 if emulated else config.repeats,
            cool_down_s=seconds,
            cool_to_c=degrees,
        )
        return Job(
            model=str(self.model),
            photos=tuple(map(str, photos)),
            crops=max(*config.crops, self.contract.plan.crops),
            timed=tuple(timed),
            settings=tuple(self.settings),
            pace=pace,
            seed=config.seed,
            affinity=config.affinity,
        )

    def record(self, devices: tuple[DeviceBench, ...], native: tuple[NativeBench, ...]) -> BenchRecord:
        """The record of all devices."""
        return BenchRecord(
            model=self.model.name,
            model_bytes=self.model_bytes,
            file_sha256=self.bundle.file_sha256,
            precision=self.contract.precision,
            plan=str(self.contract.plan),
            data_sha256=self.dataset.sha256,
            part=self.chosen.part,
            photos=len(self.chosen.samples),
            caution=self.chosen.caution,
            budget_ms=self.config.budget_ms,
            quick=self.config.quick,
            devices=devices,
            native=native,
            left_out=None if self.dataset.regions is None else self.dataset.regions.left_out,
        )


def _readable(paths: tuple[Path, ...], folder: Path) -> tuple[Path, ...]:
    """The photos as every device can read them: HEIC and AVIF as PNG with the same pixels."""
    found = []
    for number, path in enumerate(paths):
        if format_of(path) not in READ_EVERYWHERE:
            found.append(folder / f"{number}.png")
            decode(path).save(found[-1], compress_level=1)
        else:
            found.append(path)
    return tuple(found)


def settings(contract: Contract, config: BenchConfig) -> list[Setting]:
    """What a benchmark of a model times: every number of crops and, where the contract has bounds, the early end."""
    crops = [(count, False) for count in dict.fromkeys(config.crops)]
    if contract.decision.early_stop is not None:
        crops.append((contract.plan.crops, True))
    return [
        Setting(crops=count, threads=threads, stops_early=early, interpreter=interpreter, delegate=delegate)
        for interpreter in dict.fromkeys(config.interpreters) or (None,)
        for delegate in dict.fromkeys(config.delegates)
        for threads in dict.fromkeys(config.threads)
        for count, early in crops
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurer:
    """What measured.

    Attributes:
        name: The device, as records name it.
        kind: How it was reached.
        emulated: Name of the emulator; empty for a real device.
        app: The app that measured inside itself; empty for a process of this kit.
    """

    name: str
    kind: str
    emulated: str = ""
    app: str = ""

    @classmethod
    def of(cls, device: Device) -> Measurer:
        """A device that ran the kit's own agent."""
        return cls(name=device.name, kind=device.kind, emulated=device.emulated)


def device_bench(measurer: Measurer, ledger: Ledger, job: Job, plan: BenchPlan) -> DeviceBench:
    """What one device told, as the record has it.

    Args:
        measurer: The device.
        ledger: Its rows, complete.
        job: What it was asked.
        plan: What all were asked.
    """
    # A device may also turn out to be emulated.
    emulated = measurer.emulated or ("an emulator of another processor" if ledger.hello.machine.emulated else "")
    judged: dict[tuple[object, ...], tuple[CropUse | None, Judgement]] = {}
    points = []
    for number, setting in enumerate(job.settings):
        engine = job.engines.index(setting.engine)
        key = (engine, setting.crops, setting.stops_early)
        if key not in judged:
            judged[key] = _judge(setting, Scores(crops=ledger.scores[engine], targets=plan.targets), plan)
        point = BenchPoint(
            crops=setting.crops,
            threads=setting.threads,
            stops_early=setting.stops_early,
            crops_used=judged[key][0],
            interpreter=ledger.hello.engines[engine].interpreter,
            delegate=ledger.hello.engines[engine].delegate,
            asked_delegate=setting.delegate,
            latency=None,
            cold=None,
            evaluation=judged[key][1],
        )
        points.append(point if emulated else _timed(point, ledger, number))
    runs = [] if emulated else [ledger.runs(number) for number in range(len(job.settings))]
    best = recommend(points, plan.config.budget_ms)
    return DeviceBench(
        device=measurer.name,
        kind=measurer.kind,
        emulated=emulated,
        no_latency=f"{emulated} takes its own time" if emulated else "",
        no_cold="an app measures inside its own process" if measurer.app and not emulated else "",
        conditions=replace(conditions_of(ledger, job, plan.config), app=measurer.app),
        throttling=throttling(runs) if runs else None,
        repeats=tuple(ledger.states),
        points=tuple(points),
        recommended=None if best is None else best.setting,
    )


def _judge(setting: Setting, scores: Scores, plan: BenchPlan) -> tuple[CropUse | None, Judgement]:
    """How many crops the verdicts take, and what they are worth."""
    photos = ScoredPhotos.of(
        scores, plan.chosen.samples, plan.contract, crops=setting.crops, stops_early=setting.stops_early
    )
    return crops_used(photos), judgement_of(photos)


def _timed(point: BenchPoint, ledger: Ledger, number: int) -> BenchPoint:
    """The point with its latencies."""
    runs = ledger.runs(number)
    timed, cold = summarise(runs), ledger.cold[number]
    peaks = [one.peak_memory_mb for one in cold if one.peak_memory_mb is not None]
    return replace(
        point,
        **timed._asdict(),
        slowdown=slowdown(runs),
        first_ms=float(np.median(ledger.first_ms(number))),
        cold=None
        if not cold
        else ColdStart(
            cold_start_ms=float(np.median([one.cold_start_ms for one in cold])),
            first_ms=float(np.median([one.first_ms for one in cold])),
            peak_memory_mb=max(peaks, default=None),
        ),
    )


def conditions_of(ledger: Ledger, job: Job, config: BenchConfig) -> Conditions:
    """Where and how a device measured."""
    hello = ledger.hello
    machine = hello.machine
    return Conditions(
        device=device_name(machine),
        int8_instructions=machine.int8_instructions,
        system=f"{machine.kernel.partition(' ')[0]} {machine.architecture}",
        python=machine.python or "",
        cores=len(hello.cores) if hello.cores else machine.cores or 1,
        interpreter=", ".join(dict.fromkeys(one.interpreter for one in hello.engines)),
        delegate=", ".join(dict.fromkeys(one.delegate for one in hello.engines)),
        warmup=job.pace.warmup_runs,
        timed_photos=len(set(job.timed)) if job.pace.repeats else 0,
        warmup_s=job.pace.warmup_s,
        min_runs=job.pace.min_runs,
        min_s=job.pace.min_s,
        repeats=job.pace.repeats,
        quick=config.quick,
        affinity=job.affinity,
        used_cores=hello.cores,
        cool_down=config.cool_down,
        machine=machine,
        after=ledger.states[-1].after if ledger.states else None,
        sessions=ledger.sessions,
    )
