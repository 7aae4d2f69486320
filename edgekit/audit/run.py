"""The whole audit of a data set."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.audit.certainty import RULE, Problem, baselines, group_interval, leak_verdict, shuffle_all
from edgekit.audit.doubts import PIXELS, Unseen, find_doubts
from edgekit.audit.models import held_out_chances, held_out_scores
from edgekit.audit.options import AuditConfig
from edgekit.audit.probes import PROBES, Probe, varied
from edgekit.audit.reading import Reading, read_all
from edgekit.audit.record import AuditRecord, Example, GroupBalance, ProbeResult
from edgekit.audit.within import RULE as WITHIN_RULE
from edgekit.audit.within import find_within
from edgekit.data.dataset import Dataset
from edgekit.data.lookalikes import find_same
from edgekit.data.options import guess_bona_fide
from edgekit.errors import DataError
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress

_LEAST_PHOTOS = 8
_FEW_GROUPS = 8
_GROUP_RESULT = ProbeResult(
    name="group", family="group", what="the group's name alone", seen="as far as groups look different", varies=True
)


def audit_dataset(
    dataset: Dataset,
    config: AuditConfig | None = None,
    *,
    unseen: Unseen | None = None,
    progress: Progress = SILENT,
) -> AuditRecord:
    """Find out what gives the labels away other than the picture.

    Args:
        dataset: Photos with labels, and groups if there are any.
        config: Options of the audit; None takes the defaults.
        unseen: What models say of these photos that had not seen them, to doubt labels by; None takes a small model on
            trivial pixels.
        progress: Told of each step.

    Returns:
        The record. Equal data and config give equal records but for the seconds.

    Raises:
        DataError: a class has too few photos to say anything, or a photo changed meanwhile.
    """
    config = config or AuditConfig()
    began = time.monotonic()
    counts = Counter(sample.label for sample in dataset.samples)
    few = {label: number for label, number in sorted(counts.items()) if number < _LEAST_PHOTOS}
    if few:
        raise DataError(f"{dataset.root}: an audit needs {_LEAST_PHOTOS} photos of every class, got {few}; add photos")
    readings = read_all(dataset, progress)
    problem = _problem(dataset, readings, config)
    bona_fide = guess_bona_fide(dataset.labels) if config.bona_fide is None else config.bona_fide
    samples = [one.sample for one in readings]
    cells = Counter((sample.group, sample.label) for sample in dataset.samples)
    photos_of = {group: {label: cells[group, label] for label in dataset.labels} for group in dataset.groups}
    return AuditRecord(
        data=dataset.root.resolve().name,
        data_sha256=dataset.sha256,
        photos=len(readings),
        labels=dataset.labels,
        bona_fide=bona_fide,
        groups=tuple(GroupBalance(group=group, photos=photos) for group, photos in photos_of.items()),
        config=config,
        rule=RULE,
        within_rule=WITHIN_RULE,
        probes=_judged(_probe(readings, dataset.labels, problem, config, progress), attacks=bool(bona_fide)),
        within=find_within(readings, dataset.labels, only=config.only, seed=config.seed, progress=progress),
        one_class=tuple(group for group, photos in photos_of.items() if sum(map(bool, photos.values())) == 1),
        same=find_same(samples, [one.phash for one in readings], [one.sha256 for one in readings], config.near_bits),
        doubts=find_doubts(unseen or judge_pixels(readings, problem), dataset.labels),
        cautions=_cautions(dataset),
        seconds=time.monotonic() - began,
    )


def _problem(dataset: Dataset, readings: Sequence[Reading], config: AuditConfig) -> Problem:
    y = np.array([dataset.labels.index(one.sample.label) for one in readings], np.int64)
    unit = None
    if len(dataset.groups) > 1:
        unit = np.array([dataset.groups.index(one.sample.group) for one in readings], np.int64)
    return Problem(y=y, unit=unit, folds=config.folds, shuffles=config.shuffles, seed=config.seed)


def judge_pixels(readings: Sequence[Reading], problem: Problem) -> Unseen:
    """What a small model on trivial pixels says of photos of groups that it was not fitted to."""
    names = ("colour", "brightness", "blur", "histogram", "corners", "texture")
    x = np.stack([np.concatenate([getattr(one.pixels, name) for name in names]) for one in readings])
    chances = held_out_chances(x, problem.y, problem.deal(problem.y))
    paths = tuple(one.sample.path for one in readings)
    return Unseen(judge=PIXELS, paths=paths, targets=problem.y, chances=chances)


def _cautions(dataset: Dataset) -> tuple[str, ...]:
    found = []
    if len(dataset.groups) < 2:
        found.append(
            "no groups: cheats were tested on photos of the sessions that they were fitted to, so they look better "
            "than they are on new ones"
        )
    elif len(dataset.groups) < _FEW_GROUPS:
        found.append(f"only {count(len(dataset.groups), 'group')}: intervals over so few are narrower than the truth")
    if dataset.bad:
        found.append(f"{len(dataset.bad)} damaged photos were left out")
    return tuple(found)


def _judged(found: tuple[ProbeResult, ...], *, attacks: bool) -> tuple[ProbeResult, ...]:
    """Of a file's properties none is ever content. Of pixels any may be, where no class is of genuine photos."""
    return tuple(
        replace(one, verdict="could be content")
        if one.family == "pixels" and one.verdict != "fine" and not attacks
        else one
        for one in found
    )


