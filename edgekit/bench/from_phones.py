"""What apps measured on phones, as a device behind ssh would have told it: the same checks, the same record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.bench.benchmark import BenchPlan, Measurer, device_bench, record_path
from edgekit.bench.ledger import Ledger
from edgekit.bench.options import BenchConfig
from edgekit.bench.record import BenchRecord, DeviceBench
from edgekit.data.dataset import load_dataset
from edgekit.data.options import DataReading
from edgekit.errors import DataError, DeviceError
from edgekit.phones.export import scratch_of
from edgekit.phones.sweep import ROWS_NAME, Sweep, check_sweep, read_sweep
from edgekit.progress import SILENT, Progress
from edgekit.records import write_json
from edgekit.runtime.bundle import read_bundle


def benchmark_of_exports(
    model: Path,
    exports: Sequence[Path],
    *,
    budget_ms: float | None = None,
    out: Path | None = None,
    progress: Progress = SILENT,
) -> BenchRecord:
    """The record of one model file on phones whose apps measured it.

    Accuracy is that of the scores that the phones told, latency that of their runs; nothing is run here.

    Args:
        model: The model file that the apps had.
        exports: Zip files of the apps, of different phones and the same photos.
        budget_ms: Milliseconds that 95 of 100 verdicts may take; None recommends without a limit.
        out: Folder for the record; None writes none.
        progress: Told of every step.

    Raises:
        ContractError: no model of edgekit.
        DataError: no export of a benchmark, one of another model or other photos, or two of one phone.
        DeviceError: rows that are not what the job asks for.
    """
    bundle = read_bundle(model)
    reading = DataReading(multi_label=bundle.contract.multi_label is not None)
    devices = dict[str, DeviceBench]()
    plans = list[tuple[Path, BenchPlan]]()
    with scratch_of(exports) as folders:
        for path, folder in zip(exports, folders, strict=True):
            sweep = read_sweep(path, folder)
            check_sweep(sweep, bundle.contract, bundle.file_sha256, model)
            if sweep.device in devices:
                raise DataError(f"{path}: an export must be of another phone, got {sweep.device} again; leave one out")
            dataset = load_dataset(folder, reading=reading, known=bundle.contract.labels, progress=progress)
            plan = BenchPlan(model, dataset, _config(sweep, budget_ms), progress=progress)
            _refuse_unlike([*plans, (path, plan)])
            devices[sweep.device] = _replayed(sweep, plan)
            plans.append((path, plan))
    record = plans[0][1].record(tuple(devices.values()), ())
    if out is not None:
        write_json(record_path(out, model), record)
    return record


def _config(sweep: Sweep, budget_ms: float | None) -> BenchConfig:
    """The options with which a benchmark of this machine would have measured the same."""
    job = sweep.job
    return BenchConfig(
        crops=tuple(dict.fromkeys(one.crops for one in job.settings)),
        threads=tuple(dict.fromkeys(one.threads for one in job.settings)),
        delegates=tuple(dict.fromkeys(one.delegate for one in job.settings)),
        runs=job.pace.min_runs,
        min_seconds=job.pace.min_s,
        warmup=job.pace.warmup_runs,
        warmup_seconds=job.pace.warmup_s,
        repeats=job.pace.repeats,
        cool_down=f"{job.pace.cool_down_s:g}" if job.pace.cool_down_s else "",
        budget_ms=budget_ms,
        quick=sweep.head.quick,
        # The phone measured all that it had.
        part="all",
        seed=job.seed,
    )


def _refuse_unlike(plans: Sequence[tuple[Path, BenchPlan]]) -> None:
    """Hold that exports of one record are of the same photos and equally thorough."""
    (first, one), (last, other) = plans[0], plans[-1]
    for what, was, now in (
        ("the photos", one.dataset.sha256[:12], other.dataset.sha256[:12]),
        ("the short sweep (quick)", one.config.quick, other.config.quick),
    ):
        if was != now:
            raise DataError(
                f"exports of one benchmark must agree in {what}, got {was} in {first} and {now} in {last}; make a"
                " record of each with its own --out"
            )


def _replayed(sweep: Sweep, plan: BenchPlan) -> DeviceBench:
    """A phone's rows, checked one after another as those of a device are."""
    job = sweep.job.to_job(sweep.folder)
    ledger = Ledger(job, plan.contract)
    for number, row in enumerate(sweep.rows, 2):
        try:
            told = ledger.take(row)
        except DeviceError as mistake:
            raise DeviceError(f"{sweep.path}: {ROWS_NAME} line {number}: {mistake}; measure it again") from mistake
        if told == "hello" and number > 2:
            raise DeviceError(f"{sweep.path}: {ROWS_NAME} line {number}: it must begin once; measure it again")
    if not ledger.ended:
        raise DeviceError(f"{sweep.path}: {ROWS_NAME} stops before the sweep's end; measure it again")
    at = {photo.path: number for number, photo in enumerate(sweep.job.photos)}
    ledger.scores = ledger.scores[:, [at[sample.path] for sample in plan.chosen.samples]]
    measurer = Measurer(name=sweep.device, kind=sweep.head.platform, app=sweep.head.app)
    return device_bench(measurer, ledger, job, plan)
