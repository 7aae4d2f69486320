"""Measures one model on this machine and tells what it finds as it goes: one row a step, raw times and scores.

In this order: the machine; the scores of every photo, one pass with the largest number of crops; cold starts, each in a
process of its own, which is also where memory is measured; then the repeats. In a repeat all settings take turns, in
an order that is drawn anew each time, and run the same photos, so that drift hits all alike. Nothing is summarised
here: hosts do that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.arrays import Int64Array
from edgekit.errors import InterpreterError, PhotoError
from edgekit.records import plain
from edgekit.runtime.agent.affinity import pin
from edgekit.runtime.agent.cold_start import cold_start
from edgekit.runtime.agent.job import BLOCK_RUNS, FORMAT, Job, Setting, block_photos
from edgekit.runtime.agent.machine import read_machine
from edgekit.runtime.agent.sensors import State, read_state
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.classifier import Classifier, Verdict
from edgekit.terminal import printable

# How often a pause is told of, so that a host does not take it for a hang.
_PAUSE_S = 5.0

JobRow = dict[str, Any]


def run_job(job: Job) -> Iterator[JobRow]:
    """Run a job.

    Returns:
        Rows of plain values. The last one is ``end`` with the number of those before it: where it is missing, rows are.

    Raises:
        ContractError: no model of edgekit.
        InterpreterError: no such interpreter, cores or delegate, or the delegate does not run the model.
        PhotoError: a photo that is timed can't be decoded.
    """
    count = 0
    for row in _rows(job):
        count += 1
        yield row
    yield {"type": "end", "rows": count}


def _rows(job: Job) -> Iterator[JobRow]:
    before = read_machine()
    cores = pin(job.affinity, before.clusters)
    if job.pace.repeats:
        # Before hours of work, not after them.
        _too_warm(job, before.state)
    bundle = read_bundle(Path(job.model))
    yield {
        "type": "hello",
        "format": FORMAT,
        "machine": plain(before),
        "cores": cores,
        "engines": [_engine(bundle, *engine) for engine in job.engines],
    }
    yield from _scores(job, bundle, threads=len(cores) if cores else 1)
    yield from _cold_starts(job)
    for repeat in range(job.done.repeats, job.pace.repeats):
        yield from _pause(job)
        yield {"type": "begin", "repeat": repeat, "state": plain(read_state())}
        with contextlib.ExitStack() as opened:
            yield from _repeat(_Timing(job, bundle, opened), repeat)
        yield {"type": "finish", "repeat": repeat, "state": plain(read_state())}


def _engine(bundle: Bundle, interpreter: str | None, delegate: str) -> JobRow:
    """What an interpreter and a delegate that were asked for turn out to be."""
    with Classifier(bundle, backend=interpreter, delegate=delegate) as classifier:
        return {"interpreter": classifier.interpreter, "delegate": classifier.delegate}


def _scores(job: Job, bundle: Bundle, *, threads: int) -> Iterator[JobRow]:
    """The scores of one pass, photo by photo."""
    if not job.crops:
        return
    for number, (interpreter, delegate) in enumerate(job.engines):
        left = range(max(0, job.done.scored - number * len(job.photos)), len(job.photos))
        if not left:
            continue
        # Scores do not depend on the number of threads: each crop is run by an interpreter with one.
        with Classifier(bundle, threads=threads, backend=interpreter, delegate=delegate) as classifier:
            for photo in left:
                row: JobRow = {"type": "scores", "engine": number, "photo": photo}
                try:
                    verdict = classifier.classify(job.photos[photo], crops=job.crops)
                except PhotoError as failure:
                    yield {**row, "type": "failed", "error": printable(str(failure))}
                else:
                    scores = [[_short(p) for p in crop.probabilities] for crop in verdict.crops]
                    yield {**row, "ms": round(verdict.ms.total_ms, 3), "scores": scores}


def _short(probability: float) -> float:
    """The shortest number that gives the same float32."""
    return float(f"{probability:.9g}")


def _cold_starts(job: Job) -> Iterator[JobRow]:
    for at in range(job.done.cold_starts, len(job.settings) * job.pace.cold_starts):
        number, time_ = at % len(job.settings), at // len(job.settings)
        setting = job.settings[number]
        cold = cold_start(
            Path(job.model),
            Path(job.photos[job.timed[time_ % len(job.timed)]]),
            crops=setting.asked,
            threads=setting.threads,
            interpreter=setting.interpreter,
            delegate=setting.delegate,
        )
        yield {"type": "cold", "setting": number, **plain(cold)}


def _pause(job: Job) -> Iterator[JobRow]:
    """Let the machine cool."""
    began = time.monotonic()
    while (left := job.pace.cool_down_s - (time.monotonic() - began)) > 0:
        state = read_state()
        if not _too_warm(job, state):
            return
        yield {"type": "pause", "left_s": left, "hottest_c": state.hottest_c}
        time.sleep(min(left, _PAUSE_S))


def _too_warm(job: Job, state: State) -> bool:
    """Whether a pause must go on, which without a temperature to wait for it always must."""
    if job.pace.cool_to_c is None:
        return True
    if state.hottest_c is None:
        raise InterpreterError(
            f"no temperature can be read here, asked to cool to {job.pace.cool_to_c:g} °C; name seconds instead"
        )
    return state.hottest_c > job.pace.cool_to_c


class _Timing:
    """The classifiers of one repeat, made when first needed: settings that differ in crops alone share one."""

    def __init__(self, job: Job, bundle: Bundle, opened: contextlib.ExitStack) -> None:
        self.job = job
        self._bundle, self._opened = bundle, opened
        self._classifiers: dict[tuple[object, ...], Classifier] = {}

    def classify(self, setting: Setting, photo: int) -> Verdict:
        """Classify one photo as a setting says."""
        key = (*setting.engine, setting.threads)
        if key not in self._classifiers:
            interpreter, delegate = setting.engine
            made = Classifier(self._bundle, threads=setting.threads, backend=interpreter, delegate=delegate)
            self._classifiers[key] = self._opened.enter_context(made)
        return self._classifiers[key].classify(self.job.photos[photo], crops=setting.asked)

    def warm_up(self, setting: Setting) -> JobRow:
        """Runs that are not counted; the first of them is told."""
        pace, timed = self.job.pace, self.job.timed
        began, runs, first = time.perf_counter(), 0, 0
        while runs < max(1, pace.warmup_runs) or time.perf_counter() - began < pace.warmup_s:
            verdict = self.classify(setting, timed[runs % len(timed)])
            first = first or round(verdict.ms.total_ms * 1e6)
            runs += 1
        return {"type": "warm", "runs": runs, "first_ns": first}

    def block(self, setting: Setting, block: int) -> tuple[list[int], list[Int64Array]]:
        """So many counted runs: crops and nanoseconds by stage of each."""
        photos = block_photos(self.job, block)
        # What another setting left in the caches is not this one's to pay for in every block.
        self.classify(setting, self.job.timed[(block * BLOCK_RUNS - 1) % len(self.job.timed)])
        crops, spent = [], []
        for photo in photos:
            verdict = self.classify(setting, photo)
            ms = verdict.ms
            crops.append(len(verdict.crops))
            spent.append(np.rint(1e6 * np.array([ms.decode_ms, ms.crop_ms, ms.invoke_ms, ms.vote_ms])).astype(np.int64))
        return crops, spent


def _repeat(timing: _Timing, repeat: int) -> Iterator[JobRow]:
    job = timing.job
    rng = np.random.default_rng([job.seed, repeat])
    left = list(range(len(job.settings)))
    spent_s = dict.fromkeys(left, 0.0)
    began_ns = time.perf_counter_ns()
    block = 0
    while left:
        for number in rng.permutation(left).tolist():
            setting = job.settings[number]
            if block == 0:
                yield {**timing.warm_up(setting), "repeat": repeat, "setting": number}
            at_ns = time.perf_counter_ns() - began_ns
            crops, spent = timing.block(setting, block)
            spent_s[number] += float(np.sum(spent)) / 1e9
            yield {
                "type": "runs",
                "repeat": repeat,
                "setting": number,
                "block": block,
                "at_ns": at_ns,
                "crops": crops,
                "ns": [row.tolist() for row in spent],
            }
        block += 1
        enough = block * BLOCK_RUNS >= job.pace.min_runs
        left = [number for number in left if not (enough and spent_s[number] >= job.pace.min_s)]