def _probe(
    readings: Sequence[Reading], labels: Sequence[str], problem: Problem, config: AuditConfig, progress: Progress
) -> tuple[ProbeResult, ...]:
    tables = [(probe, probe.numbers(readings)) for probe in PROBES if probe.name in config.only or not config.only]
    active = [(probe, x) for probe, x in tables if varied(x)]
    folds = problem.deal(problem.y)
    scores = [held_out_scores(x, problem.y, folds, probe.cheat) for probe, x in active]
    estimates = [group_interval(problem.y, one.argmax(axis=1), problem.unit, seed=config.seed) for one in scores]
    reached = shuffle_all(problem, [(x, probe.cheat) for probe, x in active], progress)
    own = _group_itself(problem)
    if own is not None:
        estimates.append(own[0])
        reached = np.column_stack([reached, own[1]])
    lines = baselines([one.value for one in estimates], reached)
    results = {
        probe.name: ProbeResult(
            name=probe.name, family=probe.family, what=probe.what, seen=probe.seen, varies=varied(x)
        )
        for probe, x in tables
    }
    for (probe, _), score in zip(active, scores, strict=True):
        examples = _examples(probe, readings, labels, problem.y, score, config.examples)
        results[probe.name] = replace(results[probe.name], examples=examples)
    if own is not None:
        results["group"] = _GROUP_RESULT
    measured = [name for name, result in results.items() if result.varies]
    for name, found, line in zip(measured, estimates, lines, strict=True):
        verdict = leak_verdict(problem, found, line.p)
        results[name] = replace(results[name], balanced_accuracy=found, baseline=line, verdict=verdict)
    return tuple(results.values())


def _group_itself(problem: Problem) -> tuple[Estimate, Float64Array] | None:
    """What the group's name says of the class, on the very photos it was counted on, and on shuffled labels.

    A group that was never seen says nothing, so this can't be tested on other groups. Shuffles have the same advantage.
    """
    if problem.unit is None:
        return None
    unit, y = problem.unit, problem.y
    rng = np.random.default_rng(problem.seed)
    said = _shares(unit, y).argmax(axis=1)[unit]
    shuffles = (rng.permutation(y) for _ in range(problem.shuffles))
    reached = np.array([float(_shares(unit, labels).max(axis=1).sum() * problem.chance) for labels in shuffles])
    return group_interval(y, said, unit, seed=problem.seed), reached


def _shares(unit: Int64Array, y: Int64Array) -> Float64Array:
    """How much of each class each group has; (groups, k), whose columns sum to 1."""
    k = int(y.max()) + 1
    counts = np.bincount(unit * k + y, minlength=(int(unit.max()) + 1) * k).reshape(-1, k)
    shares: Float64Array = counts / counts.sum(axis=0)
    return shares


def _examples(
    probe: Probe, readings: Sequence[Reading], labels: Sequence[str], y: Int64Array, scores: Float64Array, count: int
) -> tuple[Example, ...]:
    """The photos of each class that a cheat was surest of and right, of as many groups as there are."""
    # Of photos that are named right, their own class has the highest score: the second is the nearest other class's.
    lead = scores[np.arange(len(y)), y] - np.partition(scores, -2, axis=1)[:, -2]
    examples = []
    for label in range(len(labels)):
        rows = np.flatnonzero((y == label) & (scores.argmax(axis=1) == label))
        ranked = rows[np.argsort(-lead[rows], kind="stable")].tolist()
        # One photo of a group before the second of any.
        turn, seen = {}, Counter[str]()
        for row in ranked:
            turn[row] = seen[readings[row].sample.group]
            seen[readings[row].sample.group] += 1
        shown = [readings[row] for row in sorted(ranked, key=lambda row: turn[row])[:count]]
        examples += [Example(path=one.sample.path, label=labels[label], value=probe.value(one)) for one in shown]
    return tuple(examples)
